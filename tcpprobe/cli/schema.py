"""``tcpprobe schema``."""

from __future__ import annotations

import argparse
import json


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("of", nargs="?", choices=("scenario", "results"), default="scenario")


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    if options.of == "scenario":
        from tcpprobe.scenario.schema import json_schema
    else:
        from tcpprobe.results.jsonl import json_schema
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
