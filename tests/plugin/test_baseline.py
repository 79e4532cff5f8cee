"""``--tcp-baseline``: what is not as it was."""

from __future__ import annotations

import pytest

BROKEN = ("-k", "broken or holds", "--tcp-confirm", "0")


def test_what_changed_is_told_and_shown(suite):
    suite(*BROKEN, "--tcp-results", "before.jsonl")
    path = suite.path / "suite.probe.yaml"
    path.write_text(path.read_text().replace("snd.nxt + 1", "snd.nxt"))
    done = suite(*BROKEN, "--tcp-report", "page.html", "--tcp-baseline", "before.jsonl", page=True)
    assert done.ret == 0
    done.stdout.fnmatch_lines(
        [
            "*- compared with the baseline -*",
            "1: before.jsonl (lab:memory, *",
            "2: this run (lab:memory, *",
            "requirements: 1 differ, 0 are the same",
            "  newly held: 1 requirement",
            "scenarios: 1 differ, 1 are the same",
            "tcpprobe: comparison: page-compared.html",
        ]
    )
    assert 'data-run="0"' in (suite.path / "page-compared.html").read_text()


def test_a_report_is_a_baseline_too_and_no_page_is_made_when_none_is_wanted(suite):
    suite(*BROKEN, "--tcp-report", "page.html", page=True)
    done = suite(*BROKEN, "--tcp-baseline", "page.html")
    done.stdout.fnmatch_lines(["scenarios: 0 differ, 2 are the same"])
    assert not list(suite.path.glob("*compared*"))


@pytest.mark.parametrize("content", [None, "hello\n"])
def test_a_baseline_that_cannot_be_read_is_told_before_anything_is_played(suite, content):
    if content is not None:
        (suite.path / "b.jsonl").write_text(content)
    done = suite("-k", "holds", "--tcp-baseline", "b.jsonl")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: --tcp-baseline: *b.jsonl*"])
