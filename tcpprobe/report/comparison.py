"""Several runs on one page and in a terminal: what is not the same in all of them, each change by its name."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tcpprobe.report import embedded, html
from tcpprobe.report.terminal import painter, tinted
from tcpprobe.report.words import count, plain
from tcpprobe.results.compare import Change, Comparison, Row, compare
from tcpprobe.results.model import End, Result, Run

_TONES = {Change.NEWLY_BROKEN: "bad", Change.NEWLY_HELD: "good"}
_TITLES = {Change.NONE: "otherwise different"}
_LISTED = 40


@dataclass(frozen=True, slots=True)
class Source:
    """One run to compare: what it is called, and its records; the results may be read more than once."""

    name: str
    run: Run
    results: Iterable[Result]
    end: End | None


class _File:
    """The results of a file, read anew each time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[Result]:
        return iter(embedded.read(self.path)[1])


def sources(paths: Sequence[Path]) -> list[Source]:
    """The runs in results files or pages, each under a name of its own. Raises ResultsError in one line."""
    found: list[Source] = []
    for path in paths:
        run, _, end = embedded.read(path)
        same = sum(source.name.partition(" (")[0] == str(path) for source in found)
        found.append(Source(f"{path} ({same + 1})" if same else str(path), run, _File(path), end))
    return found


def compared(runs: Sequence[Source]) -> Comparison:
    """What differs between the runs, in their order."""
    return compare({source.name: source.results for source in runs})


def write(runs: Sequence[Source], found: Comparison, path: str | Path) -> None:
    """Write the page: the report of the last run, which opens with what the others had found otherwise.

    Raises OSError when the file cannot be written, ResultsError when results cannot be read.
    """
    *others, last = runs
    blocks = [(kind, block, number) for number, source in enumerate(others) for kind, block in _packed(source)]
    beside = html.Beside([source.name for source in runs], blocks, text(runs, found, listed=1 << 30))
    html.write(last.run, last.results, last.end, path, beside)


def _packed(source: Source) -> Iterator[tuple[str, str]]:
    packer = embedded.Packer(source.run)
    for result in source.results:
        packer.add(result)
    return packer.finish(source.end)


def text(
    runs: Sequence[Source], found: Comparison, *, color: bool = False, width: int = 80, listed: int = _LISTED
) -> str:
    """The comparison as lines of at most ``width`` columns; of each kind of change at most ``listed`` rows."""
    paint = painter(color)
    lines: list[str] = []
    for number, source in enumerate(runs, 1):
        cut = ", cut short" if source.end is None or source.end.cut_short else ""
        said = f"{number}: {plain(source.name)} ({plain(source.run.target)}, {plain(source.run.started)}{cut})"
        lines += textwrap.wrap(said, width, subsequent_indent="   ")
    for what, rows, same in (
        ("requirement", found.requirements, found.same_requirements),
        ("scenario", found.cases, found.same_cases),
    ):
        lines += ["", f"{what}s: {len(rows):,} differ, {same:,} are the same"]
        for change in Change:
            lines += _changed(what, change, [row for row in rows if row.change is change], paint, width, listed)
    return "\n".join(lines)


def _changed(
    what: str, change: Change, rows: Sequence[Row], paint: Mapping[str, str], width: int, listed: int
) -> Iterator[str]:
    if not rows:
        return
    yield f"  {tinted(paint, _TONES.get(change, ''), f'{_TITLES.get(change, change)}: {count(len(rows), what)}')}"
    cells = [" → ".join(cell or "–" for cell in row.found) for row in rows[:listed]]
    room = max(map(len, cells))
    for row, said in zip(rows, cells, strict=False):
        yield f"    {said:<{room}}  {_middle_out(plain(row.id), max(20, width - room - 6))}"
    if len(rows) > listed:
        yield f"    and {len(rows) - listed:,} more"


def _middle_out(text: str, width: int) -> str:
    """A long name without its middle: the rows of a matrix differ at their ends."""
    half = (width - 1) // 2
    return text if len(text) <= width else f"{text[: width - 1 - half]}…{text[-half:]}"
