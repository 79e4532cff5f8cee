"""Everybody can read it: axe-core finds nothing against WCAG 2.1 AA. ``npm install --no-save axe-core`` brings it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tcpprobe.catalogue.load import requirements
from tcpprobe.report import comparison, html
from tcpprobe.results.jsonl import dump
from tcpprobe.results.model import Verdict

from .conftest import Opened
from .flows import bulk, long_titled
from .sample import a_run, closed_port, results

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]});
  return found.violations.flatMap(({id, nodes}) =>
    nodes.map(node => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`));
}"""
Visit = Callable[..., Opened]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("axe")
    found = {name: folder / f"{name}.html" for name in ("report", "compared", "empty")}
    before, after = [bulk(), long_titled(), *results(12)], [bulk(), *results(12)]
    after[1] = closed_port(Verdict.PASS)
    after[6].verdict = Verdict.FAIL
    known = dict(list(requirements().items())[::12])  # axe looks at each of some thousand cells otherwise
    found["report"].write_text(html.render(a_run(), before, None, known), encoding="utf-8")
    found["empty"].write_text(html.render(a_run(), [], None, known), encoding="utf-8")
    files = [folder / "before.jsonl", folder / "after.jsonl"]
    for path, each in zip(files, (before, after), strict=True):
        path.write_bytes(b"".join([dump(a_run()), *map(dump, each)]))
    runs = comparison.sources(files)
    comparison.write(runs, comparison.compared(runs), found["compared"])
    return found


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 380)])
@pytest.mark.parametrize(
    ("name", "hash_", "clicked"),
    [
        ("report", "", "#rules > summary"),
        ("report", "v=fail,warn&q=reset", ".findings summary"),
        ("report", "q=nothing has this", "#help-open"),
        ("empty", "", ""),
        ("report", "case=closed-port-syn", ".twin summary"),
        ("report", "case=loss-recovered&scale=time", ""),
        ("report", "case=rst-in-window", ".twin summary"),
        ("report", "case=delayed-ack-timer", ""),
        ("compared", "", "#compare summary"),
        ("compared", "diff=closed-port-syn", ""),
    ],
)
def test_axe_finds_nothing(
    visit: Visit, pages: dict[str, Path], name: str, hash_: str, clicked: str, theme: str, width: int
) -> None:
    page = visit(pages[name], hash_, color_scheme=theme).page
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_selector("h1:visible")
    if clicked:
        page.locator(clicked).first.click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(RUN) == []


def test_axe_would_find_something(visit: Visit, pages: dict[str, Path]) -> None:
    page = visit(pages["report"]).page
    page.evaluate("document.querySelector('.masthead').style.color = '#ccc'")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert any(found.startswith("color-contrast") for found in page.evaluate(RUN))
