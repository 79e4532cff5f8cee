import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import checksum, options
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.flags import ACK, FIN, PSH, SYN
from tcpprobe.wire.segment import Segment, decode_segment, encode_segment

SRC, DST = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))

segments = st.builds(
    Segment,
    sport=st.integers(0, 65535),
    dport=st.integers(0, 65535),
    seq=st.integers(0, 0xFFFFFFFF),
    ack=st.integers(0, 0xFFFFFFFF),
    flags=st.integers(0, 511),
    window=st.integers(0, 65535),
    urgent=st.integers(0, 65535),
    options=st.integers(0, 10).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n)),
    payload=st.binary(max_size=50),
    reserved=st.integers(0, 7),
)


@pytest.mark.parametrize(
    ("flags", "payload", "length", "end"),
    [(0, b"", 0, 0xFFFFFFFF), (SYN, b"", 1, 0), (FIN | ACK, b"ab", 3, 2), (SYN | FIN, b"", 2, 1), (PSH, b"abc", 3, 2)],
)
def test_length_counts_syn_and_fin_and_the_end_wraps(flags, payload, length, end):
    segment = Segment(1, 2, seq=0xFFFFFFFF, flags=flags, payload=payload)
    assert (segment.length, segment.end) == (length, end)


def test_a_known_segment_both_ways():
    raw = bytes.fromhex("0fa0 0007 00000001 00000000 6002 ffff 047b 0000 020405b4")
    segment = Segment(4000, 7, 1, 0, SYN, 65535, options=options.encode_options([options.mss(1460)]))
    assert encode_segment(segment, SRC, DST).hex() == raw.hex()
    decoded, problem = decode_segment(raw)
    assert problem is None
    assert decoded == Segment(4000, 7, 1, 0, SYN, 65535, 0, raw[20:], b"", 6, 0, 0x047B)


@given(segments)
def test_what_is_filled_in_is_right(segment):
    raw = encode_segment(segment, SRC, DST)
    assert checksum.verify(SRC, DST, raw) is Checksum.CORRECT
    decoded, problem = decode_segment(raw)
    assert problem is None
    segment.checksum, segment.data_offset = decoded.checksum, decoded.data_offset
    assert decoded == segment


@given(segments, st.integers(0, 15), st.integers(0, 65535), st.binary(max_size=44))
def test_what_is_given_is_written_as_it_is(segment, offset, given_checksum, raw_options):
    segment.data_offset, segment.checksum, segment.options = offset, given_checksum, raw_options
    raw = encode_segment(segment, SRC, DST)
    assert raw[12] >> 4 == offset
    assert raw[16:18] == given_checksum.to_bytes(2, "big")
    assert raw[20:] == raw_options + segment.payload


@given(st.binary(min_size=20, max_size=100))
def test_any_bytes_decode_and_encode_to_themselves(raw):
    segment, _ = decode_segment(raw)
    assert encode_segment(segment, SRC, DST) == raw


@pytest.mark.parametrize(
    ("offset", "problem", "sizes"),
    [
        (0, "data offset 0 is less than 5", (0, 4)),
        (4, "data offset 4 is less than 5", (0, 4)),
        (5, None, (0, 4)),
        (6, None, (4, 0)),
        (7, "data offset 7 is beyond the segment's 24 bytes", (4, 0)),
    ],
)
def test_a_bad_data_offset_loses_nothing(offset, problem, sizes):
    raw = encode_segment(Segment(1, 2, data_offset=offset, payload=b"abcd"), SRC, DST)
    segment, told = decode_segment(raw)
    assert told == problem
    assert (len(segment.options), len(segment.payload)) == sizes


def test_options_are_padded_only_when_the_offset_is_not_given():
    padded, _ = decode_segment(encode_segment(Segment(1, 2, options=b"\x03\x03\x07"), SRC, DST))
    assert padded.options == b"\x03\x03\x07\x00"
    assert padded.parsed.wscale == 7
    exact = encode_segment(Segment(1, 2, options=b"\x03\x03\x07", data_offset=6), SRC, DST)
    assert len(exact) == 23


def test_sequence_numbers_wrap():
    segment, _ = decode_segment(encode_segment(Segment(1, 2, seq=-1, ack=1 << 32), SRC, DST))
    assert (segment.seq, segment.ack) == (0xFFFFFFFF, 0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sport": 65536}, "sport 65536 does not fit 16 bits"),
        ({"dport": -1}, "dport -1 does not fit 16 bits"),
        ({"window": 65536}, "window 65536 does not fit 16 bits"),
        ({"urgent": -1}, "urgent -1 does not fit 16 bits"),
        ({"checksum": 65536}, "checksum 65536 does not fit 16 bits"),
        ({"flags": 512}, "flags 512 does not fit 9 bits"),
        ({"flags": -1}, "flags -1 does not fit 9 bits"),
        ({"reserved": 8}, "reserved 8 does not fit 3 bits"),
        ({"data_offset": 16}, "data_offset 16 does not fit 4 bits"),
        ({"data_offset": -1}, "data_offset -1 does not fit 4 bits"),
        ({"options": bytes(44)}, "44 bytes of options do not fit a TCP header (at most 40)"),
    ],
)
def test_what_does_not_fit_is_named(fields, message):
    with pytest.raises(ValueError, match="fit") as caught:
        encode_segment(Segment(**{"sport": 1, "dport": 2, **fields}), SRC, DST)
    assert str(caught.value) == message
