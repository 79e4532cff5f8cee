"""Many plays at once, against our own TCP in virtual time and against small targets that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest

from tcpprobe.lab.lab import open_lab
from tcpprobe.lab.memory import MemoryLab
from tcpprobe.lab.mutants import MUTANTS
from tcpprobe.link.memory import MemoryLink
from tcpprobe.results.model import Verdict
from tcpprobe.runner.conductor import FEW
from tcpprobe.runner.session import Session
from tcpprobe.runner.settings import Settings
from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.model import Case
from tcpprobe.target.target import Target
from tcpprobe.tcp.connection import Connection
from tcpprobe.wire.flags import ACK, RST, SYN
from tcpprobe.wire.ip import Packet, pack
from tcpprobe.wire.segment import Segment


def cases(steps: str, head: str = "", ids: tuple[str, ...] = ("s",)) -> list[Case]:
    """A scenario for each id, all with the same steps."""
    text = "title: t\nscenarios:\n"
    for id_ in ids:
        text += f"  - id: {id_}\n    title: t\n    level: must\n{head}    steps:\n{steps}"
    return load_text(text, "t.probe.yaml")


OPENS = "      - send: {flags: S}\n      - expect: {flags: SA}\n"
SILENT = "      - send: {flags: F}\n      - expect: nothing\n        for: 3s\n"


class Scripted:
    """A target whose answer to a segment is a function of it and of how many came before."""

    def __init__(self, answer: Callable[[Segment, int], list[Segment]]) -> None:
        self.answer = answer
        self.count = 0
        self.out: list[Packet] = []

    def packet_arrives(self, packet: Packet, now: float) -> None:  # noqa: ARG002
        """Answer it."""
        assert isinstance(packet.payload, Segment)
        for segment in self.answer(packet.payload, self.count):
            self.out.append(Packet(packet.dst, packet.src, segment))
        self.count += 1

    def packets_to_send(self, now: float) -> list[Packet]:  # noqa: ARG002
        """Hand the answers out."""
        out, self.out = self.out, []
        return out

    def next_timeout(self) -> float | None:
        """Nothing happens by itself."""

    def timeout(self, now: float) -> None:
        """Never called."""


def accept(segment: Segment, _count: int) -> list[Segment]:
    """SYN,ACK to a SYN."""
    if segment.flags & SYN:
        return [Segment(segment.dport, segment.sport, 1, segment.end, SYN | ACK, 1000)]
    return []


def refuse(segment: Segment, _count: int) -> list[Segment]:
    """RST to everything."""
    return [] if segment.flags & RST else [Segment(segment.dport, segment.sport, 0, segment.end, RST | ACK)]


def session_with(answer: Callable[[Segment, int], list[Segment]], settings: Settings | None = None) -> Session:
    """A session against a scripted target."""
    target = Target("scripted:7", "scripted", pack("203.0.113.1"), 7, 1, {"wire": 7})
    return Session(target, MemoryLink(Scripted(answer)), settings or Settings())


def test_plays_overlap_in_time() -> None:
    """A hundred silences of three seconds take little more than three."""
    with MemoryLab() as lab:
        session = Session(lab.target, lab.link, Settings(width=100))
        played = cases(SILENT, ids=tuple(f"s{number}" for number in range(100)))
        session.start(played)
        assert {session.result(case).verdict for case in played} == {Verdict.PASS}
        assert lab.link.now < 3.1
        session.close()


def test_the_width_bounds_them() -> None:
    """Ten at a time need ten times three seconds."""
    with MemoryLab() as lab:
        session = Session(lab.target, lab.link, Settings(width=10))
        played = cases(SILENT, ids=tuple(f"s{number}" for number in range(100)))
        session.start(played)
        for case in played:
            session.result(case)
        assert 29.9 < lab.link.now < 30.5
        session.close()


def test_exclusive_plays_alone() -> None:
    """After the others, one after the other."""
    with MemoryLab() as lab:
        session = Session(lab.target, lab.link, Settings())
        alone = cases(SILENT, "    exclusive: true\n", ids=("a", "b"))
        others = cases(SILENT, ids=("c", "d"))
        session.start([*alone, *others])
        for case in (*alone, *others):
            assert session.result(case).verdict is Verdict.PASS
        assert 8.9 < lab.link.now < 9.2
        session.close()


def test_a_failure_is_confirmed() -> None:
    """Three plays, and the result says so."""

    def answer(segment: Segment, count: int) -> list[Segment]:
        return refuse(segment, count) if segment.window == 1 else accept(segment, count)

    session = session_with(answer)
    (case,) = cases("      - send: {flags: S, window: 1}\n      - expect: {flags: SA}\n")
    result = session.result(case)
    assert result.verdict is Verdict.FAIL
    assert result.reason.endswith("(3 of 3)")
    session.close()


def test_what_fails_only_sometimes_is_unstable() -> None:
    """Every fourth SYN is refused: no verdict on the requirement, but no silence about it either."""

    def answer(segment: Segment, count: int) -> list[Segment]:
        if segment.window == 1 and count < 3:
            return refuse(segment, count)
        return accept(segment, count)

    session = session_with(answer)
    (case,) = cases("      - send: {flags: S, window: 1}\n      - expect: {flags: SA}\n")
    result = session.result(case)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "1 of 3, unstable" in result.reason
    assert [attempt.verdict for attempt in result.attempts].count(Verdict.FAIL) == 1
    session.close()


def test_a_target_that_dies_is_the_finding() -> None:
    """The culprit fails, what comes after it is inconclusive, and nobody waits for long."""
    dead = False

    def answer(segment: Segment, count: int) -> list[Segment]:
        nonlocal dead
        dead = dead or segment.urgent == 99
        return [] if dead else accept(segment, count)

    session = session_with(answer, Settings(width=1))
    (killer,) = cases("      - send: {flags: S, urgent: 99}\n      - expect: {flags: SA}\n", ids=("killer",))
    others = cases(OPENS, ids=tuple(f"s{number}" for number in range(50)))
    session.start([killer, *others])
    result = session.result(killer)
    assert result.verdict is Verdict.FAIL
    assert "no longer answered" in result.reason
    reasons = {session.result(case).reason for case in others}
    assert reasons == {"the target had stopped answering (since killer)"}
    session.close()


def test_a_target_whose_backlog_stays_full_while_there_is_a_crowd_is_not_dead() -> None:
    """Nothing new begins while SYNs stay unanswered; with what fills the backlog gone it answers again."""
    inside: set[int] = set()

    def answer(segment: Segment, _count: int) -> list[Segment]:
        """A server that serves one client at a time, and lets its host answer everybody else's SYN with silence."""
        if segment.flags & RST:
            inside.discard(segment.sport)
        elif segment.flags & SYN and not inside:
            inside.add(segment.sport)
            return accept(segment, 0)
        return [Segment(segment.dport, segment.sport, 2, segment.end, ACK)] if segment.sport in inside else []

    lingers = OPENS + "      - send: {flags: PA, data: x}\n        repeat: 30\n        every: 600ms\n"
    session = session_with(answer)
    crowd = cases(lingers, ids=tuple(f"s{number}" for number in range(3)))
    session.start(crowd)
    reasons = [session.result(case).reason for case in crowd]
    assert not [reason for reason in reasons if "answering" in reason or "no longer answered" in reason]
    session.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [(refuse, "refuses connections"), (lambda _segment, _count: [], "does not answer")],
)
def test_preflight_says_why_a_target_cannot_be_tested(
    answer: Callable[[Segment, int], list[Segment]], words: str
) -> None:
    """In one plain sentence."""
    session = session_with(answer)
    sentence = session.preflight()
    assert sentence is not None
    assert words in sentence
    session.close()


