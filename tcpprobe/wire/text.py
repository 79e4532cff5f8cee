"""One line for one packet, in relative numbers when the connection's initial ones are known."""

from __future__ import annotations

from dataclasses import dataclass

from tcpprobe.wire import seq
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.flags import ACK, URG, flags_text
from tcpprobe.wire.icmp import Icmp, icmp_name
from tcpprobe.wire.ip import Packet, quoted_tuple, text
from tcpprobe.wire.options import EOL, FAST_OPEN, KINDS, MSS, NOP, SACK, TIMESTAMPS, WSCALE, Option, Options
from tcpprobe.wire.route import source_route
from tcpprobe.wire.segment import Segment


@dataclass(frozen=True, slots=True)
class Numbers:
    """What sequence numbers are counted from: ``iss`` is that of ``local`` (our address and port), ``irs`` the peer's.

    An unknown one is None and its numbers are shown as they are.
    """

    iss: int | None
    irs: int | None
    local: tuple[bytes, int]


def endpoint(address: bytes, port: int) -> str:
    """``10.0.0.1:80`` or ``[2001:db8::1]:80``."""
    return f"{text(address)}:{port}" if len(address) != 16 else f"[{text(address)}]:{port}"


def one_line(packet: Packet, base: Numbers | None = None) -> str:
    """``10.0.0.1:4000 > 10.0.0.2:7 [SA] seq 0 ack 1 win 65535 <mss 1460> len 0``, and what is odd after it."""
    payload = packet.payload
    if isinstance(payload, Segment):
        line = (
            f"{endpoint(packet.src, payload.sport)} > {endpoint(packet.dst, payload.dport)} "
            f"{segment_line(payload, _counts(packet.src, payload, base))}"
        )
    elif isinstance(payload, Icmp):
        line = f"{text(packet.src)} > {text(packet.dst)} {_icmp_line(payload, 4 if len(packet.src) == 4 else 6)}"
    else:
        line = f"{text(packet.src)} > {text(packet.dst)} protocol {packet.protocol} len {len(payload)}"
    if packet.options and len(packet.src) == 4:
        line += _route(packet.options)
    if packet.fragments:
        line += f" in {len(packet.fragments)} fragment{'s' if len(packet.fragments) > 1 else ''}"
    if packet.tcp_checksum is Checksum.WRONG:
        line += " (checksum wrong)"
    return f"{line} ({packet.problem})" if packet.problem else line


def _route(options: bytes) -> str:
    """What an IPv4 source route says: where the packet has been, and where it is to go from the header's address."""
    route = source_route(options)
    if route is None:
        return ""
    ways = (("by way of", route.passed), ("then to", route.ahead))
    return "".join(f" {word} {', '.join(map(text, addresses))}" for word, addresses in ways if addresses)


def _counts(src: bytes, segment: Segment, base: Numbers | None) -> tuple[int | None, int | None]:
    """The initial numbers that this segment's seq and ack are counted from."""
    if base is None:
        return None, None
    return (base.iss, base.irs) if (src, segment.sport) == base.local else (base.irs, base.iss)


def segment_line(segment: Segment, counts: tuple[int | None, int | None] = (None, None)) -> str:
    """The part after the addresses; ``counts`` are the initial numbers that seq and ack are shown relative to."""
    words = [f"[{flags_text(segment.flags)}]", f"seq {relative(segment.seq, counts[0])}"]
    if segment.flags & ACK:
        words.append(f"ack {relative(segment.ack, counts[1])}")
    words.append(f"win {segment.window}")
    if segment.flags & URG or segment.urgent:
        words.append(f"urg {segment.urgent}")
    if segment.options:
        words.append(f"<{options_line(segment.parsed, counts[1])}>")
    words.append(f"len {len(segment.payload)}")
    return " ".join(words)


def relative(number: int, initial: int | None) -> int:
    """``number`` counted from ``initial`` (negative when it comes before it), or itself when that is None."""
    return number if initial is None else seq.diff(number, initial)


def options_line(options: Options, initial: int | None = None) -> str:
    """``mss 1460, sack, timestamps 5 0``: padding left out, SACK edges relative to ``initial``, the malformed told."""
    words = [_option_word(option, initial) for option in options.items if option.kind not in (NOP, EOL)]
    if options.problem is not None:
        words.append(options.problem)
    return ", ".join(words) or "nop"


def _option_word(option: Option, initial: int | None) -> str:
    name = KINDS.get(option.kind, f"kind {option.kind}")
    alone = Options((option,))
    if option.kind in (MSS, WSCALE) and alone.first(option.kind):
        return f"{name} {int.from_bytes(option.data, 'big')}"
    if option.kind == TIMESTAMPS and alone.timestamps:
        return "{} {} {}".format(name, *alone.timestamps)
    if option.kind == SACK and alone.sack_blocks:
        blocks = (f"{relative(left, initial)}..{relative(right, initial)}" for left, right in alone.sack_blocks)
        return f"{name} {' '.join(blocks)}"
    if option.kind == FAST_OPEN and not option.data:
        return f"{name} request"
    return f"{name} {option.data.hex()}".rstrip()


def _icmp_line(icmp: Icmp, version: int) -> str:
    line = f"ICMP {icmp_name(icmp, version)}"
    if icmp.mtu is not None:
        line += f" mtu {icmp.mtu}"
    quoted = quoted_tuple(icmp, version)
    if quoted is not None:
        src, dst, sport, dport = quoted
        line += f" about {endpoint(src, sport)} > {endpoint(dst, dport)}"
    return line
