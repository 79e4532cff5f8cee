import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import flags


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("", 0),
        ("S", flags.SYN),
        ("SA", flags.SYN | flags.ACK),
        ("AS", flags.SYN | flags.ACK),
        ("FPU", flags.FIN | flags.PSH | flags.URG),
        ("FSRPAUECN", 511),
    ],
)
def test_parse(text, bits):
    assert flags.parse_flags(text) == bits


@given(st.integers(0, 511))
def test_text_and_back(bits):
    assert flags.parse_flags(flags.flags_text(bits)) == bits


def test_text_is_in_bit_order():
    assert flags.flags_text(flags.ACK | flags.SYN) == "SA"
    assert flags.flags_text(flags.AE | flags.CWR | flags.ECE) == "ECN"


@pytest.mark.parametrize("text", ["X", "Sa", "S A", "S,A"])
def test_another_letter_is_named(text):
    bad = next(letter for letter in text if letter not in flags.LETTERS)
    with pytest.raises(ValueError, match=repr(bad)):
        flags.parse_flags(text)
