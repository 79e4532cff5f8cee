"""The one door to scapy, and what the report needs of a packet: its fields with their places, and capture files.

scapy is imported inside the functions that speak it: it takes half a second and is never needed to play a scenario.
Dissection and captures do not go through it, because it repairs what it reads and the point here is what was sent.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from tcpprobe.wire import ip
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.flags import flags_text
from tcpprobe.wire.icmp import Icmp, icmp_name, is_error
from tcpprobe.wire.options import EOL, FAST_OPEN, KINDS, MSS, NOP, SACK, TIMESTAMPS, WSCALE, Option, Options
from tcpprobe.wire.segment import Segment, decode_segment, encode_segment

if TYPE_CHECKING:
    from scapy.packet import Packet as ScapyPacket


def _scapy() -> Any:
    """scapy's IPv4, IPv6 and TCP modules as one namespace, with its warnings about routes and checksums quiet."""
    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.layers import inet, inet6

    class Layers:
        IP, TCP, IPv6 = inet.IP, inet.TCP, inet6.IPv6

    return Layers


def to_scapy(packet: ip.Packet | bytes) -> ScapyPacket:
    """The scapy packet of a packet or of its bytes; ``bytes()`` of it are the same bytes until a field is changed."""
    data = packet if isinstance(packet, bytes) else ip.encode(packet)
    layers = _scapy()
    return layers.IPv6(data) if data[:1] and data[0] >> 4 == 6 else layers.IP(data)


def from_scapy(packet: ScapyPacket) -> ip.Packet:
    """Our packet of a scapy packet: from its first IP layer on, so an Ethernet header may be around it.

    Raises ValueError when there is no IP layer in it.
    """
    layers = _scapy()
    for layer in (layers.IP, layers.IPv6):
        if layer in packet:
            return ip.decode(bytes(packet[layer]))
    raise ValueError(f"no IP layer in {packet.summary()}")


def segment_to_scapy(segment: Segment) -> ScapyPacket:
    """The scapy TCP layer of a segment, to be put on an IP layer; a checksum of None is left to be computed there."""
    layer = _scapy().TCP(encode_segment(segment, b"", b""))
    if segment.checksum is None:
        del layer.chksum
    return layer


def segment_from_scapy(layer: ScapyPacket) -> Segment:
    """Our segment of a scapy TCP layer; what scapy would compute on building is None here too."""
    segment, _ = decode_segment(bytes(layer))
    if layer.chksum is None:
        segment.checksum = None
    if layer.dataofs is None:
        segment.data_offset = None
    return segment


def completed(packet: Any, usual: Callable[[int], Segment], ours: bytes, theirs: bytes) -> ip.Packet:
    """Our packet of a scapy TCP layer, or IP packet, with what it leaves open taken from a connection.

    ``usual`` forms that connection's segment with these flags: it gives ports, ``seq``, ``window``, and ``ack`` where
    A is set. Raises ValueError when it is neither, or a field does not fit.
    """
    if not hasattr(packet, "getlayer"):
        raise ValueError(f"neither a TCP layer nor an IP packet: {packet!r}")
    packet = packet.copy()
    layer = packet.getlayer("TCP")
    if layer is not None:
        segment = usual(int(layer.flags))
        _fill(layer, sport=segment.sport, dport=segment.dport, seq=segment.seq, window=segment.window)
        if layer.flags.A:
            _fill(layer, ack=segment.ack)
        if layer is packet:
            return ip.Packet(ours, theirs, segment_from_scapy(layer))
    around = packet.getlayer("IP") or packet.getlayer("IPv6")
    if around is None:
        raise ValueError(f"neither a TCP layer nor an IP packet: {packet.summary()}")
    _fill(around, src=ip.text(ours), dst=ip.text(theirs))
    return from_scapy(packet)


def _fill(layer: Any, **fields: object) -> None:
    for name, value in fields.items():
        if name not in layer.fields:
            setattr(layer, name, value)


class Field(NamedTuple):
    """One field: its name, its value for people, and which bytes of the packet it is in."""

    name: str
    value: str
    offset: int
    length: int


class Layer(NamedTuple):
    """One header, or the data after the last."""

    name: str
    fields: list[Field]


_Spec = tuple[str, int, int, Callable[[bytes], str]]


def _number(data: bytes) -> str:
    return str(int.from_bytes(data, "big"))


def _hexadecimal(data: bytes) -> str:
    return f"0x{data.hex()}"


