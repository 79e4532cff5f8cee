"""What a run found, as plain data. Views (terminal, HTML, Markdown) are made from it and from nothing else.

Times are seconds; those within a result count from the beginning of its play.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

SCHEMA = 1
"""Version of the form that `tcpprobe.results.jsonl` writes; it grows when a reader of the old form would err."""


class Verdict(StrEnum):
    """What a play says about its requirements."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    SKIP = "skip"
    ERROR = "error"


@dataclass(slots=True)
class Difference:
    """One field of a packet that was not as expected; both sides as text, in relative numbers."""

    field: str
    expected: str
    seen: str


@dataclass(slots=True)
class Entry:
    """One line of a transcript.

    Attributes:
        time: seconds since the play began.
        kind: ``sent``, ``received`` or ``event``.
        connection: the connection's name within the scenario.
        packet: the IP packet as it was on the wire; empty for an event.
        text: the packet in one line, in relative numbers; for an event, what happened.
        step: index of the step that sent it, or that it met or missed.
        note: what it was taken for (``met``, ``missed``, ``retransmission, ignored`` …).
    """

    time: float
    kind: str
    connection: str
    packet: bytes
    text: str
    step: int | None = None
    note: str = ""


@dataclass(slots=True)
class StepResult:
    """What became of one step.

    Attributes:
        line, column: where the step stands in its file, from 1.
        source: the step's YAML text.
        outcome: ``met``, ``missed``, ``done`` (nothing to meet) or ``not reached``.
        expected, seen: in words, relative numbers.
        differences: field by field, when a packet came near.
        time: when it was decided.
        variant: which of the allowed behaviours was followed.
    """

    index: int
    line: int
    column: int
    kind: str
    source: str
    outcome: str
    expected: str = ""
    seen: str = ""
    differences: list[Difference] = field(default_factory=list)
    time: float | None = None
    variant: str | None = None


@dataclass(slots=True)
class Attempt:
    """One of the plays that a result stands on."""

    verdict: Verdict
    reason: str


@dataclass(slots=True)
class ConnectionInfo:
    """A connection's addresses as text, and the initial sequence numbers that relative ones count from."""

    name: str
    local: str
    lport: int
    remote: str
    rport: int
    iss: int
    irs: int


@dataclass(slots=True)
class Result:
    """What was found on one case: a scenario, or one row of its matrix."""

    id: str
    scenario: str
    title: str
    file: str
    line: int
    column: int
    rfc: str
    section: str
    covers: list[str]
    level: str
    needs: list[str]
    verdict: Verdict
    reason: str
    variant: str | None
    steps: list[StepResult]
    transcript: list[Entry]
    observations: dict[str, float | int | str]
    duration: float
    attempts: list[Attempt]
    connections: list[ConnectionInfo]
    target: str
    reproduce: str


@dataclass(slots=True)
class Run:
    """What heads a run's results.

    Attributes:
        started: ISO 8601, UTC.
        command: what the user typed.
        notes: sentences that belong on the report's first page.
    """

    target: str
    address: str
    family: int
    link: str
    width: int
    service: str
    services: dict[str, int]
    lab: str | None
    started: str
    seed: int
    command: str
    version: str
    python: str
    platform: str
    notes: list[str] = field(default_factory=list)
    schema: int = SCHEMA


@dataclass(slots=True)
class End:
    """What closes a run's results.

    Attributes:
        counts: how many results of each verdict.
        duration: seconds from the first play to the last result.
        cut_short: the run did not get to its end.
    """

    counts: dict[str, int]
    duration: float
    cut_short: bool = False
