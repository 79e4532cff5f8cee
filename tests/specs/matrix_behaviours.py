"""What is right in the cells of `matrix_table.py`, behaviour by behaviour, in the order of RFC 9293 3.10.7."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from matrix_steps import ALWAYS, FIRST, FOURTH, SECOND, Behaviour, S, by_state

_IDEAL = (
    "RFC 9293 3.10.7.4: segments with higher beginning sequence numbers SHOULD be held for later processing (SHLD-31); "
    "an ACK of RCV.NXT MAY be sent (MAY-13)."
)
_APPLICATION = "RFC 9293 3.6.1: an application that has closed for both directions lets new data draw a RST (SHLD-3)."
_NOTHING_OR_ACK = """\
      - expect:
          any_of:
            - {nothing: true, variant: silent}
            - <pure>, variant: acknowledged}
        within: 300ms
"""
_CHALLENGE_OR_RESET = """\
      - expect:
          any_of:
            - <challenge>, variant: challenge ACK}
            - {flags: [R, RA], variant: reset}
        as: answer
<soon><old data>      - expect:
          any_of:
            - <challenge>}
            - {flags: [R, RA]}
<soon>        as: after
      - check: "('R' in answer.flags) == ('R' in after.flags)"
        why: a challenge leaves the connection as it is, a reset ends it
"""

BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType(
    {
        # 3.10.7.1, 3.10.7.2
        "silence-closed": Behaviour(
            "draws nothing",
            {ALWAYS: ("RFC9293-S3.10.7.1-1",)},
            "RFC 9293 3.10.7.1: an incoming segment containing a RST is discarded.",
            """\
<send><silence>      - send: {flags: S, seq: 500000}
      - expect: {flags: RA, ack: 500001}
        why: the target is there, and its answers come in time
""",
        ),
        "reset-by-its-ack": Behaviour(
            "draws a RST with the number it acknowledged",
            {"CLOSED": ("RFC9293-S3.10.7.1-4",), "LISTEN": ("RFC9293-S3.10.7.2-2", "RFC9293-S3.10.7.2-3")},
            "RFC 9293 3.10.7.1 and 3.10.7.2: <SEQ=SEG.ACK><CTL=RST>.",
            """\
      - send: {flags: "${flags}", seq: "${seq}", ack: 0x70000001, len: octets}
      - expect: {flags: R, seq: 0x70000001, len: 0}
<silence>""",
        ),
        "reset-by-its-length": Behaviour(
            "draws RST,ACK beyond its last number",
            {ALWAYS: ("RFC9293-S3.10.7.1-2", "RFC9293-S3.10.7.1-3")},
            "RFC 9293 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.",
            """\
<send>      - expect: {flags: RA, seq: 0, ack: arrival.seq + length, len: 0}
<silence>""",
        ),
        "silence-listen": Behaviour(
            "draws nothing, and the listener goes on",
            {ALWAYS: ("RFC9293-S3.10.7.2-1", "RFC9293-S3.10.7.2-6")},
            "RFC 9293 3.10.7.2: an incoming RST should be ignored; fourth, other data or control: drop the segment.",
            """\
<send><silence>      - send: {flags: S, seq: 500000}
      - expect: {flags: SA, ack: 500001}
""",
        ),
        "opens": Behaviour(
            "opens a connection",
            {ALWAYS: ("RFC9293-S3.10.7.2-5",)},
            "RFC 9293 3.10.7.2, third: RCV.NXT is SEG.SEQ+1, <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>; text may be queued.",
            """\
<send>      - expect: {flags: SA, ack: [arrival.seq + 1, arrival.seq + 1 + octets], len: 0}
      - send: {flags: A, seq: arrival.seq + 1}
      - send: {flags: PA, seq: arrival.seq + 1, len: 10}
      - eventually: {flags: A, ack: "arrival.seq + 11"}
""",
        ),
        "opens-or-dropped": Behaviour(
            "opens a connection for its SYN, or is dropped",
            {ALWAYS: ("RFC9293-S3.10.7.2-5", "RFC9293-S3.10.7.2-7")},
            "RFC 9293 3.10.7.2, third: other control is queued; 3.10.7.4, eighth: no FIN is processed in LISTEN.",
            """\
<send>      - expect:
          any_of:
            - {flags: SA, ack: arrival.seq + 1 .. arrival.seq + 2 + octets, len: 0, variant: opened}
            - {nothing: true, variant: dropped}
        within: 300ms
      - send: {flags: A, seq: arrival.seq + 1, ack: 77777}
      - eventually: {flags: [R, RA], seq: 77777}
        why: in LISTEN and in SYN-RECEIVED an acknowledgment of what was never sent draws RST
