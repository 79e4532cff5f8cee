"""What each kind of step does: one generator each, found in the table `STEPS`.

A step yields what it waits for (a line's next arrival, or only time) and until when; it gets the arrival, or None when
the time is up. It ends the play by raising `Stop`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tcpprobe.play import services
from tcpprobe.play.craft import arrives_whole, build
from tcpprobe.play.line import Arrival, Line
from tcpprobe.play.observing import QUIET, collect, flat, patterns, record
from tcpprobe.play.outcome import BROKEN, Mark, Stop
from tcpprobe.play.scope import Capture
from tcpprobe.results import model as results
from tcpprobe.results.model import Verdict
from tcpprobe.scenario.model import (
    AllOf,
    Alternative,
    Check,
    Collect,
    Difference,
    Expect,
    Gone,
    Nothing,
    Pattern,
    Pause,
    Record,
    Send,
    Step,
    TargetAction,
    Wait,
)
from tcpprobe.wire.flags import ACK, RST
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add
from tcpprobe.wire.text import one_line

if TYPE_CHECKING:
    from tcpprobe.play.play import Play
    from tcpprobe.play.play import Wait as Waits

Walk = Generator["Waits", Arrival | None, None]

WITHIN = 1.0  # seconds for an expectation that names no time
PROBE_EVERY = 0.7  # beyond the 0.5 s in which Linux answers only one out-of-window segment per socket
PROBES = 3


def send(play: Play, step: Send) -> Walk:
    """Send a segment (or ICMP message, or raw bytes), as often as said."""
    line = play.line
    times = step.times(play.scope)
    captures = []
    for count in range(times):
        if count and step.every:
            yield from pause(play, step.every)
        raw, packet = build(play, line, step)
        if isinstance(packet.payload, Segment):
            if not packet.fragments or arrives_whole(packet):
                line.connection.note_sent(packet.payload, play.now)
            line.dialled = True
        play.transmit_raw(line, raw, packet)
        captures.append(Capture(packet, play.now - play.started))
    if step.as_:
        play.capture(step, step.as_, captures, many=step.repeat is not None)
    play.mark(Mark("done", play.now))


def pause(play: Play, wanted: Pause) -> Walk:
    """Let time pass; what arrives waits."""
    until = play.now + wanted.seconds * play.stage.scale + (play.stage.round_trip if wanted.rtt else 0)
    while play.now < until:
        yield None, until


def wait(play: Play, step: Wait) -> Walk:
    """The ``wait`` step."""
    yield from pause(play, step.pause)
    play.mark(Mark("done", play.now))


def check(play: Play, step: Check) -> Walk:
    """A condition on what was captured."""
    if step.expression.value(play.scope):
        play.mark(Mark("met", play.now, expected=step.expression.text))
        return
    seen = step.expression.explain(play.scope)
    mark = Mark("missed", play.now, step.expression.text, seen)
    play.mark(mark)
    raise _missed(play, step.verdict, f"{step.why or step.expression.text}: {seen}")
    yield  # makes this a generator like every step


def target_action(play: Play, step: TargetAction) -> Walk:
    """Make the target's service do something."""
    line = play.line
    if step.action == "send":
        size = step.argument_value(play.scope)
        assert isinstance(size, int)  # the language takes no other
        services.ask(play, line, size)
        yield from request_taken(play, line)
    elif step.action == "close":
        services.ask_to_close(play, line)
    else:
        raise Stop(Verdict.SKIP, "needs agent: a helper on the target's host")
    play.mark(Mark("done", play.now))


def request_taken(play: Play, line: Line) -> Walk:
    """Take the bare acknowledgment of a request, if it comes by itself: what counts is what is sent in answer."""
    tcb = line.connection.tcb
    if line.automatic or tcb.snd.una == tcb.snd.nxt:
        return
    arrival = yield line, play.until(WITHIN)
    if arrival is None:
        return
    if arrival.segment is not None and line.is_pure_ack(arrival.segment):
        arrival.record.note = "takes the request"
        line.take(arrival)
    else:
        line.mailbox.appendleft(arrival)


# -- expectations -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Sought:
    """An expectation under way."""

    play: Play
    step: Expect
    line: Line
    began: float
    deadline: float
    wanted: list[Alternative] = field(default_factory=list)  # of an all_of, what is still to come
    nearest: tuple[list[Difference], Arrival] | None = None
    met_by: Alternative | None = None
    variant: str | None = None


