"""Mutants that get wrong what the network tells and does: ICMP errors, addresses, fragments, congestion marks."""

from __future__ import annotations

from tcpprobe.lab.mutant import mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.wire.segment import Segment

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
