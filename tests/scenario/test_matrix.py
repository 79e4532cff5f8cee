"""Rows of a matrix."""

from __future__ import annotations

import pytest

from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.model import Case

HEAD = "title: t\nscenarios:\n  - id: x\n    title: With ${a}\n    level: info\n"


def cases(matrix: str, uses: str = "{ack: a}") -> list[Case]:
    """The cases of a scenario with a matrix."""
    return load_text(f"{HEAD}    matrix: {matrix}\n    steps:\n      - expect: {uses}\n", "x")


@pytest.mark.parametrize(
    ("matrix", "labels"),
    [
        ("{a: [1, 2]}", ["1", "2"]),
        ("{a: 0 .. 3}", ["0", "1", "2", "3"]),
        ("{a: [FPU, '', 1.5, true, -1]}", ["FPU", "-", "1.5", "true", "-1"]),
        ("{a: [!hex 00ff]}", ["00ff"]),
        ("{a: [snd.nxt + 1, 'x/y [z]']}", ["snd.nxt + 1", "x_y _z_"]),
        ("[{a: 1}, {a: 2, id: two}]", ["1", "two"]),
        ("[{id: one, a: 1}, {a: 1, id: again}]", ["one", "again"]),
    ],
)
def test_labels(matrix: str, labels: list[str]) -> None:
    assert [case.id for case in cases(matrix)] == [f"x[{label}]" for label in labels]


def test_all_combinations_in_order() -> None:
    found = cases("{a: [1, 2], b: [A, S]}", '{ack: a, flags: "${b}"}')
    assert [case.id for case in found] == ["x[1,A]", "x[1,S]", "x[2,A]", "x[2,S]"]
    assert [dict(case.values) for case in found][1:3] == [{"a": 1, "b": "S"}, {"a": 2, "b": "A"}]
    assert found[0].title == "With 1"
    assert found[0].scenario.title == "With ${a}"


def test_listed_rows_are_not_combined() -> None:
    found = cases("[{a: 1, b: A}, {a: 2, b: S}]", '{ack: a, flags: "${b}"}')
    assert [dict(case.values) for case in found] == [{"a": 1, "b": "A"}, {"a": 2, "b": "S"}]


def test_rows_share_the_scenario() -> None:
    found = cases("{a: 1 .. 50, b: 1 .. 40}", '{ack: a, seq: "${b}"}')
    assert len(found) == 2000
    assert len({id(case.scenario) for case in found}) == 1


def test_without_a_matrix_there_is_one_case() -> None:
    (case,) = load_text(HEAD.replace(" ${a}", "") + "    steps: [expect: nothing]\n", "x")
    assert (case.id, dict(case.values), case.title) == ("x", {}, "With")
