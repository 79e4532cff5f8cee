"""The test bench of a pytest run: one session per target, opened when the first scenario needs it."""

from __future__ import annotations

import random
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tcpprobe.lab.lab import Lab, LabError, open_lab
from tcpprobe.link.base import Link, LinkError
from tcpprobe.link.impaired import impaired, read_impairment
from tcpprobe.link.packet import PacketLink
from tcpprobe.link.raw import RawLink
from tcpprobe.marked.problem import Problems
from tcpprobe.plugin.known import read as read_ledger
from tcpprobe.plugin.options import again, value
from tcpprobe.results.model import Result, Run
from tcpprobe.runner.session import Progress, Session
from tcpprobe.runner.settings import Settings
from tcpprobe.scenario.bundled import path as bundled_path
from tcpprobe.target.detect import detect
from tcpprobe.target.target import Target, TargetError, parse
from tcpprobe.wire.ip import pack

if TYPE_CHECKING:
    import pytest

    from tcpprobe.scenario.model import Case


BRIEF = (
    "the service ends every connection by itself, so much cannot be judged: "
    "name a port whose service waits for its client, when there is one"
)


class BenchError(Exception):
    """The target cannot be tested: one plain sentence."""


@dataclass(slots=True, eq=False)
class Place:
    """One target with all that is needed to talk to it, and what heads its results."""

    target: Target
    lab: Lab
    session: Session
    run: Run

    def look_at_link(self) -> None:
        """Note in `run` what the link has seen until now that a reader of the results should know."""
        new = [each for each in self.lab.link.remarks() if each not in self.run.notes]
        if new:
            self.run = replace(self.run, notes=[*self.run.notes, *new])


class Bench:
    """All targets of a run.

    Attributes:
        targets: as the user named them, in order, each once.
        settings: how plays are played.
        ledger: the known deviations of the targets, or None when none was named.
    """

    def __init__(self, config: pytest.Config, seed: int | None = None) -> None:
        """Read the options; the seed may come from where the run is led. Raises BenchError for what cannot be."""
        self.config = config
        try:
            self.settings = settings_of(config, seed)
            self.targets = [_target_of(config, text) for text in dict.fromkeys(value(config, "tcp_target"))]
            self._sources = _sources_of(config)
            self._impairment = value(config, "tcp_impair")
            if self._impairment is not None:
                read_impairment(self._impairment)
            self._again = shlex.join(again(config))
            known = value(config, "tcp_known")
            self.ledger = {id_: each for text in known for id_, each in read_ledger(text).items()} if known else None
            listed = (self.ledger or {}).items()
            fatal = frozenset(id_ for id_, known in listed if known.fatal)
            self.settings = replace(self.settings, known={id_: known.verdict for id_, known in listed}, fatal=fatal)
        except (TargetError, ValueError, Problems) as error:
            raise BenchError(str(error)) from None
        self._places: dict[str, Place] = {}

    def place(self, target: Target) -> Place:
        """The target, opened and found to answer. Raises BenchError when it cannot be reached."""
        if target.text not in self._places:
            self._places[target.text] = self._open(target)
        return self._places[target.text]

    def session_of(self, opened: Target) -> Session:
        """The session of an opened target, as `place` gave it."""
        return next(place.session for place in self._places.values() if place.target is opened)

    def start(self, target: Target, cases: Sequence[Case]) -> None:
        """Let these cases begin in the background. Raises BenchError when the target cannot be reached."""
        self.place(target).session.start(cases)

    def result(self, target: Target, case: Case) -> Result:
        """The result of one case; waits for it. Raises BenchError when the target cannot be reached (any more)."""
        place = self.place(target)
        try:
            result = place.session.result(case)
        except LinkError as error:
            raise BenchError(f"{target.text}: {error}") from None
        place.look_at_link()
        if not result.reproduce:
            result.reproduce = self._reproduce(target, case)
            result.file = self._shown(Path(case.scenario.file))
        return result

    def progress(self) -> Progress:
        """How far all the sessions together have come; may be asked from any thread."""
        each = [place.session.progress() for place in list(self._places.values())]
        return Progress(
            done=sum(one.done for one in each),
            in_flight=sum(one.in_flight for one in each),
            waiting=sum(one.waiting for one in each),
            remaining_seconds=max((one.remaining_seconds for one in each), default=0.0),
        )

    def close(self) -> None:
        """End every session and take every lab away."""
        places, self._places = self._places, {}
        for place in places.values():
            try:
                place.session.close()
            finally:
                place.lab.close()

    def _reproduce(self, target: Target, case: Case) -> str:
        """The command that plays one case again from where this run was started."""
        file = Path(case.scenario.file).resolve()
        named = shlex.quote(target.text)
        if file.is_relative_to(bundled_path().resolve()) and not file.is_relative_to(self._here):
            words = f"tcpprobe run {named} -k {shlex.quote(case.scenario.id)}"
        else:
            words = f"pytest {shlex.quote(f'{self._shown(file)}::{case.id}')} --tcp-target {named}"
        return f"{words} {self._again}".rstrip()

    @property
    def _here(self) -> Path:
        return self.config.invocation_params.dir.resolve()

    def _shown(self, file: Path) -> str:
        """A file as results name it: from here, or from ``specs`` on when it is bundled."""
        file = file.resolve()
        if file.is_relative_to(self._here):
            return str(file.relative_to(self._here))
        bundled = bundled_path().resolve()
        return f"specs/{file.relative_to(bundled)}" if file.is_relative_to(bundled) else str(file)

    def _open(self, target: Target) -> Place:
        lab = self._lab(target)
        session = Session(lab.target, lab.link, self.settings)
        sentence: str | None = "the preflight was interrupted"
        try:
            sentence = session.preflight()
            run = session.run_info(shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))
        except LinkError as error:
            raise BenchError(f"{target.text}: {error}") from None
        finally:
            if sentence is not None:
                session.close()
                lab.close()
        if sentence is not None:
            raise BenchError(sentence)
        return Place(session.target, lab, session, replace(run, notes=[*run.notes, *lab.notes]))

    def _lab(self, target: Target) -> Lab:
        """A lab, or the link to a live target in a lab's clothes; the link as bad as the user wants it."""
        lab = self._opened(target)
        if self._impairment is not None:
            lab.link = impaired(lab.link, self._impairment)
            lab.notes += (f"the link was made worse on purpose: {self._impairment}",)
        return lab

    def _opened(self, target: Target) -> Lab:
        try:
            if target.lab is not None:
                return open_lab(target.text)
            link = self._link(target)
            try:
                target = detect(target, value(self.config, "tcp_http_path"))
            except BaseException:
                link.close()
                raise
        except (LabError, LinkError) as error:
            raise BenchError(f"{target.text}: {error}") from None
        except TargetError as error:
            raise BenchError(str(error)) from None
        return Lab(target, link, notes=(BRIEF,) if "brief" in target.services else (), finish=lambda: None)

    def _link(self, target: Target) -> Link:
        """The link to a live target that the user wants. Raises LinkError."""
        interface, rng = value(self.config, "tcp_interface"), random.Random(self.settings.seed)
        if value(self.config, "tcp_link") == "packet":
            return PacketLink(target.address, self._own_sources(), interface=interface, rng=rng)
        if len(self._sources) > 1:
            raise LinkError("--tcp-source-ip takes several addresses only with --tcp-link packet")
        return RawLink(target.address, source=next(iter(self._sources), None), interface=interface, rng=rng)

    def _own_sources(self) -> list[bytes]:
        """This process's share of the addresses: two xdist workers cannot both have one. Raises LinkError."""
        told: dict[str, Any] | None = getattr(self.config, "workerinput", None)
        count = self.config.getoption("numprocesses", None) if told is None else told["workercount"]
        if self._sources and count and len(self._sources) < count:
            raise LinkError(f"--tcp-link packet needs an address for each of {count} workers: --tcp-source-ip A,B,…")
        if told is None:
            return self._sources
        number = int(told["workerid"].removeprefix("gw"))
        return self._sources[number % count :: count]


