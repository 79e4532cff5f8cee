"""``tcpprobe report RESULTS -o PAGE``."""

from __future__ import annotations

import argparse
from pathlib import Path

from tcpprobe.cli.main import CommandError
from tcpprobe.report.render import render
from tcpprobe.results.jsonl import ResultsError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("results", type=Path, help="a results file (JSON Lines), also one of a run that was cut short")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="where to write it: .html, .md, .sarif or .svg (a badge)"
    )


def run(options: argparse.Namespace) -> int:
    """Draw it."""
    try:
        render(options.results, options.output)
    except (ResultsError, ValueError) as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{error.filename or options.output}: {error.strerror}") from None
    print(options.output)
    return 0
