"""Which scenario notices which broken TCP: the proof that a scenario can fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tcpprobe.lab.memory import MemoryLab
from tcpprobe.lab.mutant import Mutant
from tcpprobe.lab.mutants import MUTANTS
from tcpprobe.results.model import Result, Verdict
from tcpprobe.runner.session import Session
from tcpprobe.runner.settings import Settings
from tcpprobe.scenario.model import Case
from tcpprobe.tcp.connection import Connection

#: One play says it all: in virtual time a second one would go the same way. Only verdicts are looked at.
ONCE = Settings(confirm=0, retry=0, transcript=False)


@dataclass(frozen=True, slots=True)
class Bites:
    """What was found.

    Attributes:
        sound: the verdict of each case against the sound TCP, and in ``reasons`` why.
        by_case: for each case the names of the mutants it notices.
    """

    sound: Mapping[str, Verdict]
    reasons: Mapping[str, str]
    by_case: Mapping[str, tuple[str, ...]]


def play_all(cases: Sequence[Case], mutant: Mutant | None = None) -> list[Result]:
    """Every case against an in-memory target of its own: the sound TCP, or a mutant that starts afresh each time."""
    results = []
    for case in cases:
        family = 6 if "ipv6" in case.scenario.needs else 4
        with MemoryLab(mutant.make if mutant is not None else Connection, family) as lab:
            session = Session(lab.target, lab.link, ONCE)
            try:
                results.append(session.result(case))
            finally:
                session.close()
    return results


def bites(cases: Sequence[Case], mutants: Sequence[str] | None = None) -> Bites:
    """Play all cases against the sound TCP and against each mutant (of these names; default: all)."""
    sound = play_all(cases)
    noticed: dict[str, list[str]] = {case.id: [] for case in cases}
    for name in mutants if mutants is not None else MUTANTS:
        for result in play_all(cases, MUTANTS[name]):
            if result.verdict in (Verdict.FAIL, Verdict.WARN):
                noticed[result.id].append(name)
    return Bites(
        {result.id: result.verdict for result in sound},
        {result.id: result.reason for result in sound},
        {id_: tuple(names) for id_, names in noticed.items()},
    )
