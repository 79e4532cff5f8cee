"""``tcpprobe schema``."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator


@pytest.mark.parametrize("words", [(), ("scenario",), ("results",)])
def test_a_schema_is_printed(command, words):
    done = command("schema", *words)
    assert done.code == 0
    schema = json.loads(done.out)
    Draft202012Validator.check_schema(schema)
    assert "$defs" in schema


def test_the_two_are_not_the_same(command):
    assert command("schema", "scenario").out != command("schema", "results").out
