"""``tcpprobe compare A B [C…]``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tcpprobe.cli.main import FOUND, OK, CommandError
from tcpprobe.results.compare import Row, compare
from tcpprobe.results.jsonl import ResultsError, read


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("results", nargs="+", type=Path, help="results files, the oldest or the reference first")


def run(options: argparse.Namespace) -> int:
    """Print what is not the same in all of them; 1 when something is not."""
    if len(options.results) < 2:
        raise CommandError("name two results files or more")
    try:
        runs = {f"{path}": read(path)[1] for path in options.results}
        found = compare(runs)
    except ResultsError as error:
        raise CommandError(str(error)) from None
    for number, name in enumerate(found.names, 1):
        print(f"{number}: {name}")
    _table("requirements", found.requirements, found.same_requirements)
    _table("scenarios", found.cases, found.same_cases)
    return FOUND if found.requirements or found.cases else OK


def _table(what: str, rows: Sequence[Row], same: int) -> None:
    print(f"\n{what}: {len(rows)} differ, {same} are the same")
    for row in rows:
        print(f"  {row.id:<28} {row.change:<16} {' → '.join(cell or '–' for cell in row.found)}")
