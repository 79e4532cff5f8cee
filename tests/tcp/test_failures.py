"""When the peer does not answer: R1, R2, the user timeout (RFC 9293 3.8.3), and paths that swallow large packets."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from dialogue import ISS, PLAIN, dialogue

from tcpprobe.tcp.events import DeliveryProblem, TimedOut
from tcpprobe.tcp.state import State
from tcpprobe.wire import options


def test_the_user_hears_of_a_problem_after_three_retransmissions_and_once():
    with dialogue() as talk:
        talk.established().connection.send(b"a", 0.0)
        talk.sends("PA")
        for _ in range(3):
            talk.to_timeout()
            talk.sends("PA")
        assert talk.events() == []
        talk.to_timeout()
        talk.sends("PA")
        assert talk.events() == [DeliveryProblem()]
        talk.to_timeout()
        talk.sends("PA")
        assert talk.events() == []


@pytest.mark.parametrize(("timeout", "longest"), [(5.0, 8.0), (300.0, 360.0)])
def test_the_user_timeout_replaces_r2(timeout, longest):
    with dialogue(replace(PLAIN, user_timeout=timeout)) as talk:
        talk.established().connection.send(b"a", 0.0)
        while talk.state is State.ESTABLISHED:
            talk.sends("PA", seq=1)
            talk.to_timeout()
        assert timeout <= talk.now <= longest
        assert talk.events()[-1] == TimedOut()


def test_the_user_timeout_counts_for_the_syn_too():
    with dialogue(replace(PLAIN, user_timeout=5.0)) as talk:
        talk.connection.open(0.0)
        while talk.state is State.SYN_SENT:
            talk.sends("S")
            talk.to_timeout()
        assert talk.now == pytest.approx(7.0)


def test_unanswered_probes_end_at_the_user_timeout():
    with dialogue(replace(PLAIN, user_timeout=5.0)) as talk:
        talk.established(win=0).connection.send(b"a", 0.0)
        while talk.state is State.ESTABLISHED:
            talk.to_timeout()
            talk.ignores_the_rest()
        assert 5 <= talk.now < 20


def test_an_infinite_user_timeout_never_gives_up():
    with dialogue(replace(PLAIN, user_timeout=inf)) as talk:
        talk.established().connection.send(b"a", 0.0)
        for _ in range(30):
            talk.sends("PA", seq=1)
            talk.to_timeout()
        assert talk.now > 1000
        talk.sends("PA", seq=1)


def test_smaller_segments_are_tried_where_full_ones_vanish():
    with dialogue() as talk:
        talk.established(opts=(options.mss(1460),)).connection.send(b"x" * 3000, 0.0)
        talk.ignores_the_rest()
        sizes = []
        for _ in range(6):
            talk.to_timeout()
            sizes.append(len(talk.sends("A", seq=1).payload))
            talk.ignores_the_rest()
        assert sizes == [1460, 1460, 1460, 1160, 536, 536]
        talk.arrives("A", 1, 1461)
        assert len(talk.sends("A", seq=1461).payload) == 536
        talk.connection.abort(talk.now)
        talk.ignores_the_rest()


def test_the_congestion_window_shrinks_with_the_segments():
    with dialogue() as talk:
        talk.established(opts=(options.mss(1460),)).connection.send(b"x" * 50000, 0.0)
        talk.ignores_the_rest()
        talk.connection.error_arrives("frag-needed", ISS + 1, 576, 0.0)
        assert talk.connection.congestion.cwnd == 10 * 536  # RFC 5681 3.1
        talk.ignores_the_rest()
        talk.to_timeout()
        talk.sends("A", seq=1, len=536)  # and the loss window is one segment of the new size
        talk.arrives("A", 1, 537)
        talk.sends("A", seq=537, len=536)
        talk.sends("A", seq=1073, len=388)


def test_a_small_segment_says_nothing_of_the_path():
    with dialogue() as talk:
        talk.established(opts=(options.mss(1460),)).connection.send(b"x" * 1000, 0.0)
        talk.sends("PA")
        for _ in range(6):
            talk.to_timeout()
            talk.sends("PA", len=1000)
        assert talk.connection.tcb.snd.mss == 1460


def test_window_probes_say_nothing_of_the_path():
    with dialogue() as talk:
        talk.established(opts=(options.mss(1460),)).connection.send(b"x" * 1460, 0.0)
        talk.sends("PA", len=1460)
        talk.arrives("A", 1, 1, win=0)
        for _ in range(5):
            talk.to_timeout()
            talk.sends("A", seq=1, len=1)
            talk.arrives("A", 1, 1, win=0)
        talk.arrives("A", 1, 1, win=60000)
        talk.sends("PA", seq=1, len=1460)
        talk.events()
        for _ in range(3):
            talk.to_timeout()
            talk.sends("PA", seq=1, len=1460)
        assert talk.events() == []
        talk.to_timeout()
        talk.sends("A", seq=1, len=1160)
        assert talk.events() == [DeliveryProblem()]
        talk.ignores_the_rest()
