"""Nodes: YAML values that know where they stand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

from tcpprobe.marked.problem import Place, Problem


class Kind(StrEnum):
    """What a node is; the text is how a person calls it."""

    MAP = "a mapping"
    LIST = "a list"
    TEXT = "text"
    INT = "a whole number"
    FLOAT = "a number"
    BOOL = "true or false"
    NULL = "empty"
    BYTES = "hex bytes"


class Document:
    """The text that nodes come from: its name and its lines."""

    __slots__ = ("file", "lines")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        # YAML's line breaks, not those of str.splitlines: a form feed does not end a line.
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n").split("\n")

    def excerpt(self, line: int) -> str:
        """The line with that number (from 1), or empty."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else ""

    def problem(self, line: int, column: int, message: str, hint: str = "") -> Problem:
        """A problem at a position (from 1), with its excerpt."""
        return Problem(Place(self.file, line, column), message, hint, self.excerpt(line))


class Node:
    """A value and its place.

    Attributes:
        kind: what it is.
        value: ``dict[str, Node]`` of a mapping, ``list[Node]`` of a list, else the plain scalar.
        keys: of a mapping, the nodes of its keys.
        line, column, end_line, end_column: from 1; the end is one past the last character.
        plain_style: whether a scalar stands without quotes (so that offsets into its text are columns).
        size: how many nodes it and everything below it are, aliases counted each time.
    """

    __slots__ = (
        "column",
        "document",
        "end_column",
        "end_line",
        "keys",
        "kind",
        "line",
        "plain_style",
        "size",
        "value",
    )

    def __init__(self, document: Document, kind: Kind, value: Any, line: int, column: int) -> None:
        self.document = document
        self.kind = kind
        self.value = value
        self.keys: dict[str, Node] = {}
        self.line = self.end_line = line
        self.column = self.end_column = column
        self.plain_style = True
        self.size = 1

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.document.file, self.line, self.column)

    @property
    def source(self) -> str:
        """Its text as written, dedented, without what follows it."""
        lines = self.document.lines[self.line - 1 : self.end_line]
        if not lines:
            return ""
        if self.end_column > 1:
            lines[-1] = lines[-1][: self.end_column - 1]
        lines[0] = " " * (self.column - 1) + lines[0][self.column - 1 :]
        return textwrap.dedent("\n".join(lines)).strip("\n")

    def problem(self, message: str, hint: str = "", *, offset: int = 0) -> Problem:
        """A problem with this node; ``offset`` is where in its text, for scalars on one line."""
        column = self.column
        if offset and self.line == self.end_line:
            column += offset + (0 if self.plain_style else 1)
        return self.document.problem(self.line, column, message, hint)

    def get(self, key: str) -> Node | None:
        """The value of a mapping's key, or None (also when it is no mapping)."""
        return self.value.get(key) if self.kind is Kind.MAP else None

    def items(self) -> Iterator[tuple[str, Node]]:
        """The keys and values of a mapping; nothing for anything else."""
        return iter(self.value.items() if self.kind is Kind.MAP else ())

    def elements(self) -> Sequence[Node]:
        """The elements of a list; nothing for anything else."""
        return self.value if self.kind is Kind.LIST else ()

    def plain(self) -> Any:
        """The value as plain Python data: dict, list, str, int, float, bool, None, bytes."""
        if self.kind is Kind.MAP:
            return {key: node.plain() for key, node in self.value.items()}
        if self.kind is Kind.LIST:
            return [node.plain() for node in self.value]
        return self.value

    def find(self, path: Iterable[str | int]) -> Node:
        """The node at the end of a path of keys and indices; parts that lead nowhere are passed over."""
        node = self
        for part in path:
            below = None
            if isinstance(part, str):
                below = node.get(part)
            elif node.kind is Kind.LIST and 0 <= part < len(node.value):
                below = node.value[part]
            node = below or node
        return node
