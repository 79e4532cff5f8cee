"""Where the results of a run go: one JSON Lines file and one page per target, and ``latest.html``."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tcpprobe.plugin.options import value
from tcpprobe.results.jsonl import ResultsError, Writer
from tcpprobe.results.model import End, Result, Run

if TYPE_CHECKING:
    import pytest

    from tcpprobe.report.comparison import Source
    from tcpprobe.results.compare import Comparison

NONE = "none"
FOLDER = "reports"
LATEST = "latest.html"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
PAGES = (".html", ".htm")


class OutputError(Exception):
    """A file cannot be written where the user wants it: one plain sentence."""


@dataclass(slots=True, eq=False)
class Target:
    """What one target's results go to; `notes` are those that came up after the run's own were written."""

    run: Run
    page: Path | None
    writer: Writer | None
    results: list[Result] = field(default_factory=list)
    end: End | None = None
    beside: tuple[list[Source], Comparison] | None = None
    notes: list[str] = field(default_factory=list)


class Output:
    """The files of a run.

    Attributes:
        targets: what was found so far, by target.
        told: sentences for the end of the terminal output: where things were written, and what could not be.
    """

    def __init__(self, config: pytest.Config, several: bool) -> None:
        """Choose the paths; nothing is written yet. Raises ValueError for an option that cannot be."""
        self.several = several
        self.told: list[str] = []
        self.targets: dict[str, Target] = {}
        self._here = config.invocation_params.dir
        self._page: str | None = value(config, "tcp_report")
        self._lines: str | None = value(config, "tcp_results")
        self._baseline: str | None = value(config, "tcp_baseline")
        self._stamp = time.strftime("%Y%m%d-%H%M%S")
        self._began = time.monotonic()

    def check(self) -> None:
        """See that all can be written and the baseline read, leaving everything as it is. Raises OutputError if not."""
        if self._baseline is not None:
            self._read_baseline(self._path(self._baseline))
        for text in (self._page, self._lines):
            if text is None:
                _try(self._here / FOLDER / ".writable")
            elif text != NONE:
                _try(self._path(text))
        if self._page not in (None, NONE) and Path(self._page).suffix not in PAGES:
            raise OutputError(f"--tcp-report {self._page}: a report is written as .html; tcpprobe report makes others")

    def add(self, run: Run, result: Result) -> None:
        """Write one result; what cannot be written is told at the end and ends nothing."""
        target = self.targets.get(run.target) or self._open(run)
        new = [note for note in run.notes if note not in target.run.notes]
        if new:  # the link has seen something meanwhile, here or at a worker
            target.notes += new
            target.run = replace(target.run, notes=[*target.run.notes, *new])
        target.results.append(result)
        self._write(target, result)

    def finish(self, cut_short: bool) -> None:
        """Close the files and make the pages."""
        for target in self.targets.values():
            counts = Counter(str(result.verdict) for result in target.results)
            target.end = End(dict(counts), time.monotonic() - self._began, cut_short, target.notes)
            self._write(target, target.end)
            if target.writer is not None:
                target.writer.close()
                self.told.append(f"results: {self._shown(target.writer.path)}")
            if target.page is not None:
                self._make_page(target, target.page)
            if self._baseline is not None:
                self._compare(target, self._path(self._baseline))
            self._add_to_step_summary(target)

    def _open(self, run: Run) -> Target:
        name = re.sub(r"[^A-Za-z0-9.]+", "-", run.target).strip("-")
        page = self._chosen(self._page, f"{name}-{self._stamp}.html", name)
        lines = self._chosen(self._lines, f"{name}-{self._stamp}.jsonl", name)
        writer = None
        if lines is not None:
            try:
                writer = Writer(lines)
            except ResultsError as error:
                self.told.append(str(error))
        target = self.targets[run.target] = Target(run, page, writer)
        self._write(target, run)
        return target

    def _make_page(self, target: Target, page: Path) -> None:
        from tcpprobe.report import html

        try:
            html.write(target.run, target.results, target.end, page)
            if self._page is None:
                (page.parent / LATEST).write_bytes(page.read_bytes())
        except OSError as error:
            self.told.append(f"the report could not be written to {page}: {error.strerror}")
        else:
            also = f" (and {self._shown(page.parent / LATEST)})" if self._page is None else ""
            self.told.append(f"report: {self._shown(page)}{also}")

    def _read_baseline(self, path: Path) -> None:
        from tcpprobe.report import embedded

        try:
            embedded.read(path)
        except ResultsError as error:
            raise OutputError(f"--tcp-baseline: {error}") from None

    def _compare(self, target: Target, baseline: Path) -> None:
        """Find what is not as it was in the baseline, and make the page that shows it."""
        from tcpprobe.report import comparison

        try:
            (before,) = comparison.sources([baseline])
            after = comparison.Source("this run", target.run, target.results, target.end)
            runs = [replace(before, name=self._shown(baseline)), after]
            target.beside = runs, comparison.compared(runs)
            if target.page is not None:
                page = target.page.with_name(f"{target.page.stem}-compared.html")
                comparison.write(*target.beside, page)
                self.told.append(f"comparison: {self._shown(page)}")
        except ResultsError as error:
            self.told.append(f"there is no comparison: {error}")
        except OSError as error:
            self.told.append(f"the comparison could not be written: {error.strerror}")

    def commands(self) -> list[str]:
        """What to say to GitHub Actions, a workflow command each; nothing when that is not where this runs."""
        if os.environ.get("GITHUB_ACTIONS") != "true":
            return []
        from tcpprobe.report.github import commands

        workspace = os.environ.get("GITHUB_WORKSPACE")
        found = [result for target in self.targets.values() for result in target.results]
        return list(commands(found, self._here, Path(workspace) if workspace else None))

    def _add_to_step_summary(self, target: Target) -> None:
        """Append the summary to the file that GitHub Actions shows beside a job."""
        path = os.environ.get(STEP_SUMMARY)
        if not path:
            return
        from tcpprobe.report import markdown

        try:
            with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(markdown.render(target.run, target.results, target.end))
        except OSError as error:
            self.told.append(f"the summary could not be added to {path}: {error.strerror}")

    def _write(self, target: Target, record: Run | Result | End) -> None:
        if target.writer is None:
            return
        try:
            target.writer.write(record)
        except ResultsError as error:
            self.told.append(str(error))

    def _chosen(self, text: str | None, default: str, name: str) -> Path | None:
        if text == NONE:
            return None
        if text is None:
            return self._here / FOLDER / default
        path = self._path(text)
        return path.with_name(f"{path.stem}-{name}{path.suffix}") if self.several else path

    def _path(self, text: str) -> Path:
        return self._here / Path(text).expanduser()

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._here)) if path.is_relative_to(self._here) else str(path)


def _try(path: Path) -> None:
    """See that a file can be written; what is made for that is taken away again."""
    missing = [folder for folder in path.parents if not folder.exists()]
    existed = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    finally:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
