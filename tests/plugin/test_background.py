"""Runs that end early: by -x, by Ctrl-C, by kill -9; and runs against the kernel in a namespace."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

LIMIT = 300  # seconds after which a test has failed; nothing here takes as long

LONG = """\
title: Long ones
scenarios:
  - id: short
    title: The port answers
    covers: [RFC9293-MUST-40]
    steps:
      - send: {flags: S}
      - expect: {flags: SA}

  - id: long
    title: A long silence
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - expect: nothing
        for: 60s

  - id: later
    title: A long silence after
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - expect: nothing
        for: 60s
"""


class Started:
    """A pytest run in a process of its own, with all its descendants known by a mark in their environment."""

    def __init__(self, path: Path, *words: str) -> None:
        self.mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pytest", "-p", "no:cacheprovider", "-v", *words],
            cwd=path,
            env=os.environ | {"TCPPROBE_TEST": self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read_until(self, word: str) -> None:
        """Read what it says until a line has this word in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if word in line:
                return
        pytest.fail(f"it ended without saying {word!r}")

    def family(self) -> list[int]:
        """Process descriptors of all that belong to it, itself excluded."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            pid = int(path.parent.name)
            with contextlib.suppress(OSError):
                if pid != self.process.pid and self.mark.encode() in path.read_bytes():
                    found.append(os.pidfd_open(pid))
        return found

    def end(self, how: int) -> tuple[int, str]:
        """Signal it; its exit code and the rest of what it says. Nothing of it is alive then."""
        family = self.family()
        try:
            if how == signal.SIGINT:
                os.killpg(self.process.pid, how)  # a terminal tells the whole group
            else:
                self.process.send_signal(how)
            rest, _ = self.process.communicate(timeout=LIMIT)
            for fileno in family:
                assert select.select([fileno], [], [], LIMIT)[0], "a process was left behind"
            assert not self.family()
        finally:
            self.process.kill()
            for fileno in family:
                os.close(fileno)
        return self.process.returncode, rest


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["alone", "spread"])
def test_ctrl_c_keeps_what_was_found_and_leaves_nothing(suite, probe, spread):
    probe("long.probe.yaml", LONG)
    started = Started(suite.path, "--tcp-target", "lab:linux", "long.probe.yaml", *spread)
    started.read_until("PASSED")
    code, rest = started.end(signal.SIGINT)
    assert code == pytest.ExitCode.INTERRUPTED
    assert "Traceback" not in rest
    run, results, end = suite.results()
    assert run.lab == "linux"
    assert set(results) == {"short"}
    assert end.cut_short
    assert (suite.path / "reports/latest.html").exists()
    assert "TCP conformance of lab:linux" in rest


def test_kill_9_keeps_what_was_found_and_leaves_nothing(suite, probe):
    probe("long.probe.yaml", LONG)
    started = Started(suite.path, "--tcp-target", "lab:linux", "long.probe.yaml")
    started.read_until("PASSED")
    code, _ = started.end(signal.SIGKILL)
    assert code == -signal.SIGKILL
    _, results, end = suite.results()
    assert set(results) == {"short"}
    assert end is None
    done = subprocess.run(
        [sys.executable, "-m", "tcpprobe", "report", str(next(suite.path.glob("reports/*.jsonl"))), "-o", "page.html"],
        cwd=suite.path,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0


def test_an_end_in_the_middle_of_a_long_scenario_is_at_once(suite, probe):
    probe("long.probe.yaml", LONG.replace("flags: SA}", "flags: FA}"))
    done = suite.apart("-x", "long.probe.yaml", "--tcp-confirm", "0", target="lab:linux")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert done.duration < 60  # what the long one takes
    _, results, end = suite.results()
    assert set(results) == {"short"}
    assert end.cut_short


@pytest.mark.parametrize(
    ("words", "failed", "cut_short"),
    [((), 2, False), (("-x",), 1, True), (("--maxfail", "2"), 2, True), (("--maxfail", "3"), 2, False)],
)
def test_after_how_many_failures_a_run_ends(suite, words, failed, cut_short):
    done = suite("--tcp-level", "should", *words)
    done.assert_outcomes(passed=3 if failed == 2 and not cut_short else 1, failed=failed, skipped=0 if cut_short else 2)
    _, results, end = suite.results()
    assert end.cut_short is cut_short
    assert len(results) == (7 if not cut_short else failed + 1)


def test_the_kernel_keeps_and_breaks_the_same(suite):
    done = suite("--tcp-width", "3", target="lab:linux", page=True)
    done.assert_outcomes(passed=3, failed=1, skipped=2)
    done.stdout.fnmatch_lines(["tcpprobe: target lab:linux, link the lab's, width 3", "*TCP conformance of lab:linux*"])
    run, results, _ = suite.results()
    assert (run.lab, run.width, run.link) == ("linux", 3, run.link)
    assert str(results["broken"].verdict) == "fail"
    # A play in which we were late ourselves is not counted, and played once more.
    assert [str(attempt.verdict) for attempt in results["broken"].attempts].count("fail") >= 3


def test_the_best_lab_is_chosen_and_named(suite):
    suite("-k", "holds", target="lab").assert_outcomes(passed=1, deselected=6)
    run, _, _ = suite.results()
    assert any(note.startswith("lab is lab:") for note in run.notes)
