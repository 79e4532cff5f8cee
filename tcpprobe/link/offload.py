"""What a kernel leaves to the hardware or merges to save work, put back to what is on the wire."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from tcpprobe.wire import ip
from tcpprobe.wire.checksum import TCP, Checksum, pseudo_sum
from tcpprobe.wire.flags import CWR, FIN, PSH
from tcpprobe.wire.segment import Segment

VNET = struct.Struct("=BBHHHH")
"""``struct virtio_net_hdr``: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset, as packet sockets give it."""

NEEDS_CSUM = 1
"""In the flags: the TCP checksum is unfinished, because of the kernel's work-saving and not by the sender's fault."""

GSO_TCPV4, GSO_TCPV6 = 1, 4
_GSO_ECN = 0x80


_MERGED = (
    "{0} merged arriving segments (GRO, LRO): they were cut again, but when each came and which bore PSH is lost; "
    "`ethtool -K {0} gro off lro off` shows what was sent"
)
_OVERSIZED = (
    "{0} brought packets larger than its MTU: what was sent is not what was judged; turn merging off here "
    "(`ethtool -K {0} gro off lro off`), and cutting late at a sender on this host (`tso off gso off`)"
)
_UNFINISHED = (
    "the sender behind {0} is on this host and leaves checksums to hardware that is not there: they were not judged; "
    "`ethtool -K … tx off tso off gso off` on its own interface makes them real"
)
_LOOPBACK = "over loopback nobody computes checksums: the target's were not judged"


@dataclass(slots=True)
class Traces:
    """What packets showed of an interface's offloads.

    Attributes:
        merged: super-segments of several packets, cut again; by a sender on this host they are rather uncut yet.
        oversized: packets larger than the interface's MTU that do not say what they were merged from.
        unfinished: segments whose checksum nobody had computed, because their sender is on this host.
    """

    merged: int = 0
    oversized: int = 0
    unfinished: int = 0

    def remarks(self, interface: str) -> list[str]:
        """A sentence for each that was seen, with what to do about it."""
        seen = {
            _MERGED: self.merged and not self.unfinished,
            _OVERSIZED: self.oversized,
            _LOOPBACK if interface == "lo" else _UNFINISHED: self.unfinished,
        }
        return [sentence.format(interface) for sentence, count in seen.items() if count]


def split(data: bytes, gso_type: int, gso_size: int) -> list[bytes]:
    """The packets that the IP packet ``data`` would be on the wire, each with at most ``gso_size`` bytes of payload.

    The kernel does not say whether it merged them on arrival or has not yet split them on departure: both are this.
    """
    if gso_type & ~_GSO_ECN not in (GSO_TCPV4, GSO_TCPV6) or not gso_size:
        return [data]
    packet = ip.decode(data)
    segment = packet.payload
    if not isinstance(segment, Segment) or len(segment.payload) <= gso_size:
        return [data]
    unfinished = packet.tcp_checksum is Checksum.NOT_COMPUTED
    starts = range(0, len(segment.payload), gso_size)
    return [_piece(packet, segment, at, gso_size, index, unfinished) for index, at in enumerate(starts)]


def finish(data: bytes) -> bytes:
    """The IP packet with its unfinished TCP checksum finished, as the hardware would have."""
    packet = ip.decode(data)
    if packet.tcp_checksum is not Checksum.NOT_COMPUTED or not isinstance(packet.payload, Segment):
        return data
    return ip.encode(replace(packet, payload=replace(packet.payload, checksum=None)))


def _piece(packet: ip.Packet, segment: Segment, at: int, size: int, index: int, unfinished: bool) -> bytes:
    payload = segment.payload[at : at + size]
    flags = segment.flags
    if at + size < len(segment.payload):
        flags &= ~(PSH | FIN)
    if at:
        flags &= ~CWR  # RFC 3168 6.1.2: told once, in the first new segment
    header = 20 + len(segment.options)
    checksum = pseudo_sum(packet.src, packet.dst, TCP, header + len(payload)) if unfinished else None
    piece = replace(segment, seq=segment.seq + at, flags=flags, payload=payload, checksum=checksum)
    ident = (packet.ident + index) & 0xFFFF if len(packet.src) == 4 else packet.ident
    return ip.encode(replace(packet, payload=piece, ident=ident, checksum=None, total_length=None))
