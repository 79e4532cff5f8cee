"""One endpoint, one link, and the small loop between them: what arrived goes in, what is due goes out.

Nothing runs beside the caller: packets are handled when a stream is asked for something. What waits at the link is
always handled first, so that no acknowledgment is late because of something else.
"""

from __future__ import annotations

import random
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from tcpprobe.link.base import Link
from tcpprobe.link.device import OffloadingTun
from tcpprobe.stream.clock import clock_of
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.tcp.events import Acknowledged, Closed, DataArrived, Event, Opened, PeerClosed, Reset, TimedOut
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.tcb import Address
from tcpprobe.wire import ip
from tcpprobe.wire.bulk import cut, merge
from tcpprobe.wire.icmp import Icmp, icmp_name, is_error
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import diff

WINDOW = 4 << 20
"""Receive buffer of a stream, in bytes."""

BURST = 1 << 16
"""Bytes that the endpoint may hand out as one, to be cut into segments for the link."""

REFLEXES = replace(Reflexes.ALL, delayed_ack=False)
"""Arrivals come in batches that draw one acknowledgment each; no timer would run while the caller works."""

Tap = Callable[[float, bytes], object]
"""Called with every packet of ours, either way, and its time on the loop's clock."""

Pair = tuple[Address, Address]
_MASK = 0xFFFFFFFF
_SEQ_OFFSET_FLAGS = struct.Struct("!I4xBB").unpack_from


