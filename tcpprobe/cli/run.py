"""``tcpprobe run TARGET``: pytest with the bundled suite, from any directory."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

USAGE = """\
usage: tcpprobe run TARGET [more targets] [paths of scenarios] [options of pytest, --tcp-… among them]

TARGET is host:port, [v6]:port, lab:linux, lab:memory or lab. Without paths the bundled suite is played. The ini file
and the cache of the directory are left alone; the report goes to reports/. All options: pytest --help"""
HELP = {"-h", "--help"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to declare: all arguments are pytest's."""
    parser.add_argument("target", nargs="+", help="host:port, [v6]:port, lab:NAME or lab")


def run(words: Sequence[str]) -> int:
    """Targets first, then whatever pytest takes (paths of scenarios, options); the exit code is pytest's."""
    if HELP & set(words):
        print(USAGE)
        return 0
    targets = list(itertools.takewhile(lambda word: not word.startswith("-") and not _is_path(word), words[1:]))
    targets[:0] = [word for word in words[:1] if not word.startswith("-")]
    if not targets:
        print(USAGE.splitlines()[0], file=sys.stderr)
        return 2
    import pytest

    before_options = itertools.takewhile(lambda word: not word.startswith("-"), words)
    if told := next(filter(None, map(_misplaced, before_options)), None):
        print(f"tcpprobe run: {told}", file=sys.stderr)
        return int(pytest.ExitCode.USAGE_ERROR)
    # Without the ini file and conftest.py of somebody else: what pytest finds in the directory is about other tests.
    chosen = [f"--tcp-target={target}" for target in targets]
    # This process has loaded tcpprobe before pytest did, which is of no consequence here.
    calm = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    alone = ["-c", "/dev/null", "--rootdir=.", "--noconftest", "-p", "no:cacheprovider"]
    plugin = ["-p", "tcpprobe"]  # also where plugins are not loaded by themselves
    return int(pytest.main([*plugin, *alone, *calm, *chosen, *words[len(targets) :]]))


def _misplaced(word: str) -> str | None:
    """What is wrong with a word that names scenarios, as far as pytest would say so in puzzling words; or None.

    A target has no ``.yaml`` at its end. pytest says of a file that nobody collects that it is not found.
    """
    file = word.partition("::")[0]
    if not file.endswith((".yaml", ".yml")):
        return None
    if not Path(file).exists():
        return f"there is no {file}"
    return None if file.endswith(".probe.yaml") else f"{file}: scenario files are called *.probe.yaml"


def _is_path(word: str) -> bool:
    """Whether it names scenarios: a file or folder that is there, perhaps with one of its items (``file::id``)."""
    file = word.partition("::")[0]
    return bool(file) and Path(file).exists()
