"""``tcpprobe run TARGET``: pytest with the bundled suite, from any directory."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

USAGE = "usage: tcpprobe run host:port [more targets] [options of pytest and --tcp-…]"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to declare: all arguments are pytest's."""
    parser.add_argument("target", nargs="+", help="host:port, [v6]:port, lab:NAME or lab")


def run(words: Sequence[str]) -> int:
    """Targets first, then whatever pytest takes (paths of scenarios, options); the exit code is pytest's."""
    targets = []
    rest = list(words)
    while rest and not rest[0].startswith("-") and not Path(rest[0]).exists():
        targets.append(rest.pop(0))
    if not targets or {"-h", "--help"} & set(rest):
        print(USAGE, file=sys.stderr if not targets else sys.stdout)
        return 0 if {"-h", "--help"} & set(rest) else 2
    import pytest

    # Without an ini file of somebody else's: what pytest finds in the directory is about other tests.
    chosen = [f"--tcp-target={target}" for target in targets]
    # This process has loaded tcpprobe before pytest did, which is of no consequence here.
    calm = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main(["-c", "/dev/null", "--rootdir=.", "-p", "no:cacheprovider", *calm, *chosen, *rest]))
