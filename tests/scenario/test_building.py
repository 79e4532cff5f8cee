"""From a file to scenarios: what is derived, and what the steps become."""

from __future__ import annotations

import pytest

from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.model import (
    AllOf,
    AnyOf,
    Check,
    Collect,
    Expect,
    Gone,
    Nothing,
    Pattern,
    Pause,
    Record,
    Scenario,
    Send,
    Step,
    TargetAction,
    Wait,
)

HEAD = "title: t\n{file}scenarios:\n  - id: x\n    title: X\n{head}    steps:\n{steps}"


def scenario(head: str = "level: info", steps: str = "expect: nothing", file: str = "") -> Scenario:
    """The scenario with these lines in its head, and these steps (one a line)."""
    text = HEAD.format(
        file="".join(f"{line}\n" for line in file.splitlines()),
        head="".join(f"    {line}\n" for line in head.splitlines()),
        steps="".join(f"      {'  ' if line.startswith(' ') else '- '}{line.strip()}\n" for line in steps.splitlines()),
    )
    return load_text(text, "x.probe.yaml")[0].scenario


def one_step(text: str, head: str = "level: info") -> Step:
    """The first step of a scenario with these steps; an expectation is added."""
    return scenario(head, f"{text}\nexpect: nothing").steps[0]


@pytest.mark.parametrize(
    ("covers", "level"),
    [
        ("[RFC9293-MUST-2]", "must"),
        ("[RFC5961-S1.1-1]", "should"),
        ("[RFC5961-S1.1-1, RFC9293-MUST-2]", "must"),
        ("[RFC9293-MAY-2]", "may"),
        ("[RFC9293-MUST-2]\nlevel: info", "info"),
    ],
)
def test_level(covers: str, level: str) -> None:
    assert scenario(f"covers: {covers}").level == level


def test_where_it_is_laid_down() -> None:
    plain = scenario("covers: [RFC5961-S3.2-3, RFC9293-MUST-2]")
    assert (plain.rfc, plain.section) == ("5961", "3.2")
    of_file = scenario("covers: [RFC5961-S3.2-3]", file="rfc: 9293\nsection: 3.10")
    assert (of_file.rfc, of_file.section) == ("9293", "3.10")
    of_itself = scenario("covers: [RFC5961-S3.2-3]\nrfc: 793\nsection: 3.4.1", file="rfc: 9293\nsection: 3.1")
    assert (of_itself.rfc, of_itself.section) == ("793", "3.4.1")
    of_none = scenario("covers: [ROB-OPT-1]")
    assert (of_none.rfc, of_none.section) == ("", "")


@pytest.mark.parametrize(
    ("head", "steps", "needs"),
    [
        ("level: info", "expect: nothing", {"wire"}),
        ("level: info\nneeds: [echo]", "expect: nothing", {"echo"}),
        ("level: info", "target: {send: 10}\nexpect: nothing", {"source"}),
        ("level: info", "target: close\nexpect: nothing", {"closer"}),
        ("level: info", "target: {close: true}\nexpect: nothing", {"closer"}),
        ("level: info", "target: {connect: us}\nexpect: nothing", {"agent"}),
        ("level: info", "target: stop_reading\nexpect: nothing", {"agent"}),
        ("level: info", "send: {icmp: time-exceeded}\nexpect: nothing", {"icmp"}),
        ("level: info\ngiven: close-wait", "expect: nothing", {"source"}),
        ("level: info\ngiven: {state: time-wait}", "expect: nothing", {"closer"}),
        ("level: info\ngiven: last-ack", "expect: nothing", {"wire"}),
        ("level: info\ngiven: listen", "expect: nothing", {"agent"}),
        ("level: info\nconnections: {a: closed, b: fin-wait-1}\nneeds: [sink]", "expect: nothing", {"sink", "closer"}),
    ],
)
def test_needs(head: str, steps: str, needs: set[str]) -> None:
    assert scenario(head, steps).needs == needs


