"""Accurate ECN (RFC 9768): what a connection counts of the marks it meets and hears of, and how they are told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tcpprobe.wire.flags import AE, CWR, ECE
from tcpprobe.wire.options import ACCURATE_ECN_0, ACCURATE_ECN_1, NOP, Options

ECT_1, ECT_0, CE = 1, 2, 3
BITS = AE | CWR | ECE
_CLASSIC = CWR | ECE
_RESERVED = AE | ECE

FEEDBACK: Mapping[int, int] = MappingProxyType({0: CWR, ECT_1: CWR | ECE, ECT_0: AE, CE: AE | CWR})
"""The ECN field of a SYN or SYN,ACK to the bits that tell its sender of it (RFC 9768, tables 2 and 3)."""

_MARKS = MappingProxyType({bits: mark for mark, bits in FEEDBACK.items()})
_ORDERS = MappingProxyType({ACCURATE_ECN_0: (ECT_0, CE, ECT_1), ACCURATE_ECN_1: (ECT_1, CE, ECT_0)})
"""Option kind to whose octets its fields count (RFC 9768 3.2.3)."""

_CEP = 5
_OCTETS = (0, 1, 1, 0)
_FIELD = 3  # octets of a counter in the option
_WRAP = 1 << 24
_SHIFT = 6  # ECE, the lowest bit of the ACE field


def asks(bits: int) -> bool:
    """Whether the bits of a SYN ask for Accurate ECN: all that are neither none nor RFC 3168's (RFC 9768 3.1.3)."""
    return bits not in (0, _CLASSIC)


def confirms(bits: int) -> bool:
    """Whether the bits of a SYN,ACK agree to it: table 2, and the reserved combination (RFC 9768 3.1.3)."""
    return bits in _MARKS or bits == _RESERVED


def counted_octets(options: Options) -> dict[int, int]:
    """ECN field to the 24 bits that the first AccECN option has of its counter; what is left of a field is padding."""
    for option in options.items:
        if option.kind in _ORDERS:
            whole = len(option.data) // _FIELD
            fields = (option.data[at * _FIELD :][:_FIELD] for at in range(whole))
            return {
                mark: int.from_bytes(field, "big") for mark, field in zip(_ORDERS[option.kind], fields, strict=False)
            }
    return {}


