"""A link made worse on purpose is exactly as bad as asked, and as bad again with the same seed."""

import os
import random
import select
import socket
import time
from collections import Counter

import pytest

from tcpprobe.lab.memory import MemoryLab
from tcpprobe.link.impaired import HELD, Fate, ImpairedLink, Impairment, impaired, read_impairment
from tcpprobe.wire import ip
from tcpprobe.wire.segment import Segment


def packet(number: int, sport: int = 4000) -> bytes:
    return ip.encode(ip.Packet(ip.pack("192.0.2.1"), ip.pack("192.0.2.2"), Segment(sport, 7, number)))


class Wire:
    """A link over a socket pair."""

    name, mtu, own_addresses, offload, virtual = "wire", 1500, True, False, False

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ours.setblocking(False)
        self.theirs.setblocking(False)

    def filenos(self):
        return (self.ours.fileno(),)

    def read(self, fileno):
        packets = []
        while True:
            try:
                packets.append((os.read(fileno, 65536), time.monotonic()))
            except BlockingIOError:
                return packets

    def send(self, data, _destination):
        self.ours.send(data)

    def flush(self):
        return True

    def close(self):
        self.ours.close()
        self.theirs.close()

    def arrived(self):
        """What has reached the other side."""
        found = []
        while True:
            try:
                found.append(ip.decode(self.theirs.recv(65536)).payload.seq)
            except BlockingIOError:
                return found


def test_shares_are_as_asked_and_the_seed_decides() -> None:
    asked = Impairment(loss=0.1, duplicate=0.2, reorder=0.3, delay=0.005, seed=1)
    fates = [list(map(Fate(asked), ["out"] * 5000, [packet(n)] * 5000)) for n in range(2)]
    assert fates[0] == fates[1]
    count = Counter(len(fate) for fate in fates[0])
    assert 400 < count[0] < 600
    assert 800 < count[2] < 1000
    assert 1250 < sum(max(fate) > 0.005 for fate in fates[0] if fate) < 1450
    other = Fate(Impairment(loss=0.1, duplicate=0.2, reorder=0.3, delay=0.005, seed=2))
    assert [other("out", packet(n)) for n in range(5000)] != fates[0]


def test_what_one_connection_meets_does_not_depend_on_others() -> None:
    asked = Impairment(loss=0.3, seed=5)
    alone, crowded = Fate(asked), Fate(asked)
    chance = random.Random(1)
    for number in range(200):
        for _ in range(chance.randrange(3)):
            crowded("out", packet(number, sport=4001))
        assert alone("out", packet(number)) == crowded("out", packet(number))


def test_late_packets_arrive_late_both_ways() -> None:
    wire = Wire()
    link = ImpairedLink(wire, Impairment(delay=0.5))  # what a busy machine needs for the next lines is less
    try:
        began = time.monotonic()
        link.send(packet(1), b"")
        wire.theirs.send(packet(2))
        for fileno in link.filenos():
            assert link.read(fileno) == [] if fileno == wire.ours.fileno() else True
        assert wire.arrived() == []
        arrived = []
        while not arrived:
            assert select.select(link.filenos(), [], [], 60)[0]
            arrived = link.read(link.filenos()[1])
        assert time.monotonic() - began >= 0.5
        assert ip.decode(arrived[0][0]).payload.seq == 2
        assert wire.arrived() == [1]
    finally:
        link.close()
        link.close()


def test_an_overtaken_packet_comes_after_the_next() -> None:
    fate = Fate(Impairment(reorder=0.5, seed=1))
    wire = Wire()
    link = ImpairedLink(wire, Impairment(reorder=0.5, seed=1))
    try:
        held = [number for number in range(20) if fate("out", packet(number)) == (HELD,)]
        assert 0 < len(held) < 20
        for number in range(20):
            link.send(packet(number), b"")
        found = wire.arrived()
        while len(found) < 20:
            assert select.select([link.filenos()[1]], [], [], 60)[0]
            link.read(link.filenos()[1])
            found += wire.arrived()
        assert found == [n for n in range(20) if n not in held] + held
    finally:
        link.close()


def test_memory_is_impaired_in_virtual_time() -> None:
    with MemoryLab() as lab:
        link = impaired(lab.link, "delay=1s duplicate=100%")
        lease = link.lend(lab.target.address, 1)
        syn = ip.Packet(lease.address, lab.target.address, Segment(lease.ports[0], 7, 1, flags=2))
        link.send(ip.encode(syn), lab.target.address)
        assert link.deliver(1.9) == []
        stamps = [round(stamp, 6) for _, stamp in link.deliver(2.5)]
    assert stamps[0] == 2.0
    assert len(stamps) > 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("loss", "not 'loss'$"),
        ("lost=2%", "an impairment is loss=…, duplicate=…, reorder=…, delay=…, seed=…, not 'lost=2%'"),
        ("loss=2", "loss is a share such as 2% or 0.02, not '2'"),
        ("loss=101%", "loss is a share"),
        ("delay=5", "delay is a time of at most 10s such as 5ms, not '5'"),
        ("delay=11s", "delay is a time"),
        ("seed=x", "seed is a whole number, not 'x'"),
        ("loss=1% loss=2%", "loss is there twice"),
    ],
)
def test_what_cannot_be_read_is_one_line(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_impairment(text)


def test_what_can_be_read() -> None:
    assert read_impairment("loss=2% reorder=.5 delay=5ms seed=7") == Impairment(0.02, 0.0, 0.5, 0.005, 7)
