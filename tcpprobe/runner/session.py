"""One target, one link, one background thread in which all plays run; or virtual time, where the link has it."""

from __future__ import annotations

import gc
import os
import platform
import selectors
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tcpprobe import __version__
from tcpprobe.link.base import Link
from tcpprobe.link.hub import Hub
from tcpprobe.link.memory import MemoryLink
from tcpprobe.play.stage import Stage
from tcpprobe.results.model import Result, Run
from tcpprobe.runner.actor import Actor
from tcpprobe.runner.conductor import Conductor
from tcpprobe.runner.conversation import Conversation
from tcpprobe.runner.preflight import Preflight
from tcpprobe.runner.settings import Settings
from tcpprobe.runner.ticket import Key, key_of
from tcpprobe.scenario.model import Case
from tcpprobe.target.target import Target
from tcpprobe.tcp.config import Config

HEARTBEAT = 0.025  # the loop never sleeps longer while plays are in flight, so that its own lateness is seen
LATE = 0.05  # seconds by which the loop may oversleep before plays are told
SWITCH_INTERVAL = 0.0005  # how long another Python thread may keep the interpreter from the loop
FULL_COLLECTIONS = 1000  # that many younger garbage collections before a full one, which takes a quarter of a second


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come; `remaining_seconds` is the longest any play in flight can still take."""

    done: int
    in_flight: int
    waiting: int
    remaining_seconds: float


class Cancelled(Exception):
    """The session was closed before the result was there."""


class Session:
    """Plays cases against one target over one link.

    `start` returns at once; `result` waits for one case. The session does not own the link: whoever opened it closes
    it, after `close`.
    """

    def __init__(self, target: Target, link: Link, settings: Settings) -> None:
        self.target = target
        self.link = link
        self.settings = settings
        self._hub = Hub(link)
        self._results: dict[Key, Result] = {}
        self._shell: _Shell = (_VirtualShell if link.virtual else _ThreadShell)(self)
        self._conductor = Conductor(
            target, link, self._hub, settings, on_result=self._finished, notify=self._shell.notify
        )
        self._closed = False

    def preflight(self) -> str | None:
        """Ask the target for a connection; None when it answers, else one sentence why it cannot be tested."""
        preflight = Preflight(self.target)
        self._shell.call(lambda now: preflight.begin(self._conductor, now))
        self._shell.wait(lambda: preflight.finished)
        self._conductor.round_trip = preflight.round_trip
        if preflight.closed_port is not None:
            self.target = self._conductor.target = replace(self.target, closed_port=preflight.closed_port)
        return preflight.sentence

    def start(self, cases: Sequence[Case]) -> None:
        """Queue cases, to be played in this order as far as the width allows; those known already are left alone."""
        self._shell.call(lambda _now: self._conductor.add(cases))

    def result(self, case: Case) -> Result:
        """The result of a case, once it is there.

        Raises:
            Cancelled: the session was closed meanwhile.
        """
        key = key_of(case)
        if key not in self._results:
            self.start([case])
            self._shell.wait(lambda: key in self._results)
        return self._results[key]

    def progress(self) -> Progress:
        """A snapshot, taken without stopping the plays."""
        conductor = self._conductor
        return Progress(conductor.done, conductor.in_flight, conductor.waiting, self._shell.remaining())

    def run_info(self, command: str) -> Run:
        """What heads the results of this run."""
        return Run(
            target=self.target.text,
            address=self.target.host,
            family=self.target.family,
            link=self.link.name,
            width=self.settings.width,
            round_trip=self._conductor.round_trip,
            service=self.target.service,
            services=dict(self.target.services),
            lab=self.target.lab,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            seed=self.settings.seed,
            command=command,
            version=__version__,
            python=platform.python_version(),
            platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        )

    def converse(self, config: Config, port: int) -> Conversation:
        """A connection to this port of the target, for a Python test to drive by hand. Raises LinkError."""
        made: list[Conversation] = []

        def cast(stage: Stage) -> Conversation:
            made.append(Conversation(stage, config, port, self._shell.notify))
            return made[0]

        self.ask(lambda now: self._conductor.talk(cast, now))
        return made[0]

    def ask(self, what: Callable[[float], None], actor: Actor | None = None) -> None:
        """Have something done in the session's thread, with the time, and wait until it is; then look after `actor`."""
        answered: list[BaseException | None] = []

        def command(now: float) -> None:
            try:
                what(now)
                if actor is not None:
                    self._conductor.settle(actor, now)
                answered.append(None)
            except Exception as error:
                answered.append(error)
            self._shell.notify()

        self._shell.call(command)
        self._shell.wait(lambda: bool(answered))
        if answered[0] is not None:
            raise answered[0]

    def wait(self, condition: Callable[[], bool]) -> None:
        """Let time pass until a condition holds that packets or deadlines bring about."""
        self._shell.wait(condition)

    def close(self) -> None:
        """Cancel what is in flight, reset the connections that are open and end the thread. May be called twice."""
        if not self._closed:
            self._closed = True
            self._shell.close()

    def _finished(self, key: Key, result: Result) -> None:
        self._results[key] = result
        self._shell.notify()


