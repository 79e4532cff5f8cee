"""The retransmission timeout (RFC 6298)."""

from __future__ import annotations

_ALPHA = 1 / 8
_BETA = 1 / 4
_K = 4


class Rto:
    """Estimates the retransmission timeout from round-trip samples, in seconds.

    Attributes:
        value: the timeout to arm, back-off included.
        srtt, rttvar: smoothed round-trip time and its variation; None before the first sample.
    """

    __slots__ = ("_granularity", "_least", "_most", "_steady", "rttvar", "srtt", "value")

    def __init__(self, initial: float, least: float, most: float, granularity: float) -> None:
        self._least = least
        self._most = most
        self._granularity = granularity
        self.srtt: float | None = None
        self.rttvar = 0.0
        # RFC 6298 2.1: one second until there is a sample.
        self.value = self._steady = initial

    def sample(self, rtt: float, weight: float = 1.0) -> None:
        """Take one measurement; ``weight`` is below 1 for one of many in a round trip (RFC 7323 4.2, appendix G)."""
        if self.srtt is None:
            self.srtt = rtt  # RFC 6298 2.2
            self.rttvar = rtt / 2
        else:
            # RFC 6298 2.3: the variation first, with the old SRTT.
            self.rttvar += (abs(self.srtt - rtt) - self.rttvar) * _BETA * weight
            self.srtt += (rtt - self.srtt) * _ALPHA * weight
        wanted = self.srtt + max(self._granularity, _K * self.rttvar)
        self.value = self._steady = min(max(wanted, self._least), self._most)  # 2.4, 2.5

    def back_off(self) -> None:
        """The timer expired: double it (RFC 6298 5.5). Only the next sample ends the back-off (Karn)."""
        self.value = min(self.value * 2, self._most)

    def after_lost_syn(self) -> None:
        """The SYN's timer expired: at least three seconds when data begins (RFC 6298 5.7)."""
        self.value = self._steady = max(self._steady, 3.0)
