"""From a ``send`` step to the bytes on the wire: what is named as named, the rest from the connection's numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tcpprobe.play.line import Line
from tcpprobe.play.outcome import Stop
from tcpprobe.play.scope import Capture
from tcpprobe.results.model import Verdict
from tcpprobe.scenario.model import Send
from tcpprobe.wire.flags import ACK, SYN
from tcpprobe.wire.fragments import Reassembly, cut
from tcpprobe.wire.icmp import Icmp, icmp_named, mtu_word
from tcpprobe.wire.ip import PIECE, Packet, decode, encode
from tcpprobe.wire.segment import Segment, encode_segment

if TYPE_CHECKING:
    from tcpprobe.play.play import Play

Fields = Mapping[str, Any]


def build(play: Play, line: Line, step: Send) -> tuple[bytes, Packet]:
    """The bytes of a ``send`` step, and the packet they are.

    Raises Stop when a value does not fit its field.
    """
    fields: Fields = step.template.build(play.scope)
    sender = play.lines[step.from_] if step.from_ else line
    tcb = line.connection.tcb
    try:
        payload = PAYLOADS[step.template.kind](play, line, sender, fields)
        packet = Packet(tcb.local[0], tcb.remote[0], payload)
        if "ip" in fields:
            places = {"local": tcb.local[0], "remote": tcb.remote[0]}
            header = {name: places.get(value, value) for name, value in fields["ip"].items()}
            how = header.pop("fragments", None)
            if how is not None:
                header = {"df": False, "ident": _identification(play, line), **header}
            packet = replace(packet, **header)
            if how is not None:
                packet.fragments = cut(packet, how)
        return encode(packet), packet
    except ValueError as error:
        raise Stop(Verdict.ERROR, f"{step.place}: cannot be sent: {error}") from None


def _identification(play: Play, line: Line) -> int:
    """What this packet's fragments have in common with those of no other connection, and of no other packet of it.

    Never zero, for which Linux would write another number (raw(7)).
    """
    return (line.connection.tcb.local[1] * _SPREAD + len(play.records)) & 0xFFFF or 1


_SPREAD = 0x9E37
"""Odd, so that no two ports have the same product modulo 2**16; neighbouring ports are far apart."""


def arrives_whole(packet: Packet) -> bool:
    """Whether a sound host that gets all fragments of a packet makes that packet of them."""
    reassembly, sent = Reassembly(), decode(encode(packet))
    pieces = [decode(each) for each in packet.fragments]
    found = [reassembly.arrives(each, 0.0) if each.problem == PIECE else each for each in pieces]
    return any(each is not None and each.payload == sent.payload for each in found)


def _raw(_play: Play, _line: Line, _sender: Line, fields: Fields) -> bytes:
    raw: bytes = fields["raw"]
    return raw


def _segment(play: Play, line: Line, sender: Line, fields: Fields) -> Segment:
    """A segment of the connection with the named fields as they are named."""
    flags = fields["flags"]
    connection = line.connection
    connection.now = play.now
    tcb = connection.tcb
    segment = connection.form(tcb.snd.nxt, flags)
    if flags & SYN:
        segment.options = b""  # a SYN offers only what the scenario says
        segment.window = min(connection.config.window, 65535)  # RFC 7323 2.2: never scaled
    elif not flags & ACK:
        segment.window = connection.window_field()
    segment.flags = flags
    segment.sport = sender.connection.tcb.local[1]
    for name in SEGMENT & fields.keys():
        setattr(segment, name, fields[name])
    if fields.get("checksum") == "bad":
        segment.checksum = _wrong_checksum(line, segment)
    return segment


SEGMENT = frozenset(
    "seq ack window urgent payload options checksum data_offset reserved sport dport".split()  # noqa: SIM905
)
"""Fields of a segment that a scenario may name; flags are there already."""


def _wrong_checksum(line: Line, segment: Segment) -> int:
    tcb = line.connection.tcb
    right = encode_segment(replace(segment, checksum=None), tcb.local[0], tcb.remote[0])[16:18]
    return int.from_bytes(right, "big") ^ 0x5A5A  # never the other form of zero either


def _icmp(play: Play, line: Line, _sender: Line, fields: Fields) -> Icmp:
    """An ICMP message about a packet of the target's (``quote``), with its MTU where it has one."""
    version = 4 if len(line.connection.tcb.local[0]) == 4 else 6
    message = fields["icmp"]
    kind, code = icmp_named(message, version) if isinstance(message, str) else message
    rest = mtu_word(fields["mtu"], version) if "mtu" in fields else bytes(4)
    return Icmp(kind, code, rest, _quote(play, line, fields.get("quote", "last")))


def _quote(play: Play, line: Line, quote: Any) -> bytes:
    """The start of the packet that an ICMP message is about, as the target sent it (RFC 792, RFC 4443 2.4)."""
    if quote == "none":
        return b""
    if isinstance(quote, Mapping):
        tcb = line.connection.tcb
        segment = Segment(tcb.remote[1], tcb.local[1], tcb.rcv.nxt, tcb.snd.nxt, ACK)
        for name, value in quote.items():
            setattr(segment, name, value)
        return encode(Packet(tcb.remote[0], tcb.local[0], segment))[:QUOTED]
    if quote == "last":
        received = [each.raw for each in play.records if each.kind == "received" and each.connection == line.name]
        if not received:
            raise ValueError("the target has sent nothing that could be quoted")
        return received[-1][:QUOTED]
    captured = play.captured[quote]
    assert isinstance(captured, Capture)
    return (captured.packet.raw or encode(captured.packet))[:QUOTED]


QUOTED = 548  # an ICMP message should not be longer than 576 octets (RFC 1812 4.3.2.3)

#: For each kind of template what the IP packet carries.
PAYLOADS: Mapping[str, Callable[[Play, Line, Line, Fields], Segment | Icmp | bytes]] = MappingProxyType(
    {"tcp": _segment, "icmp": _icmp, "raw": _raw}
)
