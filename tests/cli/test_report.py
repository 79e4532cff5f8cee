"""``tcpprobe report``."""

from __future__ import annotations

import pytest

from tcpprobe.results.model import Verdict


@pytest.mark.parametrize(("name", "opening"), [("page.html", "<!doctype html"), ("page.md", "#")])
def test_a_report_is_drawn(command, results, tmp_path, name, opening):
    path = results("a.jsonl", hello=Verdict.FAIL)
    done = command("report", str(path), "-o", name)
    assert (done.code, done.out, done.err) == (0, f"{name}\n", "")
    text = (tmp_path / name).read_text()
    assert text.lower().startswith(opening)
    assert "Title of hello" in text


def test_a_folder_that_is_not_there_is_made(command, results, tmp_path):
    path = results("a.jsonl", hello=Verdict.PASS)
    assert command("report", str(path), "-o", "new/page.html").code == 0
    assert (tmp_path / "new/page.html").exists()


def test_of_a_run_that_was_killed(command, results, tmp_path):
    path = results("a.jsonl", cut=300, hello=Verdict.PASS, later=Verdict.PASS)
    assert command("report", str(path), "-o", "page.html").code == 0
    assert "Title of hello" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("where", ["page.pdf", "page", "/proc/page.html"])
def test_where_no_report_can_go(command, results, where):
    path = results("a.jsonl", hello=Verdict.PASS)
    done = command("report", str(path), "-o", where)
    assert done.code == 2
    assert done.err.startswith("tcpprobe report: ")
    assert where in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("content", [None, b"", b"hello\n", b"\xff\x00\n", b'{"run": 1}\n', b'{"end": {}}\n', b"[]"])
def test_what_are_no_results(command, tmp_path, content):
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_bytes(content)
    done = command("report", "a.jsonl", "-o", "page.html")
    assert done.code == 2
    assert "a.jsonl" in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "page.html").exists()


def test_a_damaged_line_in_the_middle(command, results):
    path = results("a.jsonl", hello=Verdict.PASS, later=Verdict.PASS)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"{damaged\n", *lines[1:]]))
    done = command("report", "a.jsonl", "-o", "page.html")
    assert done.code == 2
    assert done.err == "tcpprobe report: a.jsonl:2: not a line of tcpprobe results\n"
