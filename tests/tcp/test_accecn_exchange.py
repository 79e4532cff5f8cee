"""Two endpoints that speak Accurate ECN, over links that mark: all arrives, and both count the same."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from dialogue import IRS, ISS, LOCAL, REMOTE
from exchange import BadLink, Pair

from tcpprobe.tcp.accecn import CE, ECT_0
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.wire import ip

ACCURATE = Config(ecn=True, accecn=True)


@dataclass
class MarkingLink(BadLink):
    """A bad link that marks what may be marked, and now and then what may not."""

    marks: float = 0.5
    mangles: float = 0.0

    def put(self, packet: ip.Packet, now: float) -> None:
        """A packet enters."""
        if self.rng.random() < (self.marks if packet.tos & 3 else self.mangles):
            packet = replace(packet, tos=CE)
        super().put(packet, now)


@pytest.mark.parametrize("mangles", [0.0, 0.3])
def test_all_arrives_over_links_that_mark(mangles):
    for seed in range(150):
        chance = random.Random(seed)
        config = replace(
            ACCURATE,
            timestamps=chance.random() < 0.5,
            sack=chance.random() < 0.7,
            mtu=chance.choice([576, 1500]),
            keep_alive=60.0,
            fin_wait_2=200.0,
        )
        loss, repeat, jitter = (chance.choice([0.0, rate]) for rate in (0.1, 0.2, 0.05))
        link = MarkingLink(chance, loss, repeat, jitter, marks=chance.random(), mangles=mangles)
        upload, download = (chance.randbytes(chance.choice([1, 700, 30000])) for _ in range(2))
        pair = Pair(link, config, upload, download)
        pair.run()
        assert pair.heard == {"server": upload, "client": download}, seed


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_the_sender_knows_what_the_receiver_counted(share):
    chance = random.Random(1)
    client = Connection(REMOTE, LOCAL, iss=IRS, config=ACCURATE)
    server = Connection(LOCAL, REMOTE, iss=ISS, config=ACCURATE)
    server.listen()
    client.open(0.0)
    client.send(bytes(200000), 0.0)
    now, before = 0.0, client.congestion.cwnd
    while client.buffer or client.flight:
        for here, there in ((client, server), (server, client)):
            for segment, mark in here.departures(now):
                there.segment_arrives(segment, now, ecn=CE if mark and chance.random() < share else mark)
        server.receive()
        now += 0.05
        client.timeout(now)
        server.timeout(now)
    told, counted = client.tcb.accurate, server.tcb.accurate
    assert (told.sent_cep, told.sent_octets) == (counted.cep, counted.octets)
    assert counted.octets[ECT_0] + counted.octets[CE] == 200001
    assert (counted.cep > 5) is (share > 0)
    assert (client.congestion.cwnd > before) is (share < 1)
