"""Colour is for a terminal whose user has not said NO_COLOR (https://no-color.org)."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

COLOR = re.compile(rb"\x1b\[[0-9;]*m")
ASKED = ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CI", "BUILD_NUMBER")


def environment(**changes: str) -> dict[str, str]:
    return {name: said for name, said in os.environ.items() if name not in ASKED} | {"TERM": "xterm"} | changes


def on_a_terminal(command: list[str], where: Path, **changes: str) -> bytes:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        command, cwd=where, stdout=theirs, stderr=theirs, stdin=theirs, env=environment(**changes), close_fds=True
    )
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 4096):
            text += piece
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    done.wait()
    return text


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
    colored = on_a_terminal(commands[command], suite.path)
    assert re.search(rb"\x1b\[31;1m[^\n]*", colored)
    plain = on_a_terminal(commands[command], suite.path, NO_COLOR="1")
    assert not COLOR.search(plain)
    piped = subprocess.run(commands[command], cwd=suite.path, capture_output=True, env=environment(), check=False)
    assert b"\x1b" not in piped.stdout + piped.stderr
    for text in (colored, plain, piped.stdout):
        assert said in COLOR.sub(b"", text)
