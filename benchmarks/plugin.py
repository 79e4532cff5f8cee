"""What the plugin costs a pytest run that has nothing to do with it."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

Figure = tuple[str, float, str]
ROUNDS = 20
COMMAND = (sys.executable, "-m", "pytest", "--co", "-q", "-p", "no:cacheprovider", "test_empty.py")
WITHOUT = ("-p", "no:tcpprobe")


def figures() -> list[Figure]:
    """(name, value, definition) of every figure."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_empty.py").write_text("def test_empty():\n    pass\n")
        for words in ((), WITHOUT):  # once each, so that nothing is compiled any more
            _milliseconds(folder, words)
        pairs = [(_milliseconds(folder, ()), _milliseconds(folder, WITHOUT)) for _ in range(ROUNDS)]
    without = statistics.median(pair[1] for pair in pairs)
    cost = statistics.median(pair[0] - pair[1] for pair in pairs)
    return [
        ("pytest --co without the plugin, ms", without, f"processor time, one empty test, median of {ROUNDS}"),
        ("the plugin's cost, ms", cost, f"median difference of {ROUNDS} alternated pairs of runs; at most 15"),
    ]


def _milliseconds(folder: str, words: Sequence[str]) -> float:
    """Processor time: what else the machine does must not count."""
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*COMMAND, *words], check=True, capture_output=True, cwd=folder)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime)


if __name__ == "__main__":
    for name, value, definition in figures():
        print(f"{name:<44} {value:>12,.2f}   {definition}")
