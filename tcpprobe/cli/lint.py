"""``tcpprobe lint FILES``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tcpprobe.cli.main import FOUND, OK, CommandError
from tcpprobe.marked.problem import Problems
from tcpprobe.report.github import harmless
from tcpprobe.report.words import lines
from tcpprobe.scenario.load import load_file
from tcpprobe.scenario.model import Case


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, or folders of *.probe.yaml")


def files(paths: Sequence[Path]) -> Iterator[Path]:
    """The scenario files that these paths name. Raises CommandError when one of them names none."""
    for path in paths:
        if path.is_dir():
            found = sorted(path.rglob("*.probe.yaml"))
            if not found:
                raise CommandError(f"there is no *.probe.yaml below {path}")
            yield from found
        elif path.exists():
            yield path
        else:
            raise CommandError(f"there is no {path}")


def load(paths: Sequence[Path]) -> tuple[list[Case], int]:
    """The cases of all files; mistakes are printed. Returns how many files have some too."""
    cases: list[Case] = []
    wrong = 0
    for path in files(paths):
        try:
            cases += load_file(path)
        except Problems as problems:
            wrong += 1
            print("\n".join(map(harmless, lines(str(problems)))), file=sys.stderr)
    return cases, wrong


def run(options: argparse.Namespace) -> int:
    """Print every mistake, then how much was read; 1 when there were mistakes."""
    cases, wrong = load(options.paths)
    scenarios = {(case.scenario.file, case.scenario.id) for case in cases}
    print(f"{len(scenarios)} scenarios, {len(cases)} plays" + (f"; {wrong} files with mistakes" if wrong else ""))
    return FOUND if wrong else OK