_ECN = ("not ECN", "ECT(1)", "ECT(0)", "CE")
_PROTOCOLS = {
    0: "hop-by-hop",
    1: "ICMP",
    6: "TCP",
    17: "UDP",
    43: "routing",
    44: "fragment",
    58: "ICMPv6",
    60: "options",
}


def _tos(value: int) -> str:
    return f"DSCP {value >> 2}, {_ECN[value & 3]}"


def _fragment(data: bytes) -> str:
    word = int.from_bytes(data, "big")
    names = [name for bit, name in ((0x8000, "reserved"), (0x4000, "DF"), (0x2000, "MF")) if word & bit]
    return ", ".join([*names, f"offset {(word & 0x1FFF) << 3}"])


def _protocol(data: bytes) -> str:
    return f"{data[0]} ({_PROTOCOLS[data[0]]})" if data[0] in _PROTOCOLS else str(data[0])


_V4: tuple[_Spec, ...] = (
    ("version", 0, 1, lambda data: str(data[0] >> 4)),
    ("header length", 0, 1, lambda data: f"{data[0] & 15} words"),
    ("DSCP and ECN", 1, 1, lambda data: _tos(data[0])),
    ("total length", 2, 2, _number),
    ("identification", 4, 2, _number),
    ("flags and fragment offset", 6, 2, _fragment),
    ("TTL", 8, 1, _number),
    ("protocol", 9, 1, _protocol),
    ("header checksum", 10, 2, _hexadecimal),
    ("source", 12, 4, ip.text),
    ("destination", 16, 4, ip.text),
)
_V6: tuple[_Spec, ...] = (
    ("version", 0, 1, lambda data: str(data[0] >> 4)),
    ("traffic class", 0, 2, lambda data: _tos(int.from_bytes(data, "big") >> 4 & 255)),
    ("flow label", 1, 3, lambda data: f"0x{int.from_bytes(data, 'big') & 0xFFFFF:05x}"),
    ("payload length", 4, 2, _number),
    ("next header", 6, 1, _protocol),
    ("hop limit", 7, 1, _number),
    ("source", 8, 16, ip.text),
    ("destination", 24, 16, ip.text),
)
_TCP: tuple[_Spec, ...] = (
    ("source port", 0, 2, _number),
    ("destination port", 2, 2, _number),
    ("sequence number", 4, 4, _number),
    ("acknowledgment number", 8, 4, _number),
    ("data offset", 12, 1, lambda data: f"{data[0] >> 4} words"),
    ("reserved", 12, 1, lambda data: str(data[0] >> 1 & 7)),
    ("flags", 12, 2, lambda data: flags_text(int.from_bytes(data, "big") & 511) or "none"),
    ("window", 14, 2, _number),
    ("checksum", 16, 2, _hexadecimal),
    ("urgent pointer", 18, 2, _number),
)
_ICMP: tuple[_Spec, ...] = (
    ("type", 0, 1, _number),
    ("code", 1, 1, _number),
    ("checksum", 2, 2, _hexadecimal),
    ("rest of header", 4, 4, _hexadecimal),
)


def _fields(specs: Iterable[_Spec], data: bytes, start: int) -> list[Field]:
    return [
        Field(name, render(data[start + at : start + at + size]), start + at, size) for name, at, size, render in specs
    ]


def dissect(packet: bytes) -> list[Layer]:
    """The layers of an IP packet with every field, its text, and its byte offset and length in ``packet``.

    Reads any bytes; what is no header is a ``data`` layer. The packet that an ICMP error quotes follows it as layers
    named ``quoted …``.
    """
    return _dissect(packet, 0, "")


def _dissect(data: bytes, base: int, prefix: str) -> list[Layer]:
    packet = ip.decode(data[base:])
    if not packet.src:
        return _data(data, base, len(data), prefix, packet.problem)
    four = len(packet.src) == 4
    start = base + (20 if four else 40)
    fields = _fields(_V4 if four else _V6, data, base)
    if packet.options:
        name = "options" if four else "extension headers"
        fields.append(Field(name, packet.options.hex(" "), start, len(packet.options)))
    if packet.problem is not None and not prefix:  # a quote is always cut off
        fields.append(Field("problem", packet.problem, base, start - base))
    start += len(packet.options)
    layers = [Layer(f"{prefix}IPv{4 if four else 6}", fields)]
    payload = packet.payload
    if isinstance(payload, Segment):
        return layers + _dissect_tcp(packet, payload, data, start, prefix)
    if isinstance(payload, Icmp):
        return layers + _dissect_icmp(payload, 4 if four else 6, data, start, prefix)
    return layers + _data(data, start, start + len(payload), prefix, None)


