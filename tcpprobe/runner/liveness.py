"""The one question asked of a target between plays: does it still answer?"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from tcpprobe.results.model import Result, Verdict
from tcpprobe.runner.ticket import Finish, Ticket
from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.model import Case

PATIENCE = 10
"""So many SYNs more, a second apart, must stay unanswered before a target is called dead."""

TEXT = """\
title: Is the target there
scenarios:
  - id: liveness
    title: The target answers a SYN
    level: info
    steps:
      - send: {flags: S, options: [mss 1460]}
      - expect:
          any_of:
            - {flags: {has: SA}, variant: accepts}
            - {flags: {has: R}, variant: refuses}
            - {icmp: port-unreachable, variant: unreachable}
            - {icmp: host-unreachable, variant: unreachable}
            - {icmp: net-unreachable, variant: unreachable}
            - {icmp: admin-prohibited, variant: prohibited}
        within: 1s
"""


@cache
def liveness_case() -> Case:
    """A SYN to the target's port; its variant says how it answered, inconclusive that it did not."""
    (case,) = load_text(TEXT, "tcpprobe:liveness")
    return case


class Liveness:
    """Asks whether the target still answers when a play leaves that open; its ticket waits for the answer.

    Attributes:
        in_doubt: the tickets that wait, each with the result that left it open.
        lost: the id of the case after which the target no longer answered; None while it does.
        unanswered: how many SYNs have drawn nothing since anything came from the target. While there are any nothing
            new should begin: what fills its backlog must go first.
    """

    def __init__(
        self,
        probe: Callable[[Case, Finish, float], None],
        *,
        alive: Callable[[Ticket, float], None],
        dead: Callable[[Ticket, Result, list[Ticket]], None],
    ) -> None:
        """``alive`` gets each ticket back; or ``dead`` the one that killed the target, its result, and the others."""
        self.in_doubt: list[tuple[Ticket, Result]] = []
        self.lost: str | None = None
        self._probe = probe
        self._alive = alive
        self._dead = dead
        self._asking = False
        self.unanswered = 0

    def ask(self, ticket: Ticket, result: Result, now: float) -> None:
        """Ask, unless the target is being asked already."""
        self.in_doubt.append((ticket, result))
        if not self._asking:
            self._asking = True
            self._probe(liveness_case(), self._answered, now)

    def heard(self) -> None:
        """Something came from the target: it does not take connections, perhaps, but it is not dead."""
        self.unanswered = min(1, self.unanswered)

    def _answered(self, answer: Result, now: float) -> None:
        alive = answer.verdict in (Verdict.PASS, Verdict.ERROR)
        if not alive and self.unanswered < PATIENCE:
            # A host whose backlog is full of our plays answers again once they have gone.
            self.unanswered += 1
            self._probe(liveness_case(), self._answered, now)
            return
        self.unanswered = 0
        self._asking = False
        doubtful, self.in_doubt = self.in_doubt, []
        if alive:
            for ticket, _ in doubtful:
                self._alive(ticket, now)
            return
        (culprit, result), *others = sorted(doubtful, key=lambda pair: pair[1].verdict is not Verdict.FAIL)
        self.lost = culprit.case.id
        self._dead(culprit, result, [ticket for ticket, _ in others])
