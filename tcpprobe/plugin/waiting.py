"""While pytest waits for a result: how many plays are in flight and how long the slowest can still take.

The line stands behind what pytest has written and is gone before pytest writes on. It goes to the terminal itself,
past pytest's capturing, and only when standard output is one.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

import pytest

from tcpprobe.plugin.bench import Bench
from tcpprobe.runner.session import Progress

PATIENCE = 1.0
"""Seconds of waiting before the line is shown, and between two of them."""

# Save the cursor, do not wrap at the edge; and back. The rest of the line is erased with it.
_SHOWN = "\x1b7\x1b[?7l  {}\x1b[K\x1b[?7h\x1b8"
_GONE = "\x1b[K"


def terminal() -> TextIO | None:
    """The terminal that standard output is, to write to; None when it is none, or one that only prints."""
    if os.environ.get("TERM", "dumb") == "dumb":
        return None
    try:
        return Path(os.ttyname(sys.__stdout__.fileno() if sys.__stdout__ else -1)).open("w", encoding="utf-8")
    except (OSError, ValueError):
        return None


def line(progress: Progress) -> str:
    """``12 plays in flight, slowest needs 31 s more``."""
    plays = "1 play" if progress.in_flight == 1 else f"{progress.in_flight} plays"
    left = math.ceil(progress.remaining_seconds)
    return f"{plays} in flight, slowest needs {left} s more" if left else f"{plays} in flight"


class Waiting:
    """The hook that shows the line while an item waits."""

    def __init__(self, bench: Bench, out: TextIO) -> None:
        self._bench = bench
        self._out = out
        self._over = threading.Event()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Look on while the item runs; the line is gone before pytest tells of it. A quick item shows nothing."""
        self._over.clear()
        thread = threading.Thread(target=self._look, name="tcpprobe-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def pytest_unconfigure(self) -> None:
        """Let the terminal go."""
        self._out.close()

    def _look(self) -> None:
        shown = False
        while not self._over.wait(PATIENCE):
            progress = self._bench.progress()
            if progress.in_flight:
                self._write(_SHOWN.format(line(progress)))
                shown = True
        if shown:
            self._write(_GONE)

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:  # the terminal is gone
            self._over.set()
