"""Any link made worse: packets lost, repeated, overtaken and late, the same ones whenever the seed is the same."""

from __future__ import annotations

import contextlib
import ctypes
import heapq
import itertools
import os
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

from tcpprobe.link.base import Lease, Link, LinkError
from tcpprobe.link.memory import MemoryLink
from tcpprobe.wire import ip

HELD = 0.004
"""Seconds by which a packet that is overtaken is later than it would be."""

_SHARE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(%?)")
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s)")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Impairment:
    """What happens to packets, each way.

    Attributes:
        loss, duplicate, reorder: the share of packets (0 to 1) that vanish, come twice, are overtaken (`HELD`).
        delay: seconds that every packet takes.
        seed: which ones.
    """

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    seed: int = 0


def read_impairment(text: str) -> Impairment:
    """Read ``loss=2% duplicate=2% reorder=1% delay=5ms seed=1``, any of these. Raises ValueError, one plain line."""
    found: dict[str, float] = {}
    names = [each.name for each in fields(Impairment)]
    for word in text.split():
        name, equals, value = word.partition("=")
        if name not in names or not equals:
            raise ValueError(f"an impairment is {', '.join(f'{each}=…' for each in names)}, not {word!r}")
        if name in found:
            raise ValueError(f"{name} is there twice")
        found[name] = _value(name, value)
    seed = int(found.pop("seed", 0))
    return Impairment(seed=seed, **found)


def _value(name: str, text: str) -> float:
    if name == "seed":
        if not text.isdecimal():
            raise ValueError(f"seed is a whole number, not {text!r}")
        return int(text)
    if name == "delay":
        time_ = _TIME.fullmatch(text)
        if time_ is None or float(time_[1]) * _UNITS[time_[2]] > 10:
            raise ValueError(f"delay is a time of at most 10s such as 5ms, not {text!r}")
        return float(time_[1]) * _UNITS[time_[2]]
    share = _SHARE.fullmatch(text)
    value = float(share[1]) / (100 if share[2] else 1) if share else 2.0
    if value > 1:
        raise ValueError(f"{name} is a share such as 2% or 0.02, not {text!r}")
    return value


class Fate:
    """What becomes of each packet, by its connection, its direction and how many there were before it.

    So a connection meets the same whatever others do at the same time, as far as it sends the same.
    """

    def __init__(self, impairment: Impairment) -> None:
        self._impairment = impairment
        self._seen: Counter[tuple[str, ip.FourTuple | None]] = Counter()

    def __call__(self, way: str, packet: bytes) -> Sequence[float]:
        """When copies of ``packet`` arrive, in seconds from now; none when it is lost. ``way``: ``out`` or ``in``."""
        known = self._impairment
        name = way, ip.peek(packet)
        self._seen[name] += 1
        chance = random.Random(f"{known.seed} {name} {self._seen[name]}")
        if chance.random() < known.loss:
            return ()
        first = known.delay + (HELD if chance.random() < known.reorder else 0.0)
        return (first, known.delay) if chance.random() < known.duplicate else (first,)


class ImpairedLink:
    """A link with descriptors, made worse. It owns the link from now on."""

    virtual = False

    def __init__(self, link: Link, impairment: Impairment) -> None:
        self._link = link
        self._fate = Fate(impairment)
        self._late: list[tuple[float, int, bytes, bytes | None]] = []
        self._count = itertools.count()
        self._timer = _timer()

    @property
    def name(self) -> str:
        """The link's."""
        return self._link.name

    @property
    def mtu(self) -> int:
        """The link's."""
        return self._link.mtu

    @property
    def own_addresses(self) -> bool:
        """The link's."""
        return self._link.own_addresses

    @property
    def offload(self) -> bool:
        """The link's."""
        return self._link.offload

    def filenos(self) -> Sequence[int]:
        """The link's, and one that is readable when something late is due."""
        return (*self._link.filenos(), self._timer)

    def read(self, fileno: int) -> list[tuple[bytes, float]]:
        """What arrives now, stamped with when it does."""
        arrived: list[tuple[bytes, float]] = []
        if fileno == self._timer:
            self._deliver_late(arrived)
        else:
            for packet, stamp in self._link.read(fileno):
                for delay in self._fate("in", packet):
                    if delay:
                        self._keep(delay, packet, None)
                    else:
                        arrived.append((packet, stamp))
        self._arm()
        return arrived

    def _deliver_late(self, arrived: list[tuple[bytes, float]]) -> None:
        with contextlib.suppress(BlockingIOError):  # whoever asks without waiting
            os.read(self._timer, 8)
        now = time.monotonic()
        while self._late and self._late[0][0] <= now:
            due, _, packet, destination = heapq.heappop(self._late)
            if destination is None:
                arrived.append((packet, due))
            else:
                self._link.send(packet, destination)

    def send(self, packet: bytes, destination: bytes) -> None:
        """Send, later or not at all. Raises LinkError as the link does."""
        for delay in self._fate("out", packet):
            if delay:
                self._keep(delay, packet, destination)
                self._arm()
            else:
                self._link.send(packet, destination)

    def _keep(self, delay: float, packet: bytes, destination: bytes | None) -> None:
        heapq.heappush(self._late, (time.monotonic() + delay, next(self._count), packet, destination))

    def _arm(self) -> None:
        if self._late:
            _set(self._timer, self._late[0][0])

    def flush(self) -> bool:
        """As the link's; what is late is not waiting for a device."""
        return self._link.flush()

    def lend(self, target: bytes, ports: int) -> Lease:
        """The link's."""
        return self._link.lend(target, ports)

    def remarks(self) -> Sequence[str]:
        """The link's."""
        return self._link.remarks()

    def close(self) -> None:
        """Close the link, and forget what is late. Idempotent."""
        self._link.close()
        self._late.clear()
        if self._timer >= 0:
            os.close(self._timer)
            self._timer = -1


def impaired(link: Link, text: str) -> Link:
    """The link made worse as ``text`` says (`read_impairment`); a memory link changed itself. Raises ValueError."""
    impairment = read_impairment(text)
    if isinstance(link, MemoryLink):
        link.fate = Fate(impairment)
        return link
    return ImpairedLink(link, impairment)


# Python has timer descriptors from 3.13 on.
_libc = ctypes.CDLL(None, use_errno=True)
_CLOCK_MONOTONIC, _TFD_NONBLOCK, _TFD_CLOEXEC, _TFD_ABSTIME = 1, os.O_NONBLOCK, os.O_CLOEXEC, 1
_Moment = ctypes.c_long * 4  # struct itimerspec: interval, value


def _timer() -> int:
    """A descriptor that becomes readable at the moment `_set` says."""
    descriptor = int(_libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC))
    if descriptor < 0:
        raise LinkError(f"no timer for the impaired link: {os.strerror(ctypes.get_errno())}")
    return descriptor


def _set(descriptor: int, moment: float) -> None:
    """``moment`` of the monotonic clock; one that has passed means at once."""
    seconds = int(moment)
    value = _Moment(0, 0, seconds, int((moment - seconds) * 1e9) + 1)
    _libc.timerfd_settime(descriptor, _TFD_ABSTIME, ctypes.byref(value), None)
