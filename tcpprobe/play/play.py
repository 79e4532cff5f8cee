"""One scenario, played: it is told what happened and answers what to do. No clock, no socket, no thread.

`Play` is driven by the runner: `start`, then `packet_arrives` and `timeout` as they happen; after each of them
`packets_to_send` is emptied and `next_timeout` asked. The steps themselves are generators (`tcpprobe.play.steps`)
that yield what they wait for.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence

from tcpprobe.play.line import Arrival, Line, Record
from tcpprobe.play.outcome import Mark, Stop, make_result
from tcpprobe.play.prologue import connection_for, reach
from tcpprobe.play.scope import Capture, PlayScope
from tcpprobe.play.stage import Stage
from tcpprobe.play.steps import STEPS
from tcpprobe.results.model import Result, Verdict
from tcpprobe.scenario.expression import ExpressionError, NothingYet
from tcpprobe.scenario.model import Case, Step
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import State
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.flags import FIN, RST
from tcpprobe.wire.fragments import Reassembly
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import PIECE, Packet, decode, encode, quoted_tuple
from tcpprobe.wire.segment import Segment

#: What a step yields: the line whose next arrival it wants (None: no arrival, just time) and until when it waits.
Wait = tuple[Line | None, float | None]
#: What a step is: it yields waits, and gets an arrival or, when the time is up, None.
Script = Generator[Wait, Arrival | None, None]

MOST_PACKETS = 4000  # of one play; a target that sends more than this floods us
LATE = 0.05  # seconds that we may be late ourselves before a verdict on timing is no longer trusted


class Play:
    """One run of one case on one stage.

    Attributes:
        case, stage: what is played, and where.
        lines: the connections by name.
        line: the one that the present step is played on.
        captured: what ``as`` has named.
        observations: what ``record`` has noted.
        now: the time of the latest happening.
        sent: when something was sent last.
        done: the verdict is there.
        silent: something was missed because nothing came, or the less wanted answer was that nothing came.
    """

    case: Case
    stage: Stage
    now: float
    started: float
    line: Line

    def __init__(self, case: Case, stage: Stage) -> None:
        self.case = case
        self.stage = stage
        self.now = self.started = 0.0
        self.sent = -math.inf
        self.scope = PlayScope(self)
        self.lines: dict[str, Line] = {}
        for name, given in case.scenario.connections.items():
            self.lines[name] = Line(name, connection_for(self, name, given))
        self._by_port = {line.connection.tcb.local[1]: line for line in self.lines.values()}
        self.captured: dict[str, object] = {}
        self.observations: dict[str, float | int | str] = {}
        self.variants: list[str] = []
        self.marks: dict[int, Mark] = {}
        self.records: list[Record] = []
        self.step: int | None = None
        self.done = False
        self.verdict = Verdict.PASS
        self.silent = False
        self.reason = ""
        self._lateness = 0.0
        self._out: list[bytes] = []
        self._reassembly = Reassembly()
        self._script: Script = self._play()
        self._waiting: Wait = (None, None)

    # -- what the runner calls ------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Begin."""
        self.now = self.started = now
        self._resume(None)

    def packet_arrives(self, raw: bytes, now: float) -> None:
        """An IP packet came for one of our ports (or an ICMP message about one), stamped at its reception."""
        if self.done:
            return
        self.now = max(self.now, now)
        packet = decode(raw)
        if packet.problem == PIECE:
            packet = self._put_together(packet) or packet
        line = self._line_of(packet)
        if line is None:
            return
        record = Record(now, "received", line.name, packet.raw, packet, None, iss=line.connection.tcb.iss)
        self.records.append(record)
        arrival = Arrival(packet, now, record)
        if len(self.records) > MOST_PACKETS:
            self._end(Verdict.INCONCLUSIVE, f"the target floods: {MOST_PACKETS} packets and no end")
        elif packet.tcp_checksum is Checksum.WRONG or (
            packet.tcp_checksum is Checksum.NOT_COMPUTED and not self.stage.offload
        ):
            record.note = "checksum wrong"
            self._end(Verdict.FAIL, "the target sent a segment with a wrong checksum (RFC9293-MUST-2)")
        elif packet.problem is not None and isinstance(packet.payload, bytes):
            record.note = packet.problem
        else:
            if line.automatic:
                line.process(arrival)
                self.flush(line)
            line.mailbox.append(arrival)
            self._pump()

    def timeout(self, now: float) -> None:
        """The moment that `next_timeout` named has come."""
        if self.done:
            return
        self.now = max(self.now, now)
        for line in self.lines.values():
            due = line.connection.next_timeout() if line.automatic else None
            if due is not None and due <= now:
                line.connection.timeout(now)
                self.flush(line)
        deadline = self._waiting[1]
        if deadline is not None and deadline <= now:
            self._resume(None)
        else:
            self._pump()

    def next_timeout(self) -> float | None:
        """When `timeout` must be called, or None when the play waits for packets only."""
        soonest = self._waiting[1]
        for line in self.lines.values():
            # Asked after each packet, and a crowd has hundreds of lines: no calls for those that are driven by hand.
            if line.connection.reflexes is not Reflexes.NONE:
                moment = line.connection.next_timeout()
                if moment is not None and (soonest is None or moment < soonest):
                    soonest = moment
        return soonest

    def packets_to_send(self) -> list[bytes]:
        """The IP packets to send now, in order; they are handed over once."""
        out, self._out = self._out, []
        return out

    def longest_left(self, now: float) -> float:
        """Seconds until the present step must have ended."""
        deadline = self._waiting[1]
        return max(0.0, deadline - now) if deadline is not None else 0.0

    @property
    def opening(self) -> bool:
        """Whether the target has, or is about to have, a half-open connection of it."""
        syn_sent = any(line.connection.state is State.SYN_SENT for line in self.lines.values())
        return syn_sent or self.case.scenario.half_open

    def late(self, seconds: float) -> None:
        """The runner was late by this much: a verdict that hangs on time is not to be trusted."""
        self._lateness += seconds

    @property
    def too_late(self) -> bool:
        """Whether we were so late that a violation is not held against the target."""
        return self._lateness > LATE

    def fail(self, reason: str, now: float) -> None:
        """Something on our own side went wrong."""
        self.now = max(self.now, now)
        self._end(Verdict.ERROR, reason)

    def cancel(self, now: float) -> None:
        """Stop here; connections that are open are reset."""
        self.fail("cancelled", now)

    def result(self) -> Result:
        """What was found; to be asked once, when `done`."""
        return make_result(self)

    # -- what steps call ------------------------------------------------------------------------------------------

    def transmit(self, line: Line, segment: Segment, note: str = "") -> Record:
        """Send a segment of our own making; the connection's numbers move."""
        line.connection.note_sent(segment, self.now)
        line.dialled = True
        packet = self.packet(line, segment)
        return self.transmit_raw(line, encode(packet), packet, note)

    def transmit_raw(self, line: Line, raw: bytes, packet: Packet | None, note: str = "") -> Record:
        """Send bytes as they are."""
        self.sent = self.now
        self._out.extend(packet.fragments if packet is not None and packet.fragments else (raw,))
        record = Record(self.now, "sent", line.name, raw, packet, self.step, note, line.connection.tcb.iss)
        self.records.append(record)
        return record

    def packet(self, line: Line, segment: Segment, ecn: int = 0) -> Packet:
        """The IP packet around a segment of a line."""
        tcb = line.connection.tcb
        return Packet(tcb.local[0], tcb.remote[0], segment, tos=ecn)

    def flush(self, line: Line) -> None:
        """Send what our endpoint wants to send by itself on a line."""
        for segment, ecn in line.connection.departures(self.now):
            line.dialled = True
            packet = self.packet(line, segment, ecn)
            self.transmit_raw(line, encode(packet), packet, "by the endpoint")

    def until(self, seconds: float) -> float:
        """The end of a time limit that begins now (`Stage.limit`)."""
        return self.stage.limit(seconds, self.now, self.sent)

    def mark(self, mark: Mark) -> None:
        """What became of the step that is being played."""
        if self.step is not None:
            self.marks[self.step] = mark

    def capture(self, step: Step, name: str, found: Sequence[Capture], *, many: bool) -> None:
        """Keep packets under a name: as a list when there may be many, on a group those of all its connections."""
        if step.on in self.case.scenario.groups:
            earlier = self.captured.get(name, [])
            assert isinstance(earlier, list)
            self.captured[name] = [*earlier, *found]
        else:
            self.captured[name] = list(found) if many else found[0]

    def event(self, line: Line, text: str) -> None:
        """Write a line into the transcript."""
        self.records.append(Record(self.now, "event", line.name, b"", None, self.step, text))

    def warn(self, reason: str) -> None:
        """What was seen is allowed, but not what should be."""
        self.verdict = Verdict.WARN
        self.reason = self.reason or reason

    # -- the script -----------------------------------------------------------------------------------------------

    def _play(self) -> Script:
        for name, given in self.case.scenario.connections.items():
            yield from reach(self, self.lines[name], given)
        for index, name in self.case.scenario.turns():
            self.step, self.line = index, self.lines[name]
            step = self.case.scenario.steps[index]
            with self.scope.at(self.line):
                yield from STEPS[type(step)](self, step)

    def _pump(self) -> None:
        line = self._waiting[0]
        if not self.done and line is not None and line.mailbox:
            self._resume(line.mailbox.popleft())

    def _resume(self, arrival: Arrival | None) -> None:
        try:
            while True:
                self._waiting = self._script.send(arrival)
                line, deadline = self._waiting
                if line is not None and line.mailbox:
                    arrival = line.mailbox.popleft()
                elif deadline is not None and deadline <= self.now:
                    arrival = None
                else:
                    return
        except StopIteration:
            self._end(*self._fair(self.verdict, self.reason))
        except Stop as stop:
            self._end(*self._fair(stop.verdict, stop.reason))
        except NothingYet as error:
            self._end(Verdict.INCONCLUSIVE, str(error))
        except ExpressionError as error:
            self._end(Verdict.ERROR, str(error))

    def _fair(self, verdict: Verdict, reason: str) -> tuple[Verdict, str]:
        """The verdict; but what a service that ends connections by itself may have brought about is no violation."""
        if verdict not in (Verdict.FAIL, Verdict.WARN) or "closer" in self.case.scenario.needs:
            return verdict, reason
        port = self.stage.services.get("brief")
        came = (each.packet.payload for each in self.records if each.kind == "received" and each.packet is not None)
        heard = (each for each in came if isinstance(each, Segment) and each.sport == port)
        if not any(each.payload or each.flags & (FIN | RST) for each in heard):
            return verdict, reason
        return Verdict.INCONCLUSIVE, f"the service ended the connection by itself; otherwise {verdict}: {reason}"

    def _end(self, verdict: Verdict, reason: str) -> None:
        if self.done:
            return
        if verdict in (Verdict.FAIL, Verdict.WARN) and self.too_late and not self.variants:
            reason = f"the tester itself was late by {self._lateness * 1000:.0f} ms; otherwise {verdict}: {reason}"
            verdict = Verdict.INCONCLUSIVE
        self.verdict, self.reason, self.done = verdict, reason, True
        self._waiting = (None, None)
        self._script.close()
        self.step = None
        for line in self.lines.values():
            self._hang_up(line)

    def _hang_up(self, line: Line) -> None:
        """Reset what may still be open, so that the target need not time it out.

        After a RST, too: a half-open connection answers some segments so and goes on (RFC 9293 3.10.7.4, fifth check).
        """
        tcb = line.connection.tcb
        if line.dialled:
            self._out.append(encode(Packet(tcb.local[0], tcb.remote[0], line.farewell())))

    def _put_together(self, packet: Packet) -> Packet | None:
        """The packet that this fragment completes: one line of the transcript instead of those of its fragments."""
        whole = self._reassembly.arrives(packet, self.now)
        if whole is not None:
            came = {id(each) for each in whole.fragments}
            self.records = [record for record in self.records if id(record.raw) not in came]
        return whole

    def _line_of(self, packet: Packet) -> Line | None:
        payload = packet.payload
        if isinstance(payload, Segment):
            return self._by_port.get(payload.dport)
        if isinstance(payload, Icmp):
            quoted = quoted_tuple(payload, 4 if len(packet.src) == 4 else 6)
            return self._by_port.get(quoted[2]) if quoted else None
        return next(iter(self.lines.values())) if packet.problem else None
