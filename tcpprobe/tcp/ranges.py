"""What arrived ahead of its turn: islands of bytes above RCV.NXT, and what SACK says of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from tcpprobe.wire.seq import add, diff

Range = tuple[int, int]
"""Sequence numbers [left, right)."""

MOST = 4096
"""Islands held at once. A peer that sends every other byte would else take hundreds of times its window in memory."""

SACK_MOST = 4
"""Blocks that a SACK option has room for (RFC 2018 3)."""


@dataclass(slots=True, eq=False)
class Island:
    """Contiguous bytes from sequence number ``left``."""

    left: int
    data: bytearray

    @property
    def right(self) -> int:
        """The sequence number after the last byte."""
        return add(self.left, len(self.data))


@dataclass(slots=True)
class Reassembly:
    """Bytes held for later (RFC 9293 3.10.7.4, SHLD-31). Where copies differ, what came first stays.

    ``islands`` are in sequence order and never touch; ``recent`` has the same islands, the last one touched first,
    which is the order of SACK blocks (RFC 2018 4).
    """

    islands: list[Island] = field(default_factory=list)
    recent: list[Island] = field(default_factory=list)

    def insert(self, base: int, seq: int, data: bytes) -> Range | None:
        """Hold ``data`` from ``seq``, which must not be before ``base`` (RCV.NXT); one island too many is not held.

        Returns the first range of it that was held already, for D-SACK, or None.
        """
        start = diff(seq, base)
        end = start + len(data)
        islands = self.islands
        low = bisect_left(islands, start, key=lambda island: diff(island.left, base) + len(island.data))
        high = bisect_right(islands, end, key=lambda island: diff(island.left, base))
        touched = islands[low:high]
        if start and not touched and len(islands) >= MOST:
            return None
        merged, duplicate = _merge(base, start, data, touched)
        islands[low:high] = [merged]
        if touched:
            self.recent = [island for island in self.recent if island not in touched]
        self.recent.insert(0, merged)
        return duplicate

    def take(self, base: int) -> bytes:
        """Remove and return what is contiguous from ``base``; empty when nothing is."""
        if not self.islands or self.islands[0].left != base:
            return b""
        first = self.islands.pop(0)
        self.recent.remove(first)
        return bytes(first.data)

    def blocks(self) -> list[Range]:
        """The islands most recently touched as SACK blocks, latest first, as many as an option has room for."""
        return [(island.left, island.right) for island in self.recent[:SACK_MOST]]

    def around(self, seq: int) -> Range | None:
        """The island that holds ``seq``, or None."""
        for island in self.islands:
            if 0 <= diff(seq, island.left) < len(island.data):
                return island.left, island.right
        return None


def _merge(base: int, start: int, data: bytes, touched: list[Island]) -> tuple[Island, Range | None]:
    """One island out of ``data`` at offset ``start`` from ``base`` and all it touches; existing bytes win."""
    if not touched:
        return Island(add(base, start), bytearray(data)), None
    end = start + len(data)
    duplicate: Range | None = None
    merged = bytearray()
    left = min(start, diff(touched[0].left, base))
    at = left
    for island in touched:
        island_start = diff(island.left, base)
        island_end = island_start + len(island.data)
        merged += data[at - start : max(island_start - start, 0)] if at < island_start else b""
        merged += island.data
        at = island_end
        if duplicate is None and max(start, island_start) < min(end, island_end):
            duplicate = add(base, max(start, island_start)), add(base, min(end, island_end))
    if at < end:
        merged += data[at - start :]
    return Island(add(base, left), merged), duplicate
