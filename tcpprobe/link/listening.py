"""The raw link for a port of ours to which anybody may come."""

from __future__ import annotations

import fcntl
import socket
import struct

from tcpprobe.link import bpf
from tcpprobe.link.base import Lease, LinkError
from tcpprobe.link.raw import RawLink
from tcpprobe.link.routes import Route, interface_mtu, require_own
from tcpprobe.link.tap import ANY
from tcpprobe.wire import ip

_SIOCGIFADDR = 0x8915
_LARGEST = 65535
LOOPBACK = ip.pack("127.0.0.1")


class ListeningLink(RawLink):
    """Carries packets of everybody who talks to one port of ``address``, which is this host's.

    ``interface`` bounds it to what arrives there; without an address it is that interface's first IPv4 one, and
    without both it is loopback's. Raises LinkError as `RawLink` does, and when the port is somebody else's.
    """

    def __init__(self, port: int, *, address: bytes | None = None, interface: str | None = None) -> None:
        if interface is not None:
            try:
                index, mtu = socket.if_nametoindex(interface), interface_mtu(interface)
            except OSError:
                raise LinkError(f"there is no network interface {interface!r}") from None
        else:
            index, mtu = 0, _LARGEST
        if address is None:
            address = LOOPBACK if interface is None else _address_of(interface)
        require_own(address, index)
        self._set_up(b"", Route(address, interface or ANY, index, mtu))
        try:
            self._guards.claim(port)
            self._in.filter(bpf.towards(address, b"", self._guards.blocks))
        except LinkError:
            self.close()
            raise
        self.lease = Lease(address, (port,), lambda: self._guards.give_back(port))

    def lend(self, target: bytes, ports: int) -> Lease:  # noqa: ARG002
        """The one port there is."""
        return self.lease


def _address_of(interface: str) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFADDR, struct.pack("16s16x", interface.encode()))
        except OSError:
            raise LinkError(f"interface {interface} has no IPv4 address; name one of ours (source-ip)") from None
    return answer[20:24]
