"""Mutants of what happens when a segment arrives on a connection."""

from __future__ import annotations

from dataclasses import replace

from tcpprobe.lab.mutant import Altering, mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.wire.flags import ACK, FIN, RST, SYN, URG
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

# -- checksum and header


@mutant("a wrong checksum is taken")
class ChecksumIgnored(Connection):
    def checksum_right(self, packet: Packet) -> bool:  # noqa: ARG002
        return True


@mutant("a data offset below five, or beyond the segment, is taken")
class DataOffsetIgnored(Connection):
    def header_right(self, packet: Packet) -> bool:
        return isinstance(packet.payload, Segment)


@mutant("a segment with a wrong data offset kills the port: nothing is answered from then on")
class DataOffsetKills(Connection):
    dead = False

    def admits(self, packet: Packet) -> bool:
        if not self.header_right(packet):
            type(self).dead = True
        return not self.dead and super().admits(packet)


@mutant("reserved header bits are echoed")
class ReservedEchoed(Altering):
    seen = 0

    def admits(self, packet: Packet) -> bool:
        if isinstance(packet.payload, Segment):
            self.seen = packet.payload.reserved
        return super().admits(packet)

    def alter(self, segment: Segment) -> Segment:
        return replace(segment, reserved=self.seen)


@mutant("a segment with reserved header bits is dropped")
class ReservedDropped(Connection):
    def header_right(self, packet: Packet) -> bool:
        return super().header_right(packet) and not (isinstance(packet.payload, Segment) and packet.payload.reserved)


@mutant("every checksum it sends for an odd number of bytes is wrong")
class ChecksumOddWrong(Altering):
    def alter(self, segment: Segment) -> Segment:
        return replace(segment, checksum=0x1234) if len(segment.payload) & 1 else segment


# -- first and second check: sequence number, RST


@mutant("an unacceptable segment is dropped without an ACK")
class UnacceptableSilent(Connection):
    def refuse(self, seg: Segment) -> None:
        pass


@mutant("an unacceptable segment draws a RST")
class UnacceptableReset(Connection):
    def refuse(self, seg: Segment) -> None:
        self.put_reset(seg)


@mutant("data beyond the window is taken")
class WindowNotChecked(Connection):
    def acceptable(self, seg: Segment) -> bool:
        return super().acceptable(seg) or diff(seg.seq, self.tcb.rcv.nxt) > 0

    def text_limit(self, offset: int) -> int:  # noqa: ARG002
        return 1 << 20


@mutant("a segment that begins before RCV.NXT is refused whole")
class OverlapRefused(Connection):
    def acceptable(self, seg: Segment) -> bool:
        return super().acceptable(seg) and diff(seg.seq, self.tcb.rcv.nxt) >= 0


@mutant("an in-window RST resets, whatever its number (RFC 793)")
class RstInWindowResets(Connection):
    def check_rst(self, seg: Segment) -> bool:
        if seg.flags & RST and 0 < diff(seg.seq, self.tcb.rcv.nxt) < self.tcb.rcv.wnd:
            seg = replace(seg, seq=self.tcb.rcv.nxt)
        return super().check_rst(seg)


@mutant("any RST resets, even outside the window")
class RstAnywhereResets(Connection):
    def check_rst(self, seg: Segment) -> bool:
        return super().check_rst(replace(seg, seq=self.tcb.rcv.nxt))


@mutant("an in-window RST that is not exact is dropped without a challenge")
class RstWithoutChallenge(Connection):
    def check_rst(self, seg: Segment) -> bool:
        return (bool(seg.flags & RST) and seg.seq != self.tcb.rcv.nxt) or super().check_rst(seg)


@mutant("even the exact RST is only challenged")
class RstNeverResets(Connection):
    def take_rst(self) -> None:
        self.challenge()


@mutant("a RST that carries data is ignored")
class RstWithDataIgnored(Connection):
    def check_rst(self, seg: Segment) -> bool:
        return (bool(seg.flags & RST) and bool(seg.payload)) or super().check_rst(seg)


