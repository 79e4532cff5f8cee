"""Accurate ECN (RFC 9768): as server, as client, as receiver and as sender."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import IRS, PLAIN, dialogue

from tcpprobe.tcp.accecn import OPENING_OPTION, Accurate, counted_octets
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.state import State
from tcpprobe.wire import options
from tcpprobe.wire.flags import parse_flags
from tcpprobe.wire.options import decode_options
from tcpprobe.wire.seq import add

ACCURATE = replace(PLAIN, ecn=True, accecn=True)
MSS = (options.mss(1000),)
NOT_ECT, ECT_1, ECT_0, CE = range(4)


def server(talk, ack="AC"):
    """ESTABLISHED as an AccECN server; the handshake's last ACK says Not-ECT unless told otherwise."""
    talk.listening().arrives("SECN", 0, opts=MSS).sends("SAC", seq=0, ack=1)
    talk.arrives(ack, 1, 1).sends_nothing()
    talk.events()
    return talk


def client(talk, answer="SAC", mark=NOT_ECT):
    """ESTABLISHED as an AccECN client, before its ACK is looked at."""
    talk.connection.open(0.0)
    talk.sends("SECN")
    return talk.arrives(answer, 0, opts=MSS, ecn=mark)


def marks(talk):
    """The ECN fields of what goes out now."""
    return [ecn for _, ecn in talk.connection.departures(talk.now)]


def counters(segment):
    return counted_octets(segment.parsed)


# -- negotiation


@pytest.mark.parametrize(("mark", "answer"), [(NOT_ECT, "SAC"), (ECT_1, "SAEC"), (ECT_0, "SAN"), (CE, "SACN")])
def test_the_syn_ack_says_how_the_syn_arrived(mark, answer):
    with dialogue(ACCURATE) as talk:
        synack = talk.listening().arrives("SECN", 0, opts=MSS, ecn=mark).sends(answer)
        assert synack.options.endswith(OPENING_OPTION)


@pytest.mark.parametrize("flags", ["SN", "SEN", "SCN", "SE", "SC"])
def test_unknown_combinations_ask_for_it_too(flags):
    with dialogue(ACCURATE) as talk:
        talk.listening().arrives(flags, 0).sends("SAC")
        assert talk.connection.tcb.accurate is not None


@pytest.mark.parametrize(("flags", "answer"), [("S", "SA"), ("SEC", "SAE")])
def test_who_does_not_ask_does_not_get_it(flags, answer):
    with dialogue(ACCURATE) as talk:
        synack = talk.listening().arrives(flags, 0).sends(answer)
        assert talk.connection.tcb.accurate is None
        assert counters(synack) == {}


def test_without_the_switch_the_answer_is_that_of_rfc_3168():
    with dialogue(replace(ACCURATE, accecn=False)) as talk:
        talk.listening().arrives("SECN", 0).sends("SAE")
        assert talk.connection.tcb.ecn_on


@pytest.mark.parametrize(
    ("answer", "accurate", "classic"),
    [
        ("SAC", True, False),
        ("SAEN", True, False),
        ("SAE", False, True),
        ("SA", False, False),
        ("SAECN", False, False),
    ],
)
def test_a_client_takes_the_mode_that_the_answer_says(answer, accurate, classic):
    with dialogue(ACCURATE) as talk:
        client(talk, answer).ignores_the_rest()
        tcb = talk.connection.tcb
        assert (tcb.accurate is not None, tcb.ecn_on) == (accurate, classic)


def test_a_client_gives_up_asking_with_the_third_syn():
    with dialogue(ACCURATE) as talk:
        talk.connection.open(0.0)
        talk.sends("SECN")
        for flags in ("SECN", "S"):
            talk.to_timeout()
            talk.sends(flags, seq=0)
        talk.arrives("SAC", 0, opts=MSS).sends("AC")
        assert talk.connection.tcb.accurate is not None


def test_a_server_gives_up_the_option_first_and_then_the_bits():
    with dialogue(ACCURATE) as talk:
        talk.listening().arrives("SECN", 0, opts=MSS).sends("SAC")
        talk.to_timeout()
        assert counters(talk.sends("SAC")) == {}
        talk.to_timeout()
        talk.sends("SA")
        talk.arrives("AC")
        talk.connection.send(b"x", talk.now)
        assert marks(talk) == [NOT_ECT]  # although it goes on counting
        talk.arrives("A", data=b"y", ecn=CE).sends("ACN")


def test_the_latest_syn_is_answered_for_and_a_plain_one_forbids_ect():
    with dialogue(ACCURATE) as talk:
        talk.listening().arrives("SECN", 0, opts=MSS).sends("SAC")
        talk.arrives("SECN", 0, opts=MSS, ecn=ECT_0).sends("SAN")
        talk.arrives("S", 0, opts=MSS).sends("SAC")
        talk.arrives("AC")
        talk.connection.send(b"x", talk.now)
        assert marks(talk) == [NOT_ECT]


