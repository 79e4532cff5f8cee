"""RACK-TLP (RFC 8985) and proportional rate reduction (RFC 9937), in virtual time; a round trip takes 100 ms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import ISS, PLAIN, dialogue
from test_sack_recovery import OPTS, SACKING, pipe, sacked

from tcpprobe.tcp.flight import Flight, Sent
from tcpprobe.tcp.rack import Rack
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.wire import options
from tcpprobe.wire.seq import add

NO_PROBE = replace(Reflexes.ALL, tail_probe=False)
RTT = 0.1


def opened(talk):
    """A connection that knows its round trip."""
    talk.syn_received(OPTS).after(RTT).arrives("A", 1, 1).connection.send(b"x" * 1000, talk.now)
    talk.sends("PA", seq=1)
    talk.after(RTT).arrives("A").sends_nothing()


def sending(talk, segments):
    """So many segments of 1000, from 1001 on, are all that was queued; they go out one each millisecond."""
    opened(talk)
    for number in range(segments):
        talk.connection.send(b"x" * 1000, talk.now)
        talk.sends("PA", seq=1001 + 1000 * number, len=1000)
        talk.now += 0.001
    talk.now -= 0.001 * segments


# -- RACK


def test_what_was_sent_before_an_arrival_is_lost_after_the_reordering_window():
    with dialogue(SACKING, reflexes=NO_PROBE) as talk:
        sending(talk, 3)
        talk.after(RTT + 0.001).arrives("A", 1, 1001, opts=sacked((2001, 3001))).sends_nothing()
        # 1001 went out a millisecond before 2001: it has waited a millisecond more than a round trip.
        assert talk.to_timeout() == pytest.approx(RTT / 4 - 0.001)
        talk.sends("A", seq=1001)
        talk.sends_nothing().arrives("A")


def test_three_segments_above_need_no_waiting():
    with dialogue(SACKING, reflexes=NO_PROBE) as talk:
        sending(talk, 5)
        talk.after(RTT + 0.001).arrives("A", 1, 1001, opts=sacked((2001, 5001))).sends("A", seq=1001)
        talk.sends_nothing().arrives("A")


def test_a_lost_retransmission_is_found_without_a_timeout():
    with dialogue(SACKING, reflexes=NO_PROBE) as talk:
        sending(talk, 8)
        talk.after(RTT + 0.01).arrives("A", 1, 1001, opts=sacked((2001, 6001))).sends("A", seq=1001)
        talk.connection.send(b"x" * 2000, talk.now)
        talk.after(0.001).arrives("A", 1, 1001, opts=sacked((2001, 9001)))
        talk.ignores_the_rest()
        new = talk.connection.tcb.snd.nxt
        assert new == add(ISS, 11001)
        talk.after(RTT).arrives("A", 1, 1001, opts=sacked((2001, 10001)))
        talk.sends("A", seq=1001)
        assert talk.now < 0.5
        talk.ignores_the_rest().arrives("A")


def test_after_reordering_three_segments_above_are_not_enough():
    with dialogue(SACKING, reflexes=NO_PROBE) as talk:
        sending(talk, 2)
        talk.after(RTT).arrives("A", 1, 1001, opts=sacked((2001, 3001)))
        talk.arrives("A", 1, 3001)
        assert talk.connection.rack.reordering
        talk.connection.send(b"x" * 5000, talk.now)
        for number in range(5):
            talk.sends("PA" if number == 4 else "A", seq=3001 + 1000 * number)
        talk.after(RTT).arrives("A", 1, 3001, opts=sacked((4001, 8001))).sends_nothing()
        talk.after(RTT / 2).sends("A", seq=3001)
        talk.sends_nothing().arrives("A")


def test_the_timeout_spares_what_went_out_a_moment_ago():
    with dialogue(SACKING, reflexes=NO_PROBE) as talk:
        sending(talk, 1)
        talk.after(0.95).connection.send(b"x" * 1000, talk.now)
        talk.sends("PA", seq=2001)
        talk.to_timeout()
        assert [sent.lost for sent in talk.connection.flight] == [True, False]
        talk.sends("PA" if talk.connection.unsent else "A", seq=1001)
        talk.sends_nothing().arrives("A")


def test_the_window_widens_with_duplicate_reports_round_by_round_and_is_bounded_by_srtt():
    rack, flight = Rack(0.001), Flight()
    rack.arrived(0.0, 100, 0.08)
    assert rack.window(flight, 0.1, recovering=True) == 0
    rack.reordering = True
    assert rack.window(flight, 0.1, recovering=True) == pytest.approx(0.02)
    rack.duplicate_reported(100, 1000)
    rack.duplicate_reported(900, 2000)  # the same round trip
    assert rack.window(flight, 0.1, recovering=True) == pytest.approx(0.04)
    for una in range(1000, 9000, 1000):
        rack.duplicate_reported(una, una + 1000)
    assert rack.window(flight, 0.1, recovering=True) == 0.1
    for _ in range(16):
        rack.recovered()
    assert rack.window(flight, 0.1, recovering=True) == pytest.approx(0.02)


def test_recoveries_after_a_timeout_count_for_the_window_as_well():
    with dialogue(SACKING, reflexes=NO_PROBE) as talk:
        opened(talk)
        rack, flight = talk.connection.rack, talk.connection.flight
        rack.reordering = True
        before = rack.window(flight, 1.0, recovering=False)
        rack.duplicate_reported(ISS, ISS)
        assert rack.window(flight, 1.0, recovering=False) == pytest.approx(2 * before)
        for number in range(16):
            talk.connection.send(b"x", talk.now)
            talk.sends("PA", seq=1001 + number)
            talk.to_timeout()
            talk.sends("PA", seq=1001 + number)
            talk.arrives("A")
        assert rack.window(flight, 1.0, recovering=False) == pytest.approx(before)


def test_a_retransmission_acknowledged_too_early_says_nothing():
    rack, flight = Rack(0.001), Flight()
    rack.arrived(0.0, 100, 0.1)
    rack.arrived_again(5.0, 200, 5.05, too_early=False)  # sooner than any round trip
    rack.arrived_again(5.0, 200, 5.2, too_early=True)  # the echoed timestamp is an older one
    flight.add(Sent(200, 300, 0, 4.0))
    assert rack.find_losses(flight, 0.0, 9.0) == (False, 0.0)
    rack.arrived_again(5.0, 400, 5.2, too_early=False)
    assert rack.find_losses(flight, 0.0, 9.0) == (True, 0.0)


def test_an_old_minimum_of_the_round_trip_is_forgotten():
    rack = Rack(0.001)
    rack.arrived(0.0, 1, 0.01)
    for now in (200.0, 400.0, 800.0):
        rack.arrived(now - 0.5, 1, now)
    assert rack.min_rtt == 0.5


# -- TLP


def test_the_last_segment_goes_again_after_two_round_trips():
    with dialogue(SACKING) as talk:
        sending(talk, 3)
        assert talk.to_timeout() == pytest.approx(2 * RTT + 0.002)
        talk.sends("PA", seq=3001, len=1000)
        assert talk.to_timeout() == pytest.approx(1.0), "no second probe, and a whole RTO"
        talk.sends("A", seq=1001)
        talk.sends_nothing().arrives("A")


def test_the_probe_reveals_what_was_lost_before_it():
    with dialogue(SACKING) as talk:
        sending(talk, 3)
        talk.to_timeout()
        talk.sends("PA", seq=3001)
        talk.after(RTT).arrives("A", 1, 1001, opts=sacked((3001, 4001))).sends("A", seq=1001)
        assert talk.connection.congestion.recover is not None
        talk.after(RTT).arrives("A", 1, 2001, opts=sacked((3001, 4001))).sends("A", seq=2001)
        talk.arrives("A")


def test_a_probe_of_a_single_segment_allows_for_a_delayed_acknowledgment():
    with dialogue(SACKING) as talk:
        sending(talk, 1)
        assert talk.to_timeout() == pytest.approx(2 * RTT + 0.2)
        talk.sends("PA", seq=1001)
        talk.arrives("A")


def test_the_probe_is_new_data_where_there_is_some():
    with dialogue(SACKING) as talk:
        sending(talk, 3)
        talk.connection.send(b"y" * 10, talk.now)  # Nagle holds it back
        talk.sends_nothing().to_timeout()
        talk.sends("PA", seq=4001, data=b"y" * 10)
        talk.arrives("A")


@pytest.mark.parametrize(("report", "halved"), [((3001, 4001), False), (None, True)])
def test_a_loss_repaired_by_the_probe_counts_as_one(report, halved):
    with dialogue(SACKING) as talk:
        sending(talk, 3)
        talk.to_timeout()
        talk.sends("PA", seq=3001)
        talk.after(RTT).arrives("A", 1, 4001, opts=sacked(report) if report else ())
        before = talk.connection.congestion.cwnd
        talk.connection.send(b"x" * 1000, talk.now)
        talk.sends("PA", seq=4001)
        talk.after(RTT).arrives("A")
        assert (talk.connection.congestion.cwnd < before) is halved


def test_a_second_probe_needs_a_new_sample():
    with dialogue(SACKING) as talk:
        sending(talk, 2)
        talk.to_timeout()
        talk.sends("PA", seq=2001)
        talk.arrives("A").connection.send(b"z", talk.now)
        talk.sends("PA", seq=3001)
        assert not talk.connection.sampled, "Karn: the probe went out twice"
        talk.to_timeout()
        talk.sends_nothing()
        assert talk.to_timeout() == pytest.approx(1.0)
        talk.sends("PA", seq=3001)
        talk.arrives("A")


@pytest.mark.parametrize("reflexes", [NO_PROBE, replace(Reflexes.ALL, retransmit=False)])
def test_no_probe_when_switched_off(reflexes):
    with dialogue(SACKING, reflexes=reflexes) as talk:
        sending(talk, 3)
        talk.after(0.9).sends_nothing().arrives("A")


def test_no_probe_without_sack():
    with dialogue(PLAIN) as talk:
        talk.established(opts=(options.mss(1000),)).connection.send(b"x" * 3000, 0.0)
        talk.ignores_the_rest().after(0.9).sends_nothing().arrives("A")


# -- PRR


def test_one_loss_shrinks_the_window_over_a_round_trip():
    """RFC 9937 6.2: a segment goes out for every second one that has arrived, until half of the flight is left."""
    with dialogue(replace(SACKING, initial_window=20000), reflexes=replace(NO_PROBE, rack=False)) as talk:
        talk.established(opts=OPTS).connection.send(b"x" * 60000, 0.0)
        for number in range(20):
            talk.sends("A", seq=1 + 1000 * number)
        sent = []
        for last in range(4001, 16001, 1000):
            talk.arrives("A", 1, 1, opts=sacked((1001, last)))
            before = talk.connection.congestion.out
            talk.ignores_the_rest()
            sent.append((talk.connection.congestion.out - before) // 1000)
        assert sent == [1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
        talk.arrives("A", 1, 1, opts=sacked((1001, 20001))).ignores_the_rest()
        assert pipe(talk) == talk.connection.congestion.ssthresh == 10000
        talk.arrives("A").ignores_the_rest()
        assert talk.connection.congestion.cwnd == 10000
        talk.arrives("A").ignores_the_rest().arrives("A").ignores_the_rest()


def test_many_losses_are_not_answered_with_a_burst():
    """RFC 9937 6.2: no more than has arrived, and a segment more once the left edge advances and no other is lost."""
    for prr, burst in ((True, 1), (False, 5)):
        with dialogue(SACKING, reflexes=replace(NO_PROBE, rack=False, prr=prr)) as talk:
            talk.established(opts=OPTS).connection.send(b"x" * 10000, 0.0)
            talk.ignores_the_rest()
            talk.arrives("A", 1, 1, opts=sacked((7001, 8001)))
            talk.arrives("A", 1, 1, opts=sacked((7001, 9001))).sends_nothing()
            talk.arrives("A", 1, 1, opts=sacked((7001, 10001)))
            talk.ignores_the_rest()
            assert talk.connection.congestion.out == 1000 * burst
            talk.arrives("A", 1, 1001, opts=sacked((7001, 10001))).ignores_the_rest()
            assert talk.connection.congestion.out == 1000 * (burst + 2 if prr else 6)
            talk.ignores_the_rest().arrives("A")
