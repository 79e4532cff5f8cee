"""The congestion window in numbers (RFC 5681, 6582, 6928)."""

from __future__ import annotations

import pytest

from tcpprobe.tcp.congestion import Reno


@pytest.mark.parametrize(("mss", "window"), [(1460, 14600), (536, 5360), (9000, 18000), (2000, 14600)])
def test_initial_window(mss, window):
    assert Reno(mss, None, 0).cwnd == window


def test_slow_start_counts_at_most_two_segments_for_each_ack():
    reno = Reno(1000, 2000, 0)
    reno.acknowledged(3000)
    assert reno.cwnd == 4000
    reno.acknowledged(10)
    assert reno.cwnd == 4010, "dividing ACKs gains nothing"


def test_slow_start_after_a_timeout_counts_one_segment_for_each_ack():
    reno = Reno(1000, 8000, 0)
    reno.expired(8000, 8000, first=True)
    reno.acknowledged(2000)
    assert reno.cwnd == 2000
    reno.acknowledged(2000)
    reno.acknowledged(2000)
    reno.acknowledged(2000)  # in avoidance now
    reno.ssthresh = 20000
    reno.acknowledged(2000)
    assert reno.cwnd == 6000


def test_avoidance_grows_one_segment_a_window():
    reno = Reno(1000, 4000, 0)
    reno.ssthresh = 4000
    for _ in range(4):
        reno.acknowledged(1000)
    assert reno.cwnd == 5000


def test_timeout_and_recovery():
    reno = Reno(1000, 20000, 0)
    reno.expired(20000, 20000, first=True)
    assert (reno.cwnd, reno.ssthresh) == (1000, 10000)
    reno.expired(1000, 20000, first=False)
    assert reno.ssthresh == 10000, "a repeated timeout does not halve again"
    assert not reno.may_recover(19999)
    assert reno.may_recover(20000)


def test_new_reno():
    reno = Reno(1000, 10000, 0)
    reno.enter(10000, 10000, 0, 10000, inflate=True)
    assert (reno.ssthresh, reno.cwnd) == (5000, 8000)
    reno.duplicate()
    assert reno.cwnd == 9000
    reno.partial(2000)
    assert reno.cwnd == 8000
    reno.leave(1000)
    assert (reno.cwnd, reno.recover) == (2000, None)


def test_duplicates_inflate_no_more_than_was_in_flight():
    reno = Reno(1000, 10000, 0)
    reno.enter(10000, 10000, 0, 10000, inflate=True)
    for _ in range(50):
        reno.duplicate()
    assert reno.cwnd == reno.ssthresh + 10000, "RFC 5681 3.2 (MAY)"


def test_the_smallest_threshold_is_two_segments():
    reno = Reno(1000, 10000, 0)
    reno.enter(1000, 1000, 0, 1000, inflate=False)
    assert reno.cwnd == 2000


@pytest.mark.parametrize(
    ("una", "nxt", "window"), [(1, 10001, 4000), (9001, 12001, 4000), (1, 4001, 10000), (10001, 12001, 10000)]
)
def test_a_loss_in_a_large_first_window_makes_the_restart_window_small(una, nxt, window):
    reno = Reno(1000, None, 0)
    reno.enter(nxt - una, nxt - una, una, nxt, inflate=False)
    reno.cwnd = 20000
    reno.idle(nxt)
    assert reno.cwnd == window


def test_a_timeout_in_a_restart_window_makes_the_next_one_small():
    reno = Reno(1000, None, 0)
    reno.cwnd = 20000
    reno.idle(50001)
    reno.expired(8000, 60001, first=True)
    reno.cwnd = 20000
    reno.idle(70001)
    assert reno.cwnd == 4000
