"""Where reports and results go, and what happens when they cannot."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from tcpprobe.results.jsonl import read

CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 0x40000


def test_by_default_both_go_to_reports(suite):
    done = suite("-k", "holds", page=True)
    (lines,) = suite.path.glob("reports/lab-memory-*.jsonl")
    page = lines.with_suffix(".html")
    assert (suite.path / "reports/latest.html").read_bytes() == page.read_bytes()
    done.stdout.fnmatch_lines(
        [
            f"tcpprobe: results: reports/{lines.name}",
            f"tcpprobe: report: reports/{page.name} (and reports/latest.html)",
        ]
    )
    assert sorted(path.suffix for path in (suite.path / "reports").iterdir()) == [".html", ".html", ".jsonl"]


def test_elsewhere(suite):
    suite("-k", "holds", "--tcp-report", "a/b/page.html", "--tcp-results", "lines.jsonl")
    assert (suite.path / "a/b/page.html").exists()
    assert suite.results("lines.jsonl")[1].keys() == {"holds"}
    assert not (suite.path / "reports").exists()


def test_nowhere(suite):
    done = suite("-k", "holds", "--tcp-report", "none", "--tcp-results", "none")
    assert done.ret == 0
    assert not suite.left()
    assert not (suite.path / "reports").exists()


def test_several_targets_have_files_of_their_own(suite):
    suite("--tcp-target", "lab:memory-ipv6", "-k", "holds", "--tcp-report", "p.html", "--tcp-results", "r.jsonl")
    assert sorted(suite.left()) == [
        f"{name}-lab-memory{kind}" for name, end in (("p", ".html"), ("r", ".jsonl")) for kind in ("-ipv6" + end, end)
    ]


def test_what_was_there_is_written_over(suite):
    (suite.path / "r.jsonl").write_text("old\n" * 100)
    suite("-k", "holds", "--tcp-results", "r.jsonl")
    assert suite.results("r.jsonl")[1].keys() == {"holds"}


def test_a_report_that_would_not_be_what_its_name_says(suite):
    done = suite("-k", "holds", "--tcp-report", "page.md")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: --tcp-report page.md: a report is written as .html; *"])
    assert not (suite.path / "page.md").exists()


@pytest.mark.parametrize("option", ["--tcp-report", "--tcp-results"])
@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("/proc/x/p.html", "No such file or directory"),
        (".", "Is a directory"),
        ("suite.probe.yaml/x", "File exists"),
    ],
)
def test_where_nothing_can_be_written_is_told_before_anything_is_played(suite, option, where, why):
    done = suite("-k", "holds", option, where)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"ERROR: cannot write *: {why}"])
    assert "collected" not in done.stdout.str()
    assert "Traceback" not in done.stdout.str() + done.stderr.str()
    assert not (suite.path / "reports").exists()


def test_reports_that_are_no_folder(suite):
    (suite.path / "reports").write_text("mine")
    done = suite("-k", "holds")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: cannot write *reports*: *"])
    assert (suite.path / "reports").read_text() == "mine"


def test_a_device_that_is_full(suite):
    done = suite("--tcp-results", "/dev/full")
    done.assert_outcomes(passed=3, failed=1, skipped=2)
    done.stdout.fnmatch_lines(["tcpprobe: results are incomplete from here on: *No space left on device*"])
    assert done.stdout.str().count("incomplete") == 1


def test_a_disk_that_fills_up_keeps_what_was_written(suite):
    """A tmpfs of a few pages, in a mount namespace of a process of its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            _small_disk(suite.path / "full", 2 * 4096)
            done = suite("--tcp-results", "full/r.jsonl", "--tcp-report", "full/p.html")
            _, results, end = read(suite.path / "full/r.jsonl")
            told = [line for line in done.outlines if line.startswith("tcpprobe: ")]
            lines = [str(int(done.ret)), str(len(list(results))), str(end), *told]
            os.write(writing, "\n".join(lines).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        code, number, end, *told = pipe.read().split("\n")
    os.waitpid(pid, 0)
    assert int(code) == pytest.ExitCode.TESTS_FAILED
    assert 0 < int(number) < 7
    assert end == "None"
    assert sum("incomplete from here on" in line for line in told) == 1
    assert sum("the report could not be written" in line and "No space left" in line for line in told) == 1


def _small_disk(path: Path, size: int) -> None:
    path.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid():
        user, group = os.geteuid(), os.getegid()
        assert not libc.unshare(0x10000000 | CLONE_NEWNS), os.strerror(ctypes.get_errno())
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    else:
        assert not libc.unshare(CLONE_NEWNS), os.strerror(ctypes.get_errno())
    assert not libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None), os.strerror(ctypes.get_errno())
    assert not libc.mount(b"tmpfs", bytes(path), b"tmpfs", 0, b"size=%d" % size), os.strerror(ctypes.get_errno())
