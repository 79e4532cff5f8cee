"""The ladder in plain text."""

from __future__ import annotations

import pytest

from tcpprobe.report.ladder import rungs, text_ladder

from .sample import christmas_tree, path_mtu, poisoned, skipped, timer_doubles, two_connections


def test_what_is_sent_again_is_marked() -> None:
    assert [rung.note for rung in rungs(timer_doubles())][-4:] == [
        "met, step 2",
        "again, met, step 3",
        "again, met, step 4",
        "",
    ]


def test_two_connections_are_told_apart() -> None:
    ladder = text_ladder(two_connections())
    assert ladder[0].split() == ["10.77.0.1", "10.77.0.2"]
    assert any("a: [PA] seq 1 ack 6" in line for line in ladder)
    assert any("b: [FA] seq 1 ack 2" in line for line in ladder)


def test_ipv6_and_icmp() -> None:
    ladder = text_ladder(path_mtu())
    assert "[2001:db8::1]:40007" in ladder[0]
    assert any("ICMP packet-too-big mtu 1280" in line for line in ladder)


def test_an_event_is_no_arrow() -> None:
    assert text_ladder(christmas_tree("F"))[-1] == "   700 ms · silence kept for 700 ms"


def test_no_packets_no_ladder() -> None:
    assert text_ladder(skipped()) == []


@pytest.mark.parametrize("width", [72, 80, 132])
def test_the_poles_stand_straight(width: int) -> None:
    for result in (timer_doubles(), two_connections(), poisoned()):
        lines = text_ladder(result, width)
        assert max(map(len, lines)) <= width
        arrows = [line for line in lines if "->|" in line or "|<-" in line]
        poles = [{at for at, char in enumerate(line) if char == "|"} for line in arrows]
        assert len(set.intersection(*poles)) == 2
