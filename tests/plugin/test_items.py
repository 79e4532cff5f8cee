"""Verdicts as pytest's outcomes; what an item tells."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

VERDICTS = {
    "holds": "pass",
    "broken": "fail",
    "deviates": "warn",
    "helped": "skip",
    "vague": "inconclusive",
    "rows[U]": "pass",
    "rows[P]": "pass",
}


def test_every_verdict_has_its_outcome(suite):
    done = suite("-rA")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.assert_outcomes(passed=3, failed=1, skipped=2)
    done.stdout.fnmatch_lines(["*, 1 warned in *"])
    done.stdout.fnmatch_lines(["suite.probe.yaml .Fwss..*"])
    _, results, end = suite.results()
    assert {id_: str(result.verdict) for id_, result in results.items()} == VERDICTS
    assert not end.cut_short
    assert sum(end.counts.values()) == len(VERDICTS)


def test_a_violated_should_fails_when_asked(suite):
    done = suite("--tcp-level", "should")
    done.assert_outcomes(passed=3, failed=2, skipped=2)
    done.stdout.fnmatch_lines(["WARN  Data is acknowledged with a FIN"])


def test_a_failure_tells_its_story(suite):
    done = suite("-k", "broken")
    done.stdout.fnmatch_lines(
        [
            "*_ broken: Data is acknowledged twice over _*",
            "FAIL  Data is acknowledged twice over",
            "*(3*",  # it was played again, and broke every time
            "must be   RFC9293-MUST-40 (RFC 9293 section 3.8.6.3, MUST)",
            "sent      [[]PA[]] seq 1 ack 1 *",
            "expected  flags A, ack snd.nxt + 1*",
            "seen      * ack 6 *",
            "*suite.probe.yaml:17:*",
            "*17 | expect: {flags: A, ack: snd.nxt + 1}",
            "*^^^*",
            "*ack*snd.nxt + 1*6",
            "*|-------- [[]S[]] seq 0 *",
            "*missed*",
            "again     pytest *suite.probe.yaml::broken --tcp-target lab:memory",
        ]
    )
    assert "Traceback" not in done.stdout.str()
    assert "bench.py" not in done.stdout.str()


def test_the_command_of_a_failure_plays_it_again(suite):
    told = next(line for line in suite("-k", "broken").outlines if line.startswith("again "))
    words = told.split()[2:]
    done = suite(*words, target=None)
    done.assert_outcomes(failed=1)


def test_the_command_of_a_failure_bears_the_options_that_matter(suite):
    done = suite("-k", "broken", "--tcp-timeout-scale", "2", "--tcp-http-path", "/{n} b", "--tcp-width", "3")
    done.stdout.fnmatch_lines(["again     pytest * --tcp-target lab:memory*--tcp-timeout-scale 2.0*"])
    done.stdout.fnmatch_lines(["again *--tcp-http-path '/{n} b'*"])
    assert "--tcp-width" not in next(line for line in done.outlines if line.startswith("again "))


def test_the_place_of_an_item_is_its_line(suite):
    done = suite("-rs", "-v")
    done.stdout.fnmatch_lines(
        ["SKIPPED [[]1[]] suite.probe.yaml:29: needs agent*", "SKIPPED [[]1[]] suite.probe.yaml:37:*"]
    )
    done = suite("-k", "broken", "--tb", "line")
    done.stdout.fnmatch_lines(["FAIL  Data is acknowledged twice over"])


def test_junit_knows_the_requirements(suite):
    suite("--junitxml", "junit.xml")
    cases = {case.get("name"): case for case in ElementTree.parse(suite.path / "junit.xml").iter("testcase")}
    assert set(cases) == set(VERDICTS)
    for name, case in cases.items():
        properties = [(each.get("name"), each.get("value")) for each in case.iter("property")]
        assert ("verdict", VERDICTS[name]) in properties
        assert ("requirement", "RFC9293-MUST-40") in properties
    assert cases["broken"].find("failure") is not None
    assert cases["vague"].find("skipped") is not None


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("must", 6),
        ("should", 1),
        ("not should", 6),
        ("rfc9293", 7),
        ("needs_agent", 1),
        ("colour", 2),
        ("must and not colour", 4),
        ("info", 0),
    ],
)
def test_markers_choose(suite, expression, chosen):
    done = suite("-m", expression, "--collect-only", "-q")
    assert sum("::" in line for line in done.outlines) == chosen


def test_markers_are_registered(suite):
    done = suite("--strict-markers", "-q")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done = suite("--markers", target=None)
    for name in ("must", "should", "may", "info", "slow"):
        done.stdout.fnmatch_lines([f"@pytest.mark.{name}: a scenario *"])


@pytest.mark.parametrize(
    ("words", "passed", "failed"),
    [(("-k", "rows"), 2, 0), (("-k", "holds or broken"), 1, 1)],
)
def test_names_choose(suite, words, passed, failed):
    suite(*words).assert_outcomes(passed=passed, failed=failed, deselected=7 - passed - failed)


def test_one_row_by_its_id(suite):
    suite("suite.probe.yaml::rows[P]").assert_outcomes(passed=1)
    done = suite("suite.probe.yaml::nonesuch")
    assert done.ret == pytest.ExitCode.USAGE_ERROR


def test_durations_are_those_of_the_scenarios(suite):
    done = suite("--durations", "3", "-vv")
    # The two that wait for nothing to come take half a second of virtual time.
    done.stdout.fnmatch_lines(["0.50s call * suite.probe.yaml::rows[[]?[]]"])


@pytest.mark.usefixtures("suite")
def test_repetition_of_what_failed(pytester):
    words = ("--tcp-target", "lab:memory", "suite.probe.yaml")
    pytester.runpytest_inprocess(*words).assert_outcomes(passed=3, failed=1, skipped=2)
    done = pytester.runpytest_inprocess(*words, "--lf")
    done.assert_outcomes(failed=1)
    done = pytester.runpytest_inprocess(*words, "--ff")
    done.stdout.fnmatch_lines(["suite.probe.yaml F*"])
    pytester.runpytest_inprocess(*words, "--sw").assert_outcomes(passed=1, failed=1)


def test_repetition_of_rows_that_failed(pytester):
    rows = "title: t\nscenarios:\n  - {id: rows, title: t, level: must, matrix: {n: [1, 2]}, steps: [check: n == 1]}\n"
    (pytester.path / "t.probe.yaml").write_text(rows)
    words = ("--tcp-target", "lab:memory", "t.probe.yaml")
    pytester.runpytest_inprocess(*words).assert_outcomes(passed=1, failed=1)
    pytester.runpytest_inprocess(*words, "--lf").assert_outcomes(failed=1)


LATE = """\
title: Three that could be reported at once or late
scenarios:
  - id: alone
    title: The port answers when nothing else is played
    exclusive: true
    covers: [RFC9293-MUST-40]
    steps: [{send: {flags: S}}, {expect: {flags: SA}}]
  - id: slow
    title: The port answers in the end
    tags: [slow]
    covers: [RFC9293-MUST-40]
    steps: [{send: {flags: S}}, {expect: {flags: SA}}]
  - id: quick
    title: The port answers
    covers: [RFC9293-MUST-40]
    steps: [{send: {flags: S}}, {expect: {flags: SA}}]
"""


def test_what_ends_late_keeps_nothing_else_from_being_reported(suite, probe):
    """What is slow and what is played last are the last items, whatever the file's order."""
    probe("late.probe.yaml", LATE)
    done = suite("-v", "late.probe.yaml", "suite.probe.yaml::holds")
    told = [line.split("::")[1].split()[0] for line in done.outlines if "::" in line and "PASSED" in line]
    assert told == ["quick", "holds", "slow", "alone"]