def test_what_the_file_says_for_all() -> None:
    found = scenario("level: info\nneeds: [echo]\ntags: [slow]", file="needs: [ipv6]\ntags: [v6]")
    assert found.needs == {"echo", "ipv6"}
    assert found.tags == {"slow", "v6"}


def test_defaults() -> None:
    found = scenario()
    assert list(found.connections) == ["main"]
    assert (found.given.state, found.given.options, found.given.reflexes) == ("closed", None, frozenset())
    assert found.ignore == ("retransmissions",)
    assert not found.exclusive
    assert not found.hostile
    assert not found.patient
    assert str(found.place) == "x.probe.yaml:3:5"


def test_ignore() -> None:
    assert scenario("level: info\nignore: [acks, retransmissions]").ignore == ("retransmissions", "acks")
    assert scenario("level: info\nignore: none").ignore == ()
    more = scenario("level: info\nignore: [{flags: A, len: 0}]").ignore
    assert more[0] == "retransmissions"
    assert isinstance(more[1], Pattern)


def test_connections() -> None:
    found = scenario("level: info\ngiven: established\nconnections: [a, b]", "expect: nothing\nexpect: nothing\n on: b")
    assert {name: each.state for name, each in found.connections.items()} == {"a": "established", "b": "established"}
    assert [step.on for step in found.steps] == ["a", "b"]
    each = scenario("level: info\nconnections: {a: closed, b: {state: established, reflexes: [acknowledge]}}")
    assert each.given.state == "closed"
    assert each.connections["b"].reflexes == {"acknowledge"}
    assert scenario("level: info\ngiven: {reflexes: all}").given.reflexes == {"all"}
    assert scenario("level: info\ngiven: {reflexes: none}").given.reflexes == frozenset()


def test_a_group_of_connections_is_played_one_after_the_other() -> None:
    found = scenario(
        "level: info\nconnections: {one: closed, crowd: {count: 2, state: established}}",
        "expect: nothing\nsend: {flags: A}\n on: crowd\n"
        "collect: {flags: A}\n on: crowd\n as: all\ncheck: len(all) == 2",
    )
    assert {name: each.state for name, each in found.connections.items()} == {
        "one": "closed",
        "crowd[0]": "established",
        "crowd[1]": "established",
    }
    assert list(found.turns()) == [
        (0, "one"),
        (1, "crowd[0]"),
        (2, "crowd[0]"),
        (1, "crowd[1]"),
        (2, "crowd[1]"),
        (3, "one"),
    ]


def test_collect() -> None:
    step = one_step("collect: {any_of: [{flags: A}, {flags: R}]}\n for: 2s\n as: found")
    assert isinstance(step, Collect)
    assert (step.kind, step.for_, step.as_, type(step.alternative)) == ("collect", 2.0, "found", AnyOf)


def test_send() -> None:
    step = one_step("send: {flags: A}\n repeat: 3\n every: 20ms\n as: probes\n why: because")
    assert isinstance(step, Send)
    assert (step.kind, step.every, step.as_, step.why, step.from_) == ("send", Pause(0.02), "probes", "because", None)
    assert step.source == "send: {flags: A}\nrepeat: 3\nevery: 20ms\nas: probes\nwhy: because"
    assert str(step.place) == "x.probe.yaml:7:9"


def test_what_describes_a_sending_step_may_stand_in_it_too() -> None:
    step = one_step(
        "send: {flags: A, repeat: 2, every: 1s, as: probes, on: b, from: a}", "level: info\nconnections: [a, b]"
    )
    assert isinstance(step, Send)
    assert (step.every, step.as_, step.on, step.from_) == (Pause(1.0), "probes", "b", "a")
    assert step.repeat is not None


