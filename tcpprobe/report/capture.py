"""The packets of a play as a pcapng capture, each with what the script said of it as its comment."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from tcpprobe.report.words import plain
from tcpprobe.results.model import Entry, Result
from tcpprobe.scapy_edge import write_pcapng


def write(result: Result, file: str | Path | IO[bytes], started: float = 0.0) -> None:
    """Write the capture; ``started`` (seconds since the epoch) is what the play's times count from."""
    write_pcapng(
        file,
        (
            (started + entry.time, packet, comment(result, entry))
            for entry in result.transcript
            for packet in entry.fragments or (entry.packet,)
            if packet
        ),
    )


def comment(result: Result, entry: Entry) -> str:
    """``received, step 2 (line 17), missed: expected flags RA, seq 0``: what a reader of the capture wants to know."""
    words = [entry.kind]
    said = ""
    if entry.step is not None and entry.step < len(result.steps):
        step = result.steps[entry.step]
        words.append(f"step {entry.step + 1} (line {step.line})")
        if entry.kind == "received" and step.expected:
            said = f": expected {step.expected}"
    if entry.note:
        words.append(entry.note)
    return plain(f"{', '.join(words)}{said}")
