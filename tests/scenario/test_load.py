"""Reading scenarios: whatever comes, cases or problems."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcpprobe.marked.problem import Problems
from tcpprobe.scenario.load import load_file, load_text

LANGUAGE = Path(__file__).parents[2] / "docs" / "language.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", LANGUAGE.read_text(encoding="utf-8"), re.DOTALL)


def outcome(text: str | bytes) -> str:
    """What came of a text."""
    try:
        cases = load_text(text, "x.probe.yaml")
    except Problems as problems:
        return str(problems)
    return "".join(case.id + case.title for case in cases)


@given(st.one_of(st.text(), st.binary()))
def test_any_text(text: str | bytes) -> None:
    assert outcome(text)


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_sound_file_with_a_wound(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(EXAMPLES))
    at = data.draw(st.integers(0, len(text)))
    size = data.draw(st.integers(0, 12))
    patch = data.draw(st.one_of(st.text("{}[]:-,'\"&*!$ \n01ASF.<>|\t#", max_size=6), st.sampled_from(PATCHES)))
    assert outcome(text[:at] + patch + text[at + size :])


PATCHES = [
    "${size}",
    "${",
    "null",
    "~",
    "!hex 00",
    "[]",
    "{}",
    "true",
    "1.5",
    "-1",
    "*a",
    "&a ",
    "snd",
    "1 .. 2",
    '"> 0"',
    "9" * 40,
]

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 70000),
        st.sampled_from(
            [
                "A",
                "SA",
                "nothing",
                "gone",
                "snd.nxt",
                "iss + 1",
                "> 0",
                "1 .. 5",
                "bad",
                "1s",
                "x",
                "${x}",
                "b",
                "mss 5",
                "close",
                "last",
                "",
            ]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "flags",
                    "seq",
                    "ack",
                    "data",
                    "len",
                    "options",
                    "window",
                    "ip",
                    "icmp",
                    "quote",
                    "raw",
                    "any_of",
                    "all_of",
                    "gone",
                    "nothing",
                    "variant",
                    "verdict",
                    "has",
                    "lacks",
                    "timestamps",
                    "sack_blocks",
                    "mss",
                    "kind",
                    "type",
                    "code",
                    "fragment",
                    "fragments",
                    "route",
                    "src",
                    "ecn",
                    "df",
                    "send",
                    "close",
                    "set",
                    "val",
                    "ecr",
                    "first",
                    "count",
                ]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)
STEPS = st.lists(
    st.dictionaries(
        st.sampled_from(
            [
                "send",
                "expect",
                "eventually",
                "collect",
                "check",
                "wait",
                "record",
                "target",
                "on",
                "why",
                "as",
                "repeat",
                "every",
                "from",
                "within",
                "for",
                "verdict",
            ]
        ),
        VALUES,
        min_size=1,
        max_size=3,
    ),
    min_size=1,
    max_size=3,
)
HEADS = st.dictionaries(
    st.sampled_from(
        [
            "given",
            "connections",
            "matrix",
            "ignore",
            "covers",
            "needs",
            "tags",
            "level",
            "exclusive",
            "why",
            "rfc",
            "section",
        ]
    ),
    VALUES,
    max_size=3,
)


@given(STEPS, HEADS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_structure(steps: list[dict[str, object]], head: dict[str, object]) -> None:
    scenario = {"id": "x", "title": "X ${x}", "level": "info", "matrix": {"x": [1, "A"]}, **head, "steps": steps}
    assert outcome(written({"title": "t", "scenarios": [scenario]}))


def written(value: object) -> str:
    """Flow YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(each) for each in value) + "]"
    if isinstance(value, str):
        return f'"{value}"'
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if not isinstance(value, int) or isinstance(value, bool)
        else str(value)
    )


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="cannot be read"):
        load_file(tmp_path / "none.probe.yaml")
    (tmp_path / "a.probe.yaml").write_text(EXAMPLES[0], encoding="utf-8")
    (case,) = load_file(tmp_path / "a.probe.yaml")
    assert case.scenario.file == str(tmp_path / "a.probe.yaml")
