"""Slow start, congestion avoidance, recovery: how much may be in the network (RFC 3465, 5681, 6582, 6675, 6928,
9937)."""

from __future__ import annotations

from tcpprobe.wire.seq import add, diff

_HIGH = 1 << 30
_MUCH = 4096
"""So many bytes of an initial or restart window make a loss in it count (RFC 6928 2)."""


def _initial_window(mss: int) -> int:
    """RFC 6928 2: ten segments, or what fits 14600 bytes."""
    return min(10 * mss, max(2 * mss, 14600))


def _smaller_window(mss: int) -> int:
    """RFC 3390 1: two to four segments."""
    return min(4 * mss, max(2 * mss, 4380))


class Reno:
    """The congestion window, in bytes.

    Attributes:
        cwnd, ssthresh: as RFC 5681 has them.
        recover: in fast recovery until this sequence number is acknowledged; None outside.
        rescue: RescueRxt, what must be acknowledged before the one rescue retransmission (RFC 6675 4, NextSeg rule 4).
        out: prr_out, what was sent, or sent again, since recovery began (RFC 6937 3); of no meaning outside.
        barrier: what was outstanding at the last loss: no new recovery before it is acknowledged (RFC 6582 3.2).
        cut: what was outstanding at the last reduction: no mark counts before more is acknowledged (RFC 3168 6.1.2).
    """

    __slots__ = (
        "_begun",
        "_counted",
        "_delivered",
        "_flight",
        "_limit",
        "_opening",
        "barrier",
        "cut",
        "cwnd",
        "initial",
        "mss",
        "out",
        "recover",
        "rescue",
        "ssthresh",
    )

    def __init__(self, mss: int, initial: int | None, barrier: int) -> None:
        self.mss = mss
        self.initial = initial if initial is not None else _initial_window(mss)
        self.cwnd = self.initial
        self.ssthresh = _HIGH
        self.recover: int | None = None
        self.barrier = self.cut = self.rescue = barrier
        self._opening = add(barrier, 1), self.initial  # where the last initial or restart window began, and its size
        self._counted = 0
        self._limit = 2 * mss  # RFC 3465 2.3: L
        self.out = self._delivered = self._flight = 0
        self._begun = False

    def lost_syns(self) -> None:
        """More than one SYN was lost: begin with one segment (RFC 6928 2)."""
        self.cwnd = self.mss

    def resize(self, mss: int) -> None:
        """The path takes smaller segments only: all that is counted in them shrinks (RFC 5681 3.1)."""
        self.cwnd = max(self.cwnd * mss // self.mss, mss)
        self._limit = self._limit * mss // self.mss
        self.initial = min(self.initial, _initial_window(mss))
        self.mss = mss

    def acknowledged(self, count: int) -> None:
        """``count`` new bytes were acknowledged outside recovery."""
        if self.cwnd < self.ssthresh:
            # RFC 3465 2.2: by what was acknowledged, L at most.
            self.cwnd += min(count, self._limit)
            return
        self._limit = 2 * self.mss
        # RFC 3465 2.1: in avoidance, one segment for each window of acknowledged bytes.
        self._counted += count
        if self._counted >= self.cwnd:
            self._counted -= self.cwnd
            self.cwnd += self.mss

    def may_recover(self, una: int) -> bool:
        """Whether a loss now begins a new recovery: everything outstanding at the last one must be acknowledged."""
        return self.recover is None and diff(una, self.barrier) >= 0

    def may_reduce(self, una: int) -> bool:
        """Whether a mark now is of another window of data than the last reduction (RFC 3168 6.1.2)."""
        return self.recover is None and diff(una, self.cut) > 0

    def enter(self, flight: int, unsacked: int, una: int, nxt: int, *, inflate: bool) -> None:
        """Begin fast recovery; so many bytes are outstanding and not SACKed.

        ``inflate`` is for senders without SACK (RFC 5681 3.2, step 3). What was cut for a mark in the same window of
        data is not cut again (RFC 3168 6.1.2).
        """
        if diff(una, self.cut) >= 0:
            self.ssthresh = self._half(flight)
        self.cwnd = self.ssthresh + (3 * self.mss if inflate else 0)
        self._note_loss(una, nxt)
        self.recover = self.barrier = self.cut = nxt
        self.out = self._delivered = 0
        self._flight = unsacked
        self._begun = False

    def proceed(self, delivered: int, pipe: int, *, safe: bool) -> None:
        """``delivered`` bytes more have arrived in recovery: proportional rate reduction (RFC 6937 3, RFC 9937 6).

        ``safe`` is SafeACK: SND.UNA has advanced, and nothing more was found lost.
        """
        if not self._begun:
            # RFC 9937 6.1: RecoverFS counts what this first acknowledgment delivers, and nothing SACKed before.
            self._flight = max(self._flight + delivered, 1)
            self._begun = True
        self._delivered += delivered
        if pipe > self.ssthresh:
            due = -(-self._delivered * self.ssthresh // self._flight) - self.out
        else:
            # RFC 9937 6.2: PRR-CRB, and PRR-SSRB where it is safe.
            due = min(self.ssthresh - pipe, max(self._delivered - self.out, delivered) + (self.mss if safe else 0))
        self.cwnd = pipe + max(due, 0)

    def duplicate(self) -> None:
        """Another duplicate ACK in recovery without SACK: a segment left the network (RFC 5681 3.2, step 4).

        No more can leave than were in it (RFC 5681 3.2, MAY; RFC 9937 6.2: RecoverFS).
        """
        if self.cwnd < self.ssthresh + self._flight:
            self.cwnd += self.mss

    def partial(self, count: int) -> None:
        """A partial ACK in recovery without SACK: deflate by what it acknowledged (RFC 6582 3.2, step 3)."""
        self.cwnd = max(self.cwnd - count, self.mss) + (self.mss if count >= self.mss else 0)

    def leave(self, flight: int | None) -> None:
        """Everything outstanding when recovery began is acknowledged.

        Without SACK what is outstanding now (``flight``) bounds the burst that follows (RFC 6582 3.2, full
        acknowledgments); with SACK (None) the pipe has done so already.
        """
        self.cwnd = self.ssthresh if flight is None else min(self.ssthresh, max(flight, self.mss) + self.mss)
        self.recover = None
        self._counted = 0

    def expired(self, flight: int, nxt: int, *, first: bool) -> None:
        """The retransmission timer expired; ``first`` for this segment (RFC 5681 3.1, equation 4)."""
        if first:
            # RFC 5681 4.3: the loss of a retransmission lowers it a second time.
            self.ssthresh = self._half(flight if self.recover is None else min(flight, self.ssthresh))
        self.cwnd = self.mss  # the loss window
        self._note_loss(add(nxt, -flight), nxt)
        self._limit = self.mss  # RFC 3465 2.3: L is one segment in the slow start after a timeout
        self.recover = None
        self.barrier = self.cut = nxt
        self._counted = 0

    def marked(self, flight: int, nxt: int) -> None:
        """The peer echoes congestion: reduce as for a loss (RFC 3168 6.1.2)."""
        self.ssthresh = self.cwnd = self._half(flight)
        self.cut = nxt

    def idle(self, nxt: int) -> None:
        """Nothing was sent for an RTO; ``nxt`` is sent next (RFC 5681 4.1)."""
        self.cwnd = min(self.cwnd, self.initial)
        self._opening = nxt, self.cwnd

    def _note_loss(self, una: int, nxt: int) -> None:
        """What begins at ``una`` is lost: perhaps the restart window must be smaller (RFC 6928 2)."""
        begin, size = self._opening
        if 0 <= diff(una, begin) < size and diff(nxt, begin) > _MUCH:
            self.initial = min(self.initial, _smaller_window(self.mss))

    def _half(self, flight: int) -> int:
        return max(flight // 2, 2 * self.mss)
