"""One connection that a Python test drives by hand, on the link and in the loop that plays use."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from tcpprobe.play.stage import Stage
from tcpprobe.scenario.model import MAIN
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import ACK, RST
from tcpprobe.wire.ip import Packet, decode, encode
from tcpprobe.wire.segment import Segment


class Conversation:
    """Takes part in a session as a play does (see `tcpprobe.runner.conductor.Actor`).

    Arrivals wait in `inbox` until they are taken; taking one moves the connection's numbers. It is touched by the
    session's thread only, but for `inbox`, which the test's thread empties.

    Attributes:
        connection: our end; drives by hand but for the opening.
        inbox: what has arrived and was not taken.
        deadline: when `expired` becomes true, or None.
    """

    def __init__(self, stage: Stage, config: Config, port: int, notify: Callable[[], None]) -> None:
        self.stage = stage
        self.connection = Connection(
            (stage.local, stage.ports[MAIN]),
            (stage.remote, port),
            iss=stage.rng.getrandbits(32),
            config=replace(config, mtu=min(stage.mtu, 9000)),
            reflexes=Reflexes.NONE,
        )
        self.inbox: deque[Packet] = deque()
        self.deadline: float | None = None
        self.expired = False
        self.done = False
        self.trouble: str | None = None
        self._notify = notify
        self._out: list[bytes] = []
        self._touched = False
        self._sent = -math.inf

    # -- what the conductor calls --------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Nothing happens by itself."""

    def packet_arrives(self, raw: bytes, now: float) -> None:
        """Keep it; while opening, our endpoint acts on it at once."""
        packet = decode(raw)
        if self.opening and isinstance(packet.payload, Segment):
            self.take(packet, now)
            self._flush(now)
            if self.connection.state is State.ESTABLISHED:
                self.connection.reflexes = Reflexes.NONE
        else:
            self.inbox.append(packet)
        self._notify()

    def timeout(self, now: float) -> None:
        """The endpoint's timer while opening, or the test's patience."""
        if self.opening:
            due = self.connection.next_timeout()
            if due is not None and due <= now:
                self.connection.timeout(now)
                self._flush(now)
        if self.deadline is not None and self.deadline <= now:
            self.deadline, self.expired = None, True
            self._notify()

    def next_timeout(self) -> float | None:
        """The earlier of the two."""
        moments = [self.deadline, self.connection.next_timeout() if self.opening else None]
        return min((moment for moment in moments if moment is not None), default=None)

    def packets_to_send(self) -> list[bytes]:
        """What is to be sent."""
        out, self._out = self._out, []
        return out

    def longest_left(self, now: float) -> float:
        """Until the test's patience ends."""
        return max(0.0, self.deadline - now) if self.deadline is not None else 0.0

    def late(self, seconds: float) -> None:
        """No verdict is given here."""

    def fail(self, reason: str, now: float) -> None:  # noqa: ARG002
        """Tell the test."""
        self.trouble = reason
        self.done = True
        self._notify()

    def cancel(self, now: float) -> None:
        """Reset what may be open, and end."""
        tcb = self.connection.tcb
        if self._touched:
            self.connection.now = now
            segment = self.connection.form(tcb.snd.nxt, RST | ACK)
            self._out.append(encode(Packet(tcb.local[0], tcb.remote[0], segment)))
        self.done = True
        self._notify()

    # -- what the test asks for, in the session's thread ---------------------------------------------------------

    @property
    def opening(self) -> bool:
        """Whether the endpoint is opening the connection by itself."""
        return self.connection.reflexes is not Reflexes.NONE

    def open(self, now: float) -> None:
        """Begin an active open."""
        self.connection.reflexes = Reflexes.ALL
        self.connection.open(now)
        self._flush(now)

    def send(self, packet: Packet, now: float) -> None:
        """Send a packet; the numbers move as for a segment of our own."""
        if isinstance(packet.payload, Segment):
            self.connection.note_sent(packet.payload, now)
        self._touched = True
        self._sent = now
        self._out.append(encode(packet))

    def take(self, packet: Packet, now: float) -> None:
        """Let the connection's numbers move by what arrived."""
        if isinstance(packet.payload, Segment):
            self.connection.segment_arrives(packet.payload, now, ecn=packet.tos & 3)
            self._touched = self._touched and not packet.payload.flags & RST

    def wait(self, seconds: float, now: float) -> None:
        """Be patient for so long (`Stage.limit`)."""
        self.deadline, self.expired = self.stage.limit(seconds, now, self._sent), False

    def _flush(self, now: float) -> None:
        tcb = self.connection.tcb
        for segment, ecn in self.connection.departures(now):
            self._touched = True
            self._sent = now
            self._out.append(encode(Packet(tcb.local[0], tcb.remote[0], segment, tos=ecn)))
