"""Mutants of Accurate ECN (RFC 9768)."""

from __future__ import annotations

from dataclasses import replace

from tcpprobe.lab.mutant import Altering, mutant
from tcpprobe.tcp.accecn import BITS, CE, FEEDBACK, Accurate, asks
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.negotiation import Offer
from tcpprobe.wire.flags import CWR
from tcpprobe.wire.options import ACCURATE_ECN_0, ACCURATE_ECN_1, NOP
from tcpprobe.wire.segment import Segment

_KINDS = (ACCURATE_ECN_0, ACCURATE_ECN_1)

# -- the handshake


@mutant("only AE, CWR and ECE together ask for Accurate ECN: other combinations are no request")
class AccurateAsLaidDown(Connection):
    def make_offer(self, flags: int) -> Offer:
        offer = super().make_offer(flags)
        asked = self.theirs.ecn if self.theirs is not None else BITS
        return replace(offer, ecn=0) if asks(asked) and asked != BITS else offer


@mutant("a SYN without ECN that comes again ends Accurate ECN")
class AccurateEndedBySyn(Connection):
    def note_syn_again(self, seg: Segment) -> None:
        super().note_syn_again(seg)
        if self.theirs is not None and not seg.flags & BITS:
            self.theirs = replace(self.theirs, ecn=0)
            self.tcb.accurate = None


@mutant("a handshake with both Accurate ECN and RFC 3168's goes on")
class AccurateMixed(Connection):
    def mixes_ecn(self, bits: int) -> bool:  # noqa: ARG002
        return False


@mutant("the SYN,ACK says how the first SYN arrived, whatever comes again")
class AccurateOfFirstSyn(Connection):
    def note_syn_again(self, seg: Segment) -> None:
        mark = self.theirs.mark if self.theirs is not None else 0
        super().note_syn_again(seg)
        if self.theirs is not None:
            self.theirs = replace(self.theirs, mark=mark)


@mutant("Accurate ECN takes no notice of a SYN without ECN: data is sent with ECT(0)")
class AccurateEctAfterPlainSyn(Connection):
    def note_syn_again(self, seg: Segment) -> None:
        super().note_syn_again(replace(seg, flags=seg.flags | BITS))


@mutant("whatever the ACK says that ends a handshake with Accurate ECN, data is sent with ECT(0)")
class AccurateHandshakeUnread(Connection):
    def hear_opening(self, seg: Segment, accurate: Accurate) -> bool:
        told = super().hear_opening(seg, accurate)
        accurate.may_mark = True
        return told


@mutant("Accurate ECN ends when the ACK that ends the handshake has none of its bits")
class AccurateEndedByZero(Connection):
    def hear_opening(self, seg: Segment, accurate: Accurate) -> bool:
        told = super().hear_opening(seg, accurate)
        if not seg.flags & BITS:
            self.tcb.accurate = None
        return told


# -- the counter


class _Counting(Connection):
    """Counts in another way."""

    def begin(self, accurate: Accurate) -> None:
        """What counts has just begun."""
        raise NotImplementedError

    def negotiate(self, syn_flags: int) -> None:
        before = self.tcb.accurate
        super().negotiate(syn_flags)
        if before is None and self.tcb.accurate is not None:
            self.begin(self.tcb.accurate)


@mutant("the count of packets marked CE begins at zero")
class AccurateFromZero(_Counting):
    def begin(self, accurate: Accurate) -> None:
        accurate.cep = 0


@mutant("a SYN marked CE is counted")
class AccurateSynCounted(_Counting):
    def begin(self, accurate: Accurate) -> None:
        accurate.cep += self.ip_ecn == CE


class _Receiving(Connection):
    """Takes notice of marks in another way."""

    def noted(self, accurate: Accurate, before: int, size: int) -> None:
        """A packet with ``size`` octets has been counted; the count was ``before``."""
        raise NotImplementedError

    def note_congestion(self, seg: Segment) -> bool:
        accurate = self.tcb.accurate
        before = accurate.cep if accurate is not None else 0
        done = super().note_congestion(seg)
        if accurate is not None:
            self.noted(accurate, before, len(seg.payload))
        return done


@mutant("the count of packets marked CE does not go beyond 7")
class AccurateSaturates(_Receiving):
    def noted(self, accurate: Accurate, before: int, size: int) -> None:  # noqa: ARG002
        accurate.cep = min(accurate.cep, 7)


@mutant("marks on packets without data are not counted")
class AccurateOfDataOnly(_Receiving):
    def noted(self, accurate: Accurate, before: int, size: int) -> None:
        accurate.cep = accurate.cep if size else before


@mutant("of marked packets one for each acknowledgment is counted")
class AccurateOncePerAck(_Receiving):
    def noted(self, accurate: Accurate, before: int, size: int) -> None:  # noqa: ARG002
        if accurate.marks > 1:
            accurate.cep = before


