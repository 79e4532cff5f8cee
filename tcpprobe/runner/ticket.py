"""What the conductor keeps of a case, and of a play in flight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tcpprobe.link.base import Lease
from tcpprobe.results.model import Result
from tcpprobe.runner.actor import Actor
from tcpprobe.runner.policy import BROKEN
from tcpprobe.scenario.model import Case

Key = tuple[str, str]
Finish = Callable[[Result, float], None]


def key_of(case: Case) -> Key:
    """What names a case within a run: its file and its id."""
    return case.scenario.file, case.id


@dataclass(slots=True, eq=False)
class Ticket:
    """One case on its way to a result.

    Attributes:
        late: how many of the plays we ourselves were late in.
        heard: whether anything was broken so far by what came, not by silence.
        crowded: how many of the attempts were silent in the crowd, once it is played away from it.
    """

    case: Case
    attempts: list[Result] = field(default_factory=list)
    in_flight: int = 0
    late: int = 0
    heard: bool = False
    crowded: int = 0
    finish: Finish | None = None

    @property
    def only_silent(self) -> bool:
        """Whether several plays broke nothing but that, some time, nothing came."""
        broken = any(attempt.verdict in BROKEN for attempt in self.attempts)
        return broken and not self.heard and len(self.attempts) > 1


@dataclass(slots=True, eq=False)
class Running:
    """A play, or something like one, in flight; `finish` is called when it has ended. What is ``slow`` mostly waits."""

    actor: Actor
    lease: Lease
    finish: Callable[[float], None]
    slow: bool = False
    deadline: float | None = None
    ended: bool = False
