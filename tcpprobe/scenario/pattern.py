"""Comparing a packet with a pattern (the hot path of a play), and saying in words what was wanted and what came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcpprobe.marked.problem import Place
from tcpprobe.scenario.expression import ExpressionError, Scope, UnknownName
from tcpprobe.scenario.matcher import Matcher
from tcpprobe.scenario.model import Difference
from tcpprobe.wire import seq
from tcpprobe.wire.flags import flags_text
from tcpprobe.wire.icmp import Icmp, icmp_name
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

if TYPE_CHECKING:
    from tcpprobe.scenario.model import Pattern

Get = Callable[[Packet, Any], Any]
"""(packet, its payload) → the value of a field, or None."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldTest:
    """One field that is judged.

    Attributes:
        name: ``ack``, ``options.mss``, ``ip.ttl``.
        base: ``iss`` or ``irs`` for sequence numbers (what they are shown relative to), else empty.
    """

    name: str
    place: Place
    get: Get
    matcher: Matcher
    base: str = ""

    def words(self, scope: Scope) -> str:
        """What is wanted of it."""
        return self.matcher.describe(scope, self.shower(scope))

    def shower(self, scope: Scope) -> Callable[[Any], str]:
        """How its values are shown: flags as letters, sequence numbers relative unless written as plain numbers."""
        if self.name == "flags":
            return _flags
        if self.base and not self.matcher.absolute:
            initial = _initial(self.base, scope)
            if initial is not None:
                return lambda value: _relative(value, initial)
        return show


def differences(pattern: Pattern, packet: Any, scope: Scope) -> list[Difference]:
    """What is not as the pattern says. Raises ExpressionError."""
    payload = packet.payload
    if type(payload) is not (Segment if pattern.wanted == "tcp" else Icmp):
        wanted = "a TCP segment" if pattern.wanted == "tcp" else "an ICMP message"
        return [Difference("packet", wanted, _what(packet), pattern.place)]
    found: list[Difference] = []
    for test in pattern.tests:
        seen = test.get(packet, payload)
        if not test.matcher.matches(seen, scope):
            shower = test.shower(scope)
            found.append(Difference(test.name, test.matcher.describe(scope, shower), shower(seen), test.place))
    return found


def describe(pattern: Pattern, scope: Scope) -> str:
    """``flags A, ack snd.nxt (=6)``. Never raises."""
    words = [f"{test.name} {test.words(scope)}" for test in pattern.tests]
    if pattern.wanted == "icmp" and not words:
        return "an ICMP message"
    return ", ".join(words) or "any segment"


def _what(packet: Packet) -> str:
    payload = packet.payload
    if isinstance(payload, Segment):
        return f"a TCP segment with flags {flags_text(payload.flags) or 'none'}"
    if isinstance(payload, Icmp):
        return f"ICMP {icmp_name(payload, 4 if len(packet.src) == 4 else 6)}"
    return packet.problem or f"a packet of protocol {packet.protocol}"


def _initial(base: str, scope: Scope) -> int | None:
    try:
        value = scope.lookup(base)
    except (UnknownName, ExpressionError):
        return None
    # 0 is what an initial number is before it is known; relative to it, numbers are as they are.
    return value if isinstance(value, int) and value else None


def _relative(value: Any, initial: int) -> str:
    if isinstance(value, int):
        return str(seq.diff(value, initial))
    if isinstance(value, tuple):
        return " ".join(f"[{seq.diff(left, initial)}, {seq.diff(right, initial)}]" for left, right in value) or "none"
    return show(value)


def _flags(value: Any) -> str:
    return flags_text(value) or "none" if isinstance(value, int) else show(value)


def show(value: Any) -> str:
    """A field's value for people."""
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bytes):
        return show_bytes(value)
    if isinstance(value, tuple):
        return " ".join(f"[{each[0]}, {each[1]}]" if isinstance(each, tuple) else str(each) for each in value) or "none"
    return str(value)


def show_bytes(data: bytes) -> str:
    """Octets as text when they are text, in hex otherwise; long ones cut."""
    size = f" … ({len(data)} octets)" if len(data) > 32 else ""
    head = data[:32]
    if all(32 <= octet < 127 for octet in head):
        return f'"{head.decode("ascii")}"{size}'
    return f"hex {head.hex()}{size}"
