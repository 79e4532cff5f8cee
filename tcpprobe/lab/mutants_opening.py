"""Mutants of closed ports, listeners and the handshake."""

from __future__ import annotations

from dataclasses import replace

from tcpprobe.lab.mutant import Altering, mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.negotiation import Offer
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import ACK, ECE, FIN, PSH, RST, SYN, URG
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

# -- CLOSED


@mutant("a closed port answers a segment that has ACK with a RST numbered 0")
class ClosedRstSeqZero(Connection):
    def form_reset(self, cause: Segment) -> Segment:
        return replace(super().form_reset(cause), seq=0)


@mutant("a closed port answers a SYN with a RST that has no ACK")
class ClosedRstWithoutAck(Connection):
    def form_reset(self, cause: Segment) -> Segment:
        return replace(super().form_reset(cause), flags=RST)


class _ResetCounting(Connection):
    """Counts less than SEG.LEN in the acknowledgment of a RST."""

    def weight(self, seg: Segment) -> int:
        """What it counts."""
        return seg.length

    def form_reset(self, cause: Segment) -> Segment:
        reset = super().form_reset(cause)
        return reset if cause.flags & ACK else replace(reset, ack=add(cause.seq, self.weight(cause)))


@mutant("the RST of a closed port does not count the SYN in its acknowledgment")
class ClosedRstForgetsSyn(_ResetCounting):
    def weight(self, seg: Segment) -> int:
        return len(seg.payload) + (seg.flags & FIN)


@mutant("the RST of a closed port does not count the FIN in its acknowledgment")
class ClosedRstForgetsFin(_ResetCounting):
    def weight(self, seg: Segment) -> int:
        return len(seg.payload) + (1 if seg.flags & SYN else 0)


@mutant("the RST of a closed port does not count data in its acknowledgment")
class ClosedRstForgetsData(_ResetCounting):
    def weight(self, seg: Segment) -> int:
        return (seg.flags & FIN) + (1 if seg.flags & SYN else 0)


@mutant("a closed port answers a RST with a RST")
class ClosedAnswersRst(Connection):
    def answer_closed(self, seg: Segment) -> bool:
        self.put(self.form_reset(seg))
        return True


@mutant("a closed port is silent")
class ClosedSilent(Connection):
    def answer_closed(self, seg: Segment) -> bool:  # noqa: ARG002
        return True


# -- LISTEN


@mutant("LISTEN answers a RST with a RST")
class ListenAnswersRst(Connection):
    def listen_rst(self, seg: Segment) -> bool:
        if seg.flags & RST:
            self.put(self.form_reset(seg))
        return super().listen_rst(seg)


@mutant("LISTEN drops a segment that has ACK in silence")
class ListenIgnoresAck(Connection):
    def listen_ack(self, seg: Segment) -> bool:
        return bool(seg.flags & ACK)


@mutant("LISTEN answers SYN,ACK with SYN,ACK: it looks at SYN before ACK")
class ListenSynBeforeAck(Connection):
    def listen_ack(self, seg: Segment) -> bool:
        return not seg.flags & SYN and super().listen_ack(seg)


@mutant("LISTEN answers SYN with RST set with SYN,ACK: it looks at SYN before RST")
class ListenSynBeforeRst(Connection):
    def listen_rst(self, seg: Segment) -> bool:
        return not seg.flags & SYN and super().listen_rst(seg)


