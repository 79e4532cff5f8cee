"""``tcpprobe``: everything that is not a plain pytest run. Each command is a module, loaded when it is called."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from tcpprobe import __version__

#: Command to what it does, in one line. The module of the same name has ``arguments(parser)`` and ``run(options)``.
COMMANDS = {
    "run": "run the bundled suite against a target: tcpprobe run host:port [pytest's options]",
    "doctor": "say what this machine lacks, and the one command that helps",
    "new": "write a first scenario of your own",
    "lint": "check scenario files; every mistake with its line and column",
    "schema": "print a JSON Schema: of scenario files, or of results",
    "report": "draw a report from results: .html, .md, .sarif or .svg",
    "compare": "what changed between runs or differs between stacks",
    "coverage": "which requirements the scenarios cover",
    "mutate": "play scenarios against broken TCPs and list the faults they miss",
    "fetch": "get a URL through tcpprobe's own TCP: http://host[:port]/path",
    "upload": "send a file through tcpprobe's own TCP",
    "listen": "take connections with tcpprobe's own TCP: count, echo, or one file per client",
    "send": "send one segment as you want it and print what comes back",
}

OK, FOUND, USAGE, BROKEN_PIPE, INTERRUPTED = 0, 1, 2, 141, 130


class CommandError(Exception):
    """A command cannot do what it was asked: one plain sentence; the exit code is 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 something was found, 2 it could not be done, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    runs = words[:1] == ["run"]
    options = argparse.Namespace(command="run") if runs else parser(words).parse_args(words)
    try:
        code: int = _module(options.command).run(words[1:] if runs else options)  # what follows "run" is pytest's
        sys.stdout.flush()
    except CommandError as error:
        print(f"tcpprobe {options.command}: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _say_no_more()
        return BROKEN_PIPE
    except OSError as error:  # standard output goes to a full disk; commands tell of their own files themselves
        _say_no_more()
        print(f"tcpprobe {options.command}: {error.strerror}", file=sys.stderr)
        return USAGE
    return code


def _say_no_more() -> None:
    """Nothing more can be written to standard output, not even by Python when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of all commands; only the one that these words call has its arguments."""
    top = argparse.ArgumentParser(prog="tcpprobe", description="Tells whether a TCP obeys the RFCs.")
    top.add_argument("--version", action="version", version=f"tcpprobe {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does, description=does[0].upper() + does[1:] + ".")
        if name in words[:1]:
            _module(name).arguments(command)
    return top


def _module(name: str) -> Any:
    return importlib.import_module(f"tcpprobe.cli.{name}")
