"""Captures, as scapy reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.utils import RawPcapNgReader

from tcpprobe.report.capture import write

from .sample import closed_port, poisoned


def test_each_packet_says_what_became_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    result = closed_port()
    write(result, path, started=1000.0)
    found = list(RawPcapNgReader(str(path)))
    assert [packet for packet, _ in found] == [entry.packet for entry in result.transcript]
    assert [meta.comments for _, meta in found] == [
        [b"sent, step 1 (line 16)"],
        [b"received, step 2 (line 17), missed: expected flags RA, seq 0, ack 1 within 1 s"],
    ]
    meta = found[0][1]
    assert ((meta.tshigh << 32) + meta.tslow) / meta.tsresol == pytest.approx(1000.0004, abs=1e-6)


def test_what_is_hostile_stays_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    write(poisoned(), path)
    assert len(list(RawPcapNgReader(str(path)))) == 4
