"""What is collected, what it is called, and what a bad file says."""

from __future__ import annotations

import random

import pytest


def test_only_scenarios_are_claimed(suite, probe):
    probe("other.yaml", "hello: world\n")
    probe("probe.yaml", "hello: world\n")
    probe("x.probe.yml", "hello: world\n")
    probe("test_x.py", "def test_x():\n    pass\n")
    done = suite("--collect-only", "-q", ".")
    assert {line.partition("::")[0] for line in done.outlines if "::" in line} == {"suite.probe.yaml", "test_x.py"}


def test_the_table_of_contents(suite):
    done = suite("--collect-only")
    assert done.ret == 0
    done.stdout.fnmatch_lines(
        [
            "*<ProbeFile suite.probe.yaml>",
            "*<holds: Data is acknowledged [[]must[]]>",
            "*<deviates: Data is acknowledged with a FIN [[]should[]]>",
            "*<rows[[]U[]]: Nothing comes of a segment without ACK [[]must[]]>",
            "*<rows[[]P[]]: *",
        ]
    )
    assert not (suite.path / "reports").exists()
    assert "TCP conformance" not in done.stdout.str()


def test_several_targets(suite):
    done = suite("--tcp-target", "lab:memory-ipv6", "-k", "holds or broken")
    done.assert_outcomes(passed=2, failed=2, deselected=10)
    done.stdout.fnmatch_lines(
        [
            "tcpprobe: target lab:memory, *",
            "tcpprobe: target lab:memory-ipv6, *",
            "*TCP conformance of lab:memory *",
            "*TCP conformance of lab:memory-ipv6 *",
        ]
    )
    listed = suite("--tcp-target", "lab:memory-ipv6", "--collect-only", "-q")
    listed.stdout.fnmatch_lines(
        ["suite.probe.yaml::holds@lab:memory", "suite.probe.yaml::holds@lab:memory-ipv6"], consecutive=True
    )
    assert len(list((suite.path / "reports").glob("*.jsonl"))) == 2
    _, results, _ = suite.results("reports/lab-memory-ipv6-*.jsonl")
    assert set(results) == {"holds", "broken"}


def test_the_same_target_twice_is_one(suite):
    suite("--tcp-target", "lab:memory", "-k", "holds").assert_outcomes(passed=1, deselected=6)


def test_without_a_target_scenarios_are_skipped_with_a_plain_reason(suite):
    done = suite("-rs", target=None)
    assert done.ret == 0
    done.assert_outcomes(skipped=7)
    done.stdout.fnmatch_lines(["SKIPPED *: no --tcp-target"])
    assert not (suite.path / "reports").exists()


def test_the_bundled_suite_is_what_is_played_when_no_path_is_given(pytester, suite, probe):
    probe("test_x.py", "def test_x():\n    pass\n")
    done = pytester.runpytest_inprocess("--tcp-target", "lab:memory", "--collect-only", "-q")
    assert "test_x.py::test_x" not in done.outlines
    assert sum("::" in line for line in done.outlines) > 100
    assert "suite.probe.yaml::holds" not in done.outlines
    done = suite("--tcp-suite", "bundled", "--collect-only", "-q")
    assert sum("::" in line for line in done.outlines) > 100
    assert "suite.probe.yaml::holds" in done.outlines


def test_another_suite(suite):
    done = suite("--tcp-suite", "nowhere")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: file or directory not found: *nowhere"])


MISTAKES = """\
title: Wrong in two ways
scenarios:
  - id: a
    title: A
    covrs: [RFC9293-MUST-40]
    given: established
    steps:
      - expect: {flags: A, akc: snd.nxt}
"""


def test_all_mistakes_of_a_file_are_told_with_line_caret_and_hint(suite, probe):
    probe("wrong.probe.yaml", MISTAKES)
    done = suite(".")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(
        [
            "*ERROR collecting wrong.probe.yaml*",
            "*wrong.probe.yaml:5:5: *covrs*",
            "*covrs: [[]RFC9293-MUST-40[]]*",
            "* ^",
            "*wrong.probe.yaml:8:28: *akc*",
            "* ^",
            "*hint: did you mean 'ack'?",
            "ERROR wrong.probe.yaml*",
        ]
    )
    told = done.stdout.str() + done.stderr.str()
    assert "Traceback" not in told
    assert ".py:" not in told
    assert not (suite.path / "reports").exists()


BAD_FILES = {
    "empty": b"",
    "binary": random.Random(1).randbytes(4096),
    "of 10 MB": b"title: x\n" + b"# filler\n" * 1_200_000,
    "bomb": b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b", ".join([b"*%c" % (97 + n)] * 9)) for n in range(9)),
    "deep": b"title: " + b"[" * 100_000,
    "latin-1": "title: Prüfung\n".encode("latin-1"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_what_is_no_scenario_file_at_all(suite, probe, kind):
    probe("bad.probe.yaml", BAD_FILES[kind])
    done = suite("bad.probe.yaml")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(["*bad.probe.yaml:*", "ERROR bad.probe.yaml*"])
    told = done.stdout.str() + done.stderr.str()
    assert "Traceback" not in told
    assert len(told) < 4000


def test_a_file_that_cannot_be_read(suite):
    (suite.path / "loop.probe.yaml").symlink_to("gone.yaml")
    done = suite(".")
    assert "Traceback" not in done.stdout.str()
    (suite.path / "fifo.probe.yaml").mkdir()
    done = suite("fifo.probe.yaml")
    assert "Traceback" not in done.stdout.str()


def test_nothing_to_play(suite, probe):
    assert suite("-k", "nonesuch").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    probe("test_x.py", "def test_x():\n    pass\n")
    done = suite("test_x.py")
    done.assert_outcomes(passed=1)
    assert not (suite.path / "reports").exists()
