"""What takes part in a run."""

from __future__ import annotations

from typing import Protocol


class Actor(Protocol):
    """What the conductor drives: a play, or a connection that a Python test drives by hand."""

    @property
    def done(self) -> bool:
        """It has ended."""

    @property
    def opening(self) -> bool:
        """The target has, or is about to have, a half-open connection of it."""

    def start(self, now: float) -> None:
        """Begin."""

    def packet_arrives(self, raw: bytes, now: float) -> None:
        """A packet came."""

    def timeout(self, now: float) -> None:
        """The moment that `next_timeout` named has come."""

    def next_timeout(self) -> float | None:
        """When to be called, None for never."""

    def packets_to_send(self) -> list[bytes]:
        """What is to be sent; handed over once."""

    def longest_left(self, now: float) -> float:
        """Seconds until it must have gone on."""

    def late(self, seconds: float) -> None:
        """The runner was late."""

    def fail(self, reason: str, now: float) -> None:
        """Something on our own side went wrong."""

    def cancel(self, now: float) -> None:
        """End; reset what is open."""
