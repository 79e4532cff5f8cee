"""Many plays at once: which starts when, what happens after a failure, when a case is finished.

The conductor owns no clock and no thread. `tcpprobe.runner.session` tells it the time.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from tcpprobe.link.base import Lease, Link, LinkError
from tcpprobe.link.hub import Hub
from tcpprobe.play.outcome import blank_result
from tcpprobe.play.play import Play
from tcpprobe.play.stage import Stage
from tcpprobe.results.model import Result, Verdict
from tcpprobe.runner.actor import Actor
from tcpprobe.runner.liveness import Liveness
from tcpprobe.runner.policy import (
    BROKEN,
    DOUBTFUL,
    FATAL,
    HOSTILE,
    PATIENT,
    Disturbance,
    judged,
    plays_to_come,
    settled,
    unmet_need,
    unstable,
)
from tcpprobe.runner.settings import Settings
from tcpprobe.runner.silence import Silences
from tcpprobe.runner.ticket import Finish, Key, Running, Ticket, key_of
from tcpprobe.scenario.model import MAIN, Case
from tcpprobe.target.target import Target

#: Where all plays come from one address, what could fill a target's backlog is played so many at once: half-open
#: connections, and again what failed in the crowd. Many servers ask for a backlog of five; when that is full Linux
#: goes over to SYN cookies and knows of no half-open connection any more.
FEW = 3

#: So many plays are started, and so many results made, before packets are looked at again: an answer of ours must
#: not wait for them.
AT_ONCE = 2


class Conductor:
    """Keeps up to `Settings.width` plays in flight on one link against one target.

    Attributes:
        round_trip: seconds that an answer of the target needs at least; set by the preflight.
        done: how many cases have their result.
    """

    def __init__(
        self,
        target: Target,
        link: Link,
        hub: Hub,
        settings: Settings,
        *,
        on_result: Callable[[Key, Result], None],
        notify: Callable[[], None],
    ) -> None:
        self.target = target
        self.link = link
        self.hub = hub
        self.settings = settings
        self.on_result = on_result
        self.notify = notify
        self.round_trip = 0.0
        self.done = 0
        self._slow: deque[Ticket] = deque()
        self._plain: deque[Ticket] = deque()
        self._few: deque[Ticket] = deque()
        self._exclusive: deque[Ticket] = deque()
        self._silences = Silences()
        self._alone = False
        self._running: set[Running] = set()
        self._ended: deque[Running] = deque()
        self._timers: list[tuple[float, int, Running]] = []
        self._ticks = itertools.count()
        self._rng = random.Random(settings.seed)
        self._known: set[Key] = set()
        self._liveness = Liveness(self.probe, alive=self._decide, dead=self._died)
        self._disturbance = Disturbance()

    @property
    def _queues(self) -> tuple[deque[Ticket], ...]:
        return self._slow, self._plain, self._few, self._silences.waiting, self._exclusive

    # -- what is asked of it -------------------------------------------------------------------------------------

    def add(self, cases: Iterable[Case]) -> None:
        """Queue cases in the given order; what is slow starts first, what is exclusive plays alone at the end."""
        for case in cases:
            key = key_of(case)
            if key in self._known:
                continue
            self._known.add(key)
            ticket = Ticket(case)
            if reason := self._unmet(case):
                self._conclude(ticket, blank_result(case, Verdict.SKIP, reason, self.target.text))
            elif case.scenario.exclusive:
                self._exclusive.append(ticket)
            elif "slow" in case.scenario.tags:
                self._slow.append(ticket)
            else:
                self._plain.append(ticket)

    def probe(self, case: Case, finish: Finish, now: float) -> None:
        """Play a case of our own (preflight, liveness) outside the width; its result goes to `finish` only."""
        self._start(Ticket(case, finish=finish), now)

    @property
    def in_flight(self) -> int:
        """How many plays are in flight."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many cases have not started yet."""
        return sum(map(len, self._queues))

    def remaining(self, now: float) -> float:
        """Seconds until the last play in flight must have ended, as far as is known now; for any thread to ask."""
        return max((running.actor.longest_left(now) for running in tuple(self._running)), default=0.0)

    # -- time ----------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Fire the timers that are due and start what there is room for."""
        while self._timers and self._timers[0][0] <= now:
            deadline, _, running = heapq.heappop(self._timers)
            if running.ended or running.deadline != deadline:
                continue
            running.deadline = None
            self._tell(running, running.actor.timeout, now)
        for _ in range(min(AT_ONCE, len(self._ended))):
            self._ended.popleft().finish(now)
        for _ in range(AT_ONCE):
            if (ticket := self._next_ticket()) is None:
                break
            self._start(ticket, now)
        if self._silences.waiting and self._hushed:
            self._look_into_silence(now)

    def next_deadline(self) -> float | None:
        """When `advance` must be called next, or None when nothing waits for the clock."""
        if self._ended or self._startable():
            return 0.0
        soonest = (self._silences.begin or 0.0) if self._silences.waiting and self._hushed else None
        while self._timers:
            deadline, _, running = self._timers[0]
            if not running.ended and running.deadline == deadline:
                return deadline if soonest is None else min(deadline, soonest)
            heapq.heappop(self._timers)
        return soonest

    def late(self, seconds: float) -> None:
        """We ourselves were late by this much: what depends on timing must not be held against the target."""
        for running in self._running:
            running.actor.late(seconds)

    def cancel(self, now: float) -> None:
        """Give up all that is queued or in flight; connections still open are reset."""
        for queue in self._queues:
            queue.clear()
        for running in tuple(self._running):
            running.actor.cancel(now)
            self._send(running, now)
            self._release(running)

    # -- plays ---------------------------------------------------------------------------------------------------

    def _startable(self) -> deque[Ticket] | None:
        """The queue from which the next play may start now."""
        busy = bool(self._running or self._ended or self._liveness.in_doubt)
        if len(self._running) >= self.settings.width or (self._alone and busy) or self._liveness.unanswered:
            return None
        if self._slow or self._plain:
            return (self._slow or self._plain) if self.link.own_addresses or self._opening < FEW else None
        if self._few:
            return self._few if len(self._running) < FEW else None
        return self._exclusive if self._exclusive and not busy and not self._silences.waiting else None

    @property
    def _opening(self) -> int:
        """How many plays fill the target's backlog."""
        return sum(running.actor.opening for running in self._running)

    @property
    def _hushed(self) -> bool:
        """Whether the crowd has gone: nothing is played but what mostly waits, on a connection from elsewhere."""
        if self._slow or self._plain or self._few or self._ended or self._liveness.in_doubt:
            return False
        return all(self.link.own_addresses and running.slow for running in self._running)

    def _look_into_silence(self, now: float) -> None:
        if not self._silences.throttled:
            while self._silences.waiting:
                silent = self._silences.waiting.popleft()
                self._conclude(silent, judged(silent.attempts))
        elif (ticket := self._silences.next(now)) is not None:
            ticket.crowded = len(ticket.attempts)
            self._start(ticket, now)

    def _next_ticket(self) -> Ticket | None:
        queue = self._startable()
        if queue is None:
            return None
        self._alone = queue is self._exclusive
        return queue.popleft()

    def _start(self, ticket: Ticket, now: float) -> None:
        ticket.in_flight += 1
        names = tuple(ticket.case.scenario.connections)
        try:
            lease = self.link.lend(self.target.address, len(names))
        except LinkError as error:
            ticket.in_flight -= 1
            self._attempted(ticket, blank_result(ticket.case, Verdict.ERROR, str(error), self.target.text), now)
            return
        play = Play(ticket.case, self._stage(lease, names))
        slow = "slow" in ticket.case.scenario.tags
        self._launch(Running(play, lease, lambda then: self._ended_play(ticket, play, then), slow), now)

    def _launch(self, running: Running, now: float) -> None:
        self._running.add(running)

        def receive(packet: bytes, stamp: float) -> None:
            self._liveness.heard()
            if not running.ended:
                self._tell(running, partial(running.actor.packet_arrives, packet), stamp)

        self.hub.attach(running.lease, self.target.address, receive)
        self._tell(running, running.actor.start, now)

    def _tell(self, running: Running, what: Callable[[float], None], now: float) -> None:
        """Tell an actor something. A fault of ours in it must not take the other plays with it."""
        try:
            what(now)
        except Exception as error:
            running.actor.fail(f"fault in tcpprobe: {type(error).__name__}: {error}", now)
        self._settle(running, now)

    def _ended_play(self, ticket: Ticket, play: Play, now: float) -> None:
        ticket.in_flight -= 1
        if play.too_late:
            ticket.late += 1
            self._disturbance.late()
        ticket.heard |= play.verdict in BROKEN and not play.silent
        self._attempted(ticket, play.result(), now)

    def talk(self, cast: Callable[[Stage], Actor], now: float) -> None:
        """Let something that is no play take part: `cast` makes it for the stage it gets. Raises LinkError."""
        lease = self.link.lend(self.target.address, 1)
        self._launch(Running(cast(self._stage(lease, (MAIN,))), lease, lambda _then: None), now)

    def settle(self, actor: Actor, now: float) -> None:
        """Something was asked of an actor that takes part: see to what it wants sent and when it wants to be called."""
        for running in tuple(self._running):
            if running.actor is actor:
                self._settle(running, now)

    def _stage(self, lease: Lease, names: tuple[str, ...]) -> Stage:
        return Stage(
            local=lease.address,
            ports=dict(zip(names, lease.ports, strict=True)),
            remote=self.target.address,
            port=self.target.port,
            closed_port=self.target.closed_port,
            services=self.target.services,
            http_path=self.settings.http_path,
            mtu=self.link.mtu,
            offload=self.link.offload,
            scale=self.settings.timeout_scale,
            round_trip=self.round_trip,
            rng=random.Random(self._rng.getrandbits(64)),
            target=self.target.text,
            transcript=self.settings.transcript,
        )

    def _settle(self, running: Running, now: float) -> None:
        """After anything happened to a play: send what it wants sent, end it or set its timer."""
        self._send(running, now)
        actor = running.actor
        if actor.done:
            self._release(running)
            self._ended.append(running)
            return
        deadline = actor.next_timeout()
        if deadline is not None and deadline != running.deadline:
            heapq.heappush(self._timers, (deadline, next(self._ticks), running))
        running.deadline = deadline

    def _send(self, running: Running, now: float) -> None:
        for packet in running.actor.packets_to_send():
            try:
                self.link.send(packet, self.target.address)
            except LinkError as error:
                running.actor.fail(f"cannot send: {error}", now)
                return

    def _release(self, running: Running) -> None:
        running.ended = True
        self._running.discard(running)
        self.hub.detach(running.lease)
        running.lease.release()

    # -- verdicts ------------------------------------------------------------------------------------------------

    def _attempted(self, ticket: Ticket, result: Result, now: float) -> None:
        if ticket.finish is not None:
            ticket.finish(result, now)
            return
        ticket.attempts.append(result)
        if ticket.in_flight:
            return
        if self._liveness.lost or all(attempt.verdict not in DOUBTFUL for attempt in ticket.attempts):
            self._decide(ticket, now)
        else:
            self._liveness.ask(ticket, result, now)

    def _died(self, culprit: Ticket, result: Result, others: list[Ticket]) -> None:
        result.verdict = Verdict.FAIL
        result.reason += "; after it the target no longer answered at all"
        self._conclude(culprit, judged([result]))
        for ticket in others:
            self._lost(ticket)
        for queue in self._queues:
            while queue:
                self._lost(queue.popleft())

    def _lost(self, ticket: Ticket) -> None:
        reason = f"the target had stopped answering (since {self._liveness.lost})"
        self._conclude(ticket, blank_result(ticket.case, Verdict.INCONCLUSIVE, reason, self.target.text))

    def _decide(self, ticket: Ticket, now: float) -> None:
        """Play again, or conclude."""
        if self._liveness.lost:
            self._lost(ticket)
            return
        verdicts = [attempt.verdict for attempt in ticket.attempts]
        self._disturbance.attempted(key_of(ticket.case), verdicts)
        disturbed = self._disturbance.told(self.done)
        again = plays_to_come(verdicts, self.settings, late=ticket.late, disturbed=disturbed)
        if settled(ticket.attempts) and not ticket.late:
            again = 0
        if verdicts == [self._expected(ticket.case)] or ticket.crowded:
            self._conclude(ticket, judged(ticket.attempts, crowded=ticket.crowded))
        elif ticket.only_silent and (not again or unstable(verdicts)):
            self._silences.put(ticket, verdicts)
        elif not again:
            self._conclude(ticket, judged(ticket.attempts))
        elif ticket.case.scenario.exclusive:
            self._exclusive.append(ticket)
        elif not self.link.own_addresses:
            self._few.append(ticket)
        else:
            for _ in range(again):
                self._start(ticket, now)

    def _expected(self, case: Case) -> str | None:
        return self.settings.known.get(case.id) or self.settings.known.get(case.scenario.id)

    def _conclude(self, ticket: Ticket, result: Result) -> None:
        self.done += 1
        self.on_result(key_of(ticket.case), result)

    def _unmet(self, case: Case) -> str | None:
        if case.scenario.hostile and self.target.lab is None and not self.settings.hostile:
            return HOSTILE
        if case.scenario.patient and not self.link.virtual and not self.settings.patient:
            return PATIENT
        if not self.settings.fatal.isdisjoint((case.id, case.scenario.id)):
            return FATAL
        return unmet_need(case.scenario.needs, self.target, self.link.own_addresses)
