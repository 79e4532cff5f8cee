"""Which requirements are covered by which scenarios: plain data in, plain data out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tcpprobe.catalogue.model import Requirement


@dataclass(frozen=True, slots=True)
class Covered:
    """A requirement and the scenarios about it: ``directly``, or by way of a requirement it restates."""

    requirement: Requirement
    directly: tuple[str, ...]
    by_restating: tuple[str, ...] = ()

    @property
    def covered(self) -> bool:
        """Whether any scenario is about it."""
        return bool(self.directly or self.by_restating)

    @property
    def hidden(self) -> bool:
        """Whether none is, because nobody outside could tell."""
        return not self.covered and bool(self.requirement.why_unseen)


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many are covered."""

    covered: int
    total: int


def coverage(
    scenarios: Iterable[tuple[str, Iterable[str]]], requirements: Mapping[str, Requirement]
) -> dict[str, Covered]:
    """For each requirement, the scenarios that cover it; ``scenarios`` are pairs of id and the ids they cover.

    A scenario about one requirement is also about those that merely restate it (``same_as``), and the other way round.
    Ids that the catalogue does not know are passed over.
    """
    directly: dict[str, list[str]] = {}
    for scenario, covers in scenarios:
        for requirement in dict.fromkeys(covers):
            directly.setdefault(requirement, []).append(scenario)
    groups: dict[str, list[str]] = {}
    for each in requirements.values():
        groups.setdefault(_root(each, requirements), []).append(each.id)
    found: dict[str, Covered] = {}
    for members in groups.values():
        everyone = dict.fromkeys(scenario for member in members for scenario in directly.get(member, ()))
        for member in members:
            own = tuple(dict.fromkeys(directly.get(member, ())))
            others = tuple(scenario for scenario in everyone if scenario not in own)
            found[member] = Covered(requirements[member], own, others)
    return {name: found[name] for name in requirements}


def _root(requirement: Requirement, requirements: Mapping[str, Requirement]) -> str:
    """The requirement that is restated in the end."""
    seen = {requirement.id}
    while requirement.same_as in requirements and requirement.same_as not in seen:
        requirement = requirements[requirement.same_as]
        seen.add(requirement.id)
    return requirement.id


def by_rfc(found: Mapping[str, Covered]) -> dict[str, Share]:
    """How much of each RFC is covered; key ``""`` is what no RFC says."""
    return _shares((each.requirement.rfc, each) for each in found.values())


def by_level(found: Mapping[str, Covered]) -> dict[str, Share]:
    """How much of each level is covered."""
    return _shares((each.requirement.level, each) for each in found.values())


def _shares(pairs: Iterable[tuple[str, Covered]]) -> dict[str, Share]:
    counts: dict[str, list[int]] = {}
    for key, each in pairs:
        count = counts.setdefault(key, [0, 0])
        count[0] += each.covered
        count[1] += 1
    return {key: Share(*count) for key, count in counts.items()}