class Accurate:
    """A connection in AccECN mode. Octets are lists by ECN field, as in r.e1b, r.e0b and r.ceb.

    Attributes:
        cep, octets: r.cep and the byte counters: of what arrived (RFC 9768 3.2.1).
        owed: an option is due: a byte counter has changed since the last.
        marks: packets marked CE since the last acknowledgment of ours.
        after_mark: whether the last packet that arrived was marked CE.
        handshake: the bits for the next pure ACK instead of the counter (RFC 9768 3.2.2.1), or None.
        sent_cep, sent_octets: s.cep and its like: what the peer says it got.
        may_mark: whether data may be sent as ECN-capable transport.
        heeds: whether what the peer says of marks counts.
    """

    __slots__ = (
        "after_mark",
        "cep",
        "handshake",
        "heeds",
        "marks",
        "may_mark",
        "octets",
        "owed",
        "sent_cep",
        "sent_octets",
    )

    def __init__(self) -> None:
        self.cep = self.sent_cep = _CEP
        self.octets, self.sent_octets = list(_OCTETS), list(_OCTETS)
        self.owed = self.after_mark = False
        self.marks = 0
        self.handshake: int | None = None
        self.may_mark = self.heeds = True

    # -- as receiver

    @property
    def ace(self) -> int:
        """The ACE field, in its place among the flags (RFC 9768 3.2.2)."""
        return (self.cep & 7) << _SHIFT

    def arrived(self, mark: int, size: int, *, waiting: bool) -> bool:
        """An acceptable packet with ``size`` octets of data: count it. Returns whether an ACK is due at once.

        ``waiting``: whether data, this or older, is not acknowledged yet (RFC 9768 3.2.2.5.1).
        """
        changed = mark == CE and not self.after_mark and size > 0
        self.after_mark = mark == CE
        if mark == CE:
            self.cep += 1
            self.marks += 1
        if mark and size:
            self.octets[mark] += size
            self.owed = True
        return changed or (mark == CE and self.marks >= (2 if waiting else 3))

    def syn_ack_arrived(self, mark: int, size: int) -> None:
        """The peer's SYN,ACK came, perhaps again: feed its mark back; however often CE, r.cep grows once."""
        self.handshake = FEEDBACK[mark]
        if mark == CE:
            self.cep = max(self.cep, _CEP + 1)  # RFC 9768 3.2.2.2
        if mark:
            self.octets[mark] += size
        self.owed = True  # RFC 9768 3.2.3.2.1: the first ACK tests whether the option gets through

    def option(self, room: int) -> bytes:
        """The option, with NOPs before it up to four octets: every counter that ever changed, or all while none has.

        Nothing when it does not fit in ``room`` octets (RFC 9768 3.2.3.3: then it MUST be omitted).
        """
        sizes = {kind: self._fields(order) for kind, order in _ORDERS.items()}
        kind = min(sizes, key=lambda kind: (sizes[kind], kind))
        counters = [self.octets[mark] % _WRAP for mark in _ORDERS[kind][: sizes[kind]]]
        data = b"".join(counter.to_bytes(_FIELD, "big") for counter in counters)
        raw = bytes((kind, 2 + len(data))) + data
        raw = bytes((NOP,)) * (-len(raw) % 4) + raw
        return raw if len(raw) <= room else b""

    def _fields(self, order: tuple[int, ...]) -> int:
        """How many fields of ``order`` hold all that has changed."""
        changed = [at for at, mark in enumerate(order, 1) if self.octets[mark] != _OCTETS[mark]]
        return max(changed, default=len(order))

    # -- as sender

    def heard(self, flags: int, octets: Mapping[int, int], ahead: int, mss: int) -> bool:
        """An ACK of ``ahead`` new octets in segments of ``mss`` says so; whether it tells of new CE marks that count.

        ``octets`` are `counted_octets`: none when there is no option.
        """
        packets = -(-ahead // mss)
        marked = ((flags >> _SHIFT) - self.sent_cep) & 7
        more = 0
        for mark, counter in octets.items():
            news = (counter - self.sent_octets[mark]) % _WRAP
            self.sent_octets[mark] += news
            more = news if mark == CE else more
        if packets > 7 and (more > marked * mss or not octets):
            # The counter may have wrapped: the safest likely case (RFC 9768 3.2.2.5.2).
            marked = packets - ((packets - marked) & 7)
        elif more and not marked:
            self.may_mark = False  # RFC 9768 3.2.3.2.5: feedback that contradicts itself
        self.sent_cep += marked
        return self.heeds and marked > 0

    def handshake_acknowledged(self, flags: int) -> bool:
        """The pure ACK of our SYN,ACK: table 4. Whether the SYN,ACK met congestion."""
        bits = flags & BITS
        if not bits:
            self.may_mark = self.heeds = False  # RFC 9768 3.2.2.1, note 1
        if _MARKS.get(bits):
            self.may_mark = False  # RFC 9768 3.2.2.3: it was sent as Not-ECT, and somebody changed that
        if bits == FEEDBACK[CE]:
            self.sent_cep = _CEP + 1
        return bits == FEEDBACK[CE]

    def syn_answered(self, flags: int) -> bool:
        """The SYN,ACK's word of our SYN. Whether that met congestion; s.cep does not grow (RFC 9768 3.2.2.2)."""
        mark = _MARKS.get(flags & BITS, 0)
        if mark:
            self.may_mark = False  # RFC 9768 3.2.2.3, as above
        return mark == CE


OPENING_OPTION = Accurate().option(40)
"""What a SYN,ACK bears: nothing was counted yet (RFC 9768 3.2.3.2.1)."""
