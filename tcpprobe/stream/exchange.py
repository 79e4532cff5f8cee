"""One segment out, and everything that comes back: no connection, and nothing is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

from tcpprobe.link.base import Lease, Link, LinkError
from tcpprobe.stream.clock import clock_of
from tcpprobe.stream.errors import Unreachable
from tcpprobe.stream.loop import Tap
from tcpprobe.stream.opening import open_link, packed, sentence
from tcpprobe.wire import ip
from tcpprobe.wire.flags import ACK, RST, SYN
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment


class Seen(NamedTuple):
    """One packet, the seconds since the first, and whether we have sent it."""

    seconds: float
    packet: Packet
    ours: bool


def exchange(
    address: bytes,
    segment: Segment,
    wait: float,
    *,
    link: str | Link = "raw",
    source_ip: str | None = None,
    interface: str | None = None,
    tap: Tap | None = None,
) -> Iterator[Seen]:
    """Send ``segment`` to ``address`` and yield it and what comes back.

    Its source port is replaced by one of ours. What was opened by it (a SYN,ACK came) is reset at the end, and that
    segment is yielded too.

    Raises:
        Unreachable: as for `tcpprobe.connect`.
        ValueError: a value does not fit its field.
    """
    source = packed(source_ip)
    with ExitStack() as stack:
        try:
            opened = open_link(link, address, source, interface, stack)
            lease = opened.lend(address, 1)
            stack.callback(lease.release)
            segment.sport = lease.ports[0]
            yield from _talk(opened, lease, Packet(lease.address, address, segment), wait, tap)
        except LinkError as error:
            raise Unreachable(sentence(error)) from None


def _talk(link: Link, lease: Lease, packet: Packet, wait: float, tap: Tap | None) -> Iterator[Seen]:
    clock = clock_of(link)
    clock.read()
    begun = clock.now()

    def send(packet: Packet) -> Seen:
        data = ip.encode(packet)
        link.send(data, packet.dst)
        if tap is not None:
            tap(clock.now(), data)
        return Seen(clock.now() - begun, packet, True)

    yield send(packet)
    half_open: Segment | None = None
    over = False
    while not over:
        left = begun + wait - clock.now()
        over = left <= 0  # what came in time is read even when this process comes late
        clock.sleep(max(left, 0.0))
        for data in clock.read():
            arrived = ip.decode(data)
            if not _ours(arrived, lease):
                continue
            if tap is not None:
                tap(clock.now(), data)
            if isinstance(arrived.payload, Segment) and arrived.payload.flags & (SYN | ACK) == SYN | ACK:
                half_open = arrived.payload
            yield Seen(clock.now() - begun, arrived, False)
    if half_open is not None:
        reset = Segment(lease.ports[0], half_open.sport, half_open.ack, 0, RST)
        yield send(Packet(lease.address, packet.dst, reset))


def _ours(packet: Packet, lease: Lease) -> bool:
    """Whether it is for our port, or an ICMP error about a packet from there."""
    payload = packet.payload
    if isinstance(payload, Segment):
        return packet.dst == lease.address and payload.dport in lease.ports
    quoted = ip.quoted_tuple(payload, 4 if len(packet.src) == 4 else 6) if isinstance(payload, Icmp) else None
    return quoted is not None and quoted[0] == lease.address and quoted[2] in lease.ports
