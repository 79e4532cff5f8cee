"""Mutants that get wrong what the network tells and does: ICMP errors, addresses, fragments, congestion marks."""

from __future__ import annotations

from dataclasses import replace

from tcpprobe.lab.mutant import Readdressing, mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import ACK, FIN, SYN
from tcpprobe.wire.hosts import is_a_host
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet, encode, quoted_tuple
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, within

# -- Datagram Too Big, Packet Too Big


@mutant("Datagram Too Big is ignored")
class TooBigIgnored(Connection):
    def path_mtu(self, mtu: int) -> None:
        pass


@mutant("Datagram Too Big without a size is ignored")
class TooBigWithoutSizeIgnored(Connection):
    def error_arrives(self, name: str, seq: int, mtu: int | None, now: float) -> None:
        if mtu != 0:
            super().error_arrives(name, seq, mtu, now)


@mutant("Datagram Too Big makes the outstanding segments smaller, but not those that follow")
class TooBigForgotten(Connection):
    def path_mtu(self, mtu: int) -> None:
        before = self.tcb.snd.mss
        super().path_mtu(mtu)
        self.later_mss = before

    later_mss = 0

    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        if self.later_mss:
            self.tcb.snd.mss = self.later_mss
        super().segment_arrives(seg, now, ecn=ecn)


@mutant("Datagram Too Big is believed however small it says: a packet may have a single octet of data")
class TooBigWithoutFloor(Connection):
    def path_mtu(self, mtu: int) -> None:
        super().path_mtu(mtu)
        self.tcb.snd.mss = min(self.tcb.snd.mss, max(mtu - 40, 1))


@mutant("Packet Too Big below the least that IPv6 allows is believed")
class TooBigBelowLeast(Connection):
    def path_mtu(self, mtu: int) -> None:
        super().path_mtu(max(mtu, 1280) if len(self.tcb.local[0]) == 16 else mtu)


@mutant("Datagram Too Big that tells a larger size makes segments larger")
class TooBigRaises(Connection):
    def path_mtu(self, mtu: int) -> None:
        super().path_mtu(mtu)
        self.tcb.snd.mss = max(self.tcb.snd.mss, min(mtu, 1500) - (40 if len(self.tcb.local[0]) == 4 else 60))


@mutant("after Datagram Too Big a larger segment is tried ten seconds later")
class TooBigSoonForgotten(Connection):
    until = 0.0
    before = 0

    def path_mtu(self, mtu: int) -> None:
        if not self.before:
            self.before, self.until = self.tcb.snd.mss, self.now + 10
        super().path_mtu(mtu)

    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        if self.before and now > self.until:
            self.tcb.snd.mss = self.before
        super().segment_arrives(seg, now, ecn=ecn)


@mutant("every Datagram Too Big makes it send all that is outstanding again")
class TooBigMultiplies(Connection):
    def path_mtu(self, mtu: int) -> None:
        super().path_mtu(mtu)
        for sent in self.flight:
            self.flight.mark_lost(sent)


# -- other ICMP errors


class _Believing(Connection):
    """Takes ICMP errors otherwise."""

    def other_error(self, name: str) -> None:
        """An error about a segment that is outstanding."""

    def error_arrives(self, name: str, seq: int, mtu: int | None, now: float) -> None:
        super().error_arrives(name, seq, mtu, now)
        if within(self.tcb.snd.una, seq, self.tcb.snd.nxt):
            self.other_error(name)


@mutant("ICMP errors count whatever sequence number they quote")
class IcmpSequenceUnchecked(Connection):
    def error_arrives(self, name: str, seq: int, mtu: int | None, now: float) -> None:  # noqa: ARG002
        super().error_arrives(name, self.tcb.snd.una, mtu, now)
        if name in ("port-unreachable", "protocol-unreachable"):
            self.be_reset()


@mutant("a soft ICMP error ends the connection")
class SoftErrorEnds(_Believing):
    def other_error(self, name: str) -> None:
        if name in ("net-unreachable", "host-unreachable", "source-route-failed", "time-exceeded"):
            self.be_reset()


@mutant("an ICMP Parameter Problem, or a datagram that was not reassembled in time, ends the connection")
class ParameterProblemEnds(_Believing):
    def other_error(self, name: str) -> None:
        if name in ("parameter-problem", "reassembly-time-exceeded", "unrecognized-option"):
            self.be_reset()


@mutant("an unrecognized next header, which IPv6 reports of the target's packet, ends the connection")
class NextHeaderProblemEnds(_Believing):
    def other_error(self, name: str) -> None:
        if name == "protocol-unreachable" and len(self.tcb.local[0]) == 16:
            self.be_reset()


