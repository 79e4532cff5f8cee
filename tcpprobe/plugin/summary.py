"""What a conformance run says and writes: the header, the verdicts, the results, the table, the pages."""

from __future__ import annotations

from typing import Any

import pytest

from tcpprobe.plugin.bench import Bench
from tcpprobe.plugin.known import suggestion
from tcpprobe.plugin.options import value
from tcpprobe.plugin.output import Output, OutputError
from tcpprobe.plugin.workers import attached
from tcpprobe.report.github import inert
from tcpprobe.results.model import Verdict

CUT_SHORT = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
WARNED = ("verdict", str(Verdict.WARN))


class Summary:
    """The hooks of the process that the user looks at."""

    def __init__(self, config: pytest.Config, bench: Bench, output: Output) -> None:
        self.config = config
        self.bench = bench
        self.output = output
        self.silent = bool(config.getoption("collectonly"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """See that everything can be written where the user wants it. Raises UsageError when not."""
        if self.silent:
            return
        try:
            self.output.check()
        except OutputError as error:
            raise pytest.UsageError(str(error)) from None

    def pytest_report_header(self) -> list[str]:
        """Target, link and width."""
        told = []
        for target in self.bench.targets:
            link = "the lab's" if target.lab is not None else value(self.config, "tcp_link")
            told.append(f"tcpprobe: target {inert(target.text)}, link {link}, width {self.bench.settings.width}")
        return told

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """A violated SHOULD that is no failure has a word and a letter of its own."""
        if (
            report.when == "call"
            and report.passed
            and ("verdict", str(Verdict.WARN)) in map(tuple, report.user_properties)
        ):
            return "warned", "w", ("WARN", {"yellow": True})
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the result that a report brings, from this process or from a worker."""
        found = attached(report)
        if found is not None:
            self.output.add(*found)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Make the pages."""
        self.output.finish(exitstatus in CUT_SHORT or bool(session.shouldstop) or bool(session.shouldfail))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The conformance table, and where the report is."""
        from tcpprobe.catalogue.load import requirements
        from tcpprobe.report.terminal import summary

        for target in self.output.targets.values():
            terminalreporter.section(f"TCP conformance of {inert(target.run.target)}")
            color = bool(terminalreporter.hasmarkup)
            told = summary(target.run, target.results, requirements(), target.end, color=color)
            terminalreporter.write_line(told)
            for note in target.run.notes if target.run.lab is None else ():  # labs are what they always are
                terminalreporter.write_line(inert(f"note: {note}"))
            if not value(self.config, "tcp_known") and (sentence := suggestion(target.results)):
                terminalreporter.write_line(inert(f"tcpprobe: {target.run.target} {sentence}"))
            if target.beside is not None:
                from tcpprobe.report import comparison

                terminalreporter.section("compared with the baseline", sep="-")
                terminalreporter.write_line(comparison.text(*target.beside, color=color))
        for sentence in self.output.told:
            terminalreporter.write_line(inert(f"tcpprobe: {sentence}"))
        for command in self.output.commands():
            terminalreporter.write_line(command)