""",
        ),
        # 3.10.7.4, first
        "reset-outside": Behaviour(
            "draws nothing and changes nothing",
            {ALWAYS: (f"{S}-10", "RFC5961-S3.2-1")},
            "RFC 9293 3.10.7.4, first check: unless the RST bit is set, if so drop the segment and return.",
            "<send><silence><unchanged>",
        ),
        "outside": Behaviour(
            "draws an ACK and changes nothing",
            FIRST,
            "RFC 9293 3.10.7.4, first check: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; drop the unacceptable segment.",
            "<send>      - expect: <challenge>}\n<soon><unchanged>",
        ),
        "outside-without-ack": Behaviour(
            "draws an ACK, though it has none itself, and changes nothing",
            FIRST,
            "RFC 9293 3.10.7.4: the first check has it acknowledged before the fifth would have it dropped.",
            """\
<send>      - expect:
          any_of:
            - <pure>, variant: acknowledged}
            - {nothing: true, variant: dropped, verdict: warn}
        within: 300ms
<unchanged>""",
        ),
        "outside-half-open-without-ack": Behaviour(
            "draws an ACK, though it has none itself, and changes nothing",
            FIRST,
            "RFC 9293 3.10.7.4: the first check has it acknowledged before the fifth would have it dropped.",
            """\
<send>      - expect:
          any_of:
            - <challenge>, variant: acknowledged}
            - {flags: SA, seq: irs, ack: "${nxt}", variant: "SYN,ACK again"}
            - {nothing: true, variant: dropped, verdict: warn}
        within: 300ms
<opens>""",
        ),
        "outside-half-open": Behaviour(
            "draws an ACK and changes nothing",
            FIRST,
            "RFC 9293 3.10.7.4, first check: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; a SYN,ACK sent again says as much.",
            """\
<send>      - expect:
          any_of:
            - <challenge>, variant: acknowledged}
            - {flags: SA, seq: irs, ack: "${nxt}", variant: "SYN,ACK again"}
        within: 700ms
<opens>""",
        ),
        # TIME-WAIT
        "old-syn": Behaviour(
            "draws an ACK or nothing, and TIME-WAIT goes on",
            {ALWAYS: (f"{S}-17", f"{S}-35", "RFC6191-S2-6")},
            "RFC 9293 3.10.7.4, first check: an ACK; RFC 6191 2: not larger than the last number used, it is dropped.",
            f"<send>{_NOTHING_OR_ACK}<unchanged>",
        ),
        "new-syn": Behaviour(
            "opens a new connection, or is challenged, or resets",
            {ALWAYS: (f"{S}-35", "RFC6191-S2-6", "RFC5961-S4.2-1")},
            "RFC 6191 2: a larger number opens; RFC 5961 4.2: a challenge ACK; RFC 793: a reset.",
            """\
<send>      - expect:
          any_of:
            - {flags: SA, ack: [arrival.seq + 1, arrival.seq + 1 + octets], len: 0, variant: new connection}
            - <challenge>, variant: challenge ACK}
            - {flags: [R, RA], variant: reset}
        as: answer
<old data>      - eventually: {flags: [R, A], ack: [0, "${nxt}", arrival.seq + 1, arrival.seq + 1 + octets]}
        as: after
      - check: "('R' in answer.flags) == ('R' in after.flags)"
        why: a challenge leaves TIME-WAIT as it is, a reset ends it, a new connection acknowledges what is old
""",
        ),
        "new-syn-fin": Behaviour(
            "is taken for a SYN, or is challenged, dropped or reset, and nothing else",
            {ALWAYS: (f"{S}-35", "RFC5961-S4.2-1")},
            "As for a SYN; RFC 9293 3.10.7.2 may drop it, but nothing lets it end TIME-WAIT in silence (RFC 1337).",
            """\
<send>      - expect:
          any_of:
            - {flags: SA, ack: arrival.seq + 1 .. arrival.seq + 2 + octets, len: 0, variant: new connection}
            - <challenge>, variant: challenge ACK}
            - {flags: [R, RA], variant: reset}
            - {nothing: true, variant: dropped}
        within: 300ms
<old data>      - eventually:
          any_of:
            - {flags: A}
            - {flags: [R, RA], verdict: warn}
        why: nothing but a new connection should end TIME-WAIT early (RFC 1337)
""",
        ),
        "reset-exact-time-wait": Behaviour(
            "ends TIME-WAIT, or is ignored",
            {ALWAYS: (f"{S}-26", "RFC1337-S3-1")},
            "RFC 9293 3.10.7.4, second check: enter the CLOSED state; RFC 1337 3, F1: ignore RST in TIME-WAIT.",
            """\
