"""From a results file to a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpprobe.cli.main import main
from tcpprobe.report.render import render
from tcpprobe.results.jsonl import ResultsError, Writer

from .sample import a_run, an_end, results


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "results.jsonl"
    found = list(results(10))
    with Writer(path) as writer:
        for record in (a_run(), *found, an_end(found)):
            writer.write(record)
    return path


@pytest.mark.parametrize(("name", "start"), [("r.html", "<!doctype html>"), ("r.HTM", "<!doctype"), ("r.md", "## TCP")])
def test_the_extension_chooses(stored: Path, name: str, start: str) -> None:
    out = stored.parent / "out" / name
    render(stored, out)
    assert out.read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize("cut", [2, 40, 2000])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("r.html", "The run was cut short"),
        ("r.md", "The run was cut short"),
        ("r.sarif", '"executionSuccessful": false'),
        ("r.svg", "(cut short)"),
    ],
)
def test_a_run_that_was_killed_within_a_line_is_rendered_as_far_as_it_came(
    stored: Path, name: str, said: str, cut: int
) -> None:
    lines = stored.read_bytes().splitlines(keepends=True)
    stored.write_bytes(b"".join(lines[:6]) + lines[6][:-cut])
    assert main(["report", str(stored), "-o", str(stored.parent / name)]) == 0
    text = (stored.parent / name).read_text(encoding="utf-8")
    assert said in text
    if name == "r.html":
        assert 'data-id="rst-in-window"' in text
        assert 'data-id="rto-doubles"' not in text


def test_what_cannot_be_is_said_in_one_line(stored: Path) -> None:
    for out, said in (("r.pdf", r"written as \.html"), ("", "written as")):
        with pytest.raises(ResultsError, match=said):
            render(stored, stored.parent / out)
    with pytest.raises(ResultsError, match=r"cannot write .*: File exists"):
        render(stored, stored / "r.html")
    with pytest.raises(ResultsError, match="cannot read"):
        render(stored.parent / "none.jsonl", stored.parent / "r.html")
