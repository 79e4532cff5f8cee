"""How long the bundled suite takes against lab:linux, beside its slowest scenario."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tcpprobe.results.jsonl import read

Figure = tuple[str, float, str]


def figures() -> list[Figure]:
    """(name, value, definition) of every figure."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "results.jsonl")
        command = [sys.executable, "-m", "tcpprobe", "run", "lab:linux", "--tcp-report=none", f"--tcp-results={lines}"]
        began = time.perf_counter()
        subprocess.run(command, check=False, capture_output=True, cwd=folder, env=environment)
        wall = time.perf_counter() - began
        _, results, end = read(lines)
        longest = max(result.duration * len(result.attempts) for result in results)
    assert end is not None
    plays = sum(end.counts.values())
    return [
        ("plays", plays, "cases of the bundled suite"),
        ("whole run, s", wall, "the command's wall time, start of Python to end"),
        ("longest case, s", longest, "the longest single case, with its confirmations"),
        ("(whole run - 3 s) / longest", (wall - 3) / longest, "at most 1.25"),
    ]


if __name__ == "__main__":
    for name, value, definition in figures():
        print(f"{name:<44} {value:>12,.2f}   {definition}")
