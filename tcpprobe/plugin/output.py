"""Where the results of a run go: one JSON Lines file and one page per target, and ``latest.html``."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tcpprobe.plugin.options import value
from tcpprobe.results.jsonl import ResultsError, Writer
from tcpprobe.results.model import End, Result, Run

if TYPE_CHECKING:
    import pytest

NONE = "none"
FOLDER = "reports"


class OutputError(Exception):
    """A file cannot be written where the user wants it: one plain sentence."""


@dataclass(slots=True, eq=False)
class Target:
    """What one target's results go to."""

    run: Run
    page: Path | None
    writer: Writer | None
    latest: Path | None
    results: list[Result] = field(default_factory=list)
    began: float = 0.0
    end: End | None = None


class Output:
    """The files of a run.

    Attributes:
        told: sentences for the end of the terminal output: where things were written, and what could not be.
    """

    def __init__(self, config: pytest.Config, several: bool) -> None:
        """Choose the paths. Raises OutputError when one of them cannot be written; nothing has been played yet then."""
        self.config = config
        self.several = several
        self.told: list[str] = []
        self.targets: dict[str, Target] = {}
        self._stamp = time.strftime("%Y%m%d-%H%M%S")
        self._page: str | None = value(config, "tcp_report")
        self._lines: str | None = value(config, "tcp_results")
        for text in (self._page, self._lines):
            if text not in (None, NONE):
                self._try(self._path(str(text)))
        if self._page is None or self._lines is None:
            self._try(self._folder() / ".probe")

    def open(self, run: Run) -> None:
        """From now on results of this target may come."""
        if run.target in self.targets:
            return
        name = re.sub(r"[^A-Za-z0-9.]+", "-", run.target).strip("-")
        page = self._chosen(self._page, f"{name}-{self._stamp}.html", name)
        lines = self._chosen(self._lines, f"{name}-{self._stamp}.jsonl", name)
        latest = self._folder() / "latest.html" if self._page is None else None
        try:
            writer = Writer(lines) if lines is not None else None
        except ResultsError as error:
            raise OutputError(str(error)) from None
        self.targets[run.target] = target = Target(run, page, writer, latest, began=time.monotonic())
        self._write(target, run)

    def add(self, target: str, result: Result) -> None:
        """Write one result; a full disk is told once and ends nothing."""
        place = self.targets[target]
        place.results.append(result)
        self._write(place, result)

    def finish(self, cut_short: bool) -> None:
        """Close the files and make the pages."""
        for target in self.targets.values():
            counts = Counter(str(result.verdict) for result in target.results)
            end = target.end = End(dict(counts), time.monotonic() - target.began, cut_short)
            self._write(target, end)
            if target.writer is not None:
                target.writer.close()
                self.told.append(f"results: {self._shown(target.writer.path)}")
            if target.page is not None:
                self._make_page(target, end)

    def _make_page(self, target: Target, end: End) -> None:
        from tcpprobe.report import html

        assert target.page is not None
        try:
            html.write(target.run, target.results, end, target.page)
            if target.latest is not None:
                target.latest.write_bytes(target.page.read_bytes())
        except OSError as error:
            self.told.append(f"the report could not be written to {target.page}: {error.strerror}")
        else:
            self.told.append(f"report: {self._shown(target.page)}")

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
            return self._folder() / default
        path = self._path(text)
        return path.with_name(f"{path.stem}-{name}{path.suffix}") if self.several else path

    def _path(self, text: str) -> Path:
        return self.config.invocation_params.dir / Path(text).expanduser()

    def _folder(self) -> Path:
        return self.config.invocation_params.dir / FOLDER

    def _shown(self, path: Path) -> str:
        here = self.config.invocation_params.dir
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

    def _try(self, path: Path) -> None:
        """See that a file can be written, leaving what is there as it is."""
        existed = path.exists()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab"):
                pass
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None
        if not existed:
            path.unlink()
