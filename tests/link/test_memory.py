import pytest

from tcpprobe.link.memory import MemoryLink
from tcpprobe.wire import ip
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

OURS, THEIRS = ip.pack("198.18.0.1"), ip.pack("192.0.2.2")


class Echo:
    """Sends every packet back, and one of its own at ``alarm``."""

    def __init__(self, alarm=None):
        self.alarm = alarm
        self.arrived = []
        self.out = []

    def packet_arrives(self, packet, now):
        self.arrived.append(now)
        self.out.append(Packet(packet.dst, packet.src, packet.payload))

    def packets_to_send(self, now):
        assert now >= 0
        out, self.out = self.out, []
        return out

    def next_timeout(self):
        return self.alarm

    def timeout(self, now):
        assert now >= self.alarm
        self.alarm = None
        self.out.append(Packet(THEIRS, OURS, Segment(7, 4000, seq=99)))


def packet(seq):
    return ip.encode(Packet(OURS, THEIRS, Segment(4000, 7, seq=seq)))


def seqs(arrived):
    return [(stamp, ip.decode(data).payload.seq) for data, stamp in arrived]


def test_without_delay_the_answer_is_there_at_once():
    link = MemoryLink(Echo())
    assert link.deliver(5.0) == []
    assert link.next_timeout() is None
    link.send(packet(1), THEIRS)
    link.send(packet(2), THEIRS)
    assert link.next_timeout() == 5.0
    assert seqs(link.deliver(5.0)) == [(5.0, 1), (5.0, 2)]
    assert link.next_timeout() is None


def test_delay_is_taken_each_way():
    peer = Echo()
    link = MemoryLink(peer, delay=0.5)
    link.send(packet(1), THEIRS)
    assert link.next_timeout() == 0.5
    assert link.deliver(0.5) == []
    assert link.next_timeout() == 1.0
    assert seqs(link.deliver(1.0)) == [(1.0, 1)]
    assert peer.arrived == [0.5]


def test_the_peer_has_a_clock_of_its_own():
    link = MemoryLink(Echo(alarm=3.0))
    assert link.next_timeout() == 3.0
    assert link.deliver(2.0) == []
    assert seqs(link.deliver(3.0)) == [(3.0, 99)]


def test_what_arrives_here_is_seen_before_later_events_happen():
    peer = Echo(alarm=9.0)
    link = MemoryLink(peer, delay=1.0)
    link.send(packet(1), THEIRS)
    assert seqs(link.deliver(10.0)) == [(2.0, 1)]
    assert peer.alarm == 9.0
    assert link.deliver(10.0) == []
    assert seqs(link.deliver(11.0)) == [(11.0, 99)]


@pytest.mark.parametrize("target", ["192.0.2.2", "2001:db8::2"])
def test_it_is_a_link(target):
    link = MemoryLink(Echo())
    first, second = link.lend(ip.pack(target), 2), link.lend(ip.pack(target), 2)
    assert first.address != second.address
    assert (link.name, link.virtual, link.mtu) == ("memory", True, 1500)
    assert (list(link.filenos()), link.read(0), link.flush()) == ([], [], True)
    link.send(packet(1), THEIRS)
    link.close()
    assert link.next_timeout() is None
