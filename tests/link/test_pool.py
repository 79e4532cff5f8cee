import random

import pytest

from tcpprobe.link.base import LinkError
from tcpprobe.link.pool import PORTS, Pool, Shared
from tcpprobe.wire import ip

FOUR, SIX = ip.pack("192.0.2.200"), ip.pack("2001:db8::ff")


def pool(*networks, **more):
    return Pool(*networks, rng=random.Random(1), **more)


def test_each_lease_has_its_own_address_and_ports():
    lender = pool("198.18.0.0/24", "2001:db8::/64")
    leases = [lender.lend(target, 3) for target in (FOUR, FOUR, SIX, SIX)]
    assert len({lease.address for lease in leases}) == 4
    assert [len(lease.address) for lease in leases] == [4, 4, 16, 16]
    for lease in leases:
        assert len(set(lease.ports)) == 3
        assert all(port in PORTS for port in lease.ports)


def test_networks_ends_and_excluded_addresses_are_never_lent():
    lender = pool("198.18.0.0/29", exclude=frozenset({ip.pack("198.18.0.1")}))
    lent = [ip.text(lender.lend(FOUR, 1).address) for _ in range(5)]
    assert lent == [f"198.18.0.{n}" for n in range(2, 7)]
    with pytest.raises(LinkError, match="no IPv4 source address is left to lend"):
        lender.lend(FOUR, 1)
    with pytest.raises(LinkError, match="no IPv6 source address is left to lend"):
        lender.lend(SIX, 1)


def test_what_is_given_back_is_lent_last_and_once():
    lender = pool("198.18.0.0/30")
    first = lender.lend(FOUR, 1)
    first.release()
    first.release()
    second, third = lender.lend(FOUR, 1), lender.lend(FOUR, 1)
    assert (second.address != first.address, third.address == first.address) == (True, True)
    with pytest.raises(LinkError):
        lender.lend(FOUR, 1)


def test_a_large_network_is_cut():
    lender = pool("2001:db8::/32", limit=2)
    assert [ip.text(lender.lend(SIX, 0).address) for _ in range(2)] == ["2001:db8::1", "2001:db8::2"]


@pytest.mark.parametrize(("network", "target"), [("10.9.0.2/32", FOUR), ("2001:db8::2/128", SIX)])
def test_a_network_of_one_address(network, target):
    lender = pool(network)
    assert ip.text(lender.lend(target, 1).address) == network.partition("/")[0]
    with pytest.raises(LinkError, match="no IPv"):
        lender.lend(target, 1)


def test_shared_addresses_are_taken_in_turn_and_no_port_twice():
    shared = Shared([ip.pack("192.0.2.5"), ip.pack("192.0.2.6")], rng=random.Random(1))
    leases = [shared.lend(3) for _ in range(10)]
    assert [ip.text(lease.address) for lease in leases] == ["192.0.2.5", "192.0.2.6"] * 5
    assert len({(lease.address, port) for lease in leases for port in lease.ports}) == 30


def test_a_shared_port_is_met_again_when_all_others_have_been():
    shared = Shared([ip.pack("192.0.2.5")], rng=random.Random(1))
    first = shared.lend(2)
    first.release()
    first.release()
    rest = shared.lend(len(PORTS) - 2)
    assert not set(first.ports) & set(rest.ports)
    assert shared.lend(2).ports == first.ports
    with pytest.raises(LinkError, match=r"^no port of 192\.0\.2\.5 is left to lend$"):
        shared.lend(1)
