"""What the commands that move data have in common: options, progress, statistics, and how they end."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from tcpprobe.cli.main import FOUND, INTERRUPTED, OK, USAGE
from tcpprobe.stream.capture import Capture
from tcpprobe.stream.errors import Refused, Reset, StreamError, TimedOut
from tcpprobe.stream.loop import Loop, Tap
from tcpprobe.stream.opening import LINKS, TIMEOUT
from tcpprobe.stream.statistics import amount
from tcpprobe.target.target import Target, TargetError, parse

REFUSED, SILENT, CUT = 3, 4, 5

EXIT_CODES = {
    OK: "done",
    FOUND: "the answer is not what was asked for: a status other than 2xx, a redirect; `send`: nothing came back",
    USAGE: "not possible from here: a file, the port, the interface, the address, the host's name, privileges",
    REFUSED: "the peer refuses the connection",
    SILENT: "nothing comes back, or nothing moves any more, for `--timeout` seconds",
    CUT: "the peer reset the connection, or ended it before everything was there",
    INTERRUPTED: "interrupted with Ctrl-C",
}
"""What the commands say to the shell."""

_CODES: tuple[tuple[type[StreamError], int], ...] = ((Refused, REFUSED), (TimedOut, SILENT), (Reset, CUT))
_EVERY = 0.1  # seconds between two looks of the progress bar
_WIDTH = 30


class Failed(Exception):
    """A transfer cannot be done or went wrong: one sentence, and the exit code."""

    def __init__(self, sentence: str, code: int = USAGE) -> None:
        super().__init__(sentence)
        self.code = code


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all of them have."""
    parser.add_argument("--link", choices=LINKS, default="raw", help="what carries the packets (default: raw)")
    parser.add_argument("--source-ip", metavar="ADDRESS", help="our address (default: the kernel's choice)")
    parser.add_argument("--interface", metavar="NAME", help="the interface; for --link tun the TUN device")
    parser.add_argument("--pcap", metavar="FILE", type=Path, help="write all packets to a pcapng file")


def patience(parser: argparse.ArgumentParser, timeout: float | None = TIMEOUT) -> None:
    """``--timeout``, with its default."""
    shown = "never" if timeout is None else f"{timeout:g}"
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=timeout,
        help=f"give up when nothing moves for so long (default: {shown})",
    )


def seconds(text: str) -> float:
    """A number of seconds above zero."""
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"more than 0 seconds, not {text}")
    return value


def place(text: str) -> Target:
    """What ``host:port`` names. Raises Failed."""
    try:
        target = parse(text, allow_public=True)
    except TargetError as error:
        raise Failed(str(error)) from None
    if target.lab is not None:
        raise Failed(f"{text} is a lab; name host:port")
    return target


def told(work: Callable[[ExitStack], int]) -> int:
    """Do the work; whatever goes wrong becomes one line on standard error and an exit code."""
    try:
        with ExitStack() as stack:
            return work(stack)
    except Failed as error:
        complain(str(error))
        return error.code
    except StreamError as error:
        complain(str(error))
        return code_of(error)


def complain(sentence: str) -> None:
    """One line on standard error."""
    print(f"tcpprobe: error: {sentence}", file=sys.stderr)


def code_of(error: StreamError) -> int:
    """The exit code for what a stream raised."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), USAGE)


def tap_of(path: Path | None, stack: ExitStack) -> Tap | None:
    """Where packets are written to, for as long as ``stack`` lasts. Raises Failed."""
    if path is None:
        return None
    with files(path):
        capture = Capture(path)

    def close() -> None:
        with files(path):
            capture.close()

    stack.callback(close)

    def tap(now: float, packet: bytes) -> None:
        with files(path):
            capture.tap(now, packet)

    return tap


@contextmanager
def files(path: Path | str) -> Iterator[None]:
    """What the file system says no to is a failure that names the file; a closed pipe is not its business."""
    try:
        yield
    except (StreamError, BrokenPipeError):
        raise
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}") from None


@contextmanager
def interruptible(loop: Loop) -> Iterator[None]:
    """Ctrl-C ends the loop between two turns, so that the connection can be closed properly."""
    before = signal.signal(signal.SIGINT, loop.interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Progress:
    """How far a transfer has come, on standard error when that is a terminal.

    Args:
        total: bytes there will be; None when nobody knows.
    """

    def __init__(self, total: int | None = None, to: TextIO | None = None) -> None:
        self.total = total
        self.done = 0
        self._to = to or sys.stderr
        self._shows = self._to.isatty()
        self._begun = time.monotonic()
        self._next = 0.0
        self._length = 0

    def add(self, size: int) -> None:
        """So many bytes more."""
        self.done += size
        if self._shows and (now := time.monotonic()) >= self._next:
            self._next = now + _EVERY
            self._show(self.line(now))

    def line(self, now: float) -> str:
        """What it shows."""
        rate = f"{amount(self.done / max(now - self._begun, 1e-3))}/s"
        if not self.total:
            return f"{amount(self.done)}  {rate}"
        part = min(self.done / self.total, 1.0)
        filled = int(part * _WIDTH)
        return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {part:4.0%}  {amount(self.done)}  {rate}"

    def clear(self) -> None:
        """Take the line away."""
        if self._length:
            self._show("")
            self._to.write("\r")
            self._to.flush()

    def _show(self, line: str) -> None:
        self._to.write(f"\r{line:<{self._length}}")
        self._to.flush()
        self._length = len(line)
