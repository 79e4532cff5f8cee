import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import ether, ip
from tcpprobe.wire.ether import Arp, Frame, Neighbour

OURS, THEIRS = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
A4, B4 = ip.pack("192.0.2.1"), ip.pack("192.0.2.2")
A6, B6 = ip.pack("fe80::1"), ip.pack("2001:db8::12:3456")


def test_a_frame_both_ways():
    frame = Frame(THEIRS, OURS, ether.IPV4, b"payload")
    raw = ether.encode_frame(frame)
    assert raw.hex() == "0200000000020200000000010800" + b"payload".hex()
    assert ether.decode_frame(raw) == frame
    assert ether.decode_frame(raw[:13]) is None


def test_arp_both_ways_and_its_answer():
    request = Arp(ether.REQUEST, THEIRS, B4, bytes(6), A4)
    raw = ether.encode_arp(request)
    assert raw.hex() == "0001080006040001020000000002c0000202000000000000c0000201"
    assert ether.decode_arp(raw + bytes(18)) == request
    assert ether.arp_reply(request, OURS) == Arp(ether.REPLY, OURS, A4, THEIRS, B4)


@pytest.mark.parametrize("size", range(28))
def test_a_cut_arp_is_none(size):
    assert ether.decode_arp(ether.encode_arp(Arp(1, OURS, A4, THEIRS, B4))[:size]) is None


def test_another_hardware_is_no_arp_for_us():
    assert ether.decode_arp(b"\x00\x06" + bytes(26)) is None


def test_multicast_names():
    group = ether.solicited_node(B6)
    assert ip.text(group) == "ff02::1:ff12:3456"
    assert ether.multicast_hardware(group).hex() == "3333ff123456"


@pytest.mark.parametrize(
    "message",
    [
        Neighbour(ether.SOLICITATION, B6, THEIRS),
        Neighbour(ether.SOLICITATION, B6),
        Neighbour(ether.ADVERTISEMENT, B6, OURS, 0x60),
    ],
)
def test_neighbours_both_ways(message):
    raw = ip.encode(ether.neighbour_packet(message, A6, B6))
    assert ether.read_neighbour(ip.decode(raw)) == message


@pytest.mark.parametrize(
    ("at", "value"),
    [(7, 64), (41, 1), (40, 128), (42, 0xEE), (65, 0), (65, 9)],
    ids=["hop limit", "code", "type", "checksum", "option length 0", "option too long"],
)
def test_what_rfc_4861_forbids_is_no_neighbour(at, value):
    raw = bytearray(ip.encode(ether.neighbour_packet(Neighbour(ether.SOLICITATION, B6, THEIRS), A6, B6)))
    raw[at] = value
    if at != 42:
        packet = ip.decode(bytes(raw))
        packet.payload.checksum = None
        raw = bytearray(ip.encode(packet))
    assert ether.read_neighbour(ip.decode(bytes(raw))) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_read(data):
    ether.decode_frame(data)
    ether.decode_arp(data)
    ether.read_neighbour(ip.decode(data))
