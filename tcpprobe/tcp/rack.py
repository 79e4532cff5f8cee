"""RACK: what was sent before something that has arrived, and long enough before, is lost (RFC 8985 6)."""

from __future__ import annotations

from math import inf

from tcpprobe.tcp.flight import DUP_THRESH, Flight, Sent
from tcpprobe.wire.seq import diff

_MIN_RTT_WINDOW = 300.0
"""Seconds after which a minimum of the round-trip time is forgotten (RFC 8985 6.2, step 1)."""

_PERSIST = 16
"""Recoveries without D-SACK for which a widened reordering window stays (RFC 8985 6.2, step 4)."""

_INSTANT = 1e-6
"""Seconds that are none: what rounding leaves of a deadline."""


class Rack:
    """The newest delivery, and how much reordering to expect.

    Attributes:
        time, end: RACK.xmit_ts and RACK.end_seq, of the segment sent last of those delivered.
        rtt: RACK.rtt, in seconds.
        reordering: RACK.reordering_seen.
    """

    __slots__ = (
        "_fack",
        "_granularity",
        "_low",
        "_low_before",
        "_low_since",
        "_multiple",
        "_persist",
        "_round",
        "end",
        "reordering",
        "rtt",
        "time",
    )

    def __init__(self, granularity: float) -> None:
        """``granularity`` is the clock's, in seconds: less is not waited for."""
        self.time = -inf
        self.end = 0
        self.rtt = 0.0
        self.reordering = False
        self._granularity = granularity
        self._fack: int | None = None
        self._low = self._low_before = inf
        self._low_since = 0.0
        self._multiple = 1
        self._persist = 0
        self._round: int | None = None

    @property
    def min_rtt(self) -> float:
        """RACK.min_RTT, of the last one or two windows of time."""
        return min(self._low, self._low_before)

    def arrived(self, time: float, end: int, now: float) -> None:
        """A segment sent at ``time``, and once only, was delivered (6.2, steps 1 to 3)."""
        rtt = now - time
        if now - self._low_since > _MIN_RTT_WINDOW:
            self._low_before, self._low, self._low_since = self._low, rtt, now
        elif rtt < self._low:
            self._low = rtt
        self.rtt = rtt
        if time > self.time or (time == self.time and diff(end, self.end) > 0):
            self.time, self.end = time, end
        if self._fack is None or diff(end, self._fack) > 0:
            self._fack = end
        elif diff(end, self._fack) < 0:
            self.reordering = True

    def arrived_again(self, time: float, end: int, now: float, *, too_early: bool) -> None:
        """One sent more than once was delivered; ``too_early`` when its echoed timestamp is not of the last time."""
        rtt = now - time
        if not too_early and rtt >= self.min_rtt - _INSTANT:  # 6.2, step 2: else it may be the first copy that arrived
            self.rtt = rtt
            if time > self.time or (time == self.time and diff(end, self.end) > 0):
                self.time, self.end = time, end
        if self._fack is None or diff(end, self._fack) > 0:
            self._fack = end

    def duplicate_reported(self, una: int, nxt: int) -> None:
        """A D-SACK: something was sent again in vain; wait longer, by a step each round trip (6.2, step 4)."""
        if self._round is None or diff(una, self._round) >= 0:
            self._round = nxt
            self._multiple += 1
            self._persist = _PERSIST

    def recovered(self) -> None:
        """A recovery is over."""
        self._persist -= 1
        if self._persist <= 0:
            self._multiple = 1

    def window(self, flight: Flight, srtt: float, *, recovering: bool) -> float:
        """RACK.reo_wnd, in seconds (6.2, step 4)."""
        if not self.reordering and (recovering or sum(sent.sacked for sent in flight) >= DUP_THRESH):
            return 0.0
        # A network faster than the clock ticks has no reordering window otherwise.
        return max(min(self._multiple * self.min_rtt / 4, srtt), self._granularity)

    def find_losses(self, flight: Flight, window: float, now: float) -> tuple[bool, float]:
        """Mark what is lost. Returns whether anything is, and after how many seconds to look again (6.2, step 5)."""
        found, wait = False, 0.0
        for sent in flight:
            if sent.sacked or sent.lost or not self._sent_before(sent):
                continue
            remaining = sent.time + self.rtt + window - now
            if remaining <= _INSTANT:
                flight.mark_lost(sent)
                found = True
            elif remaining > wait:
                wait = remaining
        return found, wait

    def _sent_before(self, sent: Sent) -> bool:
        return sent.time < self.time or (sent.time == self.time and diff(sent.end, self.end) < 0)
