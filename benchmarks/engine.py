"""How many plays a second the engine manages, and how soon it answers: against lab:linux, through its TUN."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tcpprobe.lab.lab import open_lab
from tcpprobe.link.base import Link
from tcpprobe.results.model import Verdict
from tcpprobe.runner.session import Session
from tcpprobe.runner.settings import Settings
from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.model import Case
from tcpprobe.wire.flags import ACK, SYN

Figure = tuple[str, float, str]
ROWS = 2000

SCENARIO = """\
title: Handshake, then reset
scenarios:
  - id: handshake-then-reset
    title: A connection opens
    level: info
    matrix: {{row: [{rows}]}}
    given: established
    steps:
      - check: row >= 0
"""


def text(rows: int) -> str:
    """A scenario with so many rows."""
    return SCENARIO.format(rows=", ".join(map(str, range(rows))))


class Stopwatch:
    """Wraps a link and notes, per address and port of ours, when a SYN,ACK was read and when the ACK was written."""

    def __init__(self, link: Link) -> None:
        self.read_one, self.send_one = link.read, link.send
        self.came: dict[tuple[bytes, int], float] = {}
        self.latencies: list[float] = []
        link.read, link.send = self.read, self.send  # type: ignore[method-assign]

    def read(self, fileno: int) -> list[tuple[bytes, float]]:
        """As the link's own."""
        packets = self.read_one(fileno)
        for packet, stamp in packets:
            if packet[33] == SYN | ACK:
                self.came[packet[16:20], int.from_bytes(packet[22:24], "big")] = stamp
        return packets

    def send(self, packet: bytes, destination: bytes) -> None:
        """As the link's own."""
        self.send_one(packet, destination)
        if packet[33] == ACK:
            came = self.came.pop((packet[12:16], int.from_bytes(packet[20:22], "big")), None)
            if came is not None:
                self.latencies.append(time.monotonic() - came)


def play(cases: list[Case], width: int) -> tuple[float, list[float]]:
    """Seconds for all of them on a lab of their own, and the seconds from each SYN,ACK to our ACK."""
    with open_lab("lab:linux") as lab:
        watch = Stopwatch(lab.link)
        session = Session(lab.target, lab.link, Settings(width=width))
        try:
            session.preflight()
            began = time.perf_counter()
            session.start(cases)
            for case in cases:
                assert session.result(case).verdict is Verdict.PASS
            return time.perf_counter() - began, watch.latencies
        finally:
            session.close()


def through_pytest() -> float:
    """Seconds per item of a whole pytest run over the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "many.probe.yaml")
        path.write_text(text(ROWS))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tcp-report=none"]
        # As in an environment of a user's: compiled modules are kept, and no other plugin is there.
        command += ["-p", "no:hypothesispytest", "-p", "no:xdist"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        command += ["--tcp-target=lab:linux", str(path)]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment)
        return (time.perf_counter() - began) / ROWS


def figures() -> list[Figure]:
    """(name, value, definition) of every figure."""
    cases = load_text(text(ROWS), "many.probe.yaml")
    seconds, together = play(cases, 64)
    _, alone = play(cases[:500], 1)
    busy, quiet = (statistics.quantiles(found, n=100) for found in (together, alone))
    return [
        ("plays per second", ROWS / seconds, "handshake, then reset; 64 in flight; at least 1500"),
        ("items per second with pytest", 1 / through_pytest(), f"{ROWS} rows, start and end included; at least 400"),
        ("SYN,ACK to ACK, alone, median ms", quiet[49] * 1e3, "from our reading it to our writing, one play in flight"),
        ("SYN,ACK to ACK, alone, p99 ms", quiet[98] * 1e3, "the same"),
        ("SYN,ACK to ACK, 64 in flight, median ms", busy[49] * 1e3, "64 plays in flight"),
        ("SYN,ACK to ACK, 64 in flight, p99 ms", busy[98] * 1e3, "below 5"),
    ]  # fmt: skip


if __name__ == "__main__":
    for name, value, definition in figures():
        print(f"{name:<44} {value:>12,.2f}   {definition}")
