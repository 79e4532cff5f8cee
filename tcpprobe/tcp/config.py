"""What an endpoint offers and how patient it is: plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """Plain values; times in seconds, sizes in bytes.

    Attributes:
        mtu: largest IP packet; bounds what is sent (MMS_S) and gives the MSS when that is None.
        mss: the value of our MSS option; None: the MTU less the fixed headers (RFC 6691).
        mss_option: whether our SYN has an MSS option.
        window: receive buffer.
        wscale: our window shift, 0 to 14; None: no option.
        timestamps, sack, ecn: offer them in our SYN and agree to them when offered.
        accecn: with ``ecn``, offer Accurate ECN (RFC 9768) before that of RFC 3168, and agree to it when offered.
        nagle: False sends small segments at once.
        burst: so many full segments may be handed out as one, to be cut later (`Endpoint.departures`).
        initial_window: congestion window at first; None: RFC 6928.
        delayed_ack: longest wait before in-order data is acknowledged; below 0.5 (RFC 9293 3.8.6.3, MUST-40).
        rto_initial, rto_min, rto_max: bounds of the retransmission timeout (RFC 6298 2).
        r1: after so many retransmissions of a segment tell the user (RFC 9293 3.8.3, SHLD-10: at least 3), and try
            smaller ones.
        r2: give up on unacknowledged data after so long (RFC 9293 3.8.3, SHLD-11: at least 100).
        r2_syn: the same for SYN and SYN,ACK (MUST-23: at least 180).
        user_timeout: the user's own R2, for data and SYN alike; infinity: never give up (MUST-21); None: r2 and r2_syn.
        override: longest wait of a segment held back by silly-window avoidance (RFC 9293 3.8.6.2.1: 0.1 to 1).
        msl: maximum segment lifetime; TIME-WAIT lasts twice as long (MUST-13).
        fin_wait_2: how long to wait for the peer's FIN; None: for ever.
        keep_alive: idle time before the first keep-alive probe; None: never (MUST-25, MUST-27).
        challenge_acks, challenge_interval: so many ACKs to unacceptable segments in so long (RFC 5961 7).
        tick: granularity of the timestamp clock (RFC 7323 5.4).
    """

    mtu: int = 1500
    mss: int | None = None
    mss_option: bool = True
    window: int = 65536
    wscale: int | None = 7
    timestamps: bool = True
    sack: bool = True
    ecn: bool = False
    accecn: bool = False
    nagle: bool = True
    burst: int = 1
    initial_window: int | None = None
    delayed_ack: float = 0.1
    rto_initial: float = 1.0
    rto_min: float = 1.0
    rto_max: float = 60.0
    r1: int = 3
    r2: float = 100.0
    r2_syn: float = 180.0
    user_timeout: float | None = None
    override: float = 0.5
    msl: float = 120.0
    fin_wait_2: float | None = None
    keep_alive: float | None = None
    challenge_acks: int = 10
    challenge_interval: float = 5.0
    tick: float = 0.001
