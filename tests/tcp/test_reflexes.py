"""The switches."""

from __future__ import annotations

from dataclasses import asdict

from tcpprobe.tcp.reflexes import Reflexes


def test_all_and_none():
    assert all(asdict(Reflexes.ALL).values())
    assert not any(asdict(Reflexes.NONE).values())
    assert asdict(Reflexes.ALL).keys() == asdict(Reflexes.NONE).keys()
