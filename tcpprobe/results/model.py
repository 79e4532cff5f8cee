"""What a run found, as plain data: no behaviour, no third-party import, cheap to make by the thousand.

Times are float seconds since the start of the play they belong to, durations float seconds, addresses text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

SCHEMA = 1
"""Version of the stored form. It grows when a reader of the old form would misread the new one."""

Observation = float | int | str
"""One measured value of a passport entry (initial window, minimum RTO, …)."""


class Verdict(StrEnum):
    """What is said about one scenario; only ``FAIL`` and ``WARN`` speak against the target."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    SKIP = "skip"
    ERROR = "error"


@dataclass(slots=True)
class Difference:
    """One field of an expectation that the nearest arrival did not meet."""

    field: str
    expected: str
    seen: str


@dataclass(slots=True)
class Entry:
    """One line of the transcript: a packet or an event.

    ``kind`` is "sent", "received" or "event"; ``packet`` the IP packet's bytes, empty for an event; ``text`` one line
    in relative numbers; ``step`` the index of the step it belongs to; ``note`` what became of it ("met", "missed",
    "retransmission, ignored", …). ``fragments`` are the packets that were on the wire instead, when it went in such.
    """

    # Packets are stored as base64url (RFC 4648 5) because JSON has no bytes.
    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}

    time: float
    kind: str
    connection: str = "main"
    packet: bytes = b""
    text: str = ""
    step: int | None = None
    note: str = ""
    fragments: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class StepResult:
    """What became of one step.

    ``source`` is its YAML text, ``line`` and ``column`` where that stands (from 1); ``outcome`` "met", "missed",
    "not reached" or "done" (for steps that expect nothing); ``expected`` and ``seen`` are one line each.
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
    """The verdict of one of several plays of a scenario."""

    verdict: Verdict
    reason: str = ""


@dataclass(slots=True)
class ConnectionInfo:
    """One connection of a play: both ends, and the initial sequence numbers that relative numbers count from."""

    name: str
    local: str
    lport: int
    remote: str
    rport: int
    iss: int | None = None
    irs: int | None = None


@dataclass(slots=True)
class Result:
    """One case of one scenario, played.

    ``id`` names the case (scenario and matrix values), ``file``, ``line``, ``column`` where it is written,
    ``covers`` the requirements it speaks about, ``level`` is "must", "should", "may" or "info", ``reproduce`` the
    command that plays it again, ``row`` the values of the matrix by name (octets as hex digits), ``tags`` the
    scenario's own.
    """

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
    reason: str = ""
    variant: str | None = None
    steps: list[StepResult] = field(default_factory=list)
    transcript: list[Entry] = field(default_factory=list)
    observations: dict[str, Observation] = field(default_factory=dict)
    duration: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    connections: list[ConnectionInfo] = field(default_factory=list)
    target: str = ""
    reproduce: str = ""
    row: dict[str, Observation] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """What was tested, how and with what: all that is needed to do it again.

    ``services`` maps a capability to its port, ``family`` is 4 or 6, ``width`` the number of plays in flight,
    ``round_trip`` the seconds that an answer needed at least, ``started`` an ISO 8601 time, ``command`` what the user
    typed.
    """

    target: str
    address: str = ""
    family: int = 4
    link: str = ""
    width: int = 1
    round_trip: float = 0.0
    service: str | None = None
    services: dict[str, int] = field(default_factory=dict)
    lab: str | None = None
    started: str = ""
    seed: int = 0
    command: str = ""
    version: str = ""
    python: str = ""
    platform: str = ""
    notes: list[str] = field(default_factory=list)
    schema: int = SCHEMA


@dataclass(slots=True)
class End:
    """The last record of a run that was not killed: how many of each verdict, how long, whether it was cut short.

    ``notes`` are those that came up in the middle of the run.
    """

    counts: dict[str, int] = field(default_factory=dict)
    duration: float = 0.0
    cut_short: bool = False
    notes: list[str] = field(default_factory=list)
