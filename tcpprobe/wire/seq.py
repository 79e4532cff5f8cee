"""Sequence numbers: arithmetic modulo 2**32 (RFC 9293 3.4, serial arithmetic after RFC 1982)."""

from __future__ import annotations

MOD = 1 << 32
_MASK = MOD - 1
_HALF = 1 << 31


def add(a: int, n: int) -> int:
    """``a + n`` modulo 2**32; ``n`` may be negative."""
    return (a + n) & _MASK


def diff(a: int, b: int) -> int:
    """``a - b`` as a signed distance in -2**31 .. 2**31-1."""
    return ((a - b + _HALF) & _MASK) - _HALF


def lt(a: int, b: int) -> bool:
    """Whether ``a`` comes before ``b``. Two numbers 2**31 apart are each before the other."""
    return (a - b) & _HALF != 0


def le(a: int, b: int) -> bool:
    """Whether ``a`` is ``b`` or comes before it."""
    return (a - b) & _MASK == 0 or (a - b) & _HALF != 0


def gt(a: int, b: int) -> bool:
    """Whether ``a`` comes after ``b``: ``lt(b, a)``."""
    return (b - a) & _HALF != 0


def ge(a: int, b: int) -> bool:
    """Whether ``a`` is ``b`` or comes after it: ``le(b, a)``."""
    return (b - a) & _MASK == 0 or (b - a) & _HALF != 0


def within(a: int, x: int, b: int) -> bool:
    """Whether ``a <= x < b``, walking upwards from ``a`` (so any window up to 2**32-1 wide is right)."""
    return (x - a) & _MASK < (b - a) & _MASK
