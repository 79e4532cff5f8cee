"""The JSON Schema for editors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tcpprobe.marked.load import load, load_file
from tcpprobe.scenario.bundled import path as bundled
from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.schema import DIALECT, json_schema

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
LANGUAGE = Path(__file__).parents[2] / "docs" / "language.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", LANGUAGE.read_text(encoding="utf-8"), re.DOTALL)
FILES = sorted(bundled().rglob("*.probe.yaml"))


def as_json(value: Any) -> Any:
    """Plain data with hex bytes as text, which is what an editor sees."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    return [as_json(each) for each in value] if isinstance(value, list) else value


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DIALECT
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_the_reference_is_true(text: str) -> None:
    assert load_text(text, "language.md")
    VALIDATOR.validate(as_json(load(text, "language.md").plain()))


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_every_bundled_file_meets_it(file: Path) -> None:
    VALIDATOR.validate(as_json(load_file(file).plain()))


WRONG = [
    "{}",
    "{title: t, scenarios: []}",
    "{title: t, scenarios: [{id: x, title: X, steps: [{send: {flgs: S}}]}]}",
    "{title: t, scenarios: [{id: X Y, title: X, steps: [{expect: nothing}]}]}",
    "{title: t, scenarios: [{id: x, title: X, steps: [{expect: noting}]}]}",
    "{title: t, scenarios: [{id: x, title: X, steps: [{expect: {flags: A}, within: 5}]}]}",
    "{title: t, scenarios: [{id: x, title: X, needs: [ecko], steps: [{expect: nothing}]}]}",
    "{title: t, scenarios: [{id: x, title: X, given: open, steps: [{expect: nothing}]}]}",
    "{title: t, scenarios: [{id: x, title: X, steps: [{send: {flags: A}, expect: nothing}]}]}",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_does_not_meet_it(text: str) -> None:
    assert not VALIDATOR.is_valid(as_json(load(text, "x").plain()))


def test_an_editor_can_show_what_a_key_is() -> None:
    described = [name for name, each in SCHEMA["$defs"].items() if each.get("description")]
    assert len(described) == len(SCHEMA["$defs"])