@mutant("a RST is acknowledged")
class RstAcknowledged(Connection):
    def be_reset(self) -> None:
        self.put_ack()
        super().be_reset()


# -- SYN and ACK in synchronized states


@mutant("a SYN in a synchronized state resets the connection (RFC 793)")
class SynResets(Connection):
    def check_syn(self, seg: Segment) -> bool:
        if seg.flags & SYN and self.synchronized:
            self.put_reset(seg)
            self.be_reset()
            return True
        return super().check_syn(seg)


@mutant("a SYN in a synchronized state is ignored in silence")
class SynIgnored(Connection):
    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        if not (self.synchronized and seg.flags & SYN and not seg.flags & RST):
            super().segment_arrives(seg, now, ecn=ecn)


@mutant("data without ACK is taken")
class NoAckBitTaken(Connection):
    def check_ack_bit(self, seg: Segment) -> bool:  # noqa: ARG002
        return False


@mutant("an acknowledgment of unsent data is overlooked, the data with it taken")
class UnsentAckTaken(Connection):
    def check_ack(self, seg: Segment) -> bool:
        snd = self.tcb.snd
        if self.synchronized and diff(seg.ack, snd.nxt) > 0:
            seg = replace(seg, ack=snd.una)
        return super().check_ack(seg)


@mutant("an acknowledgment of unsent data resets the connection")
class UnsentAckResets(Connection):
    def check_ack(self, seg: Segment) -> bool:
        if self.synchronized and diff(seg.ack, self.tcb.snd.nxt) > 0:
            self.put_reset(seg)
            self.be_reset()
            return True
        return super().check_ack(seg)


@mutant("a segment with an acknowledgment older than any window is dropped without an ACK")
class AncientAckSilent(Connection):
    def check_ack(self, seg: Segment) -> bool:
        return (self.synchronized and self.too_old(diff(seg.ack, self.tcb.snd.una))) or super().check_ack(seg)


@mutant("a segment with an old acknowledgment is dropped with its data")
class OldAckDropped(Connection):
    def check_ack(self, seg: Segment) -> bool:
        return (self.synchronized and diff(seg.ack, self.tcb.snd.una) < 0) or super().check_ack(seg)


# -- text


@mutant("data is never acknowledged")
class DataNotAcknowledged(Connection):
    def owe_ack(self, length: int) -> None:
        pass


@mutant("each acknowledgment of data is sent twice")
class AckTwice(Connection):
    def owe_ack(self, length: int) -> None:
        super().owe_ack(length)
        self.put_ack()
        self.ack_now = True


@mutant("data is acknowledged after 700 ms, not within 500")
class AckLate(Connection):
    def owe_ack(self, length: int) -> None:  # noqa: ARG002
        self.deadlines.setdefault("delayed_ack", self.now + 0.7)


@mutant("only every eighth segment is acknowledged at once")
class AckEveryEighth(Connection):
    def enough_for_ack(self, rmss: int) -> bool:  # noqa: ARG002
        return self.unacked_segments >= 8


@mutant("data out of order is dropped, and not acknowledged")
class OutOfOrderDropped(Connection):
    def hold(self, payload: bytes, offset: int) -> None:
        if not offset:
            super().hold(payload, offset)


@mutant("data out of order is held, but not acknowledged at once")
class OutOfOrderNotAcknowledged(Connection):
    def hold(self, payload: bytes, offset: int) -> None:
        before = len(self.outbox)
        super().hold(payload, offset)
        if offset:
            del self.outbox[before:]


@mutant("data out of order is delivered as it comes")
class OutOfOrderDelivered(Connection):
    def hold(self, payload: bytes, offset: int) -> None:
        self.readable += payload
        self.tcb.rcv.nxt = add(self.tcb.rcv.nxt, offset + len(payload))
        self.readable_changed(len(payload))

    def readable_changed(self, length: int) -> None:
        self.owe_ack(length)
        self.deliver(b"")


