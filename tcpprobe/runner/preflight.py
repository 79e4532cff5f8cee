"""Before the first play: does the target answer at all, how far is it, and which of its ports is closed?"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tcpprobe.results.model import Result, Verdict
from tcpprobe.runner.conductor import Conductor
from tcpprobe.runner.liveness import liveness_case
from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.model import Case
from tcpprobe.target.target import Target

#: So many SYNs are sent: one may be lost, and the first answer may have waited for more than the way.
TRIES = 3
#: Ports on which nobody listens on most hosts; the first that answers a SYN with RST is used.
CANDIDATES = (1, 4, 6, 8, 24, 47806, 61999)

SENTENCES = {
    "refuses": "{target} refuses connections: it answers a SYN with RST (does anything listen on port {port}?)",
    "unreachable": "{target} cannot be reached: an ICMP error came back to a SYN",
    "prohibited": "{target} cannot be reached: a firewall on the way prohibits it",
    None: "{target} does not answer: {tries} SYNs drew nothing (host down, or a firewall drops them)",
}

CLOSED = """\
title: Is the port closed
scenarios:
  - id: closed
    title: The port answers a SYN with RST
    level: info
    needs: [closed_port]
    steps:
      - send: {flags: S}
      - expect: {flags: RA, ack: iss + 1}
        within: 500ms
"""


@cache
def closed_case() -> Case:
    """A SYN that passes when the closed port really is closed."""
    (case,) = load_text(CLOSED, "tcpprobe:closed")
    return case


class Preflight:
    """The questions, one after the other.

    Attributes:
        finished: all questions are answered.
        sentence: why the target cannot be tested, or None.
        closed_port: a closed port that was found, when the user named none.
        round_trip: seconds from a SYN to its answer, the least that was seen.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.finished = False
        self.sentence: str | None = None
        self.closed_port: int | None = None
        self._round_trips: list[float] = []
        self._tries = 0
        self._candidates = [port for port in CANDIDATES if port != target.port]

    @property
    def round_trip(self) -> float:
        return min(self._round_trips, default=0.0)

    def begin(self, conductor: Conductor, now: float) -> None:
        """Ask the first question; the rest follow by themselves as the answers come."""
        self._conductor = conductor
        conductor.probe(liveness_case(), self._answered, now)

    def _answered(self, result: Result, now: float) -> None:
        self._tries += 1
        if result.verdict is Verdict.ERROR:
            self._end(result.reason)
            return
        if result.variant == "accepts":
            self._round_trips.append(result.duration)
        elif result.variant is not None and not self._round_trips:
            self._tries = TRIES
        if self._tries < TRIES:
            self._conductor.probe(liveness_case(), self._answered, now)
        elif self._round_trips:
            self._next_candidate(now)
        else:
            sentence = SENTENCES.get(result.variant, SENTENCES[None])
            self._end(sentence.format(target=self.target.text, port=self.target.port, tries=self._tries))

    def _next_candidate(self, now: float) -> None:
        if self.target.closed_port is not None or not self._candidates:
            self._end(None)
            return
        port = self._candidates.pop(0)
        self._conductor.target = replace(self.target, closed_port=port)
        self._conductor.probe(closed_case(), lambda result, then: self._tried(port, result, then), now)

    def _tried(self, port: int, result: Result, now: float) -> None:
        self._conductor.target = self.target
        if result.verdict is Verdict.PASS:
            self.closed_port = port
            self._end(None)
        else:
            self._next_candidate(now)

    def _end(self, sentence: str | None) -> None:
        self.sentence = sentence
        self.finished = True
        self._conductor.notify()
