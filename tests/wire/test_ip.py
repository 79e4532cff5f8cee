from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import ip, options
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.flags import ACK, SYN
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

A4, B4 = ip.pack("192.0.2.1"), ip.pack("192.0.2.2")
A6, B6 = ip.pack("2001:db8::1"), ip.pack("2001:db8::2")
SYN4 = "450000280001400040 06 b6cb c0000201c0000202 0fa0 0007 00000001 00000000 5002 ffff 1c37 0000".replace(" ", "")
SYN6 = (
    "6000000000140640 20010db8000000000000000000000001 20010db8000000000000000000000002"
    "0fa0 0007 00000001 00000000 5002 ffff 44c6 0000"
).replace(" ", "")

pairs = st.sampled_from([(A4, B4), (A6, B6)])
segments = st.builds(
    Segment,
    st.integers(0, 65535),
    st.integers(0, 65535),
    flags=st.integers(0, 511),
    options=st.sampled_from([b"", bytes(4), bytes.fromhex("0101080a0000000500000006")]),
    payload=st.binary(max_size=30),
)


@pytest.mark.parametrize("text", ["192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::2:1", "fe80::1"])
def test_addresses_both_ways(text):
    assert ip.text(ip.pack(text)) == text


@pytest.mark.parametrize("text", ["", "192.0.2", "192.0.2.256", "fe80::1%eth0x/64", "example.org"])
def test_other_text_is_no_address(text):
    with pytest.raises(ValueError, match="address"):
        ip.pack(text)


@pytest.mark.parametrize(("address", "shown"), [(b"", "?"), (b"\x01\x02", "0102")])
def test_bytes_that_are_no_address_are_shown(address, shown):
    assert ip.text(address) == shown


@pytest.mark.parametrize(("src", "dst", "raw", "df"), [(A4, B4, SYN4, True), (A6, B6, SYN6, False)])
def test_known_packets_both_ways(src, dst, raw, df):
    packet = Packet(src, dst, Segment(4000, 7, 1, 0, SYN, 65535), ident=1 if df else 0)
    assert ip.encode(packet).hex() == raw
    decoded = ip.decode(bytes.fromhex(raw))
    assert (decoded.src, decoded.dst, decoded.ttl, decoded.df, decoded.protocol) == (src, dst, 64, df, 6)
    assert (decoded.problem, decoded.tcp_checksum, decoded.raw.hex()) == (None, Checksum.CORRECT, raw)
    assert (decoded.payload.sport, decoded.payload.flags, decoded.payload.data_offset) == (4000, SYN, 5)


@given(pairs, segments, st.integers(1, 255), st.integers(0, 255), st.integers(0, 0xFFFFF))
def test_a_packet_comes_back(pair, segment, ttl, tos, label):
    packet = Packet(*pair, segment, ttl=ttl, tos=tos, flow_label=label)
    raw = ip.encode(packet)
    decoded = ip.decode(raw)
    assert (decoded.problem, decoded.tcp_checksum) == (None, Checksum.CORRECT)
    assert (decoded.src, decoded.dst, decoded.ttl, decoded.tos) == (*pair, ttl, tos)
    assert decoded.flow_label == (label if len(pair[0]) == 16 else 0)
    assert replace(decoded.payload, checksum=None, data_offset=None) == segment
    assert ip.encode(decoded) == raw
    assert ip.peek(raw) == (*pair, segment.sport, segment.dport)


@given(st.binary(max_size=120))
def test_any_bytes_decode(data):
    packet = ip.decode(data)
    assert packet.raw == data
    assert packet.tcp_checksum in (None, *Checksum)
    assert data.startswith(ip.encode(packet)) or packet.problem is not None
    ip.peek(data)


heads = st.sampled_from(["45", "46", "4f", "44", "60", "6f"]).map(bytes.fromhex)
protocols = st.sampled_from([0, 1, 6, 43, 44, 51, 58, 60])


@given(heads, st.binary(min_size=60, max_size=120), protocols, st.integers(0, 120))
def test_nearly_right_bytes_decode_and_encode_to_themselves(head, body, protocol, length):
    data = bytearray(head + body)
    at = 9 if head[0] >> 4 == 4 else 6
    data[at] = protocol
    data[2 if at == 9 else 4 : 4 if at == 9 else 6] = length.to_bytes(2, "big")
    packet = ip.decode(bytes(data))
    again = ip.encode(packet)
    assert bytes(data).startswith(again)
    assert packet.problem is not None or len(again) <= len(data)
    ip.peek(bytes(data))


