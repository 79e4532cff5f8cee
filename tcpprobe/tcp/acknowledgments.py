"""The ACK field: the fifth check of RFC 9293 3.10.7.4 and what it teaches the sender (RFC 5681, 6298, 6582, 6675)."""

from __future__ import annotations

from tcpprobe.tcp.accecn import Accurate, counted_octets
from tcpprobe.tcp.congestion import Reno
from tcpprobe.tcp.losses import Losses
from tcpprobe.tcp.ranges import Range
from tcpprobe.tcp.state import Move, State
from tcpprobe.wire.flags import ECE, FIN, SYN
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff


class Acknowledgments(Losses):
    """What an arriving acknowledgment does."""

    def acceptable_ack(self, seg: Segment) -> bool:
        """SND.UNA < SEG.ACK =< SND.NXT."""
        snd = self.tcb.snd
        return 0 < diff(seg.ack, snd.una) <= diff(snd.nxt, snd.una)

    def check_ack(self, seg: Segment) -> bool:
        """Fifth: the ACK field."""
        if self.state is State.SYN_RECEIVED:
            if not self.acceptable_ack(seg):
                self.put_reset(seg)
                return True
            self.syn_acked(seg)
            return False
        snd = self.tcb.snd
        ahead = diff(seg.ack, snd.una)
        if ahead > diff(snd.nxt, snd.una) or self.too_old(ahead):
            # RFC 5961 5.2: neither unsent nor older than the largest window: an ACK, and drop.
            self.challenge()
            return True
        self.take_ack(seg, ahead)
        return self.state is State.CLOSED

    def too_old(self, ahead: int) -> bool:
        """Whether an ACK that far ahead of SND.UNA is before SND.UNA - MAX.SND.WND (RFC 5961 5.2, MAY-12)."""
        return ahead < -self.tcb.snd.max_wnd

    def challenge(self) -> None:
        """Send a challenge ACK, throttled (RFC 5961 7)."""
        if not self.reflexes.challenge_ack:
            return
        recent = self.challenges
        while recent and self.now - recent[0] >= self.config.challenge_interval:
            recent.popleft()
        if len(recent) < self.config.challenge_acks:
            recent.append(self.now)
            self.put_ack()

    def syn_acked(self, seg: Segment) -> None:
        """Our SYN is acknowledged: ESTABLISHED, with the window of this segment."""
        snd = self.tcb.snd
        lost = self.expiries
        self.acknowledge(seg, diff(seg.ack, snd.una))
        if lost:
            self.rto.after_lost_syn()
        if lost > 1:
            self.congestion.lost_syns()
        self.move(Move.SYN_ACKED)
        if self.config.keep_alive is not None:
            self.not_idle(self.config.keep_alive)
        snd.wnd = seg.window if seg.flags & SYN else seg.window << snd.scale
        snd.max_wnd = max(snd.max_wnd, snd.wnd)
        snd.wl1, snd.wl2 = seg.seq, seg.ack
        if self.tcb.accurate is not None and self.hear_opening(seg, self.tcb.accurate):
            self.congestion.marked(diff(snd.nxt, snd.una), snd.nxt)
        self.own_fin_acked()

    def hear_opening(self, seg: Segment, accurate: Accurate) -> bool:
        """What the segment that acknowledges our SYN says of it; whether it met congestion (RFC 9768 3.2.2.1)."""
        if seg.flags & SYN:
            accurate.syn_ack_arrived(self.ip_ecn, len(seg.payload))
            return accurate.syn_answered(seg.flags)
        if seg.payload or seg.flags & FIN or seg.parsed.sack_blocks:
            return accurate.heard(seg.flags, counted_octets(seg.parsed), 0, self.tcb.snd.mss)
        return accurate.handshake_acknowledged(seg.flags)

    def hear_marks(self, seg: Segment, accurate: Accurate, ahead: int) -> bool:
        """Whether an acknowledgment tells of new CE marks, in the ACE field or the option (RFC 9768 3.2.2.2)."""
        if ahead < 0:
            return False  # superseded by another
        octets = {} if not seg.options or self.only_stamps(seg.options) else counted_octets(seg.parsed)
        return accurate.heard(seg.flags, octets, ahead, self.tcb.snd.mss)

    def take_ack(self, seg: Segment, ahead: int) -> None:
        """An acknowledgment that may be new, a duplicate or old, and the window with it."""
        snd = self.tcb.snd
        window = seg.window << snd.scale
        flight, sacked = self.flight, self.flight.sacked
        news = 0
        duplicate: Range | None = None
        if self.tcb.sack_on and seg.options and not self.only_stamps(seg.options):
            # RFC 2883 4: blocks below this segment's own ACK field report duplicates.
            una = seg.ack if ahead > 0 else snd.una
            news = flight.sack(seg.parsed.sack_blocks, una, snd.nxt)
            duplicate = self.duplicate_report(seg)
            if duplicate is not None:
                self.rack.duplicate_reported(una, snd.nxt)
        if ahead > 0:
            self.acknowledge(seg, ahead)
            self.after_new_ack(ahead)
        elif news:
            self.note_delivered(seg)
            self.count_duplicate(news)
        elif ahead == 0 and flight and self.is_duplicate(seg, window):
            self.count_duplicate(0)
        if self.congestion.recover is not None and (ahead > 0 or news):
            self.proceed(max(ahead, 0) + flight.sacked - sacked)
        if self.probe_end is not None:
            self.judge_probe(seg, ahead, duplicate)
        accurate = self.tcb.accurate
        marked = self.tcb.ecn_on and seg.flags & ECE if accurate is None else self.hear_marks(seg, accurate, ahead)
        if marked and self.congestion.may_reduce(snd.una):
            self.congestion.marked(diff(snd.nxt, snd.una) + max(ahead, 0), snd.nxt)
            self.reduced = True
        if ahead >= 0:
            self.update_window(seg, window)
        self.own_fin_acked()

    def acknowledge(self, seg: Segment, ahead: int) -> None:
        """``ahead`` sequence numbers more are acknowledged: SND.UNA, the queue, the buffer, the timer, the RTT."""
        snd = self.tcb.snd
        snd.una = seg.ack
        outstanding = diff(snd.nxt, snd.una)
        sent_at = self.flight.acknowledge(snd.una)
        if self.flight.delivered:
            self.note_delivered(seg)
        elif sent_at is not None:
            self.rack.arrived(sent_at, snd.una, self.now)
        self.sample_rtt(seg, sent_at, outstanding + ahead)
        gone = diff(snd.una, self.buffer_start)
        if gone > 0:
            before = len(self.buffer)
            gone = min(gone, before)
            del self.buffer[:gone]
            self.buffer_start = add(self.buffer_start, gone)
            self.report_acknowledged(before)
        if self.urgent and diff(snd.una, snd.up) >= 0:
            self.urgent = False
        self.progress = self.now
        self.expiries = 0
        self.probe_wanted = True
        self.disarm("retransmit")  # RFC 6298 5.2, 5.3: stopped, or started anew when the output is done

    def sample_rtt(self, seg: Segment, sent_at: float | None, flight: int) -> None:
        """One round-trip sample: from the timestamp echoed (RFC 7323 4.1), or from a segment sent once (Karn)."""
        if self.tcb.ts_on:
            stamps = self.stamps(seg)
            if stamps is not None and stamps[1]:
                rtt = diff(self.timestamp(), stamps[1]) * self.config.tick
                if rtt >= 0:
                    expected = max(1, -(-flight // (2 * self.tcb.snd.mss)))
                    self.rto.sample(rtt, 1 / expected)  # RFC 7323 appendix G
                    self.sampled = True
                return
        if sent_at is not None:
            self.rto.sample(self.now - sent_at)
            self.sampled = True

    def update_window(self, seg: Segment, window: int) -> None:
        """SND.WND, from segments not older than the last that set it (RFC 9293 3.10.7.4, fifth)."""
        snd = self.tcb.snd
        newer = diff(seg.seq, snd.wl1)
        if newer < 0 or (newer == 0 and diff(seg.ack, snd.wl2) < 0):
            return
        opened = snd.wnd == 0 and window > 0
        snd.wnd, snd.wl1, snd.wl2 = window, seg.seq, seg.ack
        if window > snd.max_wnd:
            snd.max_wnd = window
        if opened:
            self.window_opened()

    def window_opened(self) -> None:
        """A zero window is over: what the probes carried goes again at once."""
        self.probes = 0
        self.progress = self.now
        self.disarm("persist")
        if self.flight:
            self.flight.mark_lost(self.flight.head)
            self.urgent_repeat = True

    def own_fin_acked(self) -> None:
        """If our FIN is acknowledged, move on."""
        if self.fin_seq is None or diff(self.tcb.snd.una, self.fin_seq) <= 0:
            return
        self.move(Move.FIN_ACKED)
        if self.state is State.TIME_WAIT:
            self.start_time_wait()
        elif self.state is State.FIN_WAIT_2 and self.config.fin_wait_2 is not None:
            self.deadlines.setdefault("fin_wait_2", self.now + self.config.fin_wait_2)

    def start_time_wait(self) -> None:
        """TIME-WAIT lasts 2 MSL; all other timers stop (RFC 9293 3.10.7.4, MUST-13)."""
        self.deadlines.clear()
        self.arm("time_wait", self.now + 2 * self.config.msl)

    def make_congestion(self) -> Reno:
        """The congestion window for the MSS just agreed."""
        return Reno(self.tcb.snd.mss, self.config.initial_window, self.tcb.iss)
