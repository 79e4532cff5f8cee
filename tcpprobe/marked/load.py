"""YAML text to nodes. Whatever the text is, the answer is a node or `Problems`, never another exception.

Built on the C parser's events, not on its composer: the composer recurses in C and resolves scalars by YAML 1.1.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tcpprobe.marked.node import Document, Kind, Node
from tcpprobe.marked.problem import Place, Problem, Problems
from tcpprobe.marked.scalar import read_hex, resolve

try:
    from yaml import CLoader as _Loader
except ImportError:  # PyYAML without libyaml: slower, the same events
    from yaml import Loader as _Loader  # type: ignore[assignment]

LARGEST = 1_000_000
"""The most bytes a file may have."""
DEEPEST = 40
MOST_NODES = 200_000

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")

#: What the parser says → what it means for the one who wrote the file.
_WORDS = (
    ("mapping values are not allowed", "a ':' cannot stand here", "put the text in quotes, or begin a new line"),
    ("could not find expected ':'", "a ':' is missing after a key", "keys are written 'key: value'"),
    ("did not find expected ',' or ']'", "a list in [brackets] is not closed, or a ',' is missing", ""),
    ("did not find expected ',' or '}'", "a mapping in {braces} is not closed, or a ',' is missing", ""),
    ("did not find expected '-' indicator", "this line does not fit the list above it", "check the indentation"),
    (
        "did not find expected comment or line break",
        "a value cannot begin like this",
        'comparisons go in quotes: "> 0"',
    ),
    ("did not find expected key", "this line does not fit the lines above it", "check indentation and quotes"),
    ("found unexpected end of stream", "a quoted text is not closed", ""),
    ("found undefined tag handle", "unknown tag", "the only tag is !hex"),
    ("that cannot start any token", "this character cannot begin a value", "put the text in quotes"),
)


def load_file(path: Path) -> Node:
    """The node of a file. Raises Problems."""
    try:
        if path.stat().st_size > LARGEST:
            raise _refused(str(path), f"the file is larger than {LARGEST // 1000} kB")
        with path.open("rb") as file:  # a device says that it has no size, and may have no end
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise _refused(str(path), f"cannot be read: {error.strerror or error}") from None
    return load(data, str(path))


def load(text: str | bytes, file: str) -> Node:
    """The node of a YAML text; ``file`` is what places call it. Raises Problems."""
    if len(text) > LARGEST:
        raise _refused(file, f"the file is larger than {LARGEST // 1000} kB")
    if isinstance(text, bytes):
        text = _decoded(text, file)
    text = text.removeprefix("\ufeff")
    document = Document(file, text)
    if bad := _UNPRINTABLE.search(text):
        line = len(Document(file, text[: bad.start()]).lines)
        what = f"the character U+{ord(bad.group()):04X} cannot stand in YAML: is this a text file?"
        raise Problems([Problem(Place(file, line, 1), what)])
    return _Builder(document).build(text)


def _refused(file: str, message: str) -> Problems:
    return Problems([Problem(Place(file), message)])


def _decoded(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")) + 1
        message = f"not UTF-8: byte 0x{data[error.start]:02x}"
        raise Problems([Problem(Place(file, line, column), message, "save the file as UTF-8")]) from None


class _Stop(Exception):
    """The text cannot be read any further."""


class _Builder:
    """Events in, nodes out; mistakes that allow going on are collected."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}
        self.open: list[tuple[Node, str | None]] = []  # containers that are not closed, with their anchors
        self.pending: list[Node | None] = []  # for each of them, a key that waits for its value
        self.root: Node | None = None

    def build(self, text: str) -> Node:
        """The root node. Raises Problems."""
        try:
            for event in yaml.parse(text, Loader=_Loader):
                handler = _HANDLERS.get(type(event))
                if handler is not None:
                    handler(self, event)
        except _Stop:
            pass
        except yaml.MarkedYAMLError as error:
            self._unreadable(error)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            self.problems.append(self.document.problem(1, 1, f"not YAML: {str(error).splitlines()[0]}"))
        if self.root is None and not self.problems:
            self.problems.append(self.document.problem(1, 1, "the file is empty"))
        if self.problems or self.root is None:
            raise Problems(self.problems)
        return self.root

    def _unreadable(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        said = error.problem or error.context or "not YAML"
        message, hint = said, ""
        for beginning, plain, advice in _WORDS:
            if beginning in said:
                message, hint = plain, advice
                break
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        excerpt = self.document.excerpt(line)
        if "\t" in excerpt[: len(excerpt) - len(excerpt.lstrip())]:
            message, hint = "a tab cannot indent YAML", "use spaces"
        elif "${" in excerpt:
            hint = 'put it in quotes: "${name}"'
        at = error.context_mark
        if at is not None and "not closed" in message:
            line, column = at.line + 1, at.column + 1
        self.problems.append(self.document.problem(line, column, message, hint))

    # -- events -------------------------------------------------------------------------------------------------

    def document_start(self, event: Any) -> None:
        if self.root is not None:
            mark = event.start_mark
            self.problems.append(self.document.problem(mark.line + 1, mark.column + 1, "a second document begins here"))
            raise _Stop

    def scalar(self, event: Any) -> None:
        mark = event.start_mark
        node = Node(self.document, Kind.TEXT, event.value, mark.line + 1, mark.column + 1)
        end = event.end_mark
        node.end_line, node.end_column = end.line + 1, end.column + 1
        node.plain_style = event.implicit[0] and not event.style
        if event.tag == "!hex":
            self._hex(node, event)
        elif event.tag not in (None, "!"):
            self._unknown_tag(node, event.tag)
        elif node.plain_style:
            node.kind, node.value = resolve(event.value)
        if event.anchor:
            self.anchors[event.anchor] = node
        self._place(node)

    def _hex(self, node: Node, event: Any) -> None:
        node.kind = Kind.BYTES
        try:
            node.value = read_hex(event.value)
        except ValueError as error:
            node.value = b""
            self.problems.append(node.problem(f"!hex: {error}", "write pairs of hex digits, as in !hex 0204 05b4"))

    def _unknown_tag(self, node: Node, tag: str) -> None:
        hint = 'comparisons go in quotes: "!= 0"' if tag.startswith("!=") else "the only tag is !hex"
        self.problems.append(node.problem(f"unknown tag {tag[:40]}", hint))

    def container(self, event: Any) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        mark = event.start_mark
        empty: Any = {} if mapping else []
        node = Node(self.document, Kind.MAP if mapping else Kind.LIST, empty, mark.line + 1, mark.column + 1)
        if event.tag is not None:
            self._unknown_tag(node, event.tag)
        if len(self.open) >= DEEPEST:
            self.problems.append(node.problem(f"nested deeper than {DEEPEST} levels"))
            raise _Stop
        if event.anchor:
            self.anchors[event.anchor] = None  # an alias to something that is not finished would be a circle
        self.open.append((node, event.anchor))
        self.pending.append(None)

    def container_end(self, event: Any) -> None:
        node, anchor = self.open.pop()
        self.pending.pop()
        # A block ends where its last child does; the parser's own mark is at the next token, after comments.
        end = event.end_mark
        flow = event.start_mark.index != end.index
        if flow:
            node.end_line, node.end_column = end.line + 1, end.column + 1
        if anchor:
            self.anchors[anchor] = node
        self._place(node)

    def alias(self, event: Any) -> None:
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        found = self.anchors.get(event.anchor)
        if found is None:
            circle = event.anchor in self.anchors
            message = "contains itself" if circle else "is not defined above"
            self.problems.append(self.document.problem(line, column, f"alias *{event.anchor[:40]} {message}"))
            found = Node(self.document, Kind.NULL, None, line, column)
        self._place(found, (line, column + 1 + len(event.anchor)))

    # -- putting together ---------------------------------------------------------------------------------------

    def _place(self, node: Node, end: tuple[int, int] | None = None) -> None:
        if not self.open:
            self.root = node
            return
        parent, pending = self.open[-1][0], self.pending[-1]
        parent.end_line, parent.end_column = end or (node.end_line, node.end_column)
        parent.size += node.size
        if parent.size > MOST_NODES:
            self.problems.append(
                node.problem(f"more than {MOST_NODES} values, aliases counted each time they are used")
            )
            raise _Stop
        if parent.kind is Kind.LIST:
            parent.value.append(node)
        elif pending is None:
            self.pending[-1] = node
        else:
            self.pending[-1] = None
            self._pair(parent, pending, node)

    def _pair(self, parent: Node, key: Node, value: Node) -> None:
        if key.kind in (Kind.MAP, Kind.LIST, Kind.BYTES, Kind.NULL):
            self.problems.append(key.problem(f"a key must be text, this is {key.kind}"))
            return
        name = key.value if key.kind is Kind.TEXT else self._as_written(key)
        if name == "<<":
            self.problems.append(key.problem("merge keys are not supported", "write the keys out"))
        elif name in parent.keys:
            first = parent.keys[name].line
            self.problems.append(key.problem(f"key {name!r} is there twice (first in line {first})"))
        else:
            parent.keys[name] = key
            parent.value[name] = value

    @staticmethod
    def _as_written(key: Node) -> str:
        return key.document.excerpt(key.line)[key.column - 1 : key.end_column - 1]


_HANDLERS = {
    yaml.DocumentStartEvent: _Builder.document_start,
    yaml.ScalarEvent: _Builder.scalar,
    yaml.MappingStartEvent: _Builder.container,
    yaml.SequenceStartEvent: _Builder.container,
    yaml.MappingEndEvent: _Builder.container_end,
    yaml.SequenceEndEvent: _Builder.container_end,
    yaml.AliasEvent: _Builder.alias,
}
