"""Owning an address on an Ethernet network: ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861, RFC 4862).

No socket and no clock here: frames in, frames out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tcpprobe.wire import ip
from tcpprobe.wire.ether import (
    ADVERTISEMENT,
    ARP,
    BROADCAST,
    IPV4,
    IPV6,
    REQUEST,
    SOLICITATION,
    Arp,
    Frame,
    Neighbour,
    arp_reply,
    decode_arp,
    encode_arp,
    encode_frame,
    multicast_hardware,
    neighbour_packet,
    read_neighbour,
    solicited_node,
)
from tcpprobe.wire.icmp import ICMPV6

ALL_NODES = ip.pack("ff02::1")
TYPES = {4: IPV4, 16: IPV6}
"""The Ethernet type by the length of the address."""

_NOBODY = bytes(6)
_UNSPECIFIED = {4: bytes(4), 16: bytes(16)}
_SOLICITED, _OVERRIDE = 0x40, 0x20


def groups(addresses: Iterable[bytes]) -> set[bytes]:
    """The Ethernet multicast addresses on which a holder of these addresses must listen (RFC 4291 2.8)."""
    found = {multicast_hardware(solicited_node(each)) for each in addresses if len(each) == 16}
    return found | {multicast_hardware(ALL_NODES)} if found else found


class Neighbours:
    """What our addresses say to the network, and what we know of it.

    Attributes:
        hardware: the Ethernet address of ``next_hop``, as it last said; None when it has not.
        rival: one of our addresses and the Ethernet address of somebody else who has it, or wants it too.
    """

    def __init__(self, mac: bytes, addresses: Collection[bytes], next_hop: bytes) -> None:
        self.mac = mac
        self.addresses = addresses
        self.next_hop = next_hop
        self.hardware: bytes | None = None
        self.rival: tuple[bytes, bytes] | None = None
        self._ours = False

    def probes(self) -> list[bytes]:
        """Ask whether anybody has our addresses, in nobody's name (RFC 5227 2.1.1, RFC 4862 5.4.2)."""
        return [self._question(each, _UNSPECIFIED[len(each)]) for each in self.addresses]

    def announcements(self) -> list[bytes]:
        """Say that the addresses are ours (RFC 5227 2.3, RFC 4861 7.2.6); from now on questions are answered."""
        self._ours = True
        return [self._announcement(each) for each in self.addresses]

    def question(self) -> bytes:
        """Ask who the next hop is."""
        return self._question(self.next_hop, next(iter(self.addresses)))

    def frame_to_next_hop(self, packet: bytes) -> bytes:
        """An IP packet in its frame, once the next hop is known."""
        assert self.hardware is not None
        return encode_frame(Frame(self.hardware, self.mac, TYPES[len(self.next_hop)], packet))

    def frame_arrives(self, frame: Frame) -> list[bytes]:
        """What is to be answered to a frame; anything but ARP and neighbour discovery is nothing to us."""
        if frame.src == self.mac:
            return []  # our own, which some switches and access points send back
        if frame.type == ARP:
            arp = decode_arp(frame.payload)
            return [] if arp is None else self._arp_arrives(arp)
        if frame.type == IPV6 and frame.payload[6:7] == bytes((ICMPV6,)):
            packet = ip.decode(frame.payload)
            message = read_neighbour(packet)
            return [] if message is None else self._neighbour_arrives(message, packet.src, frame.src)
        return []

    def _arp_arrives(self, arp: Arp) -> list[bytes]:
        probe = arp.operation == REQUEST and arp.sender == _UNSPECIFIED[4]
        # RFC 5227 2.1.1: while probing, somebody else's probe for the same address is a conflict, too.
        claimed = arp.target if probe and not self._ours else arp.sender
        if claimed in self.addresses:
            self.rival = claimed, arp.sender_hardware
        if arp.sender == self.next_hop:
            self.hardware = arp.sender_hardware
        if not self._ours or arp.operation != REQUEST or arp.target not in self.addresses:
            return []
        reply = encode_arp(arp_reply(arp, self.mac))
        return [encode_frame(Frame(arp.sender_hardware, self.mac, ARP, reply))]

    def _neighbour_arrives(self, message: Neighbour, src: bytes, hardware: bytes) -> list[bytes]:
        probe = message.type == SOLICITATION and src == _UNSPECIFIED[16]
        # RFC 4862 5.4.3 and 5.4.4: an advertisement of it, or another's question in nobody's name while we ask.
        if message.target in self.addresses and (message.type == ADVERTISEMENT or (probe and not self._ours)):
            self.rival = message.target, message.hardware or hardware
        told = message.target if message.type == ADVERTISEMENT else src
        if told == self.next_hop:
            self.hardware = message.hardware or self.hardware or hardware
        if not self._ours or message.type != SOLICITATION or message.target not in self.addresses:
            return []
        if probe:  # RFC 4861 7.2.4: to everybody, and not called solicited
            return [self._advertisement(message.target, ALL_NODES, multicast_hardware(ALL_NODES), _OVERRIDE)]
        return [self._advertisement(message.target, src, hardware, _SOLICITED | _OVERRIDE)]

    def _question(self, wanted: bytes, asker: bytes) -> bytes:
        if len(wanted) == 4:
            arp = Arp(REQUEST, self.mac, asker, _NOBODY, wanted)
            return encode_frame(Frame(BROADCAST, self.mac, ARP, encode_arp(arp)))
        group = solicited_node(wanted)
        # RFC 4861 4.3: no link-layer address in a question from nobody.
        message = Neighbour(SOLICITATION, wanted, self.mac if any(asker) else None)
        return self._in_frame(message, asker, group, multicast_hardware(group))

    def _announcement(self, address: bytes) -> bytes:
        if len(address) == 4:
            return self._question(address, address)
        return self._advertisement(address, ALL_NODES, multicast_hardware(ALL_NODES), _OVERRIDE)

    def _advertisement(self, address: bytes, dst: bytes, hardware: bytes, flags: int) -> bytes:
        return self._in_frame(Neighbour(ADVERTISEMENT, address, self.mac, flags), address, dst, hardware)

    def _in_frame(self, message: Neighbour, src: bytes, dst: bytes, hardware: bytes) -> bytes:
        packet = ip.encode(neighbour_packet(message, src, dst))
        return encode_frame(Frame(hardware, self.mac, IPV6, packet))
