"""Silence in a crowd: a host may throttle what it answers to all of its peers together (RFC 5961 7).

What failed because nothing came waits until the crowd has gone. When answers to others came in some plays and not in
others, each is played once more, one after the other; otherwise what was seen counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tcpprobe.results.model import Verdict
from tcpprobe.runner.policy import USUAL, unstable
from tcpprobe.runner.ticket import Ticket

PACE = 1.0
"""Seconds between such plays, of which each wants a few answers."""
REST = 5.0
"""Seconds before the first of them. Ten in five seconds is RFC 5961's example of a limit."""


@dataclass(slots=True)
class Silences:
    """The cases that wait, in order; how many of them got an answer in one play and none in another."""

    waiting: deque[Ticket] = field(default_factory=deque)
    wavering: int = 0
    begin: float | None = None

    def put(self, ticket: Ticket, verdicts: Sequence[Verdict]) -> None:
        """Let one wait."""
        self.waiting.append(ticket)
        self.wavering += unstable(verdicts)

    @property
    def throttled(self) -> bool:
        """Whether so many waver that the target seems to throttle."""
        return self.wavering > USUAL

    def next(self, now: float) -> Ticket | None:
        """The case whose turn it is now, if any."""
        if self.begin is None:
            self.begin = now + REST
        if not self.waiting or now < self.begin:
            return None
        self.begin = now + PACE
        return self.waiting.popleft()