@mutant("LISTEN takes a FIN without SYN for a SYN")
class ListenFinOpens(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        return super().listen_syn(replace(seg, flags=seg.flags | SYN) if seg.flags & FIN else seg)


@mutant("LISTEN answers a segment without any flag with RST")
class ListenNullReset(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        if not seg.flags & (SYN | FIN | PSH | URG):
            self.put(self.form_reset(seg))
        return super().listen_syn(seg)


@mutant("LISTEN answers FIN, PSH and URG together with RST")
class ListenChristmasTreeReset(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        if seg.flags & (SYN | FIN | PSH | URG) == FIN | PSH | URG:
            self.put(self.form_reset(seg))
        return super().listen_syn(seg)


@mutant("LISTEN answers data without ACK with RST")
class ListenDataReset(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        if seg.payload and not seg.flags & SYN:
            self.put(self.form_reset(seg))
        return super().listen_syn(seg)


@mutant("SYN with FIN makes a half-closed ghost: CLOSE-WAIT before ESTABLISHED")
class SynFinHalfCloses(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        done = super().listen_syn(seg)
        if seg.flags & FIN and self.state is State.SYN_RECEIVED:
            self.tcb.rcv.nxt = add(self.tcb.rcv.nxt, 1)
            self.state = State.CLOSE_WAIT
        return done


# -- handshake and options


@mutant("SYN,ACK acknowledges the SYN's own number, not the next", handshake=False)
class SynAckOffByOne(Altering):
    def alter(self, segment: Segment) -> Segment:
        return replace(segment, ack=add(segment.ack, -1)) if segment.flags & SYN else segment


@mutant("the initial sequence number is always the same")
class IssConstant(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        self.renumber(1)
        return super().listen_syn(seg)


class _Offering(Connection):
    """Offers what it should not, or keeps back what it should."""

    def change(self, offer: Offer) -> Offer:
        """The offer to make instead."""
        return offer

    def make_offer(self, flags: int) -> Offer:
        return self.change(super().make_offer(flags))


@mutant("SYN,ACK has no MSS option")
class MssNotSent(_Offering):
    def change(self, offer: Offer) -> Offer:
        return replace(offer, mss=None)


@mutant("the MSS it offers is more than its link carries")
class MssBeyondMtu(_Offering):
    def change(self, offer: Offer) -> Offer:
        return replace(offer, mss=9000)


@mutant("SYN,ACK has a window scale option although the SYN had none")
class WscaleUnasked(_Offering):
    def change(self, offer: Offer) -> Offer:
        return replace(offer, wscale=7)


@mutant("SYN,ACK has a window shift above 14")
class WscaleTooLarge(_Offering):
    def change(self, offer: Offer) -> Offer:
        return offer if offer.wscale is None else replace(offer, wscale=15)


@mutant("SYN,ACK has timestamps although the SYN had none")
class TimestampsUnasked(_Offering):
    def change(self, offer: Offer) -> Offer:
        return replace(offer, timestamps=True)


@mutant("SYN,ACK has SACK-permitted although the SYN had not")
class SackUnasked(_Offering):
    def change(self, offer: Offer) -> Offer:
        return replace(offer, sack=True)


@mutant("SYN,ACK reflects both ECN bits of the SYN")
class EcnReflected(Altering):
    def alter(self, segment: Segment) -> Segment:
        bits = self.theirs.ecn if self.theirs is not None and segment.flags & SYN else 0
        return replace(segment, flags=segment.flags | bits)


@mutant("SYN,ACK has ECE whatever the SYN had")
class EcnUnasked(Altering):
    def alter(self, segment: Segment) -> Segment:
        return replace(segment, flags=segment.flags | ECE) if segment.flags & SYN else segment


@mutant("SYN,ACK is ECN-capable transport")
class SynAckEct(Connection):
    def departures(self, now: float) -> list[tuple[Segment, int]]:
        return [(segment, 2 if segment.flags & SYN else ecn) for segment, ecn in super().departures(now)]


@mutant("an option of the SYN,ACK runs beyond the header")
class OptionsMalformed(Altering):
    def alter(self, segment: Segment) -> Segment:
        return replace(segment, options=segment.options + b"\xfe\x09\0\0") if segment.flags & SYN else segment


@mutant("the peer's MSS option is ignored: segments are as large as the interface allows")
class MssIgnored(Connection):
    def payload_limit(self) -> int:
        return self.config.mtu - 40 - (12 if self.tcb.ts_on else 0)


@mutant("without an MSS option of the peer segments are larger than the default of 536")
class MssDefaultLarge(Connection):
    def negotiate(self, syn_flags: int) -> None:
        super().negotiate(syn_flags)
        if self.theirs is not None and self.theirs.mss is None:
            self.tcb.snd.mss = self.config.mtu - 40


@mutant("the bytes of the timestamps option are not taken off the segment size")
class MssForgetsOptions(Connection):
    def payload_limit(self) -> int:
        return self.tcb.snd.mss


@mutant("the MSS option is sent in every segment")
class MssOnEverySegment(Altering):
    def alter(self, segment: Segment) -> Segment:
        extra = b"" if segment.flags & (SYN | RST) or len(segment.options) > 36 else b"\x02\x04\x05\xb4"
        return replace(segment, options=segment.options + extra)


@mutant("the echoed timestamp is not the peer's")
class TsecrWrong(Altering):
    def alter(self, segment: Segment) -> Segment:
        if self.tcb.ts_on and segment.options[:4] == b"\1\1\x08\x0a":
            return replace(segment, options=segment.options[:8] + b"\0\0\0\1" + segment.options[12:])
        return segment


@mutant("the timestamp that a SYN,ACK echoes is not the SYN's")
class TsecrWrongInSynAck(Connection):
    def form_syn(self, flags: int) -> Segment:
        self.tcb.ts_recent ^= 1
        return super().form_syn(flags)


@mutant("timestamps stop after the handshake")
class TimestampsDropped(Altering):
    drops_unstamped = False

    def alter(self, segment: Segment) -> Segment:
        return segment if segment.flags & SYN else replace(segment, options=b"")


@mutant("the clock of its timestamps stands still")
class TimestampsFrozen(Connection):
    def timestamp(self) -> int:
        return self.tcb.ts_offset


@mutant("no PAWS: an old timestamp is taken")
class PawsMissing(Connection):
    def check_timestamp(self, seg: Segment) -> bool:  # noqa: ARG002
        return False


@mutant("PAWS is applied to RST too")
class PawsDropsRst(Connection):
    def check_rst(self, seg: Segment) -> bool:
        stamps = self.stamps(seg)
        stale = self.tcb.ts_on and stamps is not None and diff(stamps[0], self.tcb.ts_recent) < 0
        return (stale and bool(seg.flags & RST)) or super().check_rst(seg)


@mutant("TS.Recent is taken from segments ahead of the left window edge")
class TsRecentFromAnywhere(Connection):
    def note_timestamp(self, seg: Segment) -> bool:
        done = super().note_timestamp(seg)
        stamps = self.stamps(seg)
        if self.tcb.ts_on and stamps is not None and not seg.flags & RST:
            self.tcb.ts_recent = stamps[0]
        return done


# -- SYN-RECEIVED


@mutant("SYN-RECEIVED takes any acknowledgment")
class SynReceivedAnyAck(Connection):
    def check_ack(self, seg: Segment) -> bool:
        if self.state is State.SYN_RECEIVED:
            seg = replace(seg, ack=self.tcb.snd.nxt)
        return super().check_ack(seg)


@mutant("SYN-RECEIVED drops a bad acknowledgment in silence")
class SynReceivedBadAckSilent(Connection):
    def check_ack(self, seg: Segment) -> bool:
        if self.state is State.SYN_RECEIVED and not self.acceptable_ack(seg):
            return True
        return super().check_ack(seg)


@mutant("SYN-RECEIVED gives up at a bad acknowledgment")
class SynReceivedBadAckFatal(Connection):
    def check_ack(self, seg: Segment) -> bool:
        received = self.state is State.SYN_RECEIVED
        done = super().check_ack(seg)
        if received and self.state is State.SYN_RECEIVED:
            self.back_to_listen()
        return done


@mutant("a RST in SYN-RECEIVED kills the listener")
class SynReceivedRstKillsListener(Connection):
    dead = False

    def take_rst(self) -> None:
        type(self).dead |= self.state is State.SYN_RECEIVED
        super().take_rst()

    def listen_syn(self, seg: Segment) -> bool:
        return self.dead or super().listen_syn(seg)


@mutant("a RST in SYN-RECEIVED is ignored")
class SynReceivedRstIgnored(Connection):
    def take_rst(self) -> None:
        if self.state is not State.SYN_RECEIVED:
            super().take_rst()


@mutant("SYN,ACK is never sent again")
class SynAckNotRepeated(Connection):
    def retransmit_expired(self) -> None:
        if self.state is not State.SYN_RECEIVED:
            super().retransmit_expired()

    def check_simultaneous(self, seg: Segment) -> bool:
        again = seg.flags & (SYN | ACK | RST) == SYN and seg.seq == self.tcb.irs
        return (again and self.state is State.SYN_RECEIVED) or super().check_simultaneous(seg)


@mutant("SYN,ACK is sent again for ever, each second")
class SynAckForEver(Connection):
    def retransmit_expired(self) -> None:
        if self.state is State.SYN_RECEIVED:
            self.progress = self.now
            self.rto.value = 0.5
        super().retransmit_expired()