<send><silence><old data>      - expect:
          any_of:
            - {flags: [R, RA], variant: deleted}
            - <challenge>, variant: ignored}
""",
        ),
        "reset-ahead-time-wait": Behaviour(
            "is challenged or ignored, or ends TIME-WAIT",
            {ALWAYS: (f"{S}-27", "RFC5961-S3.2-3", "RFC1337-S3-1")},
            "RFC 5961 3.2: a challenge ACK; RFC 1337 3, F1: ignored; without them RFC 9293 3.10.7.4 deletes the TCB.",
            """\
<send>      - expect:
          any_of:
            - <challenge>, variant: challenge ACK}
            - {nothing: true, variant: no challenge}
        within: 300ms
<old data>      - expect:
          any_of:
            - <challenge>}
            - {flags: [R, RA], variant: deleted}
""",
        ),
        # second
        "reset-exact": Behaviour(
            "ends the connection",
            {state: (*ids, "RFC5961-S3.2-2") for state, ids in SECOND.items()},
            "RFC 9293 3.10.7.4, second check: enter the CLOSED state, delete the TCB, and return.",
            "<send><silence>      - expect: gone\n",
        ),
        "reset-exact-half-open": Behaviour(
            "returns to LISTEN in silence",
            SECOND,
            "RFC 9293 3.10.7.4, second check: return this connection to LISTEN state and return.",
            """\
<send><silence>      - expect: gone
      - send: {flags: S, seq: iss + 200000}
        as: again
      - eventually: {flags: SA, ack: again.seq + 1}
        within: 2s
        why: the listener goes on
""",
        ),
        "reset-ahead": Behaviour(
            "draws a challenge ACK, or ends the connection",
            {ALWAYS: (f"{S}-27", "RFC5961-S3.2-3", "RFC5961-S3.2-6")},
            "RFC 5961 3.2: a challenge ACK, and the segment is dropped; without it any RST in the window counts.",
            """\
<send>      - expect:
          any_of:
            - <challenge>, variant: challenge ACK}
            - {gone: true, variant: reset}
        within: 300ms
<old data>      - expect:
          any_of:
            - <challenge>}
            - {flags: [R, RA]}
<soon>""",
        ),
        # fourth
        "syn": Behaviour(
            "draws a challenge ACK, or a reset",
            {state: (*ids, "RFC5961-S4.2-1") for state, ids in FOURTH.items()},
            "RFC 5961 4.2: a challenge ACK, irrespective of the sequence number; RFC 793: a reset.",
            f"<send>{_CHALLENGE_OR_RESET}",
        ),
        "syn-half-open": Behaviour(
            "returns to LISTEN, draws a challenge ACK, or a reset",
            FOURTH,
            "RFC 9293 3.10.7.4, fourth check: return to LISTEN; RFC 5961 4.2: a challenge ACK; RFC 793: a reset.",
            """\
<send>      - expect:
          any_of:
            - <challenge>, variant: challenge ACK}
            - {flags: [R, RA], variant: reset}
            - {gone: true, variant: back to LISTEN}
        within: 300ms
<old data>      - expect:
          any_of:
            - <challenge>}
            - {flags: [R, RA]}
<soon>""",
        ),
        # fifth
        "without-ack": Behaviour(
            "is dropped in silence",
            {ALWAYS: (f"{S}-36",)},
            "RFC 9293 3.10.7.4, fifth check: if the ACK bit is off, drop the segment and return.",
            "<send><silence><unchanged>",
        ),
        "last-ack": Behaviour(
            "acknowledges the FIN and so deletes the connection",
            {ALWAYS: (f"{S}-47",)},
            "RFC 9293 3.10.7.4, fifth check: if our FIN is now acknowledged, delete the TCB, enter the CLOSED state.",
            "<send><silence>      - expect: gone\n",
        ),
        "last-ack-ahead": Behaviour(
            "acknowledges the FIN, or is held back",
            {ALWAYS: (f"{S}-47", f"{S}-54")},
            _IDEAL,
            f"""\
<send>{_NOTHING_OR_ACK}<old data>      - expect:
          any_of:
            - <challenge>, variant: LAST-ACK}}
            - {{flags: [R, RA], variant: CLOSED}}
