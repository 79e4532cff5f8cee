"""What a segment costs the endpoint when it has many connections: data to one after the other, in memory."""

from __future__ import annotations

import random
import time

from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.wire import ip

Figure = tuple[str, float, str]
ADDRESSES = ip.pack("192.0.2.1"), ip.pack("192.0.2.2")
TEXT = bytes(2 * 1448)
"""Two full segments: acknowledged at once, however many connections there are."""
SEGMENTS = 10_000
ROUNDS = 5


class Both:
    """A client and a server endpoint, with so many connections between them."""

    def __init__(self, count: int) -> None:
        self.client, self.server = (Endpoint([each], rng=random.Random(1)) for each in ADDRESSES)
        self.server.listen(7, backlog=count)
        self.now = 0.0
        self.connections = [
            self.client.connect((ADDRESSES[0], 10000 + index), (ADDRESSES[1], 7), self.now) for index in range(count)
        ]
        self.exchange()

    def exchange(self) -> None:
        """Until nobody has anything more to say just now."""
        packets = self.client.packets_to_send(self.now)
        here, there = self.client, self.server
        while packets:
            for packet in packets:
                there.packet_arrives(packet, self.now)
            here, there = there, here
            packets = here.packets_to_send(self.now)
        for endpoint in (self.client, self.server):
            while (told := endpoint.next_event()) is not None:
                told[0].receive()

    def seconds(self, segments: int) -> float:
        """The time to send so many pairs of segments, each on the next connection, and have them acknowledged."""
        start = time.perf_counter()
        for index in range(segments):
            connection = self.connections[index % len(self.connections)]
            self.now += 0.001
            connection.send(TEXT, self.now)
            self.client.touch(connection)
            for endpoint in (self.client, self.server):
                endpoint.timeout(self.now)
            self.exchange()
        return time.perf_counter() - start


def figures() -> list[Figure]:
    """(name, value, definition) of every figure."""
    settings = {count: Both(count) for count in (1, 1000)}
    best = dict.fromkeys(settings, float("inf"))
    for _ in range(ROUNDS):  # in turns: what else the machine does meets both
        for count, both in settings.items():
            best[count] = min(best[count], both.seconds(SEGMENTS) / SEGMENTS)
    return [
        ("two segments of 1 connection, us", best[1] * 1e6, "sent, received, acknowledged, both ends"),
        ("two segments of 1,000 connections, us", best[1000] * 1e6, "the same, each on the next connection"),
        ("1,000 connections / 1", best[1000] / best[1], "how flat the cost is (asked: at most 1.3)"),
    ]
