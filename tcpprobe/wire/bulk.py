"""Many segments at once, for bulk transfer: what arrives in a row is read as one, what is too large leaves in pieces.

What a kernel calls receive and segmentation offload. A conformance play never uses it: there every segment counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace

from tcpprobe.wire.checksum import TCP, Checksum, pseudo_sum
from tcpprobe.wire.flags import ACK, CWR, FIN, PSH
from tcpprobe.wire.ip import Packet, decode, encode
from tcpprobe.wire.segment import Segment

_MASK = 0xFFFFFFFF
_number = int.from_bytes
_LARGEST = 1 << 17
"""Bytes of text after which a run ends."""


class _Flow:
    """Segments in a row that say the same in all of their headers but for a few fields."""

    __slots__ = ("_first", "_head", "_mask", "_pseudo", "_shift", "_sum", "_text", "data")

    def __init__(self, packet: Packet, segment: Segment, differing: int) -> None:
        """``differing``: how many bytes at the end of the TCP options may differ."""
        data = packet.raw
        four = len(packet.src) == 4
        start = 20 if four else 40
        self._text = start + 20 + len(segment.options)
        self._shift = 8 * (self._text - start - 8)
        mask = bytearray(b"\xff" * (self._text - differing) + bytes(differing))
        # Length, identification and header checksum; sequence number; checksum.
        for at in (2, 3, 4, 5, 10, 11) if four else (4, 5):
            mask[at] = 0
        for at in (4, 5, 6, 7, 16, 17):
            mask[start + at] = 0
        self._mask = _number(mask, "big")
        self._head = _number(data[: self._text], "big") & self._mask
        # A whole IPv4 header sums up to nothing, and an IPv6 header has the pseudo-header's addresses at its end.
        self._first = 0 if four else 8
        self._pseudo = _swapped(pseudo_sum(packet.src, packet.dst, TCP, 0)) if four else _swapped(TCP)
        self.data = [data]
        self._sum = 0

    def alike(self, data: bytes, head: int) -> bool:
        """Whether the packet ``data``, whose headers spell the number ``head``, says the same, of a right length.

        Its checksums are put with the others' until `right` is asked for.
        """
        if head & self._mask != self._head:
            return False
        size = len(data)
        four = not self._first
        if _number(data[2:4] if four else data[4:6], "big") != (size if four else size - 40):
            return False
        self.data.append(data)
        length = size - (20 if four else 40)
        self._sum += _number(data[self._first :] if self._first else data, "little") + self._pseudo + _swapped(length)
        return True

    def right(self) -> bool:
        """Whether all checksums are: that of IP and that of TCP, of all packets, sum up to nothing."""
        return not self._sum % 0xFFFF


def _swapped(word: int) -> int:
    """The bytes of a 16-bit word the other way round: a sum of little-endian words is the same sum, so turned."""
    return (word & 255) << 8 | word >> 8


class _Text(_Flow):
    """Data segments whose texts are contiguous."""

    __slots__ = ("_next", "_room", "packet", "segment")

    def __init__(self, packet: Packet, segment: Segment) -> None:
        super().__init__(packet, segment, 0)
        self._next = segment.end
        self._room = _LARGEST - len(segment.payload)
        self.packet, self.segment = packet, segment

    def takes(self, data: bytes) -> bool:
        """Whether the packet ``data`` is the next; from then on it is part of it."""
        text = self._text
        size = len(data) - text
        if not 0 < size <= self._room:
            return False
        head = _number(data[:text], "big")
        if head >> self._shift & _MASK != self._next or not self.alike(data, head):
            return False
        self._next = (self._next + size) & _MASK
        self._room -= size
        return True

    def end(self, packets: list[Packet]) -> None:
        """Make one packet of it, which has no ``raw``."""
        if not self.right():
            packets += map(decode, self.data)
            return
        if len(self.data) > 1:
            text = self._text
            self.segment.payload = b"".join([data[text:] for data in self.data])
            self.packet.raw = b""
            self.packet.pieces = len(self.data)
        packets.append(self.packet)


class _Acks(_Flow):
    """Acknowledgments without text of which each acknowledges more than the one before: the last says it all."""

    __slots__ = ("_ack", "_seq", "_size")

    def __init__(self, packet: Packet, segment: Segment) -> None:
        # The acknowledgment number is in the way: it is compared by itself.
        super().__init__(packet, segment, max(len(segment.options) - 4, 0))
        self._mask &= ~(_MASK << self._shift - 32)
        self._head &= self._mask
        self._seq, self._ack, self._size = segment.seq, segment.ack, len(packet.raw)

    def takes(self, data: bytes) -> bool:
        """Whether the packet ``data`` takes the place of what came before it."""
        if len(data) != self._size:
            return False
        head = _number(data[: self._text], "big")
        ack = head >> self._shift - 32 & _MASK
        if (
            not 0 < (ack - self._ack) & _MASK < 1 << 31
            or head >> self._shift & _MASK != self._seq
            or not self.alike(data, head)
        ):
            return False
        self._ack = ack
        return True

    def end(self, packets: list[Packet]) -> None:
        """Only the last one counts."""
        if not self.right():
            packets += map(decode, self.data)
            return
        packets.append(decode(self.data[-1]))
        packets[-1].pieces = len(self.data)


def merge(datagrams: Iterable[bytes]) -> list[Packet]:
    """The packets in ``datagrams``, in order, fewer of them where they came in a row.

    Data segments of one connection with right checksums, contiguous texts and otherwise the same headers become one,
    which has no ``raw``. Of acknowledgments without text that say nothing else than ever higher numbers the last
    remains. Everything else is as `decode` reads it, so that a wrong checksum is still there to be seen.
    """
    packets: list[Packet] = []
    run: _Text | _Acks | None = None
    for data in datagrams:
        if run is not None:
            if run.takes(data):
                continue
            run.end(packets)
        packet = decode(data)
        run = _begin(packet)
        if run is None:
            packets.append(packet)
    if run is not None:
        run.end(packets)
    return packets


_STAMPS = b"\1\1\x08\x0a"


def _begin(packet: Packet) -> _Text | _Acks | None:
    segment = packet.payload
    if type(segment) is not Segment or packet.problem is not None or packet.options or segment.flags & ~PSH != ACK:
        return None
    if packet.tcp_checksum is not Checksum.CORRECT:
        return None
    if segment.payload:
        return _Text(packet, segment)
    plain = not segment.options or (len(segment.options) == 12 and segment.options.startswith(_STAMPS))
    return _Acks(packet, segment) if plain else None


def cut(packet: Packet, size: int) -> list[bytes]:
    """The bytes of ``packet``, in as many packets as it takes to have at most ``size`` bytes of text in each.

    Every piece bears the header of the whole, with a number, length, identification and checksums of its own; PSH and
    FIN are the last one's, CWR the first one's (RFC 3168 6.1.2).
    """
    segment = packet.payload
    assert isinstance(segment, Segment)
    text = segment.payload
    if len(text) <= size:
        return [encode(packet)]
    bare = encode(replace(packet, payload=replace(segment, payload=b"", flags=0, checksum=0)))
    head = 20 + len(segment.options)
    start = len(bare) - head
    four = len(packet.src) == 4
    # What stays the same stands around what differs: length, identification, checksum; seq, flags, checksum.
    first, before, after = (bare[:2], bare[6:10], bare[12:start]) if four else (bare[:4], b"", bare[6:start])
    form = f"!2sHH4sH{len(after)}s" if four else f"!4sH{len(after)}s"
    make = struct.Struct(f"{form}IIIHHHH{head - 20}s").pack
    ports, ack, window, urgent = (segment.sport << 16) + segment.dport, segment.ack, segment.window, segment.urgent
    rest = bare[start + 20 :]
    tcp_sum = _number(packet.src + packet.dst + rest, "big") + TCP + head + ports + ack + window + urgent
    ip_sum = _number(first + before + after, "big")
    # Adding the halves of a long number first saves half of the division.
    half = (size >> 2 << 4) + 16
    low = (1 << half) - 1
    middle = head << 10 | segment.flags & ~(CWR | PSH | FIN)
    seq, ident, left = segment.seq, packet.ident, len(text)
    pieces = []
    for at in range(0, len(text), size):
        piece = text[at : at + size]
        length = len(piece)
        left -= length
        bits = middle
        if not at:
            bits |= segment.flags & CWR
        if not left:
            bits |= segment.flags & (PSH | FIN)
        value = _number(piece, "big")
        text_sum = ((value >> half) + (value & low)) % 0xFFFF << (length & 1) * 8
        checksum = 0xFFFF - ((tcp_sum + length + seq + bits + text_sum) % 0xFFFF or 0xFFFF)
        tail = after, ports, seq, ack, bits, window, checksum, urgent, rest
        if four:
            total = start + head + length
            header_sum = 0xFFFF - ((ip_sum + total + ident) % 0xFFFF or 0xFFFF)
            pieces.append(make(first, total, ident, before, header_sum, *tail) + piece)
            ident = ident + 1 & 0xFFFF
        else:
            pieces.append(make(first, start - 40 + head + length, *tail) + piece)
        seq = seq + length & _MASK
    return pieces
