"""Ethernet frames, ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861): enough to own an address on a LAN."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet

IPV4 = 0x0800
ARP = 0x0806
IPV6 = 0x86DD
BROADCAST = b"\xff" * 6

REQUEST = 1
REPLY = 2
SOLICITATION = 135
ADVERTISEMENT = 136

_FRAME = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET_IPV4 = (1, IPV4, 6, 4)


@dataclass(frozen=True, slots=True)
class Frame:
    """An Ethernet frame without its check sequence; ``payload`` may end in padding."""

    dst: bytes
    src: bytes
    type: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Arp:
    """ARP for IPv4 over Ethernet; hardware addresses are 6 bytes, protocol addresses 4."""

    operation: int
    sender_hardware: bytes
    sender: bytes
    target_hardware: bytes
    target: bytes


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A neighbour solicitation or advertisement: ``hardware`` is the link-layer address option, or None.

    ``flags`` are Router, Solicited, Override in the high three bits of a byte (advertisements only).
    """

    type: int
    target: bytes
    hardware: bytes | None = None
    flags: int = 0


def encode_frame(frame: Frame) -> bytes:
    """The frame's bytes, unpadded."""
    return _FRAME.pack(frame.dst, frame.src, frame.type) + frame.payload


def decode_frame(data: bytes) -> Frame | None:
    """The frame in ``data``, or None when it is shorter than an Ethernet header."""
    if len(data) < 14:
        return None
    dst, src, kind = _FRAME.unpack_from(data)
    return Frame(dst, src, kind, data[14:])


def encode_arp(arp: Arp) -> bytes:
    """The 28 bytes of an ARP message."""
    return _ARP.pack(*_ETHERNET_IPV4, arp.operation, arp.sender_hardware, arp.sender, arp.target_hardware, arp.target)


def decode_arp(data: bytes) -> Arp | None:
    """The ARP message in ``data`` (padding ignored), or None when it is not IPv4 over Ethernet."""
    if len(data) < _ARP.size:
        return None
    *kind, operation, sender_hardware, sender, target_hardware, target = _ARP.unpack_from(data)
    if tuple(kind) != _ETHERNET_IPV4:
        return None
    return Arp(operation, sender_hardware, sender, target_hardware, target)


def arp_reply(request: Arp, hardware: bytes) -> Arp:
    """The answer that says ``hardware`` has the address the request asks for."""
    return Arp(REPLY, hardware, request.target, request.sender_hardware, request.sender)


def solicited_node(address: bytes) -> bytes:
    """The solicited-node multicast address of an IPv6 address (RFC 4291 2.7.1)."""
    return bytes.fromhex("ff0200000000000000000001ff") + address[-3:]


def multicast_hardware(group: bytes) -> bytes:
    """The Ethernet address of an IPv6 multicast group (RFC 2464 7)."""
    return b"\x33\x33" + group[-4:]


def neighbour_packet(message: Neighbour, src: bytes, dst: bytes) -> Packet:
    """The ICMPv6 packet for a neighbour message; its hop limit must be 255 (RFC 4861 7.1)."""
    option = b""
    if message.hardware is not None:
        option = bytes((1 if message.type == SOLICITATION else 2, 1)) + message.hardware
    icmp = Icmp(message.type, 0, bytes((message.flags, 0, 0, 0)), message.target + option)
    return Packet(src, dst, icmp, ttl=255, df=False)


def read_neighbour(packet: Packet) -> Neighbour | None:
    """The neighbour message in a decoded packet, or None when it is none or fails RFC 4861's checks (7.1)."""
    icmp = packet.payload
    if not isinstance(icmp, Icmp) or len(packet.src) != 16 or packet.ttl != 255 or packet.problem is not None:
        return None
    if icmp.type not in (SOLICITATION, ADVERTISEMENT) or icmp.code or len(icmp.quote) < 16:
        return None
    wanted = 1 if icmp.type == SOLICITATION else 2
    hardware, options = None, icmp.quote[16:]
    while len(options) >= 8:
        size = options[1] << 3
        if not size or size > len(options):
            return None
        if options[0] == wanted and size == 8:
            hardware = options[2:8]
        options = options[size:]
    return Neighbour(icmp.type, icmp.quote[:16], hardware, icmp.rest[0])
