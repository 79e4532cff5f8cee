"""IP fragments (RFC 791 3.2, RFC 8200 4.5): packets cut into them, and put together again."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tcpprobe.wire.ip import FRAGMENT, PIECE, TCP, Packet, decode, encode, extension_size

TIME_OUT = 60.0
"""Seconds for which what came of a packet is kept (RFC 1122 3.3.2, RFC 8200 4.5)."""
MOST = 64
"""So many packets may be incomplete at once; then the oldest is given up."""
LONGEST = 65535
_UNIT = 8
_CE = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """One fragment to be sent.

    ``offset`` and ``length`` are octets of what is behind the IP header; ``length`` None reaches to the end. ``data``
    is sent instead of what would be there, ``more`` is true for what ends before the packet does, unless given.
    """

    offset: int = 0
    length: int | None = None
    data: bytes | None = None
    more: bool | None = None


Cut = int | Sequence[Piece]
"""How a packet is cut: every so many octets, or into these pieces, in this order."""


def pieces_at(cuts: Sequence[int]) -> tuple[Piece, ...]:
    """What comes of cutting at these offsets, which ascend."""
    edges = (0, *cuts)
    lengths = (*(end - start for start, end in zip(edges, cuts, strict=False)), None)
    return tuple(Piece(start, length) for start, length in zip(edges, lengths, strict=True))


def cut(packet: Packet, how: Cut) -> tuple[bytes, ...]:
    """The fragments of a packet. An IPv6 packet's extension headers are part of what is cut.

    Raises ValueError as `encode` does, and for an offset or a length that the field cannot tell.
    """
    whole = encode(packet)
    if len(packet.src) == 4:
        padding = -len(packet.options) & 3 if packet.header_length is None else 0
        body = whole[20 + len(packet.options) + padding :]
        header = replace(packet, protocol=whole[9])
    else:
        body = whole[40:]
        header = replace(packet, protocol=whole[6], options=b"", next_header=None)
    if isinstance(how, int):
        how = pieces_at(range(how, len(body), how)) if how > 0 else ()
    if not how:
        raise ValueError("a packet is cut into at least one piece")
    return tuple(_piece(header, body, each) for each in how)


def _piece(packet: Packet, body: bytes, piece: Piece) -> bytes:
    data = piece.data
    if data is None:
        data = body[piece.offset : None if piece.length is None else piece.offset + piece.length]
    more = piece.offset + len(data) < len(body) if piece.more is None else piece.more
    if piece.offset % _UNIT:
        raise ValueError(f"fragment offset {piece.offset} is not a multiple of {_UNIT}")
    return encode(replace(packet, payload=data, fragment=(piece.offset, more)))


Key = tuple[bytes, bytes, int | None, int]
"""Source, destination, protocol (IPv4 only) and identification: what belongs together."""


@dataclass(slots=True)
class Incomplete:
    """What came of one packet so far.

    Attributes:
        until: when it is given up.
        parts: its pieces by offset, none of which has octets of another; ``starts`` their offsets, ascending.
        raws: the fragments as they came.
        held: octets in ``parts``; ``size``: the whole length, when the last fragment has told.
        first: the fragment with offset zero, whose header counts.
        congested: one of them bears CE.
        dead: it will never be whole; what still comes of it is dropped (RFC 5722 4).
    """

    until: float
    parts: dict[int, bytes] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    held: int = 0
    size: int | None = None
    first: Packet | None = None
    congested: bool = False
    dead: bool = False

    def drop(self) -> None:
        """Give it up and remember only that."""
        self.dead, self.first = True, None
        self.parts.clear()
        self.starts.clear()
        self.raws.clear()

    def put(self, packet: Packet, offset: int, data: bytes, *, last: bool) -> None:
        """Keep a fragment that overlaps none."""
        if not offset:
            self.first = packet
        if last:
            self.size = offset + len(data)
        at = bisect(self.starts, offset)
        self.starts.insert(at, offset)
        self.parts[offset] = data
        self.held += len(data)
        self.raws.append(packet.raw)
        self.congested |= packet.tos & _CE == _CE

    def overlaps(self, offset: int, end: int) -> bool:
        """Whether some of these octets are there already."""
        at = bisect(self.starts, offset)
        if at and self.starts[at - 1] + len(self.parts[self.starts[at - 1]]) > offset:
            return True
        return at < len(self.starts) and self.starts[at] < end

    @property
    def end(self) -> int:
        """One past the last octet that is there."""
        return self.starts[-1] + len(self.parts[self.starts[-1]]) if self.starts else 0


class Reassembly:
    """Puts fragments together. Times are of any clock that does not go back; at most `MOST` packets are kept.

    Of overlapping fragments the whole packet is dropped, in both families (RFC 5722 4; RFC 791 leaves it open, and
    RFC 3128 tells why). A fragment that comes twice, the same, does not matter (RFC 8200 4.5).
    """

    def __init__(self) -> None:
        self._incomplete: dict[Key, Incomplete] = {}

    def __len__(self) -> int:
        return len(self._incomplete)

    def arrives(self, packet: Packet, now: float) -> Packet | None:
        """The whole packet, decoded and with its ``fragments``, when this fragment completes it; otherwise None."""
        if packet.fragment is None or packet.problem != PIECE:
            return None
        self._expire(now)
        key = packet.src, packet.dst, packet.protocol if len(packet.src) == 4 else None, packet.ident
        known = self._incomplete.get(key)
        if known is None:
            if len(self._incomplete) >= MOST:
                del self._incomplete[next(iter(self._incomplete))]
            known = self._incomplete[key] = Incomplete(now + TIME_OUT)
        if not known.dead:
            self.take(known, packet, *packet.fragment, _split(packet)[2])
        if known.first is None or known.held != known.size:
            return None
        del self._incomplete[key]
        return self.whole(known, known.first)

    def _expire(self, now: float) -> None:
        # The clock does not go back and all wait equally long: the oldest are first.
        while self._incomplete:
            key, oldest = next(iter(self._incomplete.items()))
            if oldest.until > now:
                return
            del self._incomplete[key]

    def take(self, known: Incomplete, packet: Packet, offset: int, more: bool, data: bytes) -> None:
        """Put a fragment where it belongs, or give up the packet that it is of."""
        end = offset + len(data)
        if not data or (more and len(data) % _UNIT) or end > LONGEST:
            return  # RFC 8200 4.5
        if known.parts.get(offset) == data and (more or known.size == end):
            return
        outside = (known.size is not None and (end > known.size or not more)) or (not more and known.end > end)
        headless = not offset and len(packet.src) == 16 and not _holds_header(packet)
        if outside or headless or known.overlaps(offset, end):
            known.drop()
        else:
            known.put(packet, offset, data, last=not more)

    def whole(self, known: Incomplete, first: Packet) -> Packet | None:
        """The packet of which all is there; None when it is longer than its header can tell."""
        body = b"".join(known.parts[start] for start in known.starts)
        tos = first.tos | _CE if known.congested else first.tos  # RFC 3168 5.3
        packet = replace(first, payload=body, tos=tos, fragment=None, total_length=None, checksum=None)
        if len(first.src) == 16:
            packet.next_header, packet.options, _ = _split(first)
        try:
            packet = decode(encode(packet))
        except ValueError:
            return None
        packet.fragments = tuple(known.raws)
        return packet


def _split(packet: Packet) -> tuple[int | None, bytes, bytes]:
    """Of a fragment: the type of its first extension header without the fragment header, those before it, its data.

    Without extension headers (and in IPv4) the type is that of the payload.
    """
    assert isinstance(packet.payload, bytes)
    if len(packet.src) == 4:
        return packet.protocol, packet.options, packet.payload
    data = packet.options + packet.payload
    kind, at, above = packet.next_header or 0, 0, None
    while kind != FRAGMENT:
        above = at
        kind, at = data[at], at + extension_size(kind, data[at + 1])
    before = bytearray(data[:at])
    if above is None:
        return data[at], b"", data[at + 8 :]
    before[above] = data[at]
    return packet.next_header, bytes(before), data[at + 8 :]


def _holds_header(first: Packet) -> bool:
    """RFC 7112 5: the first fragment has all headers up to and with the transport's."""
    data = first.payload
    assert isinstance(data, bytes)
    return first.protocol != TCP or (len(data) >= 20 and len(data) >= data[12] >> 4 << 2)
