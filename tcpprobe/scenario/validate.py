"""The shape of a file, checked: pydantic's errors told at their places, with hints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from tcpprobe.marked.node import Kind, Node
from tcpprobe.marked.problem import Problem, did_you_mean
from tcpprobe.scenario import shape, shape_packet, shape_step

Path = tuple[str | int, ...]

#: The model that owns a key, by the last named part of the path to it.
_OWNERS: dict[str, type[BaseModel]] = {
    **{f"<{name}>": model for name, model in shape_step.STEPS.items()},
    **{f"<{name}>": model for name, model in shape_packet.ALTERNATIVES.items()},
    "<pattern>": shape_packet.PatternBody,
    "<flags>": shape_packet.FlagSet,
    "<icmp>": shape_packet.IcmpNumbers,
    "<quote>": shape_packet.SegmentFields,
    "<given>": shape.GivenBody,
    "<action>": shape_step.ActionBody,
    "send": shape_packet.SendBody,
    "fragment": shape_packet.Fragment,
    "<piece>": shape_packet.Piece,
    "scenarios": shape.ScenarioBody,
}


def validate(node: Node) -> tuple[list[Problem], list[int]]:
    """What is wrong with the shape of a file, and the indices of the scenarios whose shape is right."""
    if node.kind is not Kind.MAP:
        return [node.problem(f"a scenario file is a mapping with title and scenarios, this is {node.kind}")], []
    scenarios = node.get("scenarios")
    right = range(0 if scenarios is None else len(scenarios.elements()))
    try:
        shape.FileBody.model_validate(node.plain())
    except ValidationError as error:
        errors = error.errors(include_url=False)
        wrong = {one["loc"][1] for one in errors if len(one["loc"]) > 1 and one["loc"][0] == "scenarios"}
        # What the file says for all scenarios is asked for by each of them: with that wrong, none is read.
        head = any(one["loc"][:1] not in (("scenarios",), ("title",)) for one in errors)
        found = [_problem(node, one) for one in errors if not _misspelt(one, errors)]
        return found, [] if head else [index for index in right if index not in wrong]
    return [], list(right)


def _misspelt(missing: Any, errors: Iterable[Any]) -> bool:
    """Whether a key is only missing because it is there under a name that is almost right."""
    if missing["type"] != "missing":
        return False
    above, key = missing["loc"][:-1], str(missing["loc"][-1])
    beside = (one["loc"] for one in errors if one["type"] == "extra_forbidden" and one["loc"][:-1] == above)
    return any(did_you_mean(str(path[-1]), [key]).startswith("did you") for path in beside)


def _problem(root: Node, error: Any) -> Problem:
    path: Path = error["loc"]
    kind: str = error["type"]
    handler = _HANDLERS.get(kind)
    if handler is not None:
        return handler(root, path, error)
    return _at(root, path).problem(_named(path, error["msg"]))


def _plain_path(path: Path) -> list[str | int]:
    return [part for part in path if not (isinstance(part, str) and part.startswith("<"))]


def _at(root: Node, path: Path) -> Node:
    return root.find(_plain_path(path))


def _named(path: Path, message: str) -> str:
    """The message with the key it is about in front."""
    names = [part for part in _plain_path(path) if isinstance(part, str)]
    return f"{names[-1]} {message}" if names else message


def _unknown_key(root: Node, path: Path, _error: Any) -> Problem:
    key = str(path[-1])
    above = _at(root, path[:-1])
    at = above.keys.get(key, above)
    owner = _owner(path)
    known = _keys(owner)
    hint = _misplaced(key, path) or did_you_mean(key, known)
    return at.problem(f"unknown key {key!r}{_where(path)}", hint)


def _where(path: Path) -> str:
    names = [str(part) for part in _plain_path(path[:-1]) if isinstance(part, str)]
    step = path[-2] if len(path) > 1 else ""
    if isinstance(step, str) and step.strip("<>") in shape_step.STEPS and step.startswith("<"):
        return f" in a step that is '{step.strip('<>')}'"
    return f" in {names[-1]}" if names and names[-1] != "scenarios" else ""


def _misplaced(key: str, path: Path) -> str:
    """For a key that belongs one level up or down."""
    named = [part for part in path[:-1] if isinstance(part, str)]
    step = next((part for part in named if part.startswith("<") and part.strip("<>") in shape_step.STEPS), "")
    inside = named[-1:] and named[-1] != step
    beside = _keys(shape_step.STEPS[step.strip("<>")]) if step else set()
    if inside and key in beside and key not in shape_step.STEPS:
        return f"put it beside '{step.strip('<>')}', not into it"
    if not inside and step in ("<send>", "<expect>", "<eventually>"):
        inner = shape_packet.SendBody if step == "<send>" else shape_packet.PatternBody
        if key in _keys(inner):
            return f"put it into '{step.strip('<>')}', not beside it"
    return ""


def _owner(path: Path) -> type[BaseModel]:
    named = [part for part in path[:-1] if isinstance(part, str)]
    last = named[-1] if named else ""
    if last == "ip":
        return shape_packet.IpSent if "<send>" in path else shape_packet.IpExpected
    return _OWNERS.get(last, shape.FileBody)


def _keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _missing(root: Node, path: Path, _error: Any) -> Problem:
    above = _at(root, path[:-1])
    hint = "as in id: rst-in-window" if path[-1] == "id" else ""
    return above.problem(f"{str(path[-1])!r} is missing", hint)


def _no_step(root: Node, path: Path, _error: Any) -> Problem:
    node = _at(root, path)
    if node.kind is not Kind.MAP:
        return node.problem(f"a step is a mapping, this is {node.kind}", "as in - send: {flags: S}")
    found = [key for key in shape_step.STEPS if key in node.value]
    if len(found) > 1:
        at = node.keys[found[1]]
        return at.problem(f"one step cannot be {found[0]!r} and {found[1]!r}", "begin a new step with '- '")
    for key, at in node.keys.items():
        hint = did_you_mean(key, shape_step.STEPS)
        if hint.startswith("did you"):
            return at.problem(f"unknown kind of step {key!r}", hint)
    return node.problem("what kind of step is this?", f"it needs one of {', '.join(shape_step.STEPS)}")


def _word(root: Node, path: Path, error: Any) -> Problem:
    node = _at(root, path)
    known: Iterable[str] = error["ctx"]["known"]
    if node.kind is Kind.MAP or node.kind is Kind.LIST:
        return node.problem(_named(path, f"must be one of {', '.join(known)}, not {node.kind}"))
    value = node.value
    if value is None:
        return node.problem(_named(path, "is empty"))
    what = next((part for part in reversed(_plain_path(path)) if isinstance(part, str)), "word")
    if what in ("expect", "eventually", "any_of", "all_of"):
        return node.problem(f"{value!r} is nothing to expect", "a mapping of fields, 'nothing' or 'gone'")
    return node.problem(f"{what}: {value!r} is not known", did_you_mean(str(value), known))


def _wrong_kind(wanted: str) -> Any:
    def tell(root: Node, path: Path, _error: Any) -> Problem:
        node = _at(root, path)
        hint = (
            f"write [{node.value}]" if wanted == "a list" and node.kind is Kind.TEXT and path[-1] != "scenarios" else ""
        )
        return node.problem(_named(path, f"must be {wanted}, not {node.kind}"), hint)

    return tell


_YES_NO = {"yes": "true", "on": "true", "no": "false", "off": "false", "True": "true", "False": "false"}


def _kind(root: Node, path: Path, error: Any) -> Problem:
    node = _at(root, path)
    hint = ""
    if node.kind in (Kind.INT, Kind.FLOAT, Kind.BOOL) and "text" in error["msg"]:
        hint = f'write it in quotes: "{node.value}"' if node.kind is not Kind.BOOL else ""
    elif node.kind is Kind.TEXT and node.value in _YES_NO and "true" in error["msg"]:
        hint = f"write {_YES_NO[node.value]}"
    return node.problem(_named(path, error["msg"]), hint)


def _too_short(root: Node, path: Path, _error: Any) -> Problem:
    return _at(root, path).problem(_named(path, "is empty"))


def _literal(root: Node, path: Path, _error: Any) -> Problem:
    return _at(root, path).problem(_named(path, "can only be true"))


def _name(root: Node, path: Path, _error: Any) -> Problem:
    names = [part for part in path if isinstance(part, str) and part != "[key]"]
    above = _at(root, tuple(part for part in path if part != "[key]")[:-1])
    at = above.keys.get(names[-1], above)
    return at.problem(f"{names[-1]!r} is no name", "lower-case letters, digits and _, as in initial_window")


_HANDLERS: Mapping[str, Callable[[Node, Path, Any], Problem]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "union_tag_not_found": _no_step,
    "union_tag_invalid": _no_step,
    "word": _word,
    "kind": _kind,
    "list_type": _wrong_kind("a list"),
    "dict_type": _wrong_kind("a mapping"),
    "model_type": _wrong_kind("a mapping"),
    "model_attributes_type": _wrong_kind("a mapping"),
    "string_type": _wrong_kind("text"),
    "too_short": _too_short,
    "literal_error": _literal,
    "string_pattern_mismatch": _name,
}
