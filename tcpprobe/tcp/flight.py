"""The retransmission queue: what was sent and is not yet acknowledged, with the sender's SACK scoreboard."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tcpprobe.wire.flags import FIN, SYN
from tcpprobe.wire.seq import add, diff

DUP_THRESH = 3


@dataclass(slots=True, eq=False)
class Sent:
    """One segment's worth of sequence space, [seq, end), with its SYN and FIN bits.

    ``time`` is when it went out last, ``count`` how often. ``lost`` means: to be sent again.
    """

    seq: int
    end: int
    flags: int
    time: float
    count: int = 1
    sacked: bool = False
    lost: bool = False

    @property
    def length(self) -> int:
        """Sequence numbers it takes."""
        return diff(self.end, self.seq)


class Flight:
    """Segments in sequence order, from SND.UNA to SND.NXT."""

    def __init__(self) -> None:
        self.queue: deque[Sent] = deque()
        self._away = 0  # sequence numbers that are sacked or lost: no longer in the network

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
        self._away = 0

    def acknowledge(self, una: int) -> float | None:
        """Remove what is before ``una``. Returns when the newest of it was sent, None if any was sent twice (Karn)."""
        sent_at: float | None = None
        repeated = False
        queue = self.queue
        while queue and diff(queue[0].end, una) <= 0:
            gone = queue.popleft()
            repeated |= gone.count > 1
            sent_at = gone.time
            if gone.sacked or gone.lost:
                self._away -= gone.length
        if queue and diff(una, queue[0].seq) > 0:
            head = queue[0]
            if head.sacked or head.lost:
                self._away -= diff(una, head.seq)
            head.seq = una
            head.flags &= ~SYN
            repeated |= head.count > 1
        # RFC 6298 3: a segment sent twice gives no sample.
        return None if repeated else sent_at

    def sack(self, blocks: Iterable[tuple[int, int]], una: int, nxt: int) -> int:
        """Note the peer's SACK blocks; nonsense is ignored. Returns how many sequence numbers were news."""
        news = 0
        for left, right in blocks:
            # RFC 2883 5: a block below the ACK field is a duplicate report; RFC 2018 5: others lie within the flight.
            if diff(left, una) < 0 or diff(right, left) <= 0 or diff(right, nxt) > 0:
                continue
            for sent in self.queue:
                if sent.sacked or diff(sent.seq, left) < 0:
                    continue
                if diff(sent.end, right) > 0:
                    break
                news += sent.length
                if not sent.lost:
                    self._away += sent.length
                sent.sacked, sent.lost = True, False
        return news

    def mark_lost(self, sent: Sent) -> None:
        """It has to be sent again."""
        if not sent.lost and not sent.sacked:
            sent.lost = True
            self._away += sent.length

    def mark_all_lost(self) -> None:
        """The timer expired. A SACKed first segment means the peer reneged: nothing it said counts (RFC 2018 8)."""
        if self.queue and self.queue[0].sacked:
            self.forget_sacks()
        for sent in self.queue:
            self.mark_lost(sent)

    def forget_sacks(self) -> None:
        """Take everything as not SACKed."""
        for sent in self.queue:
            if sent.sacked:
                sent.sacked = False
                self._away -= sent.length

    def repeat(self, sent: Sent, now: float) -> None:
        """It went out again."""
        if sent.lost:
            sent.lost = False
            self._away -= sent.length
        sent.count += 1
        sent.time = now

    def split(self, sent: Sent, size: int) -> None:
        """Cut ``sent`` after ``size`` sequence numbers; the rest, with its FIN, becomes a segment of its own."""
        middle = add(sent.seq, size)
        rest = replace(sent, seq=middle, flags=sent.flags & ~SYN)
        self.queue.insert(self.queue.index(sent) + 1, rest)
        sent.end = middle
        sent.flags &= ~FIN

    def first_lost(self) -> Sent | None:
        """The lowest segment to send again (RFC 6675 4, NextSeg rule 1)."""
        if not self._away:
            return None
        return next((sent for sent in self.queue if sent.lost), None)

    def find_losses(self, mss: int) -> bool:
        """Mark what RFC 6675's IsLost() says is lost; whether anything is.

        Lost is what has three separate SACKed stretches above it, or more than two segments' worth of SACKed bytes.
        """
        if not self._away:
            return False
        stretches = above = 0
        inside = found = False
        for sent in reversed(self.queue):
            if sent.sacked:
                above += sent.length
                stretches += not inside
            elif sent.count == 1 and (stretches >= DUP_THRESH or above > (DUP_THRESH - 1) * mss):
                self.mark_lost(sent)
                found = True
            inside = sent.sacked
        return found

    def pipe(self, una: int, nxt: int) -> int:
        """Sequence numbers thought to be in the network (RFC 6675 4, SetPipe)."""
        return diff(nxt, una) - self._away
