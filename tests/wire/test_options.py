import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import options as o

KNOWN = [
    ("020405b4", [o.mss(1460)]),
    ("030307", [o.wscale(7)]),
    ("0402", [o.sack_permitted()]),
    ("080a0000000500000006", [o.timestamps(5, 6)]),
    ("0512000000010000000200000003ffffffff", [o.sack_blocks((1, 2), (3, 0xFFFFFFFF))]),
    ("2202", [o.fast_open()]),
    ("220aaabbccddeeff0011", [o.fast_open(bytes.fromhex("aabbccddeeff0011"))]),
    ("0101", [o.nop(), o.nop()]),
    ("00", [o.eol()]),
    ("020405b40402080a000000050000000001030307", "linux"),
]
LINUX = [o.mss(1460), o.sack_permitted(), o.timestamps(5, 0), o.nop(), o.wscale(7)]


@pytest.mark.parametrize(("raw", "items"), KNOWN)
def test_known_options_both_ways(raw, items):
    items = LINUX if items == "linux" else items
    raw = bytes.fromhex(raw)
    assert o.encode_options(items) == raw
    decoded = o.decode_options(raw)
    assert (list(decoded.items), decoded.problem, decoded.rest) == (items, None, b"")


def test_properties():
    decoded = o.decode_options(o.encode_options([*LINUX, o.sack_blocks((9, 10))]))
    assert (decoded.mss, decoded.wscale, decoded.sack_permitted) == (1460, 7, True)
    assert (decoded.timestamps, decoded.sack_blocks, decoded.fast_open) == ((5, 0), ((9, 10),), None)


def test_nothing_is_there_when_nothing_is_there():
    decoded = o.decode_options(b"")
    assert decoded == o.Options()
    assert (decoded.mss, decoded.wscale, decoded.sack_permitted) == (None, None, False)
    assert (decoded.timestamps, decoded.sack_blocks, decoded.fast_open) == (None, (), None)


def test_the_first_well_formed_one_counts():
    decoded = o.decode_options(bytes.fromhex("020305020405b402040218"))
    assert decoded.mss == 1460
    assert decoded.problem == "option mss has length 3, not 4"


@pytest.mark.parametrize(
    ("raw", "problem", "items", "rest"),
    [
        ("0200", "option mss has length 0, less than 2", 0, "0200"),
        ("0101fe01", "option experiment_2 has length 1, less than 2", 2, "fe01"),
        ("02", "option mss is cut off before its length", 0, "02"),
        ("0204", "option mss has length 4, 2 beyond the header", 0, "0204"),
        ("63ff", "option 99 has length 255, 253 beyond the header", 0, "63ff"),
        ("03020000", "option wscale has length 2, not 3", 2, "00"),
        ("050300", "option sack_blocks has length 3, not 2 and a multiple of 8", 1, ""),
        ("0502", "option sack_blocks has length 2, not 2 and a multiple of 8", 1, ""),
        ("ac03ff", "option accurate_ecn_0 has length 3, not 2, 5, 8 or 11", 1, ""),
        ("ae0e" + 12 * "ff", "option accurate_ecn_1 has length 14, not 2, 5, 8 or 11", 1, ""),
        ("ac02ac08ffffffffffff", None, 2, ""),
    ],
)
def test_malformed_options_are_kept_and_told(raw, problem, items, rest):
    decoded = o.decode_options(bytes.fromhex(raw))
    assert (decoded.problem, len(decoded.items), decoded.rest.hex()) == (problem, items, rest)


def test_what_follows_the_end_of_the_list_is_padding():
    decoded = o.decode_options(bytes.fromhex("0402000204"))
    assert decoded.items == (o.sack_permitted(), o.eol())
    assert (decoded.rest.hex(), decoded.problem) == ("0204", None)


@given(st.binary(max_size=60))
def test_any_bytes_decode_and_encode_to_themselves(raw):
    decoded = o.decode_options(raw)
    assert o.encode_options(decoded.items) + decoded.rest == raw
    _ = (decoded.mss, decoded.wscale, decoded.sack_permitted, decoded.timestamps, decoded.sack_blocks)


@given(st.integers(0, 255), st.binary(max_size=20), st.integers(0, 255))
def test_a_given_length_is_written_as_it_is(kind, data, length):
    assert o.encode_options([o.Option(kind, data, length)]) == bytes((kind, length)) + data


@given(st.binary(max_size=40))
def test_padding_is_zeros_to_four(raw):
    padded = o.pad_options(raw)
    assert padded.startswith(raw)
    assert len(padded) % 4 == 0
    assert len(padded) - len(raw) < 4
    assert not any(padded[len(raw) :])


@pytest.mark.parametrize(
    "make",
    [
        lambda: o.mss(65536),
        lambda: o.wscale(256),
        lambda: o.mss(-1),
        lambda: o.encode_options([o.Option(256)]),
        lambda: o.encode_options([o.Option(254, b"", 256)]),
    ],
)
def test_what_does_not_fit_is_a_value_error(make):
    with pytest.raises(ValueError, match=r"fit|range"):
        make()


def test_sequence_numbers_and_clocks_wrap():
    assert o.sack_blocks((-1, 1 << 32)) == o.sack_blocks((0xFFFFFFFF, 0))
    assert o.timestamps(-1, 1 << 32) == o.timestamps(0xFFFFFFFF, 0)