def test_preflight_times_the_way_and_plays_allow_for_it() -> None:
    """Whatever it is: an answer due within 50 ms of the target's own time may be here after 450."""
    target = Target("scripted:7", "scripted", pack("203.0.113.1"), 7, 1, {"wire": 7})
    session = Session(target, MemoryLink(Scripted(accept), delay=0.2), Settings())
    assert session.preflight() is None
    (case,) = cases("      - send: {flags: S}\n      - expect: {flags: SA}\n        within: 50ms\n")
    assert session.result(case).verdict is Verdict.PASS
    assert session.run_info("").round_trip == pytest.approx(0.4)
    session.close()


def test_preflight_finds_a_closed_port() -> None:
    """The first candidate that answers a SYN with RST."""

    def answer(segment: Segment, count: int) -> list[Segment]:
        return refuse(segment, count) if segment.dport == 6 else accept(segment, count) if segment.dport == 7 else []

    session = session_with(answer)
    session.target = session._conductor.target = Target("t", "t", pack("203.0.113.1"), 7, None, {"wire": 7})
    assert session.preflight() is None
    assert session.target.closed_port == 6
    session.close()


def test_unmet_needs_are_skipped_without_a_packet() -> None:
    """And the reason names the need."""
    session = session_with(accept)
    (case,) = cases(OPENS, "    needs: [echo]\n")
    result = session.result(case)
    assert result.verdict is Verdict.SKIP
    assert "needs echo" in result.reason
    session.close()


@pytest.mark.parametrize("name", list(MUTANTS)[::10])
def test_mutants_do_not_upset_the_session(name: str) -> None:
    """Whatever the target does, there is a result."""
    with MemoryLab(MUTANTS[name].make) as lab:
        session = Session(lab.target, lab.link, Settings())
        (case,) = cases(OPENS)
        assert session.result(case).transcript
        session.close()


def test_what_may_harm_is_for_labs_unless_asked_for() -> None:
    """Against a live target a hostile scenario is skipped; with `hostile` it is played; labs take it anyway."""
    (case,) = cases(OPENS, "    hostile: true\n")
    skipped = session_with(accept).result(case)
    assert skipped.verdict is Verdict.SKIP
    assert "--tcp-hostile" in skipped.reason
    assert session_with(accept, Settings(hostile=True)).result(case).verdict is Verdict.PASS
    with MemoryLab() as lab:
        assert Session(lab.target, lab.link, Settings()).result(case).verdict is Verdict.PASS


