"""What a connection tells its user."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Opened:
    """The connection is ESTABLISHED."""


@dataclass(frozen=True, slots=True)
class DataArrived:
    """So many bytes more can be read."""

    length: int


@dataclass(frozen=True, slots=True)
class UrgentData:
    """The peer has urgent data up to, not including, this sequence number (RFC 9293 3.8.5)."""

    pointer: int


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The peer's FIN was reached: nothing more will arrive."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """So many bytes of ours more are acknowledged."""

    length: int


@dataclass(frozen=True, slots=True)
class Reset:
    """The peer reset, or refused, the connection."""


@dataclass(frozen=True, slots=True)
class DeliveryProblem:
    """R1 is reached: nothing was acknowledged for several retransmissions; they go on (RFC 9293 3.8.3, SHLD-9)."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Given up after R2 without an answer."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is over, in order; it is CLOSED."""


Event = Opened | DataArrived | UrgentData | PeerClosed | Acknowledged | Reset | DeliveryProblem | TimedOut | Closed
