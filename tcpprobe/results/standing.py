"""From the verdicts of scenarios to the standing of requirements."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from tcpprobe.results.model import Result, Verdict


class Standing(StrEnum):
    """How a target stands to one requirement, by all the scenarios that speak about it."""

    BROKEN = "broken"
    DEVIATES = "deviates"
    INCONCLUSIVE = "inconclusive"
    HELD = "held"
    UNTESTED = "not tested"


#: What one verdict says about the requirements that its scenario covers.
SAYS = {
    Verdict.FAIL: Standing.BROKEN,
    Verdict.WARN: Standing.DEVIATES,
    Verdict.INCONCLUSIVE: Standing.INCONCLUSIVE,
    Verdict.PASS: Standing.HELD,
    Verdict.SKIP: Standing.UNTESTED,
    Verdict.ERROR: Standing.UNTESTED,
}

#: Of several, the first counts: one violation outweighs all that held, and what held outweighs what was not seen.
_ORDER = (Standing.BROKEN, Standing.DEVIATES, Standing.HELD, Standing.INCONCLUSIVE, Standing.UNTESTED)
_RANK = {standing: rank for rank, standing in enumerate(_ORDER)}


def weigh(standings: Iterable[Standing]) -> Standing:
    """The one standing that several amount to."""
    return min(standings, key=_RANK.__getitem__, default=Standing.UNTESTED)


def note(found: dict[str, Standing], result: Result) -> None:
    """Add to the standings by requirement id what one more result says."""
    said = SAYS[result.verdict]
    for requirement in result.covers:
        found[requirement] = weigh((said, found.get(requirement, said)))


def standings(results: Iterable[Result]) -> dict[str, Standing]:
    """The standing of each requirement that a scenario covers, by requirement id."""
    found: dict[str, Standing] = {}
    for result in results:
        note(found, result)
    return found
