"""Mutants that do not go back by the way that a source route tells."""

from __future__ import annotations

from dataclasses import replace

from tcpprobe.lab.mutant import mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.wire.flags import FIN
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.route import ReturnRoute, encode_route, source_route
from tcpprobe.wire.segment import Segment


@mutant("the return route of a source route is not kept")
class RouteForgotten(Connection):
    def route_arrives(self, packet: Packet, seg: Segment) -> None:
        pass


@mutant("the return route is used for the SYN,ACK only")
class RouteOfSynOnly(Connection):
    def syn_acked(self, seg: Segment) -> None:
        super().syn_acked(seg)
        self.return_route = None


@mutant("the return route is used until the peer closes")
class RouteUntilFin(Connection):
    def segment_arrives(self, seg: Segment, now: float, *, ecn: int = 0) -> None:
        if seg.flags & FIN:
            self.return_route = None
        super().segment_arrives(seg, now, ecn=ecn)


@mutant("the return route is not reversed")
class RouteNotReversed(Connection):
    def route_arrives(self, packet: Packet, seg: Segment) -> None:
        super().route_arrives(packet, seg)
        route = source_route(packet.options)
        if self.return_route is not None and route is not None:
            first, *rest = route.passed
            self.return_route = ReturnRoute(first, encode_route(route.kind, (*rest, packet.src)))


@mutant("the return route is a record of where the packet has been, and nothing to follow")
class RoutePassed(Connection):
    def route_arrives(self, packet: Packet, seg: Segment) -> None:
        super().route_arrives(packet, seg)
        if self.return_route is not None:
            self.return_route = replace(self.return_route, first=packet.src, options=packet.options)


@mutant("a later source route does not override an earlier one")
class RouteKept(Connection):
    def route_arrives(self, packet: Packet, seg: Segment) -> None:
        if self.return_route is None:
            super().route_arrives(packet, seg)
