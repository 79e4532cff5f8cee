import io
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgReader

from tcpprobe import scapy_edge
from tcpprobe.wire import icmp, ip, options
from tcpprobe.wire.flags import ACK, PSH, SYN
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

A4, B4 = ip.pack("192.0.2.1"), ip.pack("192.0.2.2")
A6, B6 = ip.pack("2001:db8::1"), ip.pack("2001:db8::2")
OPTIONS = options.encode_options(
    [options.mss(1460), options.sack_permitted(), options.timestamps(5, 6), options.nop(), options.wscale(7)]
)
SCAPY_OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (5, 6)), ("NOP", None), ("WScale", 7)]


@settings(max_examples=60, deadline=None)
@given(
    st.booleans(),
    st.integers(0, 65535),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 511),
    st.integers(0, 7),
    st.booleans(),
    st.binary(max_size=20),
    st.integers(0, 255),
)
def test_scapy_encodes_the_same(six, port, seq, flags, reserved, with_options, payload, tos):
    segment = Segment(port, 7, seq, 9, flags, 1000, 3, OPTIONS if with_options else b"", payload, reserved=reserved)
    layer = TCP(
        sport=port,
        dport=7,
        seq=seq,
        ack=9,
        flags=flags,
        window=1000,
        urgptr=3,
        reserved=reserved,
        options=SCAPY_OPTIONS if with_options else [],
    )
    if six:
        ours, below = Packet(A6, B6, segment, tos=tos), IPv6(src="2001:db8::1", dst="2001:db8::2", tc=tos)
    else:
        ours, below = Packet(A4, B4, segment, tos=tos), IP(src="192.0.2.1", dst="192.0.2.2", flags="DF", id=0, tos=tos)
    assert ip.encode(ours) == bytes(below / layer / payload)


@pytest.mark.parametrize("pair", [(A4, B4), (A6, B6)])
def test_packets_both_ways(pair):
    raw = ip.encode(Packet(*pair, Segment(4000, 7, 1, 2, PSH | ACK, 9, options=OPTIONS, payload=b"hi")))
    packet = scapy_edge.to_scapy(raw)
    assert packet[TCP].options[0] == ("MSS", 1460)
    assert bytes(packet) == raw
    assert bytes(scapy_edge.to_scapy(ip.decode(raw))) == raw
    assert scapy_edge.from_scapy(packet) == ip.decode(raw)
    assert scapy_edge.from_scapy(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet) == ip.decode(raw)


def test_a_malformed_packet_keeps_its_bytes():
    raw = ip.encode(Packet(A4, B4, Segment(4000, 7, data_offset=15, options=b"\x02\x00", checksum=5), checksum=7))
    assert bytes(scapy_edge.to_scapy(raw)) == raw


