"""Mutants that serve anybody as long as not too many come."""

from __future__ import annotations

from tcpprobe.lab.mutant import mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.endpoint import Endpoint, Pair
from tcpprobe.tcp.state import State
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment


class _Crowded(Endpoint):
    """Something changes once too many of its connections are like `counts`."""

    limit = 64

    def counts(self, connection: Connection) -> bool:
        """Whether it is one of them."""
        return connection.state is State.SYN_RECEIVED

    def crowded(self) -> bool:
        """Whether there are too many."""
        return sum(map(self.counts, self.connections.values())) >= self.limit


class _LockingOut(_Crowded):
    """Nobody new is let in then."""

    def _arrives_unknown(
        self, packet: Packet, segment: Segment, pair: Pair, before: Connection | None, now: float
    ) -> None:
        if not self.crowded():
            super()._arrives_unknown(packet, segment, pair, before, now)


@mutant("while too many connections are half open no SYN is taken")
class SynFloodLocksOut(_LockingOut):
    pass


@mutant("while too many connections wait for a window to open no other is taken")
class ZeroWindowsLockOut(_LockingOut):
    def counts(self, connection: Connection) -> bool:
        return connection.state is State.ESTABLISHED and not connection.tcb.snd.wnd and connection.unsent > 0


@mutant("while too many connections are half open the window scale is agreed to and forgotten (SYN cookies)")
class CookiesForgetScale(_Crowded):
    def _arrives_unknown(
        self, packet: Packet, segment: Segment, pair: Pair, before: Connection | None, now: float
    ) -> None:
        super()._arrives_unknown(packet, segment, pair, before, now)
        if self.crowded() and pair in self.connections:
            self.connections[pair].tcb.snd.scale = 0


@mutant("a connection that is reset keeps its place, and there are a hundred")
class ResetsUseUp(Connection):
    lost = 0

    def take_rst(self) -> None:
        type(self).lost += 1
        super().take_rst()

    def listen_syn(self, seg: Segment) -> bool:
        return self.lost >= 100 or super().listen_syn(seg)
