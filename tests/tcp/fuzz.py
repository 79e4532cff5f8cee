"""Segments that make no sense, in every state: ``python tests/tcp/fuzz.py --segments 10000000 --seed 1``.

Most of them are nearly right, so that they get far: numbers near what the connection expects, options that parse,
acknowledgments of what is outstanding. After each nothing may be raised, no queue may grow without bound, every change
of state must be one of the table's, and what is sent must be well formed.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise

from dialogue import BUILDERS, ISS, LOCAL, PLAIN, REMOTE, Dialogue

from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.state import MOVES, State
from tcpprobe.wire import ip
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import diff

MASK = 0xFFFFFFFF
LENGTH = 60
"""Segments that one connection sees."""
MOST = 1 << 20
"""Bytes that no queue may hold: a window and what is behind it."""
CONFIGS = (
    PLAIN,
    replace(PLAIN, timestamps=True, sack=True, wscale=3, ecn=True, keep_alive=50.0),
    replace(PLAIN, sack=True, window=3000, nagle=False),
)
FLAGS = (0x10, 0x10, 0x10, 0x18, 0x11, 0x02, 0x12, 0x04, 0x14, 0x30, 0x00, 0x29, 0xD2)
STATES = (State.CLOSED, State.SYN_SENT, *BUILDERS)
REACHABLE = {before: {after for (start, _), after in MOVES.items() if start is before} | {before} for before in State}
"""Where one move of the table leads."""


def near(chance: random.Random, value: int) -> int:
    """A number close to ``value``, or anywhere."""
    kind = chance.random()
    if kind < 0.5:
        return (value + chance.randint(-3, 3)) & MASK
    if kind < 0.9:
        return (value + chance.randint(-70000, 70000)) & MASK
    return chance.getrandbits(32)


def options(chance: random.Random, connection: Connection) -> bytes:
    """None, timestamps, SACK blocks, or noise."""
    kind = chance.random()
    if kind < 0.4:
        return b""
    tcb = connection.tcb
    if kind < 0.7:
        value, echo = near(chance, tcb.ts_recent), near(chance, connection.timestamp())
        return b"\1\1\x08\x0a" + value.to_bytes(4, "big") + echo.to_bytes(4, "big")
    if kind < 0.9:
        count = chance.randint(1, 3)
        blocks = b"".join(near(chance, tcb.snd.nxt).to_bytes(4, "big") for _ in range(2 * count))
        return b"\1\1\5" + bytes([2 + 8 * count]) + blocks
    return chance.randbytes(chance.randint(0, 40))


def segment(chance: random.Random, connection: Connection) -> Segment:
    """One segment from the peer."""
    tcb = connection.tcb
    flags = chance.choice(FLAGS) if chance.random() < 0.9 else chance.getrandbits(9)
    size = chance.choice((0, 0, 1, 10, 536, 1460))
    return Segment(
        REMOTE[1], LOCAL[1], near(chance, tcb.rcv.nxt), near(chance, chance.choice((tcb.snd.una, tcb.snd.nxt))), flags,
        chance.choice((0, 1, 500, 65535)), chance.getrandbits(16), options(chance, connection), bytes(size),
    )  # fmt: skip


def one_connection(chance: random.Random, seen: Counter[State], length: int = LENGTH) -> None:
    """A connection in some state, and what it makes of nonsense."""
    state = chance.choice(STATES)
    talk = Dialogue(Connection(LOCAL, REMOTE, iss=ISS, config=chance.choice(CONFIGS)))
    connection = talk.connection
    if state is State.SYN_SENT:
        connection.open(0.0)
    elif state is not State.CLOSED:
        talk.in_state(state)
    moves: list[State] = [connection.state]
    move = connection.move

    def watched(happened: object) -> None:
        move(happened)  # type: ignore[arg-type]
        moves.append(connection.state)

    connection.move = watched  # type: ignore[method-assign]
    for _ in range(length):
        seen[connection.state] += 1
        if chance.random() < 0.1:
            user(chance, talk)
        connection.segment_arrives(segment(chance, connection), talk.now, ecn=chance.choice((0, 0, 2, 3)))
        check(talk, moves)
        del moves[:-1]
        if connection.state is State.CLOSED and state is not State.CLOSED and chance.random() < 0.3:
            return  # there is little more to see


def user(chance: random.Random, talk: Dialogue) -> None:
    """Our side sends, reads, closes, or lets time pass."""
    connection = talk.connection
    kind = chance.randrange(4)
    if kind == 0 and connection.state in (State.ESTABLISHED, State.CLOSE_WAIT) and not connection.closing:
        connection.send(bytes(chance.randint(1, 5000)), talk.now)
    elif kind == 1:
        connection.receive()
    elif kind == 2 and chance.random() < 0.2:
        connection.close(talk.now)
    else:
        talk.now += chance.choice((0.001, 0.1, 1.0, 30.0))
        connection.timeout(talk.now)


def check(talk: Dialogue, moves: list[State]) -> None:
    """What always holds."""
    connection = talk.connection
    sent = connection.segments_to_send(talk.now)
    tcb = connection.tcb
    assert len(sent) < 200
    assert 0 <= diff(tcb.snd.nxt, tcb.snd.una) < MOST
    assert 0 <= tcb.rcv.wnd <= MOST
    assert len(connection.readable) + len(connection.buffer) <= 2 * MOST
    assert sum(len(island.data) for island in connection.reassembly.islands) <= MOST
    assert len(connection.flight.queue) <= MOST // 100
    assert len(connection.deadlines) < 16
    for before, after in pairwise(moves):
        assert after in REACHABLE[before], f"{before} to {after}"
    for each in sent:
        assert ip.decode(ip.encode(ip.Packet(LOCAL[0], REMOTE[0], each))).problem is None
    while connection.next_event() is not None:
        pass


def fuzz(segments: int, seed: int) -> Counter[State]:
    """So many segments; in which states they arrived. Raises what goes wrong, with the seed that shows it again."""
    seen: Counter[State] = Counter()
    number = 0
    while seen.total() < segments:
        try:
            one_connection(random.Random(f"{seed} {number}"), seen)
        except Exception as error:
            raise AssertionError(f"connection {number} of seed {seed}: {error!r}") from error
        number += 1
    return seen


def main() -> None:
    """Fuzz for as long as asked, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.perf_counter()
    seen = fuzz(asked.segments, asked.seed)
    print(f"{seen.total()} segments in {time.perf_counter() - began:.0f} s, nothing went wrong")
    for state in State:
        print(f"  {state:<13} {seen[state]}")


if __name__ == "__main__":
    main()
