"""Mutants of congestion control, loss recovery and the retransmission timer; one that acknowledges a loss too late."""

from __future__ import annotations

from dataclasses import replace

from tcpprobe.lab.mutant import mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.flight import DUP_THRESH, Flight, Sent
from tcpprobe.tcp.rack import Rack
from tcpprobe.tcp.ranges import Range
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


class Counting(Connection):
    """With SACK, too, three duplicates are a loss: nothing wrong by itself (RFC 6675 5, step 1)."""

    def count_duplicate(self, news: int) -> None:
        super().count_duplicate(news)
        if self.tcb.sack_on and self.duplicates >= DUP_THRESH and self.congestion.may_recover(self.tcb.snd.una):
            self.flight.mark_lost(self.flight.head)
            self.recover()


# -- timeouts


@mutant("a timeout leaves the slow start threshold where it was")
class TimeoutKeepsThreshold(Connection):
    def retransmit_expired(self) -> None:
        before = self.congestion.ssthresh
        super().retransmit_expired()
        self.congestion.ssthresh = before


@mutant("slow start adds two segments for each acknowledgment")
class SlowStartTriples(Connection):
    def after_new_ack(self, ahead: int) -> None:
        if self.congestion.recover is None:
            self.congestion.cwnd += self.tcb.snd.mss
        super().after_new_ack(ahead)


@mutant("a timeout halves the congestion window and does not make it one segment")
class TimeoutHalves(Connection):
    def retransmit_expired(self) -> None:
        super().retransmit_expired()
        self.congestion.cwnd = self.congestion.ssthresh


@mutant("congestion avoidance adds a segment for each acknowledgment")
class AvoidanceExponential(Connection):
    def after_new_ack(self, ahead: int) -> None:
        reno = self.congestion
        if reno.recover is None and reno.cwnd >= reno.ssthresh:
            reno.cwnd += self.tcb.snd.mss
        super().after_new_ack(ahead)


@mutant("a timeout in fast recovery leaves the congestion window at half")
class TimeoutInRecoveryKeepsWindow(Connection):
    def retransmit_expired(self) -> None:
        recovering = self.congestion.recover is not None
        super().retransmit_expired()
        if recovering:
            self.congestion.cwnd = max(self.congestion.ssthresh, 4 * self.tcb.snd.mss)


@mutant("after a timeout three duplicate acknowledgments begin fast recovery whatever they acknowledge")
class TimeoutForgetsRecover(Counting):
    def retransmit_expired(self) -> None:
        super().retransmit_expired()
        self.congestion.barrier = self.tcb.snd.una


# -- fast recovery


@mutant("fast recovery does not make the congestion window smaller")
class RecoveryKeepsWindow(Connection):
    def recover(self) -> None:
        reno, before = self.congestion, self.congestion.cwnd
        super().recover()
        reno.cwnd += before - reno.ssthresh
        reno.ssthresh = before


@mutant("the window inflated in fast recovery is not deflated when it ends")
class RecoveryNotDeflated(Connection):
    def after_new_ack(self, ahead: int) -> None:
        before = self.congestion.cwnd if self.congestion.recover is not None else None
        super().after_new_ack(ahead)
        if before is not None and self.congestion.recover is None:
            self.congestion.cwnd = before


@mutant("a partial acknowledgment ends fast recovery")
class PartialEndsRecovery(Connection):
    def after_new_ack(self, ahead: int) -> None:
        if self.congestion.recover is not None:
            self.congestion.recover = self.tcb.snd.una
        super().after_new_ack(ahead)


