"""``tcpprobe send host:port FPU``: one segment as you want it, and what comes back."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import MappingProxyType

from tcpprobe.cli import transfer
from tcpprobe.cli.main import FOUND, INTERRUPTED, OK
from tcpprobe.cli.transfer import Failed
from tcpprobe.stream.exchange import exchange
from tcpprobe.wire import options as wire
from tcpprobe.wire.flags import parse_flags
from tcpprobe.wire.options import Option
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.text import one_line

WAIT = 1.0

MAKERS: Mapping[str, Callable[..., Option]] = MappingProxyType(
    {
        "mss": wire.mss,
        "wscale": wire.wscale,
        "sack": wire.sack_permitted,
        "timestamps": wire.timestamps,
        "nop": wire.nop,
        "eol": wire.eol,
    }
)
"""Options by name, made of numbers."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("target", metavar="HOST:PORT", help="where to")
    parser.add_argument("flags", metavar="FLAGS", help='letters of FSRPAUECN, as in SA or FPU; "" is none')
    parser.add_argument("--data", metavar="TEXT", default="", help="payload")
    parser.add_argument(
        "--option",
        metavar="OPTION",
        action="append",
        default=[],
        help=f"a TCP option (repeatable): {', '.join(MAKERS)}, as in mss=1460 or timestamps=5,0; others 253=00ff",
    )
    for name, bits in (("seq", 32), ("ack", 32), ("window", 16), ("urgent", 16)):
        parser.add_argument(f"--{name}", metavar="N", type=_number(bits), default=65535 if name == "window" else 0)
    parser.add_argument(
        "--wait", metavar="SECONDS", type=transfer.seconds, default=WAIT, help=f"for answers (default: {WAIT:g})"
    )
    transfer.arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print what went and what came; 1 when nothing came."""
    return transfer.told(lambda stack: _send(options, stack))


def _send(options: argparse.Namespace, stack: ExitStack) -> int:
    target = transfer.place(options.target)
    segment = _segment(options, target.port)
    tap = transfer.tap_of(options.pcap, stack)
    came, code = 0, OK
    answers = exchange(
        target.address,
        segment,
        options.wait,
        link=options.link,
        source_ip=options.source_ip,
        interface=options.interface,
        tap=tap,
    )
    try:
        for seen in answers:
            print(f"{seen.seconds:9.6f} {one_line(seen.packet)}", flush=True)
            came += not seen.ours
    except ValueError as error:  # it does not fit a packet
        raise Failed(str(error)) from None
    except KeyboardInterrupt:
        code = INTERRUPTED
    print(f"{came} came back" if came else f"nothing came back in {options.wait:g} s", file=sys.stderr)
    return code or (OK if came else FOUND)


def _segment(options: argparse.Namespace, port: int) -> Segment:
    """What is to be sent. Raises Failed."""
    try:
        return Segment(
            0,
            port,
            options.seq,
            options.ack,
            parse_flags(options.flags),
            options.window,
            options.urgent,
            wire.pad_options(wire.encode_options(map(_option, options.option))),
            options.data.encode(errors="surrogateescape"),
        )
    except ValueError as error:
        raise Failed(str(error)) from None


def _number(bits: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text, 0)
        if not 0 <= value < 1 << bits:
            raise argparse.ArgumentTypeError(f"{text} does not fit {bits} bits")
        return value

    return number


def _option(text: str) -> Option:
    """``mss=1460``, ``sack``, ``253=00ff``. Raises Failed."""
    name, _, value = text.partition("=")
    try:
        if name.isdecimal():
            return Option(int(name), bytes.fromhex(value))
        return MAKERS[name](*(int(number, 0) for number in value.split(",") if number))
    except (KeyError, TypeError, ValueError):
        raise Failed(f"{text!r} is not a TCP option; there are {', '.join(MAKERS)}, and NUMBER=HEX") from None