@mutant("data has no count of packets marked CE")
class AccurateInAcksOnly(Altering):
    def alter(self, segment: Segment) -> Segment:
        bare = self.tcb.accurate is not None and segment.payload
        return replace(segment, flags=segment.flags & ~BITS) if bare else segment


@mutant("with Accurate ECN feedback of a mark is answered with CWR")
class AccurateCwr(Altering):
    answering = False

    def hear_marks(self, seg: Segment, accurate: Accurate, ahead: int) -> bool:
        told = super().hear_marks(seg, accurate, ahead)
        self.answering |= told
        return told

    def alter(self, segment: Segment) -> Segment:
        if not (self.answering and segment.payload):
            return segment
        self.answering = False
        return replace(segment, flags=segment.flags | CWR)


@mutant("with Accurate ECN feedback of marks is not obeyed")
class AccurateUnheeded(Connection):
    def hear_marks(self, seg: Segment, accurate: Accurate, ahead: int) -> bool:
        super().hear_marks(seg, accurate, ahead)
        return False


@mutant("with Accurate ECN a SYN in a connection is acknowledged with the code of how it arrived")
class AccurateSynReflected(Connection):
    def challenge(self) -> None:
        if self.tcb.accurate is not None:
            self.tcb.accurate.handshake = FEEDBACK[self.ip_ecn]
        super().challenge()


# -- when marks are acknowledged


@mutant("the first data marked CE is acknowledged with what comes after it")
class AccurateChangeWaits(Connection):
    def note_congestion(self, seg: Segment) -> bool:
        if self.tcb.accurate is not None and seg.payload:
            self.tcb.accurate.after_mark = True
        return super().note_congestion(seg)


@mutant("acknowledgments marked CE are never acknowledged")
class AccurateAcksUnacknowledged(Connection):
    def note_congestion(self, seg: Segment) -> bool:
        if self.tcb.accurate is not None and not seg.payload:
            self.tcb.accurate.marks = -1
        return super().note_congestion(seg)


@mutant("every acknowledgment marked CE is acknowledged")
class AccurateAcksPingPong(Connection):
    def note_congestion(self, seg: Segment) -> bool:
        if self.tcb.accurate is not None and not seg.payload:
            self.tcb.accurate.marks = 2
        return super().note_congestion(seg)


# -- the option


class _Optional(Altering):
    """Sends another AccECN option."""

    def option(self, kind: int, data: bytes) -> bytes:
        """The option to send instead."""
        raise NotImplementedError

    def alter(self, segment: Segment) -> Segment:
        found = next((each for each in segment.parsed.items if each.kind in _KINDS), None)
        if found is None:
            return segment
        was = bytes((found.kind, len(found.data) + 2)) + found.data
        now = self.option(found.kind, found.data)
        before, _, behind = segment.options.partition(was)
        raw = before.rstrip(bytes((NOP,))) + now + behind
        return replace(segment, options=bytes((NOP,)) * (-len(raw) % 4) + raw)


@mutant("the AccECN option has counters of four octets")
class AccurateOptionWide(_Optional):
    def option(self, kind: int, data: bytes) -> bytes:
        wide = b"".join(b"\0" + data[at : at + 3] for at in range(0, min(len(data), 6), 3))
        return bytes((kind, len(wide) + 2)) + wide


@mutant("the AccECN option has its counters in the other order")
class AccurateOptionReversed(_Optional):
    def option(self, kind: int, data: bytes) -> bytes:
        return bytes((ACCURATE_ECN_0 + ACCURATE_ECN_1 - kind, len(data) + 2)) + data


@mutant("the AccECN option is in the handshake only")
class AccurateOptionOnce(Connection):
    def note_congestion(self, seg: Segment) -> bool:
        done = super().note_congestion(seg)
        if self.tcb.accurate is not None:
            self.tcb.accurate.owed = False
        return done


@mutant("no AccECN option is sent, save in the SYN,ACK, to whoever has sent none")
class AccurateOptionReturned(Connection):
    met = False

    def note_congestion(self, seg: Segment) -> bool:
        done = super().note_congestion(seg)
        self.met |= any(each.kind in _KINDS for each in seg.parsed.items)
        if self.tcb.accurate is not None:
            self.tcb.accurate.owed &= self.met
        return done


@mutant("the AccECN option counts octets from zero")
class AccurateOptionFromZero(_Counting):
    def begin(self, accurate: Accurate) -> None:
        accurate.octets = [0, 0, 0, 0]


@mutant("a SYN with an AccECN option is dropped")
class AccurateOptionOnSynFatal(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        return any(each.kind in _KINDS for each in seg.parsed.items) or super().listen_syn(seg)


# -- with SACK


@mutant("with Accurate ECN duplicates are not reported")
class AccurateWithoutDuplicates(Connection):
    def report_duplicate(self, seg: Segment) -> None:
        if self.tcb.accurate is None:
            super().report_duplicate(seg)
