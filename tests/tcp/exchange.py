"""Two endpoints that talk over a bad link, in virtual time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import inf

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.tcp.events import DataArrived, Opened
from tcpprobe.tcp.state import State
from tcpprobe.wire import ip

HERE, THERE = ip.pack("192.0.2.1"), ip.pack("192.0.2.2")


@dataclass
class BadLink:
    """Loses, repeats and delays packets (so they overtake each other), as ``rng`` says; from ``cut`` on loses all."""

    rng: random.Random
    loss: float
    repeat: float
    jitter: float
    cut: float = inf
    on_the_way: list[tuple[float, int, bytes]] = field(default_factory=list)
    serial: int = 0

    def put(self, packet: ip.Packet, now: float) -> None:
        """A packet enters."""
        copies = 0 if now >= self.cut or self.rng.random() < self.loss else 2 if self.rng.random() < self.repeat else 1
        for _ in range(copies):
            self.serial += 1
            arrival = now + 0.01 + self.rng.random() * self.jitter
            self.on_the_way.append((arrival, self.serial, ip.encode(packet)))

    def take(self, now: float) -> list[ip.Packet]:
        """What arrives until now, in order of arrival."""
        due = sorted(item for item in self.on_the_way if item[0] <= now)
        self.on_the_way = [item for item in self.on_the_way if item[0] > now]
        return [ip.decode(raw) for _, _, raw in due]


@dataclass
class Pair:
    """An active opener and a listener; both send, and close when they have heard everything.

    ``abort`` names a side that ends the connection at a moment, if it still has one.
    """

    link: BadLink
    config: Config
    upload: bytes
    download: bytes
    abort: tuple[str, float] = ("", inf)
    now: float = 0.0
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    heard: dict[str, bytes] = field(default_factory=lambda: {"client": b"", "server": b""})
    ended: dict[str, set[type]] = field(default_factory=lambda: {"client": set(), "server": set()})

    def run(self) -> None:
        """Until nothing is left to happen."""
        client = Endpoint([HERE], config=self.config, rng=random.Random(1))
        server = Endpoint([THERE], config=self.config, rng=random.Random(2))
        server.listen(7)
        connection = client.connect((HERE, 4000), (THERE, 7), 0.0)
        connection.send(self.upload, 0.0)
        self.endpoints = {"client": client, "server": server}
        for _ in range(20000):
            self._abort()
            self._events(client, "client", self.upload)
            self._events(server, "server", self.download)
            for endpoint in (client, server):
                for packet in endpoint.packets_to_send(self.now):
                    self.link.put(packet, self.now)
            moments = [self.abort[1]] if self.abort[1] < inf else []
            moments += [item[0] for item in self.link.on_the_way]
            moments += [t for t in (client.next_timeout(), server.next_timeout()) if t is not None]
            if not moments:
                return
            self.now = max(self.now, min(moments))
            for packet in self.link.take(self.now):
                (client if packet.dst == HERE else server).packet_arrives(packet, self.now)
            client.timeout(self.now)
            server.timeout(self.now)
        raise AssertionError("it never ends")

    def _abort(self) -> None:
        name, moment = self.abort
        if self.now < moment:
            return
        self.abort = ("", inf)
        for connection in list(self.endpoints[name].connections.values()):
            connection.abort(self.now)
            self.endpoints[name].touch(connection)

    def _events(self, endpoint: Endpoint, name: str, speech: bytes) -> None:
        while (happened := endpoint.next_event()) is not None:
            connection, event = happened
            self.ended[name].add(type(event))
            if isinstance(event, DataArrived):
                self.heard[name] += connection.receive()
            done = len(self.heard[name]) == len(self.download if name == "client" else self.upload)
            if name == "server" and isinstance(event, Opened):
                connection.send(speech, self.now)
            if done and connection.state in (State.ESTABLISHED, State.CLOSE_WAIT):
                connection.close(self.now)
