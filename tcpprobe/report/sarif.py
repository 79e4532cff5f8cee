"""A run's failures as SARIF 2.1.0 (OASIS, 2020), which code hosts show beside the scenario's lines.

A rule is a requirement; a result is a scenario that failed or warned. What could not be judged is no result: readers
show every result as a finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from tcpprobe.catalogue.load import requirements, url
from tcpprobe.catalogue.model import Requirement
from tcpprobe.report.excerpt import failing_step
from tcpprobe.report.files import put
from tcpprobe.report.words import LEVELS, plain
from tcpprobe.results.model import End, Result, Run, Verdict

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVEL = {Verdict.FAIL: "error", Verdict.WARN: "warning"}
CUT_SHORT = "The run was cut short: this is what it had found by then."


def write(run: Run, results: Iterable[Result], end: End | None, path: str | Path) -> None:
    """Write the log to ``path``. OSError when the file cannot be written."""
    put(render(run, results, end), path)


def render(run: Run, results: Iterable[Result], end: End | None) -> str:
    """The log of a run as JSON."""
    known = requirements()
    rules: dict[str, dict[str, Any]] = {}
    found: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    for result in results:
        if result.verdict in LEVEL:
            id_ = plain((result.covers or [result.scenario])[0])
            rules.setdefault(id_, {"index": len(rules), **_rule(id_, result, known)})
            found.append(_finding(result, id_, rules[id_]["index"]))
        elif result.verdict is Verdict.ERROR:
            told.append(
                {"level": "error", **_message(f"{result.id}: {result.reason}"), "locations": [_location(result)]}
            )
    cut_short = end is None or end.cut_short
    if cut_short:
        told.append({"level": "warning", **_message(CUT_SHORT)})
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(run, rules, found, told, cut_short)]}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _run(
    run: Run, rules: Mapping[str, dict[str, Any]], found: list[Any], told: list[Any], cut_short: bool
) -> dict[str, Any]:
    driver = {
        "name": "tcpprobe",
        "semanticVersion": plain(run.version) or "0.0.0",
        "rules": [{key: value for key, value in rule.items() if key != "index"} for rule in rules.values()],
    }
    invocation: dict[str, Any] = {"executionSuccessful": not cut_short, "toolExecutionNotifications": told}
    if run.command:
        invocation["commandLine"] = plain(run.command)
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"tcpprobe/{plain(run.target)}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": found,
    }


def _rule(id_: str, result: Result, known: Mapping[str, Requirement]) -> dict[str, Any]:
    requirement = known.get(id_)
    text = plain(result.title) if requirement is None else requirement.text
    rule: dict[str, Any] = {
        "id": id_,
        "shortDescription": {"text": text or id_},
        "defaultConfiguration": {"level": LEVEL[result.verdict]},
        "properties": {"tags": ["tcp", LEVELS.get(result.level, "info") if requirement is None else requirement.level]},
    }
    if requirement is not None and url(requirement):
        rule["helpUri"] = url(requirement)
    return rule


def _finding(result: Result, rule: str, index: int) -> dict[str, Any]:
    text = f"{result.title}: {result.reason}" if result.reason else result.title
    return {
        "ruleId": rule,
        "ruleIndex": index,
        "level": LEVEL[result.verdict],
        **_message(f"{text} (again: {result.reproduce})" if result.reproduce else text),
        "locations": [_location(result)],
        "partialFingerprints": {"tcpprobeCase/v1": plain(f"{result.target} {result.id}")},
        "properties": {"case": plain(result.id), "requirements": [plain(id_) for id_ in result.covers]},
    }


def _message(text: str) -> dict[str, Any]:
    # SARIF 3.11.5: braces are placeholders and brackets are links, unless escaped.
    safe = plain(text).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return {"message": {"text": safe.replace("{", "{{").replace("}", "}}")}}


def _location(result: Result) -> dict[str, Any]:
    step = failing_step(result)
    line, column = (result.line, result.column) if step is None else (step.line, step.column)
    file = PurePosixPath(plain(result.file))
    uri = ("file://" if file.is_absolute() else "") + quote(str(file))
    region = {"startLine": max(1, line), "startColumn": max(1, column)}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