@pytest.mark.parametrize("raw", [SYN4, SYN6])
def test_every_prefix_decodes_to_itself_and_says_that_it_is_cut(raw):
    data = bytes.fromhex(raw)
    for size in range(len(data)):
        packet = ip.decode(data[:size])
        assert packet.problem is not None
        assert ip.encode(packet) == data[:size]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", "empty"),
        ("45", "1 bytes are no IPv4 header"),
        ("60" + "00" * 30, "31 bytes are no IPv6 header"),
        ("70" + "00" * 40, "IP version 7"),
        (SYN4.replace("b6cb", "b6cc"), "IPv4 header checksum is wrong"),
        (SYN4.replace("4500", "4400", 1), "header length 4 is less than 5"),
        (SYN4.replace("4500", "4f00", 1), "header length 15 is beyond the packet's 40 bytes"),
        (SYN6.replace("00140640", "00200640"), "payload length says 32, 20 bytes arrived"),
        (SYN6.replace("00140640", "00130640"), "19 bytes are no TCP header"),
    ],
)
def test_what_is_odd_is_told(data, problem):
    packet = ip.decode(bytes.fromhex(data))
    assert packet.problem == problem


def test_a_length_beyond_the_packet_is_told_and_the_segment_still_read():
    packet = ip.decode(ip.encode(Packet(A4, B4, Segment(1, 2, payload=b"abc"), total_length=100)))
    assert packet.problem == "total length says 100, 43 bytes arrived"
    assert packet.payload.payload == b"abc"


def test_padding_after_the_packet_is_not_part_of_it():
    raw = bytes.fromhex(SYN4)
    packet = ip.decode(raw + bytes(6))
    assert (packet.problem, packet.payload.payload, packet.tcp_checksum) == (None, b"", Checksum.CORRECT)
    assert ip.encode(packet) == raw


def test_ipv4_options_and_an_odd_segment():
    segment = Segment(1, 2, flags=ACK, options=options.encode_options([options.wscale(3)]), payload=b"odd")
    raw = ip.encode(Packet(A4, B4, segment, options=b"\x94\x04\x00"))
    packet = ip.decode(raw)
    assert (packet.options, packet.header_length, packet.problem) == (b"\x94\x04\x00\x00", 6, None)
    assert packet.payload.parsed.wscale == 3
    assert packet.tcp_checksum is Checksum.CORRECT
    assert ip.encode(packet) == raw
    assert ip.peek(raw) == (A4, B4, 1, 2)


@pytest.mark.parametrize(
    ("fields", "at", "seen"),
    [
        ({"ttl": 0}, slice(8, 9), "00"),
        ({"tos": 3}, slice(1, 2), "03"),
        ({"df": False}, slice(6, 8), "0000"),
        ({"df": False, "reserved": 1}, slice(6, 8), "8000"),
        ({"fragment": (8, True)}, slice(6, 8), "6001"),
        ({"ident": 0xABCD}, slice(4, 6), "abcd"),
        ({"protocol": 17}, slice(9, 10), "11"),
        ({"version": 7}, slice(0, 1), "75"),
        ({"header_length": 3}, slice(0, 1), "43"),
        ({"total_length": 7}, slice(2, 4), "0007"),
        ({"checksum": 0xDEAD}, slice(10, 12), "dead"),
    ],
)
def test_everything_in_an_ipv4_header_is_sayable(fields, at, seen):
    raw = ip.encode(Packet(A4, B4, Segment(1, 2), **fields))
    assert raw[at].hex() == seen
    assert len(raw) == 40


@pytest.mark.parametrize(
    ("fields", "at", "seen"),
    [
        ({"ttl": 0}, slice(7, 8), "00"),
        ({"tos": 0xAB, "flow_label": 0x12345}, slice(0, 4), "6ab12345"),
        ({"protocol": 59}, slice(6, 7), "3b"),
        ({"next_header": 43}, slice(6, 7), "2b"),
        ({"version": 4}, slice(0, 1), "40"),
        ({"total_length": 7}, slice(4, 6), "0007"),
    ],
)
def test_everything_in_an_ipv6_header_is_sayable(fields, at, seen):
    raw = ip.encode(Packet(A6, B6, Segment(1, 2), **fields))
    assert raw[at].hex() == seen
    assert len(raw) == 60