<soon>""",
        ),
        "ack-of-fin": Behaviour(
            "acknowledges the FIN, which is not sent again",
            by_state(S, FIN_WAIT_1=44, CLOSING=46),
            "RFC 9293 3.10.7.4, fifth check: if our FIN is now acknowledged, enter FIN-WAIT-2 or TIME-WAIT.",
            "<send>      - expect: nothing\n        for: 1500ms\n<unchanged>",
        ),
        "ack": Behaviour(
            "draws nothing and changes nothing",
            {ALWAYS: (f"{S}-40",)},
            "RFC 9293 3.10.7.4, fifth check: if the ACK is a duplicate (SEG.ACK =< SND.UNA), it can be ignored.",
            "<send><silence><unchanged>",
        ),
        "ack-half-open": Behaviour(
            "opens the connection",
            {ALWAYS: (f"{S}-37",)},
            "RFC 9293 3.10.7.4, fifth check: if SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state.",
            """\
<send><silence>      - send: {flags: PA, len: 10}
      - expect: {flags: A, ack: snd.nxt}
""",
        ),
        # seventh and eighth
        "not-taken": Behaviour(
            "draws an ACK at most, and nothing of it is taken",
            {
                "CLOSE-WAIT": (f"{S}-54", f"{S}-63"),
                "CLOSING": (f"{S}-54", f"{S}-63", f"{S}-46"),
                "TIME-WAIT": (f"{S}-54",),
            },
            "RFC 9293 3.10.7.4, seventh check: a FIN has been received from the remote side. Ignore the segment text.",
            f"<send>{_NOTHING_OR_ACK}<unchanged>",
        ),
        "ahead-half-open": Behaviour(
            "draws an ACK at most, and the connection opens",
            {ALWAYS: (f"{S}-37", "RFC9293-MAY-13")},
            _IDEAL,
            f"<send>{_NOTHING_OR_ACK}<opens>",
        ),
        "ahead": Behaviour(
            "draws an ACK of RCV.NXT at most",
            {ALWAYS: ("RFC9293-MAY-13", "RFC9293-SHLD-31", f"{S}-59")},
            _IDEAL,
            f"<send>{_NOTHING_OR_ACK}<unchanged>",
        ),
        "ahead-after-close": Behaviour(
            "draws an ACK of RCV.NXT at most, or a reset",
            {ALWAYS: ("RFC9293-MAY-13", f"{S}-53", f"{S}-59")},
            _APPLICATION,
            """\
<send>      - expect:
          any_of:
            - <challenge>, variant: acknowledged}
            - {flags: [R, RA], variant: reset}
            - {nothing: true, variant: silent}
        within: 300ms
<old data>      - expect:
          any_of:
            - <challenge>}
            - {flags: [R, RA]}
<soon>""",
        ),
        "text": Behaviour(
            "is taken and acknowledged",
            {"SYN-RECEIVED": (f"{S}-37", "RFC9293-S3.4-3"), "ESTABLISHED": (f"{S}-52",)},
            "RFC 9293 3.10.7.4, seventh check: when it takes the data, it must also acknowledge the receipt.",
            "<send>      - expect: {flags: A, ack: snd.nxt}\n<still there>",
        ),
        "text-after-close": Behaviour(
            "is taken and acknowledged, or draws a reset",
            {ALWAYS: (f"{S}-53",)},
            _APPLICATION,
            """\
<send>      - expect:
          any_of:
            - {flags: [A, FA], ack: snd.nxt, variant: taken}
            - {flags: [R, RA], variant: reset}
        as: answer
      - send: {flags: PA, seq: snd.nxt - 2, len: 1}
      - eventually: {flags: [A, R, RA]}
        as: after
      - check: "('R' in answer.flags) == ('R' in after.flags)"
        why: a reset ends the connection, data taken does not
""",
        ),
        "fin": Behaviour(
            "is taken and acknowledged",
            by_state(S, SYN_RECEIVED=58, ESTABLISHED=57, FIN_WAIT_1=61, FIN_WAIT_2=62),
            "RFC 9293 3.10.7.4, eighth check: advance RCV.NXT over the FIN, and send an acknowledgment for the FIN.",
            "<send>      - eventually: {flags: [A, FA], ack: snd.nxt}\n<still there unsaid>",
        ),
        "fin-after-close": Behaviour(
            "is taken and acknowledged, or draws a reset",
            by_state(S, FIN_WAIT_1=61, FIN_WAIT_2=62),
            _APPLICATION,
            """\
<send>      - eventually:
          any_of:
            - {flags: [A, FA], ack: snd.nxt, variant: taken}
            - {flags: [R, RA], variant: reset}
        as: answer
      - send: {flags: PA, seq: snd.nxt - 2, len: 1}
      - eventually: {flags: [A, R, RA]}
        as: after
      - check: "('R' in answer.flags) == ('R' in after.flags)"
        why: a reset ends the connection, a FIN taken does not
""",
        ),
    }
)
