"""Colour is for a terminal whose user has not said NO_COLOR (https://no-color.org)."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from terminals import on_a_terminal

COLOR = re.compile(rb"\x1b\[[0-9;]*m")
ASKED = ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CI", "BUILD_NUMBER")


def environment(**changes: str) -> dict[str, str]:
    return {name: said for name, said in os.environ.items() if name not in ASKED} | {"TERM": "xterm"} | changes


@pytest.fixture
def commands(suite) -> dict[str, list[str]]:
    """A run with a broken requirement, and the comparison of two runs that differ."""
    words = suite.words(("-k", "broken", "--tcp-confirm", "0", "--tcp-results", "none"), "lab:memory", page=False)
    suite("-k", "holds", "--tcp-results", "a.jsonl")
    suite("-k", "broken", "--tcp-confirm", "0", "--tcp-results", "b.jsonl")
    return {
        "run": [sys.executable, "-m", "pytest", *words],
        "compare": [sys.executable, "-m", "tcpprobe", "compare", "a.jsonl", "b.jsonl"],
    }


@pytest.mark.parametrize(("command", "said"), [("run", b"broken requirements:"), ("compare", b"newly broken")])
def test_only_a_terminal_without_no_color_is_coloured(suite, commands, command, said):
    colored, _ = on_a_terminal(commands[command], suite.path, environment())
    assert re.search(rb"\x1b\[31;1m[^\n]*", colored)
    plain, _ = on_a_terminal(commands[command], suite.path, environment(NO_COLOR="1"))
    assert not COLOR.search(plain)
    piped = subprocess.run(commands[command], cwd=suite.path, capture_output=True, env=environment(), check=False)
    assert b"\x1b" not in piped.stdout + piped.stderr
    for text in (colored, plain, piped.stdout):
        assert said in COLOR.sub(b"", text)
