"""The matrix of states, segments and positions is whole, and its files are what the table says."""

from __future__ import annotations

from itertools import product

from matrix_behaviours import BEHAVIOURS
from matrix_table import KINDS, POSITIONS, RULES, STATES, WITHOUT_WINDOW, cells, files

from tcpprobe.scenario.load import load_file


def test_the_files_are_what_the_table_says() -> None:
    assert {path: path.read_text(encoding="utf-8") for path in files()} == files(), (
        "renew them: python tests/specs/matrix_table.py"
    )


def test_every_cell_is_played_once() -> None:
    """Every kind, with and without data, in every position of every state that has a window."""
    played = [
        (case.values["state"], case.values["kind"], case.values["octets"] != 0, case.values["position"])
        for path in files()
        for case in load_file(path)
    ]
    synchronized = [state for state in STATES if state not in WITHOUT_WINDOW]
    whole = {
        *product(synchronized, KINDS, (False, True), POSITIONS),
        *product(WITHOUT_WINDOW, KINDS, (False, True), ("anywhere",)),
    }
    assert len(played) == len(whole) == 672
    assert set(played) == whole


def test_every_rule_and_every_behaviour_is_used() -> None:
    """A rule behind one that always fits first would be dead."""
    assert {cell.rule for cell in cells()} == set(RULES)
    assert {rule.behaviour for rule in RULES} == set(BEHAVIOURS)
