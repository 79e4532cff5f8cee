"""From plays to a verdict."""

from __future__ import annotations

import pytest

from tcpprobe.results.model import Difference, Result, StepResult, Verdict
from tcpprobe.runner.policy import Disturbance, judged, plays_to_come, settled, unmet_need
from tcpprobe.runner.settings import Settings
from tcpprobe.target.target import Target

P, F, W, U, E, S = (
    Verdict.PASS,
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.INCONCLUSIVE,
    Verdict.ERROR,
    Verdict.SKIP,
)


def result(verdict: Verdict, reason: str = "because") -> Result:
    """A result with nothing in it but a verdict."""
    return Result(
        id="x", scenario="x", title="", file="f", line=1, column=1, rfc="", section="", covers=[], level="must",
        needs=[], verdict=verdict, reason=reason, variant=None, steps=[], transcript=[], observations={},
        duration=0.0, attempts=[], connections=[], target="", reproduce="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "more"),
    [
        ([P], 0),
        ([S], 0),
        ([E], 0),
        ([F], 2),
        ([W], 2),
        ([F, F], 1),
        ([F, F, F], 0),
        ([F, P, P], 0),
        ([U], 2),
        ([U, U], 1),
        ([U, U, U], 0),
        ([U, P], 0),
        ([U, F], 2),
        ([U, U, F], 2),
        ([U, U, F, U], 1),
        ([F, E], 0),
    ],
)
def test_what_is_doubtful_is_played_again(verdicts: list[Verdict], more: int) -> None:
    """A failure is confirmed, an inconclusive play retried, and both end."""
    assert plays_to_come(verdicts, Settings(confirm=2, retry=2)) == more


def test_confirmation_can_be_switched_off() -> None:
    """With --tcp-confirm 0 one failure is enough."""
    assert plays_to_come([F], Settings(confirm=0)) == 0


@pytest.mark.parametrize(
    ("verdicts", "verdict", "reason"),
    [
        ([P], P, "because"),
        ([F], F, "because"),
        ([F, F, F], F, "because (3 of 3)"),
        ([F, P, P], U, "1 of 3, unstable: because"),
        ([F, W, F], W, "because (3 of 3)"),
        ([U, U, U], U, "because"),
        ([U, P], P, "because"),
        ([U, F, F, F], F, "because (3 of 3)"),
        ([F, E], E, "because"),
    ],
)
def test_the_verdict_of_several_plays(verdicts: list[Verdict], verdict: Verdict, reason: str) -> None:
    """Only what was broken every time is called broken."""
    final = judged([result(each) for each in verdicts])
    assert (final.verdict, final.reason) == (verdict, reason)
    assert [attempt.verdict for attempt in final.attempts] == verdicts


def test_an_unstable_result_shows_the_play_in_which_it_broke() -> None:
    """The transcript to look at is the failing one's."""
    final = judged([result(P, "held"), result(F, "broke"), result(P, "held")])
    assert final.reason == "1 of 3, unstable: broke"


def test_needs() -> None:
    """A need is met by the target's services, its closed port, its family or the link."""
    target = Target("t:7", "t", b"\x7f\0\0\1", 7, services={"wire": 7, "echo": 7})
    assert unmet_need({"wire", "echo", "ipv4", "icmp"}, target, own_address=False) is None
    assert unmet_need({"closed_port"}, target, own_address=True) == "needs closed_port: name one with --tcp-closed-port"
    missing = unmet_need({"agent", "own_address", "ipv6"}, target, own_address=False)
    assert missing is not None
    assert [part.split(":")[0] for part in missing.split("; ")] == ["needs agent", "needs ipv6", "needs own_address"]


def broken_at(step: int, verdict: Verdict = F) -> Result:
    """A play in which this step was missed."""
    found = result(verdict)
    found.steps = [StepResult(step, 1, 1, "expect", "", "missed")]
    return found


@pytest.mark.parametrize("verdict", [F, W])
def test_a_mistake_that_comes_back_is_a_mistake(verdict: Verdict) -> None:
    assert judged([broken_at(3, verdict) for _ in range(3)]).verdict is verdict


def test_what_is_broken_now_here_and_now_there_is_unstable() -> None:
    """Another packet was lost each time."""
    final = judged([broken_at(3), broken_at(3), broken_at(4)])
    assert final.verdict is U
    assert final.reason.startswith("never the same in 3 plays, unstable: because")