class _Shell:
    """What drives a conductor: gives it the time and the packets."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def call(self, command: Callable[[float], None]) -> None:
        raise NotImplementedError

    def wait(self, condition: Callable[[], bool]) -> None:
        raise NotImplementedError

    def notify(self) -> None:
        """A result is there."""

    def remaining(self) -> float:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class _VirtualShell(_Shell):
    """Time that passes only when nothing is left to do at the present moment."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.now = 0.0

    def call(self, command: Callable[[float], None]) -> None:
        self._deliver()
        command(self.now)

    def _deliver(self) -> bool:
        """Bring the link to the present, so that what is sent now is sent now; whether anything arrived."""
        link = self.session.link
        assert isinstance(link, MemoryLink)  # the only link that lives in virtual time
        packets = link.deliver(self.now)
        for packet, _ in packets:
            self.session._hub.dispatch(packet, self.now)
        return bool(packets)

    def wait(self, condition: Callable[[], bool]) -> None:
        session = self.session
        conductor, link = session._conductor, session.link
        assert isinstance(link, MemoryLink)
        while not condition():
            arrived = self._deliver()
            conductor.advance(self.now)
            if self._deliver() or arrived or condition():
                continue
            moments = [moment for moment in (conductor.next_deadline(), link.next_timeout()) if moment is not None]
            if not moments:
                raise Cancelled("nothing is left to wait for")
            self.now = max(self.now, min(moments))

    def remaining(self) -> float:
        return 0.0

    def close(self) -> None:
        self.session._conductor.cancel(self.now)


class _ThreadShell(_Shell):
    """A thread that waits for packets and deadlines on the monotonic clock."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._commands: list[Callable[[float], None]] = []
        self._changed = threading.Condition()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closing = False
        self._crash: BaseException | None = None
        self._thread: threading.Thread | None = None

    def call(self, command: Callable[[float], None]) -> None:
        if self._thread is None:
            self._switch_interval = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_INTERVAL)
            self._thresholds = gc.get_threshold()
            gc.set_threshold(*self._thresholds[:2], FULL_COLLECTIONS)
            self._thread = threading.Thread(target=self._run, name="tcpprobe", daemon=True)
            self._thread.start()
        with self._changed:
            self._commands.append(command)
        os.eventfd_write(self._wake, 1)

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            while not condition():
                if self._crash is not None:
                    raise self._crash
                if self._closing:
                    raise Cancelled("the run was cancelled")
                self._changed.wait(0.5)  # a limit, so that Ctrl-C is seen at once on every platform

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def remaining(self) -> float:
        return self.session._conductor.remaining(time.monotonic())

    def close(self) -> None:
        self._closing = True
        if self._thread is not None:
            os.eventfd_write(self._wake, 1)
            self._thread.join()
            sys.setswitchinterval(self._switch_interval)
            gc.set_threshold(*self._thresholds)
        os.close(self._wake)
        self.notify()

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                self._loop(selector)
        except BaseException as error:
            self._crash = error
            self.notify()

    def _loop(self, selector: selectors.BaseSelector) -> None:
        session, clock = self.session, time.monotonic
        conductor, hub = session._conductor, session._hub
        selector.register(self._wake, selectors.EVENT_READ)
        for fileno in session.link.filenos():
            selector.register(fileno, selectors.EVENT_READ, session.link)
        asleep = clock()
        while not self._closing:
            timeout = self._timeout(clock())
            ready = selector.select(timeout)
            awake = clock()
            session.link.flush()
            if timeout is not None and awake - asleep > timeout + LATE:
                conductor.late(awake - asleep - timeout)
                ready = selector.select(0)  # packets come before timers: they may have been waiting longer
            for key, _ in ready:
                if key.data is None:
                    os.eventfd_read(self._wake)
                else:
                    for packet, stamp in session.link.read(key.fd):
                        hub.dispatch(packet, stamp)
            self._obey(clock())
            asleep = clock()
            conductor.advance(asleep)
        conductor.cancel(clock())

    def _timeout(self, now: float) -> float | None:
        conductor = self.session._conductor
        deadline = conductor.next_deadline()
        if deadline is None:
            return HEARTBEAT if conductor.in_flight else None
        return min(max(0.0, deadline - now), HEARTBEAT)

    def _obey(self, now: float) -> None:
        with self._changed:
            commands, self._commands = self._commands, []
        for command in commands:
            command(now)
