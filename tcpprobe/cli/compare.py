"""``tcpprobe compare A B [C…]``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tcpprobe.cli.main import FOUND, OK, CommandError
from tcpprobe.report import comparison
from tcpprobe.results.jsonl import ResultsError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "results", nargs="+", type=Path, help="results files or reports, the oldest or the reference first"
    )
    parser.add_argument("-o", "--output", type=Path, help="a page with all the runs, ladders side by side: .html")


def run(options: argparse.Namespace) -> int:
    """Print what is not the same in all of them; 1 when something is not."""
    if len(options.results) < 2:
        raise CommandError("name two results files or more")
    page: Path | None = options.output
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        raise CommandError(f"{page}: a comparison is written as .html")
    try:
        runs = comparison.sources(options.results)
        found = comparison.compared(runs)
        if page is not None:
            comparison.write(runs, found, page)
    except ResultsError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"cannot write {page}: {error.strerror}") from None
    print(comparison.text(runs, found, color=_colored()))
    if page is not None:
        print(f"\n{page}")
    return FOUND if found.requirements or found.cases else OK


def _colored() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
