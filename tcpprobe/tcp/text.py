"""Text, urgent pointer and FIN of an arriving segment: the sixth to eighth check of RFC 9293 3.10.7.4."""

from __future__ import annotations

from tcpprobe.tcp.acknowledgments import Acknowledgments
from tcpprobe.tcp.events import DataArrived, PeerClosed, UrgentData
from tcpprobe.tcp.state import RECEIVING, Move, State
from tcpprobe.wire.flags import FIN, URG
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

_FIN_TAKING = RECEIVING | {State.SYN_RECEIVED}


class Text(Acknowledgments):
    """What the peer says, put in order."""

    def check_urgent(self, seg: Segment) -> bool:
        """Sixth: the urgent pointer, which counts only with URG (RFC 9293 3.1) and while the peer may send."""
        if seg.flags & URG and self.state in RECEIVING:
            rcv = self.tcb.rcv
            pointer = add(seg.seq, seg.urgent)
            if diff(pointer, rcv.nxt) > 0 and (not self.peer_urgent or diff(pointer, rcv.up) > 0):
                # RFC 9293 3.8.5, MUST-32: when there was none, and whenever it advances.
                self.peer_urgent = True
                rcv.up = pointer
                self.events.append(UrgentData(pointer))
        return False

    def take_text(self, seg: Segment) -> bool:
        """Seventh: text, cut to the window; in order it is delivered, ahead of its turn held (SHLD-31)."""
        if not seg.payload or self.state not in RECEIVING:
            return False
        rcv = self.tcb.rcv
        self.report_duplicate(seg)
        offset = diff(seg.seq, rcv.nxt)
        payload = seg.payload
        if offset < 0:
            payload, offset = payload[-offset:], 0
        whole = len(payload)
        payload = payload[: self.text_limit(offset)]
        if not payload:
            return False
        if len(payload) < whole:
            self.ack_now = self.reflexes.acknowledge  # the peer has to send the rest again
        if offset or self.reassembly.islands:
            self.hold(payload, offset)
        else:
            self.deliver(payload)
            self.owe_ack(len(payload))
        return False

    def text_limit(self, offset: int) -> int:
        """How many bytes at ``offset`` from RCV.NXT lie within the window and before the peer's FIN."""
        rcv = self.tcb.rcv
        limit = rcv.wnd
        if self.peer_fin is not None:
            limit = min(limit, diff(self.peer_fin, rcv.nxt))
        return max(limit - offset, 0)

    def hold(self, payload: bytes, offset: int) -> None:
        """Text beside a gap: hold it, deliver what became contiguous, and acknowledge at once (RFC 5681 4.2)."""
        rcv = self.tcb.rcv
        duplicate = self.reassembly.insert(rcv.nxt, add(rcv.nxt, offset), payload)
        if duplicate is not None and self.tcb.sack_on:
            self.duplicate_range = self.duplicate_range or duplicate
        ready = self.reassembly.take(rcv.nxt)
        if ready:
            self.deliver(ready)
        if self.reflexes.acknowledge:
            if ready:
                self.ack_now = True
            else:
                self.put_ack()  # each of these tells the peer something: a duplicate ACK for every segment

    def deliver(self, payload: bytes) -> None:
        """Take responsibility for text at RCV.NXT."""
        rcv = self.tcb.rcv
        rcv.nxt = add(rcv.nxt, len(payload))
        if self.reflexes.flow_control:
            rcv.wnd = max(rcv.wnd - len(payload), 0)
        self.readable += payload
        self.events.append(DataArrived(len(payload)))

    def owe_ack(self, length: int) -> None:
        """In-order text arrived: acknowledge it later, or now with the second segment (RFC 5681 4.2, SHLD-18, -19)."""
        if not self.reflexes.acknowledge:
            return
        self.unacked_segments += 1
        self.unacked_bytes += length
        rmss = self.tcb.rcv.mss
        if self.duplicate_range or not self.reflexes.delayed_ack or self.enough_for_ack(rmss):
            self.ack_now = True
        else:
            self.deadlines.setdefault("delayed_ack", self.now + self.config.delayed_ack)

    def enough_for_ack(self, rmss: int) -> bool:
        """Every second segment, or two full segments' worth, is acknowledged at once."""
        return self.unacked_segments >= 2 or self.unacked_bytes >= 2 * rmss

    def check_fin(self, seg: Segment) -> bool:
        """Eighth: a FIN counts when everything before it has arrived; the first one governs."""
        if seg.flags & FIN and self.peer_fin is None and self.fin_in_window(seg):
            self.peer_fin = add(seg.end, -1)
        if self.peer_fin == self.tcb.rcv.nxt and self.state in _FIN_TAKING:
            self.take_fin()
        elif seg.flags & FIN and not seg.payload and self.reflexes.acknowledge:
            self.put_ack()
        return True

    def fin_in_window(self, seg: Segment) -> bool:
        """Whether the FIN itself, not only the text before it, lies in the window."""
        rcv = self.tcb.rcv
        return 0 <= diff(add(seg.end, -1), rcv.nxt) < rcv.wnd

    def take_fin(self) -> None:
        """Advance over the FIN and acknowledge it."""
        rcv = self.tcb.rcv
        rcv.nxt = add(rcv.nxt, 1)
        if self.reflexes.flow_control:
            rcv.wnd = max(rcv.wnd - 1, 0)
        self.events.append(PeerClosed())
        self.move(Move.FIN_RECEIVED)
        if self.reflexes.answer_fin:
            self.ack_now = True
        if self.state is State.TIME_WAIT:
            self.start_time_wait()

    def report_duplicate(self, seg: Segment) -> None:
        """The part of the text before RCV.NXT was received before: D-SACK says so once (RFC 2883 4)."""
        old = -diff(seg.seq, self.tcb.rcv.nxt)
        if self.tcb.sack_on and seg.payload and old > 0:
            self.duplicate_range = seg.seq, add(seg.seq, min(old, len(seg.payload)))
