"""Thousands of exchanges over links that lose, repeat, delay, reorder, or die: all arrives, or both hear of it."""

from __future__ import annotations

import random
from math import inf

import pytest
from exchange import BadLink, Pair

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.events import Closed, Opened, Reset, TimedOut

RUNS = 400
OVER = {TimedOut, Reset, Closed}


def drawn(seed: str) -> Pair:
    """Links, sizes and options of all kinds, out of one seed. Nobody waits for ever: there are keep-alives."""
    chance = random.Random(seed)
    config = Config(
        window=chance.choice([500, 3000, 65536]),
        wscale=chance.choice([None, 0, 7]),
        timestamps=chance.random() < 0.5,
        sack=chance.random() < 0.7,
        nagle=chance.random() < 0.5,
        ecn=chance.random() < 0.3,
        mtu=chance.choice([576, 1500]),
        initial_window=chance.choice([None, 2000]),
        keep_alive=60.0,
        fin_wait_2=200.0,
    )
    dies = chance.random() < 0.15
    link = BadLink(
        chance,
        loss=chance.choice([0.0, 0.02, 0.1, 0.3]),
        repeat=chance.choice([0.0, 0.0, 0.2]),
        jitter=chance.choice([0.0, 0.05, 0.5]),
        cut=chance.random() * 3 if dies else inf,
    )
    upload, download = (chance.randbytes(chance.choice([0, 1, 700, 5000, 12000, 60000])) for _ in range(2))
    abort = (chance.choice(["client", "server"]), chance.random() * 2) if chance.random() < 0.15 else ("", inf)
    return Pair(link, config, upload, download, abort)


@pytest.mark.parametrize("batch", range(8))
def test_all_bytes_arrive_in_order_or_both_sides_hear_of_the_end(batch):
    for run in range(RUNS):
        seed = f"{batch} {run}"
        pair = drawn(seed)
        whole = {"server": pair.upload, "client": pair.download}
        pair.run()
        for name, expected in whole.items():
            assert expected.startswith(pair.heard[name]), seed
            assert not pair.endpoints[name].connections, f"{seed}: the {name} has not come to an end"
        if pair.heard != whole:
            for name, ended in pair.ended.items():
                # A listener whose handshake fails has nobody to tell.
                assert ended & OVER or (name == "server" and Opened not in ended), f"{seed}: the {name} does not know"
