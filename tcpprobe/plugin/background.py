"""Look-ahead: what was selected plays in the background, in session order, while pytest goes from item to item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING

import pytest

from tcpprobe.plugin.bench import Bench, BenchError
from tcpprobe.plugin.items import ProbeItem
from tcpprobe.plugin.workers import Given, attach

if TYPE_CHECKING:
    from tcpprobe.scenario.model import Case

UNREACHABLE = pytest.ExitCode.USAGE_ERROR


def _ends_late(item: pytest.Item) -> int:
    """0 for most items; more for what is slow, and for what is played when everything else has ended."""
    if not isinstance(item, ProbeItem):
        return 0
    scenario = item.case.scenario
    return 2 if scenario.exclusive else 1 if "slow" in scenario.tags else 0


class Background:
    """The hooks of the process that plays: pytest's own, or one of xdist's workers."""

    def __init__(self, config: pytest.Config, bench: Bench, given: Given | None) -> None:
        self.config = config
        self.bench = bench
        self.given = given

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put what ends late last: it plays from the beginning, and keeps none of the others from being reported."""
        items.sort(key=_ends_late)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Let what was selected begin. Raises UsageError, before anything is played, when a target cannot be tested."""
        if self.config.getoption("collectonly"):
            return
        items = session.items if self.given is None else self.given.mine(session.items)
        try:
            self._start(items)
        except BenchError as error:
            raise pytest.UsageError(str(error)) from None

    def _start(self, items: Iterable[pytest.Item | None]) -> None:
        cases: dict[str, list[Case]] = defaultdict(list)
        for item in items:
            if isinstance(item, ProbeItem) and item.target is not None:
                cases[item.target.text].append(item.case)
        for target in self.bench.targets:
            if target.text in cases:
                self.bench.start(target, cases[target.text])

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """With several targets, a test in Python that asks for one runs once with each."""
        if "tcp_target" in metafunc.fixturenames and len(self.bench.targets) > 1:
            targets = self.bench.targets
            metafunc.parametrize("tcp_target", targets, ids=[target.text for target in targets], indirect=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the result to the report, and give it its own duration and the scenario's place."""
        report = yield
        if call.when == "call" and isinstance(item, ProbeItem) and item.target is not None and item.result is not None:
            report.duration = item.result.duration
            if report.skipped and isinstance(report.longrepr, tuple):
                path, line, _ = item.reportinfo()
                report.longrepr = (str(path), line + 1, report.longrepr[2])
            attach(report, self.bench.place(item.target).run, item.result, travels=self.given is not None)
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Stop what still plays and take the labs away."""
        self.bench.close()

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.bench.close()


class BackgroundOnDemand(Background):
    """On a worker that is told piece by piece what to run: an item begins when it is next or next but one."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Nothing is known yet."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Let both begin."""
        try:
            self._start((item, nextitem))
        except BenchError as error:
            pytest.exit(str(error), returncode=UNREACHABLE)
