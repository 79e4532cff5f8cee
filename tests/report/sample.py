"""Realistic results without a runner: dialogues made packet by packet with tcpprobe.wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tcpprobe.results.model import Attempt, Difference, End, Result, Run, StepResult, Verdict

from .dialogue import SYN_OPTIONS, Dialogue


def a_run(**changes: object) -> Run:
    run = Run(
        target="lab:linux",
        address="10.77.0.2",
        family=4,
        link="tun",
        width=64,
        service="lab",
        services={"wire": 7, "echo": 7, "sink": 9, "closer": 13, "source": 19, "http": 80},
        lab="linux",
        started="2026-03-14T09:26:53+00:00",
        seed=20260314,
        command="pytest --tcp-target lab:linux",
        version="0.1.0",
        python="3.11.7",
        platform="Linux 6.18.0 x86_64",
        notes=["closed port 1 answered within 1 ms"],
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def _result(id_: str, title: str, dialogue: Dialogue | None, **more: object) -> Result:
    scenario = id_.partition("[")[0]
    base = Result(
        id=id_,
        scenario=scenario,
        title=title,
        file="specs/rfc9293/closed.probe.yaml",
        line=12,
        column=5,
        rfc="9293",
        section="3.10.7.1",
        covers=["RFC9293-S3.10.7.1-2"],
        level="must",
        needs=["wire"],
        verdict=Verdict.PASS,
        duration=0.0,
        target="lab:linux",
        reproduce=f"pytest --tcp-target lab:linux 'specs/rfc9293/closed.probe.yaml::{id_}'",
    )
    if dialogue is not None:
        base.transcript = dialogue.entries
        base.connections = [dialogue.info()]
        base.duration = dialogue.entries[-1].time + 0.0003
    result = replace(base, **more)  # type: ignore[arg-type]
    result.attempts = result.attempts or [Attempt(result.verdict, result.reason)]
    return result


def closed_port(verdict: Verdict = Verdict.FAIL) -> Result:
    """A SYN to a closed port draws a reset that does not acknowledge it."""
    talk = Dialogue(dport=1, peer_known=False)
    talk.sent(0.0004, "S", 0, options=SYN_OPTIONS, step=0)
    talk.received(0.0009, "RA", 0, 0, window=0, step=1, note="missed", absolute=True)
    reason = "expected flags RA, seq 0, ack 1; the nearest arrival differs in ack"
    steps = [
        StepResult(0, 16, 9, "send", "- send:   {flags: S, seq: 1000}", "done", time=0.0004),
        StepResult(
            1,
            17,
            9,
            "expect",
            "- expect: {flags: RA, seq: 0, ack: 1001}",
            "missed",
            "flags RA, seq 0, ack 1 within 1 s",
            "[RA] seq 0 ack 0 win 0 len 0",
            [Difference("ack", "1", "0")],
            0.0009,
        ),
    ]
    result = _result("closed-port-syn", "SYN to a closed port draws RST,ACK", talk, steps=steps, verdict=verdict)
    if verdict is not Verdict.PASS:
        result.reason = f"{reason} (3 of 3)"
        result.attempts = [Attempt(verdict, reason)] * 3
    return result


def christmas_tree(flags: str) -> Result:
    """Silence was wanted and kept."""
    talk = Dialogue().sent(0.0003, flags, 0, step=0).event(0.7004, "silence kept for 700 ms", 1)
    steps = [
        StepResult(0, 26, 9, "send", '- send:   {flags: "${flags}", seq: 1000}', "done", time=0.0003),
        StepResult(1, 27, 9, "expect", "- expect: nothing\n  for: 700ms", "met", "nothing for 700 ms", time=0.7003),
    ]
    return _result(
        f"christmas-tree-listen[{flags}]",
        "A Christmas-tree segment to a listening port is dropped",
        talk,
        steps=steps,
        section="3.10.7.2",
        covers=["RFC9293-S3.10.7.2-6", "ROB-FLAGS-1"],
        file="specs/rfc9293/listen.probe.yaml",
        line=21,
    )


def reset_in_window() -> Result:
    """The older behaviour, tolerated."""
    talk = Dialogue().opened()
    talk.sent(0.001, "R", 11, step=0)
    talk.event(0.0013, "is the connection gone? a probe says", 1)
    talk.sent(0.0014, "A", 1, 1, step=1)
    talk.received(0.0018, "R", 1, window=0, step=1, note="met")
    steps = [
        StepResult(0, 40, 9, "send", "- send:   {flags: R, seq: snd.nxt + 10}", "done", time=0.001),
        StepResult(
            1,
            41,
            9,
            "expect",
            "- expect:\n    any_of:\n      - {flags: A, seq: rcv.nxt, ack: snd.nxt, variant: rfc5961}\n"
            "      - {gone: true, variant: rfc793, verdict: warn}",
            "met",
            "flags A, seq 1, ack 1 (rfc5961), or gone (rfc793)",
            "gone",
            time=0.0018,
            variant="rfc793",
        ),
        StepResult(2, 45, 9, "send", "- send:   {flags: R, seq: snd.nxt}", "not reached"),
    ]
    return _result(
        "rst-in-window",
        "A reset inside the window but not at its edge draws a challenge ACK",
        talk,
        steps=steps,
        verdict=Verdict.WARN,
        reason="the connection was reset by a segment whose number was not exactly rcv.nxt",
        variant="rfc793",
        rfc="5961",
        section="3.2",
        covers=["RFC5961-S3.2-3", "RFC9293-S3.10.7.4-27"],
        level="should",
        file="specs/rfc5961/reset.probe.yaml",
        line=33,
    )


def timer_doubles() -> Result:
    """Retransmissions, observations and a check."""
    talk = Dialogue(dport=19).opened()
    talk.event(0.0007, "target: send 1000", 0)
    data = bytes(32 + number % 95 for number in range(1000))
    talk.received(0.0012, "PA", 1, 1, data, step=1, note="met")
    talk.received(0.2031, "PA", 1, 1, data, step=2, note="met")
    talk.received(0.6119, "PA", 1, 1, data, step=3, note="met")
    talk.sent(0.6132, "R", 1, 0)
    sources = [
        ("target", "- target: {send: 1000}", "done", ""),
        ("expect", '- expect: {flags: A, len: "> 0"}\n  as: first', "met", "flags A, len > 0 within 1 s"),
        ("expect", '- expect: {seq: first.seq, len: "> 0"}\n  within: 3s\n  as: second', "met", "seq 1, len > 0"),
        ("expect", '- expect: {seq: first.seq, len: "> 0"}\n  within: 6s\n  as: third', "met", "seq 1, len > 0"),
        ("check", "- check: 1.6 <= (third.time - second.time) / (second.time - first.time) <= 2.4", "met", ""),
    ]
    steps = [
        StepResult(index, 60 + 3 * index, 9, kind, source, outcome, expected, time=0.1 * index)
        for index, (kind, source, outcome, expected) in enumerate(sources)
    ]
    return _result(
        "rto-doubles",
        "Each expiry of the retransmission timer doubles it",
        talk,
        steps=steps,
        rfc="6298",
        section="5",
        covers=["RFC6298-S5-4"],
        needs=["wire", "source"],
        tags=["slow", "timer"],
        observations={"minimum_rto": 0.2019, "initial_window": 10, "mss": 1460},
        file="specs/rfc6298/timer.probe.yaml",
        line=55,
    )


def path_mtu() -> Result:
    """IPv6, an ICMP error, and no answer."""
    talk = Dialogue("2001:db8::1", "2001:db8::2", 40007, 19).opened()
    talk.received(0.0021, "A", 1, 1, bytes(1200), step=0, note="met")
    talk.icmp(0.0026, "packet-too-big", 1280, talk.entries[-1].packet[:96], step=1)
    talk.event(6.0, "nothing arrived for 6 s", 2)
    steps = [
        StepResult(0, 70, 9, "expect", '- expect: {len: "> 1000"}', "met", "len > 1000", time=0.0021),
        StepResult(1, 71, 9, "send", "- send: {icmp: packet-too-big, mtu: 1280, quote: last}", "done", time=0.0026),
        StepResult(
            2,
            72,
            9,
            "expect",
            '- expect: {len: "<= 1220"}\n  within: 6s',
            "missed",
            "len <= 1220 within 6 s",
            "nothing",
        ),
    ]
    return _result(
        "too-big-obeyed",
        "Segments shrink to the MTU that a router reports",
        talk,
        steps=steps,
        verdict=Verdict.INCONCLUSIVE,
        reason="nothing came within 6 s",
        rfc="8201",
        section="4",
        covers=["RFC8201-S4-1"],
        needs=["wire", "source", "icmp"],
        file="specs/rfc8201/too-big.probe.yaml",
        line=66,
    )


def two_connections() -> Result:
    """Two connections in one play."""
    first, second = Dialogue(name="a").opened(), Dialogue(name="b", sport=40002).opened(0.002)
    first.sent(0.004, "PA", 1, 1, b"hello", step=0).received(0.0043, "PA", 1, 6, b"hello", step=1, note="met")
    first.received(0.0045, "PA", 1, 6, b"hello", note="retransmission, ignored")
    second.sent(0.005, "FA", 1, 1, step=2).received(0.0053, "FA", 1, 2, step=3, note="met")
    entries = sorted(first.entries + second.entries, key=lambda entry: entry.time)
    sources = [
        ("send", '- send: {flags: PA, data: "hello"}\n  on: a', "done"),
        ("expect", '- expect: {flags: A, data: "hello"}\n  on: a', "met"),
        ("send", "- send: {flags: FA}\n  on: b", "done"),
        ("expect", "- expect: {flags: [A, FA], ack: snd.nxt}\n  on: b", "met"),
    ]
    steps = [
        StepResult(index, 80 + 2 * index, 9, kind, source, outcome, time=0.004 + index / 2000)
        for index, (kind, source, outcome) in enumerate(sources)
    ]
    result = _result(
        "closing-one-leaves-the-other",
        "Closing one connection leaves the other alone",
        first,
        steps=steps,
        section="3.6",
        covers=["RFC9293-S3.6-1"],
        needs=["wire", "echo"],
        file="specs/rfc9293/close.probe.yaml",
        line=77,
    )
    return replace(result, transcript=entries, connections=[first.info(), second.info()])


def skipped() -> Result:
    return _result(
        "delayed-ack-timer",
        "An acknowledgment is not delayed beyond half a second",
        None,
        verdict=Verdict.SKIP,
        reason="needs agent: needs a helper on the target's host",
        section="3.8.6.3",
        covers=["RFC9293-MUST-40"],
        needs=["agent", "wire"],
        file="specs/rfc9293/delack.probe.yaml",
    )


def errored() -> Result:
    return _result(
        "window-probe",
        "A zero window is probed",
        None,
        verdict=Verdict.ERROR,
        reason="cannot send: Network is unreachable",
        section="3.8.6.1",
        covers=["RFC9293-MUST-36"],
        needs=["source", "wire"],
        file="specs/rfc9293/window.probe.yaml",
    )


HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}${7*7}"
    "\u202eltr\u2066\x00\x1b[31mred\x1b[0m\x1b]0;title\x07\r\n<!--\u2028&amp; \udc80"
)


def poisoned() -> Result:
    """Everything that an attacker may choose is hostile."""
    talk = Dialogue().opened()
    payload = HOSTILE.encode("utf-8", "surrogatepass") + b"\xff\xfe\x80" + b"</script><svg onload=alert(3)>"
    talk.received(0.002, "PA", 1, 1, payload, step=0, note=HOSTILE)
    talk.entries[-1].text += HOSTILE
    talk.event(0.003, HOSTILE)
    steps = [
        StepResult(
            0,
            9,
            9,
            "expect",
            f"- expect: {{data: {HOSTILE!r}}}  # {HOSTILE}",
            "missed",
            HOSTILE,
            HOSTILE,
            [Difference(HOSTILE, HOSTILE, HOSTILE), Difference("data", HOSTILE, HOSTILE)],
            0.002,
            HOSTILE,
        )
    ]
    result = _result(
        f"poison[{HOSTILE}]",
        HOSTILE,
        talk,
        steps=steps,
        verdict=Verdict.FAIL,
        reason=HOSTILE,
        variant=HOSTILE,
        rfc="javascript:alert(4)",
        section='1"><script>alert(5)</script>',
        covers=[HOSTILE, "RFC9293-MUST-1"],
        needs=[HOSTILE],
        file=f"/{HOSTILE}/x.probe.yaml",
        observations={HOSTILE: HOSTILE, "ok": 1},
        reproduce=HOSTILE,
        target=HOSTILE,
    )
    result.connections[0].name = HOSTILE
    return result


MAKERS = (
    closed_port,
    lambda: christmas_tree("FPU"),
    lambda: christmas_tree("F"),
    lambda: closed_port(Verdict.PASS),
    reset_in_window,
    timer_doubles,
    two_connections,
    path_mtu,
    skipped,
    errored,
)
"""One of each kind."""


def results(count: int = len(MAKERS)) -> Iterator[Result]:
    """That many results with ids of their own: first one of each kind, then mostly such as hold."""
    holding = (1, 2, 3, 5, 6)
    for number in range(count):
        if number < len(MAKERS):
            result = MAKERS[number]()
            if number == 3:
                result.id = result.scenario = "closed-port-again"
        else:
            result = MAKERS[holding[number % 5] if number % 23 else number // 23 % len(MAKERS)]()
            result.id = f"{result.id}-{number}"
            result.scenario = f"{result.scenario}-{number}"
        yield result


def an_end(found: list[Result], *, cut_short: bool = False) -> End:
    counts: dict[str, int] = {}
    for result in found:
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
    return End(counts, 12.5, cut_short)
