"""Text, urgent pointer, FIN: RFC 9293 3.10.7.4 sixth to eighth, RFC 5681 4.2, RFC 2018, RFC 2883."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import IRS, PLAIN, dialogue

from tcpprobe.tcp.events import DataArrived, PeerClosed, UrgentData
from tcpprobe.tcp.state import State
from tcpprobe.wire import options
from tcpprobe.wire.flags import ACK
from tcpprobe.wire.seq import add

SACKING = replace(PLAIN, sack=True)
SACK = (options.mss(1000), options.sack_permitted())


# -- acknowledging


def test_one_segment_is_acknowledged_after_a_moment_below_half_a_second():
    with dialogue() as talk:
        talk.established().arrives("A", 1, 1, data=b"hello").sends_nothing()
        assert talk.to_timeout() <= 0.2
        talk.sends("A", seq=1, ack=6)
        assert talk.events() == [DataArrived(5)]


def test_every_second_segment_is_acknowledged_at_once():
    with dialogue() as talk:
        talk.established().arrives("A", 1, 1, data=b"a").sends_nothing()
        talk.arrives("A", 2, 1, data=b"b").sends("A", ack=3)
        talk.after(1.0).sends_nothing()


def test_segments_that_arrive_together_are_acknowledged_together():
    with dialogue() as talk:
        talk.established()
        form = talk.connection.form(0, ACK, b"x")
        for offset in range(6):
            segment = replace(form, seq=add(IRS, 1 + offset), ack=talk.connection.tcb.snd.nxt)
            talk.connection.segment_arrives(segment, 0.0)
        talk.sends("A", ack=7)


def test_the_acknowledgment_rides_on_data():
    with dialogue() as talk:
        talk.established().arrives("A", 1, 1, data=b"ping")
        talk.connection.send(b"pong", talk.now)
        talk.sends("PA", seq=1, ack=5, data=b"pong")
        talk.arrives("A", 5, 5).after(0.5).sends_nothing()


def test_out_of_order_text_is_held_and_acknowledged_at_once():
    with dialogue() as talk:
        talk.established()
        talk.arrives("A", 6, 1, data=b"world").sends("A", ack=1)
        talk.arrives("A", 6, 1, data=b"world").sends("A", ack=1)
        talk.arrives("A", 1, 1, data=b"hello").sends("A", ack=11)
        assert talk.connection.receive() == b"helloworld"


def test_filling_part_of_a_gap_is_acknowledged_at_once():
    with dialogue() as talk:
        talk.established().arrives("A", 7, 1, data=b"g").sends("A", ack=1)
        talk.arrives("A", 1, 1, data=b"abc").sends("A", ack=4)
        talk.arrives("A", 4, 1, data=b"def").sends("A", ack=8)


# -- the window


def test_text_that_straddles_the_left_edge_is_cut():
    with dialogue() as talk:
        talk.established().arrives("A", 1, 1, data=b"abc").arrives("A", 2, 1, data=b"BCdef").sends("A", ack=7)
        assert talk.connection.receive() == b"abcdef"


def test_text_beyond_the_right_edge_is_cut_and_its_fin_too():
    with dialogue(replace(PLAIN, window=10)) as talk:
        talk.established().arrives("FA", 1, 1, data=b"0123456789beyond").sends("A", ack=11, win=0)
        assert talk.state is State.ESTABLISHED
        assert talk.connection.receive() == b"0123456789"
        talk.sends("A", ack=11, win=10)


def test_the_window_opens_in_worthwhile_steps_only():
    with dialogue(replace(PLAIN, window=4000)) as talk:
        talk.established(opts=(options.mss(1000),))
        talk.arrives("A", 1, 1, data=b"x" * 1000).arrives("A", 1001, 1, data=b"x" * 1000).sends("A", win=2000)
        talk.arrives("A", 2001, 1, data=b"x" * 1000).arrives("A", 3001, 1, data=b"x" * 1000).sends("A", win=0)
        talk.connection.receive(500)
        talk.sends_nothing()
        talk.connection.receive(500)
        talk.sends_nothing()
        talk.connection.receive(1000)
        talk.sends("A", ack=4001, win=2000)


def test_the_right_edge_never_moves_left_when_scaled():
    config = replace(PLAIN, wscale=7)
    with dialogue(config) as talk:
        talk.established(opts=(options.wscale(2),))
        edge = 0
        seq = 1
        for length in (1, 3, 100, 1000, 7, 64, 129, 1400):
            for _ in range(2):
                talk.arrives("A", seq, 1, data=b"x" * length)
                seq += length
            segment = talk.sends("A", ack=seq)
            assert seq + (segment.window << 7) >= edge
            edge = seq + (segment.window << 7)


# -- SACK


def test_sack_blocks_latest_first_and_as_many_as_fit():
    with dialogue(SACKING) as talk:
        talk.established(opts=SACK)
        talk.arrives("A", 11, 1, data=b"x" * 5).sends("A", blocks=[(11, 16)])
        talk.arrives("A", 31, 1, data=b"x" * 5).sends("A", blocks=[(31, 36), (11, 16)])
        talk.arrives("A", 21, 1, data=b"x" * 5).sends("A", blocks=[(21, 26), (31, 36), (11, 16)])
        talk.arrives("A", 41, 1, data=b"x" * 5).sends("A", blocks=[(41, 46), (21, 26), (31, 36), (11, 16)])
        talk.arrives("A", 51, 1, data=b"x" * 5).sends("A", blocks=[(51, 56), (41, 46), (21, 26), (31, 36)])
        talk.arrives("A", 16, 1, data=b"x" * 5).sends("A", ack=1, blocks=[(11, 26), (51, 56), (41, 46), (31, 36)])
        talk.arrives("A", 1, 1, data=b"x" * 10).sends("A", ack=26, blocks=[(51, 56), (41, 46), (31, 36)])


def test_with_timestamps_three_blocks_fit():
    with dialogue(replace(SACKING, timestamps=True)) as talk:
        talk.peer_stamp = 1
        talk.established(opts=(*SACK, options.timestamps(1, 0)))
        for seq in (11, 21, 31):
            talk.arrives("A", seq, 1, data=b"x").sends("A")
        talk.arrives("A", 41, 1, data=b"x").sends("A", blocks=[(41, 42), (31, 32), (21, 22)])


def test_text_of_ours_bears_blocks_too_and_is_shorter_by_them():
    with dialogue(SACKING) as talk:
        talk.established(opts=SACK)
        talk.arrives("A", 11, 1, data=b"x" * 5).sends("A", blocks=[(11, 16)])
        talk.arrives("A", 31, 1, data=b"x" * 5).sends("A", blocks=[(31, 36), (11, 16)])
        talk.connection.send(b"y" * 1038, 0.0)
        talk.sends("A", seq=1, len=988, blocks=[(31, 36)])  # RFC 2018 4: in all ACKs
        talk.arrives("A", 41, 989)
        talk.sends("PA", seq=989, len=50, blocks=[(31, 36), (11, 16)])


def test_no_blocks_unless_agreed():
    with dialogue() as talk:
        talk.established(opts=SACK).arrives("A", 11, 1, data=b"x").sends("A", blocks=[])
    with dialogue(SACKING) as talk:
        talk.established().arrives("A", 11, 1, data=b"x").sends("A", blocks=[])


def test_dsack_reports_a_full_duplicate_once():
    with dialogue(SACKING) as talk:
        talk.established(opts=SACK)
        talk.arrives("A", 1, 1, data=b"abc").arrives("A", 4, 1, data=b"def").sends("A", ack=7, blocks=[])
        talk.arrives("A", 1, 1, data=b"abc").sends("A", ack=7, blocks=[(1, 4)])
        talk.arrives("A", 10, 1, data=b"jkl").sends("A", ack=7, blocks=[(10, 13)])


def test_dsack_within_an_island_names_the_island_second():
    with dialogue(SACKING) as talk:
        talk.established(opts=SACK)
        talk.arrives("A", 31, 1, data=b"x" * 5).sends("A")
        talk.arrives("A", 11, 1, data=b"x" * 10).sends("A")
        talk.arrives("A", 13, 1, data=b"x" * 3).sends("A", ack=1, blocks=[(13, 16), (11, 21), (31, 36)])


def test_dsack_of_a_partial_duplicate_names_its_old_part():
    with dialogue(SACKING) as talk:
        talk.established(opts=SACK)
        talk.arrives("A", 1, 1, data=b"abc").after(0.2).sends("A", ack=4)
        talk.arrives("A", 1, 1, data=b"abcdef").sends("A", ack=7, blocks=[(1, 4)])


# -- FIN


def test_fin_is_acknowledged_at_once():
    with dialogue() as talk:
        talk.established().arrives("FPA", 1, 1, data=b"bye").sends("A", seq=1, ack=5)
        assert talk.state is State.CLOSE_WAIT
        assert talk.events() == [DataArrived(3), PeerClosed()]


def test_fin_waits_for_missing_text():
    with dialogue() as talk:
        talk.established().arrives("FA", 4, 1, data=b"def").sends("A", ack=1)
        assert talk.state is State.ESTABLISHED
        talk.arrives("A", 1, 1, data=b"abc").sends("A", ack=8)
        assert talk.state is State.CLOSE_WAIT
        assert talk.connection.receive() == b"abcdef"


def test_an_empty_fin_waits_for_missing_text_too():
    with dialogue() as talk:
        talk.established().arrives("FA", 4, 1).sends("A", ack=1)
        talk.arrives("A", 1, 1, data=b"abc").sends("A", ack=5)
        assert talk.state is State.CLOSE_WAIT


def test_the_first_fin_governs():
    with dialogue() as talk:
        talk.established().arrives("FA", 11, 1).sends("A", ack=1)
        talk.arrives("FA", 6, 1).sends("A", ack=1)
        talk.arrives("A", 1, 1, data=b"0123456789beyond").sends("A", ack=12)
        assert talk.connection.receive() == b"0123456789"


@pytest.mark.parametrize("state", [State.CLOSE_WAIT, State.CLOSING, State.LAST_ACK, State.TIME_WAIT])
def test_after_the_fin_text_is_ignored_and_a_fin_again_is_acknowledged(state):
    with dialogue() as talk:
        talk.in_state(state)
        talk.arrives("A", 2, 1, data=b"late").sends_nothing()
        talk.arrives("FA", 1, 1).sends("A", ack=2)
        talk.arrives("UA", 2, 1, urgent=5).sends_nothing()
        assert talk.state is state
        assert talk.connection.receive() == b""


@pytest.mark.parametrize("state", [State.FIN_WAIT_1, State.FIN_WAIT_2])
def test_text_is_still_taken_after_our_own_fin(state):
    with dialogue() as talk:
        talk.in_state(state).arrives("A", 1, 1, data=b"more").arrives("FA", 5, 2).sends("A", ack=6)
        assert talk.connection.receive() == b"more"
        assert talk.state is State.TIME_WAIT


# -- urgent


def test_urgent_data_is_told_once_and_delivered_in_line():
    with dialogue() as talk:
        talk.established().arrives("UA", 1, 1, data=b"abc", urgent=10)
        talk.arrives("UA", 4, 1, data=b"def", urgent=7).sends("A", ack=7)
        assert [event for event in talk.events() if isinstance(event, UrgentData)] == [UrgentData(add(IRS, 11))]
        assert talk.connection.receive() == b"abcdef"


@pytest.mark.parametrize("urgent", [0, 1, 0xFFFF])
def test_the_urgent_pointer_without_urg_is_nothing(urgent):
    with dialogue() as talk:
        talk.established().arrives("A", 1, 1, data=b"abc", urgent=urgent).after(0.2).sends("A", ack=4)
        assert talk.events() == [DataArrived(3)]
