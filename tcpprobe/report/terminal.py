"""What a run and a failure say in a terminal: text of at most 80 columns, without colour codes unless asked."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from tcpprobe.catalogue.model import Requirement
from tcpprobe.report.excerpt import excerpt, failing_step
from tcpprobe.report.github import harmless
from tcpprobe.report.ladder import label, text_ladder
from tcpprobe.report.view import View, viewed
from tcpprobe.report.words import LEVELS, RFC_TITLES, plain, rfc_name, rfc_of
from tcpprobe.results.model import End, Result, Run, StepResult

_CODES = {"bad": "31;1", "odd": "33;1", "good": "32", "faint": "2", "strong": "1"}
_TONES = {"fail": "bad", "warn": "odd", "inconclusive": "odd", "error": "bad", "pass": "good", "skip": "faint"}
_COLUMNS = {"held": 6, "broken": 8, "deviates": 10, "inconclusive": 14, "untested": 12}
_HEADS = {"untested": "not tested"}
_NAMED = 12
_LADDER = 24


def summary(
    run: Run,
    results: Iterable[Result],
    requirements: Mapping[str, Requirement],
    end: End | None = None,
    *,
    color: bool = False,
    width: int = 80,
) -> str:
    """The conformance table by RFC, what is broken by name, and what was not tested and why."""
    return table(viewed(run, results, requirements, end), color=color, width=width)


def table(view: View, *, color: bool = False, width: int = 80) -> str:
    """`summary` of a finished view."""
    paint = painter(color)
    return "\n".join(
        [
            *_counts(view, paint, width),
            *_named(view, "broken", "broken requirements:", paint, width),
            *_named(view, "deviates", "deviations:", paint, width),
            *_not_tested(view, width),
            "",
            *textwrap.wrap(plain(view.judgement), width),
        ]
    )


def painter(color: bool) -> Mapping[str, str]:
    """How to begin text of a tone ("bad", "odd", "good", "faint", "strong"); "" ends it. Empty without colour."""
    return {"": "\x1b[0m", **{tone: f"\x1b[{code}m" for tone, code in _CODES.items()}} if color else {}


def tinted(paint: Mapping[str, str], tone: str, text: str) -> str:
    """The text in a tone of a `painter`; as it is without one."""
    return f"{paint[tone]}{text}{paint['']}" if tone in paint and text.strip() else text


def _counts(view: View, paint: Mapping[str, str], width: int) -> Iterator[str]:
    spoken = [rfc for rfc in view.rfcs if any(rfc.spoken.values())]
    names = max(12, width - sum(_COLUMNS.values()))
    cells = (f"{_HEADS.get(column, column):>{room}}" for column, room in _COLUMNS.items())
    head = f"{'requirements of':<{names}}{''.join(cells)}"
    yield tinted(paint, "strong", head)
    for rfc in spoken:
        yield _count_row(f"{rfc.name} {RFC_TITLES.get(rfc.number, '')}".rstrip(), rfc.spoken, names, paint)
    if len(spoken) != 1:
        yield "-" * len(head)
        yield _count_row("all", view.spoken, names, paint)


def _count_row(name: str, counts: Mapping[str, int], names: int, paint: Mapping[str, str]) -> str:
    tones = {"broken": "bad", "deviates": "odd", "inconclusive": "odd"}
    cells = (
        tinted(paint, tones.get(column, "") if counts[column] else "faint", f"{counts[column] or '.':>{room}}")
        for column, room in _COLUMNS.items()
    )
    return f"{shorten(name, names - 1):<{names}}{''.join(cells)}"


def _named(view: View, state: str, title: str, paint: Mapping[str, str], width: int) -> Iterator[str]:
    rules = [rule for rule in view.rules.values() if rule.state == state]
    if not rules:
        return
    yield ""
    yield tinted(paint, "bad" if state == "broken" else "odd", title)
    for rule in rules[:_NAMED]:
        cases = [id_ for id_, verdict in rule.cases if verdict in ("fail", "warn")]
        yield shorten(f"  {plain(rule.id)}  {plain(rule.text)}".rstrip(), width)
        more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
        yield shorten(f"    {plain(cases[0])}", width - len(more)) + more
    if len(rules) > _NAMED:
        yield f"  and {len(rules) - _NAMED} more"


def shorten(text: str, width: int) -> str:
    """The text in at most ``width`` columns."""
    return text if len(text) <= width else text[: width - 1] + "…"


def _not_tested(view: View, width: int) -> Iterator[str]:
    if not view.not_tested:
        return
    yield ""
    yield "not tested:"
    for why, number in list(view.not_tested.items())[:_NAMED]:
        yield shorten(f"  {number:>4}  {plain(why)}", width)
    rest = sum(list(view.not_tested.values())[_NAMED:])
    if rest:
        yield f"  {rest:>4}  for other reasons"


def failure(
    result: Result, requirements: Mapping[str, Requirement], *, color: bool = False, width: int = 80, capture: str = ""
) -> str:
    """All that one result has to say for itself: the rule, what was sent and came back, the ladder, how to repeat it.

    ``capture`` is the path of its capture file when there is one.
    """
    paint = painter(color)
    out = [*_head(result, paint, width), "", *_must_be(result, requirements, width)]
    step = failing_step(result)
    if step is not None:
        out += [*_exchange(result, step, width), "", *_source(result, step, paint, width)]
        out += _differences(step, paint, width)
    ladder = text_ladder(result, width)
    if ladder:
        hidden = len(ladder) - _LADDER
        out += ["", *(ladder if hidden <= 1 else [ladder[0], f"{hidden:>9} earlier …", *ladder[1 - _LADDER :]])]
    out += ["", *([f"capture   {plain(capture)}"] if capture else [])]
    if result.reproduce:
        out.append(f"again     {plain(result.reproduce)}")
    return "\n".join(harmless(line.rstrip()) for line in out).rstrip()


def _head(result: Result, paint: Mapping[str, str], width: int) -> list[str]:
    word = result.verdict.upper()
    title = textwrap.wrap(plain(result.title), width - len(word) - 2) or [""]
    tone = _TONES.get(result.verdict, "")
    lines = [
        f"{tinted(paint, tone, word)}  {tinted(paint, 'strong', title[0])}",
        *(f"      {line}" for line in title[1:]),
    ]
    reason = plain(result.reason)
    if reason:
        lines += textwrap.wrap(reason, width, initial_indent="      ", subsequent_indent="      ")
    return lines


def _must_be(result: Result, requirements: Mapping[str, Requirement], width: int) -> list[str]:
    lines = []
    for number, id_ in enumerate(result.covers):
        known = requirements.get(id_)
        rfc = rfc_of(id_) if known is None else known.rfc
        section = "" if known is None else known.section
        level = LEVELS.get(result.level, "") if known is None else known.level
        where = f"{rfc_name(rfc)}{f' section {section}' if section else ''}{f', {level}' if level else ''}"
        lines += _entry("must be" if not number else "", f"{plain(id_)} ({where})", width)
        if known is not None:
            lines += _entry("", known.text, width)
    return lines


def _entry(name: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(plain(text), width, initial_indent=f"{name:<10}", subsequent_indent=" " * 10)


def _exchange(result: Result, step: StepResult, width: int) -> Iterator[str]:
    sent = [
        entry
        for entry in result.transcript
        if entry.kind == "sent" and entry.step is not None and entry.step < step.index
    ]
    if sent:
        yield from _entry("sent", label(sent[-1]), width)
    if step.expected:
        yield from _entry("expected", step.expected, width)
    if step.seen:
        yield from _entry("seen", step.seen, width)


def _source(result: Result, step: StepResult, paint: Mapping[str, str], width: int) -> Iterator[str]:
    place = f"{plain(result.file)}:{step.line}:{step.column}"
    yield place if len(place) <= width else f"…{place[1 - width :]}"  # its end says most
    for line in excerpt(step):
        yield shorten(f"{line.number:>6} | {plain(line.text)}", width)
        if line.caret is not None:
            start, length = line.caret
            before = len(plain(line.text[:start]))
            marks = min(max(1, length), max(1, width - 9 - before))
            yield f"{'':>6} | {' ' * before}{tinted(paint, 'bad', '^' * marks)}"


def _differences(step: StepResult, paint: Mapping[str, str], width: int) -> Iterator[str]:
    if not step.differences:
        return
    cells = [("field", "expected", "seen")]
    cells += [(plain(one.field), plain(one.expected), plain(one.seen)) for one in step.differences]
    first = min(20, max(len(cell[0]) for cell in cells))
    second = min(28, max(len(cell[1]) for cell in cells))
    yield ""
    for number, (field, expected, seen) in enumerate(cells):
        line = shorten(f"  {shorten(field, first):<{first}}  {shorten(expected, second):<{second}}  {seen}", width)
        yield tinted(paint, "" if number else "faint", line)
