import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import icmp, ip, options
from tcpprobe.wire.flags import ACK, FIN, PSH, RST, SYN, URG
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.text import Numbers, one_line

A, B = ip.pack("10.0.0.1"), ip.pack("10.0.0.2")
A6, B6 = ip.pack("2001:db8::1"), ip.pack("2001:db8::2")
BASE = Numbers(iss=1000, irs=0xFFFFFFFF, local=(A, 4000))


def out(**fields):
    return Packet(A, B, Segment(4000, 7, **fields))


def back(**fields):
    return Packet(B, A, Segment(7, 4000, **fields))


@pytest.mark.parametrize(
    ("packet", "base", "line"),
    [
        (
            out(seq=1000, flags=SYN, window=65535, options=options.encode_options([options.mss(1460)])),
            None,
            "10.0.0.1:4000 > 10.0.0.2:7 [S] seq 1000 win 65535 <mss 1460> len 0",
        ),
        (out(seq=1000, flags=SYN), BASE, "10.0.0.1:4000 > 10.0.0.2:7 [S] seq 0 win 0 len 0"),
        (
            back(seq=0xFFFFFFFF, ack=1001, flags=SYN | ACK, window=9),
            BASE,
            "10.0.0.2:7 > 10.0.0.1:4000 [SA] seq 0 ack 1 win 9 len 0",
        ),
        (
            out(seq=999, ack=0, flags=PSH | ACK, payload=b"hello"),
            BASE,
            "10.0.0.1:4000 > 10.0.0.2:7 [PA] seq -1 ack 1 win 0 len 5",
        ),
        (
            back(seq=0, ack=1001, flags=RST | ACK),
            Numbers(1000, None, (A, 4000)),
            "10.0.0.2:7 > 10.0.0.1:4000 [RA] seq 0 ack 1 win 0 len 0",
        ),
        (out(flags=FIN | PSH | URG, urgent=3), None, "10.0.0.1:4000 > 10.0.0.2:7 [FPU] seq 0 win 0 urg 3 len 0"),
        (
            Packet(A6, B6, Segment(4000, 7)),
            None,
            "[2001:db8::1]:4000 > [2001:db8::2]:7 [] seq 0 win 0 len 0",
        ),
        (Packet(A, B, b"abc", protocol=17), None, "10.0.0.1 > 10.0.0.2 protocol 17 len 3"),
        (Packet(A, B, Icmp(8, 0)), None, "10.0.0.1 > 10.0.0.2 ICMP echo-request"),
        (
            Packet(B, A, Icmp(3, 4, icmp.mtu_word(1280, 4), ip.encode(out(seq=5)))),
            None,
            "10.0.0.2 > 10.0.0.1 ICMP frag-needed mtu 1280 about 10.0.0.1:4000 > 10.0.0.2:7",
        ),
    ],
)
def test_one_line(packet, base, line):
    assert one_line(packet, base) == line


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (options.encode_options([options.nop(), options.nop(), options.timestamps(5, 6)]), "timestamps 5 6"),
        (options.encode_options([options.sack_permitted(), options.wscale(14), options.eol()]), "sack, wscale 14"),
        (options.encode_options([options.sack_blocks((1001, 1011))]), "sack_blocks 1..11"),
        (options.encode_options([options.fast_open()]), "fast_open request"),
        (options.encode_options([options.fast_open(b"\xab\xcd")]), "fast_open abcd"),
        (bytes.fromhex("6304abcd"), "kind 99 abcd"),
        (bytes.fromhex("01010101"), "nop"),
        (bytes.fromhex("020305"), "mss 05, option mss has length 3, not 4"),
        (bytes.fromhex("0200"), "option mss has length 0, less than 2"),
    ],
)
def test_options(raw, shown):
    assert f" <{shown}> " in one_line(back(options=raw, data_offset=5), BASE)


def test_what_is_odd_is_said_at_the_end():
    wrong = ip.decode(ip.encode(out(checksum=1)))
    assert one_line(wrong).endswith(" len 0 (checksum wrong)")
    fragment = ip.decode(ip.encode(Packet(A, B, b"abc", protocol=6, fragment=(8, False))))
    assert one_line(fragment) == "10.0.0.1 > 10.0.0.2 protocol 6 len 3 (fragment)"
    assert one_line(ip.decode(b"")) == "? > ? protocol None len 0 (empty)"


@given(st.binary(max_size=100))
def test_any_bytes_are_one_line(data):
    assert "\n" not in one_line(ip.decode(data), BASE)
