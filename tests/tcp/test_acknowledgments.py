"""The ACK field in synchronized states (RFC 9293 3.10.7.4, fifth; RFC 5961 5)."""

from __future__ import annotations

import pytest
from dialogue import IRS, dialogue

from tcpprobe.tcp.events import Acknowledged
from tcpprobe.tcp.state import State
from tcpprobe.wire.seq import add

SPEAKING = [State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2]


@pytest.mark.parametrize("state", SPEAKING)
def test_an_ack_of_unsent_data_draws_an_ack_and_its_data_is_dropped(state):
    with dialogue() as talk:
        talk.in_state(state)
        numbers = talk.connection.tcb.snd.nxt, talk.connection.tcb.rcv.nxt
        talk.arrives("A", 1, 9000, data=b"data").sends("A", raw_seq=numbers[0], raw_ack=numbers[1])
        assert (talk.state, talk.connection.tcb.rcv.nxt) == (state, add(IRS, 1))


def test_an_ancient_ack_draws_an_ack_and_its_data_is_dropped():
    with dialogue() as talk:
        talk.established().arrives("A", 1, -60005, data=b"data").sends("A", seq=1, ack=1)
        assert talk.connection.receive() == b""


def test_the_data_with_an_old_ack_is_taken():
    with dialogue() as talk:
        talk.established().arrives("A", 1, -59000, data=b"data").after(0.2).sends("A", ack=5)
        assert talk.connection.receive() == b"data"


def test_part_of_a_segment_may_be_acknowledged_and_only_the_rest_is_repeated():
    with dialogue() as talk:
        talk.established().connection.send(b"hello", 0.0)
        talk.sends("PA", seq=1)
        talk.arrives("A", 1, 3)
        assert talk.events() == [Acknowledged(2)]
        talk.to_timeout() if talk.connection.deadlines else talk.sends_nothing().to_timeout()
        talk.sends("PA", seq=3, data=b"llo")


def test_a_duplicate_ack_is_ignored():
    with dialogue() as talk:
        talk.established().connection.send(b"hello", 0.0)
        talk.sends("PA")
        talk.arrives("A", 1, 1).arrives("A", 1, 6).arrives("A", 1, 6).arrives("A", 1, 1).sends_nothing()
        assert talk.events() == [Acknowledged(5)]


def test_an_ack_short_of_our_fin_does_not_move_on():
    with dialogue() as talk:
        talk.established().connection.send(b"bye", 0.0)
        talk.connection.close(0.0)
        talk.sends("FPA")
        talk.arrives("A", 1, 4).sends_nothing()
        assert talk.state is State.FIN_WAIT_1
        talk.arrives("A", 1, 5).sends_nothing()
        assert talk.state is State.FIN_WAIT_2
