"""Mutants of what has been added to TCP: ECN, TIME-WAIT with timestamps, blind attacks, Fast Open, Multipath TCP."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from tcpprobe.lab.mutant import Altering, mutant
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import CWR, ECE
from tcpprobe.wire.segment import Segment

# -- ECN


class _Marking(Connection):
    """Sends with another ECN field."""

    def mark(self, segment: Segment, ecn: int) -> int:
        """The field to send instead."""
        raise NotImplementedError

    def departures(self, now: float) -> list[tuple[Segment, int]]:
        return [(segment, self.mark(segment, ecn)) for segment, ecn in super().departures(now)]


@mutant("data is sent with ECT(1)")
class EctOne(_Marking):
    def mark(self, segment: Segment, ecn: int) -> int:  # noqa: ARG002
        return 1 if ecn else 0


@mutant("data is sent with ECT(0) whether ECN was agreed on or not")
class EctAlways(_Marking):
    def mark(self, segment: Segment, ecn: int) -> int:
        return ecn if self.tcb.ecn_on or not segment.payload else 2


@mutant("retransmissions and window probes are sent with ECT(0)")
class EctAgain(_Marking):
    def mark(self, segment: Segment, ecn: int) -> int:
        return 2 if segment.payload and self.tcb.ecn_on else ecn


@mutant("a SYN without ECN that follows one with ECN is not heeded: data is sent with ECT(0)")
class EctAfterPlainSyn(Connection):
    asked = False

    def listen_syn(self, seg: Segment) -> bool:
        type(self).asked |= seg.flags & (ECE | CWR) == ECE | CWR
        return super().listen_syn(seg)

    def departures(self, now: float) -> list[tuple[Segment, int]]:
        return [(seg, 2 if self.asked and seg.payload else ecn) for seg, ecn in super().departures(now)]


@mutant("ECE is not obeyed")
class EceIgnored(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        super().take_ack(replace(seg, flags=seg.flags & ~ECE), ahead)


@mutant("ECE makes the window smaller, but CWR is not set")
class CwrMissing(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        super().take_ack(seg, ahead)
        self.reduced = False


@mutant("CWR is set in answer to ECE, but the window is not reduced")
class EceAnsweredOnly(Connection):
    def take_ack(self, seg: Segment, ahead: int) -> None:
        super().take_ack(replace(seg, flags=seg.flags & ~ECE), ahead)
        self.reduced |= bool(seg.flags & ECE)


@mutant("from the first ECE on all data has CWR, retransmissions and probes too")
class CwrAlways(Altering):
    told = False

    def take_ack(self, seg: Segment, ahead: int) -> None:
        self.told |= bool(seg.flags & ECE)
        super().take_ack(seg, ahead)

    def alter(self, segment: Segment) -> Segment:
        return replace(segment, flags=segment.flags | CWR) if self.told and segment.payload else segment


@mutant("an acknowledgment has ECE when the last segment was marked CE, not when one before it was")
class CeOnlyOfTheLast(Connection):
    def note_congestion(self, seg: Segment) -> bool:
        self.echo_congestion = False
        return super().note_congestion(seg)


# -- new connections in place of old ones, and blind attacks


@mutant("in TIME-WAIT a SYN is judged by its timestamp alone, where it has one")
class TimeWaitTimestampAlone(Connection):
    def gives_way(self, syn: Segment) -> bool:
        stamps = self.stamps(syn)
        equal = stamps is not None and self.tcb.ts_on and stamps[0] == self.tcb.ts_recent
        return not equal and super().gives_way(syn)


@mutant("in TIME-WAIT a SYN opens a new connection only when both or none have timestamps")
class TimeWaitTimestampsMixed(Connection):
    def gives_way(self, syn: Segment) -> bool:
        return self.tcb.ts_on is (syn.parsed.timestamps is not None) and super().gives_way(syn)


@mutant("in TIME-WAIT old data is dropped without an ACK")
class TimeWaitOldDataSilent(Connection):
    def refuse(self, seg: Segment) -> None:
        if self.state is not State.TIME_WAIT or not seg.payload:
            super().refuse(seg)


@mutant("challenge ACKs are not throttled")
class ChallengeUnlimited(Connection):
    def challenge(self) -> None:
        self.challenges.clear()
        super().challenge()


@mutant("challenge ACKs of all connections are throttled together")
class ChallengeShared(Connection):
    def challenge(self) -> None:
        kind = type(self)
        if "shared" not in vars(kind):
            kind.shared = deque()
        self.challenges = kind.shared
        super().challenge()

    shared: deque[float]


@mutant("whoever asks for a Fast Open cookie gets one")
class FastOpenCookie(Connection):
    asked = False

    def listen_syn(self, seg: Segment) -> bool:
        self.asked = any(item.kind == 34 for item in seg.parsed.items)
        return super().listen_syn(seg)

    def form_syn(self, flags: int) -> Segment:
        syn = super().form_syn(flags)
        if self.asked:
            syn.options += b"\x22\x0acookies!\x01\x01"
        return syn


@mutant("after a SYN with MP_CAPABLE data without Multipath TCP is dropped")
class MultipathOnly(Connection):
    asked = False

    def listen_syn(self, seg: Segment) -> bool:
        self.asked = any(item.kind == 30 for item in seg.parsed.items)
        return super().listen_syn(seg)

    def take_text(self, seg: Segment) -> bool:
        return self.asked or super().take_text(seg)
