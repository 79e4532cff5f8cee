"""A suite whose file names, titles and rows are hostile: whatever pytest prints or stores of it stays text."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from tcpprobe.report.render import render

# No slash: this is a file's name. The control characters are what Linux lets into one.
NAME = "::error::a <script>alert(1)<b> \"'&]]>\x1b[31m\u202e\u2066::warning::b\n##[error]c\r\x07{0}|`[x](y).probe.yaml"
TITLE = "</script><script>alert(2)</script> \x1b]0;t\x07 \u202e \" ' & \x00 ]]> ::error::d ##[error]e\n::error::f"
SUITE = f"""\
title: {json.dumps(TITLE)}
scenarios:
  - id: broken
    title: {json.dumps(TITLE)}
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - send: {{flags: PA, data: "hello"}}
      - expect: {{flags: A, ack: snd.nxt + 1}}
        within: 1s

  - id: vague
    title: {json.dumps(TITLE)}
    covers: [RFC9293-MUST-40]
    steps:
      - send: {{flags: S}}
      - expect: {{flags: R}}
        verdict: inconclusive
"""


def is_text(said: str) -> bool:
    """Whether no line can move a cursor or is a workflow command."""
    return all(line.isprintable() for line in said.split("\n")) and not re.search(r"(?m)^\s*::\w[^:]*::|##\[", said)


@pytest.fixture
def hostile(suite, probe):
    """The small suite's directory with the hostile file alone in it."""
    (suite.path / "suite.probe.yaml").unlink()
    probe(NAME, SUITE)
    return suite


def play(hostile, *words):
    return hostile.pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-p", "no:randomly", "--tcp-target", "lab:memory", "--tcp-confirm", "0", ".", *words
    )


@pytest.mark.parametrize("how", [(), ("-v", "-rA"), ("-q", "-rsx", "--tb=line"), ("--collect-only",)])
def test_a_terminal_is_not_moved(hostile, how):
    done = play(hostile, "--tcp-report", "none", *how)
    assert len(done.outlines) > 5
    assert is_text("\n".join(done.outlines))


def test_junit_is_valid_and_says_what_was_there(hostile):
    play(hostile, "--tcp-report", "none", "--junitxml", "junit.xml")
    content = (hostile.path / "junit.xml").read_text(encoding="utf-8")
    broken, vague = ElementTree.fromstring(content).iter("testcase")
    for case in (broken, vague):
        place = next(each.get("value") for each in case.iter("property") if each.get("name") == "place")
        assert place.startswith("\\x3a:error::a <script>alert(1)<b> \"'&]]>\\x1b[31m\\u202e")
        assert all(is_text(text) for text in (place, case.get("name"), case.get("classname")))
    failure = broken.find("failure")
    assert "</script><script>alert(2)</script> \\x1b]0;t\\x07 \\u202e" in failure.get("message")
    assert is_text(failure.text)
    assert "<script>" not in content


def test_every_machine_form_is_text(hostile, monkeypatch):
    for name, value in (("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", str(hostile.path))):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(hostile.path / "summary.md"))
    done = play(hostile, "--tcp-report", "none", "--tcp-results", "r.jsonl")
    (annotation,) = (line for line in done.outlines if line.startswith("::"))
    assert re.fullmatch(r"::error file=[^:,]*,line=9,col=\d+,title=[^:,]*::[^\n]*", annotation)
    summary = (hostile.path / "summary.md").read_text(encoding="utf-8")
    assert all(line.isprintable() for line in summary.split("\n"))
    assert "<script" not in re.sub(r"(?<!\\)`[^`]*`", "", summary)
    render(hostile.path / "r.jsonl", hostile.path / "r.sarif")
    (run,) = json.loads((hostile.path / "r.sarif").read_text(encoding="utf-8"))["runs"]
    (found,) = run["results"]
    assert is_text(found["message"]["text"])
    place = found["locations"][0]["physicalLocation"]
    assert re.fullmatch(r"[A-Za-z0-9%/._~-]+", place["artifactLocation"]["uri"])
    assert place["region"]["startLine"] == 9


def test_a_mistake_in_such_a_file_is_told_as_text(hostile, probe):
    probe(NAME, f"title: x\nscenarios:\n  - {json.dumps(TITLE)}: 1\n  - id: \x1b[31m\n")
    assert is_text("\n".join(play(hostile, "--tcp-report", "none").outlines))
