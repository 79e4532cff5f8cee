"""What the operators and functions of expressions do, and how values are shown."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tcpprobe.wire import seq


class Range(NamedTuple):
    """``low .. high``, both ends in it."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


def shown(value: object) -> str:
    """A value for people: short, floats with four digits."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Range):
        return f"{shown(value.low)} .. {shown(value.high)}"
    if isinstance(value, int | str | bytes):
        text = repr(value)
        return text if len(text) <= 40 else f"{text[:37]}…"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "this"


ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def number(value: object) -> int | float:
    if isinstance(value, int | float):
        return value
    raise TypeError(f"{shown(value)} is not a number")


def _same_kind(left: object, right: object) -> tuple[object, object]:
    """Text compares with bytes as its UTF-8."""
    if isinstance(left, bytes) and isinstance(right, str):
        return left, right.encode()
    if isinstance(left, str) and isinstance(right, bytes):
        return left.encode(), right
    return left, right


def _equal(left: object, right: object) -> bool:
    left, right = _same_kind(left, right)
    return left == right


def _contained(left: object, right: object) -> bool:
    left, right = _same_kind(left, right)
    if isinstance(right, Range):
        return left in right
    if isinstance(right, list | tuple):
        return any(_equal(left, each) for each in right)
    if isinstance(right, str) and isinstance(left, str):
        return left in right
    if isinstance(right, bytes) and isinstance(left, bytes):
        return left in right
    raise TypeError(f"{shown(left)} cannot be in {shown(right)}")


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: compare(number(left), number(right))


COMPARISONS: Mapping[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("<", _ordered(operator.lt)),
    ast.LtE: ("<=", _ordered(operator.le)),
    ast.Gt: (">", _ordered(operator.gt)),
    ast.GtE: (">=", _ordered(operator.ge)),
    ast.Eq: ("==", _equal),
    ast.NotEq: ("!=", lambda left, right: not _equal(left, right)),
    ast.In: ("in", _contained),
    ast.NotIn: ("not in", lambda left, right: not _contained(left, right)),
}


def _extreme(choose: Callable[..., object]) -> Callable[..., object]:
    return lambda *values: choose(number(value) for value in values)


def _length(value: object) -> int:
    if isinstance(value, str | bytes | list | tuple):
        return len(value)
    raise TypeError(f"{shown(value)} has no length")


def _whole(value: object) -> int:
    if isinstance(value, int):
        return value
    raise TypeError(f"{shown(value)} is not a whole number")


#: Name → (fewest arguments, most arguments, function).
FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., object]]] = {
    "min": (2, 16, _extreme(min)),
    "max": (2, 16, _extreme(max)),
    "abs": (1, 1, lambda value: abs(number(value))),
    "len": (1, 1, _length),
    "diff": (2, 2, lambda a, b: seq.diff(_whole(a), _whole(b))),
}

CONSTANTS: Mapping[str, object] = {"none": None, "true": True, "false": False}
