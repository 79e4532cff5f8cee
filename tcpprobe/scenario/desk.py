"""The desk at which a scenario is compiled: what is known so far, and what was found wrong.

Leaves (numbers, expressions, durations, text with ``${name}``) are compiled here; the parts made of them elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tcpprobe.marked.node import Kind, Node
from tcpprobe.marked.problem import Problem, did_you_mean
from tcpprobe.scenario.expression import CAPTURED, Expr, Fixed, PerRow, Value, compile
from tcpprobe.scenario.grammar import EACH, NotAllowed, Use
from tcpprobe.scenario.model import Pause

if TYPE_CHECKING:
    from tcpprobe.scenario.matrix import Matrix

T = TypeVar("T")

SND = frozenset("una nxt wnd mss max_wnd".split())  # noqa: SIM905
RCV = frozenset({"nxt", "wnd"})
LINE: Mapping[str, frozenset[str]] = {"snd": SND, "rcv": RCV, "iss": frozenset(), "irs": frozenset()}
PLAIN = frozenset("now rtt mtu mss ts_val ts_ecr local_port remote_port".split())  # noqa: SIM905
BUILT_IN = PLAIN | frozenset(LINE)
"""Names that every scope knows."""

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(us|ms|s|min|h)\s*\Z", re.ASCII)
_RTT = re.compile(r"\+\s*rtt\s*\Z", re.ASCII)
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
LONGEST_TIME = 24 * 3600.0
_TOLD_ROWS = 3


class Desk:
    """One scenario on its way.

    Attributes:
        problems: everything wrong so far.
        connections: names of connections and of groups; ``groups``: the names of the connections in a group.
        captured: names captured so far → whether it is a list of segments.
        later: names that steps further down capture → their line.
    """

    def __init__(self, matrix: Matrix, connections: Iterable[str], groups: Mapping[str, Sequence[str]]) -> None:
        self.problems: list[Problem] = []
        self.matrix = matrix
        self.connections = frozenset(connections)
        self.groups = groups
        self.captured: dict[str, bool] = {}
        self.later: dict[str, int] = {}
        self.capturing: str | None = None

    def problem(self, node: Node, message: str, hint: str = "", *, offset: int = 0) -> None:
        """Note that something is wrong."""
        self.problems.append(node.problem(message, hint, offset=offset))

    # -- the matrix ---------------------------------------------------------------------------------------------

    def references(self, node: Node) -> tuple[str, ...]:
        """The names of the ``${name}`` in a scalar; unknown ones are problems."""
        if node.kind is not Kind.TEXT or "${" not in node.value:
            return ()
        names = []
        for match in _REFERENCE.finditer(node.value):
            name = match.group(1).strip()
            if name in self.matrix.columns:
                self.matrix.used.add(name)
                names.append(name)
            else:
                hint = did_you_mean(name, self.matrix.columns) or "the scenario has no matrix"
                self.matrix.used.update(each for each in self.matrix.columns if repr(each) in hint)
                self.problem(node, f"the matrix has no {name!r}", hint, offset=match.start())
        return tuple(dict.fromkeys(names))

    def has_references(self, node: Node) -> bool:
        """Whether there is a ``${name}`` in a scalar."""
        return node.kind is Kind.TEXT and "${" in node.value

    def per_row(self, node: Node, leaf: Callable[[Node], T]) -> tuple[tuple[str, ...], dict[tuple[object, ...], T]]:
        """The names a scalar refers to, and the leaf compiled for each combination of their values."""
        names = self.references(node)
        table: dict[tuple[object, ...], T] = {}
        before, told = len(self.problems), 0
        for row in self.matrix.combinations(names):
            count = len(self.problems)
            filled = _filled(node, dict(zip(names, row, strict=True)))
            if self.has_references(filled):
                self.problem(filled, "a value of the matrix cannot refer to the matrix")
            else:
                table[tuple(each.value for each in row)] = leaf(filled)
            fresh = self.problems[count:]
            if fresh and names:
                del self.problems[count:]
                told += 1
                if told <= _TOLD_ROWS:
                    where = ", ".join(f"{name} = {each.value!r}" for name, each in zip(names, row, strict=True))
                    if fresh[0].place.line != node.line:
                        where = f"in line {node.line}"
                    self.problems += [one._replace(message=f"{one.message} ({where})") for one in fresh]
        if told > _TOLD_ROWS and len(self.problems) > before:
            last = self.problems[-1]
            self.problems[-1] = last._replace(message=f"{last.message}, and in {told - _TOLD_ROWS} more rows")
        return names, table

    # -- leaves -------------------------------------------------------------------------------------------------

    def value(self, node: Node, what: str, low: int | None = None, high: int | None = None) -> Value:
        """A number or an expression. A plain number must lie in ``low .. high``."""
        if self.has_references(node):
            names, table = self.per_row(node, lambda each: self.value(each, what, low, high))
            return PerRow(names, table, node.value, node.place)
        if node.kind is Kind.TEXT:
            value: Value = self.expression(node)
        elif node.kind in (Kind.INT, Kind.FLOAT, Kind.BOOL):
            value = Fixed(node.value, str(node.value), node.place)
        else:
            self.problem(node, f"{what} must be a number or an expression, not {node.kind}")
            return Fixed(low or 0, "?", node.place)
        if value.fixed:
            self._check_number(node, value, what, low, high)
        return value

    def _check_number(self, node: Node, value: Value, what: str, low: int | None, high: int | None) -> None:
        from tcpprobe.scenario.expression import NOWHERE

        number = value.value(NOWHERE)
        if isinstance(number, bool) or not isinstance(number, int):
            if value.text != "?":
                self.problem(node, f"{what} must be a whole number, not {number!r}")
        elif (low is not None and number < low) or (high is not None and number > high):
            self.problem(node, f"{what} {number} is not in {low} .. {high}")

    def expression(self, node: Node, text: str | None = None, offset: int = 0) -> Expr | Fixed:
        """An expression; ``text`` is the part of the node's text that begins at ``offset``."""
        text = node.value if text is None else text
        try:
            expr = compile(str(text), node.place)
        except NotAllowed as error:
            self.problem(node, f"{_short(str(text))}: {error.message}", error.hint, offset=offset + error.offset)
            return Fixed(0, "?", node.place)
        for use in expr.uses:
            self.check_use(node, use, offset)
        return expr

    def check_use(self, node: Node, use: Use, offset: int = 0) -> None:
        """Whether a name is known here, and has what is asked of it."""
        root, *rest = use.path
        if rest[:1] == [EACH]:
            rest = rest[1:]
            many = self.captured.get(root, False)
            use = Use((root, "[]", *rest) if many else (root, *rest), use.offset)
            root, *rest = use.path
        known: Mapping[str, frozenset[str]] | None
        if root in self.matrix.columns:
            self.matrix.used.add(root)
            self._no_more(node, use, rest, frozenset(), offset)
        elif root in self.captured:
            self._check_capture(node, use, rest, self.captured[root], offset)
        elif root in LINE:
            self._no_more(node, use, rest, LINE[root], offset)
        elif root in PLAIN:
            self._no_more(node, use, rest, frozenset(), offset)
        elif root in self.groups:
            hint = "a step on it knows the numbers of each connection: snd.nxt, irs …"
            self._unknown(node, f"{root} is a group of connections", hint, use, offset)
        elif root in self.connections and rest:
            first, *more = rest
            known = LINE
            if first in known:
                self._no_more(node, Use((f"{root}.{first}", *more), use.offset), more, known[first], offset)
            else:
                self._unknown(node, f"{root} has no {first!r}", did_you_mean(first, known), use, offset)
        else:
            self._not_known(node, root, use, offset)

    def _not_known(self, node: Node, root: str, use: Use, offset: int) -> None:
        if root == self.capturing:
            message, hint = f"{root!r} is captured by this very step", "it can be used from the next step on"
        elif root in self.later:
            message, hint = f"{root!r} is captured only later, in line {self.later[root]}", "use it after that step"
        elif root in self.connections:
            message, hint = f"{root!r} is a connection", f"ask for {root}.snd.nxt, {root}.rcv.nxt …"
        else:
            known = BUILT_IN | set(self.matrix.columns) | set(self.captured) | self.connections
            first, underline, last = root.partition("_")
            dotted = [f"{first}.{each}" for each in LINE.get(first, ()) if underline]
            hint = did_you_mean(f"{first}.{last}", dotted) if dotted else did_you_mean(root, known)
            message = f"unknown name {root!r}"
        self._unknown(node, message, hint, use, offset)

    def _unknown(self, node: Node, message: str, hint: str, use: Use, offset: int) -> None:
        self.problem(node, message, hint, offset=offset + use.offset)

    def _check_capture(self, node: Node, use: Use, rest: list[str], many: bool, offset: int) -> None:
        root = use.path[0]
        if rest and rest[0] == "[]":
            if not many:
                self._unknown(node, f"{root} is one segment, not a list", "the step has no repeat", use, offset)
            rest = rest[1:]
        elif rest and many:
            hint = f"write {root}[0].{rest[0]}, {root}[-1].{rest[0]} or max({root}.{rest[0]})"
            self._unknown(node, f"{root} is a list of segments", hint, use, offset)
            return
        self._no_more(node, Use((root, *rest), use.offset), rest, CAPTURED, offset)

    def _no_more(self, node: Node, use: Use, rest: list[str], known: frozenset[str], offset: int) -> None:
        root = use.path[0]
        if known and not rest:
            if known is not CAPTURED:
                hint = f"ask for {', '.join(f'{root}.{each}' for each in sorted(known))}"
                self._unknown(node, f"{root!r} is not a number", hint, use, offset)
        elif rest and not known:
            self._unknown(node, f"{root!r} is a plain value and has no {rest[0]!r}", "", use, offset)
        elif rest and rest[0] not in known:
            self._unknown(node, f"{root} has no {rest[0]!r}", did_you_mean(rest[0], known), use, offset)
        elif len(rest) > 1:
            self._unknown(node, f"{root}.{rest[0]} is a plain value", "", use, offset)

    def duration(self, node: Node) -> float:
        """Seconds."""
        return self._seconds(node, str(node.value))

    def pause(self, node: Node) -> Pause:
        """A duration, or one with `` + rtt`` behind it."""
        text = str(node.value)
        rtt = _RTT.search(text)
        return Pause(self._seconds(node, text[: rtt.start()] if rtt else text), rtt=rtt is not None)

    def _seconds(self, node: Node, text: str) -> float:
        if node.kind in (Kind.INT, Kind.FLOAT):
            self.problem(node, f"{node.value} of what?", f"write {node.value}s or {node.value}ms")
            return 0.0
        match = _DURATION.match(text) if node.kind is Kind.TEXT else None
        if match is None:
            hint = "a number and a unit: 500ms, 1.5s, 2min"
            self.problem(node, f"{_short(str(node.value))} is no duration", hint)
            return 0.0
        seconds = float(match[1]) * _UNITS[match[2]]
        if seconds > LONGEST_TIME:
            self.problem(node, "longer than a day")
        return min(seconds, LONGEST_TIME)

    def octets(self, node: Node, what: str) -> Value:
        """Text (as UTF-8) or !hex."""
        if self.has_references(node):
            names, table = self.per_row(node, lambda each: self.octets(each, what))
            return PerRow(names, table, node.value, node.place)
        data = b""
        if node.kind is Kind.BYTES:
            data = node.value
        elif node.kind is Kind.TEXT:
            data = node.value.encode()
        else:
            hint = f'write it in quotes: "{node.value}"' if node.kind in (Kind.INT, Kind.FLOAT, Kind.BOOL) else ""
            self.problem(node, f"{what} must be text or !hex, not {node.kind}", hint)
        return Fixed(data, str(node.value)[:60], node.place)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}…")


def _filled(node: Node, row: Mapping[str, Node]) -> Node:
    """A copy of a scalar with its references replaced; ``${name}`` alone is the value, with its kind and place."""
    text: str = node.value
    match = _REFERENCE.fullmatch(text.strip())
    if match and match.group(1).strip() in row:
        return row[match.group(1).strip()]
    copy = Node(node.document, Kind.TEXT, text, node.line, node.column)
    copy.end_line, copy.end_column, copy.plain_style = node.end_line, node.end_column, node.plain_style

    def written(match: re.Match[str]) -> str:
        found = row.get(match.group(1).strip())
        if found is None:
            return ""
        value: Any = found.value
        return value.hex() if isinstance(value, bytes) else str(value)

    copy.value = _REFERENCE.sub(written, text)
    return copy
