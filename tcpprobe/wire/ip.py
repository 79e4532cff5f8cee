"""IPv4 (RFC 791) and IPv6 (RFC 8200) packets around TCP segments and ICMP messages, and addresses as packed bytes."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from functools import lru_cache

from tcpprobe.wire.checksum import Checksum, ones_complement, transport_checksum, verify
from tcpprobe.wire.icmp import ICMP, ICMPV6, Icmp, decode_icmp, encode_icmp, is_error
from tcpprobe.wire.route import ultimate
from tcpprobe.wire.segment import Segment, decode_segment, encode_segment

TCP = 6
HOP_BY_HOP = 0
ROUTING = 43
FRAGMENT = 44
AUTHENTICATION = 51
DESTINATION = 60
MOBILITY = 135
PIECE = "fragment"
"""The ``problem`` of a packet that is only a piece of one."""
_EXTENSIONS = frozenset((HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION, MOBILITY))

_V4 = struct.Struct("!BBHHHBBH4s4s")
_V4_TCP = struct.Struct("!BBHHHBBH4s4sHHIIHHHH")
_V6 = struct.Struct("!IHBB16s16s")
_FRAGMENT = struct.Struct("!BxHI")
_PORTS = struct.Struct("!HH")
_v4_pack, _v4_unpack = _V4.pack, _V4.unpack_from
_v4_tcp_unpack = _V4_TCP.unpack_from
_v6_unpack = _V6.unpack_from
_ports = _PORTS.unpack_from
_number = int.from_bytes

FourTuple = tuple[bytes, bytes, int, int]
"""(source address, destination address, source port, destination port), addresses packed."""


@dataclass(slots=True)
class Packet:
    """One datagram. Fields that are None are computed on encoding, fields that are given are written as they are.

    ``total_length`` is the length field as it stands in the header (IPv6: the payload length), ``header_length`` the
    IHL in 32-bit words (IPv4 only), ``ttl`` the hop limit, ``tos`` the traffic class, ``protocol`` the one of
    ``payload``. ``options`` are the IPv4 options, or the IPv6 extension headers as they stand between header and
    payload, in which case ``next_header`` is the type of the first. ``fragment`` is (offset in bytes, more); for
    IPv6 without ``options`` it makes a fragment header. ``reserved`` is the highest of the three IPv4 flag bits.

    Only a decoded packet has ``raw`` (all the bytes it came from), ``tcp_checksum`` and ``problem``: one line that
    says why the payload stayed bytes or what else is odd, or None; ``pieces`` is how many packets were merged into it.
    ``fragments`` are the packets that it is sent or came in, when it is cut into such (`tcpprobe.wire.fragments`).
    Empty addresses mean there is no readable header, and the payload is everything.
    """

    src: bytes
    dst: bytes
    payload: Segment | Icmp | bytes
    ttl: int = 64
    tos: int = 0
    df: bool = True
    ident: int = 0
    protocol: int | None = None
    flow_label: int = 0
    fragment: tuple[int, bool] | None = None
    options: bytes = b""
    checksum: int | None = None
    version: int | None = None
    total_length: int | None = None
    header_length: int | None = None
    next_header: int | None = None
    reserved: int = 0
    raw: bytes = b""
    problem: str | None = None
    pieces: int = 1
    fragments: tuple[bytes, ...] = ()

    @property
    def tcp_checksum(self) -> Checksum | None:
        """The judgement on the TCP checksum in ``raw``, made when asked for; None when no segment was decoded."""
        if not self.raw or not isinstance(self.payload, Segment):
            return None
        start = (20 if len(self.src) == 4 else 40) + len(self.options)
        end = start + 20 + len(self.payload.options) + len(self.payload.payload)
        return verify(self.src, _checked(self), self.raw[start:end])


def pack(text: str) -> bytes:
    """Packed bytes of an IPv4 or IPv6 address. Raises ValueError for anything else."""
    return ipaddress.ip_address(text).packed


@lru_cache(maxsize=4096)
def text(address: bytes) -> str:
    """The usual text of a packed address; bytes of another length are shown in hex."""
    if len(address) not in (4, 16):
        return address.hex() or "?"
    return str(ipaddress.ip_address(address))


def encode(packet: Packet) -> bytes:
    """The packet's bytes: what is None is filled in, everything else is as given.

    Raises ValueError when a value does not fit its field or the addresses are of two families.
    """
    src, dst, payload = packet.src, packet.dst, packet.payload
    size = len(src)
    if size != len(dst) or size not in (0, 4, 16):
        raise ValueError(f"addresses {text(src)} and {text(dst)} are not of one family")
    if type(payload) is Segment:
        body, protocol = encode_segment(payload, src, _checked(packet)), TCP
    elif isinstance(payload, Icmp):
        body, protocol = encode_icmp(payload, src, dst), (ICMP if size == 4 else ICMPV6)
    else:
        body, protocol = payload, TCP  # type: ignore[assignment]
    if packet.protocol is not None:
        protocol = packet.protocol
    try:
        if size == 4:
            return _encode_v4(packet, body, protocol)
        return _encode_v6(packet, body, protocol) if size else body
    except struct.error:
        raise ValueError(_misfit(packet, len(body))) from None


def _checked(packet: Packet) -> bytes:
    """The destination address that the TCP checksum covers."""
    return ultimate(packet.options, packet.dst) if packet.options and len(packet.dst) == 4 else packet.dst


def _encode_v4(packet: Packet, body: bytes, protocol: int) -> bytes:
    options = packet.options
    words = packet.header_length
    if words is None:
        if options:
            options += bytes(-len(options) & 3)
        words = 5 + (len(options) >> 2)
    fragment = 0
    if packet.fragment is not None:
        offset, more = _fragment(packet.fragment)
        fragment = offset >> 3 | more << 13
    total = packet.total_length
    if total is None:
        total = 20 + len(options) + len(body)
    version = 4 if packet.version is None else packet.version
    bits = packet.reserved << 15 | packet.df << 14 | fragment
    tos, ident, ttl, checksum, src, dst = packet.tos, packet.ident, packet.ttl, packet.checksum, packet.src, packet.dst
    first = version << 4 | words
    if words > 15:
        raise ValueError(_misfit(packet, len(body)))
    if checksum is None:
        # As checksum.ones_complement, over the numbers instead of the bytes.
        value = _number(src + dst, "big") + (first << 8 | tos) + total + ident + bits + (ttl << 8 | protocol)
        if options:
            value += _number(options, "big") << (len(options) % 2 * 8)
        checksum = 0xFFFF - (value % 0xFFFF or 0xFFFF)
    head = _v4_pack(first, tos, total, ident, bits, ttl, protocol, checksum, src, dst)
    return head + options + body if options else head + body


def _encode_v6(packet: Packet, body: bytes, protocol: int) -> bytes:
    first, extensions = protocol, packet.options
    if extensions:
        first = packet.next_header if packet.next_header is not None else DESTINATION
    elif packet.fragment is not None:
        offset, more = _fragment(packet.fragment)
        first, extensions = FRAGMENT, _FRAGMENT.pack(protocol, offset & 0xFFF8 | more, packet.ident)
    elif packet.next_header is not None:
        first = packet.next_header
    total, tos, label = packet.total_length, packet.tos, packet.flow_label
    if tos > 255 or label > 0xFFFFF:
        raise ValueError(_misfit(packet, len(body)))
    head = _V6.pack(
        (6 if packet.version is None else packet.version) << 28 | tos << 20 | label,
        len(extensions) + len(body) if total is None else total,
        first,
        packet.ttl,
        packet.src,
        packet.dst,
    )
    return head + extensions + body


def _fragment(fragment: tuple[int, bool]) -> tuple[int, bool]:
    if not 0 <= fragment[0] < 1 << 16:
        raise ValueError(f"fragment offset {fragment[0]} does not fit 16 bits")
    return fragment


_WIDTHS = (
    ("version", 4),
    ("header_length", 4),
    ("tos", 8),
    ("ttl", 8),
    ("ident", 16),
    ("protocol", 8),
    ("flow_label", 20),
    ("checksum", 16),
    ("total_length", 16),
)


def _misfit(packet: Packet, size: int) -> str:
    for name, bits in _WIDTHS:
        value = getattr(packet, name)
        if value is not None and not 0 <= value < 1 << bits:
            return f"{name} {value} does not fit {bits} bits"
    return f"{size} bytes of payload and {len(packet.options)} of options do not fit a packet"


def decode(data: bytes) -> Packet:
    """The packet in ``data``. Never raises on any bytes: what cannot be read is kept, ``problem`` says why."""
    size = len(data)
    if size >= 40 and data[0] == 0x45 and data[9] == TCP:
        # Nearly every packet is this: one unpacking for both headers. Anything odd takes the slow way below.
        (
            _, tos, total, ident, word, ttl, _, checksum, src, dst,
            sport, dport, seq, ack, bits, window, tcp_sum, urgent,
        ) = _v4_tcp_unpack(data)  # fmt: skip
        cut = 20 + (bits >> 10 & 60)
        if total == size and 40 <= cut <= size and not word & 0xBFFF and not _number(data[:20], "big") % 0xFFFF:
            return Packet(
                src,
                dst,
                Segment(
                    sport, dport, seq, ack, bits & 511, window, urgent,
                    data[40:cut], data[cut:], bits >> 12, bits >> 9 & 7, tcp_sum,
                ),
                ttl, tos, word != 0, ident, TCP, 0, None, b"", checksum, 4, total, 5, None, 0, data,
            )  # fmt: skip
    if data:
        version = data[0] >> 4
        if version == 4 and size >= 20:
            return _decode_v4(data)
        if version == 6 and len(data) >= 40:
            return _decode_v6(data)
        problem = f"IP version {version}" if version not in (4, 6) else f"{len(data)} bytes are no IPv{version} header"
    else:
        problem = "empty"
    return Packet(b"", b"", data, raw=data, problem=problem)


def _decode_v4(data: bytes) -> Packet:
    first, tos, total, ident, word, ttl, protocol, checksum, src, dst = _v4_unpack(data)
    size = len(data)
    problem = None
    words = first & 15
    start = words << 2
    if start < 20:
        problem = f"header length {words} is less than 5"
        start = 20
    elif start > size:
        problem = f"header length {words} is beyond the packet's {size} bytes"
        start = size
    elif int.from_bytes(data[:start], "big") % 0xFFFF:
        problem = "IPv4 header checksum is wrong"
    end = size
    if total != size:
        if start <= total < size:
            end = total
        else:
            problem = problem or f"total length says {total}, {size} bytes arrived"
    packet = Packet(
        src, dst, data[start:end], ttl, tos, word & 0x4000 != 0, ident, protocol, 0, None, data[20:start], checksum, 4,
        total, words, None, word >> 15, data, problem,
    )  # fmt: skip
    if word & 0x3FFF:
        packet.fragment = ((word & 0x1FFF) << 3, word & 0x2000 != 0)
        packet.problem = problem or PIECE
    elif protocol == TCP:
        _read_tcp(packet)
    elif protocol == ICMP:
        _read_icmp(packet)
    return packet


def _decode_v6(data: bytes) -> Packet:
    word, length, protocol, ttl, src, dst = _v6_unpack(data)
    size = len(data)
    end = 40 + length
    problem = None
    if end > size or (not length and size > 40):
        problem = f"payload length says {length}, {size - 40} bytes arrived"
        end = size
    packet = Packet(
        src, dst, data[40:end], ttl, word >> 20 & 255, False, 0, protocol, word & 0xFFFFF, None, b"", None, 6,
        length, None, None, 0, data, problem,
    )  # fmt: skip
    if protocol in _EXTENSIONS:
        _skip_extensions(packet)
    if packet.fragment is not None and packet.fragment != (0, False):
        packet.problem = packet.problem or PIECE
    elif packet.protocol == TCP:
        _read_tcp(packet)
    elif packet.protocol == ICMPV6:
        _read_icmp(packet)
    return packet


def _skip_extensions(packet: Packet) -> None:
    """Move the extension headers from the payload to ``options`` (RFC 8200 4); what is cut off stays payload."""
    data = packet.payload
    assert isinstance(data, bytes)
    kind = packet.next_header = packet.protocol or 0
    at = 0
    while kind in _EXTENSIONS:
        if at + 8 > len(data):
            packet.problem = packet.problem or "extension header is cut off"
            break
        step = extension_size(kind, data[at + 1])
        if at + step > len(data):
            packet.problem = packet.problem or "extension header is cut off"
            break
        if kind == FRAGMENT:
            _, word, packet.ident = _FRAGMENT.unpack_from(data, at)
            packet.fragment = (word & 0xFFF8, word & 1 != 0)
        kind = data[at]
        at += step
        if packet.fragment is not None and packet.fragment[0]:
            break  # what follows a later fragment's header is a piece of payload, whatever it claims to be
    packet.protocol = kind
    packet.options, packet.payload = data[:at], data[at:]


def extension_size(kind: int, length: int) -> int:
    """Octets of an IPv6 extension header of this type whose length field says ``length`` (RFC 8200 4)."""
    if kind == FRAGMENT:
        return 8
    return (length + 2) << 2 if kind == AUTHENTICATION else (length + 1) << 3


def _read_tcp(packet: Packet) -> None:
    body: bytes = packet.payload  # type: ignore[assignment]
    if len(body) < 20:
        packet.problem = packet.problem or f"{len(body)} bytes are no TCP header"
        return
    packet.payload, problem = decode_segment(body)
    if problem is not None:
        packet.problem = packet.problem or problem


def _read_icmp(packet: Packet) -> None:
    body: bytes = packet.payload  # type: ignore[assignment]
    if len(body) < 8:
        packet.problem = packet.problem or f"{len(body)} bytes are no ICMP header"
        return
    packet.payload = icmp = decode_icmp(body)
    zeroed = body[:2] + b"\0\0" + body[4:]
    if len(packet.src) == 4:
        right = ones_complement(zeroed)
    else:
        right = transport_checksum(packet.src, packet.dst, ICMPV6, zeroed)
    if icmp.checksum % 0xFFFF != right % 0xFFFF:  # type: ignore[operator]
        packet.problem = packet.problem or "ICMP checksum is wrong"


def peek(data: bytes) -> FourTuple | None:
    """The four-tuple of a TCP packet, or None, without building anything: for sorting many packets.

    The destination is where a source route ends. Works on the cut-off packets that ICMP errors quote too, as soon as
    the ports are there.
    """
    size = len(data)
    if size < 24:
        return None
    first = data[0]
    if first >> 4 == 4:
        start = (first & 15) << 2
        if data[9] != TCP or start < 20 or size < start + 4 or data[7] or data[6] & 0x1F:
            return None
        sport, dport = _ports(data, start)
        return data[12:16], ultimate(data[20:start], data[16:20]), sport, dport
    if first >> 4 == 6 and size >= 44:
        if data[6] == TCP:
            sport, dport = _ports(data, 40)
            return data[8:24], data[24:40], sport, dport
        return _peek_behind_extensions(data)
    return None


def _peek_behind_extensions(data: bytes) -> FourTuple | None:
    kind, at = data[6], 40
    while kind in _EXTENSIONS:
        if at + 8 > len(data) or (kind == FRAGMENT and (data[at + 2] or data[at + 3] & 0xF8)):
            return None
        kind, at = data[at], at + extension_size(kind, data[at + 1])
    if kind != TCP or at + 4 > len(data):
        return None
    sport, dport = _ports(data, at)
    return data[8:24], data[24:40], sport, dport


def quoted_tuple(icmp: Icmp, version: int) -> FourTuple | None:
    """The four-tuple of the TCP packet that an ICMP error quotes, as its sender sent it; None when it quotes none."""
    return peek(icmp.quote) if is_error(icmp, version) else None
