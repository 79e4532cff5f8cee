"""TCP options (RFC 9293 3.2, RFC 7323, RFC 2018, RFC 7413): exact bytes out, everything kept on the way in."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

EOL = 0
NOP = 1
MSS = 2
WSCALE = 3
SACK_PERMITTED = 4
SACK = 5
TIMESTAMPS = 8
FAST_OPEN = 34
ACCURATE_ECN_0 = 172
ACCURATE_ECN_1 = 174

KINDS = {
    EOL: "eol",
    NOP: "nop",
    MSS: "mss",
    WSCALE: "wscale",
    SACK_PERMITTED: "sack",
    SACK: "sack_blocks",
    6: "echo",
    7: "echo_reply",
    TIMESTAMPS: "timestamps",
    14: "alternate_checksum",
    19: "md5",
    27: "quick_start",
    28: "user_timeout",
    29: "ao",
    30: "mptcp",
    FAST_OPEN: "fast_open",
    69: "encryption",
    ACCURATE_ECN_0: "accurate_ecn_0",
    ACCURATE_ECN_1: "accurate_ecn_1",
    253: "experiment_1",
    254: "experiment_2",
}
"""Kind number to the name used in scenarios and in the one-line form (IANA's TCP option kinds)."""

_LENGTHS = {MSS: 2, WSCALE: 1, SACK_PERMITTED: 0, TIMESTAMPS: 8}
_PAIR = struct.Struct("!II")
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``length`` None is computed (and absent for kinds 0 and 1); a number is written as it is."""

    kind: int
    data: bytes = b""
    length: int | None = None


def nop() -> Option:
    """No-Operation, one byte."""
    return Option(NOP)


def eol() -> Option:
    """End of Option List, one byte."""
    return Option(EOL)


def mss(value: int) -> Option:
    """Maximum Segment Size, in bytes. Raises ValueError beyond 16 bits."""
    if not 0 <= value < 1 << 16:
        raise ValueError(f"mss {value} does not fit 16 bits")
    return Option(MSS, value.to_bytes(2, "big"))


def wscale(shift: int) -> Option:
    """Window Scale, the shift count (above 14 is sayable and wrong). Raises ValueError beyond 8 bits."""
    if not 0 <= shift < 1 << 8:
        raise ValueError(f"wscale {shift} does not fit 8 bits")
    return Option(WSCALE, bytes((shift,)))


def sack_permitted() -> Option:
    """SACK-Permitted."""
    return Option(SACK_PERMITTED)


def sack_blocks(*blocks: tuple[int, int]) -> Option:
    """SACK with blocks of (left edge, right edge), modulo 2**32."""
    return Option(SACK, b"".join(_PAIR.pack(left & _MASK, right & _MASK) for left, right in blocks))


def timestamps(val: int, ecr: int) -> Option:
    """Timestamps: TSval and TSecr, modulo 2**32."""
    return Option(TIMESTAMPS, _PAIR.pack(val & _MASK, ecr & _MASK))


def fast_open(cookie: bytes = b"") -> Option:
    """TCP Fast Open with a cookie; none asks for one."""
    return Option(FAST_OPEN, cookie)


def encode_options(options: Iterable[Option]) -> bytes:
    """The options' bytes exactly, one after the other, unpadded. Raises ValueError when a value does not fit a byte."""
    out = bytearray()
    for option in options:
        out.append(option.kind)
        if option.length is not None:
            out.append(option.length)
        elif option.kind > NOP:
            out.append(len(option.data) + 2)
        out += option.data
    return bytes(out)


def pad_options(raw: bytes) -> bytes:
    """``raw`` with zeros (End of Option List) up to a multiple of four."""
    return raw + bytes(-len(raw) % 4)


@dataclass(frozen=True, slots=True)
class Options:
    """Decoded options, in order; ``encode_options(items) + rest`` is again what was decoded.

    ``problem`` says in one line what is malformed first, or is None. ``rest`` is what follows an End of Option
    List (padding), or what begins with an option that cannot be delimited. The named properties are the first
    well-formed occurrence, or None.
    """

    items: tuple[Option, ...] = ()
    problem: str | None = None
    rest: bytes = b""

    def first(self, kind: int) -> Option | None:
        """The first option of that kind whose length is right for it."""
        for option in self.items:
            if option.kind == kind and _length_problem(option) is None:
                return option
        return None

    @property
    def mss(self) -> int | None:
        """Maximum Segment Size in bytes."""
        option = self.first(MSS)
        return None if option is None else int.from_bytes(option.data, "big")

    @property
    def wscale(self) -> int | None:
        """Window Scale shift count as it was sent (above 14 too)."""
        option = self.first(WSCALE)
        return None if option is None else option.data[0]

    @property
    def sack_permitted(self) -> bool:
        """Whether SACK-Permitted is there."""
        return self.first(SACK_PERMITTED) is not None

    @property
    def timestamps(self) -> tuple[int, int] | None:
        """(TSval, TSecr)."""
        option = self.first(TIMESTAMPS)
        if option is None:
            return None
        val, ecr = _PAIR.unpack(option.data)
        return val, ecr

    @property
    def sack_blocks(self) -> tuple[tuple[int, int], ...]:
        """The (left, right) edges of the first SACK option, empty when there is none."""
        option = self.first(SACK)
        return () if option is None else tuple((left, right) for left, right in _PAIR.iter_unpack(option.data))

    @property
    def fast_open(self) -> bytes | None:
        """The Fast Open cookie; empty bytes for a cookie request."""
        option = self.first(FAST_OPEN)
        return None if option is None else option.data


def _length_problem(option: Option) -> str | None:
    size = len(option.data)
    wanted = _LENGTHS.get(option.kind)
    if wanted is not None and size != wanted:
        return f"option {KINDS[option.kind]} has length {size + 2}, not {wanted + 2}"
    if option.kind == SACK and (size % 8 or not size):
        return f"option sack_blocks has length {size + 2}, not 2 and a multiple of 8"
    if option.kind in (ACCURATE_ECN_0, ACCURATE_ECN_1) and (size % 3 or size > 9):
        # RFC 9768 3.2.3, table 5.
        return f"option {KINDS[option.kind]} has length {size + 2}, not 2, 5, 8 or 11"
    return None


@lru_cache(maxsize=4096)
def decode_options(raw: bytes) -> Options:
    """Decode the bytes after the fixed TCP header. Never raises; what is wrong is told in ``problem``."""
    items: list[Option] = []
    problem: str | None = None
    at, end = 0, len(raw)
    while at < end:
        kind = raw[at]
        if kind <= NOP:
            items.append(Option(kind))
            at += 1
            if kind == EOL:
                break
            continue
        stop = _stop(raw, at)
        if isinstance(stop, str):
            return Options(tuple(items), problem or stop, raw[at:])
        option = Option(kind, raw[at + 2 : stop])
        items.append(option)
        problem = problem or _length_problem(option)
        at = stop
    return Options(tuple(items), problem, raw[at:])


def _stop(raw: bytes, at: int) -> int | str:
    """Where the option that begins at ``at`` ends, or what is wrong with its length."""
    name = KINDS.get(raw[at], str(raw[at]))
    if at + 1 == len(raw):
        return f"option {name} is cut off before its length"
    length = raw[at + 1]
    if length < 2:
        # RFC 9293 3.1, MUST-7: an illegal option length must not crash or hang the reader.
        return f"option {name} has length {length}, less than 2"
    if at + length > len(raw):
        return f"option {name} has length {length}, {at + length - len(raw)} beyond the header"
    return at + length
