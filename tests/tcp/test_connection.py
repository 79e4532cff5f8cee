"""The user's calls, closing in every order, and segments sent by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import IRS, ISS, PLAIN, dialogue

from tcpprobe.tcp.events import Acknowledged, Closed, Opened, PeerClosed, TimedOut
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import State
from tcpprobe.wire import options
from tcpprobe.wire.flags import parse_flags
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

# -- closing


def test_passive_close():
    with dialogue() as talk:
        talk.last_ack().arrives("A", 2, 2).sends_nothing()
        assert talk.state is State.CLOSED
        assert talk.events()[-1] == Closed()
        talk.arrives("A", 2, 2).sends("R", seq=2)


def test_active_close_and_time_wait_of_two_msl():
    with dialogue() as talk:
        talk.time_wait().after(200).arrives("FA", 1, 2).sends("A", seq=2, ack=2)
        talk.after(239).sends_nothing()
        assert talk.state is State.TIME_WAIT, "a retransmitted FIN restarts it"
        talk.after(1.1)
        assert talk.state is State.CLOSED
        assert talk.events()[-1] == Closed()


def test_fin_that_acknowledges_our_fin_goes_straight_to_time_wait():
    with dialogue() as talk:
        talk.fin_wait_1().arrives("FA", 1, 2).sends("A", seq=2, ack=2)
        assert talk.state is State.TIME_WAIT


def test_simultaneous_close():
    with dialogue() as talk:
        talk.closing().arrives("A", 2, 1).sends_nothing()
        assert talk.state is State.CLOSING
        talk.to_timeout()
        talk.sends("FA", seq=1, ack=2)
        talk.arrives("A", 2, 2).sends_nothing()
        assert talk.state is State.TIME_WAIT


def test_fin_follows_all_queued_data():
    with dialogue() as talk:
        talk.established(win=1500).connection.send(b"x" * 2500, 0.0)
        talk.connection.close(0.0)
        talk.sends("A", seq=1, len=1000)
        talk.sends_nothing()
        assert talk.state is State.ESTABLISHED
        talk.arrives("A", 1, 1001, win=60000).sends("A", seq=1001, len=1000)
        talk.sends("FPA", seq=2001, len=500)
        assert talk.state is State.FIN_WAIT_1


def test_after_the_peers_fin_we_still_send():
    with dialogue() as talk:
        talk.close_wait().connection.send(b"more", 0.0)
        talk.sends("PA", seq=1, data=b"more")
        talk.arrives("A", 2, 5)
        assert Acknowledged(4) in talk.events()


@pytest.mark.parametrize("state", [State.LISTEN, State.SYN_SENT])
def test_close_before_there_is_a_connection(state):
    with dialogue() as talk:
        if state is State.LISTEN:
            talk.listening()
        else:
            talk.connection.open(0.0)
            talk.sends("S")
        talk.connection.close(0.0)
        assert talk.state is State.CLOSED
        assert talk.events() == [Closed()]


def test_close_in_syn_received_sends_fin_at_once():
    with dialogue() as talk:
        talk.syn_received().connection.close(0.0)
        talk.sends("FA", seq=1, ack=1)
        assert talk.state is State.FIN_WAIT_1
        talk.to_timeout()
        talk.sends("SA", seq=0, ack=1)
        talk.arrives("A", 1, 1).sends("FA", seq=1, ack=1)
        talk.arrives("FA", 1, 2).sends("A", seq=2, ack=2)
        assert talk.state is State.TIME_WAIT


def test_close_in_syn_received_with_data_queued_waits_for_established():
    with dialogue() as talk:
        talk.syn_received().connection.send(b"abc", 0.0)
        talk.connection.close(0.0)
        talk.sends_nothing()
        talk.arrives("A", 1, 1).sends("FPA", seq=1, data=b"abc")


@pytest.mark.parametrize(
    ("state", "seq"),  # RFC 9293 3.10.5
    [
        (State.LISTEN, None),
        (State.SYN_RECEIVED, 1),
        (State.ESTABLISHED, 1),
        (State.FIN_WAIT_1, 2),
        (State.FIN_WAIT_2, 2),
        (State.CLOSE_WAIT, 1),
        (State.CLOSING, None),
        (State.LAST_ACK, None),
        (State.TIME_WAIT, None),
    ],
)
def test_abort(state, seq):
    with dialogue() as talk:
        talk.in_state(state).connection.abort(0.0)
        if seq is not None:
            talk.sends("R", seq=seq)
        talk.sends_nothing()
        assert talk.state is State.CLOSED


def test_a_rst_without_ack_echoes_no_timestamp():
    with dialogue(replace(PLAIN, timestamps=True)) as talk:
        talk.peer_stamp = 7
        talk.established(opts=(options.timestamps(7, 0),)).connection.abort(0.0)
        assert talk.sends("R", seq=1).parsed.timestamps[1] == 0  # RFC 7323 3.2


def test_misuse_is_refused():
    with dialogue() as talk:
        with pytest.raises(ValueError, match="send in CLOSED"):
            talk.connection.send(b"x", 0.0)
        talk.established()
        with pytest.raises(ValueError, match="open in ESTABLISHED"):
            talk.connection.open(0.0)
        talk.connection.close(0.0)
        talk.connection.close(0.0)
        with pytest.raises(ValueError, match="send in"):
            talk.connection.send(b"x", 0.0)
        talk.sends("FA")


def test_fin_wait_2_may_be_bounded():
    with dialogue(replace(PLAIN, fin_wait_2=60.0)) as talk:
        talk.fin_wait_2().after(59.0)
        assert talk.state is State.FIN_WAIT_2
        talk.after(2.0)
        assert talk.state is State.CLOSED


def test_an_active_opener_that_hears_no_more_after_the_handshake_probes_too():
    with dialogue(replace(PLAIN, keep_alive=100.0)) as talk:
        talk.connection.open(0.0)
        talk.sends("S")
        talk.arrives("SA", 0, 1).sends("A", seq=1)
        assert talk.to_timeout() == 100.0
        talk.sends("A", seq=0, ack=1)


def test_no_keep_alive_while_data_is_outstanding():
    with dialogue(replace(PLAIN, keep_alive=10.0)) as talk:
        talk.established().arrives("A", 1, 1).connection.send(b"x", talk.now)
        talk.after(20.0)
        for _ in range(5):  # after 0, 1, 3, 7 and 15 seconds
            talk.sends("PA", seq=1)
        talk.sends_nothing()
        talk.arrives("A", 1, 2)
        assert talk.to_timeout() == 10.0
        talk.sends("A", seq=1, len=0)


def test_a_rst_out_of_the_blue_does_not_put_the_keep_alive_off():
    with dialogue(replace(PLAIN, keep_alive=10.0)) as talk:
        talk.established().arrives("A", 1, 1).after(5.0)
        talk.arrives("R", 100000)
        assert talk.to_timeout() == 5.0
        talk.sends("A", seq=0, len=0)


def test_keep_alive_is_off_by_default_and_gives_up_when_on():
    with dialogue() as talk:
        talk.established().after(100000.0).sends_nothing()
    with dialogue(replace(PLAIN, keep_alive=7200.0)) as talk:
        talk.established().arrives("A", 1, 1)
        assert talk.to_timeout() == pytest.approx(7200.0)
        talk.sends("A", seq=0, len=0)
        talk.arrives("A", 1, 1)
        assert talk.to_timeout() == pytest.approx(7200.0)
        while talk.state is State.ESTABLISHED:
            talk.sends("A", seq=0)
            talk.to_timeout()
        assert talk.events() == [TimedOut()]


# -- by hand


def note(talk, flags, seq, ack=None, data=b"", **fields):
    """A hand-made segment in our relative numbers goes out past the connection."""
    tcb = talk.connection.tcb
    number = 0 if ack is None else add(IRS, ack)
    segment = Segment(
        tcb.local[1],
        tcb.remote[1],
        add(ISS, seq),
        number,
        parse_flags(flags),
        fields.pop("window", 60000),
        payload=data,
        **fields,
    )
    talk.connection.note_sent(segment, talk.now)


def sent(talk):
    """SND.NXT, relative."""
    return diff(talk.connection.tcb.snd.nxt, talk.connection.tcb.iss)


def by_hand():
    """A dialogue with a connection that is driven by hand."""
    return dialogue(reflexes=Reflexes.NONE)


def test_a_handshake_by_hand_as_active_opener():
    with by_hand() as talk:
        note(talk, "S", 5000, options=options.encode_options([options.mss(700)]))
        assert (talk.state, talk.connection.tcb.iss, sent(talk)) == (State.SYN_SENT, add(ISS, 5000), 1)
        talk.arrives("SA", 0, 5001, opts=(options.mss(900),))
        assert talk.state is State.ESTABLISHED
        assert talk.connection.tcb.snd.mss == 900
        assert talk.events() == [Opened()]


def test_by_hand_the_clock_of_timestamps_is_that_of_what_was_sent():
    """Not of a segment that was only formed: what comes next is not older than the last one sent."""
    with by_hand() as talk:
        note(talk, "S", 0, options=options.encode_options([options.timestamps(0xFFFFFFF0, 0)]))
        talk.arrives("SA", 0, 1, opts=(options.timestamps(7, 0xFFFFFFF0),))
        talk.connection.form(add(ISS, 1), parse_flags("A"))
        for seq, stamp, after in ((1, 0xFFFFFFFE, 6), (6, 1, 11), (11, 0xFFFFFFFE, 11)):
            note(talk, "PA", seq, 1, b"hello", options=options.encode_options([options.timestamps(stamp, 7)]))
            assert sent(talk) == after


def test_a_handshake_by_hand_as_passive_opener():
    with by_hand() as talk:
        talk.listening().arrives("S", 0)
        assert talk.state is State.SYN_RECEIVED
        note(talk, "SA", 0, 1)
        talk.arrives("A", 1, 1)
        assert talk.state is State.ESTABLISHED


def test_data_and_fin_by_hand_move_numbers_and_state():
    with dialogue() as talk:
        talk.established().connection.reflexes = Reflexes.NONE
        note(talk, "PA", 1, 1, b"hello")
        assert sent(talk) == 6
        note(talk, "PA", 1, 1, b"hello!!")
        assert sent(talk) == 8, "a retransmission with more to it"
        note(talk, "PA", 3, 1, b"l")
        assert sent(talk) == 8
        note(talk, "FA", 8, 1)
        assert (sent(talk), talk.state) == (9, State.FIN_WAIT_1)
        talk.arrives("A", 1, 9)
        assert talk.state is State.FIN_WAIT_2
        talk.after(500).sends_nothing()


@pytest.mark.parametrize(
    ("flags", "seq", "ack", "fields"),
    [
        ("PA", 2, 1, {}),  # beyond SND.NXT
        ("RA", 1, 1, {}),
        ("P", 1, None, {}),  # without ACK
        ("PA", 1, 2, {}),  # acknowledges what the peer never sent
        ("S", 1, None, {}),
        ("SA", 1, 1, {}),
        ("PA", 1, 1, {"checksum": 0}),
        ("PA", 1, 1, {"data_offset": 4}),
    ],
)
def test_what_a_sound_peer_drops_moves_nothing(flags, seq, ack, fields):
    with dialogue() as talk:
        talk.established().connection.reflexes = Reflexes.NONE
        note(talk, flags, seq, ack, b"data", **fields)
        assert (sent(talk), talk.state) == (1, State.ESTABLISHED)


def test_hand_made_data_is_repeated_once_the_reflexes_are_back():
    with dialogue() as talk:
        talk.established().connection.reflexes = Reflexes.NONE
        note(talk, "PA", 1, 1, b"hello")
        talk.sends_nothing().connection.reflexes = Reflexes.ALL
        talk.sends_nothing().to_timeout()
        talk.sends("PA", seq=1, data=b"hello")


def test_a_window_by_hand_is_what_the_peer_was_offered():
    with dialogue() as talk:
        talk.established().connection.reflexes = Reflexes.NONE
        note(talk, "A", 1, 1, window=0)
        talk.arrives("A", 1, 1, data=b"probe")
        assert talk.connection.tcb.rcv.nxt == add(IRS, 1)
        note(talk, "A", 1, 1, window=500)
        talk.arrives("A", 1, 1, data=b"probe")
        assert talk.connection.tcb.rcv.nxt == add(IRS, 6)
        assert PeerClosed() not in talk.events()


def test_a_syn_by_hand_after_another_renumbers():
    with by_hand() as talk:
        note(talk, "S", 0)
        note(talk, "S", 9000)
        talk.arrives("SA", 0, 9001)
        assert talk.state is State.ESTABLISHED


def test_an_old_timestamp_by_hand_moves_nothing():
    with dialogue(replace(PLAIN, timestamps=True)) as talk:
        talk.now = 5000.0
        talk.peer_stamp = 1
        talk.established(opts=(options.timestamps(1, 0),)).connection.reflexes = Reflexes.NONE
        stamp = talk.connection.last_stamp
        for value, moved in ((add(stamp, -1000), 1), (stamp, 6), (add(stamp, 5), 11)):
            raw = options.encode_options([options.nop(), options.nop(), options.timestamps(value, 1)])
            note(talk, "PA", sent(talk), 1, b"hello", options=raw)
            assert sent(talk) == moved
