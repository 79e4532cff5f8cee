"""The matrix of a scenario: its rows, their values by name, and what each row is called."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from tcpprobe.marked.node import Kind, Node
from tcpprobe.marked.problem import Problem
from tcpprobe.scenario.operations import FUNCTIONS

MOST_ROWS = 5000
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z", re.ASCII)
_RANGE = re.compile(r"\s*([0-9]{1,10})\s*\.\.\s*([0-9]{1,10})\s*\Z", re.ASCII)
_UNFIT = re.compile(r"[^A-Za-z0-9_.+<>=~ -]+", re.ASCII)
_SCALARS = (Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.TEXT, Kind.BYTES)

Row = tuple[Node, ...]


class Matrix:
    """Rows of values.

    Attributes:
        columns: the names, in order, with the node of each.
        rows: one tuple of nodes for each row, in the order of the columns.
        labels: what each row is called.
        used: the names that anything refers to.
    """

    def __init__(self) -> None:
        self.columns: dict[str, Node] = {}
        self.rows: list[Row] = [()]
        self.labels: list[str] = [""]
        self.used: set[str] = set()

    def combinations(self, names: Sequence[str]) -> Iterator[Row]:
        """The different combinations of values that the names have in the rows."""
        order = list(self.columns)
        indices = [order.index(name) for name in names]
        seen: set[tuple[object, ...]] = set()
        for row in self.rows:
            picked = tuple([row[index] for index in indices])
            key = tuple([node.value for node in picked])
            if key not in seen:
                seen.add(key)
                yield picked

    def values(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Label and values by name of each row."""
        names = tuple(self.columns)
        for label, row in zip(self.labels, self.rows, strict=True):
            yield label, dict(zip(names, [node.value for node in row], strict=True))


def read_matrix(node: Node | None, taken: frozenset[str], problems: list[Problem]) -> Matrix:
    """The matrix under ``matrix:``: a mapping of names to lists (all combinations), or a list of mappings (rows)."""
    matrix = Matrix()
    if node is None:
        return matrix
    before = len(problems)
    if node.kind is Kind.MAP:
        _product(matrix, node, problems)
    else:
        _listed(matrix, node, problems)
    for name, at in matrix.columns.items():
        _check_name(name, at, taken, problems)
    if len(problems) == before:
        _name_rows(matrix, node, problems)
    if len(problems) != before:  # no rows, then: what uses them is not judged by what is wrong
        matrix.rows, matrix.labels = [], []
    return matrix


def _check_name(name: str, at: Node, taken: frozenset[str], problems: list[Problem]) -> None:
    if not _NAME.match(name):
        problems.append(at.problem(f"{name!r} is no name", "lower-case letters, digits and _, as in window_size"))
    elif name in taken or name in FUNCTIONS or name in ("none", "true", "false", "and", "or", "not", "in"):
        problems.append(at.problem(f"the name {name!r} is taken: it would hide another", "choose another name"))


def _product(matrix: Matrix, node: Node, problems: list[Problem]) -> None:
    columns: list[list[Node]] = []
    total = 1
    for name, values in node.items():
        matrix.columns[name] = node.keys[name]
        column = _column(values, problems)
        _check_column(column, problems, distinct=True)
        total *= len(column)
        columns.append(column)
    if total > MOST_ROWS:
        problems.append(node.problem(f"{total} rows are more than {MOST_ROWS}"))
    elif not columns:
        problems.append(node.problem("the matrix is empty"))
    else:
        matrix.rows = list(itertools.product(*columns))


def _column(values: Node, problems: list[Problem]) -> list[Node]:
    """The nodes of a list, or of a range ``0 .. 511``."""
    if values.kind is Kind.TEXT and (match := _RANGE.match(values.value)):
        low, high = int(match[1]), int(match[2])
        if low <= high < low + MOST_ROWS:
            return [Node(values.document, Kind.INT, each, values.line, values.column) for each in range(low, high + 1)]
        problems.append(values.problem(f"the range {values.value} is empty or too long"))
        return []
    if values.kind is not Kind.LIST:
        problems.append(values.problem(f"a list of values is wanted, this is {values.kind}", "as in [A, FA] or 0 .. 7"))
        return []
    if not values.value:
        problems.append(values.problem("the list is empty"))
    return list(values.value)


def _check_column(column: list[Node], problems: list[Problem], *, distinct: bool) -> None:
    seen: dict[object, Node] = {}
    for node in column:
        if node.kind not in _SCALARS:
            problems.append(node.problem(f"a value must be a number, text or !hex, not {node.kind}"))
        elif node.value in seen and (distinct or seen[node.value].kind is not node.kind):
            problems.append(node.problem(f"the value {node.value!r} is there twice"))
        else:
            seen[node.value] = node


def _listed(matrix: Matrix, node: Node, problems: list[Problem]) -> None:
    rows = [row for row in node.elements() if row.kind is Kind.MAP]
    if not rows or len(rows) != len(node.elements()):
        message = "a matrix is a mapping of names to lists, or a list of rows that are mappings"
        problems.append(node.problem(message))
        return
    names = [name for name in rows[0].value if name != "id"]
    matrix.columns = {name: rows[0].keys[name] for name in names}
    if len(rows) > MOST_ROWS:
        problems.append(node.problem(f"{len(rows)} rows are more than {MOST_ROWS}"))
    for row in rows:
        missing = [name for name in names if name not in row.value]
        extra = [name for name in row.value if name not in names and name != "id"]
        if missing:
            problems.append(row.problem(f"this row lacks {', '.join(missing)}"))
        problems += [row.keys[name].problem(f"{name!r} is not in the first row") for name in extra]
        if not missing:
            matrix.rows.append(tuple(row.value[name] for name in names))
    del matrix.rows[0]
    for index in range(len(names)):
        _check_column([row[index] for row in matrix.rows], problems, distinct=False)
    matrix.labels = [str(row.value["id"].value) if "id" in row.value else "" for row in rows][: len(matrix.rows)]


def _name_rows(matrix: Matrix, node: Node, problems: list[Problem]) -> None:
    """Labels by value, ``FPU`` or ``A,1460``; two rows with one label are a mistake, ids are never positional."""
    given = matrix.labels if len(matrix.labels) == len(matrix.rows) else [""] * len(matrix.rows)
    words: dict[int, str] = {}

    def word(value: Node) -> str:
        found = words.get(id(value))
        if found is None:
            found = words[id(value)] = _word(value)
        return found

    matrix.labels = [
        label or ",".join([word(value) for value in row]) for label, row in zip(given, matrix.rows, strict=True)
    ]
    if len(set(matrix.labels)) == len(matrix.labels):
        return
    seen: set[str] = set()
    for label, row in zip(matrix.labels, matrix.rows, strict=True):
        if label in seen:
            hint = "write rows as a list of mappings and give each an id"
            problems.append((row[0] if row else node).problem(f"two rows are called [{label}]", hint))
            return
        seen.add(label)


def _word(node: Node) -> str:
    value = node.value
    text = value.hex() if isinstance(value, bytes) else str(value).lower() if isinstance(value, bool) else str(value)
    return _UNFIT.sub("_", text).strip()[:40] or "-"
