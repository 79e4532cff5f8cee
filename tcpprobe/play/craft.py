"""From a ``send`` step to the bytes on the wire: what is named as named, the rest from the connection's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tcpprobe.play.line import Line
from tcpprobe.play.outcome import Stop
from tcpprobe.play.scope import Capture
from tcpprobe.results.model import Verdict
from tcpprobe.scenario.model import Send
from tcpprobe.wire.flags import ACK, SYN
from tcpprobe.wire.icmp import Icmp, mtu_word
from tcpprobe.wire.ip import Packet, encode, pack
from tcpprobe.wire.segment import Segment, encode_segment
from tcpprobe.wire.seq import MOD

if TYPE_CHECKING:
    from tcpprobe.play.play import Play

Fields = Mapping[str, Any]


def build(play: Play, line: Line, step: Send) -> tuple[bytes, Packet | None]:
    """The bytes of a ``send`` step, and the packet they are; None when they are given raw.

    Raises Stop when a value does not fit its field.
    """
    fields: Fields = step.template.build(play.scope)
    if "raw" in fields:
        return fields["raw"], None
    sender = play.lines[step.from_] if step.from_ else line
    tcb = line.connection.tcb
    try:
        payload = _icmp(play, line, fields) if "icmp" in fields else _segment(line, sender, fields)
        packet = Packet(tcb.local[0], tcb.remote[0], payload)
        if "ip" in fields:
            packet = replace(packet, **_ip(fields["ip"]))
        return encode(packet), packet
    except ValueError as error:
        raise Stop(Verdict.ERROR, f"{step.place}: cannot be sent: {error}") from None


def _segment(line: Line, sender: Line, fields: Fields) -> Segment:
    """A segment of the connection with the named fields as they are named."""
    flags = fields["flags"]
    connection = line.connection
    tcb = connection.tcb
    segment = connection.form(tcb.snd.nxt, flags)
    if flags & SYN:
        segment.options = b""  # a SYN offers only what the scenario says
        segment.window = min(connection.config.window, 65535)  # RFC 7323 2.2: never scaled
    elif not flags & ACK:
        segment.window = connection.window_field()
    segment.flags = flags
    segment.sport = sender.connection.tcb.local[1]
    for name, value in fields.items():
        if name in PLAIN:
            setattr(segment, PLAIN[name], value % MOD if name in SERIAL else value)
    if fields.get("checksum") == "bad":
        segment.checksum = _wrong_checksum(line, segment)
    return segment


#: Fields of a scenario that are fields of a segment.
PLAIN = {
    "seq": "seq",
    "ack": "ack",
    "window": "window",
    "urgent": "urgent",
    "data": "payload",
    "options": "options",
    "checksum": "checksum",
    "data_offset": "data_offset",
    "reserved": "reserved",
    "sport": "sport",
    "dport": "dport",
}
SERIAL = frozenset({"seq", "ack"})


def _wrong_checksum(line: Line, segment: Segment) -> int:
    tcb = line.connection.tcb
    right = encode_segment(replace(segment, checksum=None), tcb.local[0], tcb.remote[0])[16:18]
    return int.from_bytes(right, "big") ^ 0x5A5A  # never the other form of zero either


def _ip(fields: Fields) -> dict[str, Any]:
    """The fields of a `Packet` from those of ``ip:``."""
    found = {IP[name]: value for name, value in fields.items() if name in IP}
    if "dscp" in fields or "ecn" in fields:
        found["tos"] = fields.get("tos", 0) & ~((0xFC if "dscp" in fields else 0) | (3 if "ecn" in fields else 0))
        found["tos"] |= fields.get("dscp", 0) << 2 | fields.get("ecn", 0)
    if "fragment" in fields:
        fragment = fields["fragment"]
        found["fragment"] = (fragment.get("offset", 0), fragment.get("more", False))
    for end in ("src", "dst"):
        if end in fields:
            found[end] = pack(fields[end])
    return found


#: Fields under ``ip:`` that are fields of a packet.
IP = {
    "ttl": "ttl",
    "tos": "tos",
    "df": "df",
    "id": "ident",
    "flow_label": "flow_label",
    "version": "version",
    "header_length": "header_length",
    "total_length": "total_length",
    "protocol": "protocol",
    "checksum": "checksum",
    "options": "options",
}


def _icmp(play: Play, line: Line, fields: Fields) -> Icmp:
    """An ICMP message about a packet that was seen (``quote``), with its MTU where it has one."""
    kind, code = fields["icmp"]
    version = 4 if len(line.connection.tcb.local[0]) == 4 else 6
    rest = mtu_word(fields["mtu"], version) if "mtu" in fields else bytes(4)
    return Icmp(kind, code, rest, _quote(play, line, fields.get("quote", "last")))


def _quote(play: Play, line: Line, quote: Any) -> bytes:
    """The start of the packet that an ICMP message is about, as the target sent it (RFC 792, RFC 4443 2.4)."""
    if quote == "none":
        return b""
    if isinstance(quote, Mapping):
        tcb = line.connection.tcb
        about = {"seq": tcb.rcv.nxt, "ack": tcb.snd.nxt, "flags": ACK, **quote}
        flags = about.pop("flags")
        segment = Segment(tcb.remote[1], tcb.local[1], flags=flags)
        for name, value in about.items():
            setattr(segment, PLAIN[name], value % MOD if name in SERIAL else value)
        return encode(Packet(tcb.remote[0], tcb.local[0], segment))[:QUOTED]
    if quote == "last":
        received = [each.raw for each in play.records if each.kind == "received" and each.connection == line.name]
        if not received:
            raise ValueError("nothing was received that could be quoted")
        return received[-1][:QUOTED]
    captured = play.captured[quote]
    assert isinstance(captured, Capture)
    return (captured.packet.raw or encode(captured.packet))[:QUOTED]


QUOTED = 548  # an ICMP message should not be longer than 576 octets (RFC 1812 4.3.2.3)
