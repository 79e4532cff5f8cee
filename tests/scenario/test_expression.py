"""What expressions are worth."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tcpprobe.marked.problem import Place
from tcpprobe.scenario.expression import ExpressionError, Scope, compile
from tcpprobe.scenario.grammar import NotAllowed

PLACE = Place("x.probe.yaml", 3, 7)
MakeScope = Callable[..., Scope]

VALUES = {
    "1 + 2 * 3": 7,
    "7 // 2": 3,
    "7 % 4": 3,
    "7 / 2": 3.5,
    "-3 + +1": -2,
    "0x10": 16,
    "1_000": 1000,
    "snd.nxt - iss": 6,
    "snd.una": 1006,
    "b.rcv.nxt": 9000,
    "1 < 2 <= 2 != 3": True,
    "1 < 2 > 2": False,
    "not 1": False,
    "1 and 0 or 1": True,
    "iss in 1000 .. 1001": True,
    "iss in 1 .. 999": False,
    "iss + 1 not in 1 + 1 .. 999 + 1": True,
    "iss in [1, 1000]": True,
    "iss in (1, 2)": False,
    "'E' in first.flags": False,
    "first.flags == 'SA'": True,
    "first.data == 'hello'": True,
    "'ell' in first.data": True,
    "first.mss == none": True,
    "first.wscale != none": True,
    "len(first.data)": 5,
    "len(many)": 2,
    "many[0].time": 1.0,
    "many[-1].time - many[0].time": 1.5,
    "min(3, 1, 2)": 1,
    "max(3, 1, 2)": 3,
    "abs(-3)": 3,
    "diff(5, 4294967295)": 6,
    "diff(4294967295, 5)": -6,
    "max(many.time)": 2.5,
    "min(first.time, 3)": 0.5,
    "each(many.time)": [1.0, 2.5],
    "steps(many.time)": [1.5],
    "steps([5, 4294967295, 1])": [-6, 2],
    "steps([5])": [],
    "diff(many.time, [0.5, 0.5])": [0.5, 2.0],
    "diff([1, 2], [4294967295, 2])": [2, 0],
    "spread([10, 4294967295, 3])": 11,
    "spread([7, 7])": 0,
    "spread([0, 2147483648, 1073741824])": 2147483648,
    "rises([1, 5, 4294967295, 2, 2])": 2,
    "median(steps(many.time))": 1.5,
    "max([3, 9, 1])": 9,
    "true": True,
    "size * 2": 20,
    "flags == 'FPU'": True,
    "0.1 + 0.2 > 0.3": True,
}


@pytest.fixture
def names(scope: MakeScope, captured: Callable[..., object]) -> Scope:
    """A scope with captures, another connection and a matrix row."""
    other = type("Line", (), {"public_names": frozenset({"rcv"}), "rcv": None})()
    other.rcv = type("Rcv", (), {"public_names": frozenset({"nxt"}), "nxt": 9000})()
    return scope(
        first=captured(flags="SA", data=b"hello", wscale=7, time=0.5),
        many=[captured(time=1.0), captured(time=2.5)],
        b=other,
        size=10,
        flags="FPU",
    )


@pytest.mark.parametrize("text", VALUES)
def test_value(text: str, names: Scope) -> None:
    assert compile(text, PLACE).value(names) == VALUES[text]


ERRORS = {
    "second.time": "there is no second yet",
    "first.mss + 1": "nothing is not a number",
    "first.secret": "this has no 'secret'",
    "iss.real": "1000 has no 'real'",
    "many[2].time": "there is no [2], only 2",
    "first[0].time": "only a capture of a step with repeat has elements",
    "1 / (iss - 1000)": "division by zero",
    "iss % 0": "division by zero",
    "iss < 'a'": "'a' is not a number",
    "iss in 5": "1000 cannot be in 5",
    "len(iss)": "1000 has no length",
    "diff(1.5, iss)": "1.5 is not a whole number",
    "max(iss)": "1000 is not a list",
    "each(many.mss)": "nothing is not a number",
    "max(steps([iss]))": "the list is empty",
    "diff(many.time, [1.0])": "there are 2 of the one and 1 of the other",
    "flags + 1": "'FPU' is not a number",
    "iss in 1 .. 'a'": "'a' is not a number",
}


@pytest.mark.parametrize("text", ERRORS)
def test_what_cannot_be_computed_is_one_line_with_the_place(text: str, names: Scope) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile(text, PLACE).value(names)
    assert str(caught.value) == f"x.probe.yaml:3:7: {text}: {ERRORS[text]}"


def test_without_names_it_is_computed_at_once() -> None:
    assert compile("1 + 1", PLACE).fixed
    assert not compile("iss + 1", PLACE).fixed
    with pytest.raises(NotAllowed, match="division by zero"):
        compile("1 / 0", PLACE)


EXPLANATIONS = {
    "1.6 <= first.time <= 2.4": "1.6 <= 0.5 <= 2.4 is false",
    "first.time > 0 and first.time > 1": "0.5 > 1 is false",
    "first.time > 0 and iss == 1000": "it is true",
    "first.time > 1 or iss == 1000": "1000 == 1000 is true",
    "not iss == 1000": "not (1000 == 1000 is true)",
    "iss in 1 .. 5": "1000 in 1 .. 5 is false",
    "first.data == 'x'": "b'hello' == 'x' is false",
    "iss": "it is 1000",
    "second.time > 1": "it cannot be computed: second",
    "first.mss > 1": "it cannot be computed: nothing is not a number",
}


@pytest.mark.parametrize("text", EXPLANATIONS)
def test_explanation(text: str, names: Scope) -> None:
    assert compile(text, PLACE).explain(names) == EXPLANATIONS[text]


def test_whole_numbers_and_counts(names: Scope) -> None:
    assert compile("4 / 2", PLACE).integer(names) == 2
    with pytest.raises(ExpressionError, match=r"2\.5 is not a whole number"):
        compile("5 / 2", PLACE).integer(names)
    assert compile("size", PLACE).count(names) == 10
    with pytest.raises(ExpressionError, match=r"0 is not in 1 \.\. 10000"):
        compile("size - 10", PLACE).count(names)
