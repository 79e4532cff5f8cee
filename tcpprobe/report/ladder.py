"""The ladder of a play in plain text: both ends, an arrow for each packet, and beside it what the script said of it.

The page draws its ladders in the browser, from the same transcript (``static/ladder.js``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tcpprobe.report.words import plain, seconds
from tcpprobe.results.model import ConnectionInfo, Entry, Result
from tcpprobe.wire.ip import decode
from tcpprobe.wire.segment import Segment

_TIME = 9
_NOTE = 18
_NARROWEST = 24
_OPTIONS = re.compile(r" <[^>]*>")
_WINDOW = re.compile(r" win \d+")
_EMPTY = re.compile(r" len 0$")


@dataclass(frozen=True, slots=True)
class Rung:
    """One entry: "sent", "received" or "event", its label without the addresses, and what is said beside it."""

    time: float
    kind: str
    connection: str
    label: str
    note: str


def rungs(result: Result) -> list[Rung]:
    """The transcript as rungs; data, SYN or FIN that went the same way before is marked "again"."""
    found = []
    seen: set[tuple[str, str, int, int]] = set()
    for entry in result.transcript:
        words = [entry.note] if entry.note else []
        if entry.step is not None and entry.step < len(result.steps):
            words.append(f"step {entry.step + 1}")
        number = _sequence(entry)
        if number is not None:
            key = (entry.kind, entry.connection, *number)
            if key in seen and "retransmission" not in entry.note:
                words.insert(0, "again")
            seen.add(key)
        found.append(Rung(entry.time, entry.kind, entry.connection, label(entry), plain(", ".join(words))))
    return found


def _sequence(entry: Entry) -> tuple[int, int] | None:
    """Where in sequence space the entry's packet lies, or None when it takes no room there."""
    if not entry.packet:
        return None
    segment = decode(entry.packet).payload
    if not isinstance(segment, Segment) or not segment.length:
        return None
    return segment.seq, segment.length


def label(entry: Entry) -> str:
    """What the entry's line says after the addresses."""
    if entry.kind == "event":
        return plain(entry.text)
    start = entry.text.find(" > ")
    rest = entry.text[start + 3 :].partition(" ")[2] if start >= 0 else entry.text
    return plain(_EMPTY.sub("", rest))


def _fit(text: str, room: int) -> str:
    """The label in that many columns: options go first, then the window, then the end."""
    for pattern in (_OPTIONS, _WINDOW):
        if len(text) > room:
            text = pattern.sub("", text)
    return _cut(text, room)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def text_ladder(result: Result, width: int = 80) -> list[str]:
    """The ladder as lines of at most ``width`` columns; none when there was no packet and no event."""
    if not result.transcript:
        return []
    span = max(_NARROWEST, width - _TIME - _NOTE - 4)
    several = len(result.connections) > 1
    lines = []
    if result.connections:
        lines.append(_ends(result.connections, span))
    for rung in rungs(result):
        prefix = f"{plain(rung.connection)}: " if several else ""
        lines.append(_rung(rung, prefix, span, width))
    return [line.rstrip() for line in lines]


def _ends(connections: list[ConnectionInfo], span: int) -> str:
    local, remote = connections[0].local, connections[0].remote
    if len(connections) == 1:
        local, remote = _end(local, connections[0].lport), _end(remote, connections[0].rport)
    local, remote = plain(local), plain(remote)
    gap = max(1, span + 2 - len(local) - len(remote))
    return f"{'':{_TIME}} {local}{' ' * gap}{remote}"


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _rung(rung: Rung, prefix: str, span: int, width: int) -> str:
    time = f"{seconds(rung.time):>{_TIME}} "
    if rung.kind == "event":
        return time + _cut(f"· {prefix}{rung.label}", width - len(time))
    said = f" {_fit(prefix + rung.label, span - 6)} "
    arrow = f"|{said:-^{span - 1}}>|" if rung.kind == "sent" else f"|<{said:-^{span - 1}}|"
    return f"{time}{arrow} {_cut(rung.note, _NOTE)}"