def expect(play: Play, step: Expect) -> Walk:
    """``expect`` and ``eventually``, in all their forms."""
    line = play.line
    captures: list[Capture] = []
    times = step.times(play.scope)
    for _ in range(times):
        sought = Sought(play, step, line, play.now, play.until(allowance(step)))
        arrival = yield from seek(sought)
        if arrival is not None:
            captures.append(Capture(arrival.packet, arrival.time - play.started))
    if step.as_ and captures:
        play.capture(step, step.as_, captures, many=step.repeat is not None)
    mark = Mark("met", play.now, describe(play, step.alternative), variant=sought.variant)
    if captures:
        mark.seen = one_line(captures[-1].packet, line.base())
    play.mark(mark)


def allowance(step: Expect) -> float:
    """How long the step waits, in seconds, before scaling."""
    if step.within is not None:
        return step.within
    if step.for_ is not None:
        return step.for_
    return QUIET if isinstance(step.alternative, Nothing) else WITHIN


def seek(sought: Sought) -> Generator[Waits, Arrival | None, Arrival | None]:
    """Wait until the alternative is met; returns the arrival that met it, if one did. Raises Stop when it is missed."""
    line = sought.line
    alternative = sought.step.alternative
    sought.wanted = list(alternative.members) if isinstance(alternative, AllOf) else [alternative]
    if isinstance(alternative, Gone):
        yield from gone(sought, alternative)
        return None
    while True:
        arrival = yield line, sought.deadline
        if arrival is not None and arrival.time > sought.deadline:
            line.mailbox.appendleft(arrival)
            arrival = None
        if arrival is None:
            yield from silence(sought)
            return None
        if judge(sought, arrival):
            return arrival


def judge(sought: Sought, arrival: Arrival) -> bool:
    """Whether this arrival completes the expectation; it is taken in any case. Raises Stop when it cannot be met."""
    play, line, step = sought.play, sought.line, sought.step
    nearest: list[Difference] | None = None
    with play.scope.at(line, arrival.before):
        for wanted in sought.wanted:
            for pattern in patterns(wanted):
                differences = pattern.differences(arrival.packet, play.scope)
                if not differences:
                    sought.wanted.remove(wanted)
                    return _met(sought, arrival, pattern)
                if nearest is None or len(differences) < len(nearest):
                    nearest = differences
        ignored = ignorable(play, line, arrival)
    if ignored:
        arrival.record.note = f"{ignored}, ignored"
        line.take(arrival)
        return False
    if nearest is not None and (sought.nearest is None or len(nearest) <= len(sought.nearest[0])):
        sought.nearest = nearest, arrival
    if step.eventually:
        arrival.record.note = "passed over"
        line.take(arrival)
        return False
    line.take(arrival)
    arrival.record.step = play.step
    arrival.record.note = "missed"
    raise missed(sought, nearest or [], arrival)


def _met(sought: Sought, arrival: Arrival, pattern: Alternative) -> bool:
    arrival.record.step = sought.play.step
    arrival.record.note = "met"
    sought.line.take(arrival)
    settle(sought, pattern)
    return not sought.wanted


MEANING = {
    "pass": "what was seen is right",
    "warn": "what was seen is only tolerated",
    "fail": "what was seen is wrong",
    "inconclusive": "what was seen decides nothing",
    "skip": "the target does not have what this is about",
}
"""What it means that an alternative with this verdict was met."""


def settle(sought: Sought, alternative: Alternative) -> None:
    """An alternative was met: note which variant that is, and warn when it is only tolerated."""
    play = sought.play
    if alternative.variant:
        sought.variant = alternative.variant
        play.variants.append(alternative.variant)
    if alternative.verdict is None:
        return
    reason = sought.step.why or f"{MEANING[alternative.verdict]}: {describe(play, alternative)}"
    if alternative.verdict == "warn":
        play.warn(reason)
    elif alternative.verdict != "pass":
        play.mark(Mark("missed", play.now, describe(play, sought.step.alternative), variant=sought.variant))
        raise Stop(Verdict(alternative.verdict), reason)


def silence(sought: Sought) -> Walk:
    """The time is up and nothing more came: that is what ``nothing`` wants, and when ``gone`` is found out."""
    for wanted in sought.wanted:
        for alternative in flat(wanted):
            if isinstance(alternative, Nothing):
                sought.play.silent |= alternative.verdict is not None
                settle(sought, alternative)
                return
            if isinstance(alternative, Gone):
                sought.play.silent |= any(True for each in flat(wanted) if each is not alternative)
                yield from gone(sought, alternative)
                return
    sought.play.silent = True
    nearest = sought.nearest
    raise missed(sought, nearest[0] if nearest else [], nearest[1] if nearest else None)


