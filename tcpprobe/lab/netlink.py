"""The few things a lab asks of rtnetlink, in plain struct.

pyroute2 can do all this and more, but importing any part of it takes ten times as long as starting the rest of the lab.
"""

from __future__ import annotations

import os
import socket
import struct

NETLINK_ROUTE = 0
RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE = 16, 20, 24
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL = 0x1, 0x4, 0x400, 0x200
NLMSG_ERROR = 2
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN, IFLA_LINKINFO, IFLA_NET_NS_FD = 1, 3, 4, 13, 18, 28
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFA_ADDRESS, IFA_LOCAL, IFA_F_NODAD = 1, 2, 0x02
RTA_OIF, RTA_GATEWAY = 4, 5
RTNH_F_ONLINK = 4
RT_TABLE_MAIN, RTPROT_BOOT, RTN_UNICAST, RT_SCOPE_UNIVERSE = 254, 3, 1, 0
IFF_UP, IFF_NOARP = 0x1, 0x80


class Netlink:
    """A netlink socket of the network namespace in which it is made. Methods raise OSError when the kernel refuses."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def set_up(self, index: int, *, flags: int = 0, mtu: int | None = None, queue: int | None = None) -> None:
        """Bring an interface up, with these flags, this MTU and this transmit queue length (packets)."""
        body = _interface(index, IFF_UP | flags)
        if mtu is not None:
            body += _attribute(IFLA_MTU, struct.pack("=I", mtu))
        if queue is not None:
            body += _attribute(IFLA_TXQLEN, struct.pack("=I", queue))
        self._ask(RTM_NEWLINK, 0, body)

    def add_veth(self, index: int, name: str, mac: bytes, *, peer: str, peer_mac: bytes, peer_namespace: int) -> None:
        """Make a pair of virtual Ethernet interfaces, one here and one in the namespace behind a descriptor.

        Both have the same index, each in its own namespace.
        """
        other = _interface(index, 0) + _attribute(IFLA_IFNAME, peer.encode() + b"\0")
        other += _attribute(IFLA_ADDRESS, peer_mac) + _attribute(IFLA_NET_NS_FD, struct.pack("=I", peer_namespace))
        kind = _attribute(IFLA_INFO_KIND, b"veth") + _attribute(IFLA_INFO_DATA, _attribute(VETH_INFO_PEER, other))
        body = _interface(index, 0) + _attribute(IFLA_IFNAME, name.encode() + b"\0")
        body += _attribute(IFLA_ADDRESS, mac) + _attribute(IFLA_LINKINFO, kind)
        self._ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body)

    def add_address(self, index: int, address: bytes, prefix: int) -> None:
        """Give an interface an address (packed), usable at once: without duplicate address detection."""
        body = struct.pack("=BBBBi", _family(address), prefix, IFA_F_NODAD, RT_SCOPE_UNIVERSE, index)
        body += _attribute(IFA_LOCAL, address) + _attribute(IFA_ADDRESS, address)
        self._ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body)

    def add_default_route(self, index: int, family: int, gateway: bytes = b"") -> None:
        """Send everything of this address family (AF_INET, AF_INET6) out of the interface.

        The gateway (packed), if there is one, is taken to be reachable there, whatever its address.
        """
        kind = (RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST)
        body = struct.pack("=BBBBBBBBI", family, 0, 0, 0, *kind, RTNH_F_ONLINK if gateway else 0)
        body += _attribute(RTA_OIF, struct.pack("=i", index))
        if gateway:
            body += _attribute(RTA_GATEWAY, gateway)
        self._ask(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body)

    def _ask(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        head = struct.pack("=IHHII", 16 + len(body), kind, flags | NLM_F_REQUEST | NLM_F_ACK, self._sequence, 0)
        self._socket.send(head + body)
        answer = self._socket.recv(65536)
        _, answered, _, _, _ = struct.unpack_from("=IHHII", answer)
        (error,) = struct.unpack_from("=i", answer, 16)
        if answered != NLMSG_ERROR or error:
            raise OSError(-error, os.strerror(-error))


def _interface(index: int, flags: int) -> bytes:
    """struct ifinfomsg: an interface, and the flags to set on it."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


def _family(address: bytes) -> int:
    return socket.AF_INET if len(address) == 4 else socket.AF_INET6


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
