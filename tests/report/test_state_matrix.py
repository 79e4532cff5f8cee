"""The matrix of states and segments as a table."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tcpprobe.catalogue.load import requirements
from tcpprobe.lab.biting import ONCE
from tcpprobe.lab.memory import MemoryLab
from tcpprobe.report import html
from tcpprobe.report.state_matrix import POSITIONS, STATES, Cell, StateMatrix
from tcpprobe.results.model import Result, Verdict
from tcpprobe.runner.session import Session
from tcpprobe.scenario.bundled import path
from tcpprobe.scenario.load import load_file

from .conftest import Opened
from .sample import a_run, closed_port

FOLDER = path() / "rfc9293" / "3.10.7-matrix"


def cell(state: str, kind: str, text: str, position: str, verdict: Verdict = Verdict.PASS) -> Result:
    row: dict[str, float | int | str] = {"state": state, "kind": kind, "text": text, "position": position}
    result: Result = closed_port(verdict)
    result.id, result.row, result.variant, result.reason = f"m[{state} {kind} {text} {position}]", row, "", ""
    return result


def test_without_cells_there_is_no_table() -> None:
    matrix = StateMatrix()
    matrix.add(closed_port())
    assert matrix.finish() is None
    assert 'class="matrix"' not in html.render(a_run(), [closed_port()], None, requirements())


def test_states_positions_and_kinds_stand_in_their_order_however_results_come() -> None:
    matrix = StateMatrix()
    for state, kind, text, position in (
        ("TIME-WAIT", "RST", "with data", "inside"),
        ("ELSEWHERE", "SYN,ACK", "without data", "inside"),
        ("ESTABLISHED", "SYN", "with data", "beyond the window"),
        ("ESTABLISHED", "SYN", "without data", "left of the window"),
    ):
        matrix.add(cell(state, kind, text, position))
    grid = matrix.finish()
    assert grid is not None
    assert grid.states == (
        ("ESTABLISHED", ("left of the window", "beyond the window")),
        ("TIME-WAIT", ("inside",)),
        ("ELSEWHERE", ("inside",)),
    )
    assert [(line.kind, line.text) for line in grid.lines] == [
        ("SYN", "without data"),
        ("SYN", "with data"),
        ("SYN,ACK", "without data"),
        ("RST", "with data"),
    ]
    first = grid.lines[0].cells
    said = "ESTABLISHED, SYN without data left of the window: pass"
    assert first == (Cell("m[ESTABLISHED SYN without data left of the window]", "pass", said), None, None, None)


def test_a_cell_links_to_its_play_and_says_its_verdict_without_colour() -> None:
    found = [cell("CLOSED", "SYN", "with data", "anywhere", Verdict.WARN)]
    page = html.render(a_run(), found, None, requirements())
    link = re.search(r'<td class="m-warn"><a class="v-warn" href="#case=([^"]*)" title="([^"]*)"><span[^>]*>(.)<', page)
    assert link is not None
    assert link.groups() == (
        "m%5BCLOSED%20SYN%20with%20data%20anywhere%5D",
        "CLOSED, SYN with data anywhere: warn",
        "▲",
    )


def test_the_bundled_matrix_is_shown_whole() -> None:
    """Played by our own TCP; each line has a cell in every column, and every word of it is known here."""
    cases = [case for file in sorted(FOLDER.iterdir()) for case in load_file(file) if "matrix" in case.scenario.tags]
    matrix = StateMatrix()
    with MemoryLab() as lab:
        session = Session(lab.target, lab.link, ONCE)
        session.start(cases)
        for case in cases:
            matrix.add(session.result(case))
        session.close()
    grid = matrix.finish()
    assert grid is not None
    assert tuple(state for state, _ in grid.states) == STATES
    assert list(grid.positions) == list(POSITIONS)
    assert len(grid.lines) == 16
    assert all(each is not None for line in grid.lines for each in line.cells)
    assert grid.verdicts == {"pass": len(cases)}


def test_a_cell_opens_its_play_and_the_table_scrolls_by_itself(visit: Callable[..., Opened], tmp_path: Path) -> None:
    file = tmp_path / "matrix.html"
    found = [cell(state, "SYN", "with data", position) for state in STATES for position in POSITIONS]
    html.write(a_run(), found, None, file)
    page = visit(file).page
    page.set_viewport_size({"width": 420, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".matrix tbody a").last.click()
    expect(page.locator("#detail")).to_contain_text("m[TIME-WAIT SYN with data beyond the window]")
