"""The retransmission queue and its scoreboard."""

from __future__ import annotations

import pytest

from tcpprobe.tcp.flight import Flight, Sent
from tcpprobe.wire.flags import FIN, SYN


def flight(count=6, size=100):
    """``count`` segments from number 0, sent at 0.0, 1.0, …"""
    made = Flight()
    for index in range(count):
        made.add(Sent(index * size, (index + 1) * size, 0, float(index)))
    return made


def test_acknowledging_gives_the_newest_time_unless_something_was_repeated():
    made = flight()
    assert made.acknowledge(200) == 1.0
    made.repeat(made.head, 9.0)
    assert made.acknowledge(400) is None
    assert made.acknowledge(450) is None
    assert made.head.seq == 450


def test_a_partly_acknowledged_syn_is_no_syn_any_more():
    made = Flight()
    made.add(Sent(0, 11, SYN, 0.0))
    made.acknowledge(1)
    assert (made.head.seq, made.head.flags) == (1, 0)


def test_pipe_leaves_out_what_is_sacked_or_lost():
    made = flight()
    assert made.pipe(0, 600) == 600
    assert made.sack([(200, 400)], 0, 600) == 200
    assert made.sack([(200, 400)], 0, 600) == 0
    assert made.pipe(0, 600) == 400
    made.mark_lost(made.head)
    assert made.pipe(0, 600) == 300
    made.repeat(made.head, 7.0)
    assert made.pipe(0, 600) == 400
    made.acknowledge(600)
    assert made.pipe(600, 600) == 0


@pytest.mark.parametrize("block", [(0, 50), (-100, 100), (400, 200), (500, 700), (200, 200)])
def test_blocks_that_hold_no_segment_say_nothing(block):
    assert flight().sack([block], 0, 600) == 0


@pytest.mark.parametrize(
    ("blocks", "lost"),
    [
        ([(100, 200)], []),
        ([(100, 300)], []),
        ([(100, 400)], [0]),
        ([(100, 200), (300, 400), (500, 600)], [0]),
        ([(300, 600)], [0, 100, 200]),
    ],
)
def test_is_lost_after_three_segments_or_stretches(blocks, lost):
    made = flight()
    made.sack(blocks, 0, 600)
    assert made.find_losses(100) is bool(lost)
    assert [sent.seq for sent in made if sent.lost] == lost


def test_a_timeout_loses_everything_but_the_sacked_and_reneging_forgets():
    made = flight()
    made.sack([(100, 300)], 0, 600)
    made.mark_all_lost()
    assert [sent.seq for sent in made if sent.lost] == [0, 300, 400, 500]
    made.acknowledge(100)
    made.mark_all_lost()
    assert [sent.seq for sent in made if sent.lost] == [100, 200, 300, 400, 500]
    assert made.pipe(100, 600) == 0


def test_splitting_keeps_the_fin_at_the_end():
    made = Flight()
    made.add(Sent(0, 101, FIN, 0.0))
    made.split(made.head, 60)
    assert [(sent.seq, sent.end, sent.flags) for sent in made] == [(0, 60, 0), (60, 101, FIN)]
