"""How packets get into a lab's namespace and out: a TUN device, or a veth pair where TUN devices are not for everybody.

Standard library only: it runs in a child process that must start fast.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tcpprobe.lab import namespace
from tcpprobe.lab.addresses import GATEWAY_4, GATEWAY_6, INTERFACE, MTU, OUR_MAC, TARGET_4, TARGET_6, TARGET_MAC
from tcpprobe.lab.netlink import IFF_NOARP, Netlink

TUN = "/dev/net/tun"
IPV6 = Path("/proc/sys/net/ipv6")
IPV6_ROUTES = Path("/proc/self/net/ipv6_route")
RTF_LOCAL = 0x80000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
QUEUE = 10000  # packets; the 500 that a TUN has by default overflow under bulk load

INDEX = 4242  # of both ends of the veth pair, each in its own namespace; low numbers may be taken by tunnel modules
OUTER = "outer"
GATEWAYS = {socket.AF_INET: GATEWAY_4, socket.AF_INET6: GATEWAY_6}
ETH_P_ALL = 3
SOL_PACKET, PACKET_QDISC_BYPASS, PACKET_IGNORE_OUTGOING = 263, 20, 23
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER = 16 << 20

SIOCETHTOOL = 0x8946
OFFLOADS = (0x17, 0x1F, 0x24, 0x2C)  # ETHTOOL_STXCSUM, _STSO, _SGSO, _SGRO: checksums, TSO, GSO, GRO


def through_tun() -> int:
    """Make a TUN device in this namespace, which is the target's.

    Returns:
        its descriptor.

    Raises:
        NamespaceError: there is no device node, or it is not for this user.
        OSError: the kernel refuses.
    """
    try:
        descriptor = os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise namespace.NamespaceError(f"{TUN} cannot be opened ({error.strerror})") from None
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", INTERFACE.encode(), IFF_TUN | IFF_NO_PI))
    netlink = Netlink()
    netlink.set_up(1)  # lo
    _give_addresses(netlink, socket.if_nametoindex(INTERFACE))
    netlink.close()
    return descriptor


class Veth:
    """A veth pair out of this namespace into the next one that this process enters, which becomes the target's."""

    def __init__(self) -> None:
        """Call it in the outer namespace."""
        namespace.write_sysctls({"net.ipv6.conf.default.disable_ipv6": "1"})  # nobody lives out here
        self._netlink = Netlink()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)

    def connect(self) -> int:
        """Make the pair; call it in the target's namespace.

        Returns:
            the descriptor of a packet socket at the outer end, which carries Ethernet frames.
        """
        here = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._netlink.add_veth(INDEX, OUTER, OUR_MAC, peer=INTERFACE, peer_mac=TARGET_MAC, peer_namespace=here)
        os.close(here)
        self._netlink.set_up(INDEX, mtu=MTU)
        self._netlink.close()
        _turn_off_offloads(INTERFACE)
        inner = Netlink()
        inner.set_up(1)  # lo
        # Without ARP and neighbour discovery the kernel sends to whom it routes to, and we take every frame.
        _give_addresses(inner, INDEX, IFF_NOARP, GATEWAYS)
        inner.close()
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        # The kernel attaches the queue some time after the link is up, and until then drops what is put into it.
        self._socket.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        with suppress(PermissionError):  # beyond net.core.rmem_max, for root
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        self._socket.bind((OUTER, ETH_P_ALL))
        return self._socket.detach()


def _give_addresses(
    netlink: Netlink, index: int, flags: int = 0, gateways: Mapping[socket.AddressFamily, str] | None = None
) -> None:
    """Bring the target's interface up with its addresses, and send everything that is not its own out of it."""
    netlink.set_up(index, flags=flags, mtu=MTU, queue=QUEUE)
    for family, text in target_addresses().items():
        address = socket.inet_pton(family, text)
        netlink.add_address(index, address, 8 * len(address))
        netlink.add_default_route(index, family, socket.inet_pton(family, gateways[family]) if gateways else b"")


def wait_until_addressed(routes: Path = IPV6_ROUTES, limit: float = 10.0) -> None:
    """Wait until the kernel takes what is sent to the target's IPv6 address, which it does some time after it has it.

    Raises:
        NamespaceError: it does not.
    """
    wanted = socket.inet_pton(socket.AF_INET6, TARGET_6).hex()
    deadline = time.monotonic() + limit
    while True:
        fields = map(str.split, routes.read_text().splitlines())
        if any(each[0] == wanted and int(each[8], 16) & RTF_LOCAL for each in fields):
            return
        if time.monotonic() > deadline:
            raise namespace.NamespaceError(f"the address {TARGET_6} did not come up within {limit:.0f} s")
        time.sleep(0.001)


def target_addresses() -> dict[socket.AddressFamily, str]:
    """The target's address of each family that this kernel speaks."""
    addresses = {socket.AF_INET: TARGET_4, socket.AF_INET6: TARGET_6}
    return {family: text for family, text in addresses.items() if family == socket.AF_INET or IPV6.exists()}


def _turn_off_offloads(interface: str) -> None:
    """Have the kernel finish checksums and segments before they leave the interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        for command in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
            request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(control, SIOCETHTOOL, request)
