"""Recovery with SACK: RFC 6675 step by step, in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import ISS, PLAIN, dialogue

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.wire import options
from tcpprobe.wire.seq import add, diff

SACKING: Config = replace(PLAIN, sack=True)
OPTS = (options.mss(1000), options.sack_permitted())
RFC6675 = replace(Reflexes.ALL, rack=False, tail_probe=False, prr=False)
"""The reflexes of a sender that finds losses by counting alone."""


def sacked(*blocks):
    """A SACK option with blocks in our relative numbers."""
    return (options.sack_blocks(*((add(ISS, left), add(ISS, right)) for left, right in blocks)),)


def sending(talk, segments, data=40000):
    """``data`` bytes are queued, and so many segments of 1000 have gone out."""
    talk.established(opts=OPTS).connection.send(b"x" * data, 0.0)
    for number in range(segments):
        talk.sends("PA" if number * 1000 + 1000 == data else "A", seq=1 + 1000 * number, len=1000)
    talk.sends_nothing()


def pipe(talk):
    """What is thought to be in the network."""
    snd = talk.connection.tcb.snd
    return talk.connection.flight.pipe(snd.una, snd.nxt)


def test_three_stretches_begin_recovery_at_half_the_flight_without_what_limited_transmit_sent():
    with dialogue(SACKING, reflexes=RFC6675) as talk:
        sending(talk, 10)
        talk.arrives("A", 1, 1, opts=sacked((1001, 2001))).sends("A", seq=10001)  # (3.3)
        talk.arrives("A", 1, 1, opts=sacked((3001, 4001), (1001, 2001))).sends("A", seq=11001)
        talk.arrives("A", 1, 1, opts=sacked((5001, 6001), (3001, 4001), (1001, 2001))).sends("A", seq=1)  # (4.3)
        assert talk.connection.congestion.ssthresh == 5000  # (4.2)
        assert talk.connection.congestion.recover == add(ISS, 12001)  # (4.1)
        talk.sends_nothing()


def test_new_data_goes_out_in_recovery_when_the_pipe_allows():
    with dialogue(SACKING, reflexes=RFC6675) as talk:
        sending(talk, 10)
        talk.arrives("A", 1, 1, opts=sacked((1001, 4001))).sends("A", seq=1)
        for last in range(5001, 11001, 1000):
            talk.arrives("A", 1, 1, opts=sacked((1001, last)))
        talk.ignores_the_rest()
        assert diff(talk.connection.tcb.snd.nxt, ISS) > 10001  # NextSeg rule 2
        assert pipe(talk) <= talk.connection.congestion.ssthresh
        talk.arrives("A").ignores_the_rest()


def test_what_may_be_lost_goes_again_when_there_is_nothing_new():
    with dialogue(SACKING, reflexes=RFC6675) as talk:
        sending(talk, 10, data=10000)
        talk.arrives("A", 1, 1, opts=sacked((1001, 2001), (3001, 6001))).sends("A", seq=1)
        talk.arrives("A", 1, 1, opts=sacked((8001, 9001), (1001, 2001), (3001, 6001)))
        talk.sends("A", seq=2001)  # rule 1: 4000 bytes above it are SACKed
        before = pipe(talk)
        talk.arrives("A", 1, 2001, opts=sacked((8001, 9001), (3001, 6001)))
        talk.sends("A", seq=6001)  # rule 3: only 1000 bytes above it are SACKed
        assert pipe(talk) == before  # one acknowledged, and this one counted twice
        talk.arrives("A", 1, 6001, opts=sacked((8001, 9001)))
        talk.ignores_the_rest().arrives("A")


def test_one_rescue_of_the_tail_for_each_recovery():
    with dialogue(SACKING, reflexes=RFC6675) as talk:
        sending(talk, 10, data=10000)
        talk.arrives("A", 1, 1, opts=sacked((1001, 4001))).sends("A", seq=1)
        talk.sends_nothing()
        talk.arrives("A", 1, 6001).sends("PA", seq=9001, len=1000)  # rule 4: HighACK is above RescueRxt
        talk.sends_nothing()
        talk.arrives("A", 1, 7001).sends_nothing()
        assert pipe(talk) == 3000, "a rescue is not counted"
        talk.arrives("A", 1, 10001).sends_nothing()


def test_no_rescue_before_more_than_the_first_hole_is_acknowledged():
    with dialogue(SACKING, reflexes=RFC6675) as talk:
        sending(talk, 10, data=10000)
        talk.arrives("A", 1, 1, opts=sacked((2001, 8001))).sends("A", seq=1)
        talk.arrives("A", 1, 1001, opts=sacked((2001, 8001))).sends("A", seq=1001)
        talk.sends_nothing().arrives("A")


def test_no_second_recovery_before_everything_outstanding_at_a_timeout_is_acknowledged():
    with dialogue(SACKING, reflexes=RFC6675) as talk:
        sending(talk, 10, data=10000)
        talk.after(1.5).sends("A", seq=1)
        threshold = talk.connection.congestion.ssthresh
        talk.arrives("A", 1, 1001, opts=sacked((2001, 9001))).sends("A", seq=1001)
        talk.sends("PA", seq=9001)
        assert talk.connection.congestion.recover is None
        assert talk.connection.congestion.ssthresh == threshold
        talk.arrives("A")


@pytest.mark.parametrize("above", [0, 1000])
def test_a_block_below_the_acknowledgment_is_no_news(above):
    with dialogue(SACKING, reflexes=RFC6675) as talk:
        sending(talk, 10, data=10000)
        talk.arrives("A", 1, 3001, opts=sacked((2001 - above, 3001 - above))).sends_nothing()
        assert pipe(talk) == 7000
        talk.arrives("A")
