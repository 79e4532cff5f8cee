"""What every lab with a TCP of its own can do, whatever that TCP is."""

import pytest
from labs import answer, download

from tcpprobe.lab.addresses import SERVICES
from tcpprobe.lab.lab import open_lab
from tcpprobe.lab.linux import open_linux
from tcpprobe.lab.talkers import PATTERN_PERIOD
from tcpprobe.wire.flags import ACK, RST, SYN

LABS = {
    "linux over tun": lambda family: open_linux(family, "tun"),
    "linux over veth": lambda family: open_linux(family, "veth"),
    "lwip": lambda family: open_lab("lwip", family=family),
    "slirp": lambda family: open_lab("slirp", family=family),
}


@pytest.fixture(scope="module", params=[(name, family) for name in LABS for family in (4, 6)], ids=str)
def lab(request):
    name, family = request.param
    with LABS[name](family) as lab:
        yield lab


def test_the_target_says_where_it_is(lab):
    assert lab.target.name == f"lab:{lab.target.lab}"
    assert lab.target.services == SERVICES
    assert len(lab.target.address) == (4 if lab.target.family == 4 else 16)


@pytest.mark.parametrize("port", sorted({*SERVICES.values(), 19}))
def test_every_service_accepts_connections(lab, port):
    packet = answer(lab.link, lab.target.address, port)
    assert (packet.payload.flags, packet.payload.ack, packet.tcp_checksum) == (SYN | ACK, 1001, "correct")


def test_the_closed_port_resets(lab):
    assert answer(lab.link, lab.target.address, lab.target.closed_port).payload.flags == RST | ACK


def test_hundreds_of_connections_are_open_at_once(lab):
    for _ in range(500):
        assert answer(lab.link, lab.target.address, 7).payload.flags == SYN | ACK


def test_bulk_data_is_the_known_pattern_in_segments_no_larger_than_the_link(lab):
    body, longest = download(lab.link, lab.target.address, 300_000)
    assert body == bytes(i % PATTERN_PERIOD for i in range(300_000))
    assert longest <= lab.link.mtu
