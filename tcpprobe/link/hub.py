"""Sorts the packets of one link to the plays that share it."""

from __future__ import annotations

from collections.abc import Callable

from tcpprobe.link.base import Lease, Link
from tcpprobe.wire import ip
from tcpprobe.wire.icmp import Icmp

Receiver = Callable[[bytes, float], object]
"""Called with an IP packet and its reception stamp."""


class Hub:
    """Packets go to whoever holds the lease of the address and port they are for.

    An ICMP error goes to the sender of the packet it quotes. What bears no port (a later fragment, another ICMP
    message) goes to whoever alone has that address. Everything else is dropped and counted in ``unknown``.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.unknown = 0
        self._by_port: dict[tuple[bytes, int], Receiver] = {}
        self._by_address: dict[bytes, dict[Receiver, int]] = {}

    def attach(self, lease: Lease, receiver: Receiver) -> None:
        """From now on packets for the lease's address and ports go to ``receiver``. Raises ValueError when taken."""
        keys = [(lease.address, port) for port in lease.ports]
        for key in keys:
            if key in self._by_port:
                raise ValueError(f"{ip.text(key[0])} port {key[1]} is attached already")
        for key in keys:
            self._by_port[key] = receiver
        owners = self._by_address.setdefault(lease.address, {})
        owners[receiver] = owners.get(receiver, 0) + 1

    def detach(self, lease: Lease) -> None:
        """Packets for the lease are unknown from now on; nothing happens when it was not attached."""
        receivers = {self._by_port.pop((lease.address, port), None) for port in lease.ports}
        owners = self._by_address.get(lease.address, {})
        for receiver in receivers - {None}:
            assert receiver is not None
            owners[receiver] -= 1
            if not owners[receiver]:
                del owners[receiver]
        if not owners:
            self._by_address.pop(lease.address, None)

    def dispatch(self, packet: bytes, stamp: float) -> bool:
        """Hand one packet to its receiver; False when nobody wants it."""
        tuple_ = ip.peek(packet)
        receiver = self._by_port.get((tuple_[1], tuple_[3])) if tuple_ is not None else self._portless(packet)
        if receiver is None:
            self.unknown += 1
            return False
        receiver(packet, stamp)
        return True

    def _portless(self, packet: bytes) -> Receiver | None:
        decoded = ip.decode(packet)
        if isinstance(decoded.payload, Icmp):
            quoted = ip.quoted_tuple(decoded.payload, 4 if len(decoded.src) == 4 else 6)
            if quoted is not None:
                return self._by_port.get((quoted[0], quoted[2]))
        owners = self._by_address.get(decoded.dst, {})
        return next(iter(owners)) if len(owners) == 1 else None

    def pump(self, fileno: int) -> int:
        """Read everything that waits on a descriptor of the link and dispatch it; how many packets found a receiver."""
        return sum(self.dispatch(packet, stamp) for packet, stamp in self.link.read(fileno))