def came(**seen: str) -> Result:
    """A play in which a step met this instead of what it expected."""
    found = broken_at(3)
    found.steps[0].differences = [Difference(field, "", value) for field, value in seen.items()]
    return found


@pytest.mark.parametrize(
    "plays",
    [
        [came(flags="R", ack="1711892767"), came(flags="R", ack="-42"), came(flags="R", ack="7", seq="5")],
        [came(ack="1711892767"), came(ack="-1479930899"), came(ack="904362091")],
        [came(seq="1001"), came(seq="1001"), came(seq="1001")],
    ],
    ids=["another segment", "random numbers", "the same number"],
)
def test_a_mistake_is_the_same_whatever_its_random_numbers_are(plays: list[Result]) -> None:
    assert judged(plays).verdict is F


@pytest.mark.parametrize(
    "plays",
    [
        [came(seq="1"), came(seq="1"), came(seq="1001")],
        [came(flags="R"), came(flags="R"), came(flags="A")],
        [came(ack="1"), came(ack="1"), came(ack="1711892767")],
    ],
)
def test_other_numbers_are_another_mistake(plays: list[Result]) -> None:
    assert judged(plays).verdict is U


def undecided(**seen: str) -> Result:
    """A play that decided nothing because this came."""
    found = came(**seen)
    found.verdict = U
    return found


@pytest.mark.parametrize(
    ("plays", "enough"),
    [
        ([undecided(len="205")], False),
        ([undecided(len="205"), undecided(len="205")], True),
        ([undecided(len="205"), undecided(len="500")], False),
        ([undecided(), undecided()], False),
        ([undecided(len="205"), came(len="205")], False),
    ],
    ids=["once", "twice the same", "something else", "silence", "a violation"],
)
def test_what_decides_nothing_twice_in_the_same_way_is_not_played_again(plays: list[Result], enough: bool) -> None:
    """A head of 205 octets before the data comes before it each time; a lost packet is another one."""
    assert settled(plays) is enough


@pytest.mark.parametrize(
    ("verdicts", "more"),
    [([F, P, P], 2), ([P, F, P], 2), ([F, P, P, P, P], 0), ([F, F, P], 0), ([F] * 3, 2), ([F] * 5, 0), ([P], 0)],
)
def test_on_a_bad_link_what_was_broken_once_is_played_more_often(verdicts: list[Verdict], more: int) -> None:
    assert plays_to_come(verdicts, Settings(confirm=2), disturbed=True) == more


def test_what_was_broken_once_and_held_four_times_holds() -> None:
    final = judged([result(verdict, "" if verdict is P else "nothing came") for verdict in (F, P, P, P, P)])
    assert final.verdict is P
    assert final.reason == "1 of 5 plays was disturbed: nothing came"
    assert [attempt.verdict for attempt in final.attempts] == [F, P, P, P, P]


def test_a_failure_that_could_not_be_confirmed_is_inconclusive() -> None:
    final = judged([result(verdict) for verdict in (U, F, U, U)])
    assert final.verdict is U
    assert final.reason.startswith("once only, and then there was nothing to judge")
    assert judged([result(verdict) for verdict in (U, U, F)]).verdict is F


@pytest.mark.parametrize(
    ("verdicts", "late", "more"),
    [([U], 1, 1), ([U, U, U], 0, 0), ([U, U, U], 1, 1), ([U, U, U, U], 1, 0), ([U] * 8, 8, 1), ([U] * 9, 9, 0)],
)
def test_a_play_that_we_were_late_for_is_tried_again(verdicts: list[Verdict], late: int, more: int) -> None:
    assert plays_to_come(verdicts, Settings(confirm=2, retry=2), late=late) == more


def test_a_few_plays_do_not_make_a_run_disturbed() -> None:
    """Cases that are now broken and now hold count once each; late plays count apart from them."""
    disturbance = Disturbance()
    for key in (1, 2, 3, 3, 3):
        disturbance.attempted(key, [F, P])
        disturbance.attempted(key + 10, [F, F])
    for _ in range(3):
        disturbance.late()
    assert not disturbance.told(10)
    disturbance.late()
    assert disturbance.told(10)
    assert not disturbance.told(1000)
