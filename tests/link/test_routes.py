import pytest

from tcpprobe.link.base import LinkError
from tcpprobe.link.routes import Route, route
from tcpprobe.wire import ip


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_loopback(address):
    packed = ip.pack(address)
    found = route(packed)
    assert found == Route(packed, "lo", found.index, found.mtu)
    assert found.mtu >= 1280
    assert route(packed, interface="lo", source=packed) == found


def test_another_source_of_this_host():
    assert route(ip.pack("127.0.0.1"), source=ip.pack("127.0.0.9")).source == ip.pack("127.0.0.9")


@pytest.mark.parametrize(
    ("target", "options", "sentence"),
    [
        ("127.0.0.1", {"source": ip.pack("203.0.113.77")}, "203.0.113.77 is not an address of this host"),
        ("127.0.0.1", {"interface": "none0"}, "there is no network interface 'none0'"),
        ("224.0.0.1", {"interface": "lo"}, "224.0.0.1 cannot be reached: the route to it is not a unicast one"),
    ],
)
def test_what_cannot_be_is_one_sentence(target, options, sentence):
    with pytest.raises(LinkError) as caught:
        route(ip.pack(target), **options)
    assert str(caught.value) == sentence
