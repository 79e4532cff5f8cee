"""What unquoted scalars mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.marked.node import Kind
from tcpprobe.marked.scalar import read_hex, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("10", 10),
        ("-1", -1),
        ("+1", 1),
        ("0x1f", 31),
        ("0xFFFFFFFF", 0xFFFFFFFF),
        ("1.5", 1.5),
        ("-0.25", -0.25),
    ],
)
def test_numbers(text: str, value: float) -> None:
    kind, found = resolve(text)
    assert (kind, found) == (Kind.FLOAT if isinstance(value, float) else Kind.INT, value)


@pytest.mark.parametrize(
    "text",
    [
        "NO",
        "no",
        "yes",
        "on",
        "True",
        "1:1",
        "010",
        "1e3",
        "1_000",
        "0o7",
        "0b1",
        ".5",
        "5.",
        "-",
        "A",
        "2001-01-01",
        "٣",
    ],
)
def test_text(text: str) -> None:
    assert resolve(text) == (Kind.TEXT, text)


@pytest.mark.parametrize("text", ["", "~", "null"])
def test_nothing(text: str) -> None:
    assert resolve(text) == (Kind.NULL, None)


def test_truth() -> None:
    assert resolve("true") == (Kind.BOOL, True)
    assert resolve("false") == (Kind.BOOL, False)


@given(st.text(max_size=40))
def test_any_text_has_a_meaning(text: str) -> None:
    kind, value = resolve(text)
    assert kind is not Kind.TEXT or value == text


@given(st.binary(max_size=40))
def test_hex_is_read_back(data: bytes) -> None:
    assert read_hex(data.hex(" ")) == data
    assert read_hex(data.hex(":", 2).upper()) == data


@pytest.mark.parametrize(
    ("text", "message"), [("0", "1 hex digits are not whole bytes"), ("0g", "'g' is no hex digit")]
)
def test_bad_hex(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_hex(text)
