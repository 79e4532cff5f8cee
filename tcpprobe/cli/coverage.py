"""``tcpprobe coverage``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from tcpprobe.catalogue.coverage import Covered, by_level, by_rfc, coverage
from tcpprobe.catalogue.load import requirements
from tcpprobe.cli.lint import load
from tcpprobe.cli.main import FOUND, OK
from tcpprobe.scenario.bundled import path as bundled_path


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="scenarios (default: the bundled ones)")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")


def run(options: argparse.Namespace) -> int:
    """Print the coverage."""
    cases, wrong = load(options.paths or [bundled_path()])
    scenarios = {case.scenario.id: case.scenario.covers for case in cases}
    found = coverage(scenarios.items(), requirements())
    print(FORMATS[options.format](found))
    return FOUND if wrong else OK


def _text(found: Mapping[str, Covered]) -> str:
    covered = sum(each.covered for each in found.values())
    hidden = sum(each.hidden for each in found.values())
    lines = [f"{covered} of {len(found)} requirements; {hidden} others cannot be seen from outside"]
    for title, shares in (("level", by_level(found)), ("RFC", by_rfc(found))):
        lines += ["", f"by {title}"]
        lines += [f"  {key or 'robustness':<12} {share.covered:>4} of {share.total}" for key, share in shares.items()]
    return "\n".join(lines)


def _markdown(found: Mapping[str, Covered]) -> str:
    rows = ["| requirement | level | scenarios | needs |", "| --- | --- | --- | --- |"]
    for id_, each in found.items():
        scenarios = ", ".join((*each.directly, *each.by_restating)) or "–"
        rows.append(f"| {id_} | {each.requirement.level} | {scenarios} | {each.requirement.needs} |")
    return "\n".join(rows)


def _json(found: Mapping[str, Covered]) -> str:
    return json.dumps({id_: [*each.directly, *each.by_restating] for id_, each in found.items()}, indent=1)


FORMATS = {"text": _text, "markdown": _markdown, "json": _json}
