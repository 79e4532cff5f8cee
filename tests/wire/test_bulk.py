"""Merging what arrived in a row and cutting what is too large are each other's inverse, and lose nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import ip, options
from tcpprobe.wire.bulk import cut, merge
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.flags import ACK, CWR, FIN, PSH
from tcpprobe.wire.segment import Segment

STAMPS = options.encode_options([options.nop(), options.nop(), options.timestamps(7, 8)])
PAIRS = [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")]


def packet(pair: tuple[str, str] = PAIRS[0], **fields) -> ip.Packet:
    """A data segment of one connection."""
    known = {"seq": 0xFFFFFF00, "ack": 77, "flags": ACK, "window": 500, "options": STAMPS, "payload": bytes(range(200))}
    return ip.Packet(ip.pack(pair[0]), ip.pack(pair[1]), Segment(4000, 7, **{**known, **fields}), ident=65534)


def row(count: int, pair: tuple[str, str] = PAIRS[0], size: int = 100, **fields) -> list[ip.Packet]:
    """Segments that follow each other."""
    return [packet(pair, seq=1000 + size * index, payload=bytes([index]) * size, **fields) for index in range(count)]


@given(
    pair=st.sampled_from(PAIRS),
    text=st.binary(min_size=1, max_size=5000),
    size=st.integers(1, 1500),
    flags=st.sampled_from([ACK, ACK | PSH, ACK | FIN, ACK | CWR, ACK | PSH | FIN | CWR]),
    stamped=st.booleans(),
    seq=st.integers(0, 0xFFFFFFFF),
)
def test_pieces_are_whole_packets_whose_texts_make_up_the_text(pair, text, size, flags, stamped, seq) -> None:
    whole = packet(pair, payload=text, flags=flags, seq=seq, options=STAMPS if stamped else b"")
    pieces = [ip.decode(piece) for piece in cut(whole, size)]
    assert all(piece.problem is None and piece.tcp_checksum is Checksum.CORRECT for piece in pieces)
    assert b"".join(piece.payload.payload for piece in pieces) == text
    assert all(len(piece.payload.payload) <= size for piece in pieces)
    for index, piece in enumerate(pieces):
        assert piece.payload.seq == (seq + index * size) & 0xFFFFFFFF
        expected = flags if index == len(pieces) - 1 else flags & ~(PSH | FIN)
        assert piece.payload.flags == (expected & ~CWR if index else expected)
        known = whole.payload
        same = replace(piece.payload, seq=known.seq, flags=flags, payload=text, checksum=None, data_offset=None)
        assert same == known
        assert (piece.ttl, piece.tos, piece.df) == (whole.ttl, whole.tos, len(pair[0]) < 10)


@pytest.mark.parametrize("pair", PAIRS)
@given(text=st.binary(min_size=1, max_size=5000), size=st.integers(1, 1500))
def test_what_was_cut_is_merged_to_what_it_was(pair, text, size) -> None:
    (merged,) = merge(cut(packet(pair, payload=text), size))
    assert merged.payload.payload == text
    assert (merged.payload.seq, merged.payload.ack) == (0xFFFFFF00, 77)
    assert merged.raw == b"" or len(text) <= size


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize(
    "change",
    [
        {"ack": 78},
        {"window": 501},
        {"flags": ACK | PSH},
        {"flags": ACK | FIN},
        {"options": STAMPS[:-1] + b"\1"},
        {"urgent": 1},
        {"sport": 4001},
        {"seq": 1201},
        {"payload": b""},
        {"checksum": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_segment_that_differs_in_more_than_number_and_text_stands_alone(pair, change) -> None:
    packets = row(3, pair)
    packets[1] = replace(packets[1], payload=replace(packets[1].payload, **change))
    merged = merge([ip.encode(each) for each in packets])
    assert [each.payload.payload for each in merged] == [each.payload.payload for each in packets]
    assert [each.payload.flags for each in merged] == [each.payload.flags for each in packets]


@pytest.mark.parametrize("change", [{"tos": 3}, {"ttl": 1}, {"total_length": 41}, {"checksum": 1}, {"df": False}])
def test_another_ip_header_stands_alone_too(change) -> None:
    packets = row(3)
    packets[1] = replace(packets[1], **change)
    data = [ip.encode(each) for each in packets]
    assert [each.raw for each in merge(data)] == data


@given(st.lists(st.binary(max_size=80)))
def test_whatever_comes_is_read_as_decode_reads_it(datagrams) -> None:
    assert merge(datagrams) == [ip.decode(data) for data in datagrams]


def acknowledgment(number: int, **fields) -> ip.Packet:
    """A segment without text."""
    return packet(**{"ack": number, "payload": b"", **fields})


def test_of_ever_higher_acknowledgments_the_last_remains() -> None:
    stamps = [options.encode_options([options.nop(), options.nop(), options.timestamps(n, n)]) for n in range(4)]
    rising = [acknowledgment(0xFFFFFFF0 + 10 * n & 0xFFFFFFFF, options=stamps[n]) for n in range(4)]
    (last,) = merge([ip.encode(each) for each in rising])
    assert (last.payload.ack, last.payload.options) == (14, stamps[3])
    assert last.tcp_checksum is Checksum.CORRECT


@pytest.mark.parametrize(
    "change",
    [
        {"ack": 10},
        {"ack": 5},
        {"ack": 10 + (1 << 31)},
        {"window": 501},
        {"seq": 1},
        {"flags": ACK | PSH},
        {"flags": ACK | FIN},
        {"flags": ACK | 0x40},
        {"options": options.encode_options([options.nop(), options.nop(), options.sack_blocks((30, 40))])},
        {"options": b""},
        {"payload": b"x"},
        {"checksum": 1},
    ],
    ids=str,
)
def test_an_acknowledgment_that_says_something_else_stands_alone(change) -> None:
    packets = [acknowledgment(10), acknowledgment(20, **change), acknowledgment(30)]
    packets[2] = replace(packets[2], tos=1)
    data = [ip.encode(each) for each in packets]
    assert [each.raw for each in merge(data)] == data


def test_a_run_ends_before_it_is_larger_than_a_window_could_be() -> None:
    merged = merge([ip.encode(each) for each in row(200, size=1400)])
    assert b"".join(each.payload.payload for each in merged) == b"".join(
        each.payload.payload for each in row(200, size=1400)
    )
    assert max(len(each.payload.payload) for each in merged) <= 1 << 17
