"""A conformance run: what happens in pytest when a target was named."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator
from typing import Any

import pytest

from tcpprobe.plugin.bench import Bench, BenchError
from tcpprobe.plugin.items import ProbeItem
from tcpprobe.plugin.options import value
from tcpprobe.plugin.output import Output, OutputError
from tcpprobe.plugin.stash import BENCH
from tcpprobe.scenario.bundled import path as bundled_path

WORKER = "PYTEST_XDIST_WORKER"  # xdist's documented sign of being a worker: gw0, gw1 …
WORKERS = "PYTEST_XDIST_WORKER_COUNT"
UNREACHABLE = pytest.ExitCode.USAGE_ERROR
BUNDLED = "bundled"


def configure(config: pytest.Config) -> None:
    """Read the options and hook a conformance run into pytest.

    Raises:
        pytest.UsageError: one line, for anything that is wrong with the options.
    """
    try:
        config.stash[BENCH] = bench = Bench(config)
        worker = WORKER in os.environ
        output = None if worker else Output(config, several=len(bench.targets) > 1)
    except (BenchError, OutputError) as error:
        raise pytest.UsageError(str(error)) from None
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(bundled_path()) if path == BUNDLED else path for path in value(config, "tcp_suite")]
    config.pluginmanager.register(Conformance(config, bench, output), "tcpprobe-conformance")


class Conformance:
    """The hooks of a conformance run. On xdist's workers `output` is None: results are written where the run is led."""

    def __init__(self, config: pytest.Config, bench: Bench, output: Output | None) -> None:
        self.config = config
        self.bench = bench
        self.output = output

    def pytest_report_header(self) -> list[str]:
        """Target, link and width."""
        return [
            f"tcpprobe: target {target.text}, link {self.bench.link_name(target)}, width {self.bench.settings.width}"
            for target in self.bench.targets
        ]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Let what was selected begin in the background, in session order."""
        if self.config.option.collectonly or self._leads_workers:
            return
        cases = defaultdict(list)
        for item in mine(session.items):
            if isinstance(item, ProbeItem) and item.target is not None:
                cases[item.target.text].append(item.case)
        for target in self.bench.targets:
            if target.text not in cases:
                continue
            try:
                run = self.bench.run_info(target)
                if self.output is not None:
                    self.output.open(run)
                self.bench.start(target, cases[target.text])
            except (BenchError, OutputError) as error:
                pytest.exit(str(error), returncode=UNREACHABLE)

    @property
    def _leads_workers(self) -> bool:
        return bool(self.config.getoption("numprocesses", None)) and self.output is not None

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Deal the items so that each worker knows its own from the start and can play them all at once."""
        if config.getoption("dist") != "load":
            return None
        from tcpprobe.plugin.dealing import Dealing

        return Dealing(config, log)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write the result; on a worker of xdist's, give it to the report as JSON, so that it travels."""
        report = yield
        if call.when == "call" and isinstance(item, ProbeItem) and item.result is not None:
            assert item.target is not None
            report.duration = item.result.duration
            if self.output is not None:
                self.output.add(item.target.text, item.result)
                return report
            from tcpprobe.results.jsonl import dump

            report.tcpprobe = [dump(record).decode() for record in (self.bench.run_info(item.target), item.result)]  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a result that came from a worker."""
        lines = getattr(report, "tcpprobe", None)
        if lines is None or self.output is None:
            return
        from tcpprobe.results.jsonl import load
        from tcpprobe.results.model import Result, Run

        run, result = (load(line.encode()) for line in lines)
        assert isinstance(run, Run)
        assert isinstance(result, Result)
        self.output.open(run)
        self.output.add(run.target, result)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Stop what still plays, take the labs away, make the pages."""
        self.bench.close()
        if self.output is not None and not self.config.option.collectonly:
            cut_short = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
            self.output.finish(cut_short or bool(session.shouldstop) or bool(session.shouldfail))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The conformance table, and where the report is."""
        if self.output is None:
            return
        from tcpprobe.catalogue.load import requirements
        from tcpprobe.report.terminal import summary

        for target in self.output.targets.values():
            if target.results:
                terminalreporter.section(f"TCP conformance of {target.run.target}")
                color = bool(terminalreporter.hasmarkup)
                told = summary(target.run, target.results, requirements(), target.end, color=color)
                terminalreporter.write_line(told)
        for sentence in self.output.told:
            terminalreporter.write_line(f"tcpprobe: {sentence}")

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.bench.close()


def mine(items: list[pytest.Item]) -> list[pytest.Item]:
    """The items that this process will run: all of them, or on a worker of xdist's the ones dealt to it."""
    worker = os.environ.get(WORKER)
    if worker is None:
        return items
    number, count = int(worker.removeprefix("gw")), int(os.environ[WORKERS])
    return items[number::count] if number < count else []
