"""What goes out by itself: data, FIN, retransmissions, probes, acknowledgments (RFC 9293 3.8, RFC 6298)."""

from __future__ import annotations

from math import inf

from tcpprobe.tcp.accecn import ECT_0
from tcpprobe.tcp.core import Core
from tcpprobe.tcp.events import TimedOut
from tcpprobe.tcp.flight import Sent
from tcpprobe.tcp.state import SENDING, UNFINISHED, Move, State
from tcpprobe.wire.flags import ACK, CWR, FIN, PSH, SYN
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

_MAX_ACK_DELAY = 0.2
"""TLP.max_ack_delay: how long the peer may hold back the acknowledgment of a single segment (RFC 8985 7.2)."""
_FIRST_PROBE = 1.0
"""The PTO while there is no SRTT (RFC 8985 7.2)."""
_ONE_BLOCK = 12
"""Bytes of a SACK option with a single block, two NOPs before it."""
_HANDSHAKE = frozenset({State.SYN_SENT, State.SYN_RECEIVED})


class Departures(Core):
    """The sending side."""

    def segments_to_send(self, now: float) -> list[Segment]:
        """Everything that has to go out now, in order; nothing of it is returned twice.

        Call it after each `segment_arrives`, user call or `timeout`, before asking `next_timeout`: acknowledgments of
        what arrived in between are aggregated (RFC 9293 3.10.7.4, MUST-58), and timers start when segments leave.
        """
        return [segment for segment, _ in self.departures(now)]

    def departures(self, now: float) -> list[tuple[Segment, int]]:
        """As `segments_to_send`, each with the ECN field its IP packet must bear (0, or 2 for ECT(0))."""
        self.now = now
        state = self.state
        if state in UNFINISHED:
            self.send_lost()
            if state in SENDING and self.reflexes.transmit and (self.closing or self.unsent):
                self.send_new()
            if self.congestion.recover is not None and self.tcb.sack_on:
                self.send_last_resort()
            self.arm_for_flight()
        elif state in _HANDSHAKE and self.flight:
            self.send_lost()
            if state is State.SYN_RECEIVED and self.closing and not self.unsent and self.reflexes.transmit:
                self.send_data(0, fin=True)  # RFC 9293 3.10.4; with data queued it waits for ESTABLISHED
            self.arm_for_flight()
        if self.ack_now:
            self.put_ack()
        departing, self.outbox = self.outbox, []
        return departing

    # -- new data

    def send_new(self) -> None:
        """Send queued data and then the FIN, as far as windows, Nagle and SWS avoidance allow."""
        self.restart_after_idle()
        while True:
            unsent = self.unsent
            fin = self.closing and self.fin_seq is None
            if not unsent and not fin:
                return
            limit, window = self.payload_limit(), self.window_left()
            size = min(unsent, limit, max(window, 0))
            fin = fin and size == unsent and window > size
            if not size and not fin:
                return
            if self.flight and size > self.congestion_left():
                return  # RFC 5681 3.1: whole segments only, the rest waits for acknowledgments
            if not self.worth_sending(size, unsent, limit, fin):
                if not self.flight:
                    self.deadlines.setdefault("override", self.now + self.config.override)
                return
            if size == limit and self.config.burst > 1:
                size = self.burst(limit, min(unsent, window))
                fin = False
            self.send_data(size, fin=fin)

    def burst(self, limit: int, most: int) -> int:
        """The bytes of as many full segments as may leave together, at least one and at most ``most`` bytes."""
        most = min(most, limit * self.config.burst, self.congestion_left())
        return max(most - most % limit, limit)

    def worth_sending(self, size: int, unsent: int, limit: int, fin: bool) -> bool:
        """Sender's silly-window avoidance with Nagle (RFC 9293 3.8.6.2.1, MUST-38; 3.7.4)."""
        snd = self.tcb.snd
        may_be_small = snd.nxt == snd.una or not self.nagle_on()
        if size >= limit or self.override:
            return True
        if size == unsent and (may_be_small or fin):
            return True
        return may_be_small and size * 2 >= snd.max_wnd

    def nagle_on(self) -> bool:
        """Whether a small segment waits while data is outstanding."""
        return self.config.nagle and self.reflexes.nagle

    def send_data(self, size: int, *, fin: bool = False, probe: bool = False) -> None:
        """Send ``size`` bytes (and FIN) from SND.NXT on, whatever the windows say.

        A ``probe`` bears neither ECT nor CWR (RFC 3168 6.1.6).
        """
        snd = self.tcb.snd
        at = diff(snd.nxt, self.buffer_start)
        payload = bytes(self.buffer[at : at + size])
        flags = ACK
        if size and at + size == len(self.buffer):
            flags |= PSH  # RFC 9293 3.9.1.2, MUST-61
        if fin:
            flags |= FIN
        ecn = 0
        if size and not probe and self.ecn_capable():
            ecn = ECT_0
            if self.reduced and self.tcb.ecn_on:  # RFC 9768 3.1.5: never in AccECN mode
                flags |= CWR  # RFC 3168 6.1.2: on the first new data after the reduction
                self.reduced = False
        segment = self.with_blocks(self.form(snd.nxt, flags, payload))
        self.sent(segment)
        self.put(segment, ecn)

    def ecn_capable(self) -> bool:
        """Whether new data is sent as ECN-capable transport."""
        accurate = self.tcb.accurate
        return self.tcb.ecn_on if accurate is None else accurate.may_mark

    def sent(self, segment: Segment) -> None:
        """New sequence numbers leave with ``segment``: remember them until they are acknowledged."""
        snd = self.tcb.snd
        end = segment.end
        if not self.flight:
            self.progress = self.now
            self.disarm("override")
        self.override = False
        begin = snd.nxt
        if len(segment.payload) > snd.mss:
            # A burst: each of its segments may be lost alone.
            limit = self.payload_limit()
            while diff(end, begin) > limit:
                self.flight.add(Sent(begin, middle := add(begin, limit), 0, self.now))
                begin = middle
        self.flight.add(Sent(begin, end, segment.flags & (SYN | FIN), self.now))
        snd.nxt = end
        self.last_sent = self.now
        self.probe_wanted = True
        self.congestion.out += len(segment.payload)
        if segment.flags & FIN:
            self.fin_seq = add(end, -1)
            self.move(Move.FIN_SENT)

    def payload_limit(self) -> int:
        """Largest payload of the next segment: its options count (RFC 9293 3.7.1, MUST-16; RFC 6691)."""
        limit = self.tcb.snd.mss - (12 if self.tcb.ts_on else 0)
        return limit - _ONE_BLOCK if self.reassembly.islands and self.reports_islands() else limit

    def reports_islands(self) -> bool:
        """Whether what we hold out of order is to be told in every segment (RFC 2018 4)."""
        return self.tcb.sack_on and self.reflexes.sack

    def with_blocks(self, segment: Segment) -> Segment:
        """A segment with text bears SACK blocks too: one at least, more where there is room.

        So it does with the AccECN option that is due, where there is room; a full segment leaves it to the next ACK.
        """
        if self.reassembly.islands and self.reports_islands():
            room = self.tcb.snd.mss - len(segment.payload) - len(segment.options)
            segment.options += self.sack_option(min(max(room, _ONE_BLOCK), 40 - len(segment.options)))
        accurate = self.tcb.accurate
        if accurate is not None and accurate.owed:
            taken = len(segment.options)
            told = accurate.option(min(self.tcb.snd.mss - len(segment.payload), 40) - taken)
            segment.options += told
            accurate.owed = not told
        return segment

    def window_left(self) -> int:
        """The usable window U, in bytes; negative when the peer shrank its window (RFC 9293 3.8.6, MUST-34)."""
        snd = self.tcb.snd
        return snd.wnd - diff(snd.nxt, snd.una)

    def congestion_left(self) -> int:
        """Bytes the congestion window allows beyond what is in the network."""
        if not self.reflexes.congestion:
            return 1 << 30
        snd = self.tcb.snd
        extra = 0
        if self.duplicates and self.congestion.recover is None:
            # Limited transmit, RFC 3042; with SACK the pipe shrinks with what is SACKed.
            if not self.reflexes.limited_transmit:
                extra = -self.flight.sacked
            elif not self.tcb.sack_on:
                extra = min(self.duplicates, 2) * snd.mss
        return self.congestion.cwnd + extra - self.flight.pipe(snd.una, snd.nxt)

    def restart_after_idle(self) -> None:
        """After an RTO without sending begin with the initial window again (RFC 5681 4.1)."""
        if self.reflexes.idle_restart and not self.flight and self.now - self.last_sent > self.rto.value:
            self.congestion.idle(self.tcb.snd.nxt)

    # -- retransmission

    def send_lost(self) -> None:
        """Send again what is marked lost, as far as the windows allow; the first of a recovery goes regardless."""
        while (lost := self.flight.first_lost()) is not None and self.reflexes.retransmit:
            if not self.urgent_repeat and self.congestion_left() < min(lost.length, self.tcb.snd.mss):
                return
            if self.synchronized and self.inside_window(lost.seq) <= 0:
                return
            self.urgent_repeat = False
            self.repeat(lost)

    def send_last_resort(self) -> None:
        """Keep acknowledgments coming when nothing is known to be lost and nothing is new (RFC 6675 4, NextSeg)."""
        flight, snd, reno = self.flight, self.tcb.snd, self.congestion
        if flight.lost or not self.reflexes.retransmit or (self.unsent and self.window_left() > 0):
            return
        while self.congestion_left() >= snd.mss and (doubtful := flight.doubtful()) is not None:
            if self.inside_window(doubtful.seq) <= 0:
                return
            self.repeat(doubtful)  # rule 3
        last = flight.last_unsacked()
        if last is None or self.congestion_left() < snd.mss or diff(snd.una, reno.rescue) <= 0:
            return
        if reno.recover is None or self.inside_window(last.seq) < last.length:
            return
        # Rule 4: a single rescue, of the highest that is outstanding.
        reno.rescue = reno.recover
        high_rxt = flight.high_rxt
        last = self.last_piece(last)
        self.repeat(last)
        flight.rescued(last, high_rxt)

    def last_piece(self, sent: Sent) -> Sent:
        """As much of the end of ``sent`` as one segment holds."""
        excess = sent.length - self.payload_limit() - bool(sent.flags & FIN)
        return self.flight.split(sent, excess) if excess > 0 else sent

    def repeat(self, sent: Sent, most: int | None = None) -> None:
        """Send ``sent`` again: the same bytes (RFC 2525 2.4), at most ``most`` of them, the ACK a current one."""
        self.last_sent = self.now
        if sent.flags & SYN:
            self.flight.repeat(sent, self.now)
            self.put(self.form_syn(SYN if self.state is State.SYN_SENT else SYN | ACK))
            return
        at = diff(sent.seq, self.buffer_start)
        fin = bool(sent.flags & FIN)
        length = sent.length - fin
        size = min(length, self.payload_limit(), max(self.inside_window(sent.seq), 0))
        if most is not None:
            size = min(length, most)
        elif 0 < size < length:
            self.flight.split(sent, size)
        self.flight.repeat(sent, self.now)
        self.congestion.out += size
        payload = bytes(self.buffer[at : at + size])
        flags = ACK
        if size and at + size == len(self.buffer):
            flags |= PSH
        if fin and size == length:
            flags |= FIN
        self.put(self.with_blocks(self.form(sent.seq, flags, payload)))

    def inside_window(self, seq: int) -> int:
        """How many bytes from ``seq`` on lie within the peer's window (RFC 9293 3.8.6, SHLD-16)."""
        snd = self.tcb.snd
        return snd.wnd - diff(seq, snd.una)

    def arm_for_flight(self) -> None:
        """Keep the one timer running that the situation asks for (RFC 6298 5.1; RFC 9293 3.8.6.1)."""
        deadlines = self.deadlines
        if self.tcb.snd.wnd == 0 and self.synchronized:
            waiting = self.flight or (self.state in SENDING and (self.unsent or self.closing))
            deadlines.pop("retransmit", None)
            deadlines.pop("tail_probe", None)
            if waiting and "persist" not in deadlines and self.reflexes.probe:
                # RFC 9293 3.8.6.1, SHLD-29: first after one RTO, SHLD-30: then ever more slowly.
                self.arm("persist", self.now + min(self.rto.value * (1 << min(self.probes, 16)), self.config.rto_max))
            return
        if self.flight and "retransmit" not in deadlines and self.reflexes.retransmit:
            self.arm("retransmit", self.now + self.rto.value)
        if self.probe_wanted:
            self.arm_tail_probe()

    def arm_tail_probe(self) -> None:
        """Schedule a loss probe: an acknowledgment is overdue (RFC 8985 7.2)."""
        self.probe_wanted = False
        flight, deadlines = self.flight, self.deadlines
        if not flight or not (self.tcb.sack_on and self.reflexes.tail_probe and self.calm()):
            deadlines.pop("tail_probe", None)
            return
        pto, srtt = _FIRST_PROBE, self.rto.srtt
        if srtt is not None:
            pto = 2 * max(srtt, self.config.tick) + (_MAX_ACK_DELAY if len(flight.queue) == 1 else 0)
        deadlines["tail_probe"] = min(self.now + pto, deadlines.get("retransmit", inf))

    def calm(self) -> bool:
        """Whether nothing is SACKed, lost or being recovered."""
        flight = self.flight
        return not flight.sacked and not flight.lost and self.congestion.may_recover(self.tcb.snd.una)

    def end_probing(self) -> None:
        """A recovery begins: no tail loss probe (RFC 8985 7.1)."""
        self.probe_end = None
        self.probe_wanted = False
        self.disarm("tail_probe")

    def patience(self, r2: float) -> float:
        """Seconds without progress until the end: the user timeout, else ``r2`` (RFC 9293 3.8.3, MUST-21)."""
        return self.config.user_timeout if self.config.user_timeout is not None else r2

    def give_up(self) -> None:
        """R2 is reached: close the connection and tell the user (RFC 9293 3.8.3, MUST-20)."""
        self.events.append(TimedOut())
        if self.state is State.SYN_RECEIVED and not self.active:
            self.back_to_listen()
        else:
            self.move(Move.DELETE)

    def persist_expired(self) -> None:
        """Probe a zero window with one octet (RFC 9293 3.8.6.1, MUST-36); as long as there are answers, for ever."""
        if self.unanswered_since is None:
            self.unanswered_since = self.now
        elif self.now - self.unanswered_since >= self.patience(self.config.r2):
            self.give_up()
            return
        self.probes += 1
        if self.flight:
            self.repeat(self.flight.head, most=1)
        elif self.unsent:
            self.send_data(1, probe=True)
        elif self.closing and self.fin_seq is None:
            self.send_data(0, fin=True)

    def override_expired(self) -> None:
        """A segment waited long enough for a better window (RFC 9293 3.8.6.2.1, rule 4)."""
        self.override = True

    def delayed_ack_expired(self) -> None:
        """In-order data was not acknowledged yet (RFC 9293 3.8.6.3)."""
        self.ack_now = True
