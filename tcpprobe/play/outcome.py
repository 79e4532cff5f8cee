"""From a play that has ended to its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tcpprobe.results.model import Attempt, ConnectionInfo, Difference, Entry, Result, StepResult, Verdict
from tcpprobe.scenario.model import Case, Step
from tcpprobe.wire.ip import text as address_text
from tcpprobe.wire.text import one_line

if TYPE_CHECKING:
    from tcpprobe.play.line import Line, Record
    from tcpprobe.play.play import Play


class Stop(Exception):
    """The play ends here, with this verdict."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason


@dataclass(slots=True)
class Mark:
    """What became of one step."""

    outcome: str
    time: float | None = None
    expected: str = ""
    seen: str = ""
    differences: Sequence[Difference] = ()
    variant: str | None = None


#: The verdict on a requirement of each level when what it demands is not seen.
BROKEN = {"must": Verdict.FAIL, "should": Verdict.WARN, "may": Verdict.INCONCLUSIVE, "info": Verdict.INCONCLUSIVE}


@dataclass(slots=True)
class _Parts:
    """What a result has beyond what its case says."""

    verdict: Verdict
    reason: str
    steps: list[StepResult] = field(default_factory=list)
    transcript: list[Entry] = field(default_factory=list)
    variant: str | None = None
    observations: dict[str, float | int | str] = field(default_factory=dict)
    duration: float = 0.0
    connections: list[ConnectionInfo] = field(default_factory=list)


def blank_result(case: Case, verdict: Verdict, reason: str, target: str) -> Result:
    """The result of a case that was not played."""
    steps = [_step_result(index, step, Mark("not reached"), 0.0) for index, step in enumerate(case.scenario.steps)]
    return _result(case, target, _Parts(verdict, reason, steps))


def make_result(play: Play) -> Result:
    """The result of a play that is done."""
    nothing = Mark("not reached")
    steps = [
        _step_result(index, step, play.marks.get(index, nothing), play.started)
        for index, step in enumerate(play.case.scenario.steps)
    ]
    parts = _Parts(
        play.verdict,
        play.reason,
        steps,
        [_entry(play, record) for record in play.records] if play.stage.transcript else [],
        ", ".join(dict.fromkeys(play.variants)) or None,
        play.observations,
        play.now - play.started,
        [_connection(line) for line in play.lines.values()],
    )
    return _result(play.case, play.stage.target, parts)


def _result(case: Case, target: str, parts: _Parts) -> Result:
    scenario = case.scenario
    return Result(
        id=case.id,
        scenario=scenario.id,
        title=case.title,
        file=scenario.file,
        line=scenario.place.line,
        column=scenario.place.column,
        rfc=scenario.rfc,
        section=scenario.section,
        covers=list(scenario.covers),
        level=scenario.level,
        needs=sorted(scenario.needs),
        tags=sorted(scenario.tags),
        verdict=parts.verdict,
        reason=parts.reason,
        variant=parts.variant,
        steps=parts.steps,
        transcript=parts.transcript,
        observations=parts.observations,
        duration=parts.duration,
        attempts=[Attempt(parts.verdict, parts.reason)],
        connections=parts.connections,
        target=target,
        reproduce="",
        row={name: _plain(value) for name, value in case.values.items()},
    )


def _plain(value: object) -> int | float | str:
    """A value of the matrix as results have it."""
    if isinstance(value, bytes):
        return value.hex()
    return str(value).lower() if isinstance(value, bool) or not isinstance(value, int | float | str) else value


def _step_result(index: int, step: Step, mark: Mark, started: float) -> StepResult:
    return StepResult(
        index=index,
        line=step.place.line,
        column=step.place.column,
        kind=step.kind,
        source=step.source,
        outcome=mark.outcome,
        expected=mark.expected,
        seen=mark.seen,
        differences=list(mark.differences),
        time=None if mark.time is None else mark.time - started,
        variant=mark.variant,
    )


def _entry(play: Play, record: Record) -> Entry:
    if record.packet is not None:
        text = one_line(record.packet, play.lines[record.connection].base(record.iss))
    else:
        text = f"{len(record.raw)} raw octets" if record.raw else record.note
    return Entry(
        time=record.time - play.started,
        kind=record.kind,
        connection=record.connection,
        packet=record.raw,
        text=text,
        step=record.step,
        note=record.note if record.raw else "",
        fragments=list(record.packet.fragments) if record.packet is not None else [],
    )


def _connection(line: Line) -> ConnectionInfo:
    tcb = line.connection.tcb
    return ConnectionInfo(
        name=line.name,
        local=address_text(tcb.local[0]),
        lport=tcb.local[1],
        remote=address_text(tcb.remote[0]),
        rport=tcb.remote[1],
        iss=tcb.iss,
        irs=tcb.irs,
    )