def _dissect_tcp(packet: ip.Packet, segment: Segment, data: bytes, start: int, prefix: str) -> list[Layer]:
    fields = _fields(_TCP, data, start)
    if not prefix:  # a quote is cut off, so that its checksum tells nothing
        verdict = packet.tcp_checksum or Checksum.WRONG
        fields[8] = fields[8]._replace(value=f"{fields[8].value} ({verdict})")
    fields += option_fields(segment.parsed, start + 20)
    end = start + 20 + len(segment.options)
    return [Layer(f"{prefix}TCP", fields), *_data(data, end, end + len(segment.payload), prefix, None)]


def _dissect_icmp(icmp: Icmp, version: int, data: bytes, start: int, prefix: str) -> list[Layer]:
    fields = _fields(_ICMP, data, start)
    fields[1] = fields[1]._replace(value=f"{icmp.code} ({icmp_name(icmp, version)})")
    if icmp.mtu is not None:
        fields.append(Field("next-hop MTU", str(icmp.mtu), start + 4, 4))
    layers = [Layer(f"{prefix}{'ICMP' if version == 4 else 'ICMPv6'}", fields)]
    end = start + 8 + len(icmp.quote)
    if icmp.quote and is_error(icmp, version) and not prefix:
        return layers + _dissect(data[:end], start + 8, "quoted ")
    return layers + _data(data, start + 8, end, prefix, None)


def _data(data: bytes, start: int, end: int, prefix: str, problem: str | None) -> list[Layer]:
    if start >= end and problem is None:
        return []
    fields = [Field("bytes", f"{end - start}", start, end - start)]
    if problem is not None:
        fields.append(Field("problem", problem, start, end - start))
    fields.append(Field("text", "".join(chr(b) if 32 <= b < 127 else "." for b in data[start:end]), start, end - start))
    return [Layer(f"{prefix}data", fields)]


def option_fields(options: Options, start: int) -> list[Field]:
    """Each TCP option with its place, when the first begins at byte ``start`` of the packet."""
    fields = []
    at = start
    for option in options.items:
        size = 1 if option.kind <= NOP else 2 + len(option.data)
        fields.append(Field(f"option {KINDS.get(option.kind, option.kind)}", _option_value(option), at, size))
        at += size
    if options.rest:
        name = "malformed options" if options.problem is not None else "padding"
        fields.append(Field(name, options.rest.hex(" "), at, len(options.rest)))
    if options.problem is not None:
        fields.append(Field("problem", options.problem, start, at + len(options.rest) - start))
    return fields


def _option_value(option: Option) -> str:
    alone = Options((option,))
    if option.kind in (EOL, NOP) or alone.sack_permitted:
        return ""
    if option.kind in (MSS, WSCALE) and alone.first(option.kind):
        return _number(option.data)
    if option.kind == TIMESTAMPS and alone.timestamps:
        return "value {}, echo {}".format(*alone.timestamps)
    if option.kind == SACK and alone.sack_blocks:
        return ", ".join(f"{left}..{right}" for left, right in alone.sack_blocks)
    if option.kind == FAST_OPEN and not option.data:
        return "cookie request"
    return option.data.hex(" ")


_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_RAW_IP = 101
_COMMENT, _APPLICATION, _RESOLUTION = 1, 4, 9


def write_pcapng(file: str | Path | IO[bytes], entries: Iterable[tuple[float, bytes, str]]) -> None:
    """Write a capture of IP packets: entries are (seconds, packet, comment), a comment of ``""`` is left out.

    Link type 101 (raw IP, both families), times in nanoseconds (draft-ietf-opsawg-pcapng).
    """
    if isinstance(file, str | Path):
        with Path(file).open("wb") as opened:
            write_pcapng(opened, entries)
        return
    file.write(pcapng_head())
    for entry in entries:
        file.write(pcapng_packet(*entry))


def pcapng_head() -> bytes:
    """What a capture begins with."""
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _options((_APPLICATION, b"tcpprobe"))
    interface = struct.pack("<HHI", _RAW_IP, 0, 0) + _options((_RESOLUTION, b"\x09"))
    return _block(_SECTION, section) + _block(_INTERFACE, interface)


def pcapng_packet(time: float, packet: bytes, comment: str = "") -> bytes:
    """One more packet of a capture."""
    stamp = round(time * 1e9)
    head = struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(packet), len(packet))
    text = comment.encode(errors="replace")[:0xFFFF]
    return _block(_PACKET, head + _padded(packet) + (_options((_COMMENT, text)) if text else b""))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _options(*options: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options) + bytes(4)


def _block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size
