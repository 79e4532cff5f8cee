"""The retransmission queue: what was sent and is not yet acknowledged, with the sender's SACK scoreboard."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import inf

from tcpprobe.wire.flags import FIN, SYN
from tcpprobe.wire.seq import add, diff

DUP_THRESH = 3


@dataclass(slots=True, eq=False)
class Sent:
    """One segment's worth of sequence space, [seq, end), with its SYN and FIN bits.

    ``time`` is when it went out last, ``count`` how often. ``lost``: to be sent again. ``twice``: it was sent again
    without being taken for lost, so that two copies are in the network.
    """

    seq: int
    end: int
    flags: int
    time: float
    count: int = 1
    sacked: bool = False
    lost: bool = False
    twice: bool = False

    @property
    def length(self) -> int:
        """Sequence numbers it takes."""
        return diff(self.end, self.seq)


class Flight:
    """Segments in sequence order, from SND.UNA to SND.NXT.

    A segment is SACKed as a whole or not at all: a block that covers a part of it says nothing.

    Attributes:
        sacked: sequence numbers the peer has, by its SACK blocks.
        lost: sequence numbers taken for lost and not sent again yet.
        high_rxt: HighRxt, the sequence number after the last one sent again in this recovery (RFC 6675 2).
        delivered: what newly arrived, for RACK, where more than the newest matters; whoever reads it empties it.
    """

    __slots__ = ("_twice", "delivered", "high_rxt", "lost", "queue", "sacked")

    def __init__(self) -> None:
        self.queue: deque[Sent] = deque()
        self.lost = 0
        self.high_rxt: int | None = None
        self.sacked = 0
        self.delivered: list[Sent] = []
        self._twice = 0  # sent again without being lost: counted twice (RFC 6675 4, SetPipe)

    def __bool__(self) -> bool:
        return bool(self.queue)

    def __iter__(self) -> Iterator[Sent]:
        return iter(self.queue)

    @property
    def head(self) -> Sent:
        """The earliest unacknowledged segment."""
        return self.queue[0]

    def add(self, sent: Sent) -> None:
        """A segment with new sequence numbers went out."""
        self.queue.append(sent)

    def clear(self) -> None:
        """Forget everything."""
        self.queue.clear()
        self.lost = self.sacked = self._twice = 0
        self.high_rxt = None

    def acknowledge(self, una: int) -> float | None:
        """Remove what is before ``una``. Returns when the newest of it was sent, None if any was sent twice (Karn)."""
        sent_at: float | None = None
        repeated = False
        queue = self.queue
        while queue and diff(queue[0].end, una) <= 0:
            gone = queue.popleft()
            sent_at = gone.time
            if gone.count > 1:
                repeated = True
            if repeated or self.sacked or self.lost:
                self._discount(gone, gone.length)
                if not gone.sacked:
                    self.delivered.append(gone)
        if queue and diff(una, queue[0].seq) > 0:
            head = queue[0]
            self._discount(head, diff(una, head.seq))
            head.seq = una
            head.flags &= ~SYN
            repeated |= head.count > 1
        # RFC 6298 3: a segment sent twice gives no sample.
        return None if repeated else sent_at

    def _discount(self, sent: Sent, length: int) -> None:
        """So many sequence numbers of ``sent`` are no longer outstanding."""
        if sent.sacked:
            self.sacked -= length
        elif sent.lost:
            self.lost -= length
        elif sent.twice:
            self._twice -= length

    def sack(self, blocks: Iterable[tuple[int, int]], una: int, nxt: int) -> int:
        """Note the peer's SACK blocks; nonsense is ignored. Returns how many sequence numbers were news."""
        before = self.sacked
        for left, right in blocks:
            # RFC 2883 5: a block below the ACK field is a duplicate report; RFC 2018 5: others lie within the flight.
            if diff(left, una) < 0 or diff(right, left) <= 0 or diff(right, nxt) > 0:
                continue
            for sent in self.queue:
                if sent.sacked or diff(sent.seq, left) < 0:
                    continue
                if diff(sent.end, right) > 0:
                    break
                self._discount(sent, sent.length)
                self.sacked += sent.length
                self.delivered.append(sent)
                sent.sacked, sent.lost, sent.twice = True, False, False
        return self.sacked - before

    def mark_lost(self, sent: Sent) -> None:
        """It has to be sent again."""
        if not sent.lost and not sent.sacked:
            self._discount(sent, sent.length)
            sent.lost, sent.twice = True, False
            self.lost += sent.length

    def mark_all_lost(self, sent_until: float = inf) -> None:
        """The timer expired: the first is lost, and what was last sent not after ``sent_until`` (RFC 8985 6.3).

        A SACKed first segment means the peer reneged: nothing it said counts (RFC 2018 8).
        """
        if self.queue and self.queue[0].sacked:
            self.forget_sacks()
        for sent in self.queue:
            if sent.time <= sent_until or sent is self.queue[0]:
                self.mark_lost(sent)

    def forget_sacks(self) -> None:
        """Take everything as not SACKed."""
        for sent in self.queue:
            if sent.sacked:
                sent.sacked = False
        self.sacked = 0

    def repeat(self, sent: Sent, now: float) -> None:
        """It went out again."""
        if sent.lost:
            sent.lost = False
            self.lost -= sent.length
        elif not sent.twice and not sent.sacked:
            sent.twice = True
            self._twice += sent.length
        if self.high_rxt is None or diff(sent.end, self.high_rxt) > 0:
            self.high_rxt = sent.end
        sent.count += 1
        sent.time = now

    def rescued(self, sent: Sent, high_rxt: int | None) -> None:
        """What went out again was a rescue: HighRxt stays ``high_rxt``, the pipe does not count it (RFC 6675 4)."""
        self.high_rxt = high_rxt
        if sent.twice:
            sent.twice = False
            self._twice -= sent.length

    def split(self, sent: Sent, size: int) -> Sent:
        """Cut ``sent`` after ``size`` sequence numbers; returns the rest, a segment of its own, with the FIN."""
        middle = add(sent.seq, size)
        rest = replace(sent, seq=middle, flags=sent.flags & ~SYN)
        self.queue.insert(self.queue.index(sent) + 1, rest)
        sent.end = middle
        sent.flags &= ~FIN
        return rest

    def first_lost(self) -> Sent | None:
        """The lowest segment to send again (RFC 6675 4, NextSeg rule 1)."""
        return next((sent for sent in self.queue if sent.lost), None) if self.lost else None

    def doubtful(self) -> Sent | None:
        """The lowest one above HighRxt, not SACKed, with something SACKed above it (RFC 6675 4, NextSeg rule 3)."""
        found: Sent | None = None
        for sent in self.queue:
            if sent.sacked and found is not None:
                return found
            if found is None and not sent.sacked and self._above_high_rxt(sent):
                found = sent
        return None

    def last_unsacked(self) -> Sent | None:
        """The highest one not SACKed (RFC 6675 4, NextSeg rule 4)."""
        return next((sent for sent in reversed(self.queue) if not sent.sacked), None)

    def _above_high_rxt(self, sent: Sent) -> bool:
        return self.high_rxt is None or diff(sent.seq, self.high_rxt) >= 0

    def find_losses(self, mss: int) -> bool:
        """Mark what RFC 6675's IsLost() says is lost above HighRxt; whether anything new is.

        Lost is what has three separate SACKed stretches above it, or more than two segments' worth of SACKed bytes.
        """
        if not self.sacked:
            return False
        stretches = above = 0
        inside = found = False
        for sent in reversed(self.queue):
            if sent.sacked:
                above += sent.length
                stretches += not inside
            inside = sent.sacked
            is_lost = stretches >= DUP_THRESH or above > (DUP_THRESH - 1) * mss
            if is_lost and not sent.sacked and not sent.lost and self._above_high_rxt(sent):
                self.mark_lost(sent)
                found = True
        return found

    def pipe(self, una: int, nxt: int) -> int:
        """Sequence numbers thought to be in the network (RFC 6675 4, SetPipe)."""
        return diff(nxt, una) - self.sacked - self.lost + self._twice