@mutant("a partial acknowledgment does not restart the retransmission timer")
class PartialKeepsTimer(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        before = self.deadlines.get("retransmit") if self.congestion.recover is not None else None
        super().take_ack(seg, ahead)
        if before is not None and self.congestion.recover is not None:
            self.arm("retransmit", before)


# -- the retransmission timeout


@mutant("RTTVAR begins with R, not with R/2")
class FirstVariationTooLarge(Connection):
    def sample_rtt(self, seg: Segment, sent_at: float | None, flight: int) -> None:
        first = self.rto.srtt is None
        super().sample_rtt(seg, sent_at, flight)
        if first and self.rto.srtt is not None:
            self.rto.rttvar = self.rto.srtt
            self.rto.value = max(5 * self.rto.srtt, 1.0)


@mutant("only the first round trip is measured")
class FirstSampleOnly(Connection):
    def sample_rtt(self, seg: Segment, sent_at: float | None, flight: int) -> None:
        if self.rto.srtt is None:
            super().sample_rtt(seg, sent_at, flight)
        else:
            self.rto.value = max(self.rto.srtt + 4 * self.rto.rttvar, 1.0)


@mutant("RTTVAR follows the measurements at half the speed (beta = 1/8)")
class VariationSluggish(Connection):
    def sample_rtt(self, seg: Segment, sent_at: float | None, flight: int) -> None:
        known, before = self.rto.srtt, self.rto.rttvar
        super().sample_rtt(seg, sent_at, flight)
        if known is not None and self.rto.srtt is not None:
            self.rto.rttvar = (self.rto.rttvar + before) / 2
            self.rto.value = max(self.rto.srtt + 4 * self.rto.rttvar, 1.0)


@mutant("a lost SYN,ACK does not make the retransmission timeout three seconds")
class LostSynForgiven(Connection):
    def syn_acked(self, seg: Segment) -> None:
        super().syn_acked(seg)
        if self.rto.srtt is None:
            self.rto.value = 1.0


@mutant("the initial window is the same however many SYN,ACKs were lost")
class LostSynsForgotten(Connection):
    def syn_acked(self, seg: Segment) -> None:
        super().syn_acked(seg)
        self.congestion.cwnd = self.congestion.initial


# -- recovery with SACK


@mutant("with SACK, duplicate acknowledgments are counted and what they report is not")
class ReportsNotWeighed(Connection):
    def count_duplicate(self, news: int) -> None:
        super().count_duplicate(news if self.duplicates >= 2 or not self.tcb.sack_on else 0)


@mutant("SACK blocks never tell of a loss")
class LossesUnseen(Connection):
    def find_losses(self) -> bool:
        return False


@mutant("of several gaps the highest is filled first")
class HighestGapFirst(Connection):
    def negotiate(self, syn_flags: int) -> None:
        super().negotiate(syn_flags)
        kept, self.flight = self.flight.queue, _FromTheTop()
        self.flight.queue = kept


class _FromTheTop(Flight):
    def first_lost(self) -> Sent | None:
        return next((sent for sent in reversed(self.queue) if sent.lost), None)


@mutant("in recovery with SACK the congestion window does not count")
class RecoveryUnbounded(Connection):
    def congestion_left(self) -> int:
        left = super().congestion_left()
        return left if self.congestion.recover is None or not self.tcb.sack_on else 20 * self.tcb.snd.mss


@mutant("in recovery with SACK no new data is sent")
class RecoveryWithoutNewData(Connection):
    def send_new(self) -> None:
        if self.congestion.recover is None or not self.tcb.sack_on:
            super().send_new()


@mutant("an acknowledgment of new data does not end the count of duplicates")
class DuplicatesAccumulate(Counting):
    def after_new_ack(self, ahead: int) -> None:
        before = self.duplicates
        super().after_new_ack(ahead)
        self.duplicates = before


@mutant("there is one recovery in a connection: the next loss is left to the timer")
class OneRecoveryOnly(Connection):
    recovered = False

    def recover(self) -> None:
        super().recover()
        self.recovered = True

    def find_losses(self) -> bool:
        return not (self.recovered and self.congestion.recover is None) and super().find_losses()


@mutant("after a timeout SACK blocks are not read")
class TimeoutIgnoresReports(Connection):
    timed_out = False

    def retransmit_expired(self) -> None:
        super().retransmit_expired()
        self.timed_out = True

    def take_ack(self, seg: Segment, ahead: int) -> None:
        super().take_ack(replace(seg, options=b"") if self.timed_out else seg, ahead)


@mutant("in recovery nothing goes out of which it is not known that it is lost")
class NoLastResort(Connection):
    def send_last_resort(self) -> None:
        pass


# -- RACK-TLP


@mutant("there is no reordering window: what it would be waited for is left to the retransmission timer")
class ReorderingNotTimed(Connection):
    def reordering_expired(self) -> None:
        pass


@mutant("what was sent before something that has arrived is lost at once, whatever the reordering window")
class ReorderingNotExpected(Connection):
    def reordering_window(self) -> float:
        return 0.0


class _OriginalsOnly(Rack):
    def find_losses(self, flight: Flight, window: float, now: float) -> tuple[bool, float]:
        originals = Flight()
        originals.queue.extend(sent for sent in flight if sent.count == 1)
        found = super().find_losses(originals, window, now)
        for sent in originals:
            if sent.lost:
                sent.lost = False
                flight.mark_lost(sent)
        return found


@mutant("a retransmission that is lost is left to the timer")
class LostRetransmissionUnseen(Connection):
    def negotiate(self, syn_flags: int) -> None:
        super().negotiate(syn_flags)
        self.rack = _OriginalsOnly(self.config.tick)


@mutant("there is no tail loss probe")
class NoTailProbe(Connection):
    def arm_tail_probe(self) -> None:
        self.probe_wanted = False


@mutant("the tail loss probe is sent after one round-trip time")
class TailProbeHasty(Connection):
    def arm_tail_probe(self) -> None:
        super().arm_tail_probe()
        if "tail_probe" in self.deadlines:
            self.deadlines["tail_probe"] -= self.rto.srtt or 0.0


@mutant("the tail loss probe is the first segment, whatever else there is to send")
class TailProbeFromTheHead(Connection):
    def send_tail_probe(self) -> bool:
        self.repeat(self.flight.head)
        return True


@mutant("one tail loss probe follows another")
class TailProbeEndless(Connection):
    def tail_probe_expired(self) -> None:
        self.probe_end, self.sampled = None, True
        super().tail_probe_expired()
        self.arm("tail_probe", self.now + 2 * (self.rto.srtt or 1.0))


@mutant("the tail loss probe does not restart the retransmission timer")
class TailProbeKeepsTimer(Connection):
    def tail_probe_expired(self) -> None:
        before = self.deadlines.get("retransmit")
        super().tail_probe_expired()
        if before is not None:
            self.arm("retransmit", before)


@mutant("a loss that the tail loss probe repaired does not make the congestion window smaller")
class TailLossForgiven(Connection):
    def judge_probe(self, seg: Segment, ahead: int, duplicate: Range | None) -> None:
        reno = self.congestion
        before = reno.cwnd, reno.ssthresh, reno.barrier
        super().judge_probe(seg, ahead, duplicate)
        reno.cwnd, reno.ssthresh, reno.barrier = before


@mutant("there is a tail loss probe without SACK, too")
class TailProbeWithoutSack(Connection):
    def arm_tail_probe(self) -> None:
        before, self.tcb.sack_on = self.tcb.sack_on, True
        super().arm_tail_probe()
        self.tcb.sack_on = before


@mutant("after a pause the congestion window is what it was before")
class IdleForgotten(Connection):
    def restart_after_idle(self) -> None:
        pass


@mutant("in slow start after a timeout an acknowledgment counts for all that it covers")
class StretchedAfterTimeout(Connection):
    def after_new_ack(self, ahead: int) -> None:
        reno = self.congestion
        if reno.recover is None and reno.cwnd < reno.ssthresh:
            reno.cwnd += max(ahead - self.tcb.snd.mss, 0)
        super().after_new_ack(ahead)


@mutant("the acknowledgment that ends the handshake grows the congestion window")
class HandshakeGrowsWindow(Connection):
    def syn_acked(self, seg: Segment) -> None:
        super().syn_acked(seg)
        self.congestion.cwnd += self.tcb.snd.mss


@mutant("in recovery nothing goes out before the pipe has shrunk below half (no PRR)")
class NotProportional(Connection):
    def proceed(self, delivered: int) -> None:
        pass


@mutant("congestion avoidance counts acknowledgments, not octets")
class AvoidanceCountsAcks(Connection):
    def after_new_ack(self, ahead: int) -> None:
        reno = self.congestion
        few = reno.recover is None and reno.cwnd >= reno.ssthresh
        super().after_new_ack(min(ahead, self.tcb.snd.mss) if few else ahead)


@mutant("what fills a gap is acknowledged with delay")
class GapFilledSlowly(Connection):
    def hold(self, payload: bytes, offset: int) -> None:
        before = self.tcb.rcv.nxt
        super().hold(payload, offset)
        if self.tcb.rcv.nxt != before:
            self.ack_now = False
            self.deadlines.setdefault("delayed_ack", self.now + self.config.delayed_ack)
