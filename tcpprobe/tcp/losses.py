"""Finding out what is lost, and recovering from it: RFC 5681, 6582, 6675, 8985 and 9937."""

from __future__ import annotations

from math import inf

from tcpprobe.tcp.departures import Departures
from tcpprobe.tcp.events import DeliveryProblem
from tcpprobe.tcp.flight import DUP_THRESH
from tcpprobe.tcp.negotiation import FIXED
from tcpprobe.tcp.ranges import Range
from tcpprobe.tcp.state import SENDING
from tcpprobe.wire.flags import FIN, SYN
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

_NOP_NOP_TIMESTAMPS = b"\x01\x01\x08\x0a"
_LEAST_MTU = {4: 68, 16: 1280}  # RFC 791 and RFC 8200
_TRIED_MTU = {4: (1200, 576), 16: (1280,)}
"""By address length: what is tried where larger packets vanish (RFC 8899 5.1.2: BASE_PLPMTU; RFC 1191 5)."""


class Losses(Departures):
    """What acknowledgments, or their absence, say of segments in flight."""

    def only_stamps(self, raw: bytes) -> bool:
        """Whether options are the usual NOP, NOP, timestamps and nothing else: the fast path."""
        return len(raw) == 12 and raw.startswith(_NOP_NOP_TIMESTAMPS)

    def stamps(self, seg: Segment) -> tuple[int, int] | None:
        """(TSval, TSecr) of a segment, or None."""
        raw = seg.options
        if self.only_stamps(raw):
            return int.from_bytes(raw[4:8], "big"), int.from_bytes(raw[8:], "big")
        return seg.parsed.timestamps if raw else None

    # -- after an acknowledgment

    def after_new_ack(self, ahead: int) -> None:
        """Congestion control on an acknowledgment of new data."""
        snd = self.tcb.snd
        reno = self.congestion
        outstanding = diff(snd.nxt, snd.una)
        self.duplicates = 0
        if reno.recover is None:
            flight = self.flight
            # Where nothing is SACKed and nothing was sent again there is nothing to find.
            doubt = flight.sacked or flight.high_rxt is not None or "reordering" in self.deadlines
            if doubt and self.find_losses() and reno.may_recover(snd.una):
                self.recover()
                return
            if self.repairing and diff(snd.una, reno.barrier) >= 0:
                self.repairing = False
                self.rack.recovered()
            reno.acknowledged(ahead)
        elif diff(snd.una, reno.recover) >= 0:
            reno.leave(None if self.tcb.sack_on else outstanding)
            self.rack.recovered()
        elif self.tcb.sack_on:
            self.safe_ack = not self.find_losses()
        elif self.flight:
            # RFC 6582 3.2, step 3: a partial ACK means the next segment is lost too.
            reno.partial(ahead)
            self.flight.mark_lost(self.flight.head)
            self.urgent_repeat = True

    def is_duplicate(self, seg: Segment, window: int) -> bool:
        """RFC 5681 2: no text, no SYN, no FIN, the same window, something outstanding."""
        return not seg.payload and not seg.flags & (SYN | FIN) and window == self.tcb.snd.wnd and not self.tcb.sack_on

    def count_duplicate(self, news: int) -> None:
        """A duplicate ACK, or one with news in its SACK blocks: limited transmit, then fast retransmit."""
        snd = self.tcb.snd
        reno = self.congestion
        if not self.duplicates:
            self.before_duplicates = snd.nxt
        self.duplicates += 1
        if reno.recover is not None:
            if news:
                self.find_losses()
            else:
                reno.duplicate()
            return
        lost = news > 0 and self.find_losses()
        # RFC 8985 6.2, step 4: RACK counts by itself, and not at all where reordering was seen.
        counts = not self.racks() and self.duplicates >= DUP_THRESH
        if not self.tcb.sack_on and snd.una == reno.barrier:
            return  # RFC 6582 3.2, step 2: it must cover more than recover
        if (lost or counts) and reno.may_recover(snd.una):
            self.recover()

    def recover(self) -> None:
        """Fast retransmit of the first segment, and fast recovery (RFC 5681 3.2, RFC 6675 5)."""
        snd = self.tcb.snd
        if not (self.reflexes.retransmit and self.reflexes.fast_retransmit):
            return
        # RFC 5681 3.2, step 2: what limited transmit sent is not counted.
        flight = diff(self.before_duplicates if self.duplicates else snd.nxt, snd.una)
        unsacked = diff(snd.nxt, snd.una) - self.flight.sacked
        self.congestion.enter(flight, unsacked, snd.una, snd.nxt, inflate=not self.tcb.sack_on)
        self.reduced = True
        # RFC 6675 5, (4.3): HighRxt and RescueRxt begin with the segment repeated first.
        self.flight.high_rxt = None
        self.congestion.rescue = self.flight.head.end
        if not self.racks():
            self.flight.mark_lost(self.flight.head)
        self.urgent_repeat = True
        self.end_probing()

    def proceed(self, delivered: int) -> None:
        """In recovery, so many bytes were delivered: let as much go out as is due (RFC 9937 6.2)."""
        snd = self.tcb.snd
        safe, self.safe_ack = self.safe_ack, False
        if self.congestion.recover is not None and self.tcb.sack_on and self.reflexes.prr:
            self.congestion.proceed(delivered, self.flight.pipe(snd.una, snd.nxt), safe=safe)

    # -- RACK

    def racks(self) -> bool:
        """Whether losses are found by time (RFC 8985), not by counting (RFC 6675)."""
        return self.tcb.sack_on and self.reflexes.rack

    def find_losses(self) -> bool:
        """Mark what is lost; whether anything is."""
        if not (self.tcb.sack_on and self.reflexes.fast_retransmit):
            return False
        fresh = self.congestion.may_recover(self.tcb.snd.una)
        if fresh:
            self.flight.high_rxt = None  # RFC 6675 5, (3.1): outside recovery HighRxt is HighACK
        if not self.reflexes.rack:
            return self.flight.find_losses(self.tcb.snd.mss)
        self.disarm("reordering")
        if fresh and not self.flight.sacked:
            return False  # all that is outstanding was sent after all that has arrived
        found, wait = self.rack.find_losses(self.flight, self.reordering_window(), self.now)
        if wait:
            self.arm("reordering", self.now + wait)
        return found

    def reordering_window(self) -> float:
        """RACK.reo_wnd, in seconds."""
        recovering = not self.congestion.may_recover(self.tcb.snd.una)
        return self.rack.window(self.flight, self.rto.srtt or 0.0, recovering=recovering)

    def reordering_expired(self) -> None:
        """What was not acknowledged within the reordering window is lost (RFC 8985 6.2, step 5)."""
        if self.flight and self.find_losses():
            if self.congestion.may_recover(self.tcb.snd.una):
                self.recover()
            self.proceed(0)

    def note_delivered(self, seg: Segment) -> None:
        """RACK on what ``seg`` newly acknowledges, where that is more than a plain advance."""
        rack, now = self.rack, self.now
        delivered = self.flight.delivered
        stamps = self.stamps(seg) if self.tcb.ts_on else None
        # RFC 8985 6.2: in the order of their sending; reordering shows in the order of their numbers.
        for sent in sorted(delivered, key=lambda sent: (sent.time, diff(sent.end, self.tcb.iss))):
            if sent.count == 1:
                rack.arrived(sent.time, sent.end, now)
                continue
            went_out = add(self.tcb.ts_offset, int(sent.time / self.config.tick + 1e-6))
            too_early = stamps is not None and diff(stamps[1], went_out) < 0
            rack.arrived_again(sent.time, sent.end, now, too_early=too_early)
        delivered.clear()

    def duplicate_report(self, seg: Segment) -> Range | None:
        """The first SACK block, if it is a D-SACK: below the ACK field, or within the second block (RFC 2883 4)."""
        blocks = seg.parsed.sack_blocks
        if not blocks:
            return None
        left, right = blocks[0]
        if diff(right, left) <= 0:
            return None
        inner = len(blocks) > 1 and diff(left, blocks[1][0]) >= 0 and diff(right, blocks[1][1]) <= 0
        return blocks[0] if inner or diff(right, seg.ack) <= 0 else None

    # -- without an acknowledgment

    def retransmit_expired(self) -> None:
        """RFC 6298 5.4 to 5.6: the earliest segment again, the timeout doubled; after R2 give up."""
        if not self.flight or not self.reflexes.retransmit:
            return
        head = self.flight.head
        if self.now - self.progress >= self.patience(self.config.r2_syn if head.flags & SYN else self.config.r2):
            self.give_up()
            return
        if self.expiries >= self.config.r1:
            if self.expiries == self.config.r1:
                self.events.append(DeliveryProblem())  # RFC 9293 3.8.3, SHLD-9
            self.note_black_hole()
        snd = self.tcb.snd
        if not head.flags & SYN:  # one lost SYN does not shrink the initial window (RFC 6928 2)
            self.congestion.expired(diff(snd.nxt, snd.una), snd.nxt, first=not self.expiries)
            self.reduced = self.repairing = True
        self.expiries += 1
        self.duplicates = 0
        self.flight.high_rxt = None
        self.disarm("reordering")
        self.end_probing()
        # RFC 8985 6.3: what was sent a moment ago is not lost yet.
        fresh = self.now - self.rack.rtt - self.reordering_window() if self.racks() else inf
        self.flight.mark_all_lost(fresh)
        self.urgent_repeat = True
        self.rto.back_off()

    def path_mtu(self, mtu: int) -> None:
        """The path takes packets of ``mtu`` bytes at most: what is larger is sent again, in pieces (RFC 1191 6.4)."""
        if not self.reflexes.path_mtu or (len(self.tcb.local[0]) == 16 and mtu < _LEAST_MTU[16]):
            return  # RFC 8201 4: discarded
        snd = self.tcb.snd
        largest = max(mtu, _LEAST_MTU[len(self.tcb.local[0])]) - FIXED[len(self.tcb.local[0])]
        if largest >= snd.mss:
            return  # never a reason to send more
        snd.mss = largest
        self.congestion.resize(largest)
        limit = self.payload_limit()
        for sent in self.flight:
            if sent.length > limit:
                self.flight.mark_lost(sent)
        self.urgent_repeat = True
        self.disarm("retransmit")

    def note_black_hole(self) -> None:
        """A full segment went out R1 times for nothing: perhaps the path swallows what is so large.

        Then smaller ones are tried (RFC 2923 2.1; RFC 8899 4.3), never larger ones again.
        """
        size = len(self.tcb.local[0])
        if self.flight.head.length < self.payload_limit():
            return
        smaller = (mtu for mtu in _TRIED_MTU[size] if mtu - FIXED[size] < self.tcb.snd.mss)
        if (mtu := next(smaller, None)) is not None:
            self.path_mtu(mtu)

    def tail_probe_expired(self) -> None:
        """Send new data, or the last segment again, to draw an acknowledgment; then wait an RTO (RFC 8985 7.3)."""
        if not self.flight or not self.calm():
            return
        if self.probe_end is None and self.sampled and self.send_tail_probe():
            self.probe_end = self.tcb.snd.nxt
            self.sampled = self.probe_wanted = False
        self.arm("retransmit", self.now + self.rto.value)

    def send_tail_probe(self) -> bool:
        """Whether there was something to probe with."""
        size = min(self.unsent, self.payload_limit(), self.window_left())
        if size > 0 and self.state in SENDING and self.reflexes.transmit:
            self.send_data(size)
            self.probe_repeats = False
            return True
        last = self.flight.last_unsacked()
        if last is None or not self.reflexes.retransmit or self.inside_window(last.seq) < last.length:
            return False
        self.repeat(self.last_piece(last))
        self.probe_repeats = True
        return True

    def judge_probe(self, seg: Segment, ahead: int, duplicate: Range | None) -> None:
        """What an acknowledgment says of the loss probe (RFC 8985 7.4.2)."""
        snd, end = self.tcb.snd, self.probe_end
        if end is None or ahead < 0 or (beyond := diff(seg.ack, end)) < 0:
            return
        bare = ahead == 0 and not seg.payload and not seg.parsed.sack_blocks
        if not self.probe_repeats or bare or (duplicate is not None and duplicate[1] == end):
            self.probe_end = None  # the probe, or both the original and the probe, arrived
        elif beyond > 0:
            self.probe_end = None
            if self.congestion.may_reduce(snd.una):
                # The probe has repaired a loss that must not go unpunished.
                self.congestion.marked(diff(snd.nxt, snd.una), snd.nxt)
                self.reduced = True
