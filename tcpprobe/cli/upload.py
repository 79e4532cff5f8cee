"""``tcpprobe upload FILE host:port``: a file's bytes, and nothing else, through our own TCP."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from contextlib import ExitStack
from pathlib import Path

from tcpprobe.cli import transfer
from tcpprobe.cli.main import INTERRUPTED, OK
from tcpprobe.cli.transfer import Failed, Progress, complain, files, interruptible
from tcpprobe.stream.errors import StreamError
from tcpprobe.stream.opening import connect
from tcpprobe.stream.statistics import amount

CHUNK = 1 << 18


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("file", metavar="FILE", type=Path, help="what to send; - is standard input")
    parser.add_argument("target", metavar="HOST:PORT", help="where to")
    transfer.arguments(parser)
    transfer.patience(parser)


def run(options: argparse.Namespace) -> int:
    """Send it; the exit code is one of `transfer.EXIT_CODES`."""
    return transfer.told(lambda stack: _upload(options, stack))


def _upload(options: argparse.Namespace, stack: ExitStack) -> int:
    with files(options.file):
        fileno = 0 if str(options.file) == "-" else stack.enter_context(options.file.open("rb")).fileno()
        found = os.fstat(fileno)
    regular = stat.S_ISREG(found.st_mode)
    progress = Progress(found.st_size if regular else None)
    target = transfer.place(options.target)
    tap = transfer.tap_of(options.pcap, stack)
    stream = connect(
        target.name,
        target.port,
        link=options.link,
        source_ip=options.source_ip,
        interface=options.interface,
        timeout=options.timeout,
        tap=tap,
    )
    stack.enter_context(interruptible(stream.loop))
    code = OK
    try:
        with stream:
            while True:
                if not regular:
                    stream.wait_for(fileno)
                with files(options.file):
                    data = os.read(fileno, CHUNK)
                if not data:
                    break
                stream.send(data)
                stream.take()  # an answer is not asked for, but must not fill our window
                progress.add(len(data))
            stream.finish()
            stream.flush(discard=True)
            # The peer may need long for what it has: a RST must not take that from it.
            stream.linger = options.timeout
    except StreamError as error:
        raise Failed(f"{error} ({_arrived(stream.statistics.sent, progress)})", transfer.code_of(error)) from None
    except KeyboardInterrupt:
        progress.clear()
        complain(f"interrupted ({_arrived(stream.statistics.sent, progress)})")
        code = INTERRUPTED
    finally:
        progress.clear()
        print(stream.statistics, file=sys.stderr)
    return code


def _arrived(sent: int, progress: Progress) -> str:
    return f"{amount(sent)}{f' of {amount(progress.total)}' if progress.total else ''} was acknowledged"
