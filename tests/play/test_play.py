"""Plays as dialogues: what the script says, what the target answers, what is found."""

from __future__ import annotations

import pytest
from theatre import IRS, OURS, THEIRS, Theatre

from tcpprobe.results.model import Verdict
from tcpprobe.wire.flags import flags_text, parse_flags
from tcpprobe.wire.fragments import Piece, cut, pieces_at
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet, encode
from tcpprobe.wire.segment import Segment


def test_what_is_sent_is_filled_in_and_what_comes_is_matched() -> None:
    """seq is snd.nxt, and an expectation only looks at what it names."""
    theatre = Theatre("- send: {flags: S, seq: 1000}\n- expect: {flags: SA, ack: 1001}")
    syn = theatre.sent()
    assert (flags_text(syn.flags), syn.seq, syn.dport, syn.options) == ("S", 1000, 7, b"")
    theatre.answer("SA", 77, 1001)
    result = theatre.result()
    assert result.verdict is Verdict.PASS
    assert [step.outcome for step in result.steps] == ["done", "met"]
    assert [entry.note for entry in result.transcript] == ["", "met"]


def test_the_first_wrong_segment_ends_a_strict_expectation() -> None:
    """It says every field that differs."""
    theatre = Theatre("- send: {flags: S, seq: 1000}\n- expect: {flags: SA, ack: 1001}")
    theatre.sent()
    theatre.answer("RA", 0, 1002)
    result = theatre.result()
    assert result.verdict is Verdict.FAIL
    assert [each.field for each in result.steps[1].differences] == ["flags", "ack"]
    assert result.steps[1].outcome == "missed"


@pytest.mark.parametrize(
    ("level", "verdict"),
    [("must", Verdict.FAIL), ("should", Verdict.WARN), ("may", Verdict.INCONCLUSIVE), ("info", Verdict.INCONCLUSIVE)],
)
def test_what_a_miss_means_depends_on_the_level(level: str, verdict: Verdict) -> None:
    """A MUST is broken, a SHOULD deviates, the rest says nothing."""
    theatre = Theatre("- send: {flags: S}\n- expect: {flags: SA}\n  within: 2s", level=level)
    theatre.pass_time(1.9)
    assert not theatre.play.done
    theatre.pass_time(0.2)
    assert theatre.result().verdict is verdict


@pytest.mark.parametrize(
    ("since_the_send", "left"), [(0.0, 1.2), (0.05, 1.15), (0.3, 1.0)], ids=["none of it gone", "some", "all"]
)
def test_a_time_limit_begins_when_an_answer_to_what_was_sent_can_be_here(since_the_send: float, left: float) -> None:
    """The way is not the target's fault; but what was sent long ago is answered already."""
    steps = f"- send: {{flags: S}}\n- wait: {since_the_send}s\n- expect: {{flags: SA}}\n  within: 1s"
    theatre = Theatre(steps, round_trip=0.2)
    theatre.pass_time(since_the_send + left - 0.01)
    assert not theatre.play.done
    theatre.pass_time(0.02)
    assert theatre.result().verdict is Verdict.FAIL


@pytest.mark.parametrize(("pause", "seconds"), [("1s", 1.0), ("1s + rtt", 1.2)])
def test_a_pause_is_as_long_as_it_says_or_a_round_trip_longer(pause: str, seconds: float) -> None:
    """So that what we do keeps its pace, or so that answers can be counted."""
    again = f"- send: {{flags: A}}\n  repeat: 2\n  every: {pause}"
    theatre = Theatre(f"- send: {{flags: S}}\n- wait: {pause}\n{again}\n- record: {{end: now}}", round_trip=0.2)
    theatre.pass_time(3)
    assert theatre.result().observations == {"end": pytest.approx(2 * seconds)}


@pytest.mark.parametrize(
    ("path", "request_line"), [("/bytes/{n}", b"GET /bytes/10 HTTP/1.1"), ("/image", b"HEAD /image HTTP/1.1")]
)
def test_a_web_server_closes_after_little(path: str, request_line: bytes) -> None:
    """Of what is as large as it is only the head is asked for: our window has no room for the rest."""
    theatre = Theatre("- target: close\n- expect: {flags: {has: F}}", "given: established", http_path=path)
    theatre.shake_hands()
    lines = theatre.sent().payload.split(b"\r\n")
    assert lines == [request_line, b"Host: target", b"Connection: close", b"", b""]


def test_the_round_trip_can_be_asked_for() -> None:
    """By scenarios that compare times."""
    theatre = Theatre("- record: {way: rtt}", round_trip=0.2)
    assert theatre.result().observations == {"way": 0.2}


def test_a_connection_is_opened_by_the_endpoint_and_then_driven_by_hand() -> None:
    """Once it is open nothing goes out by itself."""
    theatre = Theatre('- send: {flags: PA, data: "hello"}\n- expect: {flags: A, ack: snd.nxt}', "given: established")
    syn = theatre.shake_hands()
    data = theatre.sent()
    assert (data.seq, data.ack, data.payload) == (syn.seq + 1, IRS + 1, b"hello")
    theatre.answer("PA", IRS + 1, data.seq + 5, payload=b"hello")
    assert theatre.result().verdict is Verdict.PASS


def test_a_lost_syn_is_sent_again() -> None:
    """The opening stands a lost packet."""
    theatre = Theatre("- send: {flags: A}\n- expect: nothing", "given: established")
    first = theatre.sent()
    theatre.pass_time(1.1)
    second = theatre.sent()
    assert (first.seq, first.flags) == (second.seq, second.flags)


@pytest.mark.parametrize("state", ["established", "syn-received"])
@pytest.mark.parametrize(
    ("options", "verdict", "reason"),
    [
        ("0101080a000000010000000001030307", Verdict.PASS, ""),
        ("0101080a0000000100000000", Verdict.SKIP, "needs window scaling: "),
        ("", Verdict.SKIP, "needs window scaling and timestamps: "),
    ],
)
def test_a_scenario_about_an_option_is_skipped_when_the_target_has_it_not(
    state: str, options: str, verdict: Verdict, reason: str
) -> None:
    """What is a target's own choice cannot be broken; the scenario says which of it is missing."""
    given = f"given: {{state: {state}, options: [mss 1460, timestamps, wscale 2]}}"
    theatre = Theatre("- wait: 1s\n- check: 1 == 1", given)
    syn = theatre.sent()
    theatre.answer("SA", IRS, syn.seq + 1, options=bytes.fromhex(options))
    theatre.pass_time(2)
    result = theatre.result()
    assert result.verdict is verdict
    assert result.reason.startswith(reason)


@pytest.mark.parametrize("answer", ["RA", None])
def test_a_situation_that_cannot_be_reached_is_inconclusive(answer: str | None) -> None:
    """It says nothing about the requirement."""
    theatre = Theatre("- send: {flags: A}\n- expect: nothing", "given: established")
    syn = theatre.sent()
    if answer:
        theatre.answer(answer, 0, syn.seq + 1)
    theatre.pass_time(20)
    assert theatre.result().verdict is Verdict.INCONCLUSIVE


def test_what_the_target_does_not_have_is_skipped_when_an_answer_shows_it() -> None:
    """An answer shows it; silence shows nothing."""
    steps = """
- send: {flags: SEC}
- expect: {any_of: [{flags: SAE}, {flags: SA, verdict: skip}]}
  verdict: inconclusive
"""
    for answer, verdict in (("SAE", Verdict.PASS), ("SA", Verdict.SKIP), (None, Verdict.INCONCLUSIVE)):
        theatre = Theatre(steps)
        syn = theatre.sent()
        if answer:
            theatre.answer(answer, IRS, syn.seq + 1)
        theatre.pass_time(2)
        result = theatre.result()
        assert result.verdict is verdict
        assert ("does not have what this is about" in result.reason) is (verdict is Verdict.SKIP)


def test_a_retransmission_is_no_offence_unless_it_is_expected() -> None:
    """What was seen already is passed over by default."""
    theatre = Theatre("- send: {flags: S}\n- expect: {flags: SA}\n- expect: nothing\n  for: 5s")
    syn = theatre.sent()
    for _ in range(3):
        theatre.answer("SA", IRS, syn.seq + 1)
    theatre.pass_time(5)
    result = theatre.result()
    assert result.verdict is Verdict.PASS
    assert result.transcript[-1].note == "retransmission, ignored"


def test_with_ignore_none_it_is_one() -> None:
    """`ignore: none` makes silence mean silence."""
    theatre = Theatre("- send: {flags: S}\n- expect: {flags: SA}\n- expect: nothing\n  for: 5s", "ignore: none")
    syn = theatre.sent()
    theatre.answer("SA", IRS, syn.seq + 1)
    theatre.answer("SA", IRS, syn.seq + 1)
    assert theatre.result().verdict is Verdict.FAIL


def test_eventually_passes_over_what_does_not_match() -> None:
    """Until one does."""
    theatre = Theatre("- send: {flags: S}\n- eventually: {flags: R}\n  within: 3s")
    theatre.sent()
    theatre.answer("A")
    theatre.answer("SA")
    theatre.answer("R")
    assert theatre.result().verdict is Verdict.PASS


def test_all_of_is_met_in_any_order() -> None:
    """Each member once."""
    theatre = Theatre("- send: {flags: S}\n- expect: {all_of: [{flags: SA}, {flags: R}]}")
    theatre.sent()
    theatre.answer("R")
    assert not theatre.play.done
    theatre.answer("SA")
    assert theatre.result().verdict is Verdict.PASS


def test_any_of_records_the_variant_and_may_only_tolerate_it() -> None:
    """A tolerated alternative warns."""
    steps = """
    - send: {flags: S}
    - expect:
        any_of:
          - {flags: SA, variant: new}
          - {flags: R, variant: old, verdict: warn}
    """
    for flags, verdict, variant in (("SA", Verdict.PASS, "new"), ("R", Verdict.WARN, "old"), ("F", Verdict.FAIL, None)):
        theatre = Theatre(steps)
        theatre.sent()
        theatre.answer(flags)
        result = theatre.result()
        assert (result.verdict, result.variant) == (verdict, variant)


def test_nothing_can_be_an_alternative() -> None:
    """Silence meets it when the time is up."""
    theatre = Theatre("- send: {flags: S}\n- expect: {any_of: [{flags: SA}, {nothing: true, variant: silent}]}")
    theatre.sent()
    theatre.pass_time(1.1)
    assert theatre.result().variant == "silent"


def test_gone_is_proved_by_a_reset() -> None:
    """An old segment is answered with RST by a target that knows nothing of the connection."""
    theatre = Theatre("- send: {flags: R}\n- expect: gone", "given: established")
    syn = theatre.shake_hands()
    theatre.sent()
    probe = theatre.sent()
    assert (flags_text(probe.flags), probe.seq) == ("A", syn.seq)
    theatre.answer("R", probe.ack)
    assert theatre.result().verdict is Verdict.PASS


def test_one_acknowledgment_does_not_yet_disprove_it() -> None:
    """It may have been on its way; the second one does."""
    theatre = Theatre("- send: {flags: R}\n- expect: gone", "given: established")
    syn = theatre.shake_hands()
    theatre.sent()
    theatre.sent()
    theatre.answer("A", IRS + 1, syn.seq + 1)
    theatre.pass_time(0.8)
    theatre.sent()
    theatre.answer("A", IRS + 1, syn.seq + 1)
    theatre.pass_time(0.8)
    result = theatre.result()
    assert result.verdict is Verdict.FAIL
    assert "still answers" in result.steps[1].seen


def test_captures_checks_and_records() -> None:
    """A captured segment can be asked for its fields; records become observations."""
    theatre = Theatre(
        """
        - send: {flags: S}
          as: ours
        - expect: {flags: SA}
          as: theirs
        - check: theirs.ack == ours.seq + 1
        - record: {window: theirs.window, later: theirs.time - ours.time}
        """
    )
    syn = theatre.sent()
    theatre.pass_time(0.25)
    theatre.answer("SA", IRS, syn.seq + 1)
    result = theatre.result()
    assert result.verdict is Verdict.PASS
    assert result.observations == {"window": 65535, "later": 0.25}


def test_a_repeated_send_is_captured_as_a_list() -> None:
    """As a repeated expectation is."""
    theatre = Theatre(
        """
        - send: {flags: S, seq: 1000}
          repeat: 2
          every: 100ms
          as: ours
        - check: len(ours) == 2 and ours[1].seq == 1000 and ours[1].time > ours[0].time
        """
    )
    theatre.sent()
    theatre.pass_time(0.2)
    assert theatre.result().verdict is Verdict.PASS


def test_a_check_that_fails_says_the_values() -> None:
    """So that nobody has to guess them."""
    theatre = Theatre("- send: {flags: S}\n  as: ours\n- check: ours.window == 1\n  why: because")
    result = theatre.result()
    assert result.verdict is Verdict.FAIL
    assert "65535" in result.steps[1].seen


def test_a_wrong_checksum_of_the_target_is_the_finding() -> None:
    """Whatever was expected (RFC 9293 MUST-2)."""
    theatre = Theatre("- send: {flags: S}\n- expect: {flags: SA}")
    syn = theatre.sent()
    theatre.answer("SA", IRS, syn.seq + 1, checksum=1)
    result = theatre.result()
    assert result.verdict is Verdict.FAIL
    assert "MUST-2" in result.reason


def test_an_uncomputed_checksum_is_no_fault_on_a_link_with_offload() -> None:
    """The sum of the pseudo-header is what an offloading kernel leaves (loopback)."""
    for offload, verdict in ((True, Verdict.PASS), (False, Verdict.FAIL)):
        theatre = Theatre("- send: {flags: S}\n- expect: {flags: SA}", offload=offload)
        syn = theatre.sent()
        segment = Segment(syn.dport, syn.sport, IRS, syn.seq + 1, 0x12)
        total = sum(int.from_bytes(each[i : i + 2], "big") for each in (THEIRS, OURS) for i in (0, 2)) + 6 + 20
        segment.checksum = (total & 0xFFFF) + (total >> 16)
        theatre.arrive(encode(Packet(THEIRS, OURS, segment)))
        assert theatre.result().verdict is verdict


def test_wrong_things_can_be_sent() -> None:
    """Checksum, data offset, reserved bits, raw octets."""
    theatre = Theatre(
        """
        - send: {flags: S, checksum: bad}
        - send: {flags: S, data_offset: 4}
        - send: {flags: S, reserved: 7}
        - send: {raw: !hex 00ff}
        - expect: nothing
        """
    )
    wrong, short, reserved = theatre.out.popleft(), theatre.out.popleft(), theatre.out.popleft()
    assert str(wrong.tcp_checksum) == "wrong"
    assert isinstance(short.payload, Segment)
    assert short.payload.data_offset == 4
    assert isinstance(reserved.payload, Segment)
    assert reserved.payload.reserved == 7
    assert theatre.out.popleft().payload == b"\x00\xff"


def test_two_connections() -> None:
    """`on:` says which; each has its own mailbox."""
    theatre = Theatre(
        """
        - send: {flags: S}
          on: a
        - send: {flags: S}
          on: b
        - expect: {flags: SA}
          on: b
        - expect: {flags: R}
          on: a
        """,
        "connections: [a, b]",
    )
    a, b = theatre.sent(), theatre.sent()
    assert a.sport != b.sport
    theatre.answer("R", to=a.sport)
    theatre.answer("SA", to=b.sport)
    assert theatre.result().verdict is Verdict.PASS


def test_what_comes_for_a_while_is_collected() -> None:
    """As many as there are; what does not match is passed over."""
    theatre = Theatre(
        """
        - send: {flags: S}
        - collect: {flags: SA}
          for: 1s
          as: answers
        - collect: {flags: R}
          for: 1s
          as: resets
        - record: {times: each(answers.time), apart: steps(answers.time), resets: len(resets)}
        """,
        level="info",
    )
    theatre.sent()
    for seconds, flags in ((0.25, "SA"), (0.25, "A"), (0.25, "SA"), (1.0, "A")):
        theatre.pass_time(seconds)
        theatre.answer(flags)
    theatre.pass_time(1.0)
    result = theatre.result()
    assert result.verdict is Verdict.PASS
    assert result.observations == {"times": "0.25, 0.75", "apart": "0.5", "resets": 0}


def test_steps_on_a_group_are_played_for_each_of_its_connections() -> None:
    """One after the other; what they capture is one list."""
    theatre = Theatre(
        """
        - send: {flags: S}
        - expect: {flags: SA, ack: snd.nxt}
          as: answers
        - send: {flags: R}
        - check: len(answers) == 3
        - record: {spread: spread(answers.seq), many: len(answers)}
        """,
        "connections: {crowd: {count: 3}, single: closed}",
    )
    for number in (100, 4, 50):
        syn = theatre.sent()
        assert not theatre.out
        theatre.answer("SA", number, syn.seq + 1)
        assert flags_text(theatre.sent().flags) == "R"
    result = theatre.result()
    assert result.verdict is Verdict.PASS
    assert result.observations == {"spread": 96, "many": 3}
    assert [each.name for each in result.connections] == ["crowd[0]", "crowd[1]", "crowd[2]", "single"]


def test_a_miss_on_one_of_a_group_is_a_miss() -> None:
    theatre = Theatre("- send: {flags: S}\n- expect: {flags: SA}", "connections: {crowd: {count: 2}}")
    theatre.sent()
    theatre.answer("SA")
    theatre.sent()
    theatre.answer("R")
    assert theatre.result().verdict is Verdict.FAIL


def test_an_icmp_error_about_our_segment_reaches_its_connection() -> None:
    """By what it quotes."""
    theatre = Theatre("- send: {flags: S}\n- expect: {icmp: port-unreachable}")
    packet = theatre.out.popleft()
    theatre.arrive(encode(Packet(THEIRS, OURS, Icmp(3, 3, quote=encode(packet)[:28]))))
    assert theatre.result().verdict is Verdict.PASS


def test_our_own_lateness_is_not_held_against_the_target() -> None:
    """A verdict that was waited for becomes inconclusive when the tester slept."""
    theatre = Theatre("- send: {flags: S}\n- expect: {flags: SA}")
    theatre.play.late(0.3)
    theatre.pass_time(2)
    result = theatre.result()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "300 ms" in result.reason


@pytest.mark.parametrize(
    ("brief", "flags", "data", "verdict"),
    [
        (True, "RA", b"", Verdict.INCONCLUSIVE),
        (True, "FA", b"", Verdict.INCONCLUSIVE),
        (True, "PA", b"bye", Verdict.INCONCLUSIVE),
        (True, "A", b"", Verdict.FAIL),
        (False, "RA", b"", Verdict.FAIL),
    ],
)
def test_what_a_service_that_ends_connections_by_itself_has_spoilt_is_no_violation(
    brief: bool, flags: str, data: bytes, verdict: Verdict
) -> None:
    steps = "- send: {flags: PA, data: hello}\n- expect: {flags: A, ack: snd.nxt, len: 0}"
    theatre = Theatre(steps, head="given: established", talks="brief" if brief else "")
    theatre.shake_hands()
    sent = theatre.sent()
    theatre.answer(flags, IRS + 1, sent.seq, payload=data)
    assert theatre.result().verdict is verdict


def test_a_flood_ends_the_play() -> None:
    """Memory is bounded."""
    theatre = Theatre("- send: {flags: S}\n- eventually: {flags: SA}\n  within: 60s")
    theatre.sent()
    for _ in range(5000):
        theatre.answer("A")
    result = theatre.result()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "floods" in result.reason


def test_what_is_open_at_the_end_is_reset() -> None:
    """The target is left without our connection."""
    theatre = Theatre('- send: {flags: PA, data: "x"}\n- expect: {flags: A}', "given: established")
    theatre.shake_hands()
    data = theatre.sent()
    theatre.answer("A", IRS + 1, data.end)
    reset = theatre.sent()
    assert (flags_text(reset.flags), reset.seq, reset.ack) == ("RA", data.end, IRS + 1)


@pytest.mark.parametrize("answer", ["R", "A"])
def test_what_a_second_syn_has_opened_is_reset_at_the_end(answer: str) -> None:
    """Whatever came before it: a backlog of five is soon full of what nobody clears away."""
    steps = f"""
    - send: {{flags: A, ack: irs + 1000}}
    - expect: {{flags: {answer}}}
    - send: {{flags: S, seq: iss + 200000}}
    - eventually: {{flags: SA}}
    """
    theatre = Theatre(steps, "given: syn-received")
    theatre.answer("SA", IRS, theatre.sent().seq + 1)
    theatre.sent()
    theatre.answer(answer, IRS + 1000)
    again = theatre.sent()
    theatre.answer("SA", IRS + 700, again.seq + 1)
    reset = theatre.sent()
    assert (flags_text(reset.flags), reset.seq, reset.ack) == ("RA", again.seq + 1, IRS + 701)


