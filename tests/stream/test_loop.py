"""The loop between an endpoint and a link: batches, ports, counting."""

from __future__ import annotations

import random

import pytest
from memory import CLOSED, DISCARD, ECHO, HOST, Wire, opened

from tcpprobe.stream.clock import MachineClock, VirtualClock, clock_of
from tcpprobe.stream.loop import Loop, stream_config
from tcpprobe.stream.opening import connect
from tcpprobe.wire import ip
from tcpprobe.wire.flags import ACK, SYN
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

OURS = ip.pack("198.18.0.1")
THEIRS = ip.pack(HOST)


class Script:
    """A link with nobody behind it: ``arrivals`` are read at once, ``sent`` is what was sent."""

    name, mtu, virtual, own_addresses, offload = "script", 1500, False, True, False

    def __init__(self, *arrivals):
        self.arrivals = [ip.encode(packet) for packet in arrivals]
        self.sent = []
        self.full = False

    def filenos(self):
        return (0,)  # never waited on

    def read(self, fileno):  # noqa: ARG002
        arrived, self.arrivals = self.arrivals, []
        return [(packet, 0.0) for packet in arrived]

    def send(self, packet, destination):  # noqa: ARG002
        self.sent.append(ip.decode(packet))

    def flush(self):
        return not self.full


def segment(number, flags=ACK, payload=b"", port=4000, ack=0):
    return Packet(THEIRS, OURS, Segment(7, port, number, ack, flags, 60000, payload=payload))


def loop_with(link, ports=(4000,)):
    return Loop(link, OURS, ports, rng=random.Random(1))


def established(link):
    """A loop with one connection that is open; its channel."""
    loop = loop_with(link)
    channel = loop.open((OURS, 4000), (THEIRS, 7))
    loop.turn(0)
    link.arrivals = [ip.encode(segment(1000, SYN | ACK, ack=link.sent[0].payload.seq + 1 & 0xFFFFFFFF))]
    loop.turn(0)
    assert channel.opened
    link.sent.clear()
    return loop, channel


def test_a_batch_is_read_at_once_and_draws_one_acknowledgment():
    link = Script()
    loop, channel = established(link)
    ack = channel.connection.tcb.snd.nxt
    link.arrivals = [ip.encode(segment(1001 + 100 * at, payload=bytes(100), ack=ack)) for at in range(50)]
    loop.turn(0)
    (answer,) = link.sent
    assert (answer.payload.flags, answer.payload.ack) == (ACK, 6001)
    assert channel.received == 5000
    assert channel.packets_received == 51


def test_packets_for_ports_of_others_draw_no_answer():
    link = Script(segment(5, SYN, port=4001), segment(5, SYN, port=4000))
    loop_with(link).turn(0)
    assert [packet.payload.sport for packet in link.sent] == [4000]  # its RST


def test_the_link_is_drained_before_anything_is_sent():
    link = Script()
    loop, channel = established(link)
    ack = channel.connection.tcb.snd.nxt
    channel.connection.send(b"x", loop.now)
    loop.endpoint.touch(channel.connection)
    link.arrivals = [ip.encode(segment(1001, payload=b"abc", ack=ack))]
    loop.turn(0)
    assert [packet.payload.ack for packet in link.sent] == [1004]  # our data bears it


def test_a_full_device_is_not_given_more():
    link = Script()
    loop, channel = established(link)
    link.full = True
    link.arrivals = [ip.encode(segment(1001, payload=b"abc", ack=channel.connection.tcb.snd.nxt))]
    loop.turn(0)
    assert not link.sent
    link.full = False
    loop.turn(0)
    assert [packet.payload.ack for packet in link.sent] == [1004]


def test_an_icmp_error_is_remembered_for_the_sentence():
    class Tells(Wire):
        def send(self, packet, destination):  # noqa: ARG002
            router = ip.pack("198.18.0.254")
            error = Packet(router, ip.decode(packet).src, Icmp(3, 1, bytes(4), packet[:28]))
            self._back.append((self.now, ip.encode(error)))

    with pytest.raises(TimeoutError, match=r"does not answer for 5 s \(198\.18\.0\.254 says host-unreachable\)"):
        connect(HOST, ECHO, link=Tells(), timeout=5.0)


def test_the_tap_hears_every_packet():
    heard = []
    stream, wire = opened(ECHO, tap=lambda now, packet: heard.append((now, ip.decode(packet))))
    stream.close()
    ours = [packet for _, packet in heard if packet.dst == THEIRS]
    assert [packet.raw for packet in ours] == [packet.raw for packet in wire.sent]
    assert len(heard) > len(ours)
    assert [now for now, _ in heard] == sorted(now for now, _ in heard)


def test_the_tap_does_not_hear_what_is_for_others():
    heard = []
    link = Script(segment(5, SYN, port=4001), segment(5, SYN, port=4000))
    Loop(link, OURS, (4000,), tap=lambda _, packet: heard.append(ip.decode(packet).payload.dport)).turn(0)
    assert heard == [4000, 7]  # and our answer


def test_several_connections_over_one_link():
    wire = Wire()
    first, second = connect(HOST, ECHO, link=wire), connect(HOST, ECHO, link=wire)
    assert first.local != second.local
    with first, second:
        first.send(b"1")
        second.send(b"2")
        assert (first.receive(), second.receive()) == (b"1", b"2")
    with pytest.raises(ConnectionRefusedError):
        connect(HOST, CLOSED, link=wire)


def test_time_passes_only_when_nothing_is_left_to_do():
    stream, wire = opened(DISCARD)
    before = stream.loop.now
    assert not stream.wait(lambda: False, 3600.0)
    assert stream.loop.now == pytest.approx(before + 3600.0)
    stream.abort()
    assert isinstance(clock_of(wire), VirtualClock)
    assert isinstance(clock_of(Script()), MachineClock)


def test_waiting_for_nothing_is_an_error():
    class Nobody:
        def packets_to_send(self, now):  # noqa: ARG002
            return []

        def next_timeout(self):
            return None

    wire = Wire()
    wire.peer = Nobody()
    with pytest.raises(RuntimeError, match="nothing is left to wait for"):
        loop_with(wire).turn()


def test_an_mtu_no_packet_can_have_is_bounded():
    assert stream_config(65536).mtu == 65535
    assert stream_config(65536).burst == 1
    assert stream_config(1500).burst > 10
