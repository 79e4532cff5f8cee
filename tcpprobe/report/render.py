"""From a results file to a report, chosen by the report's extension."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from tcpprobe.report import badge, html, markdown, sarif
from tcpprobe.results.jsonl import ResultsError, read
from tcpprobe.results.model import End, Result, Run

_WRITERS: dict[str, Callable[[Run, Iterable[Result], End | None, str | Path], None]] = {
    ".html": html.write,
    ".htm": html.write,
    ".md": markdown.write,
    ".sarif": sarif.write,
    ".svg": badge.write,
}


def render(jsonl_path: str | Path, out_path: str | Path) -> None:
    """Write the report of a results file: HTML, Markdown, SARIF or a badge (SVG), as the extension says.

    Raises ResultsError, in one line, when the results cannot be read, the report cannot be written or its extension
    is none of these.
    """
    writer = _WRITERS.get(Path(out_path).suffix.lower())
    if writer is None:
        raise ResultsError(f"{out_path}: a report is written as {', '.join(_WRITERS)}")
    run, results, end = read(jsonl_path)
    try:
        writer(run, results, end, out_path)
    except OSError as error:
        raise ResultsError(f"cannot write {out_path}: {error.strerror}") from None
