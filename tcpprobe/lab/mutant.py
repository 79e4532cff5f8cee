"""What a mutant is: our endpoint with one defect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tcpprobe.tcp.connection import Connection
from tcpprobe.wire.segment import Segment


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect.

    Attributes:
        name: small letters and hyphens.
        description: what is wrong with it, in one line.
        kind: the broken connection.
        handshake: whether an ordinary handshake still works.
    """

    name: str
    description: str
    kind: type[Connection]
    handshake: bool = True

    @property
    def make(self) -> type[Connection]:
        """What `tcpprobe.lab.memory.MemoryLab` wants: a fresh class each time, as some defects outlive a connection."""
        return type(self.kind.__name__, (self.kind,), {})


FOUND: dict[str, Mutant] = {}
"""What `mutant` has been told of."""


def mutant(description: str, *, handshake: bool = True) -> Callable[[type[Connection]], type[Connection]]:
    """Enter a class, under its name in small letters with hyphens."""

    def enter(kind: type[Connection]) -> type[Connection]:
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
