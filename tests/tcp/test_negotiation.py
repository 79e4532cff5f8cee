"""What two SYNs agree on."""

from __future__ import annotations

import pytest

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.negotiation import Offer, agree, own_offer
from tcpprobe.tcp.tcb import Tcb
from tcpprobe.wire.flags import ACK, CWR, ECE, SYN

ADDRESS = bytes(4)


def agreed(ours, theirs, flags=SYN, size=4):
    """The numbers after both SYNs."""
    tcb = Tcb((bytes(size), 1), (bytes(size), 2), 0)
    agree(tcb, ours, theirs, Config(), flags)
    return tcb


def test_a_syn_offers_everything_a_syn_ack_only_what_was_offered():
    everything = own_offer(Config(ecn=True), ADDRESS, None)
    assert everything == Offer(1460, 7, True, True, ECE | CWR)
    assert own_offer(Config(ecn=True), ADDRESS, Offer()) == Offer(1460)
    assert own_offer(Config(ecn=True), ADDRESS, everything) == Offer(1460, 7, True, True, ECE)


@pytest.mark.parametrize(("size", "default"), [(4, 536), (16, 1220)])
def test_default_mss(size, default):
    assert agreed(Offer(), Offer(), size=size).snd.mss == default


def test_scale_only_when_both_sent_it_and_never_above_14():
    assert agreed(Offer(wscale=7), Offer()).rcv.scale == 0
    both = agreed(Offer(wscale=7), Offer(wscale=200))
    assert (both.snd.scale, both.rcv.scale) == (14, 7)


@pytest.mark.parametrize(
    ("theirs", "flags", "on"),
    [
        (ECE | CWR, SYN, True),
        (ECE, SYN, False),
        (CWR, SYN, False),
        (ECE, SYN | ACK, True),
        (ECE | CWR, SYN | ACK, False),
        (0, SYN | ACK, False),
    ],
)
def test_ecn_setup_packets(theirs, flags, on):
    assert agreed(Offer(ecn=ECE), Offer(ecn=theirs), flags).ecn_on is on
