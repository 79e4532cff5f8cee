"""The YAML lines of a step and where in them a field stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tcpprobe.results.model import Result, StepResult, Verdict


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a step's source: its number in the file, its text, and (start, length) of what is pointed at."""

    number: int
    text: str
    caret: tuple[int, int] | None = None


def failing_step(result: Result) -> StepResult | None:
    """The step that was missed, or that was met in a way that is only tolerated; None when there is none."""
    for step in result.steps:
        if step.outcome == "missed":
            return step
    if result.verdict in (Verdict.FAIL, Verdict.WARN):
        return next((step for step in reversed(result.steps) if step.variant), None)
    return None


def excerpt(step: StepResult) -> list[Line]:
    """The step's lines, with a caret under the first field that differs, the variant, or the first line."""
    texts = step.source.expandtabs(4).splitlines() or [""]
    carets = _carets(texts, step)
    return [Line(step.line + index, text, carets.get(index)) for index, text in enumerate(texts)]


def _carets(texts: list[str], step: StepResult) -> dict[int, tuple[int, int]]:
    for difference in step.differences:
        for name in dict.fromkeys((difference.field, difference.field.rpartition(".")[2])):
            place = _find(texts, name)
            if place is not None:
                return {place[0]: place[1:]}
    if step.outcome != "missed":
        place = _find(texts, "variant", step.variant or "")
        return {} if place is None else {place[0]: place[1:]}
    start = len(texts[0]) - len(texts[0].lstrip(" -"))
    return {0: (start, max(1, len(texts[0].rstrip()) - start))}


def _find(texts: list[str], name: str, value: str | None = None) -> tuple[int, int, int] | None:
    values = r"(\[[^]]*\]|\"[^\"]*\"|'[^']*'|[^,}\n]*)" if value is None else rf"{re.escape(value)}\b"
    pattern = re.compile(rf"(?<![\w.]){re.escape(name)}\s*:\s*{values}")
    for index, text in enumerate(texts):
        match = pattern.search(text)
        if match:
            return index, match.start(), len(match.group().rstrip())
    return None
