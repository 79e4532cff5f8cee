"""A run in Markdown, for a pull request or ``$GITHUB_STEP_SUMMARY``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tcpprobe.catalogue.load import requirements
from tcpprobe.report.files import put
from tcpprobe.report.view import Row, Rule, View, viewed
from tcpprobe.report.words import RFC_TITLES, number, plain, seconds
from tcpprobe.results.model import End, Result, Run

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+.!|~>@-])")
_COLUMNS = {
    "held": "held",
    "broken": "broken",
    "deviates": "deviates",
    "inconclusive": "inconclusive",
    "untested": "not tested",
}
_LISTED = 50
_CASES = 8


def write(run: Run, results: Iterable[Result], end: End | None, path: str | Path) -> None:
    """Write the summary of a run to ``path``."""
    put(render(run, results, end), path)


def render(run: Run, results: Iterable[Result], end: End | None) -> str:
    """The summary of a run as Markdown."""
    return "\n".join(_page(viewed(run, results, requirements(), end))) + "\n"


def _page(view: View) -> Iterator[str]:
    yield f"## TCP conformance of {_text(view.run.target)}"
    yield from ("", f"**{_text(view.judgement)}**", "")
    yield from _table(view)
    yield from _rules("Broken requirements", [rule for rule in view.rules.values() if rule.state == "broken"])
    yield from _rules("Deviations", [rule for rule in view.rules.values() if rule.state == "deviates"])
    yield from _rows("Failing scenarios", view.findings)
    if view.not_tested:
        yield from ("", "### Not tested", "")
        yield from (f"* {count} × {_text(why)}" for why, count in list(view.not_tested.items())[:_LISTED])
    if view.passport:
        yield from ("", "### Passport", "", "| measured | value |", "| --- | --- |")
        for mark in view.passport:
            values = dict.fromkeys(number(value) for value, _ in mark.values)
            yield f"| {_text(mark.name.replace('_', ' '))} | {_text(', '.join(values))} |"
    yield from ("", f"{view.total} scenarios in {seconds(view.duration)}, started {_text(view.run.started)}.")
    if view.run.command:
        yield f"Again: {_code(view.run.command)}"


def _table(view: View) -> Iterator[str]:
    yield f"| requirements of | {' | '.join(_COLUMNS.values())} |"
    yield f"| --- |{' ---: |' * len(_COLUMNS)}"
    for rfc in view.rfcs:
        if any(rfc.spoken.values()):
            cells = " | ".join(str(rfc.spoken[column] or "") for column in _COLUMNS)
            yield f"| {rfc.name} {RFC_TITLES.get(rfc.number, '')} | {cells} |"
    yield f"| **all** | {' | '.join(str(view.spoken[column] or '') for column in _COLUMNS)} |"


def _rules(title: str, rules: list[Rule]) -> Iterator[str]:
    if not rules:
        return
    yield from ("", f"### {title}", "")
    for rule in rules[:_LISTED]:
        name = f"[{_text(rule.id)}]({rule.url})" if rule.url else f"**{_text(rule.id)}**"
        cases = [_code(id_) for id_, verdict in rule.cases if verdict in ("fail", "warn")]
        more = [f"and {len(cases) - _CASES} more"] if len(cases) > _CASES else []
        yield f"* {name} {_text(rule.text)} ({', '.join(cases[:_CASES] + more)})"
    if len(rules) > _LISTED:
        yield f"* and {len(rules) - _LISTED} more"


def _rows(title: str, rows: list[Row]) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"### {title}", "", "| scenario | what was seen | where |", "| --- | --- | --- |")
    for row in rows[:_LISTED]:
        yield f"| {_text(row.title)} | {_text(row.reason)} | {_code(row.place)} |"
    if len(rows) > _LISTED:
        yield f"| and {len(rows) - _LISTED} more | | |"


def _text(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return _SPECIAL.sub(r"\\\1", plain(text).replace("&", "&amp;").replace("<", "&lt;"))


def _code(text: str) -> str:
    """Text as code; what could end the code or the table cell is replaced."""
    return "`" + plain(text).replace("`", "'").replace("|", "¦") + "`"
