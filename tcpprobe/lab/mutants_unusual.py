"""Mutants that stumble over what is rare but allowed: options, IP headers, ports, and openings out of the ordinary."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from tcpprobe.lab.mutant import Altering, mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.negotiation import Offer
from tcpprobe.tcp.state import State
from tcpprobe.wire import options
from tcpprobe.wire.flags import ACK, AE, CWR, ECE, PSH, RST, SYN
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment, decode_segment
from tcpprobe.wire.seq import add, diff

_IMPLEMENTED = frozenset((0, 1, 2, 3, 4, 5, 8))
"""The kinds of option that our TCP takes part in."""


class _Hanging(Connection):
    """Something makes the whole port fall silent, for good."""

    hung = False

    def fatal(self, packet: Packet, seg: Segment) -> bool:
        """Whether it is this packet."""
        raise NotImplementedError

    def admits(self, packet: Packet) -> bool:
        seg = packet.payload
        if isinstance(seg, Segment) and self.fatal(packet, seg):
            type(self).hung = True
        return not self.hung and super().admits(packet)


# -- options


@mutant("SYN,ACK copies an unknown option of the SYN")
class UnknownOptionEchoed(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        self.strange = [item for item in seg.parsed.items if item.kind not in _IMPLEMENTED]
        return super().listen_syn(seg)

    def form_syn(self, flags: int) -> Segment:
        syn = super().form_syn(flags)
        syn.options += options.pad_options(options.encode_options(self.strange))
        return syn


@mutant("an option it does not know makes it reset the connection")
class UnknownOptionResets(Connection):
    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        if any(item.kind not in _IMPLEMENTED for item in seg.parsed.items):
            self.put_reset(seg)
        else:
            super().segment_arrives(seg, now, ecn=ecn)


@mutant("an illegal option length hangs the port: nothing is answered from then on")
class IllegalOptionLengthHangs(_Hanging):
    def fatal(self, packet: Packet, seg: Segment) -> bool:  # noqa: ARG002
        return seg.parsed.problem is not None


def _signatures(seg: Segment) -> int:
    """How many options there are of TCP MD5 (RFC 2385) and TCP-AO (RFC 5925)."""
    return sum(item.kind in (19, 29) for item in seg.parsed.items)


@mutant("what has a signature that cannot be checked is not taken, but acknowledged like what is outside the window")
class WrongSignatureAnswered(Connection):
    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        if self.synchronized and _signatures(seg):
            self.put_ack()
        else:
            super().segment_arrives(seg, now, ecn=ecn)


@mutant("two signatures in one segment hang the port: nothing is answered from then on")
class SignatureTwiceHangs(_Hanging):
    def fatal(self, packet: Packet, seg: Segment) -> bool:  # noqa: ARG002
        return _signatures(seg) > 1


@mutant("options on a data segment make it drop the segment")
class OptionsOnDataDropped(Connection):
    def take_text(self, seg: Segment) -> bool:
        return (bool(seg.options) and not self.tcb.ts_on) or super().take_text(seg)


@mutant("bytes after an End of Option List are read as options")
class OptionsAfterEol(Connection):
    def take_syn(self, seg: Segment) -> None:
        super().take_syn(replace(seg, options=seg.options.replace(b"\0\x02\x04", b"\1\x02\x04")))


@mutant("a SYN that has an option twice is dropped")
class OptionTwiceDropped(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        kinds = [item.kind for item in seg.parsed.items if item.kind != options.NOP]
        return len(kinds) > len(set(kinds)) or super().listen_syn(seg)


@mutant("timestamps behind anything but two NOPs are overlooked on data")
class TimestampsOnlyAligned(Connection):
    def stamps(self, seg: Segment) -> tuple[int, int] | None:
        usual = self.state in (State.LISTEN, State.SYN_RECEIVED) or seg.options[:3] == b"\1\1\x08"
        return super().stamps(seg) if usual else None


@mutant("a SYN whose timestamps echo something is dropped")
class EchoInSynDropped(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        stamps = seg.parsed.timestamps
        return (stamps is not None and stamps[1] != 0) or super().listen_syn(seg)


@mutant("the timestamps of all connections come from one clock")
class TimestampsOneClock(Connection):
    def timestamp(self) -> int:
        return diff(super().timestamp(), self.tcb.ts_offset) & 0xFFFFFFFF


@mutant("SYN,ACK has a Multipath TCP option although the SYN had none")
class MultipathUnasked(Altering):
    def alter(self, segment: Segment) -> Segment:
        extra = b"\x1e\x04\x01\x01" if segment.flags & SYN else b""
        return replace(segment, options=segment.options + extra)


# -- ECN


@mutant("SYN,ACK reflects the reserved bits of the SYN that ECN has taken")
class EcnBitsReflected(Altering):
    bits = 0

    def listen_syn(self, seg: Segment) -> bool:
        self.bits = seg.flags & (AE | CWR | ECE)
        return super().listen_syn(seg)

    def alter(self, segment: Segment) -> Segment:
        return replace(segment, flags=segment.flags | self.bits) if segment.flags & SYN else segment


@mutant("who asks for ECN does not get it")
class EcnRefused(Connection):
    def make_offer(self, flags: int) -> Offer:
        return replace(super().make_offer(flags), ecn=0)


@mutant("CE is echoed even of packets outside the window")
class EcnOutsideWindow(Connection):
    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        if self.tcb.ecn_on and ecn == 3:
            self.echo_congestion = True
        super().segment_arrives(seg, now, ecn=ecn)


# -- IP


@mutant("a packet that arrives with a time to live of 1 is dropped")
class TtlOneDropped(Connection):
    def admits(self, packet: Packet) -> bool:
        return packet.ttl > 1 and super().admits(packet)


@mutant("packets with IP options or extension headers are dropped")
class IpOptionsDropped(Connection):
    def admits(self, packet: Packet) -> bool:
        return not packet.options and super().admits(packet)


@mutant("what follows the end that the IP header tells is taken for data")
class PaddingTaken(Connection):
    def packet_arrives(self, packet: Packet, now: float) -> None:
        head = 20 + len(packet.options)
        if len(packet.src) == 4 and len(packet.raw) > (packet.total_length or 0) >= head + 20:
            packet = replace(packet, payload=decode_segment(packet.raw[head:])[0], raw=b"")
        super().packet_arrives(packet, now)


# -- openings


@mutant("port zero hangs the target: nothing is answered from then on")
class PortZeroHangs(_Hanging):
    def fatal(self, packet: Packet, seg: Segment) -> bool:  # noqa: ARG002
        return not seg.sport or not seg.dport


@mutant("a listening port that was told two hundred bad acknowledgments is silent")
class StrayAcknowledgmentsHang(_Hanging):
    told = 0

    def fatal(self, packet: Packet, seg: Segment) -> bool:  # noqa: ARG002
        type(self).told += self.state is State.LISTEN and bool(seg.flags & ACK)
        return self.told >= 200


@mutant("a RST acknowledges with what stands in the acknowledgment field although ACK is not set")
class ClosedAckFieldRead(Connection):
    def form_reset(self, cause: Segment) -> Segment:
        reset = super().form_reset(cause)
        return reset if cause.flags & ACK or not cause.ack else replace(reset, seq=cause.ack, ack=0, flags=RST)


@mutant("LISTEN drops a SYN that has PSH")
class ListenSynWithPushDropped(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        return bool(seg.flags & PSH) or super().listen_syn(seg)


@mutant("a SYN with data opens the connection at once, and the data is delivered")
class SynDataDelivered(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        done = super().listen_syn(seg)
        if seg.payload and self.state is State.SYN_RECEIVED:
            self.syn_acked(replace(seg, ack=self.tcb.snd.nxt, options=b""))
            self.take_text(replace(seg, seq=add(seg.seq, 1), flags=ACK, options=b""))
        return done


@mutant("the initial sequence number is a clock and nothing else")
class IssClockAlone(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        self.renumber(int(self.now / 4e-6) & 0xFFFFFFFF)
        return super().listen_syn(seg)


@mutant("the initial sequence number depends on the ports and not on the time")
class IssWithoutClock(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        digest = hashlib.blake2b(b"%d %d" % (seg.sport, seg.dport), digest_size=4).digest()
        self.renumber(int.from_bytes(digest, "big"))
        return super().listen_syn(seg)


@mutant("SYN,ACK is sent again after a fifth of a second")
class SynAckHasty(Connection):
    def listen_syn(self, seg: Segment) -> bool:
        self.rto.value = 0.2
        return super().listen_syn(seg)


@mutant("SYN,ACK has no options when it is sent again")
class SynAckBareAgain(Altering):
    said = False

    def alter(self, segment: Segment) -> Segment:
        again, self.said = self.said, bool(segment.flags & SYN)
        return replace(segment, options=b"") if again and segment.flags & SYN else segment


@mutant("the acknowledgment that completes the handshake is acknowledged")
class HandshakeAckAnswered(Connection):
    def syn_acked(self, seg: Segment) -> None:
        super().syn_acked(seg)
        self.put_ack()


@mutant("a SYN outside the window ends a half-open connection")
class SynReceivedOtherSynEnds(Connection):
    def check_sequence(self, seg: Segment) -> bool:
        if self.state is State.SYN_RECEIVED and seg.flags & SYN and not self.acceptable(seg):
            self.back_to_listen()
            return True
        return super().check_sequence(seg)


@mutant("a SYN inside the window of a half-open connection kills the listener")
class SynReceivedSynKillsListener(Connection):
    dead = False

    def check_syn(self, seg: Segment) -> bool:
        type(self).dead |= self.state is State.SYN_RECEIVED and bool(seg.flags & SYN)
        return super().check_syn(seg)

    def listen_syn(self, seg: Segment) -> bool:
        return self.dead or super().listen_syn(seg)
