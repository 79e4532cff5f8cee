"""What a plain scalar means. YAML 1.1 reads ``NO`` as false, ``1:1`` as 61 and ``010`` as 8; here they are text."""

from __future__ import annotations

import re

from tcpprobe.marked.node import Kind

_WORDS: dict[str, tuple[Kind, object]] = {
    "": (Kind.NULL, None),
    "~": (Kind.NULL, None),
    "null": (Kind.NULL, None),
    "true": (Kind.BOOL, True),
    "false": (Kind.BOOL, False),
}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})\Z", re.ASCII)
_HEX = re.compile(r"0x[0-9a-fA-F]{1,32}\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?[0-9]{1,30}\.[0-9]{1,30}\Z", re.ASCII)


def resolve(text: str) -> tuple[Kind, object]:
    """The kind and value of an unquoted scalar."""
    word = _WORDS.get(text)
    if word is not None:
        return word
    if text[0] in "+-0123456789":
        if _INT.match(text):
            return Kind.INT, int(text)
        if _HEX.match(text):
            return Kind.INT, int(text, 16)
        if _FLOAT.match(text):
            return Kind.FLOAT, float(text)
    return Kind.TEXT, text


def read_hex(text: str) -> bytes:
    """The bytes of ``!hex 02 04 05b4``; spaces and colons are free. Raises ValueError with what is wrong."""
    digits = re.sub(r"[\s:_]", "", text)
    if match := re.search(r"[^0-9a-fA-F]", digits):
        raise ValueError(f"{match.group()!r} is no hex digit")
    if len(digits) % 2:
        raise ValueError(f"{len(digits)} hex digits are not whole bytes")
    return bytes.fromhex(digits)
