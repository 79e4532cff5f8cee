"""Reading YAML: whatever comes, a node or problems."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.marked.load import LARGEST, load, load_file
from tcpprobe.marked.problem import Problems


def told(text: str | bytes) -> list[str]:
    """The problems of a text, one line each."""
    with pytest.raises(Problems) as caught:
        load(text, "f")
    return [f"{each.place}: {each.message}" for each in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f:1:1: the file is empty"),
        ("# only a comment\n", "f:1:1: the file is empty"),
        ("a: 1\na: 2\n", "f:2:1: key 'a' is there twice (first in line 1)"),
        ("a: !foo 3\n", "f:1:4: unknown tag !foo"),
        ("a: !foo [3]\n", "f:1:4: unknown tag !foo"),
        ("a: !!python/object:os.system x\n", "f:1:4: unknown tag tag:yaml.org,2002:python/object:os.syste"),
        ("a: !hex 0\n", "f:1:4: !hex: 1 hex digits are not whole bytes"),
        ("a: [1,\nb: 2", "f:1:4: a list in [brackets] is not closed, or a ',' is missing"),
        ("a: {b: 1", "f:1:4: a mapping in {braces} is not closed, or a ',' is missing"),
        ("a:\n\tb: 1", "f:2:1: a tab cannot indent YAML"),
        ("a: *x", "f:1:4: alias *x is not defined above"),
        ("a: &x [*x]", "f:1:8: alias *x contains itself"),
        ("a: &x {y: 1}\nb: {<<: *x}", "f:2:5: merge keys are not supported"),
        ("[" * 50, "f:1:41: nested deeper than 40 levels"),
        ("a: 'x", "f:1:4: a quoted text is not closed"),
        ("a: b: c", "f:1:5: a ':' cannot stand here"),
        ("a: @x", "f:1:4: this character cannot begin a value"),
        ("--- a\n--- b", "f:2:1: a second document begins here"),
        ("? [a]\n: b", "f:1:3: a key must be text, this is a list"),
        ("a\x00b", "f:1:1: the character U+0000 cannot stand in YAML: is this a text file?"),
        ("a\nb\ud800", "f:2:1: the character U+D800 cannot stand in YAML: is this a text file?"),
        (b"a: 1\nb: \xff", "f:2:4: not UTF-8: byte 0xff"),
        (b"\x7fELF\x02\x01", "f:1:1: the character U+007F cannot stand in YAML: is this a text file?"),
        ("x" * (LARGEST + 1), "f:1:1: the file is larger than 1000 kB"),
        ("a: 1\n b: 2\n", "f:2:3: a ':' cannot stand here"),
        ("a: 1\nb\n", "f:3:1: a ':' is missing after a key"),
        ("- a\nb: 1\n", "f:2:1: this line does not fit the list above it"),
        ("a: 1\n- b\n", "f:2:1: this line does not fit the lines above it"),
    ],
)
def test_a_mistake_is_told_in_one_line(text: str | bytes, problem: str) -> None:
    assert told(text) == [problem]


def test_mistakes_that_allow_going_on_are_all_told() -> None:
    assert told("a: 1\na: 2\nb: !x 1\nc: *d\n") == [
        "f:2:1: key 'a' is there twice (first in line 1)",
        "f:3:4: unknown tag !x",
        "f:4:4: alias *d is not defined above",
    ]


def test_an_alias_bomb_is_counted_and_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert told("\n".join(lines)) == ["f:5:5: more than 200000 values, aliases counted each time they are used"]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert load(b"\xef\xbb\xbfa: 1", "f").plain() == {"a": 1}


def test_keys_are_as_written() -> None:
    assert load("010: a\n0x10: b\ntrue: c\n254: d", "f").plain() == {"010": "a", "0x10": "b", "true": "c", "254": "d"}


def test_quotes_make_text() -> None:
    assert load('{a: "1", b: \'true\', c: "", d: ~}', "f").plain() == {"a": "1", "b": "true", "c": "", "d": None}


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1")
    assert load_file(path).plain() == {"a": 1}
    path.write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(Problems, match="larger than"):
        load_file(path)
    with pytest.raises(Problems, match="larger than"):
        load_file(Path("/dev/zero"))
    with pytest.raises(Problems, match="cannot be read: No such file"):
        load_file(tmp_path / "none.yaml")
    with pytest.raises(Problems, match="cannot be read: Is a directory"):
        load_file(tmp_path)


YAML_ISH = st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"%@`#,? \n\t0x~<.\ré\x85\ufeff"), max_size=60)


@given(st.one_of(YAML_ISH, st.text(max_size=60), st.binary(max_size=60)))
def test_whatever_comes_a_node_or_problems(text: str | bytes) -> None:
    try:
        node = load(text, "f")
    except Problems as problems:
        found = str(problems)
    else:
        node.plain()
        found = str(node.problem("x", offset=3)) + node.source
    assert found.startswith("f:")
