"""Urgent data both ways: RFC 9293 3.8.5, RFC 6093. The data stays in line, only the pointer is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import IRS, PLAIN, dialogue

from tcpprobe.tcp.events import UrgentData
from tcpprobe.wire.seq import add

NO_NAGLE = replace(PLAIN, nagle=False)


def told(talk):
    """The urgent pointers the user was told of, relative to the peer's SYN."""
    return [event.pointer for event in talk.events() if isinstance(event, UrgentData)]


# -- sending


def test_the_pointer_is_after_the_urgent_data_and_later_data_bears_none():
    with dialogue(NO_NAGLE) as talk:
        talk.established().connection.send(b"abc", 0.0, urgent=True)
        talk.connection.send(b"def", 0.0)
        assert talk.sends("PAU", seq=1, data=b"abcdef").urgent == 3
        talk.connection.send(b"ghi", 0.0)
        talk.sends("PA", seq=7, data=b"ghi")
        talk.arrives("A")


def test_every_segment_before_the_end_of_the_urgent_data_bears_urg():
    with dialogue(NO_NAGLE) as talk:
        talk.established().connection.send(b"x" * 2500, 0.0, urgent=True)
        assert [talk.sends(flags, len=size).urgent for flags, size in (("AU", 1000), ("AU", 1000), ("PAU", 500))] == [
            2500,
            1500,
            500,
        ]
        talk.to_timeout()
        assert talk.sends("AU", seq=1).urgent == 2500, "a retransmission too"
        talk.arrives("A")
        assert not talk.connection.urgent


def test_urgent_data_may_be_longer_than_the_field():
    with dialogue(replace(NO_NAGLE, initial_window=10**6)) as talk:
        talk.established(win=3000).connection.send(b"x" * 70000, 0.0, urgent=True)
        for _ in range(3):
            assert talk.sends("AU", len=1000).urgent == 65535  # MUST-31
        talk.arrives("A", 1, 3001, win=3000)
        talk.sends("AU", seq=3001, len=1000)
        talk.sends("AU", seq=4001, len=1000)
        assert talk.sends("AU", seq=5001, len=1000).urgent == 65000
        talk.connection.abort(0.0)
        talk.sends("R")


def test_a_peer_with_a_closed_window_hears_of_urgent_data_at_once():
    with dialogue() as talk:
        talk.established(win=0).connection.send(b"abc", 0.0, urgent=True)
        assert talk.sends("AU", seq=1, len=0).urgent == 3
        talk.to_timeout()
        assert talk.sends("AU", seq=1, data=b"a").urgent == 3
        talk.arrives("A", win=0)


def test_an_acknowledgment_after_the_urgent_data_bears_no_urg():
    with dialogue() as talk:
        talk.established().connection.send(b"abc", 0.0, urgent=True)
        talk.sends("PAU")
        talk.arrives("PA", 1, 1, data=b"x").after(0.2).sends("A", ack=2)
        talk.arrives("A", 2)


def test_urgent_data_of_no_length_is_refused():
    with dialogue() as talk, pytest.raises(ValueError, match="at least one octet"):
        talk.established().connection.send(b"", 0.0, urgent=True)


def test_urgent_data_queued_before_the_connection_opens():
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.connection.send(b"abc", 0.0, urgent=True)
        talk.sends("S", seq=0)
        talk.arrives("SA", 0, 1)
        assert talk.sends("PAU", seq=1, data=b"abc").urgent == 3
        talk.arrives("A")


# -- receiving


def test_the_user_is_told_whenever_the_pointer_advances():
    with dialogue() as talk:
        talk.established().arrives("UA", 1, 1, data=b"abc", urgent=10)
        talk.arrives("UA", 4, 1, data=b"def", urgent=20).sends("A", ack=7)
        assert told(talk) == [add(IRS, 11), add(IRS, 24)]  # MUST-32
        talk.arrives("UA", 7, 1, data=b"g", urgent=2).after(0.2).sends("A", ack=8)
        assert told(talk) == [], "it cannot recede"


def test_how_much_urgent_data_is_left_to_read():
    with dialogue() as talk:
        talk.established().arrives("UA", 1, 1, data=b"abcdef", urgent=4).after(0.2).sends("A")
        assert talk.connection.urgent_left == 4  # MUST-33
        assert talk.connection.receive(3) == b"abc"
        assert talk.connection.urgent_left == 1
        assert talk.connection.receive() == b"def"
        assert talk.connection.urgent_left == 0


def test_a_new_pointer_after_reading_is_told_again():
    with dialogue() as talk:
        talk.established().arrives("UA", 1, 1, data=b"abc", urgent=3).after(0.2).sends("A")
        talk.connection.receive()
        talk.arrives("UA", 4, 1, data=b"def", urgent=3).after(0.2).sends("A")
        assert told(talk) == [add(IRS, 4), add(IRS, 7)]


def test_a_closed_window_does_not_hide_the_pointer():
    with dialogue(replace(PLAIN, window=1000)) as talk:
        talk.established().arrives("A", 1, 1, data=b"x" * 1000).after(0.2).sends("A", ack=1001, win=0)
        talk.arrives("UA", 1001, 1, data=b"y", urgent=50).sends("A", ack=1001, win=0)
        assert told(talk) == [add(IRS, 1051)]  # MUST-66


def test_a_pointer_is_new_however_much_has_been_received_since_the_last():
    with dialogue() as talk:
        talk.established()
        rcv = talk.connection.tcb.rcv
        rcv.nxt = add(rcv.nxt, 3 << 30)  # more than half of the sequence space: RCV.UP was never moved
        talk.arrives("UA", 1 + (3 << 30), 1, data=b"abc", urgent=3).after(0.2).sends("A")
        assert told(talk) == [add(IRS, 4 + (3 << 30))]
