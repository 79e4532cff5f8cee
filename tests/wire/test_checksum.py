import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import checksum
from tcpprobe.wire.checksum import Checksum

addresses = st.one_of(
    st.tuples(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4)),
    st.tuples(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16)),
)


def by_the_book(data):
    """RFC 1071 4.1, word by word."""
    data += bytes(len(data) % 2)
    total = sum(word for (word,) in struct.iter_unpack("!H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@given(st.binary(max_size=200))
def test_ones_complement_is_rfc_1071(data):
    assert checksum.ones_complement(data) == by_the_book(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0xFFFF),
        (bytes(20), 0xFFFF),
        (b"\xff\xff", 0),
        (b"\xff\xff\xff\xff", 0),
        # The numbers of RFC 1071 3: 0001 f203 f4f5 f6f7 sum to ddf2.
        (bytes.fromhex("0001f203f4f5f6f7"), 0xFFFF - 0xDDF2),
    ],
)
def test_known_sums(data, expected):
    assert checksum.ones_complement(data) == expected


@given(addresses, st.binary(min_size=20, max_size=90))
def test_the_right_checksum_is_correct_and_no_other(pair, body):
    src, dst = pair
    right = checksum.tcp_checksum(src, dst, body)
    pseudo = src + dst + struct.pack("!IxxxB", len(body), 6)
    assert right == by_the_book(pseudo + body[:16] + b"\0\0" + body[18:])
    sealed = body[:16] + right.to_bytes(2, "big") + body[18:]
    assert checksum.verify(src, dst, sealed) is Checksum.CORRECT
    broken = body[:16] + (right ^ 0x0100).to_bytes(2, "big") + body[18:]
    assert checksum.verify(src, dst, broken) is not Checksum.CORRECT


@given(addresses, st.binary(min_size=20, max_size=90))
def test_the_partial_sum_is_not_computed(pair, body):
    src, dst = pair
    pseudo = src + dst + struct.pack("!IxxxB", len(body), 6)
    partial = 0xFFFF - by_the_book(pseudo)
    left = body[:16] + partial.to_bytes(2, "big") + body[18:]
    expected = Checksum.CORRECT if checksum.tcp_checksum(src, dst, body) == partial else Checksum.NOT_COMPUTED
    assert checksum.verify(src, dst, left) is expected


def test_anything_else_is_wrong():
    assert checksum.verify(bytes(4), bytes(4), bytes(16) + b"\x12\x34" + bytes(2)) is Checksum.WRONG


def test_what_a_kernel_leaves_on_loopback():
    """The fe30 that every capture of a 40-byte SYN over 127.0.0.1 shows."""
    loopback = bytes((127, 0, 0, 1))
    assert checksum.pseudo_sum(loopback, loopback, 6, 40) == 0xFE30
    assert checksum.verify(loopback, loopback, bytes(16) + b"\xfe\x30" + bytes(22)) is Checksum.NOT_COMPUTED
