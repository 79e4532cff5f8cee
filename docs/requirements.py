"""Writes requirements.md, from the catalogue and the bundled scenarios: ``python docs/requirements.py``."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from tcpprobe.catalogue.coverage import Covered, coverage
from tcpprobe.catalogue.load import requirements
from tcpprobe.cli.lint import load
from tcpprobe.scenario.bundled import path as bundled_path

PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# Requirements

Every requirement of the catalogue, and the bundled scenarios that test it. This page is made by
`python docs/requirements.py`.

`needs` is the cheapest thing a target must offer for the requirement to be seen: `wire` (an open port),
`closed_port`, `echo`, `source` (a service that sends), `sink` (one that swallows), `icmp`. What cannot be seen from
outside is not tested, and says why. Levels in *italics* are our judgement: the RFC's text has no keyword there.
"""


def _row(found: Covered) -> str:
    known = found.requirement
    level = known.level if known.basis in ("numbered", "keyword") else f"*{known.level}*"
    scenarios = ", ".join(f"`{each}`" for each in (*found.directly, *found.by_restating))
    told = scenarios or (f"not visible: {known.why_unseen}" if known.why_unseen else "not tested yet")
    if known.level == "MAY" and not scenarios and not known.why_unseen:
        told = "a choice of the target's: nothing to break"
    return f"| {known.id} | {level} | {known.text.replace('|', chr(92) + '|')} | `{known.needs}` | {told} |"


def page() -> str:
    """The whole page."""
    cases, _ = load([bundled_path()])
    scenarios = {case.scenario.id: case.scenario.covers for case in cases}
    found = coverage(scenarios.items(), requirements())
    covered = sum(each.covered for each in found.values())
    hidden = sum(each.hidden for each in found.values())
    parts = [HEAD, f"{covered} of {len(found)} are tested; {hidden} cannot be seen from outside.\n"]
    for rfc, group in groupby(found.values(), key=lambda each: each.requirement.rfc):
        parts.append(f"\n## {f'RFC {rfc}' if rfc else 'Robustness'}\n")
        parts += ["| requirement | level | says | needs | scenarios |", "| --- | --- | --- | --- | --- |"]
        parts += [_row(each) for each in group]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
