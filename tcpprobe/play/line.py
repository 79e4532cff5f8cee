"""One connection of a scenario, seen from our side of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.wire import seq
from tcpprobe.wire.flags import ACK, RST, SYN
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.text import Numbers


class Snapshot(NamedTuple):
    """The connection's numbers at one moment, under RFC 9293's names."""

    snd_una: int
    snd_nxt: int
    snd_wnd: int
    rcv_nxt: int
    rcv_wnd: int


@dataclass(slots=True, eq=False)
class Record:
    """One line of the transcript while the play lasts; `text` is made only when the result is."""

    time: float
    kind: str
    connection: str
    raw: bytes
    packet: Packet | None
    step: int | None
    note: str = ""
    iss: int = 0  # our initial number then: a second SYN by hand begins a new count


@dataclass(slots=True, eq=False)
class Arrival:
    """A packet that came for a connection, on its way through the script.

    Attributes:
        before: the numbers just before it was processed, when our endpoint processed it at once; None when its
            processing waits until a step takes it.
    """

    packet: Packet
    time: float
    record: Record
    before: Snapshot | None = None

    @property
    def segment(self) -> Segment | None:
        """Its TCP segment, or None for an ICMP message."""
        payload = self.packet.payload
        return payload if isinstance(payload, Segment) else None


class Line:
    """A connection, the packets that wait for the script, and what the target has shown of its sequence space."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self.connection = connection
        self.mailbox: deque[Arrival] = deque()
        self.shown: int | None = None  # one past the last sequence number the target has sent and a step has taken
        self.irs_by_iss: dict[int, int] = {}
        self.dialled = False  # something went out that the target may keep state for
        self.answered: Segment | None = None  # the last SYN,ACK that a step has taken
        self.greeted = False  # a service that speaks first has spoken, and that is dealt with

    @property
    def peer_closed(self) -> bool:
        """Whether the target's FIN has come, and all before it."""
        fin = self.connection.peer_fin
        return fin is not None and seq.gt(self.connection.tcb.rcv.nxt, fin)

    @property
    def automatic(self) -> bool:
        """Whether our endpoint acts by itself on this connection."""
        return self.connection.reflexes is not Reflexes.NONE

    def snapshot(self) -> Snapshot:
        """The numbers as they are now."""
        tcb = self.connection.tcb
        return Snapshot(tcb.snd.una, tcb.snd.nxt, tcb.snd.wnd, tcb.rcv.nxt, tcb.rcv.wnd)

    def base(self, iss: int | None = None) -> Numbers:
        """What relative numbers are counted from, now or when our initial number was `iss`."""
        tcb = self.connection.tcb
        first = tcb.iss if iss is None else iss
        return Numbers(first, self.irs_by_iss.get(first, tcb.irs), tcb.local)

    def process(self, arrival: Arrival) -> None:
        """Let our endpoint see the segment, now."""
        arrival.before = self.snapshot()
        if arrival.segment is not None:
            ecn = arrival.packet.tos & 3
            self.connection.segment_arrives(arrival.segment, arrival.time, ecn=ecn)
            self.irs_by_iss[self.connection.tcb.iss] = self.connection.tcb.irs

    def take(self, arrival: Arrival) -> None:
        """A step has dealt with the segment: the numbers move, if they have not moved already."""
        if arrival.before is None:
            self.process(arrival)
        segment = arrival.segment
        if segment is None:
            return
        if segment.flags & (SYN | ACK) == SYN | ACK:
            self.answered = segment
        if segment.length and not segment.flags & RST and (self.shown is None or seq.gt(segment.end, self.shown)):
            self.shown = segment.end

    def farewell(self) -> Segment:
        """A RST that ends whatever the target may still keep of it.

        A SYN made by hand on a connection that is open does not move the numbers, but the target may have taken it.
        """
        tcb = self.connection.tcb
        number, ack, answered = tcb.snd.nxt, tcb.rcv.nxt, self.answered
        if answered is not None and not (seq.lt(tcb.iss, answered.ack) and seq.le(answered.ack, number)):
            number, ack = answered.ack, answered.end
        return Segment(tcb.local[1], tcb.remote[1], seq=number, ack=ack, flags=RST | ACK)

    def is_repeat(self, segment: Segment) -> bool:
        """Whether it carries nothing but sequence numbers that a step has taken already (a retransmission)."""
        if self.shown is None or not segment.length or segment.flags & RST:
            return False
        return seq.le(segment.end, self.shown)

    def is_pure_ack(self, segment: Segment) -> bool:
        """Whether it carries no sequence number and no RST: an acknowledgement or window update."""
        return bool(segment.flags & ACK) and not segment.flags & RST and not segment.length