def test_expect() -> None:
    step = one_step("expect: {flags: A}\n within: 1.5s\n repeat: 2\n as: acks\n verdict: warn")
    assert isinstance(step, Expect)
    assert (step.within, step.for_, step.as_, step.verdict, step.eventually) == (1.5, None, "acks", "warn", False)
    step = one_step("eventually: {flags: A}\n within: 2min")
    assert isinstance(step, Expect)
    assert (step.within, step.eventually) == (120.0, True)
    step = one_step("expect: nothing\n for: 1h")
    assert isinstance(step, Expect)
    assert (step.for_, type(step.alternative)) == (3600.0, Nothing)


def test_alternatives() -> None:
    step = one_step("expect: {any_of: [{flags: A, variant: x}, {gone: true, verdict: warn}, nothing]}\n for: 1s")
    assert isinstance(step, Expect)
    assert isinstance(step.alternative, AnyOf)
    assert [type(each) for each in step.alternative.members] == [Pattern, Gone, Nothing]
    assert [(each.variant, each.verdict) for each in step.alternative.members] == [
        ("x", None),
        (None, "warn"),
        (None, None),
    ]
    step = one_step("expect: {all_of: [{flags: A}, {any_of: [{flags: F}, {flags: R}]}], variant: both}")
    assert isinstance(step, Expect)
    assert isinstance(step.alternative, AllOf)
    assert step.alternative.variant == "both"


def test_descriptions_of_alternatives(scope: object) -> None:
    step = one_step("expect: {any_of: [{flags: A}, {all_of: []}, gone, nothing]}".replace(", {all_of: []}", ""))
    assert isinstance(step, Expect)
    assert step.alternative.describe(scope()) == "[flags A], or the connection gone, or nothing"  # type: ignore[operator]
    step = one_step("expect: {all_of: [{flags: A}, {len: 5}]}")
    assert isinstance(step, Expect)
    assert step.alternative.describe(scope()) == "[flags A], and [len 5] (in any order)"  # type: ignore[operator]


def test_the_other_steps(scope: object) -> None:
    numbers = scope()  # type: ignore[operator]
    check = one_step("check: iss == 1000\n verdict: inconclusive")
    assert isinstance(check, Check)
    assert (check.expression.value(numbers), check.verdict) == (True, "inconclusive")
    wait = one_step("wait: 250us")
    assert isinstance(wait, Wait)
    assert wait.pause == Pause(0.00025)
    farther = one_step("wait: 1.5s + rtt")
    assert isinstance(farther, Wait)
    assert farther.pause == Pause(1.5, rtt=True)
    record = one_step("record: {first: iss, second: 2}")
    assert isinstance(record, Record)
    assert {name: each.value(numbers) for name, each in record.values.items()} == {"first": 1000, "second": 2}


@pytest.mark.parametrize(
    ("text", "action", "argument"),
    [
        ("{send: snd.mss * 2}", "send", 2920),
        ("close", "close", None),
        ("{abort: true}", "abort", None),
        ("{connect: us}", "connect", "us"),
        (
            "{set: {nodelay: true, sndbuf: 1000 + 1, cc: reno}}",
            "set",
            {"nodelay": True, "sndbuf": "1000 + 1", "cc": "reno"},
        ),
        ("{report: tcp_info}", "report", "tcp_info"),
    ],
)
def test_target(text: str, action: str, argument: object, scope: object) -> None:
    step = one_step(f"target: {text}\n as: told")
    assert isinstance(step, TargetAction)
    assert (step.action, step.argument_value(scope()), step.as_) == (action, argument, "told")  # type: ignore[operator]


def test_repeat_may_be_an_expression(scope: object) -> None:
    step = one_step("send: {flags: A}\n repeat: snd.mss // 730")
    assert isinstance(step, Send)
    assert step.times(scope()) == 2  # type: ignore[operator]


def test_a_capture_can_be_used_from_the_next_step_on(scope: object, captured: object) -> None:
    found = scenario("level: info", "expect: {flags: A}\n as: first\nexpect: {seq: first.end}\ncheck: first.time < now")
    step = found.steps[1]
    assert isinstance(step, Expect)
    numbers = scope(first=captured(end=1234))  # type: ignore[operator]
    assert step.alternative.describe(numbers) == "seq first.end (=-3766)"
