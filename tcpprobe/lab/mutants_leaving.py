"""Mutants of closing and of sending."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from tcpprobe.lab.mutant import Altering, mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.flight import Flight, Sent
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import ACK, FIN, PSH, SYN
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

# -- FIN and the end


@mutant("a FIN is not acknowledged")
class FinNotAcknowledged(Altering):
    def alter(self, segment: Segment) -> Segment:
        done = self.peer_fin is not None and segment.ack == add(self.peer_fin, 1)
        return replace(segment, ack=self.peer_fin or 0) if done else segment


@mutant("the acknowledgment of a FIN is one too high")
class FinAckOffByOne(Altering):
    def alter(self, segment: Segment) -> Segment:
        done = self.peer_fin is not None and segment.ack == add(self.peer_fin, 1)
        return replace(segment, ack=add(segment.ack, 1)) if done else segment


@mutant("a FIN ahead of missing data is taken at once")
class FinOutOfOrderTaken(Connection):
    def check_fin(self, seg: Segment) -> bool:
        if seg.flags & FIN and diff(seg.end, self.tcb.rcv.nxt) > 1 and self.peer_fin is None:
            self.tcb.rcv.nxt = add(seg.end, -1)
        return super().check_fin(seg)


@mutant("the FIN is never sent")
class FinNotSent(Connection):
    def close(self, now: float) -> None:
        if self.state is State.LISTEN:
            super().close(now)


@mutant("the FIN is sent once only")
class FinNotRepeated(Connection):
    def repeat(self, sent: Sent, most: int | None = None) -> None:
        if sent.flags & FIN:
            self.flight.repeat(sent, self.now)
        else:
            super().repeat(sent, most)


@mutant("the FIN is sent again although it was acknowledged")
class FinRepeatedForEver(Connection):
    def own_fin_acked(self) -> None:
        before = self.state
        super().own_fin_acked()
        if self.state is State.FIN_WAIT_2 and before is State.FIN_WAIT_1:
            self.arm("retransmit", self.now + self.rto.value)

    def arm_for_flight(self) -> None:
        if self.state is not State.FIN_WAIT_2:
            super().arm_for_flight()

    def retransmit_expired(self) -> None:
        if self.state is State.FIN_WAIT_2 and self.fin_seq is not None:
            self.put(self.form(self.fin_seq, FIN | ACK))
            self.arm("retransmit", self.now + self.rto.value)
        else:
            super().retransmit_expired()


@mutant("close() resets the connection")
class CloseResets(Connection):
    def close(self, now: float) -> None:
        self.abort(now)


@mutant("no TIME-WAIT: the connection is forgotten at once")
class TimeWaitMissing(Connection):
    def start_time_wait(self) -> None:
        super().start_time_wait()
        self.arm("time_wait", self.now)


@mutant("TIME-WAIT lasts four seconds")
class TimeWaitShort(Connection):
    def start_time_wait(self) -> None:
        super().start_time_wait()
        self.arm("time_wait", self.now + 4.0)


@mutant("TIME-WAIT never ends")
class TimeWaitStays(Connection):
    def time_wait_expired(self) -> None:
        pass


@mutant("a retransmitted FIN in TIME-WAIT is not answered")
class TimeWaitSilent(Connection):
    def refuse(self, seg: Segment) -> None:
        if self.state is not State.TIME_WAIT:
            super().refuse(seg)


@mutant("half-close loses: nothing more is sent after the peer's FIN")
class HalfCloseLoses(Connection):
    def take_fin(self) -> None:
        super().take_fin()
        if self.state is State.CLOSE_WAIT:
            del self.buffer[len(self.buffer) - self.unsent :]


@mutant("the simultaneous close is not known: a FIN in FIN-WAIT-1 is ignored")
class ClosingMissing(Connection):
    def check_fin(self, seg: Segment) -> bool:
        return self.state is State.FIN_WAIT_1 or super().check_fin(seg)


@mutant("LAST-ACK never ends")
class LastAckStays(Connection):
    def own_fin_acked(self) -> None:
        if self.state is not State.LAST_ACK:
            super().own_fin_acked()


@mutant("data that arrives in FIN-WAIT-1 or FIN-WAIT-2 is dropped")
class FinWaitDropsText(Connection):
    def take_text(self, seg: Segment) -> bool:
        return self.state is not State.ESTABLISHED or super().take_text(seg)


# -- sending


@mutant("the retransmission timeout is not doubled")
class RtoConstant(Connection):
    def retransmit_expired(self) -> None:
        before = self.rto.value
        super().retransmit_expired()
        self.rto.value = before


@mutant("the round-trip time is taken from retransmitted segments too (no Karn)")
class KarnIgnored(Connection):
    def sample_rtt(self, seg: Segment, sent_at: float | None, flight: int) -> None:
        super().sample_rtt(seg, self.last_sent if sent_at is None else sent_at, flight)


@mutant("data is never retransmitted")
class DataNotRepeated(Connection):
    def repeat(self, sent: Sent, most: int | None = None) -> None:
        if sent.flags & SYN:
            super().repeat(sent, most)
        else:
            self.flight.repeat(sent, self.now)


@mutant("a retransmission carries other bytes than the original")
class RepeatedBytesDiffer(Altering):
    def alter(self, segment: Segment) -> Segment:
        old = segment.payload and any(sent.seq == segment.seq and sent.count > 1 for sent in self.flight)
        return replace(segment, payload=segment.payload[::-1]) if old else segment


@mutant("all that is outstanding is sent again at once when the timer expires")
class RepeatsEverything(Connection):
    def retransmit_expired(self) -> None:
        super().retransmit_expired()
        self.congestion.cwnd = 1 << 20


@mutant("the connection is given up after five seconds without acknowledgment")
class GivesUpEarly(Connection):
    def retransmit_expired(self) -> None:
        if self.now - self.progress >= 5:
            self.give_up()
        else:
            super().retransmit_expired()


@mutant("nothing is ever given up, however long it is not acknowledged")
class NeverGivesUp(Connection):
    def patience(self, r2: float) -> float:  # noqa: ARG002
        return inf


@mutant("what is given up is not sent again, but the connection stays")
class GivenUpStays(Connection):
    def give_up(self) -> None:
        self.disarm("retransmit")


@mutant("more is sent than the peer's window allows")
class WindowIgnored(Connection):
    def window_left(self) -> int:
        return 1 << 20

    def arm_for_flight(self) -> None:
        if self.flight and self.synchronized:
            self.deadlines.setdefault("retransmit", self.now + self.rto.value)
        else:
            super().arm_for_flight()


@mutant("the peer's window is taken as a signed number")
class WindowSigned(Connection):
    def update_window(self, seg: Segment, window: int) -> None:
        super().update_window(seg, window if seg.window < 32768 else 0)


@mutant("the peer's window scale is ignored")
class ScaleIgnored(Connection):
    def update_window(self, seg: Segment, window: int) -> None:  # noqa: ARG002
        super().update_window(seg, seg.window)


@mutant("a window scale option on any segment changes the scale")
class ScaleFromAnySegment(Connection):
    def check_ack(self, seg: Segment) -> bool:
        if seg.parsed.wscale is not None:
            self.tcb.snd.scale = min(seg.parsed.wscale, 14)
        return super().check_ack(seg)


@mutant("an old acknowledgment changes the send window")
class WindowFromOldSegments(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        super().take_ack(seg, ahead)
        if ahead < 0:
            self.tcb.snd.wnd = seg.window << self.tcb.snd.scale


@mutant("a larger window is taken only with an acknowledgment of new data")
class WindowUpdateIgnored(Connection):
    def update_window(self, seg: Segment, window: int) -> None:
        snd = self.tcb.snd
        super().update_window(seg, window if seg.ack != snd.wl2 else min(window, snd.wnd))


@mutant("an acknowledgment of new data does not move the right window edge")
class WindowStays(Connection):
    def update_window(self, seg: Segment, window: int) -> None:
        ahead = max(0, diff(seg.ack, self.tcb.snd.wl2))
        super().update_window(seg, max(0, min(window, self.tcb.snd.wnd) - ahead) if ahead else window)


@mutant("a zero window is never probed")
class ZeroWindowNotProbed(Connection):
    def persist_expired(self) -> None:
        pass


@mutant("zero-window probes come at a constant rate")
class ProbesConstant(Connection):
    def persist_expired(self) -> None:
        super().persist_expired()
        self.probes = 0


@mutant("the initial window is fifty segments")
class InitialWindowHuge(Connection):
    def negotiate(self, syn_flags: int) -> None:
        super().negotiate(syn_flags)
        self.congestion.cwnd = 50 * self.tcb.snd.mss


@mutant("three duplicate acknowledgments do not trigger a retransmission")
class NoFastRetransmit(Connection):
    def recover(self) -> None:
        pass


@mutant("one duplicate acknowledgment triggers a retransmission")
class HastyRetransmit(Connection):
    def count_duplicate(self, news: int) -> None:
        super().count_duplicate(news)
        if self.congestion.recover is None and self.congestion.may_recover(self.tcb.snd.una):
            self.recover()


@mutant("what SACK blocks report is sent again with what is missing")
class SackedSentAgain(Connection):
    def recover(self) -> None:
        self.flight.forget_sacks()
        self.flight.mark_all_lost()
        super().recover()


class _NeverForgetting(Flight):
    def forget_sacks(self) -> None:
        pass


@mutant("what SACK blocks reported is never sent again")
class SackedFreed(Connection):
    def negotiate(self, syn_flags: int) -> None:
        super().negotiate(syn_flags)
        kept, self.flight = self.flight.queue, _NeverForgetting()
        self.flight.queue = kept


@mutant("PSH is never set")
class PushMissing(Altering):
    def alter(self, segment: Segment) -> Segment:
        return replace(segment, flags=segment.flags & ~PSH)


@mutant("ACK is missing from data segments")
class AckBitMissing(Altering):
    def alter(self, segment: Segment) -> Segment:
        return replace(segment, flags=segment.flags & ~ACK, ack=0) if segment.payload else segment


@mutant("slow start grows by all that an acknowledgment covers")
class SlowStartUnbounded(Connection):
    def after_new_ack(self, ahead: int) -> None:
        if self.congestion.recover is None:
            self.congestion.cwnd += max(ahead - self.tcb.snd.mss, 0)
        super().after_new_ack(ahead)


@mutant("slow start grows by a segment for each acknowledgment, however little it covers")
class AckDivisionRewarded(Connection):
    def after_new_ack(self, ahead: int) -> None:
        if self.congestion.recover is None:
            self.congestion.cwnd += max(self.tcb.snd.mss - ahead, 0)
        super().after_new_ack(ahead)


@mutant("a window that shrinks to nothing while data is outstanding is not probed")
class ShrunkWindowNotProbed(Connection):
    def persist_expired(self) -> None:
        if not self.flight:
            super().persist_expired()
