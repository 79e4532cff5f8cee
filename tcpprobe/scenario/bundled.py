"""Where the bundled scenarios are."""

from __future__ import annotations

from pathlib import Path

import tcpprobe


def path() -> Path:
    """The folder of the bundled specs: in the package when installed, beside it in a checkout."""
    package = Path(tcpprobe.__file__).parent
    installed = package / "specs"
    return installed if installed.is_dir() else package.parent / "specs"
