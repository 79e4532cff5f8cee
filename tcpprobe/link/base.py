"""What every link offers to the runner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class LinkError(Exception):
    """A link cannot be opened, or cannot send this packet: one plain sentence for the user."""


@dataclass(slots=True, eq=False)
class Lease:
    """An address of ours and ports on it that nobody else uses until ``release`` (idempotent)."""

    address: bytes
    ports: tuple[int, ...]
    give_back: Callable[[], None] = field(repr=False)
    released: bool = False

    def release(self) -> None:
        """Give address and ports back; the link keeps them quiet for a while before anyone meets them again."""
        if not self.released:
            self.released = True
            self.give_back()


class Link(Protocol):
    """Carries IP packets. Addresses are packed bytes; ``virtual`` links live in the runner's virtual time."""

    @property
    def name(self) -> str:
        """``raw``, ``packet``, ``tun``, ``veth`` or ``memory``."""

    @property
    def mtu(self) -> int:
        """The largest packet, in bytes."""

    @property
    def virtual(self) -> bool:
        """Whether there is nothing to wait for but the runner's own clock."""

    @property
    def own_addresses(self) -> bool:
        """Whether every lease has an address of its own, so that what a target caches per peer is not shared."""

    @property
    def offload(self) -> bool:
        """Whether segments come with a checksum that nobody computed (loopback, veth): no fault of the target's."""

    def filenos(self) -> Sequence[int]:
        """The descriptors to wait on; fixed for the link's life."""

    def read(self, fileno: int) -> list[tuple[bytes, float]]:
        """Every packet that waits there, with reception stamps on the ``time.monotonic`` clock. Does not block."""

    def send(self, packet: bytes, destination: bytes) -> None:
        """Send one IP packet as it is. Does not block; raises LinkError when it cannot be sent."""

    def flush(self) -> bool:
        """Try again what could not go at once; True when nothing waits any more. ``send`` and ``read`` do it too."""

    def lend(self, target: bytes, ports: int) -> Lease:
        """An address to talk to ``target`` from, with that many ports. Raises LinkError when there are none left."""

    def remarks(self) -> Sequence[str]:
        """What a reader of the results should know about the packets so far, a sentence each."""

    def close(self) -> None:
        """Leave nothing behind; idempotent."""
