"""The matrix of states, segments and positions as one table: which segment, arriving where, in which state.

Its cells are the results whose matrix names all of `KEYS`, whatever scenario they are of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tcpprobe.results.model import Observation, Result

KEYS = ("state", "kind", "text", "position")

STATES = (
    "CLOSED",
    "LISTEN",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
)
"""In the order of RFC 9293 3.3.2; a state that is not here comes last."""

POSITIONS: Mapping[str, str] = MappingProxyType(
    {
        "anywhere": "∗",
        "left of the window": "←",
        "at the left edge": "[",
        "inside": "•",
        "at the right edge": "]",
        "beyond the window": "→",
    }
)
"""Where a segment lies, and how its column is headed; from left to right."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One play: its case, its verdict, and in words what arrived and what came of it."""

    id: str
    verdict: str
    says: str


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of segment, with or without data, and a cell (or none) for each column."""

    kind: str
    text: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The table: states, each with its positions; lines; how many cells have which verdict."""

    states: tuple[tuple[str, tuple[str, ...]], ...]
    lines: tuple[Line, ...]
    verdicts: dict[str, int]

    @property
    def total(self) -> int:
        """How many cells there are."""
        return sum(self.verdicts.values())

    @property
    def positions(self) -> dict[str, str]:
        """Those that occur, with the signs of their columns."""
        found = {position for _, positions in self.states for position in positions}
        return {name: POSITIONS.get(name, name) for name in _sorted(found, POSITIONS)}


class StateMatrix:
    """Takes results one after the other and keeps the cells among them."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str, str, str], Cell] = {}

    def add(self, result: Result) -> None:
        """Take one more result, if it is a cell; a later one for the same cell replaces an earlier one."""
        row = result.row
        if all(key in row for key in KEYS):
            state, kind, text, position = (str(row[key]) for key in KEYS)
            self._cells[state, kind, text, position] = Cell(result.id, str(result.verdict), _says(result, row))

    def finish(self) -> Grid | None:
        """The table of all that was taken; None when no result was a cell."""
        if not self._cells:
            return None
        columns: dict[str, set[str]] = {}
        for state, _, _, position in self._cells:
            columns.setdefault(state, set()).add(position)
        states = tuple((state, tuple(_sorted(columns[state], POSITIONS))) for state in _sorted(columns, STATES))
        heads = dict.fromkeys((kind, text) for _, kind, text, _ in self._cells)
        # Results come as they are done; lines are to stand as people read them: by kind, without data first.
        lines = tuple(self._line(kind, text, states) for kind, text in sorted(heads, key=_line_order))
        return Grid(states, lines, Counter(cell.verdict for cell in self._cells.values()))

    def _line(self, kind: str, text: str, states: tuple[tuple[str, tuple[str, ...]], ...]) -> Line:
        cells = tuple(self._cells.get((state, kind, text, position)) for state, each in states for position in each)
        return Line(kind, text, cells)


def _says(result: Result, row: Mapping[str, Observation]) -> str:
    came = result.variant or result.reason
    return f"{row['state']}, {row['kind']} {row['text']} {row['position']}: {result.verdict}{came and f', {came}'}"


def _line_order(head: tuple[str, str]) -> tuple[int, str, bool]:
    kind, text = head
    first = kind.partition(",")[0]
    order = ("SYN", "ACK", "FIN", "RST")
    return (order.index(first) if first in order else len(order), kind, text.startswith("with "))


def _sorted(found: set[str] | Mapping[str, object], order: tuple[str, ...] | Mapping[str, str]) -> list[str]:
    """Those of the order in its order, then the others by name."""
    places = {name: place for place, name in enumerate(order)}
    return sorted(found, key=lambda name: (places.get(name, len(places)), name))