@pytest.mark.parametrize("pair", [(A4, B4), (A6, B6)])
def test_fragments_stay_bytes(pair):
    raw = ip.encode(Packet(*pair, b"later piece", protocol=6, fragment=(16, False), ident=5))
    packet = ip.decode(raw)
    assert (packet.payload, packet.fragment, packet.ident) == (b"later piece", (16, False), 5)
    assert (packet.problem, packet.tcp_checksum) == ("fragment", None)
    assert ip.encode(packet) == raw
    assert ip.peek(raw + bytes(20)) is None


def test_an_atomic_ipv6_fragment_is_a_whole_packet():
    raw = ip.encode(Packet(A6, B6, Segment(1, 2), fragment=(0, False), ident=77))
    packet = ip.decode(raw)
    assert (packet.problem, packet.payload.sport, packet.ident) == (None, 1, 77)
    assert packet.tcp_checksum is Checksum.CORRECT
    assert ip.encode(packet) == raw
    assert ip.peek(raw) == (A6, B6, 1, 2)


@pytest.mark.parametrize(
    ("first", "chain"),
    [
        (0, "0600010400000000"),
        (60, "0601000000000000 0000000000000000"),
        (43, "0600000000000000"),
        (0, "2b00010400000000 0600000000000000"),
        (51, "0604000000000001 00000001 000000000000000000000000"),
    ],
)
def test_extension_headers_are_skipped(first, chain):
    chain = bytes.fromhex(chain)
    raw = ip.encode(Packet(A6, B6, Segment(1, 2, payload=b"x"), options=chain, next_header=first))
    packet = ip.decode(raw)
    assert (packet.problem, packet.options, packet.next_header, packet.protocol) == (None, chain, first, 6)
    assert (packet.payload.sport, packet.tcp_checksum) == (1, Checksum.CORRECT)
    assert ip.encode(packet) == raw
    assert ip.peek(raw) == (A6, B6, 1, 2)
    for size in range(40, len(raw)):
        ip.decode(raw[:size])
        ip.peek(raw[:size])


def test_a_cut_off_extension_header_is_told():
    packet = ip.decode(ip.encode(Packet(A6, B6, bytes.fromhex("06ff000000000000"), protocol=0)))
    assert packet.problem == "extension header is cut off"


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (Packet(A4, B6, b""), "addresses 192.0.2.1 and 2001:db8::2 are not of one family"),
        (Packet(b"ab", b"cd", b""), "addresses 6162 and 6364 are not of one family"),
        (Packet(A4, B4, b"", ttl=256), "ttl 256 does not fit 8 bits"),
        (Packet(A4, B4, b"", tos=-1), "tos -1 does not fit 8 bits"),
        (Packet(A4, B4, b"", ident=65536), "ident 65536 does not fit 16 bits"),
        (Packet(A4, B4, b"", protocol=300), "protocol 300 does not fit 8 bits"),
        (Packet(A4, B4, b"", version=16), "version 16 does not fit 4 bits"),
        (Packet(A4, B4, b"", header_length=16), "header_length 16 does not fit 4 bits"),
        (Packet(A6, B6, b"", flow_label=1 << 20), "flow_label 1048576 does not fit 20 bits"),
        (Packet(A4, B4, b"", fragment=(65536, False)), "fragment offset 65536 does not fit 16 bits"),
        (Packet(A4, B4, bytes(65536)), "65536 bytes of payload and 0 of options do not fit a packet"),
    ],
)
def test_what_does_not_fit_is_named(packet, message):
    with pytest.raises(ValueError, match=r"fit|family") as caught:
        ip.encode(packet)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(23),
        bytes.fromhex(SYN4)[:23],
        bytes.fromhex(SYN4.replace("4006b6cb", "4011b6cb")),
        ip.encode(Packet(A4, B4, Icmp(3, 3))),
        ip.encode(Packet(A6, B6, Icmp(1, 4))),
    ],
)
def test_nothing_to_peek_at(data):
    assert ip.peek(data) is None
