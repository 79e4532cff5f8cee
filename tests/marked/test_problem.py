"""How mistakes are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.marked.problem import Place, Problem, Problems, did_you_mean


def test_a_problem_shows_place_message_caret_and_hint() -> None:
    place, line = Place("a.probe.yaml", 3, 16), "      - send: {flgs: S}"
    problem = Problem(place, "unknown key 'flgs'", "did you mean 'flags'?", line)
    assert str(problem).splitlines() == [
        "a.probe.yaml:3:16: unknown key 'flgs'",
        "    - send: {flgs: S}",
        "             ^",
        "  hint: did you mean 'flags'?",
    ]


def test_without_excerpt_and_hint_it_is_one_line() -> None:
    assert str(Problem(Place("a"), "the file is empty")) == "a:1:1: the file is empty"


def test_problems_are_sorted_and_told_once() -> None:
    second, first = Problem(Place("a", 2), "b"), Problem(Place("a", 1, 5), "a")
    problems = Problems([second, first, second])
    assert problems.problems == (first, second)
    assert str(problems) == "a:1:5: a\na:2:1: b"


def test_a_long_line_is_cut_around_the_caret() -> None:
    line = "x" * 300 + "!" + "y" * 300
    shown, caret = str(Problem(Place("a", 1, 301), "m", "", line)).splitlines()[1:]
    assert len(shown) < 140
    assert shown[caret.index("^")] == "!"


@given(st.text(max_size=300), st.integers(-5, 400))
def test_the_caret_is_always_in_the_picture(line: str, column: int) -> None:
    lines = str(Problem(Place("a", 1, column), "m", "", line)).split("\n")
    assert len(lines) in (1, 3)
    if len(lines) == 3:
        assert len(lines[2]) <= 140


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("akc", ["ack", "seq"], "did you mean 'ack'?"),
        ("ACK", ["ack", "seq"], "did you mean 'ack'?"),
        ("sequence", ["seq", "ack"], "did you mean 'seq'?"),
        ("ackn", ["acknowledge", "sack"], "did you mean 'acknowledge'?"),
        ("zzz", ["seq", "ack"], "known are ack, seq"),
        ("zzz", [str(number) for number in range(100)], ""),
        ("zzz", [], ""),
    ],
)
def test_did_you_mean(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint
