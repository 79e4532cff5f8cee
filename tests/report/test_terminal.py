"""What is said in a terminal, word for word."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tcpprobe.catalogue.load import requirements
from tcpprobe.report.terminal import failure, summary

from .sample import a_run, an_end, closed_port, errored, poisoned, reset_in_window, results, skipped, two_connections


def text(golden: str) -> str:
    return dedent(golden).strip("\n")


def test_the_conformance_table() -> None:
    found = list(results(10))
    assert summary(a_run(), found, requirements(), an_end(found)) == text("""
        requirements of                 held  broken  deviates  inconclusive  not tested
        RFC 9293 Transmission Contro…      2       1         1             .           2
        RFC 5961 Blind in-window att…      .       .         1             .           .
        RFC 6298 Retransmission timer      1       .         .             .           .
        RFC 8201 Path MTU discovery …      .       .         .             1           .
        Robustness                         1       .         .             .           .
        --------------------------------------------------------------------------------
        all                                4       1         2             1           2

        broken requirements:
          RFC9293-S3.10.7.1-2  CLOSED: a segment without ACK draws <SEQ=0><ACK=SEG.SEQ+…
            closed-port-syn

        deviations:
          RFC9293-S3.10.7.4-27  With RFC 5961: in-window RST not at RCV.NXT draws a cha…
            rst-in-window
          RFC5961-S3.2-3  RST inside the window but not at RCV.NXT draws a challenge AC…
            rst-in-window

        not tested:
             1  cannot send: Network is unreachable
             1  needs agent: needs a helper on the target's host

        lab:linux breaks 1 of the 7 MUST requirements that could be judged and deviates
        from 2 further ones.
    """)


def test_a_failure() -> None:
    assert failure(closed_port(), requirements(), capture="reports/closed-port-syn.pcapng") == text("""
        FAIL  SYN to a closed port draws RST,ACK
              expected flags RA, seq 0, ack 1; the nearest arrival differs in ack (3 of
              3)

        must be   RFC9293-S3.10.7.1-2 (RFC 9293 section 3.10.7.1, MUST)
                  CLOSED: a segment without ACK draws
                  <SEQ=0><ACK=SEG.SEQ+SEG.LEN><RST,ACK>.
        sent      [S] seq 0 win 65535 <mss 1460, sack, timestamps 700000 0, wscale 7>
        expected  flags RA, seq 0, ack 1 within 1 s
        seen      [RA] seq 0 ack 0 win 0 len 0

        specs/rfc9293/closed.probe.yaml:17:9
            17 | - expect: {flags: RA, seq: 0, ack: 1001}
               |                               ^^^^^^^^^

          field  expected  seen
          ack    1         0

                  10.77.0.1:40001                         10.77.0.2:1
           0.4 ms |------------- [S] seq 0 win 65535 -------------->| step 1
           0.9 ms |<------------ [RA] seq 0 ack 0 win 0 ------------| missed, step 2

        capture   reports/closed-port-syn.pcapng
        again     pytest --tcp-target lab:linux 'specs/rfc9293/closed.probe.yaml::closed-port-syn'
    """)


def test_a_tolerated_variant_is_pointed_at() -> None:
    said = failure(reset_in_window(), requirements())
    assert "       - {gone: true, variant: rfc793, verdict: warn}" in said
    assert said.splitlines()[said.splitlines().index(next(x for x in said.splitlines() if "rfc793, v" in x)) + 1] == (
        "       |                      ^^^^^^^^^^^^^^^"
    )


def test_what_was_never_played_says_why() -> None:
    assert failure(skipped(), {}).startswith("SKIP  An acknowledgment is not delayed")
    assert "cannot send: Network is unreachable" in failure(errored(), {})


def test_colour_only_when_asked() -> None:
    found = list(results(10))
    assert "\x1b" not in summary(a_run(), found, requirements())
    assert "\x1b" not in failure(closed_port(), requirements())
    coloured = failure(closed_port(), requirements(), color=True)
    assert coloured.startswith("\x1b[31;1mFAIL\x1b[0m")
    assert "\x1b[31;1m" in summary(a_run(), found, requirements(), color=True)


@pytest.mark.parametrize("width", [72, 80, 100])
def test_nothing_but_commands_is_wider_than_asked(width: int) -> None:
    found = [*results(60), poisoned()]
    said = summary(a_run(), found, requirements(), width=width).splitlines()
    for result in (*found[:10], poisoned()):
        said += [
            line
            for line in failure(result, requirements(), width=width).splitlines()
            if not line.startswith(("again", "capture"))
        ]
    assert max(map(len, said)) <= width


def test_what_is_hostile_cannot_move_the_cursor() -> None:
    said = failure(poisoned(), requirements()) + summary(a_run(), [poisoned()], requirements())
    assert all(char.isprintable() for char in said.replace("\n", ""))


def test_one_rfc_needs_no_sum() -> None:
    assert "all" not in summary(a_run(), [two_connections()], requirements()).splitlines()[2]


def test_many_broken_requirements_are_counted() -> None:
    found = [closed_port() for _ in range(20)]
    for index, result in enumerate(found):
        result.covers = [f"RFC9293-MUST-{index + 1}"]
    assert "  and 8 more" in summary(a_run(), found, requirements())
