"""How fast lab:linux starts, ends, and answers. Run it by hand; `figures` is what a report would quote."""

from __future__ import annotations

import select
import statistics
import time
from collections.abc import Iterator

from tcpprobe.lab.lab import Lab
from tcpprobe.lab.linux import open_linux
from tcpprobe.wire import ip
from tcpprobe.wire.flags import ACK, FIN, PSH, RST, SYN
from tcpprobe.wire.segment import Segment

Figure = tuple[str, float, str]
ROUNDS = 10
CONNECTIONS = 6000
IN_FLIGHT = 128


def figures() -> list[Figure]:
    """Name, value and definition of each."""
    found: list[Figure] = []
    for way in ("tun", "veth"):
        opened, closed = _start_and_end(way)
        found.append((f"open {way}", opened, f"ms to an answering target, median of {ROUNDS}"))
        found.append((f"close {way}", closed, f"ms until nothing is left, median of {ROUNDS}"))
        with open_linux(4, way) as lab:
            rate = _exchange(lab)
        found.append((f"echo {way}", rate, f"connections per second: open, echo 5 octets, close; {IN_FLIGHT} at once"))
    return found


def _start_and_end(way: str) -> tuple[float, float]:
    opened, closed = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        lab = open_linux(4, way)
        ready = time.perf_counter()
        lab.close()
        opened.append(ready - began)
        closed.append(time.perf_counter() - ready)
    return 1000 * statistics.median(opened), 1000 * statistics.median(closed)


def _exchange(lab: Lab) -> float:
    """Connections per second that are opened, echo something, and are closed by us."""
    target, link = lab.target.address, lab.link
    leases = [link.lend(target, 1) for _ in range(IN_FLIGHT)]
    waiting = iter((lease.address, 1024 + number) for number in range(CONNECTIONS) for lease in leases)

    def say(address: bytes, port: int, seq: int, ack: int, flags: int, data: bytes = b"") -> None:
        segment = Segment(port, 7, seq=seq, ack=ack, flags=flags, window=65535, payload=data)
        link.send(ip.encode(ip.Packet(address, target, segment)), target)

    def start(fresh: Iterator[tuple[bytes, int]]) -> None:
        say(*next(fresh), 1000, 0, SYN)

    began, done = time.perf_counter(), 0
    for _ in leases:
        start(waiting)
    while done < CONNECTIONS:
        select.select(link.filenos(), [], [])
        for packet, _ in link.read(link.filenos()[0]):
            arrived = ip.decode(packet)
            got = arrived.payload
            assert isinstance(got, Segment)
            assert not got.flags & RST
            if got.flags & SYN:
                say(arrived.dst, got.dport, 1001, got.seq + 1, ACK | PSH, b"hello")
            elif got.payload:
                say(arrived.dst, got.dport, 1006, got.end, ACK | FIN)
            elif got.flags & FIN:
                say(arrived.dst, got.dport, 1007, got.end, ACK)
                done += 1
                start(waiting)
    return done / (time.perf_counter() - began)


if __name__ == "__main__":
    for name, value, definition in figures():
        print(f"{name:<12} {value:10.1f}  {definition}")