def gone(sought: Sought, alternative: Gone) -> Walk:
    """Whether the target has forgotten the connection: it answers an old segment with RST instead of ACK.

    An ACK is believed only when it comes twice: the first may have been on its way already.
    """
    play, line = sought.play, sought.line
    while line.mailbox:
        line.take(line.mailbox.popleft())
    acknowledged = 0
    last: Arrival | None = None
    for _ in range(PROBES):
        tcb = line.connection.tcb
        play.transmit(line, line.connection.form(add(tcb.snd.nxt, -1), ACK), "probe")
        until = play.until(PROBE_EVERY)
        while (arrival := (yield line, until)) is not None:
            line.take(arrival)
            segment = arrival.segment
            if segment is None:
                continue
            if segment.flags & RST:
                arrival.record.step, arrival.record.note = play.step, "met"
                settle(sought, alternative)
                return
            if line.is_pure_ack(segment):
                acknowledged += 1
                last = arrival
        if acknowledged > 1:
            break
    play.silent |= acknowledged < 2
    raise missed(sought, [], last, "the target still answers the connection" if last else "no answer to a probe")


def ignorable(play: Play, line: Line, arrival: Arrival) -> str | None:
    """Why an arrival that does not match is no offence, or None when it is one."""
    segment = arrival.segment
    for rule in play.case.scenario.ignore:
        if isinstance(rule, Pattern):
            if not rule.differences(arrival.packet, play.scope):
                return "as the scenario says"
        elif segment is not None and IGNORE[rule](line, arrival):
            return rule.replace("_", " ").rstrip("s")
    banner = play.stage.services.get("banner")
    if segment is not None and segment.payload and segment.sport == banner and not line.greeted:
        return "what the service says first"  # to a handshake by hand it comes between any two segments of ours
    return None


def _is_window_update(line: Line, arrival: Arrival) -> bool:
    segment = arrival.segment
    assert segment is not None
    before = arrival.before or line.snapshot()
    return line.is_pure_ack(segment) and segment.ack == before.snd_una and segment.seq == before.rcv_nxt


#: What ``ignore`` can name, and how it is recognised.
IGNORE: Mapping[str, Callable[[Line, Any], bool]] = MappingProxyType(
    {
        "retransmissions": lambda line, arrival: line.is_repeat(arrival.segment),
        "window_updates": _is_window_update,
        "acks": lambda line, arrival: line.is_pure_ack(arrival.segment),
        "data": lambda _line, arrival: bool(arrival.segment.payload),
    }
)


# -- what was missed --------------------------------------------------------------------------------------------------


def describe(play: Play, alternative: Alternative) -> str:
    """What an alternative asks for, in words and relative numbers."""
    return alternative.describe(play.scope)


def missed(sought: Sought, differences: list[Difference], nearest: Arrival | None, seen: str = "") -> Stop:
    """The end of the play because an expectation was not met."""
    play, step = sought.play, sought.step
    expected = describe(play, step.alternative)
    if not seen:
        seen = one_line(nearest.packet, sought.line.base()) if nearest else "nothing"
    play.mark(Mark("missed", play.now, expected, seen, [told(each) for each in differences]))
    if nearest is not None and not nearest.record.note:
        nearest.record.note = "nearest"
    wrong = "; ".join(f"{each.field} was {each.seen}, not {each.expected}" for each in differences[:3])
    waited = play.now - sought.began
    reason = f"expected {expected}; " + (wrong or f"{seen} came within {waited:.2g} s")
    return _missed(play, step.verdict, f"{step.why}: {reason}" if step.why else reason)


def told(difference: Difference) -> results.Difference:
    """The same, as results have it."""
    return results.Difference(difference.field, difference.expected, difference.seen)


def _missed(play: Play, verdict: str | None, reason: str) -> Stop:
    return Stop(Verdict(verdict) if verdict else BROKEN[play.case.scenario.level], reason)


STEPS: Mapping[type[Step], Callable[[Play, Any], Walk]] = MappingProxyType(
    {
        Send: send,
        Expect: expect,
        Collect: collect,
        Check: check,
        Wait: wait,
        Record: record,
        TargetAction: target_action,
    }
)
