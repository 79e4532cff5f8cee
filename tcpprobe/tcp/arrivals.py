"""SEGMENT ARRIVES: RFC 9293 3.10.7 in its order, as rows of small checks.

A row belongs to a state; its checks are called one after the other until one returns True, which means that the
segment needs nothing more. RFC 5961 and RFC 7323 stand where they say they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from tcpprobe.tcp.accecn import BITS, CE, asks, confirms
from tcpprobe.tcp.events import Reset
from tcpprobe.tcp.negotiation import Offer, agree
from tcpprobe.tcp.state import Move, State
from tcpprobe.tcp.text import Text
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.flags import ACK, CWR, ECE, FIN, RST, SYN
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

_OUTDATED = 24 * 24 * 3600.0
"""RFC 7323 5.5: TS.Recent of an idle connection is no longer valid after 24 days."""

_OTHER_STATES = (
    "check_timestamp",
    "check_simultaneous",
    "check_sequence",
    "note_timestamp",
    "check_rst",
    "check_syn",
    "check_ack_bit",
    "check_ack",
    "note_congestion",
    "check_urgent",
    "take_text",
    "check_fin",
)

ROWS: Mapping[State, tuple[str, ...]] = MappingProxyType(
    {
        State.CLOSED: ("answer_closed",),
        State.LISTEN: ("listen_rst", "listen_ack", "listen_syn"),
        State.SYN_SENT: ("syn_sent_ack", "syn_sent_rst", "syn_sent_syn"),
        **{state: _OTHER_STATES for state in State if state not in (State.CLOSED, State.LISTEN, State.SYN_SENT)},
        State.TIME_WAIT: ("time_wait_syn", *_OTHER_STATES),
    }
)
"""For each state the checks, by name, in the order of RFC 9293 3.10.7.1 to 3.10.7.4."""


class Arrivals(Text):
    """The receiving side."""

    drops_unstamped = True
    """A segment that lacks the negotiated timestamp is not taken (RFC 7323 3.2, a SHOULD)."""

    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        """Process one segment whose checksum and header are right. ``ecn`` is its packet's ECN field (3 is CE).

        Never raises, whatever the segment holds.
        """
        self.now = now
        self.ip_ecn = ecn
        for check in ROWS[self.state]:
            if getattr(self, check)(seg):
                return

    def admits(self, packet: Packet) -> bool:
        """Whether a packet's TCP header can be trusted: right checksum (RFC 9293 3.1, MUST-3), data offset in range."""
        return self.checksum_right(packet) and self.header_right(packet)

    def checksum_right(self, packet: Packet) -> bool:
        """Whether the checksum is right, or was left to hardware."""
        return packet.tcp_checksum is not Checksum.WRONG

    def header_right(self, packet: Packet) -> bool:
        """Whether IP and TCP header say nothing impossible (a data offset outside the segment, say)."""
        return packet.problem is None

    # -- 3.10.7.1 CLOSED

    def answer_closed(self, seg: Segment) -> bool:
        """A RST is discarded, anything else draws a RST."""
        self.put_reset(seg)
        return True

    # -- 3.10.7.2 LISTEN

    def listen_rst(self, seg: Segment) -> bool:
        """First: a RST is ignored."""
        return bool(seg.flags & RST)

    def listen_ack(self, seg: Segment) -> bool:
        """Second: any acknowledgment is bad."""
        if not seg.flags & ACK:
            return False
        self.put_reset(seg)
        return True

    def listen_syn(self, seg: Segment) -> bool:
        """Third: a SYN makes a connection. Text and FIN on it are not taken: the peer sends them again."""
        if seg.flags & SYN:
            self.take_syn(seg)
            self.send_syn(SYN | ACK)
        return True  # fourth: anything else is dropped

    # -- 3.10.7.3 SYN-SENT

    def syn_sent_ack(self, seg: Segment) -> bool:
        """First: an acknowledgment of something we never sent draws a RST."""
        if not seg.flags & ACK or self.acceptable_ack(seg):
            return False
        self.put_reset(seg)
        return True

    def syn_sent_rst(self, seg: Segment) -> bool:
        """Second: a RST counts only with an acceptable acknowledgment."""
        if not seg.flags & RST:
            return False
        if seg.flags & ACK:
            self.be_reset()
        return True

    def syn_sent_syn(self, seg: Segment) -> bool:
        """Fourth: SYN,ACK opens the connection, SYN alone is a simultaneous open."""
        if not seg.flags & SYN:
            return True  # fifth
        self.take_syn(seg)
        if not seg.flags & ACK:
            self.send_syn(SYN | ACK)
            return True
        self.syn_acked(seg)
        if self.reflexes.handshake:
            self.ack_now = True
            if self.tcb.accurate is not None:
                self.put_ack()  # RFC 9768 3.2.2.1: a pure one, although there may be data to send
        if seg.flags & FIN or seg.payload:
            # RFC 9293 3.10.7.3: other controls or text continue at the sixth step.
            rest = Segment(
                seg.sport,
                seg.dport,
                add(seg.seq, 1),
                seg.ack,
                seg.flags & ~SYN,
                seg.window,
                seg.urgent,
                b"",
                seg.payload,
            )
            for check in ("check_urgent", "take_text", "check_fin"):
                if getattr(self, check)(rest):
                    break
        return True

    def take_syn(self, seg: Segment) -> None:
        """The peer's SYN: its number, and what it offers."""
        tcb = self.tcb
        tcb.irs, tcb.rcv.nxt = seg.seq, add(seg.seq, 1)
        tcb.rcv.up = tcb.rcv.nxt
        tcb.last_ack_sent = tcb.rcv.nxt
        self.theirs = Offer.of(seg, self.ip_ecn)
        stamps = seg.parsed.timestamps
        if stamps is not None:
            tcb.ts_recent, tcb.ts_recent_age = stamps[0], self.now
        snd = tcb.snd
        snd.wnd = snd.max_wnd = seg.window  # RFC 7323 2.2: not shifted in a SYN
        snd.wl1, snd.wl2 = seg.seq, seg.ack
        if seg.flags & ACK:
            self.negotiate(seg.flags)
        else:
            self.move(Move.SYN_RECEIVED)

    def send_syn(self, flags: int) -> None:
        """Send our SYN, or SYN,ACK, and remember it; in a simultaneous open the SYN becomes a SYN,ACK."""
        if not self.reflexes.handshake:
            return
        syn = self.form_syn(flags)
        if flags & ACK:
            self.negotiate(SYN)
        if self.flight:
            self.flight.repeat(self.flight.head, self.now)
        else:
            self.sent(syn)
        self.put(syn)

    def negotiate(self, syn_flags: int) -> None:
        """Both SYNs are known: settle what they agree on."""
        if self.offer is None or self.theirs is None:
            return
        agree(self.tcb, self.offer, self.theirs, self.config, syn_flags)
        self.congestion = self.make_congestion()

    # -- 3.10.7.4 other states

    def time_wait_syn(self, seg: Segment) -> bool:
        """A SYN for which TIME-WAIT of a connection with timestamps did not give way is dropped (RFC 6191 2)."""
        return self.tcb.ts_on and seg.flags & (SYN | ACK | RST) == SYN

    def check_timestamp(self, seg: Segment) -> bool:
        """Before the first check: PAWS (RFC 7323 5.3, R1); a segment without the option is dropped (3.2)."""
        tcb = self.tcb
        if not tcb.ts_on or seg.flags & RST:
            return False
        stamps = self.stamps(seg)
        if stamps is None:
            # A SYN need not be of this connection: whoever has forgotten it must hear of it (RFC 5961 4.2).
            return self.drops_unstamped and not seg.flags & SYN
        if diff(stamps[0], tcb.ts_recent) >= 0 or self.ts_recent_outdated():
            return False
        self.refuse(seg)
        return True

    def ts_recent_outdated(self) -> bool:
        """Whether TS.Recent is so old that it may have been overtaken by its own wrapping (RFC 7323 5.5)."""
        return self.now - self.tcb.ts_recent_age > _OUTDATED

    def check_simultaneous(self, seg: Segment) -> bool:
        """In SYN-RECEIVED the peer's own SYN again: answer with the SYN,ACK; its SYN,ACK acknowledges ours.

        RFC 9293 3.5, figure 8, needs the latter although it begins before RCV.NXT (appendix A.2).
        """
        if self.state is not State.SYN_RECEIVED or not seg.flags & SYN or seg.flags & RST or seg.seq != self.tcb.irs:
            return False
        if not seg.flags & ACK:
            if self.mixes_ecn(seg.flags & BITS):
                self.put(self.form(self.tcb.snd.nxt, RST | ACK))
                self.take_rst()
                return True
            self.note_syn_again(seg)
            self.send_syn(SYN | ACK)
            return True
        if self.active and self.acceptable_ack(seg):
            self.syn_acked(seg)
            self.ack_now = self.reflexes.handshake
            return True
        return False

    def mixes_ecn(self, bits: int) -> bool:
        """Whether SYNs of one handshake ask for both RFC 3168's ECN and Accurate ECN (RFC 9768 3.1.5)."""
        if self.tcb.accurate is not None:
            return bits == ECE | CWR
        return self.config.accecn and self.tcb.ecn_on and asks(bits)

    def note_syn_again(self, seg: Segment) -> None:
        """The peer's SYN came again: what it says of ECN now. The mode stays (RFC 9768 3.1.5)."""
        accurate, bits = self.tcb.accurate, seg.flags & BITS
        if self.theirs is None:
            return
        if accurate is not None:
            self.theirs = replace(self.theirs, mark=self.ip_ecn)
            accurate.may_mark = accurate.may_mark and bool(bits)
        elif bits & (ECE | CWR) != ECE | CWR:
            self.theirs = replace(self.theirs, ecn=0)  # RFC 3168 6.1.1: no ECT after a non-ECN-setup SYN

    def check_sequence(self, seg: Segment) -> bool:
        """First: the four cases of table 6; what lies outside the window is answered with an ACK and dropped."""
        if seg.flags & RST or self.acceptable(seg):
            # RFC 5961 3.2: a RST has a check of its own, by its sequence number alone.
            return False
        self.report_duplicate(seg)
        if self.state is State.TIME_WAIT and seg.flags & FIN and seg.end == self.tcb.rcv.nxt:
            self.start_time_wait()  # fifth and eighth: a FIN again restarts 2 MSL
        if self.window_closed_on(seg):
            self.note_congestion(seg)  # RFC 3168 6.1.6: the ECN field of a window probe counts
            if self.check_ack(seg):
                return True
            self.check_urgent(seg)  # RFC 9293 3.4, MUST-66: even when the window is zero
        accurate = self.tcb.accurate
        if accurate is not None and self.active and seg.flags & (SYN | ACK) == SYN | ACK and confirms(seg.flags & BITS):
            accurate.syn_ack_arrived(self.ip_ecn, 0)  # RFC 9768 3.2.2.1: that of a SYN,ACK sent again, too
        self.refuse(seg)
        return True

    def window_closed_on(self, seg: Segment) -> bool:
        """Only the zero window makes it unacceptable: "special allowance should be made to accept valid ACKs"."""
        rcv = self.tcb.rcv
        return rcv.wnd == 0 and seg.seq == rcv.nxt and seg.flags & (ACK | SYN) == ACK

    def acceptable(self, seg: Segment) -> bool:
        """RFC 9293 3.10.7.4, table 6."""
        rcv = self.tcb.rcv
        offset = diff(seg.seq, rcv.nxt)
        length = seg.length
        if length == 0:
            return offset == 0 if rcv.wnd == 0 else 0 <= offset < rcv.wnd
        return 0 <= offset < rcv.wnd or 0 <= offset + length - 1 < rcv.wnd

    def refuse(self, seg: Segment) -> None:
        """Answer an unacceptable segment with an ACK; at a limited rate where it occupies no sequence space."""
        if seg.flags & RST or not self.reflexes.challenge_ack:
            return
        if seg.length == 0 or seg.flags & SYN:
            self.challenge()
        else:
            self.put_ack()

    def note_timestamp(self, seg: Segment) -> bool:
        """RFC 7323 5.3, R3: remember the timestamp of a segment that holds the left window edge."""
        tcb = self.tcb
        if seg.flags & RST:
            return False  # RFC 7323 5.2; and it was not looked at yet
        self.unanswered_since = None
        if self.config.keep_alive is not None:
            self.not_idle(self.config.keep_alive)
        if not tcb.ts_on or (stamps := self.stamps(seg)) is None:
            return False
        # Last.ACK.sent, not RCV.NXT: RFC 7323 4.3 (2). An outdated TS.Recent yields to any: 5.5.
        newer = diff(stamps[0], tcb.ts_recent) >= 0 or self.ts_recent_outdated()
        if newer and diff(seg.seq, tcb.last_ack_sent) <= 0:
            tcb.ts_recent, tcb.ts_recent_age = stamps[0], self.now
        return False

    def check_rst(self, seg: Segment) -> bool:
        """Second: RFC 5961 3.2. Outside the window silence, at RCV.NXT the end, elsewhere a challenge ACK."""
        if not seg.flags & RST:
            return False
        rcv = self.tcb.rcv
        offset = diff(seg.seq, rcv.nxt)
        if offset == 0:
            self.take_rst()
        elif 0 < offset < rcv.wnd:
            self.challenge()
        return True

    def take_rst(self) -> None:
        """The connection is reset; a passive open goes back to LISTEN."""
        if self.state is State.SYN_RECEIVED and not self.active:
            self.back_to_listen()
        else:
            self.be_reset()

    def check_syn(self, seg: Segment) -> bool:
        """Fourth: RFC 5961 4.2 in synchronized states; in SYN-RECEIVED a passive open goes back to LISTEN."""
        if not seg.flags & SYN:
            return False
        if self.state is State.SYN_RECEIVED and not self.active:
            self.back_to_listen()
        else:
            self.challenge()
        return True

    def check_ack_bit(self, seg: Segment) -> bool:
        """Fifth: without ACK the segment is dropped."""
        return not seg.flags & ACK

    def note_congestion(self, seg: Segment) -> bool:
        """RFC 3168 6.1.3: CE on an acceptable segment is echoed until the peer says CWR; RFC 9768 3.2: counted."""
        accurate = self.tcb.accurate
        if self.tcb.ecn_on:
            if seg.flags & CWR:
                self.echo_congestion = False
            if self.ip_ecn == CE:
                self.echo_congestion = True
        elif accurate is not None:
            waiting = bool(seg.payload or self.unacked_bytes)
            if accurate.arrived(self.ip_ecn, len(seg.payload), waiting=waiting) and self.reflexes.acknowledge:
                if waiting:
                    self.ack_now = True
                else:
                    self.put(self.form(self.tcb.snd.nxt, ACK))  # of an ACK: without SACK blocks (RFC 9768 3.2.2.5.1)
        return False

    def be_reset(self) -> None:
        """The peer ended it: tell the user, delete the TCB."""
        self.events.append(Reset())
        self.move(Move.DELETE)
