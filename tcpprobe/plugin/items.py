"""A case as a pytest item: it waits for its result, which comes from the background."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tcpprobe.plugin.known import Ledger, surprise
from tcpprobe.plugin.markers import register
from tcpprobe.plugin.stash import BENCH
from tcpprobe.report.github import inert
from tcpprobe.results.model import Result, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tcpprobe.scenario.model import Case, Scenario
    from tcpprobe.target.target import Target

NO_TARGET = "no --tcp-target"
UNDECIDED = (Verdict.SKIP, Verdict.INCONCLUSIVE)


class Broken(Exception):
    """A requirement was broken, or the tester erred: carries the result to the report."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.reason)
        self.result = result


class ProbeItem(pytest.Item):
    """One case against one target.

    Attributes:
        case: what is played.
        target: against whom; None when no target was named.
        result: what was found, once it was.
    """

    def __init__(self, *, case: Case, target: Target | None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.case = case
        self.target = target
        self.result: Result | None = None
        for name, meaning in _markers(case.scenario):
            register(self.config, name, meaning)
            self.add_marker(getattr(pytest.mark, name))

    def __repr__(self) -> str:
        """A line of the table of contents that ``--collect-only`` prints."""
        return f"<{inert(f'{self.name}: {self.case.title}')} [{self.case.scenario.level}]>"

    def runtest(self) -> None:
        """Wait for the result and turn the verdict into pytest's outcome."""
        if self.target is None:
            pytest.skip(NO_TARGET)
        from tcpprobe.plugin.bench import BenchError

        bench = self.config.stash[BENCH]
        try:
            self.result = result = bench.result(self.target, self.case)
        except BenchError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.INTERRUPTED)
        self.user_properties.append(("verdict", str(result.verdict)))
        self.user_properties.extend(("requirement", inert(requirement)) for requirement in result.covers)
        self.user_properties.append(("place", inert(f"{result.file}:{result.line}")))
        if bench.ledger is not None:
            self._compare(result, bench.ledger)
        if result.verdict in UNDECIDED:
            told = "" if result.verdict is Verdict.SKIP else f"{result.verdict}: "
            pytest.skip(inert(told + result.reason))
        if result.verdict in (Verdict.FAIL, Verdict.ERROR) or (
            result.verdict is Verdict.WARN and bench.settings.level == "should"
        ):
            raise Broken(result)

    def _compare(self, result: Result, ledger: Ledger) -> None:
        """A listed violation is expected; one that is not listed, and a listed one that is not seen, are failures."""
        known, wrong = surprise(ledger, result)
        if wrong is not None:
            result.reason = f"{wrong}; {result.reason}" if result.reason else wrong
            raise Broken(result)
        if known is not None and result.verdict is Verdict.FAIL:
            pytest.xfail(inert(f"known: {known.does} ({known.source})"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What must be, what was sent, what was expected and what came: our text instead of a traceback."""
        if isinstance(excinfo.value, Broken):
            from tcpprobe.catalogue.load import requirements
            from tcpprobe.report.terminal import failure

            return failure(excinfo.value.result, requirements())
        if isinstance(excinfo.value, pytest.xfail.Exception):
            return str(excinfo.value)  # a traceback of ours would say nothing, and takes a tenth of a second to make
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The scenario's place in its file."""
        path = type(self.path)(inert(str(self.path)))
        return path, self.case.scenario.place.line - 1, inert(f"{self.case.id}: {self.case.title}")


def _markers(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Name and meaning of every marker that a scenario bears."""
    yield scenario.level, "a scenario of this level"
    if scenario.rfc:
        yield f"rfc{scenario.rfc}", f"a scenario about RFC {scenario.rfc}"
    for need in sorted(scenario.needs):
        yield f"needs_{need}", f"a scenario whose target must have: {need}"
    for tag in sorted(scenario.tags):
        yield tag, "a scenario with this tag"
