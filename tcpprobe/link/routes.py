"""What the kernel knows of ways, interfaces and their addresses: a few rtnetlink questions."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import os
import socket
import struct
from dataclasses import dataclass

from tcpprobe.link.base import LinkError
from tcpprobe.wire import ip

_RTM_GETADDR, _RTM_GETROUTE = 22, 26
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_DUMP = 1, 0x300
_RTA_DST, _RTA_SRC, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC = 1, 2, 4, 5, 7
_IFA_ADDRESS = 1
_RTN_UNICAST, _RTN_LOCAL = 1, 2
_SIOCGIFFLAGS, _SIOCGIFMTU, _SIOCGIFHWADDR = 0x8913, 0x8921, 0x8927
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_ARPHRD_ETHER = 1

_HEADER = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=BBBBBBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_ADDRESS = struct.Struct("=BBBBI")


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a target: the interface packets leave and replies arrive by, its MTU, and our address there."""

    source: bytes
    interface: str
    index: int
    mtu: int


def route(target: bytes, *, source: bytes | None = None, interface: str | None = None) -> Route:
    """Ask the kernel. Raises LinkError, in one sentence, when there is no way or no such interface."""
    where = f"{ip.text(target)} from {ip.text(source)}" if source else ip.text(target)
    wanted = None
    if interface is not None:
        try:
            wanted = socket.if_nametoindex(interface)
        except OSError:
            raise LinkError(f"there is no network interface {interface!r}") from None
    if source is not None:
        require_own(source, wanted or 0)
    try:
        kind, attributes = _ask(target, source, wanted)
    except OSError as error:
        reason = "no route" if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH) else os.strerror(error.errno or 0)
        raise LinkError(f"{where} cannot be reached: {reason}") from None
    if kind not in (_RTN_UNICAST, _RTN_LOCAL):
        raise LinkError(f"{where} cannot be reached: the route to it is not a unicast one")
    index = int.from_bytes(attributes[_RTA_OIF], "little" if struct.pack("=H", 1)[0] else "big")
    name = socket.if_indextoname(index)
    ours = source or attributes.get(_RTA_PREFSRC)
    if ours is None:
        raise LinkError(f"{where} cannot be reached: interface {name} has no address to talk from")
    return Route(ours, name, index, interface_mtu(name))


def next_hop(target: bytes, index: int) -> bytes:
    """Who takes packets to ``target`` that leave by an interface: a gateway, or the target itself. Raises LinkError."""
    try:
        kind, attributes = _ask(target, None, index)
    except OSError:
        raise LinkError(f"{ip.text(target)} cannot be reached by {socket.if_indextoname(index)}: no route") from None
    if kind == _RTN_LOCAL:
        raise LinkError(f"{ip.text(target)} is this host itself, which no packet reaches from the network")
    return attributes.get(_RTA_GATEWAY, target)


def subnets(index: int, family: int) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks (of AF_INET or AF_INET6) in which an interface has an address, but for link-local ones."""
    found = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as sock:
        flags = _NLM_F_REQUEST | _NLM_F_DUMP
        sock.send(
            _HEADER.pack(_HEADER.size + _ADDRESS.size, _RTM_GETADDR, flags, 1, 0) + _ADDRESS.pack(family, *[0] * 4)
        )
        kind = _RTM_GETADDR
        while kind not in (_NLMSG_DONE, _NLMSG_ERROR):
            answer = sock.recv(1 << 18)
            while answer:
                length, kind, *_ = _HEADER.unpack_from(answer)
                if kind in (_NLMSG_DONE, _NLMSG_ERROR):
                    break
                _, prefix, _, _, of = _ADDRESS.unpack_from(answer, _HEADER.size)
                if of == index:
                    attributes = _attributes(answer[_HEADER.size + _ADDRESS.size : length])
                    found.append(ipaddress.ip_network((attributes[_IFA_ADDRESS], prefix), strict=False))
                answer = answer[(length + 3) & ~3 :]
    return [each for each in found if not each.is_link_local]


def ethernet(interface: str) -> int:
    """The index of an Ethernet interface that is up. Raises LinkError when it is not there, down, or something else."""
    try:
        index = socket.if_nametoindex(interface)
    except OSError:
        raise LinkError(f"there is no network interface {interface!r}") from None
    if _of_interface(_SIOCGIFHWADDR, interface, "=H") != _ARPHRD_ETHER:
        raise LinkError(f"{interface} is not an Ethernet interface")
    flags = _of_interface(_SIOCGIFFLAGS, interface, "=H")
    if not flags & _IFF_UP:
        raise LinkError(f"interface {interface} is down: ip link set {interface} up")
    if not flags & _IFF_RUNNING:
        raise LinkError(f"interface {interface} has no carrier: nothing is connected to it")
    return index


def require_own(source: bytes, scope: int) -> None:
    """Raise LinkError unless it is this host's: no other can be guarded. Binding to it is the kernel's own test."""
    host = ip.text(source)
    with socket.socket(socket.AF_INET if len(source) == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((host, 0) if len(source) == 4 else (host, 0, 0, scope))
        except OSError:
            raise LinkError(f"{host} is not an address of this host") from None


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)


def _ask(target: bytes, source: bytes | None, interface: int | None) -> tuple[int, dict[int, bytes]]:
    """The answer's route type and attributes; OSError with the kernel's errno when it refuses."""
    bits = len(target) * 8
    family = socket.AF_INET if len(target) == 4 else socket.AF_INET6
    body = _ROUTE.pack(family, bits, bits if source else 0, 0, 0, 0, 0, 0, 0) + _attribute(_RTA_DST, target)
    if source:
        body += _attribute(_RTA_SRC, source)
    if interface is not None:
        body += _attribute(_RTA_OIF, struct.pack("=I", interface))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as sock:
        sock.send(_HEADER.pack(_HEADER.size + len(body), _RTM_GETROUTE, 1, 1, 0) + body)
        answer = sock.recv(65536)
    length, kind, *_ = _HEADER.unpack_from(answer)
    if kind == _NLMSG_ERROR:
        raise OSError(-struct.unpack_from("=i", answer, _HEADER.size)[0], "route lookup")
    route_type = _ROUTE.unpack_from(answer, _HEADER.size)[7]
    return route_type, _attributes(answer[_HEADER.size + _ROUTE.size : length])


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= 4:
        size, kind = _ATTRIBUTE.unpack_from(data)
        if size < 4:
            break
        found[kind] = data[4:size]
        data = data[(size + 3) & ~3 :]
    return found


def interface_mtu(name: str) -> int:
    """The largest IP packet of an interface, in bytes."""
    return _of_interface(_SIOCGIFMTU, name, "=I")


def _of_interface(question: int, name: str, format_: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock, question, struct.pack("16s16x", name.encode()))
    return int(struct.unpack_from(format_, answer, 16)[0])
