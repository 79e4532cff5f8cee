import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import icmp, ip
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.segment import Segment

FOUR = (bytes((192, 0, 2, 9)), bytes((192, 0, 2, 1)))
SIX = (ip.pack("2001:db8::9"), ip.pack("2001:db8::1"))


@pytest.mark.parametrize(
    ("name", "four", "six"),
    [
        ("net-unreachable", (3, 0), (1, 0)),
        ("host-unreachable", (3, 1), (1, 3)),
        ("protocol-unreachable", (3, 2), (4, 1)),
        ("port-unreachable", (3, 3), (1, 4)),
        ("frag-needed", (3, 4), (2, 0)),
        ("packet-too-big", (3, 4), (2, 0)),
        ("admin-prohibited", (3, 13), (1, 1)),
        ("time-exceeded", (11, 0), (3, 0)),
        ("parameter-problem", (12, 0), (4, 0)),
        ("source-quench", (4, 0), None),
    ],
)
def test_names(name, four, six):
    assert icmp.icmp_named(name, 4) == four
    if six is not None:
        assert icmp.icmp_named(name, 6) == six
    else:
        with pytest.raises(ValueError, match=f"'{name}' is not an ICMP message of IPv6"):
            icmp.icmp_named(name, 6)


@pytest.mark.parametrize("version", [4, 6])
def test_every_name_comes_back(version):
    for name, (kind, code) in icmp.NAMES[version].items():
        assert icmp.icmp_name(Icmp(kind, code), version) == name
    assert icmp.icmp_name(Icmp(250, 9), version) == "type 250 code 9"


@pytest.mark.parametrize(
    ("message", "mtu"),
    [
        (Icmp(3, 4, icmp.mtu_word(1280, 4)), 1280),
        (Icmp(2, 0, icmp.mtu_word(70000, 6)), 70000),
        (Icmp(3, 1, bytes(4)), None),
        (Icmp(2, 0, b""), None),
    ],
)
def test_mtu(message, mtu):
    assert message.mtu == mtu


def test_an_mtu_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="mtu 65536 does not fit 16 bits"):
        icmp.mtu_word(65536, 4)


@given(st.integers(0, 255), st.integers(0, 255), st.binary(min_size=4, max_size=4), st.binary(max_size=60))
def test_both_families_both_ways(kind, code, rest, quote):
    for src, dst in (FOUR, SIX):
        message = Icmp(kind, code, rest, quote)
        packet = ip.decode(ip.encode(ip.Packet(src, dst, message)))
        assert packet.problem is None
        message.checksum = packet.payload.checksum
        assert packet.payload == message


@given(st.binary(min_size=4, max_size=60))
def test_any_bytes_decode(data):
    message = icmp.decode_icmp(data)
    assert icmp.encode_icmp(message, *FOUR) == data


@pytest.mark.parametrize(("src", "dst"), [FOUR, SIX])
@pytest.mark.parametrize("cut", [None, 8, 4])
def test_the_quoted_four_tuple(src, dst, cut):
    lost = ip.encode(ip.Packet(dst, src, Segment(4000, 80, seq=7)))
    header = 20 if len(src) == 4 else 40
    version = 4 if len(src) == 4 else 6
    quote = lost if cut is None else lost[: header + cut]
    message = Icmp(*icmp.icmp_named("port-unreachable", version), quote=quote)
    assert ip.quoted_tuple(message, version) == (dst, src, 4000, 80)


def test_no_quoted_four_tuple():
    lost = ip.encode(ip.Packet(FOUR[1], FOUR[0], Segment(4000, 80)))
    assert ip.quoted_tuple(Icmp(8, 0, quote=lost), 4) is None
    assert ip.quoted_tuple(Icmp(3, 3, quote=lost[:23]), 4) is None
    assert ip.quoted_tuple(Icmp(3, 3), 4) is None


def test_a_wrong_checksum_is_told():
    packet = ip.decode(ip.encode(ip.Packet(*FOUR, Icmp(3, 3, checksum=1))))
    assert packet.problem == "ICMP checksum is wrong"
