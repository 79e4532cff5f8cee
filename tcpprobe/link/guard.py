"""Ports of this host lent to plays, with the kernel kept quiet about them.

The guard of a port is a listening socket whose filter drops everything: the kernel finds a listener, drops the segment
and says nothing, while packet sockets still see it. It reserves the port, leaves no rule behind and dies with the
process. A socket that is bound but does not listen is not enough: the kernel would answer with RST.
"""

from __future__ import annotations

import errno
import random
import resource
import socket
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from tcpprobe.link import bpf
from tcpprobe.link.base import LinkError
from tcpprobe.wire import ip

QUARANTINE = 30.0
"""Seconds a port stays guarded after its release, so that its old connection's late packets draw no RST from here."""

_LOWEST = 10000
_BLOCK = 1 << bpf.BLOCK_BITS
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_HEADROOM = 256
_MOST_GUARDS = 4096


def port_blocks() -> list[int]:
    """The port blocks to lend from: outside the kernel's ephemeral range when there is room."""
    try:
        low, high = (int(word) for word in _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        low, high = 32768, 60999
    blocks = range(-(-_LOWEST // _BLOCK), 65536 // _BLOCK)
    outside = [block for block in blocks if (block + 1) * _BLOCK <= low or block * _BLOCK > high]
    return outside or list(blocks)


class Guards:
    """Guarded ports on one address of this host.

    A port given back is guarded for QUARANTINE seconds more and lent again only after all other ports have been, so
    that a new play meets neither late packets nor the target's TIME-WAIT of an older one.
    """

    def __init__(self, address: bytes, scope: int, rng: random.Random) -> None:
        self._address = address
        self._scope = scope
        blocks = port_blocks()
        rng.shuffle(blocks)
        self._fresh = self._ports(blocks[:200], rng)
        self._used: deque[int] = deque()
        self._lent: dict[int, socket.socket] = {}
        self._quarantine: deque[tuple[float, int, socket.socket]] = deque()
        self.blocks: list[int] = []

    def _ports(self, blocks: list[int], rng: random.Random) -> Iterator[int]:
        for block in blocks:
            self.blocks.append(block)
            yield from rng.sample(range(block * _BLOCK, (block + 1) * _BLOCK), _BLOCK)

    def lend(self, count: int) -> tuple[int, ...]:
        """That many guarded ports. Raises LinkError when there are none, or this is not an address of this host."""
        self._sweep(count)
        ports: list[int] = []
        try:
            while len(ports) < count:
                port = next(self._fresh, None)
                if port is None:
                    port = self._reuse()
                if self._guard(port):
                    ports.append(port)
        except LinkError:
            for port in ports:
                self.give_back(port)
            raise
        return tuple(ports)

    def claim(self, port: int) -> None:
        """Guard this very port. Raises LinkError when it is somebody else's."""
        if not self._guard(port):
            raise LinkError(f"port {port} of {ip.text(self._address)} is in use")
        self.blocks.append(port >> bpf.BLOCK_BITS)

    def _reuse(self) -> int:
        if not self._used:
            raise LinkError(f"no port of {ip.text(self._address)} is left to lend")
        return self._used.popleft()

    def _guard(self, port: int) -> bool:
        """Guard a port; False when it is somebody else's."""
        family = socket.AF_INET if len(self._address) == 4 else socket.AF_INET6
        host = ip.text(self._address)
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # The filter must be there before the first segment can meet the listener.
            bpf.attach(sock, bpf.DROP_ALL)
            sock.bind((host, port) if family == socket.AF_INET else (host, port, 0, self._scope))
            sock.listen(1)
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE:
                return False
            if error.errno == errno.EADDRNOTAVAIL:
                raise LinkError(f"{host} is not an address of this host") from None
            raise LinkError(f"port {port} of {host} cannot be guarded: {error.strerror}") from None
        self._lent[port] = sock
        return True

    def give_back(self, port: int) -> None:
        """The port's play is over."""
        sock = self._lent.pop(port, None)
        if sock is not None:
            self._quarantine.append((time.monotonic() + QUARANTINE, port, sock))

    def _sweep(self, wanted: int) -> None:
        """End quarantines that are over, and the oldest ones early when descriptors run short."""
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        room = _MOST_GUARDS if descriptors == resource.RLIM_INFINITY else min(descriptors - _HEADROOM, _MOST_GUARDS)
        now = time.monotonic()
        while self._quarantine:
            until, port, sock = self._quarantine[0]
            if until > now and len(self._lent) + len(self._quarantine) + wanted <= room:
                break
            self._quarantine.popleft()
            sock.close()
            self._used.append(port)

    def close(self) -> None:
        """Give every port back to the kernel."""
        for _, _, sock in self._quarantine:
            sock.close()
        for sock in self._lent.values():
            sock.close()
        self._quarantine.clear()
        self._lent.clear()
