"""From several plays of one case to one verdict; and which cases can be played against a target at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tcpprobe.results.model import Attempt, Result, Verdict
from tcpprobe.runner.settings import Settings
from tcpprobe.target.target import Target

BROKEN = frozenset({Verdict.FAIL, Verdict.WARN})
DOUBTFUL = BROKEN | {Verdict.INCONCLUSIVE}

#: What each need asks of the user, for the sentence that says why a scenario was skipped.
REMEDIES = {
    "closed_port": "name one with --tcp-closed-port",
    "echo": "the port's service does not echo; see --tcp-service",
    "source": "no service that sends data on request; see --tcp-service",
    "sink": "no service that swallows data; see --tcp-service",
    "closer": "no service that closes first; see --tcp-service",
    "http": "no HTTP service; see --tcp-service",
    "agent": "needs a helper on the target's host",
    "own_address": "needs a link that lends us addresses of our own (a lab)",
    "ipv4": "the target was named by an IPv6 address",
    "ipv6": "the target was named by an IPv4 address",
}

FATAL = "the target does not survive it, says the ledger of known deviations"
HOSTILE = "may harm the target: played against labs only, unless --tcp-hostile asks for it"
PATIENT = "takes minutes: played only when --tcp-patient asks for it"


DISTURBED = 4
"""In a disturbed run a failure is confirmed so often, and a case holds that held so often and was broken once only."""

PERSEVERANCE = 6
"""A play is tried so often more, at most, because we ourselves were late in it."""

USUAL = 3
"""A run is disturbed when more plays than this, and more of a hundred, were."""


class Disturbance:
    """Whether a run is disturbed, by a bad link or by other work for the machine, told from what happens in it."""

    def __init__(self) -> None:
        self._unstable: set[object] = set()
        self._late = 0

    def late(self) -> None:
        """We were too late ourselves in one more play."""
        self._late += 1

    def attempted(self, key: object, verdicts: Sequence[Verdict]) -> None:
        """The case of this key was played; one that is broken in one play and holds in the next counts once."""
        if unstable(verdicts):
            self._unstable.add(key)

    def told(self, cases: int) -> bool:
        """Whether it shows, after so many cases."""
        return max(len(self._unstable), self._late) > max(USUAL, cases * USUAL // 100)


def plays_to_come(verdicts: Sequence[Verdict], settings: Settings, *, late: int = 0, disturbed: bool = False) -> int:
    """How many more plays a case needs before its verdict can be given; in ``late`` of them we were late ourselves."""
    if Verdict.ERROR in verdicts:
        return 0
    conclusive = [verdict for verdict in verdicts if verdict is not Verdict.INCONCLUSIVE]
    if disturbed and unstable(verdicts) and sum(verdict in BROKEN for verdict in verdicts) == 1:
        return max(0, DISTURBED - conclusive.count(Verdict.PASS))
    retry = settings.retry + min(late, PERSEVERANCE)
    confirm = DISTURBED if disturbed and settings.confirm and not unstable(verdicts) else settings.confirm
    left = 1 + confirm + retry - len(verdicts)
    if not conclusive:
        # At once, because some take long; but one by one where we were late: so that the machine comes to rest.
        return max(0, min(1 if late else retry, 1 + retry - len(verdicts)))
    if BROKEN.isdisjoint(conclusive):
        return 0
    return max(0, min(left, 1 + confirm - len(conclusive)))


def settled(attempts: Sequence[Result]) -> bool:
    """Whether two plays decided nothing because the same came instead: it will the next time, too."""
    if len(attempts) < 2 or any(attempt.verdict is not Verdict.INCONCLUSIVE for attempt in attempts):
        return False
    before, latest = (_mistake(attempt) for attempt in attempts[-2:])
    return before == latest and len(latest) > 1


def unstable(verdicts: Sequence[Verdict]) -> bool:
    """Whether something was broken in some plays and held in others."""
    return Verdict.PASS in verdicts and not BROKEN.isdisjoint(verdicts)


def judged(attempts: Sequence[Result], *, crowded: int = 0) -> Result:
    """The result of a case from all its plays, in the order in which they ended.

    A requirement is called broken only when every conclusive play saw it broken, at the same step; what was broken in
    some plays and held in others is inconclusive and called unstable, and so is what was broken now here, now there:
    a target's mistake comes back, a lost packet is another one each time. What was broken once and held `DISTURBED`
    times (it is played so often in a disturbed run only) holds. So does what held away from the crowd, when the first
    plays, the ``crowded`` ones, missed nothing but an answer: a host may throttle (RFC 5961 7).
    """
    result = _telling(attempts)
    conclusive = [attempt for attempt in attempts if attempt.verdict is not Verdict.INCONCLUSIVE]
    broken = [attempt for attempt in conclusive if attempt.verdict in BROKEN]
    played = [Attempt(attempt.verdict, attempt.reason) for attempt in attempts]
    result.attempts = played
    if result.verdict is Verdict.ERROR:
        return result
    apart = [attempt for attempt in attempts[crowded:] if attempt.verdict is not Verdict.INCONCLUSIVE]
    if broken and crowded and apart and BROKEN.isdisjoint(attempt.verdict for attempt in apart):
        result = apart[-1]
        result.attempts = played
        result.reason = f"silent while much else was played, and held after it: {broken[0].reason}"
    elif len(broken) == 1 and len(conclusive) > DISTURBED:
        result = next(attempt for attempt in reversed(conclusive) if attempt.verdict not in BROKEN)
        result.attempts = played
        result.reason = f"1 of {len(conclusive)} plays was disturbed: {broken[0].reason}"
    elif broken and len(broken) < len(conclusive):
        result.verdict = Verdict.INCONCLUSIVE
        result.reason = f"{len(broken)} of {len(conclusive)}, unstable: {result.reason}"
    elif len(conclusive) == 1 and broken and attempts[-1] is not broken[0]:
        result.verdict = Verdict.INCONCLUSIVE
        result.reason = f"once only, and then there was nothing to judge: {result.reason}"
    elif len({_mistake(attempt) for attempt in broken}) > 1:
        result.verdict = Verdict.INCONCLUSIVE
        result.reason = f"never the same in {len(broken)} plays, unstable: {result.reason}"
    elif len(broken) > 1:
        result.reason = f"{result.reason} ({len(broken)} of {len(conclusive)})"
    return result


NEARBY = 2_000_000
"""Numbers that plays have to do with are no farther from a connection's first; what is, is random anew each time."""


