"""``tcpprobe mutate FILES``."""

from __future__ import annotations

import argparse
from pathlib import Path

from tcpprobe.cli.lint import load
from tcpprobe.cli.main import FOUND, OK, CommandError
from tcpprobe.lab.biting import bites
from tcpprobe.lab.mutants import MUTANTS
from tcpprobe.results.model import Verdict


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="scenario files or folders of them")


def run(options: argparse.Namespace) -> int:
    """Print which broken TCPs the scenarios notice and which they miss; 1 when one is unsound or notices nothing."""
    cases, wrong = load(options.paths)
    if wrong:
        raise CommandError("the scenarios have mistakes")
    found = bites(cases)
    code = OK
    for id_, verdict in found.sound.items():
        if verdict is not Verdict.PASS:
            code = FOUND
            print(f"{id_}: {verdict} against a sound TCP: {found.reasons[id_]}")
    for id_, mutants in found.by_case.items():
        if not mutants:
            code = FOUND
        print(f"{id_}: notices {', '.join(mutants) if mutants else 'no fault at all'}")
    noticed = {mutant for mutants in found.by_case.values() for mutant in mutants}
    missed = [mutant for mutant in MUTANTS if mutant not in noticed]
    print(f"\n{len(noticed)} of {len(MUTANTS)} faults are noticed; not these:")
    for name in missed:
        print(f"  {name:<32} {MUTANTS[name].description}")
    return code
