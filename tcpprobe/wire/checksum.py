"""The Internet checksum (RFC 1071) and TCP's use of it over a pseudo-header (RFC 9293 3.1, RFC 8200 8.1).

The one's complement sum of 16-bit words is the number the words spell, modulo 65535, because 2**16 is 1 modulo
65535: one big-integer division instead of a loop.
"""

from __future__ import annotations

from enum import StrEnum

TCP = 6


class Checksum(StrEnum):
    """What a TCP checksum turned out to be."""

    CORRECT = "correct"
    WRONG = "wrong"
    NOT_COMPUTED = "not computed"
    """The pseudo-header's partial sum, left for the hardware to finish: normal on loopback and veth."""


# Looking a member up on its class costs as much as the sum of a small segment.
_CORRECT, _WRONG, _NOT_COMPUTED = Checksum.CORRECT, Checksum.WRONG, Checksum.NOT_COMPUTED


def word_sum(data: bytes) -> int:
    """The words of ``data`` summed and folded to 16 bits, 0 only when every byte is 0; odd data is padded."""
    value = int.from_bytes(data, "big")
    if len(data) & 1:
        value <<= 8
    return value % 0xFFFF or (0xFFFF if value else 0)


def ones_complement(data: bytes) -> int:
    """The Internet checksum of ``data`` whose own checksum field, if it has one, is zero."""
    return 0xFFFF - word_sum(data)


def pseudo_sum(src: bytes, dst: bytes, protocol: int, length: int) -> int:
    """The folded sum of the IPv4 or IPv6 pseudo-header: addresses, protocol, length of what is protected."""
    return (int.from_bytes(src + dst, "big") + protocol + length) % 0xFFFF or 0xFFFF


def transport_checksum(src: bytes, dst: bytes, protocol: int, body: bytes) -> int:
    """The checksum of ``body`` (its own field zero) under its pseudo-header; packed addresses of either family."""
    length = len(body)
    value = int.from_bytes(src + dst + body, "big")
    if length & 1:
        value <<= 8
    return 0xFFFF - ((value + protocol + length) % 0xFFFF or 0xFFFF)


def tcp_checksum(src: bytes, dst: bytes, tcp_bytes: bytes) -> int:
    """The checksum a TCP segment should bear; whatever stands in its checksum field is ignored."""
    return transport_checksum(src, dst, TCP, tcp_bytes[:16] + b"\0\0" + tcp_bytes[18:])


def verify(src: bytes, dst: bytes, tcp_bytes: bytes) -> Checksum:
    """Judge the checksum of a TCP segment of at least 18 bytes."""
    length = len(tcp_bytes)
    value = int.from_bytes(src + dst + tcp_bytes, "big")
    if length & 1:
        value <<= 8
    if (value + TCP + length) % 0xFFFF == 0:
        return _CORRECT
    if int.from_bytes(tcp_bytes[16:18], "big") % 0xFFFF == pseudo_sum(src, dst, TCP, length) % 0xFFFF:
        return _NOT_COMPUTED
    return _WRONG