def _mistake(attempt: Result) -> tuple[object, ...]:
    """The step that was missed, and what came instead: flags of another kind, or else numbers, relative ones."""
    missed = next((step for step in attempt.steps if step.outcome == "missed"), None)
    if missed is None:
        return ()
    seen = {each.field: each.seen for each in missed.differences}
    if "flags" in seen:  # numbers in another kind of segment mean something else, or nothing: ACK's without that flag
        return missed.index, seen["flags"]
    return missed.index, *((field, _place(seen[field])) for field in ("seq", "ack", "len") if field in seen)


def _place(number: str) -> str:
    """A relative number, the same in every play, or that it is none."""
    nearby = not number.lstrip("-").isdecimal() or abs(int(number)) <= NEARBY
    return number if nearby else "far away"


def _telling(attempts: Sequence[Result]) -> Result:
    """The play to show: an error, else the mildest violation, else what held, else the last that was tried."""
    for wanted in (Verdict.ERROR, Verdict.WARN, Verdict.FAIL, Verdict.PASS, Verdict.SKIP):
        for attempt in reversed(attempts):
            if attempt.verdict is wanted:
                return attempt
    return attempts[-1]


def unmet_need(needs: Iterable[str], target: Target, own_address: bool) -> str | None:
    """Why a scenario with these needs cannot be played against this target, or None when it can."""
    have = {"wire", "icmp", *target.services, f"ipv{target.family}"}  # every link can send ICMP
    if target.closed_port is not None:
        have.add("closed_port")
    if own_address:
        have.add("own_address")
    missing = sorted(set(needs) - have)
    if not missing:
        return None
    return "; ".join(f"needs {need}: {REMEDIES.get(need, 'the target has none')}" for need in missing)
