"""Mutants that get wrong how a recovery goes on: what is due in it, what the network swallows, what is too large."""

from __future__ import annotations

from tcpprobe.lab.mutant import mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import diff

# -- proportional rate reduction


@mutant("what an earlier recovery has delivered counts in the next one")
class ReductionNotBegunAnew(Connection):
    total = 0

    def recover(self) -> None:
        super().recover()
        self.congestion._delivered = self.total

    def proceed(self, delivered: int) -> None:
        self.total += delivered
        super().proceed(delivered)


@mutant("in recovery a segment goes out for every one that arrives, however much is in flight")
class ReductionNotProportional(Connection):
    def proceed(self, delivered: int) -> None:
        super().proceed(delivered)
        if self.congestion.recover is not None and self.tcb.sack_on:
            pipe = self.flight.pipe(self.tcb.snd.una, self.tcb.snd.nxt)
            self.congestion.cwnd = max(self.congestion.cwnd, pipe + delivered)


@mutant("in recovery what was sent again is not counted as being in flight")
class RepeatedNotInFlight(Connection):
    def proceed(self, delivered: int) -> None:
        snd, pipe = self.tcb.snd, self.flight.pipe

        def few(una: int, nxt: int) -> int:
            return max(pipe(una, nxt) - sum(sent.length for sent in self.flight if sent.count > 1 and not sent.lost), 0)

        safe, self.safe_ack = self.safe_ack, False
        if self.congestion.recover is not None and self.tcb.sack_on:
            self.congestion.proceed(delivered, few(snd.una, snd.nxt), safe=safe)
            self.congestion.cwnd += pipe(snd.una, snd.nxt) - few(snd.una, snd.nxt)


@mutant("every duplicate acknowledgment inflates the congestion window, more of them than segments are in flight")
class InflatedWithoutEnd(Connection):
    def count_duplicate(self, news: int) -> None:
        before = self.congestion.cwnd
        recovering = self.congestion.recover is not None and not self.tcb.sack_on
        super().count_duplicate(news)
        if recovering:
            self.congestion.cwnd = before + self.tcb.snd.mss


# -- RACK


@mutant("the reordering window does not grow with D-SACKs")
class ReorderingWindowStiff(Connection):
    def reordering_window(self) -> float:
        self.rack._multiple = 1
        return super().reordering_window()


@mutant("the reordering window grows beyond the round-trip time")
class ReorderingWindowUnbounded(Connection):
    def reordering_window(self) -> float:
        return max(super().reordering_window(), self.rack._multiple * min(self.rack.min_rtt, 10.0) / 4)


# -- a path that takes smaller packets only


@mutant("after Datagram Too Big the congestion window has as many octets as before, in more segments")
class TooBigKeepsOctets(Connection):
    def path_mtu(self, mtu: int) -> None:
        before = self.congestion.cwnd
        super().path_mtu(mtu)
        self.congestion.cwnd = before


@mutant("Datagram Too Big halves the congestion window, as a loss does")
class TooBigIsCongestion(Connection):
    def path_mtu(self, mtu: int) -> None:
        snd, before = self.tcb.snd, self.tcb.snd.mss
        super().path_mtu(mtu)
        if snd.mss < before:
            self.congestion.marked(self.congestion.cwnd, snd.nxt)


@mutant("once the path was found to be smaller no loss makes the congestion window smaller")
class TooBigExcusesLosses(Connection):
    excused = False

    def path_mtu(self, mtu: int) -> None:
        super().path_mtu(mtu)
        self.excused = True

    def recover(self) -> None:
        before = self.congestion.cwnd
        super().recover()
        if self.excused:
            self.congestion.ssthresh = self.congestion.cwnd = before


@mutant("where large segments vanish it never tries smaller ones")
class BlackHoleUnnoticed(Connection):
    def note_black_hole(self) -> None:
        pass


@mutant("Datagram Too Big is ignored once segments as large were acknowledged")
class TooBigTooLate(Connection):
    def path_mtu(self, mtu: int) -> None:
        if diff(self.tcb.snd.una, self.tcb.iss) <= self.tcb.snd.mss:
            super().path_mtu(mtu)


@mutant("Datagram Too Big that is doubted holds back all new data, also when everything is acknowledged")
class TooBigPendingForEver(Connection):
    pending = False

    def path_mtu(self, mtu: int) -> None:
        if diff(self.tcb.snd.una, self.tcb.iss) <= self.tcb.snd.mss:
            super().path_mtu(mtu)
        else:
            self.pending = True

    def send_new(self) -> None:
        if not self.pending:
            super().send_new()


# -- many small pieces


@mutant("more than a hundred holes stop the receiver: nothing is taken any more")
class HolesExhaust(Connection):
    def take_text(self, seg: Segment) -> bool:
        if len(self.reassembly.islands) > 100:
            return True
        return super().take_text(seg)


@mutant("more than thirty separate stretches of SACKed segments stop the sender")
class StretchesExhaust(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        marks = [sent.sacked for sent in self.flight]
        if sum(now and not before for before, now in zip([False, *marks], marks, strict=False)) <= 30:
            super().take_ack(seg, ahead)
