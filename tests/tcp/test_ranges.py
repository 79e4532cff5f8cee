"""Reassembly against a simple model."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.tcp.ranges import MOST, SACK_MOST, Reassembly
from tcpprobe.wire.seq import add, diff

BASE = 0xFFFFFFE0
PIECES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=12)


@given(PIECES)
def test_islands_are_what_was_inserted_first_come_first_kept(pieces):
    held: dict[int, int] = {}
    reassembly = Reassembly()
    for index, (start, length) in enumerate(pieces):
        had = {at for at in range(start, start + length) if at in held}
        duplicate = reassembly.insert(BASE, add(BASE, start), bytes([index]) * length)
        assert (duplicate is not None) == bool(had)
        if duplicate is not None:
            left, right = (diff(edge, BASE) for edge in duplicate)
            assert left == min(had)
            assert set(range(left, right)) <= had
        for at in range(start, start + length):
            held.setdefault(at, index)
        assert add(BASE, start) in [left for left, _ in reassembly.blocks()[:1]] or _inside(reassembly, start)
    islands = [(diff(island.left, BASE), bytes(island.data)) for island in reassembly.islands]
    assert {at + i: byte for at, data in islands for i, byte in enumerate(data)} == held
    assert all(a + len(data) < b for (a, data), (b, _) in itertools.pairwise(islands))
    assert sorted(map(id, reassembly.recent)) == sorted(map(id, reassembly.islands))
    assert reassembly.blocks() == [(island.left, island.right) for island in reassembly.recent[:SACK_MOST]]


def _inside(reassembly, start):
    left, right = (diff(edge, BASE) for edge in reassembly.blocks()[0])
    return left <= start < right


def test_take_gives_only_what_is_next():
    reassembly = Reassembly()
    reassembly.insert(10, 12, b"cd")
    assert reassembly.take(10) == b""
    reassembly.insert(10, 10, b"ab")
    assert reassembly.take(10) == b"abcd"
    assert reassembly.blocks() == []


def test_around_finds_the_island():
    reassembly = Reassembly()
    reassembly.insert(0, 10, b"0123456789")
    assert reassembly.around(15) == (10, 20)
    assert reassembly.around(20) is None


def test_every_other_byte_is_not_held_for_ever():
    reassembly = Reassembly()
    for number in range(MOST + 10):
        reassembly.insert(0, 10 + 2 * number, b"x")
    assert len(reassembly.islands) == MOST
    assert reassembly.insert(0, 11, b"y") is None  # what joins two is held
    assert len(reassembly.islands) == MOST - 1
    reassembly.insert(0, 10 + 2 * MOST, b"x")
    reassembly.insert(0, 0, b"z")  # and so is what comes next
    assert reassembly.take(0) == b"z"
