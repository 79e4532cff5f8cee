"""What the commands that move data have in common."""

from __future__ import annotations

import io

import pytest

from tcpprobe.cli import transfer
from tcpprobe.cli.transfer import Progress, code_of
from tcpprobe.stream.errors import NotOpen, Refused, Reset, TimedOut, Unreachable
from tcpprobe.stream.statistics import amount


class Terminal(io.StringIO):
    """Standard error that people look at."""

    def isatty(self):
        return True


def test_a_bar_on_a_terminal_is_taken_away_at_the_end(monkeypatch):
    monkeypatch.setattr(transfer.time, "monotonic", lambda: 100.0)
    progress = Progress(1000, to=(terminal := Terminal()))
    progress.add(250)
    assert terminal.getvalue().startswith("\r[#######.......................]  25%  250 B  ")
    progress.clear()
    assert terminal.getvalue().endswith(" \r")
    progress.add(1)  # too soon after the last to be shown
    assert terminal.getvalue().endswith(" \r")


def test_nothing_is_drawn_elsewhere():
    progress = Progress(1000, to=(file := io.StringIO()))
    progress.add(1000)
    progress.clear()
    assert file.getvalue() == ""


def test_without_a_total_there_is_no_bar():
    progress = Progress(to=(terminal := Terminal()))
    progress.add(2_500_000)
    assert terminal.getvalue().startswith("\r2.5 MB  ")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_345_678, "2.3 MB"), (5e9, "5.0 GB"), (5e13, "50000.0 GB")],
)
def test_amounts(size, text):
    assert amount(size) == text


def test_exit_codes_of_failures():
    assert [code_of(kind("x")) for kind in (Refused, TimedOut, Reset, Unreachable, NotOpen)] == [3, 4, 5, 2, 2]
