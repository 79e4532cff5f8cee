"""Results inside the page: the very lines of the results file, deflated in blocks, so that a detail is read when asked.

A block is a ``<script type="application/x-tcpprobe">`` (which no browser runs) of base64 of zlib data. All blocks, in
the page's order, are the results file again. Blocks of further runs, which the page compares its own with, bear a
``data-run``.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile

from tcpprobe.results import jsonl
from tcpprobe.results.jsonl import ResultsError, dump, load
from tcpprobe.results.model import End, Result, Run

TYPE = "application/x-tcpprobe"
BLOCK = 64
"""Results in one block; the page finds a result by its number with this."""
SPOOLED = 1 << 20
"""So many bytes of blocks stay in memory; more go to a temporary file."""

_BLOCKS = re.compile(rb'<script type="application/x-tcpprobe" data-kind="\w+">([A-Za-z0-9+/=\s]*)</script>')
_PAGES = (".html", ".htm")


class Packer:
    """Takes the records of a run in their order and keeps them deflated, in a temporary file when they are many."""

    def __init__(self, run: Run) -> None:
        self._run = _deflated(dump(run))
        self._spool = SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115 - it goes when the packer does
        self._lines: list[bytes] = []

    def add(self, result: Result) -> None:
        """Take the next result. Raises OSError when there is no room."""
        self._lines.append(dump(result))
        if len(self._lines) == BLOCK:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._spool.write(_deflated(b"".join(self._lines)).encode() + b"\n")
            self._lines = []

    def finish(self, end: End | None) -> Iterator[tuple[str, str]]:
        """The blocks as (kind, base64): one "run", the "results", and an "end" when there is one. To be asked once."""
        self._flush()
        yield "run", self._run
        self._spool.seek(0)
        for block in self._spool:
            yield "results", block.decode().rstrip("\n")
        if end is not None:
            yield "end", _deflated(dump(end))


def _deflated(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def records(page: bytes) -> Iterator[bytes]:
    """The lines of the results file that a page embeds, so that a page can be compared like a results file."""
    for match in _BLOCKS.finditer(page):
        yield from zlib.decompress(base64.b64decode(match[1])).splitlines(keepends=True)


def read(path: str | Path) -> tuple[Run, Iterable[Result], End | None]:
    """Run, results and end of a results file, or of the results inside a page. Raises ResultsError in one line."""
    path = Path(path)
    if path.suffix.lower() not in _PAGES:
        return jsonl.read(path)
    try:
        page = path.read_bytes()
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from None
    try:
        found = [load(line) for line in records(page)]
    except (zlib.error, ValueError, ResultsError) as error:
        raise ResultsError(f"{path}: its results are damaged: {error}") from None
    if not found or not isinstance(found[0], Run):
        raise ResultsError(f"{path}: no report of tcpprobe, there are no results inside")
    ends = [record for record in found if isinstance(record, End)]
    return found[0], [record for record in found if isinstance(record, Result)], ends[-1] if ends else None