@pytest.mark.parametrize(("first", "answer", "second"), [("SECN", "SAC", "SEC"), ("SEC", "SAE", "SECN")])
def test_both_kinds_of_ecn_in_one_handshake_reset_it(first, answer, second):
    with dialogue(ACCURATE) as talk:
        talk.listening().arrives(first, 0).sends(answer)
        talk.arrives(second, 0)
        segment = talk._drain().pop()
        assert segment.flags & parse_flags("RASF") == parse_flags("RA")
        assert (segment.seq, segment.ack) == (talk.connection.tcb.snd.nxt + 1, add(IRS, 1))
        assert talk.state is State.LISTEN
        talk.arrives("S", 0).sends("SA")


# -- receiver


def test_every_segment_has_the_counter():
    with dialogue(ACCURATE) as talk:
        server(talk)
        talk.connection.send(b"data", talk.now)
        talk.sends("PAEN")
        for number, flags in enumerate(("ACN", "AECN", "A", "AE", "AC", "AEC", "AN", "AEN", "ACN")):
            talk.arrives("AEN", 1 + number, data=b"x", ecn=CE).after(0.2).sends(flags, ack=2 + number)


def test_ce_on_the_syn_is_not_counted():
    with dialogue(ACCURATE) as talk:
        talk.listening().arrives("SECN", 0, ecn=CE).sends("SACN")
        talk.arrives("AC")
        talk.connection.send(b"data", talk.now)
        talk.sends("PAEN")


@pytest.mark.parametrize(
    ("mark", "code", "then"),
    [(NOT_ECT, "AC", "PAEN"), (ECT_1, "AEC", "PAEN"), (ECT_0, "AN", "PAEN"), (CE, "ACN", "PACN")],
)
def test_a_client_says_first_how_the_syn_ack_arrived(mark, code, then):
    with dialogue(ACCURATE) as talk:
        talk.connection.open(0.0)
        talk.connection.send(b"data", 0.0)
        talk.sends("SECN")
        talk.arrives("SAC", 0, opts=MSS, ecn=mark).sends(code, seq=1)
        talk.sends(then, data=b"data")
        talk.arrives("SAC", 0, 1, opts=MSS, ecn=mark).sends(code, seq=5)
        assert talk.connection.tcb.accurate.cep == (6 if mark == CE else 5)


def test_the_first_ce_is_acknowledged_at_once_and_then_every_second():
    with dialogue(ACCURATE) as talk:
        server(talk).arrives("A", data=b"a", ecn=ECT_0).after(0.2).sends("AEN")
        talk.arrives("A", 2, data=b"b", ecn=CE).sends("ACN", ack=3)
        talk.arrives("A", 3, data=b"c", ecn=CE).sends_nothing()
        talk.arrives("A", 4, data=b"d", ecn=CE).sends("A", ack=5)


def test_marked_acknowledgments_are_acknowledged_by_threes_and_without_sack():
    with dialogue(replace(ACCURATE, sack=True)) as talk:
        talk.listening().arrives("SECN", 0, opts=(options.mss(1000), options.sack_permitted())).sends("SAC")
        talk.arrives("AC", 1, 1).arrives("AEN", 2, data=b"later").sends("AEN", ack=1)
        for _ in range(2):
            talk.arrives("AEN", 1, ecn=CE).sends_nothing()
        talk.arrives("AEN", 1, ecn=CE).sends("A", ack=1, blocks=[])


# -- the option


@pytest.mark.parametrize(
    ("changes", "kind", "fields"),
    [
        ({}, 172, [1, 0, 1]),
        ({ECT_0: 10}, 172, [11]),
        ({ECT_1: 10}, 174, [11]),
        ({CE: 10}, 172, [1, 10]),
        ({ECT_1: 10, CE: 5}, 174, [11, 5]),
        ({ECT_0: 10, ECT_1: 5}, 172, [11, 0, 6]),
        ({CE: (1 << 24) + 1}, 172, [1, 1]),
    ],
)
def test_the_option_has_every_counter_that_ever_changed(changes, kind, fields):
    accurate = Accurate()
    for mark, size in changes.items():
        accurate.arrived(mark, size, waiting=True)
    raw = accurate.option(40)
    assert len(raw) % 4 == 0
    (option,) = [item for item in decode_options(raw).items if item.kind != options.NOP]
    assert (option.kind, option.data) == (kind, b"".join(field.to_bytes(3, "big") for field in fields))
    assert accurate.option(len(raw) - 1) == b""


def test_the_option_is_in_the_next_acknowledgment_and_only_once():
    with dialogue(ACCURATE) as talk:
        server(talk).arrives("A", data=b"x" * 100, ecn=ECT_0).after(0.2)
        assert counters(talk.sends("AEN")) == {ECT_0: 101}
        talk.arrives("A", 101, data=b"x" * 10).after(0.2)
        assert counters(talk.sends("AEN")) == {}


def test_a_small_segment_has_the_option_too_and_a_full_one_leaves_it():
    with dialogue(ACCURATE) as talk:
        server(talk).arrives("A", data=b"x" * 10, ecn=ECT_0)
        talk.connection.send(b"y" * 1010, talk.now)
        talk.connection.close(talk.now)
        assert counters(talk.sends("AEN", len=1000)) == {}
        assert counters(talk.sends("FPAEN", len=10)) == {ECT_0: 11}


