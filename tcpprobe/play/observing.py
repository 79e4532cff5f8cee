"""Steps that judge nothing: collecting what comes for a while, and noting what was observed."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from tcpprobe.play.line import Arrival
from tcpprobe.play.outcome import Mark
from tcpprobe.play.scope import Capture
from tcpprobe.scenario.model import Alternative, AnyOf, Collect, Pattern, Record
from tcpprobe.scenario.operations import shown

if TYPE_CHECKING:
    from tcpprobe.play.play import Play
    from tcpprobe.play.play import Wait as Waits

QUIET = 0.5  # seconds that `nothing` and `collect` last when they name no time


def collect(play: Play, step: Collect) -> Generator[Waits, Arrival | None, None]:
    """Take all that comes until the time is up, and keep what matches."""
    line = play.line
    until = play.until(QUIET if step.for_ is None else step.for_)
    found: list[Capture] = []
    while (arrival := (yield line, until)) is not None:
        if arrival.time > until:
            line.mailbox.appendleft(arrival)
            break
        with play.scope.at(line, arrival.before):
            wanted = any(not each.differences(arrival.packet, play.scope) for each in patterns(step.alternative))
        line.take(arrival)
        arrival.record.note = "passed over"
        if wanted:
            arrival.record.step, arrival.record.note = play.step, "collected"
            found.append(Capture(arrival.packet, arrival.time - play.started))
    play.capture(step, step.as_, found, many=True)
    play.mark(Mark("done", play.now, step.alternative.describe(play.scope), f"{len(found)} of them"))


def record(play: Play, step: Record) -> Generator[Waits, Arrival | None, None]:
    """Note observations, for the target's passport."""
    for name, expression in step.values.items():
        play.observations[name] = observation(expression.value(play.scope))
    play.mark(Mark("done", play.now))
    return
    yield  # makes this a generator like every step


def observation(value: object) -> float | int | str:
    """A value as results have it: numbers and text as they are, the members of a list in short."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | str):
        return value
    if isinstance(value, list):
        return ", ".join(each if isinstance(each, str) else shown(each) for each in value) or "none"
    return "none" if value is None else str(value)


def patterns(alternative: Alternative) -> list[Pattern]:
    """The patterns among which one has to match."""
    return [member for member in flat(alternative) if isinstance(member, Pattern)]


def flat(alternative: Alternative) -> list[Alternative]:
    """The alternatives that an ``any_of`` names, however nested."""
    if isinstance(alternative, AnyOf):
        return [inner for member in alternative.members for inner in flat(member)]
    return [alternative]
