"""The summary in Markdown."""

from __future__ import annotations

import re
from pathlib import Path

from tcpprobe.report import markdown

from .sample import a_run, an_end, poisoned, results


def test_a_summary() -> None:
    found = list(results(10))
    said = markdown.render(a_run(), found, an_end(found))
    assert said.startswith("## TCP conformance of lab:linux\n\n**lab:linux breaks 1 of the 7 MUST requirements")
    assert "| RFC 9293 Transmission Control Protocol | 2 | 1 | 1 |  | 2 |" in said
    assert "* [RFC9293\\-S3\\.10\\.7\\.1\\-2](https://www.rfc-editor.org/rfc/rfc9293.html#section-3.10.7.1)" in said
    assert "| minimum rto | 0\\.2019 |" in said
    assert "Again: `pytest --tcp-target lab:linux`" in said


def test_what_is_hostile_stays_text() -> None:
    said = markdown.render(a_run(), [poisoned()], None)
    outside = re.sub(r"(?<!\\)`[^`]*`", "", said)
    assert "<script" not in outside
    assert "<img" not in outside
    assert all(line.isprintable() for line in said.split("\n"))
    assert all(line.count("|") - line.count("\\|") in (0, 3, 4, 7) for line in said.split("\n") if line.startswith("|"))


def test_write(tmp_path: Path) -> None:
    path = tmp_path / "a" / "summary.md"
    markdown.write(a_run(), results(3), None, path)
    assert "cut short" in path.read_text(encoding="utf-8")
