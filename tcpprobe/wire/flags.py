"""The nine control bits of a TCP header (RFC 9293 3.1, RFC 3168, AE of RFC 9768) and their letters."""

from __future__ import annotations

from functools import lru_cache

FIN = 1
SYN = 2
RST = 4
PSH = 8
ACK = 16
URG = 32
ECE = 64
CWR = 128
AE = 256

LETTERS = "FSRPAUECN"
"""One letter for each bit, lowest bit first, as scapy and tcpdump users know them (N is the AE bit, once NS)."""

_BIT = {letter: 1 << index for index, letter in enumerate(LETTERS)}


def parse_flags(text: str) -> int:
    """The bits for letters such as ``"FPU"``, in any order; ``""`` is 0.

    Raises ValueError naming the letter that is none of ``FSRPAUECN``.
    """
    bits = 0
    for letter in text:
        bit = _BIT.get(letter)
        if bit is None:
            raise ValueError(f"{letter!r} is not a TCP flag: the letters are {LETTERS}")
        bits |= bit
    return bits


@lru_cache(maxsize=512)
def flags_text(flags: int) -> str:
    """The letters for the bits, lowest bit first: ``"SA"``, ``"RA"``, ``"FPU"``; no bit at all is ``""``."""
    return "".join(letter for index, letter in enumerate(LETTERS) if flags >> index & 1)
