"""docs/endpoint.md says what is so: its examples are played, its table is the program's."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tcpprobe.cli.main import BROKEN_PIPE
from tcpprobe.cli.transfer import EXIT_CODES
from tcpprobe.stream.opening import LINKS
from tcpprobe.stream.stream import Stream

TEXT = (Path(__file__).parents[2] / "docs" / "endpoint.md").read_text()
LIMIT = 600


def examples():
    """Each as (kind, what to play, lines that must be said)."""
    found = []
    for kind, block in re.findall(r"^```(python|console)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        if kind == "python":
            found.append(("python", block, re.findall(r"print\(.*\)  # (.*)", block)))
            continue
        for command in block.split("$ tcpprobe ")[1:]:
            words, *said = command.splitlines()
            found.append(("console", shlex.split(words), said))
    return found


EXAMPLES = examples()


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What every example says, all of them played in one go."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("place.py")],
        input=json.dumps([[kind, what] for kind, what, _ in EXAMPLES]),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=tmp_path_factory.mktemp("place"),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("at", range(len(EXAMPLES)), ids=lambda at: f"{EXAMPLES[at][0]}-{at}")
def test_examples_say_what_is_printed_there(said, at):
    kind, _, lines = EXAMPLES[at]
    code, out, err = said[at]
    if kind == "python":
        assert (code, err) == (0, "")
        for line in lines:
            assert line in out.splitlines()
        return
    told = out.splitlines() + err.splitlines()
    assert len(told) == len(lines)
    for line, wanted in zip(told, lines, strict=True):
        assert re.fullmatch(re.escape(wanted).replace("…", ".+"), line), line
    assert code == any("error:" in line for line in lines)


def test_there_are_examples_of_every_command():
    commands = {what[0] for kind, what, _ in EXAMPLES if kind == "console"}
    assert commands == {"fetch", "upload", "listen", "send"}
    assert sum(kind == "python" for kind, _, _ in EXAMPLES) == 5


def test_exit_codes():
    table = dict(re.findall(r"^\| (\d+) \| (.*) \|$", TEXT, re.MULTILINE))
    assert table.pop(str(BROKEN_PIPE))
    assert {int(code): means for code, means in table.items()} == EXIT_CODES


def test_every_call_is_one():
    rows = re.findall(r"^\| (`[a-z].*?) \|", TEXT, re.MULTILINE)
    calls = [name for row in rows for name in re.findall(r"`([a-z_]+)(?:\([^`]*\))?`", row) if name != "link"]
    assert len(calls) > 10
    for name in calls:
        assert hasattr(Stream, name), name


def test_every_link_is_named():
    for name in LINKS:
        assert f'| `"{name}"` |' in TEXT
