import pytest

from tcpprobe.link.base import Lease
from tcpprobe.link.hub import Hub
from tcpprobe.wire import ip
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

TARGET, ROUTER = ip.pack("192.0.2.2"), ip.pack("192.0.2.254")
ONE, TWO = ip.pack("198.18.0.1"), ip.pack("198.18.0.2")


def lease(address, *ports):
    return Lease(address, ports, lambda: None)


def to(address, port, **fields):
    return ip.encode(Packet(TARGET, address, Segment(7, port), **fields))


class Inbox(list):
    def __call__(self, packet, stamp):
        self.append((packet, stamp))


def test_packets_find_the_lease_of_their_address_and_port():
    hub = Hub(None)
    one, two = Inbox(), Inbox()
    hub.attach(lease(ONE, 4000, 4001), TARGET, one)
    hub.attach(lease(TWO, 4000), TARGET, two)
    packets = [to(ONE, 4000), to(TWO, 4000), to(ONE, 4001), to(ONE, 9)]
    assert [hub.dispatch(packet, float(index)) for index, packet in enumerate(packets)] == [True, True, True, False]
    stranger = ip.encode(Packet(ROUTER, ONE, Segment(7, 4000)))
    assert not hub.dispatch(stranger, 9.0)
    assert [stamp for _, stamp in one] == [0.0, 2.0]
    assert [stamp for _, stamp in two] == [1.0]


@pytest.mark.parametrize("cut", [None, 28])
def test_an_icmp_error_goes_to_who_sent_what_it_quotes(cut):
    lost = ip.encode(Packet(TWO, TARGET, Segment(4000, 7)))[:cut]
    hub = Hub(None)
    one, two = Inbox(), Inbox()
    hub.attach(lease(ONE, 4000), TARGET, one)
    hub.attach(lease(TWO, 4000), TARGET, two)
    assert hub.dispatch(ip.encode(Packet(ROUTER, TWO, Icmp(3, 1, quote=lost))), 1.0)
    assert (len(one), len(two)) == (0, 1)


def test_what_bears_no_port_goes_to_who_alone_has_the_address():
    hub = Hub(None)
    one, other = Inbox(), Inbox()
    fragment = ip.encode(Packet(TARGET, ONE, b"piece", protocol=6, fragment=(8, False)))
    assert not hub.dispatch(fragment, 0.0)
    hub.attach(lease(ONE, 4000), TARGET, one)
    assert hub.dispatch(fragment, 0.0)
    hub.attach(lease(ONE, 4001), TARGET, other)
    assert not hub.dispatch(fragment, 0.0)
    assert (len(one), len(other)) == (1, 0)


def test_detached_is_unknown():
    hub = Hub(None)
    inbox, taken = Inbox(), lease(ONE, 4000, 4001)
    hub.attach(taken, TARGET, inbox)
    with pytest.raises(ValueError, match=r"198\.18\.0\.1 port 4001 is attached already"):
        hub.attach(lease(ONE, 4001, 4002), TARGET, Inbox())
    hub.detach(taken)
    hub.detach(taken)
    assert not hub.dispatch(to(ONE, 4000), 0.0)
    assert not hub.dispatch(ip.encode(Packet(TARGET, ONE, b"", protocol=6)), 0.0)
    hub.attach(taken, TARGET, inbox)
    assert hub.dispatch(to(ONE, 4001), 0.0)


def test_an_error_with_too_short_a_quote_goes_to_who_alone_has_the_address_and_a_ping_to_nobody():
    hub = Hub(None)
    inbox, taken = Inbox(), lease(ONE, 4000)
    hub.attach(taken, TARGET, inbox)
    assert hub.dispatch(ip.encode(Packet(ROUTER, ONE, Icmp(3, 1, quote=b"short"))), 0.0)
    assert not hub.dispatch(ip.encode(Packet(ROUTER, ONE, Icmp(8, 0))), 0.0)
    assert len(inbox) == 1


@pytest.mark.parametrize("packet", [b"", b"\x45", bytes(60), b"\x60" + bytes(60)])
def test_noise_is_dropped(packet):
    hub = Hub(None)
    hub.attach(lease(ONE, 4000), TARGET, Inbox())
    assert not hub.dispatch(packet, 0.0)


def test_what_is_for_an_address_that_no_host_has_goes_to_who_alone_has_the_port():
    """It answers a SYN that claimed to come from there."""
    hub = Hub(None)
    one, two = Inbox(), Inbox()
    hub.attach(lease(ONE, 4000), TARGET, one)
    hub.attach(lease(TWO, 5000), TARGET, two)
    multicast, broadcast = ip.pack("224.0.0.1"), b"\xff" * 4
    packets = [to(multicast, 4000), to(ip.pack("198.18.0.9"), 4000), to(broadcast, 6000), to(bytes(4), 5000)]
    assert [hub.dispatch(packet, 0.0) for packet in packets] == [True, False, False, True]
    hub.attach(lease(ip.pack("198.18.0.3"), 4000), TARGET, two)
    assert not hub.dispatch(to(multicast, 4000), 0.0)
    assert (len(one), len(two)) == (1, 1)
