"""What a terminal shows while pytest waits; nothing else shows it."""

from __future__ import annotations

import os
import sys
import threading

import pytest
from terminals import on_a_terminal

from tcpprobe.plugin import waiting
from tcpprobe.runner.session import Progress

SLOW = """\
title: Slow
scenarios:
  - id: slow
    title: Nothing comes for a while
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - expect: nothing
        for: 4s
"""


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress(3, 12, 0, 30.2), "12 plays in flight, slowest needs 31 s more"),
        (Progress(3, 1, 0, 0.4), "1 play in flight, slowest needs 1 s more"),
        (Progress(3, 2, 9, 0.0), "2 plays in flight"),
    ],
)
def test_the_line(progress, said):
    assert waiting.line(progress) == said


class Screen:
    """A terminal that keeps what is written and tells when something was."""

    def __init__(self):
        self.text = ""
        self.written = threading.Event()

    def write(self, text):
        self.text += text
        self.written.set()

    def flush(self):
        pass


class Bench:
    def progress(self):
        return Progress(0, 2, 0, 5.0)


def test_the_line_is_gone_when_the_wait_is_over(monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE", 0.001)
    screen = Screen()
    running = waiting.Waiting(Bench(), screen).pytest_runtest_call()
    next(running)
    assert screen.written.wait(60)
    assert "2 plays in flight, slowest needs 5 s more" in screen.text
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt())
    assert screen.text.endswith("\x1b8\x1b[K")


def test_a_short_wait_shows_nothing(monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE", 600.0)  # however busy the machine is, this one is shorter
    screen = Screen()
    running = waiting.Waiting(Bench(), screen).pytest_runtest_call()
    next(running)
    with pytest.raises(StopIteration):
        next(running)
    assert screen.text == ""


def test_a_terminal_that_goes_away_ends_nothing(monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE", 0.001)
    screen = Screen()
    asked = threading.Event()

    def write(_text):
        asked.set()
        raise OSError

    screen.write = write
    running = waiting.Waiting(Bench(), screen).pytest_runtest_call()
    next(running)
    assert asked.wait(60)
    with pytest.raises(StopIteration):
        next(running)


@pytest.mark.parametrize(("term", "shows"), [("xterm", True), ("dumb", False)])
def test_only_a_terminal_that_can_move_its_cursor(suite, term, shows):
    (suite.path / "suite.probe.yaml").write_text(SLOW)
    command = [sys.executable, "-m", "pytest", *suite.words(("-q",), "lab:linux", page=False)]
    text, code = on_a_terminal(command, suite.path, {**os.environ, "TERM": term})
    assert code == 0
    assert (b"1 play in flight" in text) is shows


def test_a_file_gets_no_line(suite):
    (suite.path / "suite.probe.yaml").write_text(SLOW)
    done = suite.apart(target="lab:linux")
    assert "in flight" not in done.stdout.str()
    assert done.ret == 0
