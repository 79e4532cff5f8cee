"""Addresses and ports of our own, for links whose addresses are not the kernel's."""

from __future__ import annotations

import ipaddress
import itertools
import random
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial

from tcpprobe.link.base import Lease, LinkError
from tcpprobe.wire import ip

PORTS = range(1024, 65536)


class Pool:
    """Source addresses out of networks such as ``198.18.0.0/16`` and ``2001:db8:1::/64``.

    Addresses given back go to the end of the queue, so one is met again only when all others have been used.
    ``exclude`` are packed addresses never lent (the gateway's, the target's). At most ``limit`` per network are used.
    """

    def __init__(
        self, *networks: str, exclude: frozenset[bytes] = frozenset(), rng: random.Random, limit: int = 65000
    ) -> None:
        self._rng = rng
        parsed = [ipaddress.ip_network(text) for text in networks]
        self._fresh = {size: _addresses([n for n in parsed if n.max_prefixlen == 8 * size], limit) for size in (4, 16)}
        self._used: dict[int, deque[bytes]] = {4: deque(), 16: deque()}
        self._exclude = exclude

    def lend(self, target: bytes, ports: int) -> Lease:
        """An address of the target's family and random, distinct ports. Raises LinkError when all are lent."""
        used = self._used[len(target)]
        address = next((fresh for fresh in self._fresh[len(target)] if fresh not in self._exclude), None)
        if address is None:
            if not used:
                raise LinkError(f"no IPv{4 if len(target) == 4 else 6} source address is left to lend")
            address = used.popleft()
        chosen = tuple(self._rng.sample(PORTS, ports))
        return Lease(address, chosen, partial(used.append, address))


class Shared:
    """A few addresses of one family for many leases: in turn, each with ports that nobody else has there.

    A port given back is met again only when all others have been used, so that a new play meets neither late packets
    nor the target's TIME-WAIT of an older one.
    """

    def __init__(self, addresses: Sequence[bytes], *, rng: random.Random) -> None:
        self._ports = {each: deque(rng.sample(PORTS, len(PORTS))) for each in addresses}
        self._turn = itertools.cycle(addresses)

    def lend(self, ports: int) -> Lease:
        """That many ports on the next address. Raises LinkError when all are lent."""
        address = next(self._turn)
        free = self._ports[address]
        if len(free) < ports:
            raise LinkError(f"no port of {ip.text(address)} is left to lend")
        chosen = tuple(free.popleft() for _ in range(ports))
        return Lease(address, chosen, partial(free.extend, chosen))


def _addresses(networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network], limit: int) -> Iterator[bytes]:
    for network in networks:
        if network.num_addresses == 1:
            yield network[0].packed
        # The first address is the network's (v4) or the routers' anycast (v6), the last v4 one is the broadcast.
        last = network.num_addresses - (network.version == 4)
        for offset in range(1, min(last, limit + 1)):
            yield network[offset].packed
