"""What a mutant is: our endpoint, or one of its connections, with one defect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

Kind = type[Connection] | type[Endpoint]
K = TypeVar("K", bound=Kind)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect.

    Attributes:
        name: small letters and hyphens.
        description: what is wrong with it, in one line.
        kind: the broken connection, or the broken endpoint.
        handshake: whether an ordinary handshake still works.
    """

    name: str
    description: str
    kind: Kind
    handshake: bool = True

    @property
    def make(self) -> type[Connection]:
        """What `tcpprobe.lab.memory.MemoryLab` wants: a fresh class each time, as some defects outlive a connection."""
        fresh = type(self.kind.__name__, (self.kind,), {})
        if issubclass(fresh, Connection):
            return fresh
        return type(self.kind.__name__, (Connection,), {"endpoint": fresh})


FOUND: dict[str, Mutant] = {}
"""What `mutant` has been told of."""


def mutant(description: str, *, handshake: bool = True) -> Callable[[K], K]:
    """Enter a class, under its name in small letters with hyphens."""

    def enter(kind: K) -> K:
        name = "".join("-" + letter.lower() if letter.isupper() else letter for letter in kind.__name__).lstrip("-")
        FOUND[name] = Mutant(name, description, kind, handshake)
        return kind

    return enter


class Altering(Connection):
    """Changes segments as they go out."""

    def alter(self, segment: Segment) -> Segment:
        """The segment to send instead."""
        return segment

    def departures(self, now: float) -> list[tuple[Segment, int]]:
        """What goes out, changed."""
        return [(self.alter(segment), ecn) for segment, ecn in super().departures(now)]


class Readdressing(Endpoint):
    """Changes packets as they go out."""

    def readdress(self, packet: Packet) -> Packet:
        """The packet to send instead."""
        return packet

    def packets_to_send(self, now: float) -> list[Packet]:
        """What goes out, changed."""
        return [self.readdress(packet) for packet in super().packets_to_send(now)]
