"""lab:memory: our own TCP as the target, in this process and in virtual time. Nothing leaves the program."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping

from tcpprobe.lab.addresses import MTU, POOL_4, POOL_6, TARGET_4, TARGET_6
from tcpprobe.lab.lab import Lab, lab_target
from tcpprobe.lab.talkers import TALKERS, Talker
from tcpprobe.link.memory import MemoryLink
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.endpoint import Endpoint, Make
from tcpprobe.tcp.state import State
from tcpprobe.wire import ip

SEND_BUFFER = 1 << 17
"""An application is asked for more while less than this waits for acknowledgment, in bytes."""

CONFIG = Config(mtu=MTU, ecn=True, accecn=True, fin_wait_2=60.0)
"""What the target's TCP offers."""

SPEAKING = frozenset({State.ESTABLISHED, State.CLOSE_WAIT})


class Application:
    """A talker on one connection."""

    def __init__(self, connection: Connection, talker: Talker) -> None:
        self.connection = connection
        self.talker = talker
        self.peer_is_done = False

    def turn(self, now: float) -> None:
        """Hear what arrived, say what there is to say, close when that was all."""
        self._hear()
        if self.connection.state in SPEAKING and not self.connection.closing:
            self._say(now)
            if not self.connection.buffer:
                self._hear()
                self._say(now)

    def _hear(self) -> None:
        connection = self.connection
        if connection.readable and not (self.talker.deaf and connection.buffer):
            self.talker.received(connection.receive())
        if connection.peer_fin is not None and connection.state is not State.ESTABLISHED and not connection.readable:
            self.peer_is_done = True

    def _say(self, now: float) -> None:
        connection = self.connection
        while len(connection.buffer) < SEND_BUFFER:
            data = self.talker.output()
            if not data:
                if self.talker.finished or self.peer_is_done:
                    connection.close(now)
                return
            connection.send(data, now)
        if self.peer_is_done and not self.talker.deaf:
            connection.close(now)


class MemoryTarget:
    """An endpoint with an application on each port: the peer of a `MemoryLink`."""

    def __init__(
        self,
        addresses: Iterable[bytes],
        *,
        make: Make = Connection,
        config: Config = CONFIG,
        rng: random.Random,
        talkers: Mapping[int, Callable[[], Talker]] = TALKERS,
    ) -> None:
        """``make`` builds the connections: `Connection`, or a mutant of it (with an ``endpoint`` of its own)."""
        kind: type[Endpoint] = getattr(make, "endpoint", Endpoint)
        self.endpoint = kind(addresses, config=config, rng=rng, make=make)
        self._talkers = talkers
        self._applications: dict[Connection, Application] = {}
        for port in talkers:
            self.endpoint.listen(port)

    def packet_arrives(self, packet: ip.Packet, now: float) -> None:
        """A packet from the link."""
        self.endpoint.packet_arrives(packet, now)

    def packets_to_send(self, now: float) -> list[ip.Packet]:
        """What goes out now, after the applications had their turn."""
        self._serve(now)
        return self.endpoint.packets_to_send(now)

    def next_timeout(self) -> float | None:
        """When `timeout` wants to be called next."""
        return self.endpoint.next_timeout()

    def timeout(self, now: float) -> None:
        """The time has come."""
        self.endpoint.timeout(now)

    def _serve(self, now: float) -> None:
        while (happened := self.endpoint.next_event()) is not None:
            connection = happened[0]
            application = self._applications.get(connection)
            if application is None:
                talker = self._talkers[connection.tcb.local[1]]()
                application = self._applications[connection] = Application(connection, talker)
            application.turn(now)
            if connection.state is State.CLOSED:
                del self._applications[connection]


class MemoryLab(Lab):
    """A lab whose target is `MemoryTarget`.

    Args:
        make: builds each connection of the target: `Connection`, or a mutant (`tcpprobe.lab.mutants`).
        family: 4 or 6.
        config: what the target's TCP offers.
        seed: for everything random in target and link.
        delay: how long a packet travels each way, in seconds.
    """

    def __init__(
        self,
        make: Make = Connection,
        family: int = 4,
        *,
        config: Config = CONFIG,
        seed: int = 0,
        delay: float = 0.0,
    ) -> None:
        address = ip.pack(TARGET_4 if family == 4 else TARGET_6)
        rng = random.Random(seed)
        peer = MemoryTarget([address], make=make, config=config, rng=rng)
        link = MemoryLink(peer, networks=(POOL_4, POOL_6), mtu=MTU, delay=delay, rng=rng)
        target = lab_target("lab:memory", family)
        super().__init__(target, link, notes=("the target is tcpprobe's own TCP, in virtual time",), finish=_nothing)


def _nothing() -> None:
    """There is nothing to take away."""


def open_memory(family: int) -> Lab:
    """Open lab:memory for IPv4 or IPv6."""
    return MemoryLab(family=family)
