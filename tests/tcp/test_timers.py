"""RFC 6298 in numbers."""

from __future__ import annotations

import pytest

from tcpprobe.tcp.timers import Rto


def test_before_the_first_sample_one_second():
    assert Rto(1.0, 1.0, 60.0, 0.001).value == 1.0


def test_first_and_later_samples():
    rto = Rto(1.0, 0.0, 60.0, 0.001)
    rto.sample(0.4)
    assert (rto.srtt, rto.rttvar, rto.value) == pytest.approx((0.4, 0.2, 1.2))
    rto.sample(0.8)
    assert (rto.srtt, rto.rttvar) == pytest.approx((0.45, 0.25))
    assert rto.value == pytest.approx(1.45)


def test_bounds_and_granularity():
    rto = Rto(1.0, 1.0, 60.0, 0.1)
    rto.sample(0.001)
    assert rto.value == 1.0
    rto.sample(100.0)
    assert rto.value == 60.0
    steady = Rto(1.0, 0.0, 60.0, 0.1)
    for _ in range(200):
        steady.sample(0.5)
    assert steady.value == pytest.approx(0.6), "G when the variation is smaller (RFC 6298 4)"


def test_backoff_doubles_to_the_cap_and_ends_with_a_sample():
    rto = Rto(1.0, 1.0, 60.0, 0.001)
    seen = []
    for _ in range(8):
        rto.back_off()
        seen.append(rto.value)
    assert seen == [2, 4, 8, 16, 32, 60, 60, 60]
    rto.sample(0.1)
    assert rto.value == 1.0


def test_after_a_lost_syn_three_seconds():
    rto = Rto(1.0, 1.0, 60.0, 0.001)
    rto.after_lost_syn()
    assert rto.value == 3.0
