"""Mutants of congestion control, loss recovery and the retransmission timer."""

from __future__ import annotations

from tcpprobe.lab.mutant import mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.wire.segment import Segment

# -- limited transmit


@mutant("the first two duplicate acknowledgments let nothing out")
class NoLimitedTransmit(Connection):
    def congestion_left(self) -> int:
        kept, self.duplicates = self.duplicates, 0
        left = super().congestion_left()
        self.duplicates = kept
        return left


@mutant("the congestion window grows with each duplicate acknowledgment")
class DuplicatesGrowWindow(Connection):
    def count_duplicate(self, news: int) -> None:
        self.congestion.cwnd += self.tcb.snd.mss
        super().count_duplicate(news)


@mutant("with SACK, duplicate acknowledgments without blocks let new data out")
class EmptyDuplicatesRewarded(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        if self.tcb.sack_on and ahead == 0 and self.flight and not seg.payload:
            self.congestion.cwnd += self.tcb.snd.mss
        super().take_ack(seg, ahead)
