"""A terminal of its own for a command."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def on_a_terminal(command: Sequence[str], where: Path, environment: Mapping[str, str]) -> tuple[bytes, int]:
    """What a command writes to a terminal, and how it ends."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(command, cwd=where, stdout=theirs, stderr=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 4096):
            text += piece
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    return text, done.wait()
