"""Many segments at once, for bulk transfer: what arrives in a row is read as one, what is too large leaves in pieces.

What a kernel calls receive and segmentation offload. A conformance play never uses it: there every segment counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace

from tcpprobe.wire.checksum import TCP, Checksum
from tcpprobe.wire.flags import ACK, CWR, FIN, PSH
from tcpprobe.wire.ip import Packet, decode, encode
from tcpprobe.wire.segment import Segment

_MASK = 0xFFFFFFFF
_number = int.from_bytes
_LARGEST = 1 << 17
"""Bytes of text after which a run ends."""


class _Flow:
    """Segments in a row that say the same in all of their headers but for a few fields."""

    __slots__ = ("_alike", "_cuts", "_options", "_text", "seq")

    def __init__(self, packet: Packet, segment: Segment, options: int) -> None:
        """``options``: how many bytes of the TCP options must be alike."""
        four = len(packet.src) == 4
        self.seq = seq = 24 if four else 44
        self._text = seq + 16 + len(segment.options)
        self._options = seq + 16 + options
        # Between these lie length, identification, header checksum, sequence number and checksum.
        self._cuts = (2, 6, 10, 12, seq) if four else (4, 6, 8, 8, seq)
        self._alike = self._header(packet.raw)

    def _header(self, data: bytes) -> tuple[bytes, bytes, bytes, bytes, bytes]:
        first, life, after_life, addresses, seq = self._cuts
        return (
            data[:first],
            data[life:after_life],
            data[addresses:seq],
            data[seq + 8 : seq + 12],
            data[seq + 14 : self._options],
        )

    def right(self, data: bytes) -> bool:
        """Whether the packet ``data`` is alike, and whole."""
        _, _, _, addresses, seq = self._cuts
        if self._header(data) != self._alike or not _lengths_right(data):
            return False
        # The addresses stand right before the TCP header: with length and protocol that is the pseudo-header.
        length = len(data) - seq + 4 + TCP
        return not (_number(data[addresses:], "little") + ((length & 255) << 8 | length >> 8)) % 0xFFFF


class _Text(_Flow):
    """Data segments whose texts are contiguous."""

    __slots__ = ("_ack", "_next", "packet", "parts", "segment")

    def __init__(self, packet: Packet, segment: Segment) -> None:
        super().__init__(packet, segment, len(segment.options))
        self._next, self._ack = segment.end, segment.ack
        self.packet, self.segment = packet, segment
        self.parts = [segment.payload]

    def takes(self, data: bytes) -> bool:
        """Whether the packet ``data`` is the next; from then on it is part of it."""
        seq, size = self.seq, len(data) - self._text
        if (
            _number(data[seq : seq + 4], "big") != self._next
            or _number(data[seq + 4 : seq + 8], "big") != self._ack
            or size <= 0
            or (len(self.parts) + 1) * size > _LARGEST
            or not self.right(data)
        ):
            return False
        self.parts.append(data[self._text :])
        self._next = (self._next + size) & _MASK
        return True

    def end(self, packets: list[Packet]) -> None:
        """Make one packet of it, which has no ``raw``."""
        if len(self.parts) > 1:
            self.segment.payload = b"".join(self.parts)
            self.packet.raw = b""
        packets.append(self.packet)


class _Acks(_Flow):
    """Acknowledgments without text of which each acknowledges more than the one before: the last says it all."""

    __slots__ = ("_ack", "_seq", "_size", "data")

    def __init__(self, packet: Packet, segment: Segment) -> None:
        super().__init__(packet, segment, min(len(segment.options), 4))
        self._seq, self._ack, self._size = segment.seq, segment.ack, len(packet.raw)
        self.data = packet.raw

    def takes(self, data: bytes) -> bool:
        """Whether the packet ``data`` takes the place of what came before it."""
        seq = self.seq
        ack = _number(data[seq + 4 : seq + 8], "big")
        if (
            len(data) != self._size
            or not 0 < (ack - self._ack) & _MASK < 1 << 31
            or _number(data[seq : seq + 4], "big") != self._seq
            or not self.right(data)
        ):
            return False
        self._ack, self.data = ack, data
        return True

    def end(self, packets: list[Packet]) -> None:
        """Only the last one counts."""
        packets.append(decode(self.data))


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


def _lengths_right(data: bytes) -> bool:
    if data[0] == 0x45:
        return _number(data[2:4], "big") == len(data) and not _number(data[:20], "big") % 0xFFFF
    return _number(data[4:6], "big") == len(data) - 40


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
    whole = encode(replace(packet, payload=replace(segment, payload=b"", flags=0, checksum=0)))
    head = 20 + len(segment.options)
    start = len(whole) - head
    four = len(packet.src) == 4
    # What stays the same stands around what differs: length, identification, checksum; seq, flags, checksum.
    before, after = (whole[6:10], whole[12:start]) if four else (b"", whole[6:start])
    make = struct.Struct(
        f"!2sHH4sH{len(after)}sIIIHHHH{head - 20}s" if four else f"!4sH{len(after)}sIIIHHHH{head - 20}s"
    )
    ports, ack, rest = (segment.sport << 16) + segment.dport, segment.ack, whole[start + 20 :]
    window, urgent = segment.window, segment.urgent
    tcp_sum = _number(packet.src + packet.dst + rest, "big") + TCP + head + ports + ack + window + urgent
    ip_sum = _number(whole[:2] + before + after, "big")
    pieces = []
    for index, at in enumerate(range(0, len(text), size)):
        piece = text[at : at + size]
        length = len(piece)
        seq = (segment.seq + at) & _MASK
        bits = head << 10 | segment.flags & (~CWR if at else -1) & (~(PSH | FIN) if at + size < len(text) else -1)
        text_sum = _number(piece, "big") % 0xFFFF << (length % 2 * 8)
        checksum = 0xFFFF - ((tcp_sum + length + seq + bits + text_sum) % 0xFFFF or 0xFFFF)
        if four:
            total, ident = start + head + length, (packet.ident + index) & 0xFFFF
            header_sum = 0xFFFF - ((ip_sum + total + ident) % 0xFFFF or 0xFFFF)
            header = make.pack(
                whole[:2],
                total,
                ident,
                before,
                header_sum,
                after,
                ports,
                seq,
                ack,
                bits,
                window,
                checksum,
                urgent,
                rest,
            )
        else:
            header = make.pack(
                whole[:4], start - 40 + head + length, after, ports, seq, ack, bits, window, checksum, urgent, rest
            )
        pieces.append(header + piece)
    return pieces
