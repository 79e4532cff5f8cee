import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.link.offload import Traces, finish, split
from tcpprobe.wire import ip
from tcpprobe.wire.checksum import Checksum, pseudo_sum
from tcpprobe.wire.flags import ACK, CWR, FIN, PSH
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

V4 = (ip.pack("192.0.2.1"), ip.pack("192.0.2.2"))
V6 = (ip.pack("2001:db8::1"), ip.pack("2001:db8::2"))
TIMESTAMPS = bytes.fromhex("0101080a0000000500000006")


def super_segment(pair, payload, **fields):
    return ip.encode(
        Packet(*pair, Segment(7, 4000, 0xFFFFFFF0, 5, options=TIMESTAMPS, payload=payload, **fields), ident=0xFFFF)
    )


@pytest.mark.parametrize(("pair", "gso_type"), [(V4, 1), (V6, 4), (V4, 0x81)])
def test_pieces_are_what_the_wire_would_carry(pair, gso_type):
    raw = super_segment(pair, b"abcdefghij", flags=FIN | PSH | ACK | CWR)
    pieces = [ip.decode(piece) for piece in split(raw, gso_type, 4)]
    assert [piece.payload.payload for piece in pieces] == [b"abcd", b"efgh", b"ij"]
    assert [piece.payload.seq for piece in pieces] == [0xFFFFFFF0, 0xFFFFFFF4, 0xFFFFFFF8]
    assert [piece.payload.flags for piece in pieces] == [ACK | CWR, ACK, FIN | PSH | ACK]
    for index, piece in enumerate(pieces):
        assert (piece.problem, piece.tcp_checksum) == (None, Checksum.CORRECT)
        assert (piece.payload.options, piece.payload.ack) == (TIMESTAMPS, 5)
        assert piece.ident == ((0xFFFF + index) & 0xFFFF if pair is V4 else 0)


@pytest.mark.parametrize(("pair", "gso_type"), [(V4, 1), (V6, 4)])
def test_an_unfinished_checksum_stays_unfinished(pair, gso_type):
    partial = pseudo_sum(*pair, 6, 32 + 10)
    raw = super_segment(pair, b"abcdefghij", checksum=partial)
    pieces = split(raw, gso_type, 4)
    assert [ip.decode(piece).tcp_checksum for piece in pieces] == [Checksum.NOT_COMPUTED] * 3


@pytest.mark.parametrize(("gso_type", "gso_size"), [(0, 4), (3, 4), (1, 0), (1, 10), (1, 4000)])
def test_everything_else_stays_whole(gso_type, gso_size):
    raw = super_segment(V4, b"abcdefghij")
    assert split(raw, gso_type, gso_size) == [raw]


def test_what_is_no_segment_stays_whole():
    assert split(b"\x45garbage", 1, 4) == [b"\x45garbage"]


@pytest.mark.parametrize("pair", [V4, V6])
def test_finishing_a_checksum_touches_nothing_else(pair):
    right = super_segment(pair, b"abcde")
    unfinished = super_segment(pair, b"abcde", checksum=pseudo_sum(*pair, 6, 32 + 5))
    assert finish(unfinished) == right
    assert finish(right) == right
    wrong = super_segment(pair, b"abcde", checksum=1)
    assert finish(wrong) == wrong
    assert finish(b"junk") == b"junk"


@given(st.binary(min_size=1, max_size=200), st.integers(1, 50))
def test_nothing_is_lost(payload, size):
    pieces = [ip.decode(piece).payload for piece in split(super_segment(V4, payload), 1, size)]
    assert b"".join(piece.payload for piece in pieces) == payload
    assert all(len(piece.payload) <= size for piece in pieces)


def test_what_was_seen_is_told_with_what_to_do():
    assert Traces().remarks("eth0") == []
    merged, oversized = Traces(3, 1).remarks("eth0")
    (unfinished,) = Traces(merged=3, unfinished=2).remarks("eth0")
    assert merged.startswith("eth0 merged arriving segments")
    assert "`ethtool -K eth0 gro off lro off`" in merged
    assert oversized.startswith("eth0 brought packets larger than its MTU")
    assert "they were not judged; `ethtool -K … tx off tso off gso off`" in unfinished
    (loopback,) = Traces(unfinished=1).remarks("lo")
    assert loopback == "over loopback nobody computes checksums: the target's were not judged"
