"""From results to what a page or a table shows: plain data, gathered in one pass, without the packets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tcpprobe.catalogue.load import url
from tcpprobe.catalogue.model import Requirement
from tcpprobe.report.words import LEVELS, count, rfc_name, rfc_of, section_key
from tcpprobe.results.model import End, Observation, Result, Run, Verdict
from tcpprobe.results.standing import SAYS, Standing, weigh

#: Standings as the heat map tells them apart, in the order of its legend.
STATES = {
    "broken": "broken",
    "deviates": "deviates",
    "inconclusive": "inconclusive",
    "held": "held",
    "needs": "needs something the target lacks",
    "untested": "no scenario played",
    "invisible": "not visible from outside",
}
_BY_STANDING = {
    Standing.BROKEN: "broken",
    Standing.DEVIATES: "deviates",
    Standing.INCONCLUSIVE: "inconclusive",
    Standing.HELD: "held",
}
_COLUMNS = ("held", "broken", "deviates", "inconclusive", "untested")


@dataclass(slots=True)
class Rule:
    """One requirement and how the target stands to it. ``cases`` are (case id, verdict) of what spoke about it."""

    id: str
    rfc: str
    section: str
    level: str
    needs: str
    text: str
    state: str
    url: str
    cases: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Row:
    """One case as a line of a list; ``number`` is its place among the results, from 0."""

    number: int
    id: str
    title: str
    verdict: str
    level: str
    rfc: str
    section: str
    reason: str
    covers: list[str]
    needs: list[str]
    tags: list[str]
    duration: float
    place: str
    variant: str
    plays: int


@dataclass(slots=True)
class Section:
    """The rules of one section of an RFC."""

    name: str
    rules: list[Rule]


@dataclass(slots=True)
class Rfc:
    """One RFC: its rules by section, its rows, how many rules stand how, and how many of those a case spoke about."""

    number: str
    name: str
    sections: list[Section]
    rows: list[Row]
    states: dict[str, int]
    spoken: dict[str, int]


@dataclass(slots=True)
class Mark:
    """One entry of the passport: what was measured, each value with the case that measured it."""

    name: str
    values: list[tuple[Observation, str]]


@dataclass(slots=True)
class View:
    """All that a report says apart from the single packets."""

    run: Run
    end: End | None
    judgement: str
    tone: str
    levels: dict[str, dict[str, int]]
    rfcs: list[Rfc]
    findings: list[Row]
    deviations: list[Row]
    passport: list[Mark]
    not_tested: dict[str, int]
    total: int
    spoken: dict[str, int]
    duration: float
    rules: dict[str, Rule]


class Collector:
    """Takes results one after the other and keeps of each only what a list needs."""

    def __init__(self, run: Run, requirements: Mapping[str, Requirement]) -> None:
        self.run = run
        self._requirements = requirements
        self._rows: list[Row] = []
        self._standings: dict[str, Standing] = {}
        self._cases: dict[str, list[tuple[str, str]]] = {}
        self._skipped: dict[str, set[str]] = {}
        self._not_tested: dict[str, int] = {}
        self._marks: dict[tuple[str, str], list[tuple[Observation, str]]] = {}
        self._duration = 0.0

    def add(self, result: Result) -> Row:
        """Take one more result; what it gave is kept, the result is not."""
        row = Row(
            number=len(self._rows),
            id=result.id,
            title=result.title,
            verdict=str(result.verdict),
            level=result.level,
            rfc=result.rfc,
            section=result.section,
            reason=result.reason,
            covers=result.covers,
            needs=result.needs,
            tags=result.tags,
            duration=result.duration,
            place=f"{result.file}:{result.line}",
            variant=result.variant or "",
            plays=len(result.attempts),
        )
        self._rows.append(row)
        self._duration = max(self._duration, result.duration)
        for requirement in result.covers:
            said = self._said(requirement, result)
            self._standings[requirement] = weigh((said, self._standings.get(requirement, said)))
            self._cases.setdefault(requirement, []).append((result.id, row.verdict))
            if result.verdict is Verdict.SKIP:
                self._skipped.setdefault(requirement, set()).add(result.reason)
        if result.verdict in (Verdict.SKIP, Verdict.ERROR):
            why = result.reason or str(result.verdict)
            self._not_tested[why] = self._not_tested.get(why, 0) + 1
        self._note(result)
        return row

    def _note(self, result: Result) -> None:
        """What goes into the passport; of scenarios that only observe, what each row of their matrix found."""
        scenario, _, row = result.id.removesuffix("]").partition("[")
        for name, value in result.observations.items():
            self._marks.setdefault((name, row if result.level == "info" else ""), []).append((value, result.id))
        if result.variant and result.level == "info":
            name = scenario.removeprefix("passport-").replace("-", "_")
            self._marks.setdefault((name, row), []).append((result.variant, result.id))

    def _passport(self) -> list[Mark]:
        """The entries, by name. Rows that found the same share one."""
        shared: dict[tuple[str, tuple[Observation, ...]], tuple[list[str], list[tuple[Observation, str]]]] = {}
        for (name, row), found in sorted(self._marks.items(), key=_mark_order):
            values = tuple(dict.fromkeys(value for value, _id in found))
            rows, together = shared.setdefault((name, values), ([], []))
            rows.append(row)
            together += found
        return [
            Mark(f"{name} [{', '.join(rows)}]" if any(rows) else name, found)
            for (name, _values), (rows, found) in shared.items()
        ]

    def _said(self, requirement: str, result: Result) -> Standing:
        said = SAYS[result.verdict]
        known = self._requirements.get(requirement)
        # A SHOULD is deviated from, never broken, even where a run counts that as a failure.
        if said is Standing.BROKEN and known is not None and not known.level.startswith("MUST"):
            return Standing.DEVIATES
        return said

    def finish(self, end: End | None) -> View:
        """Everything that was taken, put in order."""
        rules = self._rules()
        rfcs = self._rfcs(rules)
        spoken = {column: sum(rfc.spoken[column] for rfc in rfcs) for column in _COLUMNS}
        levels: dict[str, dict[str, int]] = {}
        for row in self._rows:
            at = levels.setdefault(row.level, {})
            at[row.verdict] = at.get(row.verdict, 0) + 1
        judgement, tone = judge(self.run, end, rules, len(self._rows))
        return View(
            run=self.run,
            end=end,
            judgement=judgement,
            tone=tone,
            levels=levels,
            rfcs=rfcs,
            findings=sorted((row for row in self._rows if row.verdict == Verdict.FAIL), key=_weight),
            deviations=[row for row in self._rows if row.verdict == Verdict.WARN],
            passport=self._passport(),
            not_tested=dict(sorted(self._not_tested.items(), key=lambda item: (-item[1], item[0]))),
            total=len(self._rows),
            spoken=spoken,
            duration=end.duration if end is not None else self._duration,
            rules=rules,
        )

    def _rules(self) -> dict[str, Rule]:
        rules = {}
        for id_ in dict.fromkeys((*self._requirements, *self._standings)):
            known = self._requirements.get(id_)
            rules[id_] = Rule(
                id=id_,
                rfc=rfc_of(id_) if known is None else known.rfc,
                section="" if known is None else known.section,
                level="" if known is None else known.level,
                needs="" if known is None else known.needs,
                text="" if known is None else known.text,
                state=self._state(id_, known),
                url="" if known is None else url(known),
                cases=self._cases.get(id_, []),
            )
        return rules

    def _state(self, id_: str, known: Requirement | None) -> str:
        standing = self._standings.get(id_, Standing.UNTESTED)
        if standing in _BY_STANDING:
            return _BY_STANDING[standing]
        if id_ in self._skipped:
            return "needs"
        return "invisible" if known is not None and known.needs == "api" else "untested"

    def _rfcs(self, rules: dict[str, Rule]) -> list[Rfc]:
        by_rfc: dict[str, list[Rule]] = {}
        for rule in rules.values():
            by_rfc.setdefault(rule.rfc, []).append(rule)
        rows: dict[str, list[Row]] = {}
        for row in self._rows:
            rows.setdefault(row.rfc if row.rfc.isdecimal() else "", []).append(row)
        return [
            _rfc(number, by_rfc.get(number, []), rows.get(number, []))
            for number in sorted({*by_rfc, *rows}, key=_rfc_order)
        ]


def viewed(run: Run, results: Iterable[Result], requirements: Mapping[str, Requirement], end: End | None) -> View:
    """The view of a whole run; the results are read once."""
    collector = Collector(run, requirements)
    for result in results:
        collector.add(result)
    return collector.finish(end)


def _weight(row: Row) -> int:
    """What a MUST is about comes first."""
    levels = list(LEVELS)
    return levels.index(row.level) if row.level in levels else len(levels)


def _mark_order(mark: tuple[tuple[str, str], object]) -> tuple[str, int, str]:
    """By name, then rows that are numbers in their order, then the others."""
    (name, row), _ = mark
    return (name, int(row), "") if row.isdecimal() else (name, 1 << 64, row)


def _rfc_order(number: str) -> tuple[bool, bool, int]:
    """RFC 9293 first, then the others as they came, what no RFC says last."""
    return (number != "9293", not number, int(number or 0))


def _rfc(number: str, rules: list[Rule], rows: list[Row]) -> Rfc:
    sections: dict[str, list[Rule]] = {}
    states = dict.fromkeys(STATES, 0)
    spoken = dict.fromkeys(_COLUMNS, 0)
    for rule in rules:
        sections.setdefault(rule.section, []).append(rule)
        states[rule.state] += 1
        if rule.cases:
            spoken[rule.state if rule.state in spoken else "untested"] += 1
    ordered = [Section(name, sections[name]) for name in sorted(sections, key=section_key)]
    return Rfc(number, rfc_name(number), ordered, rows, states, spoken)


def judge(run: Run, end: End | None, rules: Mapping[str, Rule], cases: int) -> tuple[str, str]:
    """One sentence on the target, and its tone: "broken", "deviates", "held" or "untested"."""
    musts = [rule for rule in rules.values() if rule.level.startswith("MUST") or not rule.level]
    others = [rule for rule in rules.values() if rule.level and not rule.level.startswith("MUST")]
    broken, tested = _judged(musts, "broken"), _judged(musts, "broken", "deviates", "held")
    deviates = _judged(others, "deviates", "broken") + _judged(musts, "deviates")
    held = _judged(others, "held")
    if not tested and not deviates and not held:
        said, tone = f"Nothing was judged in {count(cases, 'scenario')}.", "untested"
    elif broken:
        said = f"{run.target} breaks {broken:,} of the {count(tested, 'MUST requirement')} that could be judged"
        said += f" and deviates from {count(deviates, 'further one')}." if deviates else "."
        tone = "broken"
    elif deviates:
        kept = f"breaks none of the {count(tested, 'MUST requirement')} that could be judged, and " if tested else ""
        said, tone = f"{run.target} {kept}deviates in {count(deviates, 'point')}.", "deviates"
    else:
        number, what = (tested, "MUST requirement") if tested else (held, "requirement")
        said = f"all {count(number, what)}" if number > 1 else f"the one {what}"
        said, tone = f"{run.target} keeps {said} that could be judged.", "held"
    if end is None or end.cut_short:
        said += " The run was cut short: this is what it had found by then."
    return said, tone


def _judged(rules: list[Rule], *states: str) -> int:
    return sum(rule.state in states for rule in rules)
