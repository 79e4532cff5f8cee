"""Where what was rendered is put."""

from __future__ import annotations

from pathlib import Path


def put(text: str, path: str | Path) -> None:
    """Write ``text`` to ``path``, whose folders are made. OSError when that cannot be done."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode("utf-8", "backslashreplace"))
