"""Mistakes in a file: where, what, the line with a caret, and a hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

_WIDEST = 120
_AROUND = 50


class Place(NamedTuple):
    """A position in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """One mistake.

    ``message`` is one line without a full stop; ``hint`` says what to do, or is empty; ``excerpt`` is the source line
    as it stands, or empty when there is none to show.
    """

    place: Place
    message: str
    hint: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.message}"]
        if self.excerpt.strip():
            lines += _with_caret(self.excerpt, self.place.column)
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class Problems(Exception):
    """Everything that is wrong with a file, in the order of the places."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.place))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def _with_caret(line: str, column: int) -> list[str]:
    """The line, cut to what is near the column when it is long, and a caret under the column."""
    shown = "".join(character if character.isprintable() else " " for character in line.rstrip("\r\n"))
    at = min(max(column - 1, 0), len(shown))
    if len(shown) > _WIDEST:
        start = max(0, at - _AROUND)
        cut = shown[start : start + _WIDEST]
        shown, at = ("…" if start else "") + cut, at - start + (1 if start else 0)
    left = len(shown) - len(shown.lstrip())
    left = min(left, at)
    return [f"    {shown[left:].rstrip()}", f"    {' ' * (at - left)}^"]


def _nearest(word: str, words: list[str]) -> str | None:
    """The known word that is almost the same, or begins alike, or is at least similar."""
    same_letters = [each for each in words if each.lower() == word.lower()]
    alike = [each for each in words if len(word) > 2 and each.startswith(word)]
    alike += [each for each in words if len(each) > 2 and word.startswith(each)]
    found = same_letters or difflib.get_close_matches(word, words, n=1, cutoff=0.8) or alike
    found = found or difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest of the known words, or lists them when there are few, or is empty."""
    words = sorted({str(each) for each in known})
    near = _nearest(word[:100], words)
    if near:
        return f"did you mean {near!r}?"
    return f"known are {', '.join(words)}" if 0 < len(words) <= 40 else ""
