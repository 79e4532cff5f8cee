"""``tcpprobe doctor``."""

from __future__ import annotations

import argparse

from tcpprobe.lab.doctor import State, checks, render


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--interface", metavar="NAME", help="look at this interface's offloads too")


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 when something is missing."""
    found = checks(options.interface)
    print(render(found))
    return int(any(check.state is State.MISSING for check in found))
