"""The command line as such: help, mistakes, interruptions, readers who have seen enough."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tcpprobe import __version__
from tcpprobe.cli import schema
from tcpprobe.cli.main import BROKEN_PIPE, COMMANDS, INTERRUPTED, USAGE, main

LIMIT = 300


def test_help_lists_every_command(command):
    done = command("--help")
    assert done.code == 0
    for name, does in COMMANDS.items():
        assert f"  {name} " in done.out
        assert does.split()[0] in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(command, name):
    done = command(name, "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: tcpprobe {name}")
    assert not done.err


def test_the_version(command):
    assert command("--version").out == f"tcpprobe {__version__}\n"


@pytest.mark.parametrize("words", [(), ("frobnicate",), ("schema", "--no-such-option"), ("schema", "frobnicate")])
def test_what_cannot_be_read_is_told_in_a_line(command, words):
    done = command(*words)
    assert done.code == USAGE
    assert "error: " in done.err.splitlines()[-1]
    assert not done.out


def test_an_interrupted_command_says_nothing(command, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "run", interrupted)
    done = command("schema")
    assert (done.code, done.out, done.err) == (INTERRUPTED, "", "")


@pytest.mark.parametrize("words", [("schema",), ("coverage", "--format", "markdown")])
def test_a_reader_who_has_seen_enough_is_no_error(words):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tcpprobe", *words],
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=LIMIT,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")


def test_a_full_disk_is_told_in_a_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "tcpprobe", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=LIMIT,
            check=False,
        )
    assert done.returncode == USAGE
    assert done.stderr == b"tcpprobe schema: No space left on device\n"


def test_the_words_default_to_those_of_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tcpprobe", "schema"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("{")
