"""Shared words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.report.words import LONGEST, count, number, plain, rfc_of, rfc_url, seconds, section_key


@given(st.text())
def test_plain_text_is_printable_and_printable_text_is_left_alone(text: str) -> None:
    assert plain(text).isprintable()
    assert plain(plain(text)) == plain(text)
    if text.isprintable():
        assert plain(text) == text


def test_of_a_megabyte_the_beginning_is_shown() -> None:
    said = plain("\x1b]0;a" * (1 << 18))
    assert said.startswith("\\x1b]0;a\\x1b]0;a")
    assert said.endswith(" … (1,310,720 characters)")
    assert len(said) <= LONGEST
    assert plain(said) == said


def test_escapes() -> None:
    assert plain("a\x00\x1b[m\u202e\U000e0001\udc80\n") == "a\\x00\\x1b[m\\u202e\\U000e0001\\udc80\\x0a"
    assert plain("a\nb\x07", keep="\n") == "a\nb\\x07"


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.00042, "0.4 ms"), (0.25, "250 ms"), (1.25, "1.25 s"), (12.5, "12.5 s"), (185.0, "3 min 05 s")],
)
def test_durations(value: float, said: str) -> None:
    assert seconds(value) == said


def test_numbers() -> None:
    assert (number(0.20194), number(1460), number("rfc\x00793")) == ("0.2019", "1460", "rfc\\x00793")
    assert (count(1, "scenario"), count(2, "scenario"), count(1000, "rule")) == (
        "1 scenario",
        "2 scenarios",
        "1,000 rules",
    )


@pytest.mark.parametrize(("id_", "rfc"), [("RFC9293-MUST-1", "9293"), ("ROB-OPT-1", ""), ("RFCx-1", ""), ("", "")])
def test_the_rfc_of_an_id(id_: str, rfc: str) -> None:
    assert rfc_of(id_) == rfc


@pytest.mark.parametrize(
    ("rfc", "section", "url"),
    [
        ("9293", "3.10.7.4", "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.10.7.4"),
        ("9293", "", "https://www.rfc-editor.org/rfc/rfc9293.html"),
        ("9293", '1"><script>', "https://www.rfc-editor.org/rfc/rfc9293.html"),
        ("javascript:alert(1)", "1", ""),
        ("", "1", ""),
    ],
)
def test_only_rfcs_are_linked_to(rfc: str, section: str, url: str) -> None:
    assert rfc_url(rfc, section) == url


def test_sections_are_in_the_order_of_the_rfc() -> None:
    assert sorted(["3.10", "3.9", "A.1", "3.9.1", ""], key=section_key) == ["3.9", "3.9.1", "3.10", "", "A.1"]