def _target_of(config: pytest.Config, text: str) -> Target:
    return parse(
        text,
        service=value(config, "tcp_service"),
        closed_port=value(config, "tcp_closed_port"),
        allow_public=value(config, "tcp_allow_public"),
    )


def _sources_of(config: pytest.Config) -> list[bytes]:
    found = []
    for text in dict.fromkeys((value(config, "tcp_source_ip") or "").replace(",", " ").split()):
        try:
            found.append(pack(text))
        except ValueError:
            raise BenchError(f"--tcp-source-ip takes an address, not {text!r}") from None
    return found


def settings_of(config: pytest.Config, seed: int | None = None) -> Settings:
    """The run's settings from the options. Raises ValueError for what cannot be."""
    chosen = value(config, "tcp_seed")
    if chosen is None:
        chosen = random.SystemRandom().getrandbits(32) if seed is None else seed
    settings = Settings(
        width=value(config, "tcp_width"),
        confirm=value(config, "tcp_confirm"),
        timeout_scale=value(config, "tcp_timeout_scale"),
        level=value(config, "tcp_level"),
        http_path=value(config, "tcp_http_path"),
        hostile=value(config, "tcp_hostile"),
        patient=value(config, "tcp_patient"),
        seed=chosen,
    )
    if not 1 <= settings.width <= 4096:
        raise ValueError(f"--tcp-width is from 1 to 4096, not {settings.width}")
    if settings.confirm < 0:
        raise ValueError(f"--tcp-confirm is 0 or more, not {settings.confirm}")
    if not 0.01 <= settings.timeout_scale <= 100:
        raise ValueError(f"--tcp-timeout-scale is from 0.01 to 100, not {settings.timeout_scale:g}")
    return settings
