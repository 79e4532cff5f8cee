"""Sending: segmentation, windows, Nagle, retransmission, probes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import ISS, PLAIN, dialogue

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.events import DeliveryProblem, TimedOut
from tcpprobe.tcp.state import State
from tcpprobe.wire import options
from tcpprobe.wire.seq import add, diff

MSS = (options.mss(1000),)
NO_NAGLE = replace(PLAIN, nagle=False)


# -- segmentation


@pytest.mark.parametrize(
    ("opts", "config", "size"),
    [
        ((), PLAIN, 536),  # MUST-15
        ((options.mss(1000),), PLAIN, 1000),
        ((options.mss(65535),), PLAIN, 1460),
        ((options.mss(0),), PLAIN, 536),
        ((options.mss(1),), PLAIN, 64),
        ((options.nop(), options.mss(700)), PLAIN, 700),  # MUST-64: unaligned
        ((options.Option(254, b"\0\0"), options.mss(700)), PLAIN, 700),  # MUST-6
        ((options.eol(), options.mss(700)), PLAIN, 536),
        ((options.mss(1000), options.timestamps(7, 0)), replace(PLAIN, timestamps=True), 988),  # RFC 6691
        ((options.mss(9000),), replace(PLAIN, mtu=600), 560),
    ],
)
def test_segments_are_as_large_as_the_peer_takes_and_no_larger(opts, config, size):
    with dialogue(config) as talk:
        talk.peer_stamp = 7 if config.timestamps else None
        talk.established(opts=opts)
        talk.connection.send(b"x" * (2 * size), talk.now)
        assert len(talk.sends("A", len=size).options) in (0, 12)
        talk.sends("PA", len=size)


def test_a_burst_is_no_larger_than_the_congestion_window():
    """RFC 6928 2: ten segments at first, however many may be handed out as one."""
    with dialogue(replace(NO_NAGLE, burst=40)) as talk:
        talk.established(opts=MSS)
        talk.connection.send(b"x" * 40000, talk.now)
        first = talk.sends("A", len=10000)
        talk.sends_nothing()
        talk.arrives("A", ack=add(first.seq, 10000)).sends("A", len=11000)


def test_our_syn_ack_bears_the_mss_of_the_interface():
    with dialogue(PLAIN) as talk:
        assert talk.listening().arrives("S", 0).sends("SA").parsed.mss == 1460
    with dialogue(replace(PLAIN, mss_option=False)) as talk:
        assert talk.listening().arrives("S", 0).sends("SA").options == b""


def test_options_in_the_syn_ack_only_when_the_syn_had_them():
    everything = Config()
    with dialogue(everything) as talk:
        answer = talk.listening().arrives("S", 0, opts=MSS).sends("SA").parsed
        assert (answer.wscale, answer.timestamps, answer.sack_permitted) == (None, None, False)
    with dialogue(everything) as talk:
        offered = (options.wscale(3), options.timestamps(9, 0), options.sack_permitted())
        answer = talk.listening().arrives("S", 0, opts=offered).sends("SA").parsed
        assert answer.wscale == 7
        assert answer.timestamps[1] == 9
        assert answer.sack_permitted


def test_push_is_on_the_last_segment_only():
    with dialogue() as talk:
        talk.established().connection.send(b"x" * 2500, 0.0)
        talk.sends("A", seq=1, len=1000)
        talk.sends("A", seq=1001, len=1000)
        talk.sends_nothing()  # Nagle: 500 bytes wait
        talk.arrives("A", 1, 2001).sends("PA", seq=2001, len=500)


# -- windows


def test_never_beyond_the_peers_window():
    with dialogue() as talk:
        talk.established(win=2500).connection.send(b"x" * 9000, 0.0)
        talk.sends("A", seq=1, len=1000)
        talk.sends("A", seq=1001, len=1000)
        talk.sends_nothing()
        talk.arrives("A", 1, 1001, win=2500).sends("A", seq=2001, len=1000)


def test_the_peers_window_is_scaled_but_not_in_its_syn():
    with dialogue(replace(PLAIN, wscale=0)) as talk:
        talk.listening().arrives("S", 0, opts=(*MSS, options.wscale(15)), win=3).sends("SA")
        assert talk.connection.tcb.snd.wnd == 3
        talk.arrives("A", 1, 1, win=3)
        assert talk.connection.tcb.snd.wnd == 3 << 14  # RFC 7323 2.3: 15 counts as 14


def test_an_old_segment_does_not_change_the_window():
    with dialogue() as talk:
        talk.established().arrives("A", 1, 1, data=b"abc").arrives("A", 4, 1, data=b"def", win=5000).sends("A")
        talk.arrives("A", 2, 1, data=b"bcdefg", win=9).sends_nothing()
        talk.after(0.2).sends("A", ack=8)
        assert talk.connection.tcb.snd.wnd == 5000


def test_a_shrunken_window_stops_new_data():
    with dialogue() as talk:
        talk.established(win=4000).connection.send(b"x" * 9000, 0.0)
        for seq in (1, 1001, 2001, 3001):
            talk.sends("A", seq=seq, len=1000)
        talk.arrives("A", 1, 1001, win=500).sends_nothing()
        talk.after(1.01).sends("A", seq=1001, len=500)
        talk.arrives("A", 1, 4001, win=4000)
        assert talk.sends("A", seq=4001, len=1000)
        talk.ignores_the_rest()


# -- Nagle and SWS


def test_nagle_holds_back_the_small_segment_until_everything_is_acknowledged():
    with dialogue() as talk:
        talk.established().connection.send(b"a", 0.0)
        talk.sends("PA", data=b"a")
        talk.connection.send(b"b", 0.0)
        talk.connection.send(b"c", 0.0)
        talk.sends_nothing()
        talk.arrives("A", 1, 2).sends("PA", seq=2, data=b"bc")


def test_without_nagle_it_goes_at_once():
    with dialogue(NO_NAGLE) as talk:
        talk.established().connection.send(b"a", 0.0)
        talk.sends("PA", data=b"a")
        talk.connection.send(b"b", 0.0)
        talk.sends("PA", data=b"b")


def test_a_silly_window_is_not_filled_before_the_override_timeout():
    with dialogue() as talk:
        talk.established(win=4000).arrives("A", 1, 1, win=10)
        talk.connection.send(b"x" * 3000, 0.0)
        talk.sends_nothing()
        assert 0.1 <= talk.to_timeout() <= 1.0
        talk.sends("A", len=10)
        talk.arrives("A", 1, 11, win=10).sends_nothing()


# -- retransmission


def test_the_timeout_doubles_and_the_bytes_are_the_same():
    with dialogue() as talk:
        talk.established().connection.send(b"hello", 0.0)
        talk.sends("PA", seq=1, data=b"hello")
        for wait in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0):
            assert talk.to_timeout() == pytest.approx(wait)
            talk.sends("PA", seq=1, data=b"hello")


def test_only_the_first_segment_is_sent_again_and_then_slow_start():
    with dialogue() as talk:
        talk.established().connection.send(b"x" * 5000, 0.0)
        for seq in (1, 1001, 2001, 3001):
            talk.sends("A", seq=seq)
        talk.sends("PA", seq=4001)
        talk.to_timeout()
        talk.sends("A", seq=1, len=1000)
        talk.sends_nothing()
        talk.arrives("A", 1, 1001).sends("A", seq=1001)
        talk.sends("A", seq=2001)
        talk.sends_nothing()
        talk.arrives("A", 1, 5001).after(100).sends_nothing()


def test_a_new_acknowledgment_restarts_the_timer():
    with dialogue() as talk:
        talk.established().connection.send(b"x" * 2000, 0.0)
        talk.sends("A")
        talk.sends("PA")
        talk.after(0.7).arrives("A", 1, 1001).after(0.9).sends_nothing()
        assert talk.to_timeout() == pytest.approx(0.1)  # one second from the acknowledgment, not from the sending
        talk.sends("PA", seq=1001)


def test_karn_a_repeated_segment_gives_no_sample_and_the_backoff_stays():
    with dialogue() as talk:
        talk.established().connection.send(b"a", 0.0)
        talk.sends("PA")
        talk.to_timeout()
        talk.sends("PA")
        talk.arrives("A", 1, 2)
        assert talk.connection.rto.value == pytest.approx(2.0)
        talk.connection.send(b"b", talk.now)
        talk.sends("PA", seq=2)
        talk.after(0.1).arrives("A", 1, 3)
        assert talk.connection.rto.value == pytest.approx(1.0)


def test_r2_gives_up_not_before_a_hundred_seconds():
    with dialogue() as talk:
        talk.established().connection.send(b"a", 0.0)
        while talk.state is State.ESTABLISHED:
            talk.sends("PA", seq=1)
            talk.to_timeout()
        assert talk.now >= 100
        assert talk.events() == [DeliveryProblem(), TimedOut()]
        talk.sends_nothing().after(1000).arrives("A", 1, 2).sends("R", seq=2)


def test_syn_is_repeated_for_three_minutes():
    with dialogue() as talk:
        talk.connection.open(0.0)
        count = 0
        while talk.state is State.SYN_SENT:
            talk.sends("S", seq=0)
            count += 1
            talk.to_timeout()
        assert talk.now >= 180
        assert count < 12
        assert talk.events() == [DeliveryProblem(), TimedOut()]


def test_syn_ack_is_repeated_and_then_the_listener_is_free():
    with dialogue() as talk:
        talk.syn_received()
        assert talk.to_timeout() == pytest.approx(1.0)
        while talk.state is State.SYN_RECEIVED:
            talk.sends("SA", seq=0, ack=1)
            talk.to_timeout()
        assert 180 <= talk.now < 300
        assert talk.state is State.LISTEN
        talk.arrives("S", 0).sends("SA")


def test_after_a_lost_syn_the_timeout_is_three_seconds():
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.sends("S")
        talk.to_timeout()
        talk.sends("S")
        talk.arrives("SA", 0, 1, opts=MSS).sends("A")
        talk.connection.send(b"a", talk.now)
        talk.sends("PA")
        assert talk.to_timeout() == pytest.approx(3.0)
        talk.sends("PA")


def test_fin_is_repeated_with_the_same_number():
    with dialogue() as talk:
        talk.established().connection.send(b"bye", 0.0)
        talk.connection.close(0.0)
        talk.sends("FPA", seq=1, data=b"bye")
        talk.to_timeout()
        talk.sends("FPA", seq=1, data=b"bye")
        talk.arrives("A", 1, 4).after(0.1).sends_nothing()
        assert talk.state is State.FIN_WAIT_1
        talk.to_timeout()
        talk.sends("FA", seq=4, len=0)
        talk.arrives("A", 1, 5).after(500).sends_nothing()
        assert talk.state is State.FIN_WAIT_2


def test_timestamps_measure_even_repeated_segments():
    with dialogue(replace(PLAIN, timestamps=True, rto_min=0.0)) as talk:
        talk.peer_stamp = 1
        talk.established(opts=(*MSS, options.timestamps(1, 0)))
        talk.connection.send(b"a", 0.0)
        stamp = talk.sends("PA").parsed.timestamps[0]
        talk.now = 0.25
        again = (options.timestamps(1, stamp),)
        talk.arrives("A", 1, 2, opts=again)
        assert talk.connection.rto.srtt == pytest.approx(0.25 / 8, abs=0.25)


def test_one_of_several_samples_in_a_round_trip_weighs_less():
    with dialogue(replace(PLAIN, timestamps=True, rto_min=0.0)) as talk:
        talk.peer_stamp = 1
        talk.established(opts=(*MSS, options.timestamps(1, 0)))
        assert talk.connection.rto.srtt == 0.0
        talk.connection.send(b"x" * 2964, 0.0)
        stamp = talk.sends("A", seq=1, len=988).parsed.timestamps[0]
        talk.ignores_the_rest()
        talk.now = 0.16
        talk.arrives("A", 1, 989, opts=(options.timestamps(1, stamp),))
        # RFC 7323, appendix G: ceiling(2964 / 2000) samples are expected.
        assert talk.connection.rto.srtt == pytest.approx(0.16 / 8 / 2, abs=1e-4)


# -- zero window


def test_a_zero_window_is_probed_ever_more_slowly_while_answered_for_ever():
    with dialogue() as talk:
        talk.established(win=0).connection.send(b"hello", 0.0)
        talk.sends_nothing()
        for wait in (1, 2, 4, 8, 16, 32, 60, 60, 60, 60):
            assert talk.to_timeout() == pytest.approx(wait)
            talk.sends("A", seq=1, data=b"h")
            talk.arrives("A", 1, 1, win=0).sends_nothing()
        assert talk.state is State.ESTABLISHED
        talk.arrives("A", 1, 1, win=1000).sends("A", seq=1, data=b"h")
        talk.arrives("A", 1, 2, win=1000).sends("PA", seq=2, data=b"ello")
        assert talk.to_timeout() < 3
        talk.ignores_the_rest()


def test_unanswered_probes_end_the_connection():
    with dialogue() as talk:
        talk.established(win=0).connection.send(b"hello", 0.0)
        while talk.state is State.ESTABLISHED:
            talk.to_timeout()
            talk.ignores_the_rest()
        assert talk.now >= 100
        assert talk.events() == [TimedOut()]


def test_the_probed_byte_may_be_taken():
    with dialogue() as talk:
        talk.established(win=0).connection.send(b"hello", 0.0)
        talk.to_timeout() if talk.connection.deadlines else talk.sends_nothing().to_timeout()
        talk.sends("A", seq=1, data=b"h")
        talk.arrives("A", 1, 2, win=0).sends_nothing()
        talk.to_timeout()
        talk.sends("A", seq=2, data=b"e")


def test_a_fin_alone_is_probed_too():
    with dialogue() as talk:
        talk.established(win=0).connection.close(0.0)
        talk.sends_nothing().to_timeout()
        talk.sends("FA", seq=1)
        assert talk.state is State.FIN_WAIT_1
        talk.arrives("A", 1, 2, win=0)
        assert talk.state is State.FIN_WAIT_2


def test_a_window_that_closes_on_outstanding_data_is_probed_not_timed_out():
    with dialogue() as talk:
        talk.established(win=1000).connection.send(b"x" * 1000, 0.0)
        talk.sends("PA", seq=1)
        talk.arrives("A", 1, 1, win=0)
        for _ in range(20):
            talk.to_timeout()
            talk.sends("A", seq=1, len=1)
            talk.arrives("A", 1, 1, win=0)
        talk.arrives("A", 1, 1, win=1000).sends("PA", seq=1, len=1000)
        assert talk.state is State.ESTABLISHED


# -- congestion


def test_the_initial_window_is_ten_segments():
    with dialogue() as talk:
        talk.established().connection.send(b"x" * 20000, 0.0)
        for number in range(10):
            talk.sends("A", seq=1 + 1000 * number, len=1000)
        talk.sends_nothing()
        talk.arrives("A", 1, 2001).sends("A", seq=10001)
        talk.sends("A", seq=11001)
        talk.sends("A", seq=12001)
        talk.sends("A", seq=13001)
        talk.sends_nothing()


def test_after_an_idle_timeout_the_initial_window_again():
    with dialogue() as talk:
        talk.established().connection.send(b"x" * 20000, 0.0)
        talk.ignores_the_rest().arrives("A").ignores_the_rest().arrives("A")
        assert talk.connection.congestion.cwnd == 14000  # 10000, and two segments for each of two acknowledgments
        talk.after(2.0).connection.send(b"x" * 20000, talk.now)
        for _ in range(10):
            talk.sends("A", len=1000)
        talk.sends_nothing()


def test_more_than_one_lost_syn_begins_with_one_segment():
    with dialogue() as talk:
        talk.syn_received()
        for _ in range(2):
            talk.to_timeout()
            talk.sends("SA")
        talk.arrives("A", 1, 1)
        talk.connection.send(b"x" * 5000, talk.now)
        talk.sends("A", len=1000)
        talk.sends_nothing()


def sacked(*blocks):
    """A SACK option with blocks in our relative numbers."""
    return (options.sack_blocks(*((add(ISS, left), add(ISS, right)) for left, right in blocks)),)


def _flight(talk, segments, **established):
    talk.established(**established).connection.send(b"x" * 40000, 0.0)
    for number in range(segments):
        talk.sends("A", seq=1 + 1000 * number, len=1000)
    talk.sends_nothing()


def test_three_duplicate_acks_fast_retransmit_and_new_reno():
    with dialogue() as talk:
        _flight(talk, 10)
        talk.arrives("A", 1, 1).sends("A", seq=10001)  # limited transmit, RFC 3042
        talk.arrives("A", 1, 1).sends("A", seq=11001)
        talk.arrives("A", 1, 1).sends("A", seq=1, len=1000)
        talk.sends_nothing()
        for _ in range(6):
            talk.arrives("A", 1, 1)
        talk.ignores_the_rest()
        talk.arrives("A", 1, 4001).sends("A", seq=4001, len=1000)  # partial: the next hole at once
        talk.ignores_the_rest()
        talk.arrives("A")
        assert talk.connection.congestion.recover is None
        assert talk.connection.congestion.ssthresh == 5000
        assert talk.connection.congestion.cwnd <= 5000
        talk.ignores_the_rest()


def test_what_is_no_duplicate_ack_triggers_nothing():
    with dialogue() as talk:
        _flight(talk, 10)
        talk.arrives("A", 1, 1, win=60001).arrives("A", 1, 1, win=60002).arrives("A", 1, 1, win=60003)
        for seq in (1, 2):
            talk.arrives("A", seq, 1, data=b"y", win=60003)
        talk.sends("A", ack=3, len=0)
        talk.sends_nothing()


def test_sack_recovery_repeats_the_holes_only():
    with dialogue(replace(PLAIN, sack=True)) as talk:
        _flight(talk, 10, opts=(*MSS, options.sack_permitted()))

        talk.arrives("A", 1, 1, opts=sacked((1001, 2001))).sends("A", seq=10001)
        talk.arrives("A", 1, 1, opts=sacked((1001, 3001))).sends("A", seq=11001)
        talk.arrives("A", 1, 1, opts=sacked((5001, 6001), (1001, 3001))).sends("A", seq=1)
        talk.ignores_the_rest()
        talk.arrives("A", 1, 1, opts=sacked((5001, 9001), (1001, 3001)))
        again = {diff(sent.seq, ISS) for sent in talk.connection.flight if sent.count > 1 or sent.lost}
        assert again == {1, 3001, 4001}
        talk.ignores_the_rest()
        talk.arrives("A")
        assert talk.connection.congestion.recover is None
        talk.ignores_the_rest()


@pytest.mark.parametrize("block", [(5, 5), (9, 5), (-500, -1), (900000, 900010), (1, 900000), (500, 600)])
def test_nonsense_sack_blocks_are_ignored(block):
    with dialogue(replace(PLAIN, sack=True)) as talk:
        _flight(talk, 10, opts=(*MSS, options.sack_permitted()))
        for _ in range(5):
            talk.arrives("A", 1, 1, opts=sacked(block))
        talk.sends_nothing()
        assert not any(sent.sacked for sent in talk.connection.flight)


def test_ece_halves_once_a_window_and_says_cwr_once():
    with dialogue(replace(PLAIN, ecn=True)) as talk:
        talk.listening().arrives("SEC", 0, opts=MSS).sends("SAE")
        talk.arrives("A", 1, 1)
        talk.connection.send(b"x" * 30000, 0.0)
        for number in range(10):
            talk.sends("A", seq=1 + 1000 * number)
        talk.arrives("AE", 1, 1001)
        talk.arrives("AE", 1, 2001).sends_nothing()
        assert talk.connection.congestion.cwnd == 5000
        talk.arrives("AE", 1, 10001).sends("AC", seq=10001)
        talk.sends("A", seq=11001)
        talk.ignores_the_rest()


def test_a_window_probe_bears_no_ecn():
    with dialogue(replace(PLAIN, ecn=True)) as talk:
        talk.listening().arrives("SEC", 0, opts=MSS).sends("SAE")
        talk.arrives("A", 1, 1, win=0)
        talk.connection.send(b"hello", 0.0)
        talk.sends_nothing().connection.timeout(1.0)
        assert [ecn for _, ecn in talk.connection.departures(1.0)] == [0]
        talk.arrives("A", 1, 2)
        assert [ecn for _, ecn in talk.connection.departures(1.0)] == [2]


def test_repeated_data_bears_no_ecn():
    with dialogue(replace(PLAIN, ecn=True)) as talk:
        talk.listening().arrives("SEC", 0, opts=MSS).sends("SAE")
        talk.arrives("A", 1, 1).connection.send(b"hello", 0.0)
        assert [ecn for _, ecn in talk.connection.departures(0.0)] == [2]
        talk.connection.timeout(1.0)
        assert [ecn for _, ecn in talk.connection.departures(1.0)] == [0]


def test_the_loss_of_a_fast_retransmission_lowers_the_threshold_twice():
    with dialogue() as talk:
        talk.established(opts=MSS).connection.send(b"x" * 10000, 0.0)
        talk.ignores_the_rest()
        for _ in range(3):
            talk.arrives("A", 1, 1)
        talk.sends("A", seq=1)
        assert talk.connection.congestion.ssthresh == 5000
        talk.to_timeout()
        talk.sends("A", seq=1)
        assert talk.connection.congestion.ssthresh == 2500  # RFC 5681 4.3
        talk.to_timeout()
        talk.sends("A", seq=1)
        assert talk.connection.congestion.ssthresh == 2500, "held constant: RFC 5681 3.1"


def ecn_capable(talk):
    talk.listening().arrives("SEC", 0, opts=MSS).sends("SAE")
    talk.arrives("A", 1, 1)


def test_a_mark_on_the_last_segment_outstanding_counts():
    with dialogue(replace(PLAIN, ecn=True)) as talk:
        ecn_capable(talk)
        talk.connection.send(b"x" * 10000, 0.0)
        talk.ignores_the_rest()
        talk.arrives("AE", 1, 10001)
        assert talk.connection.congestion.cwnd == 5000
        talk.arrives("AE", 1, 10001, data=b"echoed until CWR arrives").after(0.2).sends("A", seq=10001)
        assert talk.connection.congestion.cwnd == 5000, "once for each window of data"
        talk.connection.send(b"x" * 1000, talk.now)
        talk.sends("PAC", seq=10001)


def test_cwr_after_a_fast_retransmit_and_no_second_reduction():
    with dialogue(replace(PLAIN, ecn=True)) as talk:
        ecn_capable(talk)
        talk.connection.send(b"x" * 30000, 0.0)
        talk.ignores_the_rest()
        for _ in range(3):
            talk.arrives("AE", 1, 1)
        talk.sends("A", seq=1)  # RFC 3168 6.1.2: CWR is on new data only, and one window is halved once
        assert talk.connection.congestion.cwnd == 5000 + 3000
        for _ in range(3):
            talk.arrives("AE", 1, 1)
        talk.sends("AC", seq=10001)
        talk.arrives("AE", 1, 10001)
        assert talk.connection.congestion.ssthresh == 5000
        talk.ignores_the_rest()


def test_cwr_after_a_timeout():
    with dialogue(replace(PLAIN, ecn=True)) as talk:
        ecn_capable(talk)
        talk.connection.send(b"x" * 1000, 0.0)
        talk.sends("PA", seq=1)
        talk.to_timeout()
        talk.sends("PA", seq=1)
        talk.arrives("A", 1, 1001).connection.send(b"x" * 1000, talk.now)
        talk.sends("PAC", seq=1001)


def test_duplicates_of_what_was_repeated_in_vain_repeat_nothing():
    with dialogue() as talk:
        talk.established(opts=MSS).connection.send(b"x" * 3000, 0.0)
        talk.ignores_the_rest()
        talk.to_timeout()
        talk.sends("A", seq=1)
        talk.arrives("A", 1, 3001).connection.send(b"y" * 3000, talk.now)
        talk.sends("A", seq=3001)
        talk.sends("A", seq=4001)
        for _ in range(4):
            talk.arrives("A", 1, 3001)
        talk.sends("PA", seq=5001)  # limited transmit; RFC 6582 3.2, step 2: it does not cover more than recover
