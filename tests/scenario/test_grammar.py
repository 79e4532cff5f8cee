"""What can stand in an expression, and above all what cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.marked.problem import Place
from tcpprobe.scenario.expression import compile
from tcpprobe.scenario.grammar import DEEPEST, LONGEST, NotAllowed, Use, parse

ATTACKS = {
    "snd.__class__": ("'__class__' cannot be asked for", 0),
    "().__class__.__bases__": ("'__bases__' cannot be asked for", 0),
    "().real": ("only names have attributes and elements", 0),
    "'a'.format(snd)": ("no such function", 0),
    "__import__('os')": ("no such function", 0),
    "open(1)": ("no such function", 0),
    "eval('1')": ("no such function", 0),
    "max.__call__": ("'__call__' cannot be asked for", 0),
    "max": ("max is a function", 0),
    "9**9**9": ("only + - * / // % compute here", 3),
    "1 << 999999": ("only + - * / // % compute here", 0),
    "iss & 1": ("only + - * / // % compute here", 0),
    "iss | 1": ("'|' cannot stand in an expression", 4),
    "~iss": ("'~' is no operator here", 0),
    "'a' * 999999999": ("'a' is not a number", 0),
    "'%999999999d' % 1": ("'%999999999d' is not a number", 0),
    "[0] * 999999999": ("a list of 1 is not a number", 0),
    "[x for x in y]": ("a comprehension cannot stand in an expression", 0),
    "{x for x in y}": ("a comprehension cannot stand in an expression", 0),
    "max(x for x in y)": ("a comprehension cannot stand in an expression", 3),
    "lambda: 1": ("lambda cannot stand in an expression", 0),
    "1 if iss else 2": ("if … else cannot stand in an expression", 0),
    "(x := 5)": ("':=' cannot stand in an expression", 1),
    "f'{iss}'": ("an f-string cannot stand in an expression", 0),
    "{1: 2}": ("a dict cannot stand in an expression", 0),
    "{1}": ("a set cannot stand in an expression", 0),
    "max(*first, 1)": ("'*' cannot stand in an expression", 4),
    "max(1, key=len)": ("takes 1 to 16 plain arguments", 0),
    "len(1, 2)": ("takes 1 plain argument", 0),
    "iss is 1": ("'is' cannot stand in an expression", 0),
    "first[1:2]": ("an index is a whole number", 0),
    "first[iss]": ("an index is a whole number", 0),
    "first['a']": ("an index is a whole number", 0),
    "first[True]": ("an index is a whole number", 0),
    "a.b.c.d.e.f": ("too many dots", 0),
    "b'x'": ("b'x' cannot stand in an expression", 0),
    "1j": ("1j cannot stand in an expression", 0),
    "...": ("a range has two dots, as in 1 .. 5", 0),
    "1 ... 2": ("a range has two dots, as in 1 .. 5", 2),
    "9" * 60: ("the number is too large", 0),
    "iss == 'a\\x00'": ("'\\\\' cannot stand in an expression", 9),
    "iss\n+ 1": ("'\\n' cannot stand in an expression", 3),
    "snd.nxt = 1": ("no expression", 8),
    "1 +": ("no expression", 3),
    "import os": ("no expression", 0),
    "": ("an expression is missing", 0),
    "   ": ("an expression is missing", 0),
    "1 " + "+ 1 " * LONGEST: (f"longer than {LONGEST} characters", 0),
    "-" * (DEEPEST + 5) + "1": (f"nested deeper than {DEEPEST} levels", DEEPEST + 1),
    "[" + "1," * 70 + "1]": ("more than 64 elements", 0),
}


@pytest.mark.parametrize("text", ATTACKS, ids=[text[:30] for text in ATTACKS])
def test_what_is_not_in_the_language_is_refused_with_its_place(text: str) -> None:
    message, offset = ATTACKS[text]
    with pytest.raises(NotAllowed) as caught:
        compile(text, Place("x"))
    assert str(caught.value) == message
    if not text.startswith(("snd.nxt =", "1 +")):
        assert caught.value.offset == offset


class NoNames:
    """A scope that knows nothing."""

    def lookup(self, name: str) -> object:
        raise AssertionError(name)


def test_many_parentheses_do_not_break_the_parser() -> None:
    assert parse("(" * 60 + "1" + ")" * 60).evaluate(NoNames()) == 1
    with pytest.raises(NotAllowed):
        parse("(" * 249 + "1" + ")" * 249)


@given(st.text(max_size=80))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except NotAllowed as error:
        found = error.message
    else:
        found = str(parsed.uses)
    assert found


PIECES = st.sampled_from(
    [
        "iss",
        "snd.nxt",
        "first[0].time",
        "(",
        ")",
        "[",
        "]",
        ",",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "<<",
        "&",
        "|",
        "~",
        "==",
        "!=",
        "<",
        "<=",
        "in",
        "not",
        "and",
        "or",
        "is",
        "..",
        "...",
        "1",
        "0x1f",
        "2.5",
        "'a'",
        '"b"',
        "max(",
        "len(",
        "diff(",
        "lambda",
        "if",
        "else",
        "for",
        ":",
        ":=",
        ".",
        "_",
        "__class__",
        "f''",
        "none",
        "true",
        "{",
        "}",
        "=",
        "!",
        "@",
        "1or",
        "9999999999",
    ]
)


@given(st.lists(PIECES, max_size=14))
def test_any_mixture_of_pieces_is_an_expression_or_refused(pieces: list[str]) -> None:
    text = " ".join(pieces)
    try:
        found: tuple[Use, ...] | int = parse(text).uses
    except NotAllowed as error:
        found = error.offset
    assert isinstance(found, tuple) or 0 <= found <= len(text) + 1


def test_the_names_are_told_with_their_places() -> None:
    uses = parse("first[0].time - b.snd.nxt in 1 .. where").uses
    assert [(use.path, use.offset) for use in uses] == [
        (("first", "[]", "time"), 0),
        (("b", "snd", "nxt"), 16),
        (("where",), 34),
    ]


def test_leading_blanks_are_counted() -> None:
    assert parse("   iss").uses[0].offset == 3