def stream_config(mtu: int) -> Config:
    """What a stream offers over a link of this MTU: large windows, no Nagle (its user sends what it has at once)."""
    mtu = min(mtu, 65535)
    return Config(mtu=mtu, window=WINDOW, wscale=7, nagle=False, burst=max(1, BURST // mtu))


class Channel:
    """What the loop knows of one connection, for the stream that uses it.

    Attributes:
        opened, peer_closed, reset, timed_out, closed: what has happened.
        progress: when anything last moved.
        trouble: the last ICMP error about it, in words.
        queued: bytes that were given to be sent; ``sent``: those of them that are acknowledged.
    """

    def __init__(self, connection: Connection, now: float) -> None:
        self.connection = connection
        self.began = self.progress = now
        self.opened = self.peer_closed = self.reset = self.timed_out = self.closed = False
        self.trouble: str | None = None
        self.queued = self.sent = self.received = 0
        self.packets_sent = self.packets_received = self.retransmissions = 0
        self.highest = connection.tcb.iss

    def note(self, event: Event, now: float) -> None:
        """One event of the connection's."""
        self.progress = now
        kind = type(event)
        if kind is DataArrived:
            self.received += event.length  # type: ignore[union-attr]
        elif kind is Acknowledged:
            self.sent += event.length  # type: ignore[union-attr]
        elif kind in _MARKS:
            setattr(self, _MARKS[kind], True)

    def leaves(self, segment: Segment, packets: int) -> None:
        """Count a segment of ours that left in so many packets."""
        self.packets_sent += packets
        if segment.length:
            end = segment.end
            if diff(end, self.highest) > 0:
                self.highest = end
            else:
                self.retransmissions += packets


_MARKS: dict[type[Event], str] = {
    Opened: "opened",
    PeerClosed: "peer_closed",
    Reset: "reset",
    TimedOut: "timed_out",
    Closed: "closed",
}


class Loop:
    """Drives an endpoint over a link.

    Args:
        link: carries the packets; closed by whoever opened it.
        address: ours, packed.
        ports: ours; packets for other ports are somebody else's.
        config: what the endpoint offers; None: `stream_config`.
        rng: gives the initial sequence numbers.
        tap: hears every packet.

    Attributes:
        accepted: connections that others have opened, for somebody to take.
        news: connections that something has happened to, for somebody who serves many; theirs to clear.
    """

    def __init__(
        self,
        link: Link,
        address: bytes,
        ports: tuple[int, ...],
        *,
        config: Config | None = None,
        rng: random.Random | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.link = link
        self.clock = clock_of(link)
        self.endpoint = Endpoint(
            [address],
            config=config or stream_config(link.mtu),
            rng=rng or random.SystemRandom(),
            reflexes=REFLEXES,
        )
        self.accepted: deque[Channel] = deque()
        self.news: dict[Channel, None] = {}
        self._busy = self._interrupted = False
        self._ports = frozenset(ports)
        self._tap = tap
        # A tap is to hear what is on the wire.
        self._burst = link.send_burst if tap is None and isinstance(link, OffloadingTun) else None
        self._channels: dict[Pair, Channel] = {}

    @property
    def now(self) -> float:
        """The time of this loop."""
        return self.clock.now()

    def open(self, local: Address, remote: Address) -> Channel:
        """Begin to connect."""
        now = self.now
        channel = Channel(self.endpoint.connect(local, remote, now), now)
        self._keep(channel)
        return channel

    def listen(self) -> None:
        """Take connections to the ports of this loop: they appear in ``accepted`` once they are open."""
        for port in self._ports:
            self.endpoint.listen(port)

    def turn(self, limit: float | None = None, also: int | None = None) -> None:
        """Handle what there is; when that is nothing sleep until there is something, ``limit`` seconds at most.

        The descriptor ``also`` ends the sleep too when it can be read.

        Raises:
            LinkError: the link cannot carry packets.
            KeyboardInterrupt: `interrupt` was called.
        """
        if self._handle() or limit == 0:
            return
        now, due = self.now, self.endpoint.next_timeout()
        if due is not None:
            limit = max(due - now, 0.0) if limit is None else max(min(limit, due - now), 0.0)
        if not self.clock.sleep(limit, also):
            raise RuntimeError("nothing is left to wait for")
        self._handle()

    def interrupt(self, *_: object) -> None:
        """A signal handler: KeyboardInterrupt, but never in the middle of the endpoint's work unless asked twice."""
        if not self._busy or self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True

    @contextmanager
    def _working(self) -> Iterator[None]:
        """The endpoint's work, which no interruption may cut in two: it is heard at the end."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt

    def touch(self, channel: Channel) -> None:
        """The user did something with this connection; send what came of it."""
        tcb = channel.connection.tcb
        if self.endpoint.connections.get((tcb.local, tcb.remote)) is channel.connection:
            with self._working():
                self.endpoint.touch(channel.connection)
                self._leave(self.now)

    def put(self, channel: Channel, packet: ip.Packet) -> None:
        """Send a hand-made packet of this connection, after what was due before it; the numbers move with it."""
        self.touch(channel)
        data = ip.encode(packet)
        segment = packet.payload
        if isinstance(segment, Segment):
            channel.connection.note_sent(segment, self.now)
            channel.packets_sent += 1
        self._send(data, packet.dst)
        self.touch(channel)

    def reset(self) -> None:
        """Reset every connection that is left, half-open ones too. Raises LinkError."""
        for connection in list(self.endpoint.connections.values()):
            connection.abort(self.now)
            self.endpoint.touch(connection)
        self._leave(self.now)

    def forget(self, channel: Channel) -> None:
        """Nobody asks for this connection any more."""
        tcb = channel.connection.tcb
        if self._channels.get((tcb.local, tcb.remote)) is channel:
            del self._channels[tcb.local, tcb.remote]

    def _keep(self, channel: Channel) -> None:
        tcb = channel.connection.tcb
        self._channels[tcb.local, tcb.remote] = channel

    # -- inside

    def _handle(self) -> bool:
        """What arrived, then what is due, then what goes out; whether anything arrived."""
        with self._working():
            datagrams = self.clock.read()
            now = self.now
            if datagrams:
                self._arrive(datagrams, now)
            endpoint = self.endpoint
            due = endpoint.next_timeout()
            if due is not None and due <= now:
                endpoint.timeout(now)
            self._tell(now)
            if self.link.flush():  # else the device is full: more would only wait in another queue
                self._leave(now)
        return bool(datagrams)

    def _arrive(self, datagrams: list[bytes], now: float) -> None:
        ports, arrives = self._ports, self.endpoint.packet_arrives
        if self._tap is not None:
            for data in datagrams:
                name = ip.peek(data)
                if name is None or name[3] in ports:
                    self._tap(now, data)
        channels = self._channels
        for packet in merge(datagrams):
            segment = packet.payload
            if type(segment) is Segment:
                if segment.dport not in ports:
                    continue
                channel = channels.get(((packet.dst, segment.dport), (packet.src, segment.sport)))
                if channel is not None:
                    channel.packets_received += packet.pieces
            elif isinstance(segment, Icmp):
                self._note_icmp(packet, segment)
            arrives(packet, now)

    def _note_icmp(self, packet: ip.Packet, icmp: Icmp) -> None:
        version = 4 if len(packet.src) == 4 else 6
        quoted = ip.quoted_tuple(icmp, version) if is_error(icmp, version) else None
        if quoted is not None:
            channel = self._channels.get(((quoted[0], quoted[2]), (quoted[1], quoted[3])))
            if channel is not None:
                channel.trouble = f"{ip.text(packet.src)} says {icmp_name(icmp, version)}"

    def _tell(self, now: float) -> None:
        endpoint, channels = self.endpoint, self._channels
        while (told := endpoint.next_event()) is not None:
            connection, event = told
            pair = connection.tcb.local, connection.tcb.remote
            channel = channels.get(pair)
            if channel is None or channel.connection is not connection:
                if type(event) is not Opened:
                    continue
                channel = Channel(connection, now)
                self._keep(channel)
                self.accepted.append(channel)
            channel.note(event, now)
            self.news[channel] = None

    def _leave(self, now: float) -> None:
        channels, send = self._channels, self.link.send if self._tap is None else self._send
        for packet, size in self.endpoint.departures(now):
            segment, destination = packet.payload, packet.dst
            assert isinstance(segment, Segment)
            pieces = -(-len(segment.payload) // size) or 1
            channel = channels.get(((packet.src, segment.sport), (destination, segment.dport)))
            if channel is not None:
                channel.leaves(segment, pieces)
            if pieces > 1 and self._burst is not None:
                self._burst(packet, size)
                continue
            for data in cut(packet, size):
                send(data, destination)

    def _send(self, data: bytes, destination: bytes) -> None:
        self.link.send(data, destination)
        if self._tap is not None:
            self._tap(self.now, data)
