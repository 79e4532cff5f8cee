"""What a run says to GitHub Actions: workflow commands that put findings beside the lines of the scenarios."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tcpprobe.report.excerpt import failing_step
from tcpprobe.report.words import count, plain
from tcpprobe.results.model import Result, Verdict

COMMANDS = {Verdict.FAIL: "error", Verdict.ERROR: "error", Verdict.WARN: "warning"}
SHOWN = 10
"""GitHub shows so many annotations of each kind per step."""

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}
_COMMAND = re.compile(r"^(\s*)::(?=[A-Za-z][^:]*::)|##(?=\[)")


def commands(results: Iterable[Result], here: Path, root: Path | None = None) -> Iterator[str]:
    """The commands for what failed or warned. Files are named from ``root``, the checkout, when they lie in it."""
    said = {"error": 0, "warning": 0}
    for result in results:
        command = COMMANDS.get(result.verdict)
        if command is None:
            continue
        said[command] += 1
        if said[command] <= SHOWN:
            yield _annotation(command, result, here, root)
    for command, number in said.items():
        if number > SHOWN:
            yield f"::notice title=tcpprobe::{count(number - SHOWN, f'further {command}')} in the report"


def _annotation(command: str, result: Result, here: Path, root: Path | None) -> str:
    step = failing_step(result)
    line, column = (result.line, result.column) if step is None else (step.line, step.column)
    file = here / result.file
    named = file.relative_to(root).as_posix() if root is not None and file.is_relative_to(root) else result.file
    given = {"file": named, "line": str(line), "col": str(column), "title": f"{result.title} [{result.id}]"}
    properties = ",".join(f"{name}={_escaped(text, _PROPERTY)}" for name, text in given.items())
    rules = f" ({', '.join(result.covers)})" if result.covers else ""
    return f"::{command} {properties}::{_escaped(f'{result.reason or result.verdict}{rules}', _DATA)}"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(char, char) for char in plain(text))


def harmless(line: str) -> str:
    """A line of output that no runner takes for a command, whatever the target smuggled to its beginning.

    A runner obeys ``::name …::`` after any white space at a line's start, and ``##[name]`` anywhere.
    """
    return _COMMAND.sub(lambda found: f"{found[1]}\\x3a:" if found[1] is not None else "#\\x23", line)


def inert(text: str) -> str:
    """The text as one line that neither a terminal nor a runner obeys: for names that somebody else chose."""
    return harmless(plain(text))
