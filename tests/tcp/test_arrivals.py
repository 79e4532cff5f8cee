"""RFC 9293 3.10.7, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import BUILDERS, ISS, LOCAL, PLAIN, REMOTE, dialogue

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.events import Opened, PeerClosed, Reset
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import SYNCHRONIZED, State
from tcpprobe.wire import options
from tcpprobe.wire.ip import Packet, decode, encode
from tcpprobe.wire.segment import Segment

OPEN_STATES = [state for state in BUILDERS if state is not State.LISTEN]
SYNC_STATES = [state for state in OPEN_STATES if state in SYNCHRONIZED]
STAMPED = replace(PLAIN, timestamps=True)


# -- 3.10.7.1 CLOSED


@pytest.mark.parametrize(
    ("flags", "data", "acknowledged"),
    [("S", b"", 1), ("F", b"", 1), ("SF", b"", 2), ("", b"", 0), ("", b"abc", 3), ("SFPU", b"abc", 5), ("FPU", b"", 1)],
)
def test_closed_answers_without_ack_by_rst_ack_counting_everything(flags, data, acknowledged):
    with dialogue() as talk:
        talk.arrives(flags, 100, data=data).sends("RA", raw_seq=0, ack=100 + acknowledged, win=0)


@pytest.mark.parametrize("flags", ["A", "SA", "FA", "PA", "FPUA"])
def test_closed_answers_ack_by_a_rst_at_its_acknowledgment(flags):
    with dialogue() as talk:
        talk.arrives(flags, 100, 77, data=b"x").sends("R", seq=77, len=0)


@pytest.mark.parametrize("flags", ["R", "RA", "SR", "FSRPAU"])
def test_closed_discards_rst(flags):
    with dialogue() as talk:
        talk.arrives(flags, 100, 77).sends_nothing()


def test_a_rst_echoes_the_timestamp_of_its_cause():
    with dialogue() as talk:
        reset = talk.arrives("S", 0, opts=(options.timestamps(5, 0),)).sends("RA")
        assert reset.parsed.timestamps == (0, 5)


# -- 3.10.7.2 LISTEN


@pytest.mark.parametrize("flags", ["R", "RA", "SR", "FSRPAU"])
def test_listen_ignores_rst(flags):
    with dialogue() as talk:
        talk.listening().arrives(flags).sends_nothing()
        assert talk.state is State.LISTEN


@pytest.mark.parametrize("flags", ["A", "SA", "FA", "PA", "FPUA"])
def test_listen_answers_ack_with_rst(flags):
    with dialogue() as talk:
        talk.listening().arrives(flags, 5, 77, data=b"x").sends("R", seq=77)
        assert talk.state is State.LISTEN


@pytest.mark.parametrize("flags", ["", "F", "FPU", "PU", "U", "P", "EC"])
def test_listen_drops_what_has_neither_rst_ack_nor_syn(flags):
    with dialogue() as talk:
        talk.listening().arrives(flags, data=b"x").sends_nothing()
        assert talk.state is State.LISTEN


@pytest.mark.parametrize("flags", ["S", "SF", "SP", "SU", "SFPU"])
def test_listen_answers_syn_whatever_is_with_it(flags):
    with dialogue() as talk:
        talk.listening().arrives(flags, 0, data=b"hello").sends("SA", seq=0, ack=1, len=0)
        assert talk.state is State.SYN_RECEIVED
        assert talk.connection.receive() == b""


# -- 3.10.7.3 SYN-SENT


def test_active_open():
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.sends("S", seq=0)
        talk.arrives("SA", 0, 1).sends("A", seq=1, ack=1)
        assert talk.state is State.ESTABLISHED
        assert talk.events() == [Opened()]


@pytest.mark.parametrize("ack", [0, -1, 2, 1000])
def test_syn_sent_answers_a_bad_ack_with_rst_and_stays(ack):
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.sends("S")
        talk.arrives("SA", 0, ack).sends("R", seq=ack)
        talk.arrives("RA", 0, ack).sends_nothing()
        talk.arrives("SA", 0, 1).sends("A")
        assert talk.state is State.ESTABLISHED


def test_syn_sent_rst_counts_only_with_a_good_ack():
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.sends("S")
        talk.arrives("R", 0)
        assert talk.state is State.SYN_SENT
        talk.arrives("RA", 0, 1)
        assert talk.state is State.CLOSED
        assert talk.events() == [Reset()]


def test_syn_sent_drops_what_is_neither_syn_nor_rst():
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.sends("S")
        talk.arrives("A", 0, 1).arrives("F", 0).arrives("", 0).sends_nothing()
        assert talk.state is State.SYN_SENT


def test_text_and_fin_on_the_syn_ack_are_taken():
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.sends("S")
        talk.arrives("SFA", 0, 1, data=b"hi").sends("A", seq=1, ack=4)
        assert talk.state is State.CLOSE_WAIT
        assert talk.connection.receive() == b"hi"


def test_simultaneous_open_figure_8():
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.sends("S", seq=0)
        talk.arrives("S", 0).sends("SA", seq=0, ack=1)
        assert talk.state is State.SYN_RECEIVED
        talk.arrives("SA", 0, 1).sends("A", seq=1, ack=1)
        assert talk.state is State.ESTABLISHED


def test_simultaneous_open_completed_by_a_plain_ack():
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.sends("S")
        talk.arrives("S", 0).sends("SA")
        talk.arrives("A", 1, 1).sends_nothing()
        assert talk.state is State.ESTABLISHED
        assert talk.connection.rto.value == 1.0, "RFC 6298 5.7 is for a SYN whose timer expired"


def test_a_rst_refuses_an_active_open_in_syn_received():
    with dialogue() as talk:
        talk.connection.open(0.0)
        talk.sends("S")
        talk.arrives("S", 0).sends("SA")
        talk.arrives("R", 1)
        assert talk.state is State.CLOSED
        assert talk.events() == [Reset()]


# -- 3.10.7.4 SYN-RECEIVED


def test_the_same_syn_again_draws_the_same_syn_ack():
    with dialogue() as talk:
        first = talk.syn_received()
        again = first.arrives("S", 0, opts=(options.mss(1000),)).sends("SA", seq=0, ack=1)
        assert again.options
        talk.arrives("A", 1, 1)
        assert talk.state is State.ESTABLISHED


def test_another_syn_in_the_window_goes_back_to_listen():
    with dialogue() as talk:
        talk.syn_received().arrives("S", 500).sends_nothing()
        assert talk.state is State.LISTEN
        talk.arrives("S", 900).sends("SA", ack=901)


def test_another_syn_outside_the_window_draws_an_ack():
    with dialogue() as talk:
        talk.syn_received().arrives("S", -500).sends("A", seq=1, ack=1)
        assert talk.state is State.SYN_RECEIVED


@pytest.mark.parametrize("ack", [0, -5, 2, 5000])
def test_syn_received_answers_a_bad_ack_with_rst_and_stays(ack):
    with dialogue() as talk:
        talk.syn_received().arrives("A", 1, ack).sends("R", seq=ack)
        assert talk.state is State.SYN_RECEIVED
        talk.arrives("A", 1, 1).sends_nothing()
        assert talk.state is State.ESTABLISHED


def test_syn_received_rst_goes_back_to_listen_in_silence():
    with dialogue() as talk:
        talk.syn_received().arrives("R", 1).sends_nothing()
        assert talk.state is State.LISTEN
        assert talk.events() == []
        talk.after(10).sends_nothing()
        talk.arrives("A", 1, 1).sends("R", seq=1)
        talk.arrives("S", 700).sends("SA", ack=701)


def test_data_and_fin_on_the_handshakes_last_ack():
    with dialogue() as talk:
        talk.syn_received().arrives("FA", 1, 1, data=b"hello").sends("A", ack=7)
        assert talk.state is State.CLOSE_WAIT
        assert talk.connection.receive() == b"hello"


# -- 3.10.7.4 first: sequence number


@pytest.mark.parametrize("state", OPEN_STATES)
@pytest.mark.parametrize(("seq", "data"), [(-3000, b""), (200000, b""), (-3000, b"old"), (200000, b"far")])
def test_outside_the_window_draws_an_ack_in_every_state(state, seq, data):
    with dialogue() as talk:
        talk.in_state(state)
        rcv = talk.connection.tcb.rcv.nxt
        talk.arrives("A", seq, data=data).sends("A", raw_ack=rcv, raw_seq=talk.connection.tcb.snd.nxt, len=0)
        assert talk.state is state


@pytest.mark.parametrize("state", OPEN_STATES)
def test_a_rst_outside_the_window_is_dropped_in_silence(state):
    with dialogue() as talk:
        talk.in_state(state)
        talk.arrives("R", -1).arrives("R", 200000).sends_nothing()
        assert talk.state is state


def test_a_keep_alive_draws_an_ack():
    with dialogue() as talk:
        talk.established().arrives("A", 0, 1).sends("A", seq=1, ack=1)
        talk.arrives("A", 0, 1, data=b"x").sends("A", seq=1, ack=1)
        assert talk.connection.receive() == b""


def test_zero_window_case_by_case():
    with dialogue(replace(PLAIN, window=100)) as talk:
        talk.established().arrives("A", 1, 1, data=b"x" * 100)
        talk.after(0.2).sends("A", ack=101, win=0)
        talk.arrives("A", 101, 1, data=b"y").sends("A", ack=101, win=0)
        talk.arrives("A", 102, 1).sends("A", ack=101, win=0)
        talk.arrives("A", 101, 1).sends_nothing()
        talk.arrives("R", 102).sends_nothing()
        talk.arrives("R", 101).sends_nothing()
        assert talk.state is State.CLOSED


def test_one_answer_to_a_bad_ack_on_unacceptable_data():
    with dialogue(replace(PLAIN, window=100)) as talk:
        talk.established().arrives("A", 1, 1, data=b"x" * 100)
        talk.after(0.2).sends("A", ack=101, win=0)
        talk.arrives("A", 101, 500, data=b"y").sends("A", ack=101)


def test_an_ack_on_unacceptable_data_counts_while_the_window_is_zero():
    with dialogue(replace(PLAIN, window=100)) as talk:
        talk.established().arrives("A", 1, 1, data=b"x" * 100)
        talk.connection.send(b"reply", talk.now)
        talk.sends("PA", seq=1, win=0)
        talk.arrives("A", 101, 6, data=b"y").sends("A", ack=101)
        assert talk.connection.tcb.snd.una == talk.connection.tcb.snd.nxt


# -- 3.10.7.4 second: RST (RFC 5961 3)


@pytest.mark.parametrize("state", SYNC_STATES)
@pytest.mark.parametrize("flags", ["R", "RA", "FRPU", "SR"])
def test_the_exact_rst_deletes_the_connection(state, flags):
    with dialogue() as talk:
        talk.in_state(state)
        seq = 1 if state in (State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2) else 2
        talk.arrives(flags, seq, 12345, data=b"with text").sends_nothing()
        assert talk.state is State.CLOSED
        assert talk.events() == [Reset()]
        talk.after(1000).sends_nothing()
        talk.arrives("A", seq, 5).sends("R", seq=5)


@pytest.mark.parametrize("state", SYNC_STATES)
def test_an_inexact_rst_in_the_window_is_challenged(state):
    with dialogue() as talk:
        talk.in_state(state)
        snd, rcv = talk.connection.tcb.snd.nxt, talk.connection.tcb.rcv.nxt
        talk.arrives("R", 10).sends("A", raw_seq=snd, raw_ack=rcv, len=0)
        assert talk.state is state


def test_challenges_are_throttled():
    with dialogue() as talk:
        talk.established()
        for _ in range(15):
            talk.arrives("R", 10)
        for _ in range(10):
            talk.sends("A")
        talk.sends_nothing().after(5.1).arrives("R", 10).sends("A")


# -- 3.10.7.4 fourth: SYN (RFC 5961 4)


@pytest.mark.parametrize("state", SYNC_STATES)
@pytest.mark.parametrize("seq", [0, 1, 10, -70000, 200000])
@pytest.mark.parametrize("flags", ["S", "SA", "SF"])
def test_a_syn_in_a_synchronized_state_is_challenged(state, seq, flags):
    with dialogue() as talk:
        talk.in_state(state)
        snd, rcv = talk.connection.tcb.snd.nxt, talk.connection.tcb.rcv.nxt
        talk.arrives(flags, seq).sends("A", raw_seq=snd, raw_ack=rcv, len=0)
        assert talk.state is state


# -- 3.10.7.4 fifth: ACK


@pytest.mark.parametrize("state", SYNC_STATES)
@pytest.mark.parametrize("flags", ["", "F", "P", "FPU"])
def test_without_ack_nothing_is_taken(state, flags):
    with dialogue() as talk:
        talk.in_state(state)
        rcv = talk.connection.tcb.rcv.nxt
        talk.arrives(flags, 3, data=b"data").sends_nothing()
        assert (talk.state, talk.connection.tcb.rcv.nxt) == (state, rcv)


# -- header


@pytest.mark.parametrize(
    ("fields", "admitted"),
    [
        ({}, True),
        ({"data_offset": 5}, True),
        ({"data_offset": 4}, False),
        ({"data_offset": 15}, False),
        ({"data_offset": 6, "options": bytes(4)}, True),
    ],
)
def test_the_data_offset_must_be_in_range(fields, admitted):
    with dialogue() as talk:
        sound = decode(encode(Packet(REMOTE[0], LOCAL[0], Segment(1, 2, payload=b"odd", **fields))))
        assert talk.connection.admits(sound) is admitted
        spoilt = decode(encode(Packet(REMOTE[0], LOCAL[0], Segment(1, 2, payload=b"odd", checksum=0x1234, **fields))))
        assert not talk.connection.admits(spoilt)


# -- RFC 7323: timestamps


def test_an_old_timestamp_draws_an_ack_and_is_dropped():
    with dialogue(STAMPED) as talk:
        talk.peer_stamp = 0xFFFFFFFF
        talk.established(opts=(options.timestamps(0xFFFFFFFF, 0),))
        talk.peer_stamp = 5  # wrapped: newer
        talk.arrives("A", 1, 1, data=b"new").after(0.2)
        assert talk.sends("A", ack=4).parsed.timestamps[1] == 5
        talk.peer_stamp = 0xFFFFFFFE
        talk.arrives("A", 4, 1, data=b"old").sends("A", ack=4)
        assert talk.connection.receive() == b"new"
        talk.arrives("R", 4)
        assert talk.state is State.CLOSED, "RST is exempt from PAWS"


def test_time_wait_drops_an_old_syn_with_a_timestamp_in_silence():
    with dialogue(STAMPED) as talk:
        talk.peer_stamp = 1000
        talk.established(opts=(options.timestamps(1000, 0),)).connection.close(talk.now)
        talk.sends("FA", seq=1, ack=1)
        talk.arrives("FA", 1, 2).sends("A", seq=2, ack=2)
        talk.peer_stamp = 999
        talk.arrives("S", 500).sends_nothing()
        talk.peer_stamp = None
        assert talk.state is State.TIME_WAIT, "RFC 6191 2"


def test_a_timestamp_is_outdated_after_24_days_of_silence():
    with dialogue(STAMPED) as talk:
        talk.peer_stamp = 1000
        talk.established(opts=(options.timestamps(1000, 0),))
        talk.after(25 * 86400.0)
        talk.peer_stamp = 1
        talk.arrives("A", 1, 1, data=b"new").after(0.2)
        assert talk.sends("A", ack=4).parsed.timestamps[1] == 1, "RFC 7323 5.5: R3 updates TS.Recent"
        talk.peer_stamp = 0
        talk.arrives("A", 4, 1, data=b"old").sends("A", ack=4)  # and PAWS is at work again


def test_ts_recent_comes_from_the_segment_at_the_left_edge():
    with dialogue(STAMPED) as talk:
        talk.peer_stamp = 10
        talk.established(opts=(options.timestamps(10, 0),))
        talk.peer_stamp = 20
        talk.arrives("A", 4, 1, data=b"def")
        assert talk.sends("A", ack=1).parsed.timestamps[1] == 10
        talk.peer_stamp = 30
        talk.arrives("A", 1, 1, data=b"abc")
        assert talk.sends("A", ack=7).parsed.timestamps[1] == 30


def test_a_segment_without_the_negotiated_timestamp_is_dropped():
    with dialogue(STAMPED) as talk:
        talk.syn_received(opts=(options.timestamps(10, 0),))
        talk.peer_stamp = 10
        talk.arrives("A", 1, 1)
        talk.peer_stamp = None
        talk.arrives("A", 1, 1, data=b"abc").sends_nothing()
        talk.arrives("R", 1)
        assert talk.state is State.CLOSED


def test_a_syn_without_the_negotiated_timestamp_is_challenged():
    with dialogue(STAMPED) as talk:
        talk.syn_received(opts=(options.timestamps(10, 0),))
        talk.peer_stamp = 10
        talk.arrives("A", 1, 1)
        talk.peer_stamp = None
        talk.arrives("S", 5000).sends("A", seq=1, ack=1)  # RFC 5961 4.2: a peer that has forgotten us will answer RST
        talk.arrives("R", 1)
        assert talk.state is State.CLOSED


# -- reflexes


@pytest.mark.parametrize("state", SYNC_STATES)
def test_without_reflexes_only_numbers_and_state_move(state):
    with dialogue() as talk:
        talk.in_state(state)
        talk.connection.reflexes = Reflexes.NONE
        talk.arrives("S", 1).arrives("R", 10).arrives("A", -5000).arrives("A", 3, data=b"beyond").arrives("FA", 1)
        talk.after(3.0).sends_nothing()
        talk.arrives("R", 1).arrives("R", 2).arrives("R", 3).sends_nothing()
        assert talk.state is State.CLOSED


def test_without_reflexes_text_is_still_put_in_order():
    with dialogue() as talk:
        talk.established().connection.reflexes = Reflexes.NONE
        talk.arrives("A", 4, 1, data=b"def").arrives("FPA", 7, 1, data=b"g").arrives("A", 1, 1, data=b"abc")
        assert talk.connection.receive() == b"abcdefg"
        assert talk.state is State.CLOSE_WAIT
        assert PeerClosed() in talk.events()


def test_ecn_setup_is_agreed_and_ce_is_echoed_until_cwr():
    with dialogue(Config(wscale=None, timestamps=False, sack=False, ecn=True)) as talk:
        talk.listening().arrives("SEC", 0, opts=(options.mss(1000),)).sends("SAE")
        talk.arrives("A", 1, 1)
        talk.arrives("A", 1, 1, data=b"a", ecn=3).arrives("A", 2, 1, data=b"b").sends("AE", ack=3)
        talk.arrives("A", 3, 1, data=b"c").arrives("A", 4, 1, data=b"d").sends("AE", ack=5)
        talk.arrives("AC", 5, 1, data=b"e").arrives("A", 6, 1, data=b"f").sends("A", ack=7)
        talk.arrives("A", -900, 1, data=b"old", ecn=3).sends("A")


@pytest.mark.parametrize("flags", ["S", "SE", "SC"])
def test_other_syns_are_no_ecn_setup(flags):
    with dialogue(Config(wscale=None, timestamps=False, sack=False, ecn=True)) as talk:
        talk.listening().arrives(flags, 0).sends("SA")


def test_no_ecn_once_the_peer_has_asked_again_without_it():
    with dialogue(replace(PLAIN, ecn=True)) as talk:
        talk.listening().arrives("SEC", 0).sends("SAE")
        talk.arrives("S", 0).sends("SA")  # RFC 3168 6.1.1
        talk.arrives("A", 1, 1)
        assert not talk.connection.tcb.ecn_on


def test_the_iss_does_not_matter():
    with dialogue() as talk:
        assert talk.connection.tcb.iss == ISS
