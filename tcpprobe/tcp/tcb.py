"""The numbers of one connection (RFC 9293 3.3.1), under their RFC names."""

from __future__ import annotations

from dataclasses import dataclass, field

from tcpprobe.tcp.accecn import Accurate

Address = tuple[bytes, int]
"""(packed IP address, port)."""


@dataclass(slots=True)
class SendSequence:
    """Send sequence variables.

    ``wnd`` and ``max_wnd`` are in bytes, already shifted; ``scale`` is the shift the peer's windows bear. ``mss`` is
    the largest payload with no options at all (Eff.snd.MSS, RFC 9293 3.7.1).
    """

    una: int = 0
    nxt: int = 0
    wnd: int = 0
    wl1: int = 0
    wl2: int = 0
    up: int = 0
    scale: int = 0
    mss: int = 536
    max_wnd: int = 0


@dataclass(slots=True)
class ReceiveSequence:
    """Receive sequence variables. ``wnd`` is what was last advertised, in bytes, less what arrived since; our windows
    bear the shift ``scale``. ``mss`` is the RMSS: what we advertised, or the default."""

    nxt: int = 0
    wnd: int = 0
    up: int = 0
    scale: int = 0
    mss: int = 536
    max_wnd: int = 0


@dataclass(slots=True)
class Tcb:
    """Transmission control block.

    ``ts_recent`` is TS.Recent and ``ts_recent_age`` when it was taken; our own timestamp clock starts at ``ts_offset``
    (RFC 7323 7); ``last_ack_sent`` is Last.ACK.sent. ECN is RFC 3168's when ``ecn_on``, RFC 9768's when there
    is ``accurate``, and never both.
    """

    local: Address
    remote: Address
    iss: int
    irs: int = 0
    snd: SendSequence = field(default_factory=SendSequence)
    rcv: ReceiveSequence = field(default_factory=ReceiveSequence)
    ts_on: bool = False
    ts_recent: int = 0
    ts_recent_age: float = 0.0
    ts_offset: int = 0
    last_ack_sent: int = 0
    wscale_on: bool = False
    sack_on: bool = False
    ecn_on: bool = False
    accurate: Accurate | None = None
