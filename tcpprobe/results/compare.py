"""Two or more runs side by side: which cases and which requirements are not the same in all of them.

Differences are named one by one; totals are never set off against each other, because one newly broken requirement is
not made good by another that is newly held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tcpprobe.results.model import Result, Verdict
from tcpprobe.results.standing import SAYS, Standing, note


class Change(StrEnum):
    """What happened from the first run to the last."""

    NEWLY_BROKEN = "newly broken"
    NEWLY_HELD = "newly held"
    VANISHED = "no longer tested"
    APPEARED = "newly tested"
    CHANGED = "changed"
    NONE = "unchanged"


_WORST_FIRST = {change: rank for rank, change in enumerate(Change)}
_BAD = frozenset({Standing.BROKEN, Standing.DEVIATES})


@dataclass(frozen=True, slots=True)
class Row:
    """One case or requirement: in each run what was found, None where the run does not have it.

    ``found`` holds a case's verdicts or a requirement's standings as text.
    """

    id: str
    title: str
    found: tuple[str | None, ...]
    change: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between runs named ``names``, worst change first, and how many cases and requirements do not."""

    names: tuple[str, ...]
    cases: tuple[Row, ...]
    requirements: tuple[Row, ...]
    same_cases: int
    same_requirements: int


def compare(runs: Mapping[str, Iterable[Result]]) -> Comparison:
    """Compare runs, in the mapping's order, by their names; each run's results are read once and not kept."""
    titles: dict[str, str] = {}
    verdicts: list[dict[str, Verdict]] = []
    weighed: list[dict[str, Standing]] = []
    for results in runs.values():
        verdicts.append({})
        weighed.append({})
        for result in results:
            titles[result.id] = result.title
            verdicts[-1][result.id] = result.verdict
            note(weighed[-1], result)
    said = [{id_: SAYS[verdict] for id_, verdict in run.items()} for run in verdicts]
    cases, same_cases = _rows(titles, verdicts, said)
    known = dict.fromkeys((id_ for run in weighed for id_ in run), "")
    requirements, same_requirements = _rows(known, weighed, weighed)
    return Comparison(tuple(runs), cases, requirements, same_cases, same_requirements)


def _rows(
    titles: Mapping[str, str],
    found: Sequence[Mapping[str, StrEnum]],
    said: Sequence[Mapping[str, Standing]],
) -> tuple[tuple[Row, ...], int]:
    rows, same = [], 0
    for id_, title in titles.items():
        cells = tuple(None if (cell := run.get(id_)) is None else str(cell) for run in found)
        if len(set(cells)) == 1:
            same += 1
            continue
        rows.append(Row(id_, title, cells, change(said[0].get(id_), said[-1].get(id_))))
    rows.sort(key=lambda row: (_WORST_FIRST[row.change], row.id))
    return tuple(rows), same


def change(before: Standing | None, after: Standing | None) -> Change:
    """What to call the step from one standing to another; None is a run that does not know the thing."""
    was, is_ = before or Standing.UNTESTED, after or Standing.UNTESTED
    if was is is_:
        return Change.NONE
    if is_ is Standing.BROKEN or (is_ is Standing.DEVIATES and was is not Standing.BROKEN):
        return Change.NEWLY_BROKEN
    if is_ is Standing.HELD and was in _BAD:
        return Change.NEWLY_HELD
    if is_ is Standing.UNTESTED:
        return Change.VANISHED
    return Change.APPEARED if was is Standing.UNTESTED else Change.CHANGED