@mutant("after a hard ICMP error nothing is sent any more, and the connection stays")
class HardErrorStalls(_Believing):
    stalled = False

    def other_error(self, name: str) -> None:
        self.stalled |= name in ("protocol-unreachable", "port-unreachable")

    def departures(self, now: float) -> list[tuple[Segment, int]]:
        return [] if self.stalled else super().departures(now)


@mutant("a half-open connection does not heed hard ICMP errors")
class HardErrorHalfOpenIgnored(Connection):
    def refused(self) -> None:
        if self.state is not State.SYN_RECEIVED:
            super().refused()


@mutant("a source quench brings the congestion window down to one segment")
class SourceQuenchObeyed(_Believing):
    def other_error(self, name: str) -> None:
        if name == "source-quench":
            self.congestion.cwnd = self.tcb.snd.mss


@mutant("a source quench answers every twentieth packet")
class SourceQuenchSent(Endpoint):
    count = 0
    quenches: tuple[Packet, ...] = ()

    def packet_arrives(self, packet: Packet, now: float) -> None:
        super().packet_arrives(packet, now)
        self.count += 1
        if not self.count % 20 and len(packet.src) == 4:
            self.quenches = (Packet(packet.dst, packet.src, Icmp(4, 0, quote=encode(packet)[:28])),)

    def packets_to_send(self, now: float) -> list[Packet]:
        quenches, self.quenches = self.quenches, ()
        return [*super().packets_to_send(now), *quenches]


# -- addresses


@mutant("a SYN is answered whoever it claims to come from")
class InvalidSourceAnswered(Endpoint):
    def packet_arrives(self, packet: Packet, now: float) -> None:
        seg = packet.payload
        if isinstance(seg, Segment) and not is_a_host(packet.src) and packet.dst in self.addresses:
            answer = Segment(seg.dport, seg.sport, 77, add(seg.seq, 1), SYN | ACK, 1000)
            self.answers.append(Packet(packet.dst, packet.src, answer))
        super().packet_arrives(packet, now)

    def packets_to_send(self, now: float) -> list[Packet]:
        answers = self.answers[:]
        self.answers.clear()
        return super().packets_to_send(now) + answers

    @property
    def answers(self) -> list[Packet]:
        found: list[Packet] = self.__dict__.setdefault("_answers", [])
        return found


@mutant("a segment is taken whatever address it is sent to")
class InvalidDestinationTaken(Endpoint):
    def packet_arrives(self, packet: Packet, now: float) -> None:
        if packet.dst not in self.addresses:
            (own,) = self.addresses
            packet = replace(packet, dst=own, raw=b"")
        super().packet_arrives(packet, now)


@mutant("what has FIN is sent from another address")
class OtherAddress(Readdressing):
    def readdress(self, packet: Packet) -> Packet:
        seg = packet.payload
        if not isinstance(seg, Segment) or not seg.flags & FIN:
            return packet
        return replace(packet, src=packet.src[:-1] + bytes((packet.src[-1] ^ 2,)))


@mutant("packets are sent without DF")
class DfMissing(Readdressing):
    def readdress(self, packet: Packet) -> Packet:
        return replace(packet, df=False)


@mutant("an ICMP error that quotes no TCP segment hangs the target: nothing is answered from then on")
class IcmpWithoutQuoteHangs(Endpoint):
    hung = False

    def packet_arrives(self, packet: Packet, now: float) -> None:
        icmp = packet.payload
        self.hung |= isinstance(icmp, Icmp) and quoted_tuple(icmp, 4 if len(packet.src) == 4 else 6) is None
        if not self.hung:
            super().packet_arrives(packet, now)


@mutant("after one lost SYN,ACK the initial window is one segment")
class LostSynPunished(Connection):
    def syn_acked(self, seg: Segment) -> None:
        repeated = bool(self.flight) and self.flight.head.count > 1
        super().syn_acked(seg)
        if repeated:
            self.congestion.cwnd = self.tcb.snd.mss


# -- what comes with time and with habits


@mutant("keep-alives that nobody asked for: every five seconds of silence")
class KeepAliveUnasked(Connection):
    def syn_acked(self, seg: Segment) -> None:
        super().syn_acked(seg)
        self.not_idle(5.0)


@mutant("segments are as small as what the application wrote first")
class WritesKeptApart(Connection):
    written = 0

    def send(self, data: bytes, now: float, *, urgent: bool = False) -> None:
        self.written = self.written or len(data)
        super().send(data, now, urgent=urgent)

    def payload_limit(self) -> int:
        limit = super().payload_limit()
        return min(limit, self.written or limit)
