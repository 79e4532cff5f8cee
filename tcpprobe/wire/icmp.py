"""ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443): the messages that talk about a TCP segment, and their quotes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tcpprobe.wire.checksum import ones_complement, transport_checksum

ICMP = 1
ICMPV6 = 58

_HEADER = struct.Struct("!BBH")
_MTU16 = struct.Struct("!xxH")
_MTU32 = struct.Struct("!I")


@dataclass(slots=True)
class Icmp:
    """An ICMP or ICMPv6 message: ``rest`` is the second 32-bit word, ``quote`` everything after it.

    ``checksum`` None is computed on encoding; a decoded message has what was seen.
    """

    type: int
    code: int
    rest: bytes = b"\0\0\0\0"
    quote: bytes = b""
    checksum: int | None = None

    @property
    def mtu(self) -> int | None:
        """The next-hop MTU of frag-needed (RFC 1191) or packet-too-big (RFC 4443), else None."""
        if (self.type, self.code) == (3, 4) and len(self.rest) == 4:
            return int(_MTU16.unpack(self.rest)[0])
        if (self.type, self.code) == (2, 0) and len(self.rest) == 4:
            return int(_MTU32.unpack(self.rest)[0])
        return None


NAMES: dict[int, dict[str, tuple[int, int]]] = {
    4: {
        "echo-reply": (0, 0),
        "net-unreachable": (3, 0),
        "host-unreachable": (3, 1),
        "protocol-unreachable": (3, 2),
        "port-unreachable": (3, 3),
        "frag-needed": (3, 4),
        "source-route-failed": (3, 5),
        "net-unknown": (3, 6),
        "host-unknown": (3, 7),
        "host-isolated": (3, 8),
        "net-prohibited": (3, 9),
        "host-prohibited": (3, 10),
        "net-tos-unreachable": (3, 11),
        "host-tos-unreachable": (3, 12),
        "admin-prohibited": (3, 13),
        "precedence-violation": (3, 14),
        "precedence-cutoff": (3, 15),
        "source-quench": (4, 0),
        "net-redirect": (5, 0),
        "host-redirect": (5, 1),
        "echo-request": (8, 0),
        "time-exceeded": (11, 0),
        "reassembly-time-exceeded": (11, 1),
        "parameter-problem": (12, 0),
        "required-option-missing": (12, 1),
        "bad-length": (12, 2),
        "timestamp-request": (13, 0),
        "timestamp-reply": (14, 0),
    },
    6: {
        "net-unreachable": (1, 0),
        "admin-prohibited": (1, 1),
        "beyond-scope": (1, 2),
        "host-unreachable": (1, 3),
        "port-unreachable": (1, 4),
        "policy-failed": (1, 5),
        "route-rejected": (1, 6),
        "packet-too-big": (2, 0),
        "time-exceeded": (3, 0),
        "reassembly-time-exceeded": (3, 1),
        "parameter-problem": (4, 0),
        "protocol-unreachable": (4, 1),
        "unrecognized-option": (4, 2),
        "echo-request": (128, 0),
        "echo-reply": (129, 0),
        "router-solicitation": (133, 0),
        "router-advertisement": (134, 0),
        "neighbor-solicitation": (135, 0),
        "neighbor-advertisement": (136, 0),
        "redirect": (137, 0),
    },
}
"""IP version to message name to (type, code). A name that both families have means the same in both."""

_ALIASES = {
    4: {"packet-too-big": "frag-needed", "no-route": "net-unreachable", "address-unreachable": "host-unreachable"},
    6: {"frag-needed": "packet-too-big", "no-route": "net-unreachable", "address-unreachable": "host-unreachable"},
}
_BY_NUMBER = {version: {pair: name for name, pair in names.items()} for version, names in NAMES.items()}
_ERRORS = {4: frozenset((3, 4, 5, 11, 12)), 6: frozenset(range(128))}


def icmp_named(name: str, version: int) -> tuple[int, int]:
    """(type, code) of a message by its name in that IP version (4 or 6). Raises ValueError for a name it has not."""
    names = NAMES[version]
    found = names.get(_ALIASES[version].get(name, name))
    if found is None:
        raise ValueError(f"{name!r} is not an ICMP message of IPv{version}: {', '.join(names)}")
    return found


def icmp_name(icmp: Icmp, version: int) -> str:
    """The message's name in that IP version, or ``"type 3 code 99"``."""
    return _BY_NUMBER[version].get((icmp.type, icmp.code)) or f"type {icmp.type} code {icmp.code}"


def is_error(icmp: Icmp, version: int) -> bool:
    """Whether the message reports on a packet and therefore quotes it."""
    return icmp.type in _ERRORS[version]


def mtu_word(mtu: int, version: int) -> bytes:
    """The ``rest`` of a frag-needed (IPv4) or packet-too-big (IPv6) message. Raises ValueError when it does not fit."""
    try:
        return _MTU16.pack(mtu) if version == 4 else _MTU32.pack(mtu)
    except struct.error:
        raise ValueError(f"mtu {mtu} does not fit {16 if version == 4 else 32} bits") from None


def encode_icmp(icmp: Icmp, src: bytes, dst: bytes) -> bytes:
    """The message's bytes; the ICMPv6 checksum covers a pseudo-header of these addresses (RFC 4443 2.3)."""
    head = _HEADER.pack(icmp.type & 255, icmp.code & 255, icmp.checksum or 0)
    body = head + icmp.rest + icmp.quote
    if icmp.checksum is not None:
        return body
    value = ones_complement(body) if len(src) == 4 else transport_checksum(src, dst, ICMPV6, body)
    return body[:2] + value.to_bytes(2, "big") + body[4:]


def decode_icmp(data: bytes) -> Icmp:
    """The message in ``data`` (at least 4 bytes)."""
    kind, code, checksum = _HEADER.unpack_from(data)
    return Icmp(kind, code, data[4:8], data[8:], checksum)
