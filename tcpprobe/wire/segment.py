"""A TCP segment (RFC 9293 3.1): a value whose every field may be wrong on purpose."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tcpprobe.wire.options import Options, decode_options

_HEADER = struct.Struct("!HHIIHHHH")
_pack = _HEADER.pack
_unpack_from = _HEADER.unpack_from
_number = int.from_bytes
_MASK = 0xFFFFFFFF


@dataclass(slots=True)
class Segment:
    """Header and payload.

    ``options`` are the raw bytes after the fixed header. ``data_offset`` (in 32-bit words) and ``checksum`` are
    computed on encoding when None and written as they are when given; a decoded segment has what was seen.
    """

    sport: int
    dport: int
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    urgent: int = 0
    options: bytes = b""
    payload: bytes = b""
    data_offset: int | None = None
    reserved: int = 0
    checksum: int | None = None

    @property
    def length(self) -> int:
        """SEG.LEN: bytes of payload, plus one each for SYN and FIN (RFC 9293 3.4)."""
        flags = self.flags
        return len(self.payload) + (flags & 1) + (flags >> 1 & 1)

    @property
    def end(self) -> int:
        """The sequence number after the segment's last: seq + SEG.LEN modulo 2**32."""
        flags = self.flags
        return (self.seq + len(self.payload) + (flags & 1) + (flags >> 1 & 1)) & _MASK

    @property
    def parsed(self) -> Options:
        """The options, decoded."""
        return decode_options(self.options)


def encode_segment(segment: Segment, src: bytes, dst: bytes) -> bytes:
    """The segment's bytes, with the checksum for these packed addresses unless the segment brings its own.

    Options are padded to four bytes with zeros only when ``data_offset`` is None. Raises ValueError when a value
    does not fit its field.
    """
    options = segment.options
    offset = segment.data_offset
    if offset is None:
        if len(options) & 3:
            options += bytes(-len(options) & 3)
        offset = 5 + (len(options) >> 2)
    word = offset << 12 | segment.reserved << 9 | segment.flags
    sport, dport, seq, ack = segment.sport, segment.dport, segment.seq & _MASK, segment.ack & _MASK
    window, urgent, checksum = segment.window, segment.urgent, segment.checksum
    rest = options + segment.payload
    if checksum is None:
        # As checksum.transport_checksum, over the numbers: any of them counts modulo 65535, so the header need not
        # be bytes first. 26 is TCP's number and the size of its fixed header.
        size = len(rest)
        tail = _number(rest, "big") << 8 if size & 1 else _number(rest, "big")
        total = 26 + size + sport + dport + seq + ack + word + window + urgent + _number(src + dst, "big")
        checksum = 0xFFFF - ((total + tail % 0xFFFF) % 0xFFFF or 0xFFFF)
    if offset > 15 or segment.flags > 511 or segment.reserved > 7:
        raise ValueError(_misfit(segment, offset))
    try:
        return _pack(sport, dport, seq, ack, word, window, checksum, urgent) + rest
    except struct.error:
        raise ValueError(_misfit(segment, offset)) from None


_WIDTHS = (
    ("sport", 16),
    ("dport", 16),
    ("reserved", 3),
    ("flags", 9),
    ("window", 16),
    ("checksum", 16),
    ("urgent", 16),
)


def _misfit(segment: Segment, offset: int) -> str:
    for name, bits in _WIDTHS:
        value = getattr(segment, name)
        if value is not None and not 0 <= value < 1 << bits:
            return f"{name} {value} does not fit {bits} bits"
    if segment.data_offset is None:
        return f"{len(segment.options)} bytes of options do not fit a TCP header (at most 40)"
    return f"data_offset {offset} does not fit 4 bits"


def decode_segment(data: bytes) -> tuple[Segment, str | None]:
    """The segment in ``data`` (at least 20 bytes) and what is odd about its data offset, or None.

    An offset below five leaves everything after the fixed header to the payload; one beyond the end leaves it all
    to the options. Either way encoding gives ``data`` again.
    """
    sport, dport, seq, ack, word, window, checksum, urgent = _unpack_from(data)
    offset = word >> 12
    cut = offset << 2
    problem = None
    if cut < 20:
        problem = f"data offset {offset} is less than 5"
        cut = 20
    elif cut > len(data):
        problem = f"data offset {offset} is beyond the segment's {len(data)} bytes"
    segment = Segment(
        sport,
        dport,
        seq,
        ack,
        word & 511,
        window,
        urgent,
        data[20:cut],
        data[cut:],
        offset,
        word >> 9 & 7,
        checksum,
    )
    return segment, problem