@mutant("data that overlaps what was received is delivered twice")
class OverlapDeliveredTwice(Connection):
    def take_text(self, seg: Segment) -> bool:
        old = diff(self.tcb.rcv.nxt, seg.seq)
        before = self.tcb.rcv.nxt
        done = super().take_text(seg)
        if 0 < old < len(seg.payload) and self.tcb.rcv.nxt != before:
            self.readable[:0] = seg.payload[:old]
        return done


@mutant("filling a hole acknowledges only the filling, not what was held behind it")
class HoleFilledForgets(Connection):
    def hold(self, payload: bytes, offset: int) -> None:
        if not offset:
            self.reassembly.islands.clear()
            self.reassembly.recent.clear()
        super().hold(payload, offset)


@mutant("no SACK blocks although SACK was agreed on")
class SackBlocksMissing(Connection):
    def sack_option(self, room: int) -> bytes:  # noqa: ARG002
        return b""


@mutant("SACK blocks end one byte too far")
class SackBlocksWrong(Connection):
    def sack_option(self, room: int) -> bytes:
        option = super().sack_option(room)
        return option[:-4] + add(int.from_bytes(option[-4:], "big"), 1).to_bytes(4, "big") if option else option


@mutant("SACK blocks are sent although the peer did not permit them")
class SackBlocksUnasked(Altering):
    def alter(self, segment: Segment) -> Segment:
        if self.reassembly.islands and not self.tcb.sack_on and segment.flags == ACK:
            return replace(segment, options=segment.options + self.sack_option(40 - len(segment.options)))
        return segment


@mutant("SACK blocks are in sequence order, not the latest first")
class SackBlocksSorted(Connection):
    def sack_option(self, room: int) -> bytes:
        self.reassembly.recent = list(self.reassembly.islands)
        return super().sack_option(room)


@mutant("a duplicate is not reported by D-SACK")
class DsackMissing(Connection):
    def sack_option(self, room: int) -> bytes:
        self.duplicate_range = None
        return super().sack_option(room)


@mutant("the urgent pointer is obeyed without URG: data up to it is skipped")
class UrgentWithoutUrg(Connection):
    def take_text(self, seg: Segment) -> bool:
        return (bool(seg.urgent) and not seg.flags & URG) or super().take_text(seg)


@mutant("urgent data kills the connection")
class UrgentKills(Connection):
    def check_urgent(self, seg: Segment) -> bool:
        if seg.flags & URG:
            self.be_reset()
            return True
        return super().check_urgent(seg)


@mutant("data after the peer's FIN is acknowledged as new")
class DataAfterFinTaken(Connection):
    def take_text(self, seg: Segment) -> bool:
        rcv = self.tcb.rcv
        if seg.payload and self.peer_fin is not None and seg.seq == rcv.nxt:
            rcv.nxt = add(rcv.nxt, len(seg.payload))
            self.ack_now = True
        return super().take_text(seg)


@mutant("a second FIN, further on, ends the stream anew")
class FinMoved(Connection):
    def check_fin(self, seg: Segment) -> bool:
        if seg.flags & FIN and self.peer_fin is not None and diff(seg.seq, self.tcb.rcv.nxt) >= 0:
            self.tcb.rcv.nxt = seg.end
            self.put_ack()
            return True
        return super().check_fin(seg)


@mutant("the window is never opened again after reading")
class WindowNeverUpdated(Connection):
    def open_window(self) -> None:
        pass

    def window_update_due(self) -> bool:
        return False


@mutant("the right window edge moves to the left when data arrives")
class WindowShrinks(Connection):
    def window_field(self) -> int:
        return max(super().window_field() - 2 * (diff(self.tcb.rcv.nxt, self.tcb.irs) >> self.tcb.rcv.scale), 1)


@mutant("CE marks are not echoed")
class CeNotEchoed(Connection):
    def note_congestion(self, seg: Segment) -> bool:  # noqa: ARG002
        return False


@mutant("ECE goes on after CWR")
class EceNeverEnds(Connection):
    def note_congestion(self, seg: Segment) -> bool:
        before = self.echo_congestion
        done = super().note_congestion(seg)
        self.echo_congestion = self.echo_congestion or before
        return done