def test_sack_goes_before_the_option():
    with dialogue(replace(ACCURATE, sack=True, timestamps=True)) as talk:
        stamps = options.timestamps(1, 0)
        talk.listening().arrives("SECN", 0, opts=(options.mss(1000), options.sack_permitted(), stamps)).sends("SAC")
        talk.peer_stamp = 1
        talk.arrives("AC", 1, 1)
        for seq, mark in ((11, ECT_0), (21, ECT_1), (31, CE)):
            talk.arrives("AEN", seq, data=b"x", ecn=mark)
        first, second, third = talk._drain()
        talk.ignores_the_rest()
        assert (len(first.parsed.sack_blocks), counters(first)) == (1, {ECT_0: 2})
        assert (len(second.parsed.sack_blocks), counters(second)) == (2, {})
        assert (len(third.parsed.sack_blocks), counters(third)) == (3, {})


def test_a_longer_option_is_read_as_far_as_it_is_known():
    data = b"".join(number.to_bytes(3, "big") for number in (7, 8, 9, 10)) + b"\xff"
    assert counted_octets(options.Options((options.Option(172, data),))) == {ECT_0: 7, CE: 8, ECT_1: 9}
    assert counted_octets(options.Options((options.Option(174, data[:7]),))) == {ECT_1: 7, CE: 8}


# -- sender


def sending(talk, ack="AC", size=10000):
    """Established, with data in flight: the segments of the initial window."""
    server(talk, ack)
    talk.connection.send(bytes(size), talk.now)
    return talk


def test_data_is_ect_0_when_the_handshake_was_sound():
    with dialogue(ACCURATE) as talk:
        assert set(marks(sending(talk))) == {ECT_0}


@pytest.mark.parametrize("ack", ["A", "AN", "AEC", "ACN"])
def test_data_is_not_ect_when_the_syn_ack_was_changed_on_its_way(ack):
    with dialogue(ACCURATE) as talk:
        assert set(marks(sending(talk, ack))) == {NOT_ECT}


def test_ce_makes_one_reduction_in_a_round_trip_and_never_cwr():
    with dialogue(ACCURATE) as talk:
        sending(talk, size=60000).ignores_the_rest()
        before = talk.connection.congestion.cwnd
        talk.arrives("ACN", 1, 1001).ignores_the_rest()
        reduced = talk.connection.congestion.cwnd
        assert reduced < before
        talk.arrives("AECN", 1, 2001).ignores_the_rest()
        assert talk.connection.congestion.cwnd == reduced
        assert talk.connection.tcb.accurate.sent_cep == 7
        talk.arrives("AECN", 1)
        assert {segment.flags & parse_flags("ECN") for segment in talk._drain()} == {parse_flags("EN")}
        talk.ignores_the_rest()


def test_the_same_counter_is_no_congestion():
    with dialogue(ACCURATE) as talk:
        sending(talk, size=60000).ignores_the_rest()
        before = talk.connection.congestion.cwnd
        talk.arrives("AEN", 1, 5001).ignores_the_rest()
        assert talk.connection.congestion.cwnd > before


def test_after_a_zero_in_the_handshake_feedback_counts_for_nothing_but_is_given():
    with dialogue(ACCURATE) as talk:
        sending(talk, "A", size=60000).ignores_the_rest()
        before = talk.connection.congestion.cwnd
        talk.arrives("AECN", 1, 1001).ignores_the_rest()
        assert talk.connection.congestion.cwnd > before
        talk.arrives("AECN", 1, data=b"x", ecn=CE).sends("ACN")
        talk.ignores_the_rest()


@pytest.mark.parametrize(
    ("octets", "packets", "told"),
    [({}, 7, False), ({}, 8, True), ({ECT_0: 9000}, 8, False), ({ECT_0: 1, CE: 9000}, 8, True)],
)
def test_a_counter_that_may_have_wrapped_is_taken_for_the_worse(octets, packets, told):
    assert Accurate().heard(parse_flags("AEN"), octets, packets * 1000, 1000) is told


@pytest.mark.parametrize(("octets", "counted"), [({}, 9), ({ECT_0: 1, CE: 1000}, 1), ({ECT_0: 1, CE: 1001}, 9)])
def test_octets_tell_whether_the_counter_has_wrapped(octets, counted):
    accurate = Accurate()
    assert accurate.heard(parse_flags("ACN"), octets, 12000, 1000)
    assert accurate.sent_cep == 5 + counted


def test_octets_marked_without_packets_marked_end_ect():
    accurate = Accurate()
    assert not accurate.heard(parse_flags("AEN"), {ECT_0: 1, CE: 100}, 100, 1000)
    assert not accurate.may_mark


def test_ce_on_the_syn_ack_is_obeyed():
    with dialogue(Config(ecn=True, accecn=True)) as talk:
        talk.listening().arrives("SECN", 0, opts=MSS).sends("SAC")
        before = talk.connection.congestion.cwnd
        talk.arrives("ACN", 1, 1).sends_nothing()
        assert talk.connection.congestion.cwnd < before
        assert talk.connection.tcb.accurate.sent_cep == 6
