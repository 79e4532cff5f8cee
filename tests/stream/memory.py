"""A link to a TCP with applications, in virtual time, and everything that passed over it."""

from __future__ import annotations

import random

from tcpprobe.lab.memory import MemoryTarget
from tcpprobe.link.memory import MemoryLink
from tcpprobe.stream.opening import connect
from tcpprobe.tcp.connection import Connection
from tcpprobe.wire import ip

HOST = "192.0.2.1"
DELAY = 0.01
ECHO, DISCARD, DAYTIME, CHARGEN, CLOSED = 7, 9, 13, 19, 1


class Wire(MemoryLink):
    """A memory link that loses packets of ours by their number, or all of them.

    Attributes:
        sent: our packets, decoded, the lost ones included.
        interrupted_by: flags of our packets at whose sending Ctrl-C is pressed, in this order.
        press: what hears of that.
    """

    def __init__(self, make=Connection, lose=(), host=HOST, delay=DELAY):
        target = MemoryTarget([ip.pack(host)], make=make, rng=random.Random(1))
        super().__init__(target, delay=delay, networks=("198.18.0.0/16", "2001:db8:1::/64"))
        self.sent = []
        self.interrupted_by = []
        self.press = None
        self._lose = lose

    def send(self, packet, destination):
        self.sent.append(ip.decode(packet))
        if self.interrupted_by and self.flags == self.interrupted_by[0]:
            del self.interrupted_by[0]
            self.press()
        if len(self.sent) not in self._lose:
            super().send(packet, destination)

    @property
    def flags(self):
        """The flags of our last packet."""
        return self.sent[-1].payload.flags


class Everything:
    """All numbers are in it."""

    def __contains__(self, number):
        return True


def opened(port, make=Connection, lose=(), host=HOST, timeout=10.0, **more):
    """A stream to one of the applications, and its wire."""
    wire = Wire(make, lose, host)
    return connect(host, port, link=wire, timeout=timeout, **more), wire


class NeverReads(Connection):
    """Its application leaves what comes unread."""

    def receive(self, n=None):  # noqa: ARG002
        return b""


class NeverCloses(Connection):
    """Its application never closes."""

    def close(self, now):
        """Not this one."""


class Resets(Connection):
    """Its application answers and then resets."""

    def send(self, data, now):
        super().send(data, now)
        self.outbox += self.departures(now)
        self.abort(now)
