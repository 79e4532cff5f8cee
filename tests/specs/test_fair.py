"""The other half of the proof: a TCP that is modest, slow or old-fashioned, but keeps the RFCs, fails nothing."""

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
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add

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
    }
)


@pytest.mark.parametrize("name", FAIR)
def test_a_tcp_that_does_what_is_allowed_fails_nothing(name: str) -> None:
    """A warning is no failure: many of these leave a SHOULD undone. The round trip takes 20 ms."""
    make, config = FAIR[name]
    folders = [(case, Path(case.scenario.file).parent) for case in bundled()]
    cases = [case for case, folder in folders if folder.parent.name == "rfc9293" and "matrix" not in folder.name]
    with MemoryLab(make, config=replace(CONFIG, **config), delay=0.01) as lab:
        session = Session(lab.target, lab.link, ONCE)
        session.start(cases)
        results = [session.result(case) for case in cases]
        session.close()
    wrong = [result for result in results if result.verdict in (Verdict.FAIL, Verdict.ERROR)]
    assert not [f"{result.id}: {result.verdict}: {result.reason}" for result in wrong]
