"""lab:slirp: libslirp's TCP (4.4BSD's by descent) as the target, in front of services in a private namespace."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import platform
import random
import shutil
import socket
import sys

from tcpprobe.lab.addresses import OUR_MAC, POOL_4, POOL_6, POOL_SIZE
from tcpprobe.lab.lab import Lab, LabError, lab_target
from tcpprobe.lab.linux import Child
from tcpprobe.lab.message import MessageLink, enlarge
from tcpprobe.lab.slirp_child import SLIRP
from tcpprobe.link.pool import Pool
from tcpprobe.wire import icmp, ip

TARGET_4, TARGET_6 = "192.0.2.2", "fd00::2"
"""Where slirp4netns says the host is, given our network (`tcpprobe.lab.slirp_child`); the IPv6 network is its own."""
INSTALL = "sudo apt install slirp4netns"

_ANY_MAC = bytes.fromhex("525600000002")
_HEADER = 14
_ARP, _IPV4, _IPV6 = b"\x08\x06", b"\x08\x00", b"\x86\xdd"
_ARP_REQUEST, _ARP_REPLY = bytes.fromhex("0001080006040001"), bytes.fromhex("0001080006040002")
_SOLICITATION, _ADVERTISEMENT = 135, 136
_OURS = tuple(ipaddress.ip_network(text) for text in (POOL_4, POOL_6))


class SlirpLink(MessageLink):
    """Ethernet frames as messages. Asked who has an address of the pool (ARP, RFC 4861), it says that we do."""

    def _packet(self, message: bytes) -> bytes:
        kind, packet = message[12:14], message[_HEADER:]
        if kind == _ARP:
            self._put(arp_reply(packet))
            return b""
        if kind == _IPV6 and packet[6:7] == bytes([icmp.ICMPV6]) and packet[40:41] == bytes([_SOLICITATION]):
            self._put(advertisement(packet))
            return b""
        if kind == _IPV4:  # Ethernet fills short frames
            return packet[: int.from_bytes(packet[2:4], "big")]
        return packet if kind == _IPV6 else b""

    def _message(self, packet: bytes, destination: bytes) -> bytes:
        return _ANY_MAC + OUR_MAC + (_IPV4 if len(destination) == 4 else _IPV6) + packet


def arp_reply(request: bytes) -> bytes:
    """The frame that answers an ARP request for an address of ours; nothing when there is nothing to answer."""
    who, address, wanted = request[8:14], request[14:18], request[24:28]
    if not request.startswith(_ARP_REQUEST) or not _is_ours(wanted):
        return b""
    return who + OUR_MAC + _ARP + _ARP_REPLY + OUR_MAC + wanted + who + address


def advertisement(solicitation: bytes) -> bytes:
    """The frame that answers a neighbor solicitation for an address of ours (RFC 4861 4.4), or nothing."""
    source, wanted = solicitation[8:24], solicitation[48:64]
    if not _is_ours(wanted):
        return b""
    body = icmp.Icmp(_ADVERTISEMENT, 0, b"\x60\0\0\0", wanted + b"\x02\x01" + OUR_MAC)  # solicited, override
    return _ANY_MAC + OUR_MAC + _IPV6 + ip.encode(ip.Packet(wanted, source, body, ttl=255))


def _is_ours(address: bytes) -> bool:
    return len(address) in (4, 16) and any(ipaddress.ip_address(address) in network for network in _OURS)


def open_slirp(family: int) -> Lab:
    """Open lab:slirp for IPv4 or IPv6.

    Raises:
        LabError: slirp4netns is not installed, or this host allows no private namespaces.
    """
    if sys.platform != "linux":
        raise LabError(f"lab:slirp needs Linux, and this is {platform.system()}")
    if not shutil.which(SLIRP):
        raise LabError(f"lab:slirp needs the package {SLIRP}; `{INSTALL}` helps")
    child = Child(module="slirp_child")
    with contextlib.ExitStack() as failed:
        failed.callback(child.end)
        descriptor = child.descriptor(family)
        with socket.socket(fileno=os.dup(descriptor)) as end:
            enlarge(end)
        rng = random.Random()  # ports only: what earlier runs left behind is not met again
        link = SlirpLink(descriptor, Pool(POOL_4, POOL_6, rng=rng, limit=POOL_SIZE))
        failed.pop_all()
    target = lab_target("lab:slirp", family, TARGET_4 if family == 4 else TARGET_6)
    note = f"the target is libslirp in {SLIRP}, in front of services in a private namespace of this machine's kernel"
    return Lab(target, link, notes=(note,), finish=child.end)
