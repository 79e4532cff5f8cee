"""What went each way over one connection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statistics:
    """A snapshot.

    Attributes:
        sent: bytes of ours that the peer has acknowledged.
        received: bytes of the peer's that came in order, read or not.
        packets_sent, packets_received: IP packets, acknowledgments included.
        retransmissions: packets of ours that bore nothing but sequence numbers sent before.
        rtt: smoothed round-trip time in seconds (RFC 6298 2); None before the first measurement.
        seconds: from the first SYN until now, or until the stream was closed.
    """

    sent: int
    received: int
    packets_sent: int
    packets_received: int
    retransmissions: int
    rtt: float | None
    seconds: float

    @property
    def rate(self) -> float:
        """Bytes a second, both ways together."""
        return (self.sent + self.received) / self.seconds if self.seconds > 0 else 0.0

    def __str__(self) -> str:
        parts = [
            f"sent {amount(self.sent)}",
            f"received {amount(self.received)}",
            f"{self.seconds:.2f} s",
            f"{amount(self.rate)}/s",
            "rtt unknown" if self.rtt is None else f"rtt {self.rtt * 1000:.2f} ms",
            f"packets {self.packets_sent} out, {self.packets_received} in",
            f"{self.retransmissions} sent again",
        ]
        return ", ".join(parts)


def amount(size: float) -> str:
    """``17 B``, ``4.2 MB``: powers of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
