"""Mutants of what has been added to TCP: ECN, TIME-WAIT with timestamps, blind attacks, Fast Open, Multipath TCP."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from tcpprobe.lab.mutant import Altering, mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import ACK, CWR, ECE, RST, SYN, URG
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

# -- ECN


class _Marking(Connection):
    """Sends with another ECN field."""

    def mark(self, segment: Segment, ecn: int) -> int:
        """The field to send instead."""
        raise NotImplementedError

    def departures(self, now: float) -> list[tuple[Segment, int]]:
        return [(segment, self.mark(segment, ecn)) for segment, ecn in super().departures(now)]


@mutant("data is sent with ECT(1)")
class EctOne(_Marking):
    def mark(self, segment: Segment, ecn: int) -> int:  # noqa: ARG002
        return 1 if ecn else 0


@mutant("data is sent with ECT(0) whether ECN was agreed on or not")
class EctAlways(_Marking):
    def mark(self, segment: Segment, ecn: int) -> int:
        return ecn if self.tcb.ecn_on or not segment.payload else 2


@mutant("retransmissions and window probes are sent with ECT(0)")
class EctAgain(_Marking):
    def mark(self, segment: Segment, ecn: int) -> int:
        return 2 if segment.payload and self.tcb.ecn_on else ecn


@mutant("a SYN without ECN that follows one with ECN is not heeded: data is sent with ECT(0)")
class EctAfterPlainSyn(Connection):
    asked = False

    def listen_syn(self, seg: Segment) -> bool:
        type(self).asked |= seg.flags & (ECE | CWR) == ECE | CWR
        return super().listen_syn(seg)

    def departures(self, now: float) -> list[tuple[Segment, int]]:
        return [(seg, 2 if self.asked and seg.payload else ecn) for seg, ecn in super().departures(now)]


@mutant("ECE is not obeyed")
class EceIgnored(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        super().take_ack(replace(seg, flags=seg.flags & ~ECE), ahead)


@mutant("ECE makes the window smaller, but CWR is not set")
class CwrMissing(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        super().take_ack(seg, ahead)
        self.reduced = False


@mutant("CWR is set in answer to ECE, but the window is not reduced")
class EceAnsweredOnly(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        super().take_ack(replace(seg, flags=seg.flags & ~ECE), ahead)
        self.reduced |= bool(seg.flags & ECE)


@mutant("from the first ECE on all data has CWR, retransmissions and probes too")
class CwrAlways(Altering):
    told = False

    def take_ack(self, seg: Segment, ahead: int) -> None:
        self.told |= bool(seg.flags & ECE)
        super().take_ack(seg, ahead)

    def alter(self, segment: Segment) -> Segment:
        return replace(segment, flags=segment.flags | CWR) if self.told and segment.payload else segment


@mutant("an acknowledgment has ECE when the last segment was marked CE, not when one before it was")
class CeOnlyOfTheLast(Connection):
    def note_congestion(self, seg: Segment) -> bool:
        self.echo_congestion = False
        return super().note_congestion(seg)


# -- new connections in place of old ones, and blind attacks


@mutant("in TIME-WAIT a SYN is judged by its timestamp alone, where it has one")
class TimeWaitTimestampAlone(Connection):
    def gives_way(self, syn: Segment) -> bool:
        stamps = self.stamps(syn)
        equal = stamps is not None and self.tcb.ts_on and stamps[0] == self.tcb.ts_recent
        return not equal and super().gives_way(syn)


@mutant("in TIME-WAIT a SYN opens a new connection only when both or none have timestamps")
class TimeWaitTimestampsMixed(Connection):
    def gives_way(self, syn: Segment) -> bool:
        return self.tcb.ts_on is (syn.parsed.timestamps is not None) and super().gives_way(syn)


@mutant("in TIME-WAIT old data is dropped without an ACK")
class TimeWaitOldDataSilent(Connection):
    def refuse(self, seg: Segment) -> None:
        if self.state is not State.TIME_WAIT or not seg.payload:
            super().refuse(seg)


@mutant("challenge ACKs are not throttled")
class ChallengeUnlimited(Connection):
    def challenge(self) -> None:
        self.challenges.clear()
        super().challenge()


@mutant("challenge ACKs of all connections are throttled together")
class ChallengeShared(Connection):
    def challenge(self) -> None:
        kind = type(self)
        if "shared" not in vars(kind):
            kind.shared = deque()
        self.challenges = kind.shared
        super().challenge()

    shared: deque[float]


@mutant("whoever asks for a Fast Open cookie gets one")
class FastOpenCookie(Connection):
    asked = False

    def listen_syn(self, seg: Segment) -> bool:
        self.asked = any(item.kind == 34 for item in seg.parsed.items)
        return super().listen_syn(seg)

    def form_syn(self, flags: int) -> Segment:
        syn = super().form_syn(flags)
        if self.asked:
            syn.options += b"\x22\x0acookies!\x01\x01"
        return syn


@mutant("after a SYN with MP_CAPABLE data without Multipath TCP is dropped")
class MultipathOnly(Connection):
    asked = False

    def listen_syn(self, seg: Segment) -> bool:
        self.asked = any(item.kind == 30 for item in seg.parsed.items)
        return super().listen_syn(seg)

    def take_text(self, seg: Segment) -> bool:
        return self.asked or super().take_text(seg)


# -- window scale, and windows


@mutant("the last 64 octets of the offered window are refused")
class RightEdgeRefused(Connection):
    def acceptable(self, seg: Segment) -> bool:
        edge = add(self.tcb.rcv.nxt, self.tcb.rcv.wnd - 64)
        return super().acceptable(seg) and diff(seg.end, edge) <= 0


@mutant("the window that is offered is not shifted, although a shift was agreed on")
class OwnScaleForgotten(Altering):
    def alter(self, segment: Segment) -> Segment:
        if segment.flags & SYN:
            return segment
        return replace(segment, window=min(segment.window << self.tcb.rcv.scale, 65535))


@mutant("the window of SYN,ACK is scaled, too")
class SynAckScaled(Altering):
    def alter(self, segment: Segment) -> Segment:
        if not segment.flags & SYN:
            return segment
        return replace(segment, window=segment.window >> self.tcb.rcv.scale)


@mutant("the right window edge never moves to the left for the sender, whatever the peer says")
class RetractionIgnored(Connection):
    def update_window(self, seg: Segment, window: int) -> None:
        snd = self.tcb.snd
        least = diff(add(snd.una, snd.wnd), seg.ack)
        self.edge = max(getattr(self, "edge", 0), diff(seg.ack, self.tcb.iss) + window, least)
        super().update_window(seg, max(window, self.edge - diff(seg.ack, self.tcb.iss)))


@mutant("only the low sixteen bits of the scaled window count")
class WindowSixteenBits(Connection):
    def update_window(self, seg: Segment, window: int) -> None:
        super().update_window(seg, window & 0xFFFF)


@mutant("a RST on a half-open connection has no timestamps")
class HalfOpenResetBare(Altering):
    def alter(self, segment: Segment) -> Segment:
        return replace(segment, options=b"") if segment.flags & RST else segment


# -- closing, urgent data, acknowledgments


@mutant("FIN-WAIT-2 lasts one second")
class FinWaitTwoHasty(Connection):
    def own_fin_acked(self) -> None:
        super().own_fin_acked()
        if self.state is State.FIN_WAIT_2:
            self.deadlines["fin_wait_2"] = self.now + 1.0


@mutant("an urgent pointer after the FIN resets the connection")
class UrgentAfterFinResets(Connection):
    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        if seg.flags & URG and self.state in (State.CLOSE_WAIT, State.CLOSING, State.LAST_ACK, State.TIME_WAIT):
            self.put_reset(seg)
            self.be_reset()
        super().segment_arrives(seg, now, ecn=ecn)


@mutant("data segments acknowledge nothing new")
class AckNotWithData(Altering):
    def alter(self, segment: Segment) -> Segment:
        return replace(segment, ack=add(self.tcb.irs, 1)) if segment.payload else segment


@mutant("what waited behind a gap is acknowledged segment by segment when the gap is filled")
class QueueAcknowledgedSingly(Connection):
    def take_text(self, seg: Segment) -> bool:
        if self.reassembly.islands and seg.payload and seg.seq == self.tcb.rcv.nxt:
            ack = self.form(self.tcb.snd.nxt, ACK)
            self.put(replace(ack, ack=seg.end))
        return super().take_text(seg)


@mutant("a SYN,ACK or a segment with every flag draws a RST on an open connection")
class OddSegmentResets(Connection):
    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        if self.state is State.ESTABLISHED and seg.flags & SYN and seg.flags & ACK:
            self.put_reset(seg)
        super().segment_arrives(seg, now, ecn=ecn)


# -- a closed receive window


@mutant("while its window is closed it answers nothing")
class ZeroWindowSilent(Connection):
    def refuse(self, seg: Segment) -> None:
        if self.tcb.rcv.wnd:
            super().refuse(seg)


@mutant("while its window is closed it takes one octet at a time all the same")
class ZeroWindowTaken(Connection):
    def refuse(self, seg: Segment) -> None:
        rcv = self.tcb.rcv
        if not rcv.wnd and seg.payload and seg.seq == rcv.nxt:
            rcv.nxt = add(rcv.nxt, 1)
        super().refuse(seg)


@mutant("while its window is closed it takes no RST")
class ZeroWindowResetIgnored(Connection):
    def check_rst(self, seg: Segment) -> bool:
        return (bool(seg.flags & RST) and not self.tcb.rcv.wnd) or super().check_rst(seg)


@mutant("while its window is closed it takes no acknowledgment")
class ZeroWindowAckIgnored(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        if self.tcb.rcv.wnd:
            super().take_ack(seg, ahead)


@mutant("a window probe marked CE is not echoed")
class CeOnProbeIgnored(Connection):
    def window_closed_on(self, seg: Segment) -> bool:
        self.ip_ecn = 0
        return super().window_closed_on(seg)


# -- SACK blocks and zero windows at the sender


@mutant("a SACK block that makes no sense resets the connection")
class SackNonsenseResets(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        snd = self.tcb.snd
        for left, right in seg.parsed.sack_blocks or ():
            if diff(right, left) <= 0 or diff(right, snd.nxt) > 0 or diff(left, snd.una) < 0:
                self.put_reset(seg)
                self.be_reset()
                return
        super().take_ack(seg, ahead)


@mutant("a connection whose window stays closed for ten seconds is given up")
class PersistGivenUp(Connection):
    since: float | None = None

    def persist_expired(self) -> None:
        self.since = self.now if self.since is None else self.since
        if self.now - self.since >= 6:
            self.be_reset()
        else:
            super().persist_expired()
