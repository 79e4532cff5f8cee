"""``tcpprobe doctor``."""

from __future__ import annotations

import pytest

from tcpprobe.cli import doctor
from tcpprobe.lab.doctor import Check, State


@pytest.mark.parametrize(
    ("states", "code"), [((State.OK,), 0), ((State.OK, State.WARN), 0), ((State.WARN, State.MISSING), 1)]
)
def test_only_what_is_missing_counts(command, monkeypatch, states, code):
    monkeypatch.setattr(doctor, "checks", lambda _interface: [Check("thing", state, "is so") for state in states])
    done = command("doctor")
    assert done.code == code
    assert done.out.count("is so") == len(states)


def test_on_this_machine(command):
    done = command("doctor", "--interface", "lo")
    assert "lab:linux" in done.out
    assert done.code in (0, 1)
    assert not done.err
    assert "Traceback" not in done.out


def test_an_interface_that_is_none(command):
    done = command("doctor", "--interface", "nonesuch0")
    assert "nonesuch0" in done.out
    assert "Traceback" not in done.out + done.err
