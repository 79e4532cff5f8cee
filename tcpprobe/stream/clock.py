"""The two times a loop can live in: the machine's, and that of a link in memory."""

from __future__ import annotations

import math
import select
import time
from typing import Protocol

from tcpprobe.link.base import Link
from tcpprobe.link.memory import MemoryLink

STUCK = 0.001  # seconds between two tries to send what a full device did not take


class Clock(Protocol):
    """Time, and what arrives in it."""

    def now(self) -> float:
        """Seconds; never goes back."""

    def read(self) -> list[bytes]:
        """Every packet that waits. Does not block; raises LinkError."""

    def sleep(self, seconds: float | None, also: int | None = None) -> bool:
        """Until a packet may wait, or the descriptor ``also`` can be read, so long at most.

        False when neither time nor packets can ever come.
        """


class MachineClock:
    """The monotonic clock, and a link with descriptors."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._filenos = tuple(link.filenos())
        self._poll = select.poll()
        for fileno in self._filenos:
            self._poll.register(fileno, select.POLLIN)
        self.now = time.monotonic

    def read(self) -> list[bytes]:
        """All that waits at any descriptor."""
        read = self._link.read
        return [data for fileno in self._filenos for data, _ in read(fileno)]

    def sleep(self, seconds: float | None, also: int | None = None) -> bool:
        """Wait for the descriptors; what a full device left behind is tried again soon."""
        if not self._link.flush():
            seconds = STUCK if seconds is None else min(seconds, STUCK)
        if also is not None:
            self._poll.register(also, select.POLLIN)
        try:
            self._poll.poll(None if seconds is None else math.ceil(seconds * 1000))
        finally:
            if also is not None:
                self._poll.unregister(also)
        return True


class VirtualClock:
    """Time that passes only when nothing is left to do at the present moment."""

    def __init__(self, link: MemoryLink) -> None:
        self._link = link
        self._now = link.now

    def now(self) -> float:
        """The present moment."""
        return self._now

    def read(self) -> list[bytes]:
        """What has arrived by now."""
        return [data for data, _ in self._link.deliver(self._now)]

    def sleep(self, seconds: float | None, also: int | None = None) -> bool:  # noqa: ARG002
        """Go to the next event of the link, or as far as asked."""
        moments = [] if seconds is None else [self._now + seconds]
        due = self._link.next_timeout()
        if due is not None:
            moments.append(due)
        if not moments:
            return False
        self._now = max(self._now, min(moments))
        return True


def clock_of(link: Link) -> Clock:
    """The time that this link lives in."""
    return VirtualClock(link) if isinstance(link, MemoryLink) else MachineClock(link)