def test_on_autopilot_the_endpoint_acknowledges_by_itself() -> None:
    """`reflexes: all` keeps the expectations' view: numbers from before the arrival."""
    theatre = Theatre(
        '- expect: {flags: PA, seq: rcv.nxt, data: "abc"}\n- expect: {flags: PA, seq: rcv.nxt}',
        "given: {state: established, reflexes: all}",
    )
    syn = theatre.shake_hands()
    theatre.answer("PA", IRS + 1, syn.seq + 1, payload=b"abc")
    theatre.answer("PA", IRS + 4, syn.seq + 1, payload=b"def")
    assert theatre.result().verdict is Verdict.PASS
    acks = [packet.payload.ack for packet in theatre.out if isinstance(packet.payload, Segment)]
    assert IRS + 7 in acks


def test_a_packet_sent_in_fragments_is_one_line_and_moves_the_numbers() -> None:
    """The transcript has the packet, and beside it what was on the wire."""
    theatre = Theatre(
        "- send: {flags: PA, len: 100, ip: {fragments: [24, 64]}}\n"
        "- send: {flags: PA, len: 100, ip: {fragments: [{offset: 64}]}}\n"
        "- expect: {flags: A, ack: snd.nxt}",
        "given: established",
    )
    theatre.shake_hands()
    sent = list(theatre.out)
    assert [(each.fragment, each.df) for each in sent] == [
        ((0, True), False), ((24, True), False), ((64, False), False), ((64, False), False),
    ]  # fmt: skip
    assert len({each.ident for each in sent}) == 2
    theatre.answer("A", IRS + 1, theatre.play.line.connection.tcb.iss + 101)
    result = theatre.result()
    assert result.verdict is Verdict.PASS
    entries = [entry for entry in result.transcript if entry.fragments]
    assert [len(entry.fragments) for entry in entries] == [3, 1]
    assert [entry.text.partition(" len ")[2] for entry in entries] == ["100 in 3 fragments", "100 in 1 fragment"]


def test_a_packet_that_fits_into_one_fragment_moves_the_numbers_too() -> None:
    theatre = Theatre(
        "- send: {flags: PA, len: 10, ip: {fragments: 1480}}\n- check: snd.nxt == iss + 11", "given: established"
    )
    theatre.shake_hands()
    assert theatre.result().verdict is Verdict.PASS


def test_what_comes_in_fragments_is_put_together() -> None:
    """Whole, it is one line; a fragment that stays alone is one of its own."""
    theatre = Theatre("- send: {flags: S, seq: 1000}\n- expect: {flags: SA, ack: 1001}\n- expect: nothing")
    theatre.sent()
    answer = Segment(7, 4000, IRS, 1001, parse_flags("SA"), options=bytes(12))
    other, first, last = (
        *cut(Packet(THEIRS, OURS, answer, ident=1, df=False), [Piece(8)]),
        *cut(Packet(THEIRS, OURS, answer, ident=2, df=False), pieces_at([24])),
    )
    for each in (last, other, first):
        theatre.arrive(each)
    theatre.pass_time(5.0)
    result = theatre.result()
    assert result.verdict is Verdict.PASS
    received = [(entry.fragments, entry.note) for entry in result.transcript if entry.kind == "received"]
    assert received == [([], "fragment"), ([last, first], "met")]


@pytest.mark.parametrize(("talks", "verdict"), [("banner", Verdict.PASS), ("", Verdict.FAIL)])
def test_a_greeting_may_come_between_any_two_segments_of_a_handshake_by_hand(talks: str, verdict: Verdict) -> None:
    """It is no wrong answer to the data that it crosses; from any other service it is."""
    opening = "- send: {flags: S}\n- expect: {flags: SA}"
    theatre = Theatre(
        f"{opening}\n- send: {{flags: PA, data: hello}}\n- expect: {{flags: A, ack: snd.nxt}}", talks=talks
    )
    syn = theatre.sent()
    theatre.answer("SA", IRS, syn.seq + 1)
    data = theatre.sent()
    theatre.answer("PA", IRS + 1, data.seq, payload=b"220 mail")
    if talks:
        theatre.answer("A", IRS + 9, data.seq + 5)
    assert theatre.result().verdict is verdict
