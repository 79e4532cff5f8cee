"""lab:memory: the applications, both families, in virtual time."""

from __future__ import annotations

import random

import pytest

from tcpprobe.lab.lab import open_lab
from tcpprobe.lab.memory import MemoryLab
from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.tcp.events import DataArrived, Opened, PeerClosed
from tcpprobe.wire import ip
from tcpprobe.wire.flags import ACK, RST, SYN
from tcpprobe.wire.segment import Segment


def talk(lab, port, request=b"", *, close=False, most=None, seconds=30.0):
    """Connect, send ``request``, read until the end (or ``most`` bytes); the bytes and whether the target closed."""
    lease = lab.link.lend(lab.target.address, 1)
    us = Endpoint([lease.address], rng=random.Random(5))
    us.connect((lease.address, lease.ports[0]), (lab.target.address, port), lab.link.now)
    heard, closed, now = b"", False, lab.link.now
    end = now + seconds
    while now <= end:
        for packet in us.packets_to_send(now):
            lab.link.send(ip.encode(packet), packet.dst)
        moments = [moment for moment in (us.next_timeout(), lab.link.next_timeout()) if moment is not None]
        now = max(now, min(moments, default=end + 1))
        for raw, stamp in lab.link.deliver(now):
            us.packet_arrives(ip.decode(raw), stamp)
        us.timeout(now)
        while (happened := us.next_event()) is not None:
            connection, event = happened
            if isinstance(event, Opened) and request:
                connection.send(request, now)
            if isinstance(event, Opened) and close:
                connection.close(now)
            if isinstance(event, DataArrived):
                heard += connection.receive()
            if isinstance(event, PeerClosed):
                closed = True
                connection.close(now)
        if most is not None and len(heard) >= most:
            break
    return heard, closed


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("delay", [0.0, 0.02])
def test_services(family, delay):
    with MemoryLab(family=family, delay=delay) as lab:
        services = lab.target.services
        assert talk(lab, services["echo"], b"hello" * 1000, close=True) == (b"hello" * 1000, True)
        assert talk(lab, services["sink"], b"hello", close=True) == (b"", True)
        line, closed = talk(lab, services["closer"])
        assert line.endswith(b"\r\n")
        assert closed
        assert len(talk(lab, 19, most=100000)[0]) >= 100000


def test_http_closes_only_when_asked():
    with MemoryLab() as lab:
        reply, closed = talk(lab, 80, b"GET /bytes/70000 HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert closed
        head, _, body = reply.partition(b"\r\n\r\n")
        assert b"Content-Length: 70000" in head
        assert body == bytes(i % 251 for i in range(70000))
        reply, closed = talk(lab, 80, b"GET /bytes/5 HTTP/1.1\r\n\r\n" * 2)
        assert not closed
        assert reply.count(b"\x00\x01\x02\x03\x04") == 2


def test_echo_keeps_open_until_we_close():
    with MemoryLab() as lab:
        assert talk(lab, 7, b"hi") == (b"hi", False)


@pytest.mark.parametrize("name", ["memory", "lab:memory-ipv6"])
def test_open_lab(name):
    with open_lab(name) as lab:
        assert lab.link.virtual
        lease = lab.link.lend(lab.target.address, 1)
        syn = Segment(lease.ports[0], lab.target.closed_port, 5, 0, SYN)
        lab.link.send(ip.encode(ip.Packet(lease.address, lab.target.address, syn)), lab.target.address)
        ((raw, _),) = lab.link.deliver(0.0)
        answer = ip.decode(raw).payload
        assert (answer.flags, answer.ack) == (RST | ACK, 6)


def test_the_same_seed_gives_the_same_packets():
    def packets():
        with MemoryLab(seed=9) as lab:
            lease = lab.link.lend(lab.target.address, 1)
            syn = Segment(lease.ports[0], 7, 5, 0, SYN)
            lab.link.send(ip.encode(ip.Packet(lease.address, lab.target.address, syn)), lab.target.address)
            return lab.link.deliver(0.0)

    assert packets() == packets()
