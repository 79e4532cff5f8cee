import random
import socket

import pytest

from tcpprobe.lab.addresses import OUR_MAC, TARGET_4, TARGET_6, TARGET_MAC
from tcpprobe.lab.veth import VethLink
from tcpprobe.link.base import LinkError
from tcpprobe.link.pool import Pool
from tcpprobe.wire import ip
from tcpprobe.wire.flags import SYN
from tcpprobe.wire.segment import Segment

IPV4, IPV6, ARP = b"\x08\x00", b"\x86\xdd", b"\x08\x06"


@pytest.fixture
def wire():
    """A link and the other end of its wire; a pair of sockets that keep frames apart."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link = VethLink(ours.detach(), Pool("198.18.0.0/16", "2001:db8:1::/64", rng=random.Random(1)))
    yield link, theirs
    link.close()
    theirs.close()


def packet(link, target):
    address = ip.pack(target)
    return address, ip.encode(ip.Packet(link.lend(address, 1).address, address, Segment(1, 7, flags=SYN)))


@pytest.mark.parametrize(("target", "kind"), [(TARGET_4, IPV4), (TARGET_6, IPV6)])
def test_packets_go_in_frames_to_the_target(wire, target, kind):
    link, theirs = wire
    address, data = packet(link, target)
    link.send(data, address)
    assert theirs.recv(2000) == TARGET_MAC + OUR_MAC + kind + data


@pytest.mark.parametrize(("target", "kind"), [(TARGET_4, IPV4), (TARGET_6, IPV6)])
def test_packets_come_out_of_frames(wire, target, kind):
    link, theirs = wire
    _, data = packet(link, target)
    for frame_kind in (ARP, kind, b"\x88\xcc"):
        theirs.send(TARGET_MAC + OUR_MAC + frame_kind + data)
    assert [each for each, _ in link.read(link.filenos()[0])] == [data]
    assert link.read(link.filenos()[0]) == []


def test_it_is_a_link_with_addresses_of_its_own(wire):
    link, theirs = wire
    assert (link.name, link.own_addresses, link.offload, link.virtual) == ("veth", True, False, False)
    theirs.close()
    assert link.read(link.filenos()[0]) == []


def test_a_closed_wire_is_a_plain_line(wire):
    link, _ = wire
    fileno = link.filenos()[0]
    link.close()
    with pytest.raises(LinkError, match=r"^the packet socket cannot be read: Bad file descriptor$"):
        link.read(fileno)
