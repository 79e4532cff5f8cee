"""The other half of the proof: a TCP that is far, modest, slow or old-fashioned, but keeps the RFCs, fails nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from bites import bundled

from tcpprobe.lab.biting import ONCE
from tcpprobe.lab.memory import CONFIG, MemoryLab
from tcpprobe.lab.mutant import Altering
from tcpprobe.results.model import Verdict
from tcpprobe.runner.session import Session
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import ACK, FIN
from tcpprobe.wire.options import ACCURATE_ECN_0, ACCURATE_ECN_1, NOP, pad_options
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add

_ACCURATE = (ACCURATE_ECN_0, ACCURATE_ECN_1)
_PLAIN = {"wscale": None, "timestamps": False, "sack": False, "ecn": False, "accecn": False}
_UNACKNOWLEDGED = frozenset({State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK})


class OneSegmentOut(Connection):
    """No second segment before the first is acknowledged (RFC 5681 3.1: the initial window is an upper bound)."""

    def congestion_left(self) -> int:
        snd = self.tcb.snd
        return snd.mss - self.flight.pipe(snd.una, snd.nxt)


class NothingQueued(Connection):
    """What is out of order is dropped and acknowledged (RFC 9293 3.10.7.4: SHLD-31 is a SHOULD)."""

    def hold(self, payload: bytes, offset: int) -> None:
        if offset:
            self.put_ack()
        else:
            super().hold(payload, offset)


class FinAgain(Altering):
    """4.4BSD: until its FIN is acknowledged every acknowledgment says it once more."""

    def alter(self, segment: Segment) -> Segment:
        at_the_end = segment.flags == ACK and not segment.payload and segment.seq == self.tcb.snd.nxt
        if self.fin_seq is not None and self.state in _UNACKNOWLEDGED and at_the_end:
            segment.flags |= FIN
            segment.seq = add(segment.seq, -1)
        return segment


class PatientProbes(Connection):
    """4.4BSD: a closed window is probed after five seconds at the earliest (RFC 9293 3.8.6.1: SHLD-29 is a SHOULD)."""

    def arm(self, name: str, deadline: float) -> None:
        super().arm(name, max(deadline, self.now + 5.0) if name == "persist" else deadline)


class NoAccurateOption(Altering):
    """Accurate ECN without its option (RFC 9768 3.2.3: it is RECOMMENDED)."""

    def alter(self, segment: Segment) -> Segment:
        found = next((each for each in segment.parsed.items if each.kind in _ACCURATE), None)
        if found is not None:
            before, _, behind = segment.options.partition(bytes((found.kind, len(found.data) + 2)) + found.data)
            segment = replace(segment, options=pad_options(before.rstrip(bytes((NOP,))) + behind))
        return segment


class NoAccurateAgain(Connection):
    """A SYN that comes again is answered without Accurate ECN (RFC 9768 3.2.3.2.2: another fall-back strategy)."""

    again = False

    def note_syn_again(self, seg: Segment) -> None:
        super().note_syn_again(seg)
        self.again = True

    def accurate_lost(self, flags: int) -> bool:
        if self.again and flags & ACK and self.tcb.accurate is not None:
            self.tcb.accurate.may_mark = False
            return True
        return super().accurate_lost(flags)


FAIR: Mapping[str, tuple[type[Connection], dict[str, Any]]] = MappingProxyType(
    {
        "small": (Connection, {**_PLAIN, "mss": 536, "window": 536, "initial_window": 536, "delayed_ack": 0.49}),
        "late": (Connection, {"delayed_ack": 0.499, "initial_window": 1460, "rto_initial": 3.0}),
        "hasty": (Connection, {"rto_min": 0.2, "nagle": False}),
        "thrifty": (Connection, {"challenge_acks": 1, "challenge_interval": 0.5}),
        "no MSS option": (Connection, {**_PLAIN, "mss_option": False}),
        "one segment out": (OneSegmentOut, {**_PLAIN, "window": 1460}),
        "nothing queued": (NothingQueued, _PLAIN),
        "FIN again": (FinAgain, {}),
        "patient probes": (PatientProbes, {}),
        "no AccECN option": (NoAccurateOption, {}),
        "no AccECN again": (NoAccurateAgain, {}),
    }
)


@pytest.mark.parametrize("name", FAIR)
def test_a_tcp_that_does_what_is_allowed_fails_nothing(name: str) -> None:
    """A warning is no failure: many of these leave a SHOULD undone. The round trip takes 20 ms."""
    make, config = FAIR[name]
    assert not wrong(make, config, 0.01, {Verdict.FAIL, Verdict.ERROR})


@pytest.mark.parametrize("delay", [0.025, 0.1, 0.15])
def test_the_way_to_a_target_is_not_held_against_it(delay: float) -> None:
    """All that holds nearby holds at the other end of the world."""
    assert not wrong(Connection, {}, delay, set(Verdict) - {Verdict.PASS, Verdict.SKIP})


def wrong(make: type[Connection], config: dict[str, Any], delay: float, verdicts: set[Verdict]) -> list[str]:
    """What had one of these verdicts, of all that is no matrix."""
    cases = [case for case in bundled() if "matrix" not in Path(case.scenario.file).parent.name]
    with MemoryLab(make, config=replace(CONFIG, **config), delay=delay) as lab:
        session = Session(lab.target, lab.link, ONCE)
        assert session.preflight() is None
        session.start(cases)
        results = [session.result(case) for case in cases]
        session.close()
    return [f"{result.id}: {result.verdict}: {result.reason}" for result in results if result.verdict in verdicts]
