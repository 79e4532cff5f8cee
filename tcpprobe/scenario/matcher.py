"""What a field of a packet may be: a value, a comparison, a range, one of several, there or not there."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tcpprobe.marked.problem import Place
from tcpprobe.scenario.expression import ExpressionError, PerRow, Scope, UnknownName, Value
from tcpprobe.scenario.operations import shown
from tcpprobe.wire import seq
from tcpprobe.wire.flags import flags_text

_MASK = 0xFFFFFFFF

Show = Callable[[Any], str]
"""A value for people."""


class Matcher:
    """Decides about one value of a packet. ``seen`` None means that the packet has no such thing."""

    __slots__ = ()

    def matches(self, seen: Any, scope: Scope) -> bool:
        """Whether it is as wanted. Raises ExpressionError."""
        raise NotImplementedError

    def describe(self, scope: Scope, show: Show) -> str:
        """What is wanted. Never raises."""
        raise NotImplementedError

    @property
    def absolute(self) -> bool:
        """Whether it is written as plain numbers, which are then shown as they are and not relative to anything."""
        return True


def value_text(value: Value, scope: Scope, show: Show) -> str:
    """``snd.nxt (=6)``, or just the number when that is how it is written."""
    if isinstance(value, PerRow):
        try:
            value = value.row(scope)
        except ExpressionError:
            return value.text
    try:
        now = value.value(scope)
    except ExpressionError:
        return value.text
    if not value.fixed:
        return f"{value.text} (={show(now)})"
    # A number that is written as one is meant as it is, not relative to anything.
    return str(now) if type(now) is int else show(now)


@dataclass(frozen=True, slots=True, eq=False)
class Exactly(Matcher):
    """This value. Numbers of 32 bits (``wraps``) are compared modulo 2**32."""

    value: Value
    wraps: bool = False

    def matches(self, seen: Any, scope: Scope) -> bool:
        """Equality."""
        wanted = self.value.value(scope)
        if self.wraps and isinstance(wanted, int):
            wanted &= _MASK
        return bool(seen == wanted)

    def describe(self, scope: Scope, show: Show) -> str:
        """The value."""
        return value_text(self.value, scope, show)

    @property
    def absolute(self) -> bool:
        """Whether the value is a plain number."""
        return self.value.plain


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_SERIAL: Mapping[str, Callable[[int, int], bool]] = {**_COMPARE, "<": seq.lt, "<=": seq.le, ">": seq.gt, ">=": seq.ge}


@dataclass(frozen=True, slots=True, eq=False)
class Compared(Matcher):
    """``"> 0"``: in serial arithmetic when it ``wraps`` (sequence numbers)."""

    sign: str
    value: Value
    wraps: bool = False

    def matches(self, seen: Any, scope: Scope) -> bool:
        """The comparison."""
        if seen is None:
            return False
        if self.wraps:
            return bool(_SERIAL[self.sign](seen, self.value.integer(scope) & _MASK))
        return bool(_COMPARE[self.sign](seen, _comparable(self.value, scope)))

    def describe(self, scope: Scope, show: Show) -> str:
        """``> 0``."""
        return f"{self.sign} {value_text(self.value, scope, show)}"

    @property
    def absolute(self) -> bool:
        """Whether the bound is a plain number."""
        return self.value.plain


@dataclass(frozen=True, slots=True, eq=False)
class Between(Matcher):
    """``low .. high``, both in it."""

    low: Value
    high: Value
    wraps: bool = False

    def matches(self, seen: Any, scope: Scope) -> bool:
        """Whether it lies between; upwards from ``low`` when it wraps."""
        if seen is None:
            return False
        if self.wraps:
            low, high = self.low.integer(scope) & _MASK, self.high.integer(scope) & _MASK
            return bool((seen - low) & _MASK <= (high - low) & _MASK)
        return bool(_comparable(self.low, scope) <= seen <= _comparable(self.high, scope))

    def describe(self, scope: Scope, show: Show) -> str:
        """``536 .. 9000``."""
        return f"{value_text(self.low, scope, show)} .. {value_text(self.high, scope, show)}"

    @property
    def absolute(self) -> bool:
        """Whether both ends are plain numbers."""
        return self.low.plain and self.high.plain


def _comparable(value: Value, scope: Scope) -> Any:
    found = value.value(scope)
    if isinstance(found, int | float):
        return found
    raise ExpressionError(value.place, f"{value.text}: {shown(found)} is not a number")


@dataclass(frozen=True, slots=True, eq=False)
class OneOf(Matcher):
    """Any of several."""

    members: tuple[Matcher, ...]

    def matches(self, seen: Any, scope: Scope) -> bool:
        """Whether one matches."""
        return any(member.matches(seen, scope) for member in self.members)

    def describe(self, scope: Scope, show: Show) -> str:
        """``A or FA``."""
        return " or ".join(member.describe(scope, show) for member in self.members)

    @property
    def absolute(self) -> bool:
        """Whether all are plain numbers."""
        return all(member.absolute for member in self.members)


@dataclass(frozen=True, slots=True, eq=False)
class FlagsAre(Matcher):
    """These bits under a mask: PSH is judged only when it is named."""

    bits: int
    mask: int

    def matches(self, seen: Any, scope: Scope) -> bool:  # noqa: ARG002
        """Whether the bits under the mask are these."""
        return bool((seen & self.mask) == self.bits)

    def describe(self, scope: Scope, show: Show) -> str:  # noqa: ARG002
        """The letters."""
        return flags_text(self.bits) or "none"


@dataclass(frozen=True, slots=True, eq=False)
class FlagsHave(Matcher):
    """Some set, some not, the others as they like."""

    has: int
    lacks: int

    def matches(self, seen: Any, scope: Scope) -> bool:  # noqa: ARG002
        """Whether they are set and not set."""
        return bool((seen & (self.has | self.lacks)) == self.has)

    def describe(self, scope: Scope, show: Show) -> str:  # noqa: ARG002
        """``with SA, without E``."""
        words = [f"{word} {flags_text(bits)}" for word, bits in (("with", self.has), ("without", self.lacks)) if bits]
        return ", ".join(words) or "any"


@dataclass(frozen=True, slots=True, eq=False)
class Present(Matcher):
    """Whether it is there at all."""

    wanted: bool = True

    def matches(self, seen: Any, scope: Scope) -> bool:  # noqa: ARG002
        """Whether it is there, or not there. False, () and None are not there."""
        return (seen is not None and seen is not False and seen != ()) is self.wanted

    def describe(self, scope: Scope, show: Show) -> str:  # noqa: ARG002
        """``present`` or ``absent``."""
        return "present" if self.wanted else "absent"


@dataclass(frozen=True, slots=True, eq=False)
class Blocks(Matcher):
    """SACK blocks: these pairs, where ``exactly``, ``first`` (at the beginning) or ``among`` all says."""

    pairs: tuple[tuple[Matcher, Matcher], ...]
    where: str = "exactly"

    def matches(self, seen: Any, scope: Scope) -> bool:
        """Whether the blocks are there."""
        if self.where == "among":
            return all(any(_edges(pair, block, scope) for block in seen) for pair in self.pairs)
        if len(seen) < len(self.pairs) or (self.where == "exactly" and len(seen) != len(self.pairs)):
            return False
        return all(_edges(pair, block, scope) for pair, block in zip(self.pairs, seen, strict=False))

    def describe(self, scope: Scope, show: Show) -> str:
        """``5..10 20..25``."""
        pairs = (f"[{left.describe(scope, show)}, {right.describe(scope, show)}]" for left, right in self.pairs)
        prefix = {"exactly": "", "first": "first ", "among": "among them "}[self.where]
        return prefix + " ".join(pairs)

    @property
    def absolute(self) -> bool:
        """Whether all edges are plain numbers."""
        return all(edge.absolute for pair in self.pairs for edge in pair)


def _edges(pair: tuple[Matcher, Matcher], block: tuple[int, int], scope: Scope) -> bool:
    return pair[0].matches(block[0], scope) and pair[1].matches(block[1], scope)


@dataclass(frozen=True, slots=True, eq=False)
class PerRowMatcher(Matcher):
    """``${name}``: a matcher for each combination of what the names have in the rows of the matrix."""

    names: tuple[str, ...]
    table: Mapping[tuple[object, ...], Matcher]
    text: str
    place: Place

    def matches(self, seen: Any, scope: Scope) -> bool:
        """What this row's matcher says."""
        return self._row(scope).matches(seen, scope)

    def describe(self, scope: Scope, show: Show) -> str:
        """What this row's matcher says."""
        try:
            return self._row(scope).describe(scope, show)
        except ExpressionError:
            return self.text

    def _row(self, scope: Scope) -> Matcher:
        try:
            return self.table[tuple([scope.lookup(name) for name in self.names])]
        except (UnknownName, KeyError):
            raise ExpressionError(self.place, f"{self.text}: no such row in the matrix") from None

    @property
    def absolute(self) -> bool:
        """Whether all rows are plain numbers."""
        return all(member.absolute for member in self.table.values())
