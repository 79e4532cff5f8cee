"""Where in a step's YAML the caret stands."""

from __future__ import annotations

import pytest

from tcpprobe.report.excerpt import excerpt, failing_step
from tcpprobe.results.model import Difference, StepResult

from .sample import closed_port, reset_in_window, skipped, timer_doubles


def pointed(source: str, *fields: str, outcome: str = "missed", variant: str | None = None) -> list[str]:
    differences = [Difference(name, "a", "b") for name in fields]
    step = StepResult(0, 7, 5, "expect", source, outcome, differences=differences, variant=variant)
    return [
        line.text[line.caret[0] : sum(line.caret)] + f" @{line.number}"
        for line in excerpt(step)
        if line.caret is not None
    ]


@pytest.mark.parametrize(
    ("source", "fields", "under"),
    [
        ("- expect: {flags: RA, ack: 1001}", ["ack"], "ack: 1001 @7"),
        ("- expect: {flags: [A, FA], ack: 1}", ["flags"], "flags: [A, FA] @7"),
        ("- expect:\n    flags: A\n    ack: snd.nxt", ["ack"], "ack: snd.nxt @9"),
        ('- expect: {options: {mss: "536 .. 9000"}}', ["options.mss"], 'mss: "536 .. 9000" @7'),
        ("- expect: {seq: 1, ack: 2}", ["window", "ack"], "ack: 2 @7"),
        ("- expect: {flags: A}", ["checksum"], "expect: {flags: A} @7"),
        ("- expect: {flags: A}", [], "expect: {flags: A} @7"),
        ("- expect: {data: 'ack: 3', ack: 1}", ["data"], "data: 'ack: 3' @7"),
    ],
)
def test_the_caret_stands_under_what_differs(source: str, fields: list[str], under: str) -> None:
    assert pointed(source, *fields) == [under]


def test_what_was_met_needs_no_caret() -> None:
    assert pointed("- expect: {flags: A}", outcome="met") == []
    assert pointed("- expect: {gone: true, variant: old}", outcome="met", variant="old") == ["variant: old @7"]


def test_the_failing_step() -> None:
    missed, tolerated = failing_step(closed_port()), failing_step(reset_in_window())
    assert missed is not None
    assert tolerated is not None
    assert (missed.index, tolerated.index) == (1, 1)
    assert failing_step(timer_doubles()) is None
    assert failing_step(skipped()) is None
