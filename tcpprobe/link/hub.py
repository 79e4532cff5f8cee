"""Sorts the packets of one link to the plays that share it."""

from __future__ import annotations

from collections.abc import Callable

from tcpprobe.link.base import Lease, Link
from tcpprobe.wire import ip
from tcpprobe.wire.hosts import is_a_host
from tcpprobe.wire.icmp import Icmp, is_error

Receiver = Callable[[bytes, float], object]
"""Called with an IP packet and its reception stamp."""

_Key = tuple[bytes, bytes, int]
"""(target, our address, our port)"""


class Hub:
    """Packets from a target go to whoever holds the lease of the address and port they are for.

    An ICMP error goes to the sender of the packet it quotes. What bears no port (a later fragment, an error whose
    quote is too short) goes to whoever alone has that address. What is for an address that no host has (the answer to
    a SYN that claimed to come from one) goes to whoever alone has that port. Everything else is dropped.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self._by_port: dict[_Key, Receiver] = {}
        self._by_address: dict[bytes, dict[Lease, Receiver]] = {}
        self._keys: dict[Lease, list[_Key]] = {}

    def attach(self, lease: Lease, target: bytes, receiver: Receiver) -> None:
        """From now on packets from ``target`` for the lease's address and ports go to ``receiver``.

        Raises ValueError when they go to somebody already.
        """
        keys = [(target, lease.address, port) for port in lease.ports]
        for key in keys:
            if key in self._by_port:
                raise ValueError(f"{ip.text(lease.address)} port {key[2]} is attached already")
        self._keys[lease] = keys
        self._by_port.update(dict.fromkeys(keys, receiver))
        self._by_address.setdefault(lease.address, {})[lease] = receiver

    def detach(self, lease: Lease) -> None:
        """Packets for the lease are unknown from now on; nothing happens when it was not attached."""
        for key in self._keys.pop(lease, ()):
            del self._by_port[key]
        owners = self._by_address.get(lease.address, {})
        owners.pop(lease, None)
        if not owners:
            self._by_address.pop(lease.address, None)

    def dispatch(self, packet: bytes, stamp: float) -> bool:
        """Hand one packet to its receiver; False when nobody wants it."""
        tuple_ = ip.peek(packet)
        if tuple_ is not None:
            receiver = self._by_port.get((tuple_[0], tuple_[1], tuple_[3]))
            if receiver is None and not is_a_host(tuple_[1]):
                receiver = self._astray(tuple_[0], tuple_[3])
        else:
            receiver = self._portless(packet)
        if receiver is None:
            return False
        receiver(packet, stamp)
        return True

    def _astray(self, target: bytes, port: int) -> Receiver | None:
        found = [each for key, each in self._by_port.items() if key[0] == target and key[2] == port]
        return found[0] if len(found) == 1 else None

    def _portless(self, packet: bytes) -> Receiver | None:
        decoded = ip.decode(packet)
        if isinstance(decoded.payload, Icmp):
            version = 4 if len(decoded.src) == 4 else 6
            if not is_error(decoded.payload, version):
                return None
            quoted = ip.quoted_tuple(decoded.payload, version)
            if quoted is not None:
                ours, target, port, _ = quoted
                return self._by_port.get((target, ours, port))
        owners = self._by_address.get(decoded.dst, {})
        return next(iter(owners.values())) if len(owners) == 1 else None
