"""Where what was rendered is put."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def put(text: str, path: str | Path) -> None:
    """Write ``text`` to ``path``, whose folders are made. OSError when that cannot be done."""
    put_pieces([text], path)


def put_pieces(pieces: Iterable[str], path: str | Path) -> None:
    """The same with a text that is made while it is written."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for piece in pieces:
            file.write(piece.encode("utf-8", "backslashreplace"))
