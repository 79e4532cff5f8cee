"""From a results file to a report."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_what_cannot_be_is_said_in_one_line(stored: Path) -> None:
    for out, said in (("r.pdf", r"written as \.html"), ("", "written as")):
        with pytest.raises(ResultsError, match=said):
            render(stored, stored.parent / out)
    with pytest.raises(ResultsError, match=r"cannot write .*: File exists"):
        render(stored, stored / "r.html")
    with pytest.raises(ResultsError, match="cannot read"):
        render(stored.parent / "none.jsonl", stored.parent / "r.html")
