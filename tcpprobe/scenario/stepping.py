"""Nodes to steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tcpprobe.marked.node import Kind, Node
from tcpprobe.marked.problem import did_you_mean
from tcpprobe.scenario.desk import BUILT_IN, Desk
from tcpprobe.scenario.expecting import read_alternative
from tcpprobe.scenario.expression import MOST_TIMES, Expr, Fixed, Value, compile
from tcpprobe.scenario.model import (
    Alternative,
    AnyOf,
    Check,
    Collect,
    Expect,
    Gone,
    Nothing,
    Pattern,
    Record,
    Send,
    Step,
    TargetAction,
    Wait,
)
from tcpprobe.scenario.operations import FUNCTIONS
from tcpprobe.scenario.sending import QUOTES, read_template
from tcpprobe.scenario.words import ACTION_NEEDS

_CAPTURE = re.compile(r"[a-z][a-z0-9_]*\Z", re.ASCII)
ONCE = frozenset({"check", "wait", "record"})
"""Steps that are about a group only when they say so; otherwise they end a round and are played once."""
STEP_KINDS = ("send", "expect", "eventually", "collect", "check", "wait", "record", "target")


def read_step(desk: Desk, node: Node, default: str) -> Step:
    """One step; ``default`` is the connection when it names none."""
    kind = next(key for key in STEP_KINDS if key in node.value)
    body = node.value[kind]
    if kind in ONCE and default in desk.groups:
        default = desk.groups[default][-1]
    common = {
        "place": node.place,
        "source": node.source,
        "on": _connection(desk, _either(desk, node, body, "on"), default),
        "why": _text(node, "why"),
    }
    as_ = _either(desk, node, body, "as")
    desk.capturing = None if as_ is None else str(as_.value)
    step = _READERS[kind](desk, node, body, common)
    desk.capturing = None
    if as_ is not None:
        _capture(desk, as_, many=_is_list(desk, step))
    return step


def _is_list(desk: Desk, step: Step) -> bool:
    """Whether what the step captures is a list of packets."""
    return isinstance(step, Collect) or getattr(step, "repeat", None) is not None or step.on in desk.groups


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return "" if found is None else str(found.value)


def _either(desk: Desk, node: Node, body: Node, key: str) -> Node | None:
    """A key beside ``send``, or in it; ``expect`` has it beside only."""
    beside = node.get(key)
    inside = body.get(key) if "send" in node.value else None
    if beside is not None and inside is not None:
        desk.problem(inside, f"{key!r} is there twice", "in the step and in 'send'")
    return beside if beside is not None else inside


def _connection(desk: Desk, node: Node | None, default: str) -> str:
    if node is None:
        return default
    if node.value not in desk.connections:
        known = sorted(desk.connections)
        hint = did_you_mean(str(node.value), known) if known != ["main"] else "name them: connections: [a, b]"
        desk.problem(node, f"there is no connection {node.value!r}", hint)
    return str(node.value)


def _sender(desk: Desk, node: Node) -> str:
    if node.value in desk.groups:
        desk.problem(node, f"{node.value} is a group of connections", "'from' names one")
    return _connection(desk, node, "")


def _capture(desk: Desk, node: Node, *, many: bool) -> None:
    name = str(node.value)
    if not _CAPTURE.match(name):
        desk.problem(node, f"{name!r} is no name", "lower-case letters, digits and _, as in first")
    elif name in desk.captured:
        desk.problem(node, f"{name!r} is captured twice", "choose another name")
    elif name in BUILT_IN or name in FUNCTIONS or name in desk.matrix.columns or name in desk.connections | set(QUOTES):
        desk.problem(node, f"the name {name!r} is taken", "choose another name")
    desk.captured[name] = many


def _repeat(desk: Desk, node: Node, body: Node) -> Value | None:
    found = _either(desk, node, body, "repeat")
    return None if found is None else desk.value(found, "repeat", 1, MOST_TIMES)


def _duration(desk: Desk, node: Node | None) -> float | None:
    return None if node is None else desk.duration(node)


def _send(desk: Desk, node: Node, body: Node, common: dict[str, Any]) -> Step:
    every = _either(desk, node, body, "every")
    repeat = _repeat(desk, node, body)
    if every is not None and repeat is None:
        desk.problem(every, "'every' needs 'repeat'")
    from_ = _either(desk, node, body, "from")
    as_ = _either(desk, node, body, "as")
    return Send(
        template=read_template(desk, body),
        repeat=repeat,
        every=None if every is None else desk.pause(every),
        as_=None if as_ is None else str(as_.value),
        from_=None if from_ is None else _sender(desk, from_),
        **common,
    )


def _expect(desk: Desk, node: Node, body: Node, common: dict[str, Any]) -> Step:
    alternative = read_alternative(desk, body)
    _check_times(desk, node, alternative)
    return Expect(
        alternative=alternative,
        within=_duration(desk, node.get("within")),
        for_=_duration(desk, node.get("for")),
        repeat=_repeat(desk, node, body),
        as_=_text(node, "as") or None,
        eventually="eventually" in node.value,
        verdict=_text(node, "verdict") or None,
        **common,
    )


def _check_times(desk: Desk, node: Node, alternative: Alternative) -> None:
    quiet = isinstance(alternative, Nothing)
    mixed = isinstance(alternative, AnyOf) and any(isinstance(each, Nothing) for each in alternative.members)
    if "for" in node.value and not (quiet or mixed):
        desk.problem(node.keys["for"], "'for' goes with 'nothing'", "a packet is waited for with 'within'")
    if "within" in node.value and quiet:
        desk.problem(node.keys["within"], "'within' does not go with 'nothing'", "silence lasts 'for' some time")
    if "within" in node.value and "for" in node.value:
        desk.problem(node.keys["for"], "give 'within' or 'for', not both")
    if isinstance(alternative, Nothing | Gone):
        word = "nothing" if quiet else "gone"
        for key in ("as", "repeat"):
            if key in node.value:
                desk.problem(node.keys[key], f"{key!r} does not go with {word!r}")
        if "eventually" in node.value:
            desk.problem(node.keys["eventually"], f"'eventually' does not go with {word!r}", "write 'expect'")


def _collect(desk: Desk, node: Node, body: Node, common: dict[str, Any]) -> Step:
    alternative = read_alternative(desk, body)
    members = alternative.members if isinstance(alternative, AnyOf) else (alternative,)
    if not all(isinstance(each, Pattern) for each in members):
        desk.problem(body, "only packets can be collected", "silence is an empty list: len(answers) == 0")
    return Collect(alternative=alternative, for_=_duration(desk, node.get("for")), as_=_text(node, "as"), **common)


def _check(desk: Desk, node: Node, body: Node, common: dict[str, Any]) -> Step:
    return Check(expression=_expression(desk, body), verdict=_text(node, "verdict") or None, **common)


def _expression(desk: Desk, node: Node) -> Expr:
    """An expression where only one makes sense; a plain value is one, too."""
    if desk.has_references(node):
        hint = "a matrix name is a name here: " + ", ".join(desk.references(node))
        desk.problem(node, "${…} cannot stand in an expression that is checked or recorded", hint)
    elif node.kind is Kind.TEXT:
        expr = desk.expression(node)
        if isinstance(expr, Expr):
            return expr
    elif node.kind in (Kind.INT, Kind.BOOL):
        return compile(str(node.value), node.place)
    return compile("0", node.place)


def _wait(desk: Desk, _node: Node, body: Node, common: dict[str, Any]) -> Step:
    return Wait(pause=desk.pause(body), **common)


def _record(desk: Desk, _node: Node, body: Node, common: dict[str, Any]) -> Step:
    values = {name: _expression(desk, value) for name, value in body.items()}
    return Record(values=MappingProxyType(values), **common)


def _target(desk: Desk, node: Node, body: Node, common: dict[str, Any]) -> Step:
    as_ = _text(node, "as") or None
    if body.kind is Kind.TEXT:
        return TargetAction(action=body.value, as_=as_, **common)
    if len(body.value) != 1:
        desk.problem(body, "a target step is one action", "as in target: {send: 1000}")
        return TargetAction(action="close", as_=as_, **common)
    ((action, value),) = body.value.items()
    argument: Value | Mapping[str, Value] | None = None
    if action == "send":
        argument = desk.value(value, "send", 1, 1 << 31)
    elif action == "set":
        argument = {name: _setting(desk, each) for name, each in value.items()}
    elif action in ("connect", "report"):
        argument = Fixed(value.value, str(value.value), value.place)
    elif value.value is not True:
        desk.problem(value, f"{action} can only be true")
    return TargetAction(action=action, argument=argument, as_=as_, **common)


def _setting(desk: Desk, node: Node) -> Value:
    if node.kind is Kind.TEXT and not desk.has_references(node):
        return Fixed(node.value, node.value, node.place)
    return Fixed(node.value, str(node.value), node.place) if node.kind is Kind.BOOL else desk.value(node, "value")


_READERS: Mapping[str, Callable[[Desk, Node, Node, dict[str, Any]], Step]] = {
    "send": _send,
    "expect": _expect,
    "eventually": _expect,
    "collect": _collect,
    "check": _check,
    "wait": _wait,
    "record": _record,
    "target": _target,
}


def needs_of(step: Step) -> set[str]:
    """What a step needs of the target or the link."""
    if isinstance(step, TargetAction):
        return {ACTION_NEEDS.get(step.action, "agent")}
    if isinstance(step, Send) and step.template.kind == "icmp":
        return {"icmp"}
    return set()


def judges(step: Step) -> bool:
    """Whether a step can find anything out."""
    return isinstance(step, Expect | Check | Record)
