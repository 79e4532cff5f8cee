"""Mutants that put IP fragments together wrongly."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from tcpprobe.lab.mutant import mutant
from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.wire.fragments import LONGEST, Incomplete, Reassembly
from tcpprobe.wire.ip import PIECE, Packet


def _length(piece: Packet) -> int:
    """The octets of a fragment; what is whole counts as none."""
    return len(piece.payload) if isinstance(piece.payload, bytes) else 0


class _Reassembling(Endpoint):
    """Puts fragments together in a way of its own."""

    way: ClassVar[type[Reassembly]] = Reassembly

    def packet_arrives(self, packet: Packet, now: float) -> None:
        if type(self.reassembly) is not self.way:
            self.reassembly = self.way()
        super().packet_arrives(packet, now)


@mutant("fragments are dropped")
class FragmentsDropped(Endpoint):
    def packet_arrives(self, packet: Packet, now: float) -> None:
        if packet.problem != PIECE:
            super().packet_arrives(packet, now)


@mutant("a packet in fragments is put together up to 512 octets only")
class FragmentsSmall(Endpoint):
    def packet_arrives(self, packet: Packet, now: float) -> None:
        if packet.fragment is None or packet.fragment[0] + _length(packet) <= 512:
            super().packet_arrives(packet, now)


@mutant("fragments are put together in the order in which they come")
class FragmentsInOrderOfArrival(_Reassembling):
    class way(Reassembly):  # noqa: N801
        def whole(self, known: Incomplete, first: Packet) -> Packet | None:
            known.starts = list(known.parts)
            return super().whole(known, first)


@mutant("a packet of which a fragment comes twice is dropped")
class FragmentTwiceDropped(_Reassembling):
    class way(Reassembly):  # noqa: N801
        def take(self, known: Incomplete, packet: Packet, offset: int, more: bool, data: bytes) -> None:
            if offset in known.parts:
                known.drop()
            else:
                super().take(known, packet, offset, more, data)


@mutant("fragments belong together whatever their identification")
class FragmentsMixed(Endpoint):
    def packet_arrives(self, packet: Packet, now: float) -> None:
        super().packet_arrives(replace(packet, ident=1) if packet.problem == PIECE else packet, now)


@mutant("a packet in fragments is taken as soon as its end has come; what is missing is not missed")
class FragmentMissingIgnored(_Reassembling):
    class way(Reassembly):  # noqa: N801
        def take(self, known: Incomplete, packet: Packet, offset: int, more: bool, data: bytes) -> None:
            if not more and known.parts and offset > known.end:
                gap = replace(packet, raw=b"")
                known.put(gap, known.end, bytes(offset - known.end), last=False)
            super().take(known, packet, offset, more, data)


@mutant("of overlapping fragments the later one counts, in IPv6 too")
class OverlapReplaces(_Reassembling):
    class way(Reassembly):  # noqa: N801
        def take(self, known: Incomplete, packet: Packet, offset: int, more: bool, data: bytes) -> None:
            end = offset + len(data)
            for start in known.starts:
                part = known.parts[start]
                if start <= offset and end <= start + len(part):
                    known.parts[start] = part[: offset - start] + data + part[end - start :]
                    return
            super().take(known, packet, offset, more, data)


@mutant("overlapping fragments hang the target: nothing is answered from then on")
class OverlapHangs(_Reassembling):
    class way(Reassembly):  # noqa: N801
        overlapped = False

        def take(self, known: Incomplete, packet: Packet, offset: int, more: bool, data: bytes) -> None:
            self.overlapped |= known.overlaps(offset, offset + len(data)) and known.parts.get(offset) != data
            super().take(known, packet, offset, more, data)

    def packet_arrives(self, packet: Packet, now: float) -> None:
        if not getattr(self.reassembly, "overlapped", False):
            super().packet_arrives(packet, now)


@mutant("a first fragment without the whole TCP header hangs the target: nothing is answered from then on")
class TinyFragmentHangs(Endpoint):
    hung = False

    def packet_arrives(self, packet: Packet, now: float) -> None:
        self.hung |= packet.fragment == (0, True) and _length(packet) < 20
        if not self.hung:
            super().packet_arrives(packet, now)


@mutant("a packet of more than 60000 octets in fragments hangs the target: nothing is answered from then on")
class LargePacketHangs(Endpoint):
    hung = False

    def packet_arrives(self, packet: Packet, now: float) -> None:
        self.hung |= packet.fragment is not None and 60000 < packet.fragment[0] < LONGEST - 40
        if not self.hung:
            super().packet_arrives(packet, now)


@mutant("a fragment that ends beyond the largest packet hangs the target: nothing is answered from then on")
class FragmentBeyondHangs(Endpoint):
    hung = False

    def packet_arrives(self, packet: Packet, now: float) -> None:
        size = len(packet.payload) if isinstance(packet.payload, bytes) else 0
        self.hung |= packet.fragment is not None and packet.fragment[0] + size > LONGEST
        if not self.hung:
            super().packet_arrives(packet, now)