def test_what_takes_minutes_is_for_the_patient_and_for_virtual_time() -> None:
    """In real time a patient scenario is skipped unless `patient` asks for it; in virtual time it is played anyway."""
    (case,) = cases(OPENS, "    patient: true\n")
    assert "slow" in case.scenario.tags
    with MemoryLab() as lab:
        assert Session(lab.target, lab.link, Settings()).result(case).verdict is Verdict.PASS
    for settings, verdict in ((Settings(), Verdict.SKIP), (Settings(patient=True), Verdict.PASS)):
        with open_lab("linux") as lab:
            session = Session(lab.target, lab.link, settings)
            found = session.result(case)
            session.close()
        assert found.verdict is verdict
        assert ("--tcp-patient" in (found.reason or "")) is (verdict is Verdict.SKIP)


class Throttled(Connection):
    """Ten challenge ACKs a second for all connections together, as RFC 5961 7 lets a host do."""

    spent: ClassVar[list[float]] = []

    def challenge(self) -> None:
        spent = Throttled.spent = [then for then in Throttled.spent if self.now - then < 1]
        if len(spent) < 10:
            spent.append(self.now)
            super().challenge()


class Silent(Connection):
    """No challenge ACK at all."""

    def challenge(self) -> None:
        pass


@pytest.mark.parametrize(("kind", "verdict"), [(Throttled, Verdict.PASS), (Silent, Verdict.FAIL)])
def test_silence_in_a_crowd_is_looked_into_away_from_it(kind: type[Connection], verdict: Verdict) -> None:
    """A host may throttle what it answers to all its peers; one that never answers is found out all the same."""
    steps = "      - send: {flags: R, seq: snd.nxt + 100}\n      - expect: {flags: A}\n"
    crowd = cases(steps, "    given: established\n", tuple(f"s{number}" for number in range(60)))
    Throttled.spent = []
    with MemoryLab(kind) as lab:
        session = Session(lab.target, lab.link, Settings())
        session.start(crowd)
        found = [session.result(case) for case in crowd]
    assert {result.verdict for result in found} == {verdict}
    told = [result for result in found if result.reason.startswith("silent while much else was played")]
    assert bool(told) is (kind is Throttled)
    assert all(result.attempts[-1].verdict is Verdict.PASS for result in told)


@pytest.mark.parametrize("name", ["s", "s[1]"])
def test_what_is_known_is_not_confirmed(name: str) -> None:
    """Another verdict than the known one is."""
    steps = "      - send: {flags: S, urgent: n}\n      - expect: {flags: SA}\n"
    for verdict, plays in (("fail", 1), ("warn", 3)):
        session = session_with(refuse, Settings(known={name: verdict}))
        (case,) = cases(steps, "    matrix: {n: [1]}\n")
        result = session.result(case)
        assert (result.verdict, len(result.attempts)) == (Verdict.FAIL, plays)


def test_on_a_shared_address_a_failure_is_confirmed_among_few() -> None:
    """What only fails in the crowd is unstable, not broken: a small host may be overwhelmed by us."""
    crowd: set[int] = set()

    def answer(segment: Segment, count: int) -> list[Segment]:  # noqa: ARG001
        if segment.flags & RST:
            crowd.discard(segment.sport)
            return []
        if len(crowd) >= 5:
            return refuse(segment, 0)
        crowd.add(segment.sport)
        return accept(segment, 0)

    target = Target("scripted:7", "scripted", pack("203.0.113.1"), 7, 1, {"wire": 7})
    link = MemoryLink(Scripted(answer))
    link.own_addresses = False
    session = Session(target, link, Settings())
    steps = OPENS + "      - wait: 100ms\n"
    played = cases(steps, ids=tuple(f"s{number}" for number in range(20)))
    session.start(played)
    results = [session.result(case) for case in played]
    assert Verdict.FAIL not in [result.verdict for result in results]
    assert any("of 5 plays was disturbed" in result.reason or "unstable" in result.reason for result in results)
    session.close()


def test_on_a_shared_address_a_backlog_of_five_is_never_full_of_half_open_connections() -> None:
    """A target with SYN cookies would know of none of them."""
    half_open: set[int] = set()
    most = 0

    def answer(segment: Segment, count: int) -> list[Segment]:
        nonlocal most
        if segment.flags & RST:
            half_open.discard(segment.sport)
            return []
        half_open.add(segment.sport)
        most = max(most, len(half_open))
        return accept(segment, count)

    link = MemoryLink(Scripted(answer))
    link.own_addresses = False
    session = Session(Target("scripted:7", "scripted", pack("203.0.113.1"), 7, 1, {"wire": 7}), link, Settings())
    played = cases(
        "      - expect: nothing\n", "    given: syn-received\n", ids=tuple(f"s{number}" for number in range(20))
    )
    session.start(played)
    assert {session.result(case).verdict for case in played} == {Verdict.PASS}
    assert most == FEW
    session.close()
