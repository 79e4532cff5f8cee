"""A link to a TCP in the same process, in virtual time: for tests and ``lab:memory``."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Protocol

from tcpprobe.link.base import Lease
from tcpprobe.link.pool import Pool
from tcpprobe.wire import ip


class Peer(Protocol):
    """The TCP at the other end: what ``tcp.endpoint.Endpoint`` offers."""

    def packet_arrives(self, packet: ip.Packet, now: float) -> object:
        """A packet for this TCP."""

    def packets_to_send(self, now: float) -> Iterable[ip.Packet]:
        """What this TCP wants to send now; drained."""

    def next_timeout(self) -> float | None:
        """When ``timeout`` wants to be called next."""

    def timeout(self, now: float) -> object:
        """The time has come."""


class MemoryLink:
    """Carries packets to ``peer`` and back, each way taking ``delay`` seconds.

    ``fate`` may lose packets, repeat them or let them be late: for each way (``out``, ``in``) and packet it says how
    many seconds more each copy takes.

    Whoever drives it owns the clock: call ``deliver(now)`` whenever the clock has moved or something was sent, and
    move the clock no further than ``next_timeout()``. Packets sent are stamped with the latest ``now``.
    """

    name = "memory"
    own_addresses = True
    offload = False
    virtual = True

    def __init__(
        self,
        peer: Peer,
        *,
        networks: Sequence[str] = ("198.18.0.0/16", "2001:db8:18::/64"),
        exclude: frozenset[bytes] = frozenset(),
        mtu: int = 1500,
        delay: float = 0.0,
        rng: random.Random | None = None,
    ) -> None:
        self.peer = peer
        self.mtu = mtu
        self.delay = delay
        self.fate: Callable[[str, bytes], Iterable[float]] | None = None
        self.now = 0.0
        self._pool = Pool(*networks, exclude=exclude, rng=rng or random.Random(0), limit=4096)
        self._there: deque[tuple[float, bytes]] = deque()
        self._back: deque[tuple[float, bytes]] = deque()

    def filenos(self) -> Sequence[int]:
        """None: there is nothing to wait on."""
        return ()

    def read(self, fileno: int) -> list[tuple[bytes, float]]:  # noqa: ARG002
        """Nothing: see ``deliver``."""
        return []

    def send(self, packet: bytes, destination: bytes) -> None:  # noqa: ARG002
        """Put a packet on its way to the peer."""
        self._carry(self._there, "out", self.now, packet)

    def flush(self) -> bool:
        """Nothing ever waits."""
        return True

    def lend(self, target: bytes, ports: int) -> Lease:
        """An address of its own for each lease."""
        return self._pool.lend(target, ports)

    def deliver(self, now: float) -> list[tuple[bytes, float]]:
        """Bring the peer to ``now`` (it may skip ahead over several events) and return what arrived here, stamped."""
        due = self.next_timeout()
        while due is not None and due <= now and not self._waits_here(due):
            self._advance(max(due, self.now))
            due = self.next_timeout()
        self.now = max(self.now, now)
        self._collect(self.now)
        arrived = []
        while self._back and self._back[0][0] <= self.now:
            stamp, packet = self._back.popleft()
            arrived.append((packet, stamp))
        return arrived

    def _waits_here(self, due: float) -> bool:
        """Whether the next event is a packet for us: the plays must see it before the peer's later events happen."""
        return bool(self._back) and self._back[0][0] <= due

    def _advance(self, moment: float) -> None:
        self.now = moment
        while self._there and self._there[0][0] <= moment:
            self.peer.packet_arrives(ip.decode(self._there.popleft()[1]), moment)
            self._collect(moment)
        timeout = self.peer.next_timeout()
        if timeout is not None and timeout <= moment:
            self.peer.timeout(moment)
        self._collect(moment)

    def _collect(self, moment: float) -> None:
        for packet in self.peer.packets_to_send(moment):
            self._carry(self._back, "in", moment, ip.encode(packet))

    def _carry(self, queue: deque[tuple[float, bytes]], way: str, now: float, packet: bytes) -> None:
        if self.fate is None:
            queue.append((now + self.delay, packet))
            return
        for late in self.fate(way, packet):
            moment = now + self.delay + late
            at = bisect_right(queue, moment, key=itemgetter(0))  # packets of one moment keep their order
            queue.insert(at, (moment, packet))

    def next_timeout(self) -> float | None:
        """When something happens next: a packet arrives on either side, the peer's timer fires. None: never."""
        moments = [queue[0][0] for queue in (self._there, self._back) if queue]
        timeout = self.peer.next_timeout()
        if timeout is not None:
            moments.append(timeout)
        return min(moments, default=None)

    def remarks(self) -> Sequence[str]:
        """Packets pass as they are."""
        return ()

    def close(self) -> None:
        """Forget what is on its way."""
        self._there.clear()
        self._back.clear()
