"""``tcpprobe new NAME``."""

from __future__ import annotations

import argparse
from pathlib import Path

from tcpprobe.cli.main import CommandError

TEXT = """\
title: What {name} is about
scenarios:
  - id: {name}
    title: Data is acknowledged within half a second
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - send: {{flags: PA, data: "hello"}}
      - expect: {{flags: A, ack: snd.nxt}}
        within: 500ms
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("name", help="small letters, digits and hyphens; the file is NAME.probe.yaml")


def run(options: argparse.Namespace) -> int:
    """Write the file, unless there is one."""
    name = options.name.removesuffix(".probe.yaml")
    if not name.replace("-", "").isalnum() or name != name.lower() or not name.isascii():
        raise CommandError(f"{name!r} is not small letters, digits and hyphens")
    path = Path(f"{name}.probe.yaml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEXT.format(name=name))
    except FileExistsError:
        raise CommandError(f"there is a {path} already") from None
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from None
    print(f"{path}: try it with  pytest {path} --tcp-target lab")
    return 0
