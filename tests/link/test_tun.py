import random
import socket

import pytest

from tcpprobe.link.base import LinkError
from tcpprobe.link.pool import Pool
from tcpprobe.link.tun import TunLink, is_noise
from tcpprobe.wire import ether, ip
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

A4, B4 = ip.pack("198.18.0.1"), ip.pack("192.0.2.2")
A6, B6 = ip.pack("2001:db8::1"), ip.pack("2001:db8::2")
TCP4, TCP6 = (ip.encode(Packet(*pair, Segment(7, 4000))) for pair in ((B4, A4), (B6, A6)))


@pytest.fixture
def ends():
    """A link over one end of a datagram pair, which reads and writes whole packets as a TUN descriptor does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    theirs.setblocking(False)
    link = TunLink(ours.detach(), Pool("198.18.0.0/24", "2001:db8::/64", rng=random.Random(1)))
    yield link, theirs
    link.close()
    theirs.close()


def test_packets_go_out_as_they_are(ends):
    link, theirs = ends
    link.send(TCP4, A4)
    link.send(TCP6, A6)
    assert [theirs.recv(9999), theirs.recv(9999)] == [TCP4, TCP6]


def test_all_that_waits_is_read_and_stamped_without_blocking(ends):
    link, theirs = ends
    for packet in (TCP4, TCP6):
        theirs.send(packet)
    (fileno,) = link.filenos()
    read = link.read(fileno)
    assert [packet for packet, _ in read] == [TCP4, TCP6]
    assert read[0][1] <= read[1][1]
    assert link.read(fileno) == []


def test_a_full_device_keeps_what_does_not_go_until_there_is_room(ends):
    link, theirs = ends
    for _ in range(2000):
        link.send(TCP4, A4)
    assert not link.flush()
    count = 0
    while count < 2000:
        assert theirs.recv(9999) == TCP4
        count += 1
        link.read(link.filenos()[0])
    assert link.flush()
    with pytest.raises(BlockingIOError):
        theirs.recv(9999)


def test_each_lease_has_an_address_of_its_own(ends):
    link, _ = ends
    leases = [link.lend(target, 2) for target in (B4, B4, B6)]
    assert len({lease.address for lease in leases}) == 3


def test_a_device_that_is_gone_is_told(ends):
    link, theirs = ends
    theirs.close()
    with pytest.raises(LinkError, match="the TUN device takes no packets: Connection refused"):
        link.send(TCP4, A4)


def test_closing_twice_is_closing_once(ends):
    link, _ = ends
    link.close()
    link.close()


MULTICAST = ip.pack("ff02::2")


@pytest.mark.parametrize(
    ("packet", "noise"),
    [
        (TCP4, False),
        (TCP6, False),
        (ip.encode(Packet(B4, A4, Icmp(3, 3))), False),
        (ip.encode(Packet(B6, A6, Icmp(1, 4))), False),
        (ip.encode(Packet(B4, A4, b"odd", protocol=200)), False),
        (ip.encode(Packet(B4, A4, bytes(8), protocol=17)), True),
        (ip.encode(Packet(B6, A6, bytes(8), protocol=17)), True),
        (ip.encode(Packet(B4, ip.pack("224.0.0.251"), bytes(8), protocol=2)), True),
        (ip.encode(Packet(B6, MULTICAST, Icmp(133, 0))), True),
        (ip.encode(ether.neighbour_packet(ether.Neighbour(ether.SOLICITATION, A6), B6, A6)), True),
        (b"", True),
        (TCP6[:40], True),
    ],
)
def test_noise(packet, noise):
    assert is_noise(packet) is noise


def test_noise_is_not_read(ends):
    link, theirs = ends
    theirs.send(ip.encode(Packet(B6, MULTICAST, Icmp(133, 0))))
    theirs.send(TCP6)
    assert [packet for packet, _ in link.read(link.filenos()[0])] == [TCP6]