def test_a_packet_without_ip_is_refused():
    with pytest.raises(ValueError, match="no IP layer in 02:00"):
        scapy_edge.from_scapy(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02"))


def test_segments_both_ways():
    segment = Segment(4000, 7, 1, 2, SYN, 9, options=OPTIONS, payload=b"hi")
    layer = scapy_edge.segment_to_scapy(segment)
    whole = IP(src="192.0.2.1", dst="192.0.2.2", flags="DF", id=0) / layer
    assert bytes(whole) == ip.encode(Packet(A4, B4, segment))
    made = scapy_edge.segment_from_scapy(TCP(sport=1, dport=2, flags="SA", options=[("WScale", 7)]) / b"x")
    assert (made.checksum, made.data_offset, made.parsed.wscale, made.payload) == (None, None, 7, b"x")
    given_ = scapy_edge.segment_from_scapy(TCP(sport=1, dport=2, chksum=77, dataofs=4))
    assert (given_.checksum, given_.data_offset) == (77, 4)


def layer_names(raw):
    return [layer.name for layer in scapy_edge.dissect(raw)]


def field(raw, layer, name):
    return next(f for found in scapy_edge.dissect(raw) if found.name == layer for f in found.fields if f.name == name)


@pytest.mark.parametrize(("pair", "start"), [((A4, B4), 20), ((A6, B6), 40)])
def test_dissection(pair, start):
    raw = ip.encode(Packet(*pair, Segment(4000, 7, 1, 2, PSH | ACK, 9, options=OPTIONS, payload=b"hi\n")))
    name = f"IPv{4 if start == 20 else 6}"
    assert layer_names(raw) == [name, "TCP", "data"]
    assert field(raw, "TCP", "flags") == ("flags", "PA", start + 12, 2)
    assert field(raw, "TCP", "option mss") == ("option mss", "1460", start + 20, 4)
    assert field(raw, "TCP", "option timestamps") == ("option timestamps", "value 5, echo 6", start + 26, 10)
    assert field(raw, "TCP", "checksum").value.endswith(" (correct)")
    assert field(raw, "data", "text") == ("text", "hi.", start + 40, 3)
    assert field(raw, name, "destination").value == ip.text(pair[1])


@pytest.mark.parametrize(
    ("segment", "name", "value"),
    [
        (Segment(1, 2, checksum=1), "checksum", "0x0001 (wrong)"),
        (Segment(1, 2, options=b"\x02\x00\x00\x00"), "malformed options", "02 00 00 00"),
        (Segment(1, 2, options=b"\x00\x01\x02\x03"), "padding", "01 02 03"),
        (Segment(1, 2, options=b"\x02\x03\x05\x00"), "problem", "option mss has length 3, not 4"),
        (Segment(1, 2, options=options.encode_options([options.sack_blocks((1, 2))])), "option sack_blocks", "1..2"),
        (Segment(1, 2, options=options.encode_options([options.fast_open()])), "option fast_open", "cookie request"),
        (Segment(1, 2, options=b"\x63\x04\xab\xcd"), "option 99", "ab cd"),
        (Segment(1, 2), "flags", "none"),
    ],
)
def test_odd_segments_are_dissected(segment, name, value):
    assert field(ip.encode(Packet(A4, B4, segment)), "TCP", name).value == value


def test_a_quote_is_dissected_where_it_stands():
    lost = ip.encode(Packet(A4, B4, Segment(4000, 7, seq=5)))
    raw = ip.encode(Packet(B4, A4, Icmp(3, 4, icmp.mtu_word(1280, 4), lost)))
    assert layer_names(raw) == ["IPv4", "ICMP", "quoted IPv4", "quoted TCP"]
    assert field(raw, "ICMP", "next-hop MTU").value == "1280"
    assert field(raw, "quoted TCP", "sequence number") == ("sequence number", "5", 52, 4)
    cut = ip.encode(Packet(B4, A4, Icmp(3, 4, icmp.mtu_word(1280, 4), lost[:28])))
    assert layer_names(cut) == ["IPv4", "ICMP", "quoted IPv4", "quoted data"]


@given(st.binary(max_size=120))
def test_any_bytes_are_dissected_within_their_bounds(raw):
    for layer in scapy_edge.dissect(raw):
        for name, value, offset, length in layer.fields:
            assert name
            assert isinstance(value, str)
            assert 0 <= offset <= offset + length <= len(raw)


def test_scapy_reads_the_capture_back(tmp_path):
    packets = [
        ip.encode(Packet(A4, B4, Segment(4000, 7, flags=SYN))),
        ip.encode(Packet(A6, B6, Segment(4000, 7, payload=b"odd"))),
    ]
    path = tmp_path / "play.pcapng"
    scapy_edge.write_pcapng(path, [(1.5, packets[0], "step 1: sent → SYN"), (2.000001, packets[1], "")])
    with PcapNgReader(str(path)) as reader:
        read = list(reader)
    assert [bytes(packet) for packet in read] == packets
    assert [float(packet.time) for packet in read] == [1.5, 2.000001]
    assert "step 1: sent → SYN".encode() in path.read_bytes()
    again = io.BytesIO()
    scapy_edge.write_pcapng(again, [(1.5, packets[0], "step 1: sent → SYN"), (2.000001, packets[1], "")])
    assert again.getvalue() == path.read_bytes()


def test_scapy_is_not_loaded_for_reports():
    code = (
        "import sys; from tcpprobe import scapy_edge as e; e.dissect(bytes(40)); "
        "assert not any(name.startswith('scapy') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
