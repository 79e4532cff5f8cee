"""Mutants of how long the retransmission timeout is, and of the windows after it, after ECE and after a pause."""

from __future__ import annotations

from tcpprobe.lab.mutant import mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.ranges import Range
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import diff

_TICK = 0.5


@mutant("the retransmission timeout is never shorter than three seconds")
class TimeoutOfSeconds(Connection):
    def sample_rtt(self, seg: Segment, sent_at: float | None, flight: int) -> None:
        super().sample_rtt(seg, sent_at, flight)
        self.rto.value = max(self.rto.value, 3.0)


@mutant("SRTT and RTTVAR are whole ticks of half a second, and where RTTVAR is none nothing is added for it")
class VariationRoundedAway(Connection):
    def sample_rtt(self, seg: Segment, sent_at: float | None, flight: int) -> None:
        super().sample_rtt(seg, sent_at, flight)
        if self.rto.srtt is not None and sent_at is not None:
            ticks = round(self.rto.srtt / _TICK) + 4 * int(self.rto.rttvar / _TICK)
            self.rto.value = max(ticks * _TICK, 1.0)


@mutant("each of many samples in a round trip counts as much as one of its own round trip")
class SamplesUnweighted(Connection):
    def sample_rtt(self, seg: Segment, sent_at: float | None, flight: int) -> None:  # noqa: ARG002
        super().sample_rtt(seg, sent_at, 0)


@mutant("the first acknowledgment after a timeout is believed to show that nothing was lost")
class TimeoutTakenBack(Connection):
    before: int | None = None

    def retransmit_expired(self) -> None:
        self.before = self.congestion.cwnd
        super().retransmit_expired()

    def after_new_ack(self, ahead: int) -> None:
        super().after_new_ack(ahead)
        if self.before is not None:
            self.congestion.cwnd, self.before = self.before, None
            for sent in self.flight:
                sent.lost = False
            self.flight.lost = 0


@mutant("after a pause the window is the initial one, whatever was lost in that")
class FirstLossForgiven(Connection):
    def restart_after_idle(self) -> None:
        self.congestion.initial = 10 * self.tcb.snd.mss
        super().restart_after_idle()


@mutant("the congestion window is not asked about what is less than two segments")
class FewUnbounded(Connection):
    def congestion_left(self) -> int:
        few = 0 < self.unsent < 2 * self.tcb.snd.mss and self.congestion.recover is None and not self.flight.lost
        return 1 << 30 if few else super().congestion_left()


@mutant("a SACK block below SND.UNA reports a duplicate, whatever the segment's own ACK field says")
class LateReportMistaken(Connection):
    def duplicate_report(self, seg: Segment) -> Range | None:
        blocks = seg.parsed.sack_blocks
        if blocks and diff(blocks[0][1], self.tcb.snd.una) <= 0:
            return blocks[0]
        return super().duplicate_report(seg)


@mutant("ECE halves the congestion window down to one segment, and no further")
class EceDownToOne(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        before = self.congestion.cut
        super().take_ack(seg, ahead)
        if self.congestion.cut != before and self.congestion.recover is None:
            self.congestion.cwnd = max(self.congestion.cwnd // 2, self.tcb.snd.mss)


@mutant("slow start ends at sixteen thousand octets")
class ThresholdLow(Connection):
    def syn_acked(self, seg: Segment) -> None:
        super().syn_acked(seg)
        self.congestion.ssthresh = 16384
