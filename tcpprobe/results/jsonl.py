"""Results on disk: JSON Lines, each an object with one key: ``{"run": …}``, then ``{"result": …}`` …, ``{"end": …}``.

What is written is on disk at once, so a run that is killed leaves all it had found. Readers need constant memory.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from tcpprobe.results.model import SCHEMA, End, Result, Run

Record = Run | Result | End
_KEYS: dict[type[Record], str] = {Run: "run", Result: "result", End: "end"}
_TYPES = {key: type_ for type_, key in _KEYS.items()}
_TAIL = 64 * 1024


class ResultsError(Exception):
    """A results file cannot be written or read; the message is one line for a user."""


@cache
def _adapter(key: str) -> TypeAdapter[Any]:
    return TypeAdapter(_TYPES[key])


def dump(record: Record) -> bytes:
    """The record as one line of JSON in UTF-8, with its newline."""
    key = _KEYS[type(record)]
    adapter = _adapter(key)
    try:
        if isinstance(record, Result) and not all(map(_is_json, record.observations.values())):
            raise ValueError("not a number")
        body = adapter.dump_json(record)
    except ValueError:  # pydantic's errors are ValueErrors too
        body = adapter.dump_json(adapter.validate_python(_sayable(adapter.dump_python(record))))
    return b'{"%b":%b}\n' % (key.encode(), body)


def _is_json(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _sayable(value: Any) -> Any:
    """The same in what JSON and UTF-8 can say: no lone surrogates (undecodable file names), no infinite numbers."""
    if not _is_json(value):
        return str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_sayable(key): _sayable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sayable(item) for item in value]
    return value


def load(line: bytes) -> Record:
    """The record in one line. Raises ResultsError for anything else."""
    try:
        found = json.loads(line)
        ((key, body),) = found.items()
        type_ = _TYPES[key]
    except (ValueError, KeyError, AttributeError):
        raise ResultsError("not a line of tcpprobe results") from None
    if type_ is Run and isinstance(body, dict) and isinstance(body.get("schema"), int) and body["schema"] > SCHEMA:
        raise ResultsError(f"written by a newer tcpprobe (schema {body['schema']}, this one reads up to {SCHEMA})")
    try:
        record: Record = _adapter(key).validate_json(line[line.index(b":") + 1 : line.rindex(b"}")])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in (key, *first["loc"]))
        raise ResultsError(f"{place}: {first['msg']}") from None
    return record


class Writer:
    """Appends records to a file, each on disk when ``write`` returns.

    When the disk is full the half-written line is taken back, ResultsError is raised once, and later records are
    dropped silently: ``problem`` then holds the message. What was written before stays readable.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.problem: str | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._fileno = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ResultsError(f"cannot write results to {self.path}: {error.strerror}") from None
        self._size = 0

    def write(self, record: Record) -> None:
        """Append one record. Raises ResultsError the first time that it cannot be written."""
        if self.problem is not None or self._fileno < 0:
            return
        line = dump(record)
        try:
            done = 0
            while done < len(line):
                done += os.write(self._fileno, line[done:] if done else line)
        except OSError as error:
            self._take_back()
            self.problem = (
                f"results are incomplete from here on: cannot write to {self.path}: {error.strerror}; "
                f"what was found until now is kept"
            )
            raise ResultsError(self.problem) from None
        self._size += len(line)

    def _take_back(self) -> None:
        # A pipe or a device cannot be cut; a reader passes over a last line that is not whole.
        with contextlib.suppress(OSError):
            os.ftruncate(self._fileno, self._size)

    def close(self) -> None:
        """Close the file; may be called twice."""
        if self._fileno >= 0:
            os.close(self._fileno)
            self._fileno = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def read(path: str | os.PathLike[str]) -> tuple[Run, Iterator[Result], End | None]:
    """The run, its results one after the other as they are asked for, and the end when the run got that far.

    The run's notes are all of them, those of the end too.

    A last line that is cut short is passed over. Raises ResultsError (``file:line: message``) at once when the file
    cannot be read or holds no run, and from the iterator for a line in the middle that is not a record.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            first = file.readline()
        if not first:
            raise ResultsError(f"{path}: the file is empty")
        run = _load_at(path, 1, first)
        if not isinstance(run, Run):
            raise ResultsError(f"{path}:1: the first line does not describe a run")
        end = _end(path)
        if end is not None:
            run.notes += end.notes
        return run, _results(path), end
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from None


def _load_at(path: Path, number: int, line: bytes) -> Record:
    try:
        return load(line)
    except ResultsError as error:
        raise ResultsError(f"{path}:{number}: {error}") from None


def _results(path: Path) -> Iterator[Result]:
    with path.open("rb") as file:
        file.readline()
        for number, line in enumerate(file, 2):
            if not line.strip():
                continue
            try:
                record = _load_at(path, number, line)
            except ResultsError:
                if line.endswith(b"\n"):
                    raise
                return  # cut short: the writer was killed within this line
            if isinstance(record, Result):
                yield record


def _end(path: Path) -> End | None:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        lines = file.read().rstrip(b"\n").rsplit(b"\n", 1)
    if not lines[-1].startswith(b'{"end"'):
        return None
    try:
        record = load(lines[-1])
    except ResultsError:
        return None
    return record if isinstance(record, End) else None


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one line."""
    _, schema = TypeAdapter.json_schemas(
        [(key, "serialization", _adapter(key)) for key in _TYPES],
        ref_template="#/$defs/{model}",
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tcpprobe:results:{SCHEMA}",
        "title": f"One line of tcpprobe results, version {SCHEMA}",
        "description": "A file holds one run, then results, then, when the run came to its end, one end.",
        "oneOf": [
            {
                "type": "object",
                "properties": {key: {"$ref": f"#/$defs/{type_.__name__}"}},
                "required": [key],
                "additionalProperties": False,
            }
            for key, type_ in _TYPES.items()
        ],
        "$defs": schema["$defs"],
    }
