"""What two SYNs agree on: MSS, window scale, timestamps, SACK, ECN."""

from __future__ import annotations

from dataclasses import dataclass

from tcpprobe.tcp.accecn import BITS, FEEDBACK, Accurate, asks, confirms
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.tcb import Tcb
from tcpprobe.wire.flags import ACK, AE, CWR, ECE
from tcpprobe.wire.segment import Segment

FIXED = {4: 40, 16: 60}
"""IP and TCP header without options, by address length."""

DEFAULT_MSS = {4: 536, 16: 1220}
"""What to send at most when the peer's SYN had no MSS option (RFC 9293 3.7.1, MUST-15)."""

LEAST_MSS = 64
"""Smaller MSS values are taken as this one: an option must not make us send a segment for each byte."""

MOST_SCALE = 14
"""RFC 7323 2.3: a larger shift is used as 14."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one SYN says. ``ecn`` is the bits as they are: ECE, CWR and AE; ``mark`` the ECN field of its packet."""

    mss: int | None = None
    wscale: int | None = None
    timestamps: bool = False
    sack: bool = False
    ecn: int = 0
    mark: int = 0

    @classmethod
    def of(cls, syn: Segment, mark: int = 0) -> Offer:
        """What a SYN or SYN,ACK offers that came with this ECN field."""
        options = syn.parsed
        stamps = options.timestamps is not None
        return cls(options.mss, options.wscale, stamps, options.sack_permitted, syn.flags & BITS, mark)


def own_offer(config: Config, address: bytes, theirs: Offer | None) -> Offer:
    """Ours: everything configured in a SYN; in a SYN,ACK only what the peer's SYN (``theirs``) offered too."""
    mss = (config.mss if config.mss is not None else config.mtu - FIXED[len(address)]) if config.mss_option else None
    wscale, timestamps, sack = config.wscale, config.timestamps, config.sack
    if theirs is not None:
        # RFC 7323 1.3 and 3.2, RFC 2018 2: no option in a SYN,ACK that the SYN had not.
        wscale = wscale if theirs.wscale is not None else None
        timestamps = timestamps and theirs.timestamps
        sack = sack and theirs.sack
    return Offer(mss, wscale, timestamps, sack, _own_ecn(config, theirs) if config.ecn else 0)


def _own_ecn(config: Config, theirs: Offer | None) -> int:
    """The ECN bits of our SYN, or of the SYN,ACK that answers ``theirs``."""
    if theirs is None:
        return BITS if config.accecn else ECE | CWR  # RFC 9768 3.1.1, RFC 3168 6.1.1
    if config.accecn and asks(theirs.ecn):
        return FEEDBACK[theirs.mark]  # RFC 9768 3.1.2, table 2
    # RFC 3168 6.1.1: an ECN-setup SYN has both bits, an ECN-setup SYN,ACK has ECE alone; AE is then a reserved bit.
    return ECE if theirs.ecn & ~AE == ECE | CWR else 0


def agree(tcb: Tcb, ours: Offer, theirs: Offer, config: Config, syn_flags: int) -> None:
    """Set the numbers of ``tcb`` to what both SYNs offer. ``syn_flags`` are those of the peer's SYN or SYN,ACK."""
    size = len(tcb.local[0])
    theirs_mss = theirs.mss or DEFAULT_MSS[size]  # RFC 9293 3.7.1, MUST-15
    # MUST-16: never more than the peer takes, nor than the interface carries.
    tcb.snd.mss = min(max(theirs_mss, LEAST_MSS), config.mtu - FIXED[size])
    tcb.rcv.mss = ours.mss if ours.mss is not None else DEFAULT_MSS[size]
    tcb.wscale_on = ours.wscale is not None and theirs.wscale is not None
    if tcb.wscale_on:
        tcb.snd.scale = min(theirs.wscale or 0, MOST_SCALE)
        tcb.rcv.scale = min(ours.wscale or 0, MOST_SCALE)
    else:
        # RFC 7323 2.2: no shift in either direction unless both sent the option.
        tcb.snd.scale = tcb.rcv.scale = 0
    tcb.ts_on = ours.timestamps and theirs.timestamps
    tcb.sack_on = ours.sack and theirs.sack
    asked, answer = (ours.ecn, theirs.ecn) if syn_flags & ACK else (theirs.ecn, ours.ecn)
    if tcb.accurate is None and asks(asked) and confirms(answer):
        tcb.accurate = Accurate()
    wanted = ECE if syn_flags & ACK else ECE | CWR
    # RFC 9768 3.1.5: the mode first entered is never left.
    tcb.ecn_on = tcb.accurate is None and bool(ours.ecn) and theirs.ecn & ~AE == wanted
