"""What the operators and functions of expressions do, and how values are shown."""

from __future__ import annotations

import ast
import operator
import statistics
from collections.abc import Callable, Mapping
from itertools import pairwise
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
    """Of several numbers, or of those in one list."""
    return lambda *values: choose(numbers(values[0] if len(values) == 1 else values))


def numbers(values: object) -> list[int | float]:
    """The numbers in a list. Raises LookupError when it is empty: what it would have been about did not come."""
    if not isinstance(values, list | tuple) or isinstance(values, Range):
        raise TypeError(f"{shown(values)} is not a list")
    if not values:
        raise LookupError("the list is empty")
    return [number(value) for value in values]


def _distance(a: Any, b: Any) -> Any:
    """``a - b``: of whole numbers modulo 2**32 with a sign, of times as they are, of lists member by member."""
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            raise LookupError(f"there are {len(a)} of the one and {len(b)} of the other")
        return [_distance(each, other) for each, other in zip(a, b, strict=True)]
    if isinstance(a, float) and isinstance(b, float):
        return a - b
    return seq.diff(_whole(a), _whole(b))


def _steps(values: object) -> list[Any]:
    return [_distance(later, earlier) for earlier, later in pairwise(numbers(values))]


def _spread(values: object) -> int:
    """The shortest arc of the circle of sequence numbers in which all of them lie."""
    ordered = sorted(_whole(value) % seq.MOD for value in numbers(values))
    beyond = ordered[0] + seq.MOD - ordered[-1]
    return seq.MOD - max(beyond, *(later - earlier for earlier, later in pairwise(ordered)), 0)


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
    "min": (1, 16, _extreme(min)),
    "max": (1, 16, _extreme(max)),
    "abs": (1, 1, lambda value: abs(number(value))),
    "len": (1, 1, _length),
    "diff": (2, 2, _distance),
    "each": (1, 1, lambda values: list(numbers(values))),
    "steps": (1, 1, _steps),
    "spread": (1, 1, _spread),
    "rises": (1, 1, lambda values: sum(step > 0 for step in _steps(values))),
    "median": (1, 1, lambda values: statistics.median(numbers(values))),
}

OF_LISTS = frozenset(
    FUNCTIONS[name][2] for name in ("min", "max", "diff", "each", "steps", "spread", "rises", "median")
)
"""Functions for which ``answers.seq`` is the list of the sequence numbers of all that is captured as ``answers``."""

CONSTANTS: Mapping[str, object] = {"none": None, "true": True, "false": False}
