"""The transition table as a whole."""

from __future__ import annotations

from tcpprobe.tcp.state import MOVES, SYNCHRONIZED, Move, State


def test_every_state_is_reached_and_left():
    assert set(MOVES.values()) == set(State)
    assert {before for before, _ in MOVES} == set(State)


def test_deleting_always_closes():
    assert {MOVES[state, Move.DELETE] for state in State} == {State.CLOSED}


def test_the_names_are_those_of_the_rfc():
    assert [str(state) for state in State][2:4] == ["SYN-SENT", "SYN-RECEIVED"]
    assert State.SYN_RECEIVED not in SYNCHRONIZED
