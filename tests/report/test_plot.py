"""Time and sequence of a play in which data flows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tcpprobe.report import html

from .conftest import Opened
from .flows import bulk, long_talk
from .sample import a_run, results

Visit = Callable[..., Opened]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plot") / "report.html"
    html.write(a_run(), [bulk(), long_talk(), *results(10)], None, path)
    return path


def test_data_acknowledgments_and_blocks_are_drawn(visit: Visit, report: Path) -> None:
    page = visit(report, "case=loss-recovered").page
    expect(page.locator("#plots h3")).to_have_text("Data that came from the target")
    expect(page.locator(".plot .tick")).to_have_count(12)
    expect(page.locator(".plot .tick.again")).to_have_count(1)
    expect(page.locator(".plot .sack")).to_have_count(8)
    expect(page.locator("#plots .legend li")).to_have_text(
        [
            "data",
            "again, or out of order",
            "acknowledged",
            "SACK blocks",
            "edge of the window (beyond the top where it cannot be seen)",
        ]
    )


def test_times_go_right_and_numbers_go_up(visit: Visit, report: Path) -> None:
    page = visit(report, "case=loss-recovered").page
    places = page.locator(".plot .tick .hit").evaluate_all(
        "all => all.map(one => [Number(one.getAttribute('x')), Number(one.getAttribute('y'))])"
    )
    first, second, last = places[0], places[1], places[-1]
    assert first[0] < second[0] < last[0]
    assert first[1] > second[1]
    assert second[1] > last[1] > places[3][1]  # what fills the gap lies between what came before and after it


def test_acknowledgments_stand_still_until_the_gap_is_filled(visit: Visit, report: Path) -> None:
    page = visit(report, "case=loss-recovered").page
    drawn = page.locator(".plot .acked").get_attribute("d") or ""
    heights = [float(part.split("H")[0]) for part in drawn.split("V")[1:]]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights[2:-1])) == 1
    assert heights[-1] < heights[-2]


def test_a_window_edge_near_the_data_is_shown_scaled(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    result = bulk()
    html.write(a_run(), [result], None, path)
    page = visit(path, "case=loss-recovered").page
    edge = page.evaluate("document.querySelector('.plot .edge').getAttribute('d')")
    assert edge.count("V") == 12


def test_a_tick_chooses_its_packet(visit: Visit, report: Path) -> None:
    page = visit(report, "case=loss-recovered").page
    page.locator(".plot .tick.again").click()
    expect(page.locator("#packet-line")).to_contain_text("seq 3001")
    expect(page.locator(".plot .tick.selected.again")).to_have_count(1)


def test_each_direction_has_its_own(visit: Visit, report: Path) -> None:
    page = visit(report, "case=long-talk").page
    expect(page.locator("#plots h3")).to_have_text(["Data sent to the target", "Data that came from the target"])


def test_little_data_is_not_drawn(visit: Visit, report: Path) -> None:
    page = visit(report, "case=rto-doubles").page
    expect(page.locator(".rung.again")).to_have_count(2)
    expect(page.locator("#plots")).to_be_hidden()
