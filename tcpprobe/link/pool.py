"""Addresses of our own, one for each lease, for links whose addresses are not the kernel's."""

from __future__ import annotations

import ipaddress
import random
from collections import deque

from tcpprobe.link.base import Lease, LinkError

PORTS = range(1024, 65536)


class Pool:
    """Source addresses out of networks such as ``198.18.0.0/16`` and ``2001:db8:1::/64``.

    Addresses given back go to the end of the queue, so one is met again only when all others have been used.
    ``exclude`` are packed addresses never lent (the gateway's, the target's). At most ``limit`` per family are used.
    """

    def __init__(
        self, *networks: str, exclude: frozenset[bytes] = frozenset(), rng: random.Random, limit: int = 65000
    ) -> None:
        self._rng = rng
        self._free: dict[int, deque[bytes]] = {4: deque(), 16: deque()}
        for text in networks:
            network = ipaddress.ip_network(text)
            queue = self._free[network.max_prefixlen // 8]
            # The first address is the network's (v4) or the routers' anycast (v6), the last v4 one is the broadcast.
            last = network.num_addresses - (network.version == 4)
            for offset in range(1, min(last, limit + 1)):
                address = network[offset].packed
                if address not in exclude:
                    queue.append(address)

    def lend(self, target: bytes, ports: int) -> Lease:
        """An address of the target's family and random, distinct ports. Raises LinkError when all are lent."""
        queue = self._free[len(target)]
        if not queue:
            raise LinkError(f"no IPv{4 if len(target) == 4 else 6} source address is left to lend")
        address = queue.popleft()
        chosen = tuple(self._rng.sample(PORTS, ports))
        return Lease(address, chosen, lambda: queue.append(address))
