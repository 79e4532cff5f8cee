"""The ledger of a target's known deviations: what is listed must happen, and nothing else may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tcpprobe.marked.load import load_file
from tcpprobe.marked.node import Kind, Node
from tcpprobe.marked.problem import Problem, Problems
from tcpprobe.results.model import Result, Verdict
from tcpprobe.scenario.bundled import path as bundled_path

KEYS = ("verdict", "does", "source")
MARKS = ("sometimes", "fatal")
"""What may be true of a deviation besides."""
VERDICTS = ("fail", "warn")


@dataclass(frozen=True, slots=True)
class Known:
    """One listed deviation.

    Attributes:
        verdict: ``fail`` or ``warn``: what the scenario finds.
        does: what the target does instead.
        source: documentation, code or measurement that shows it is the target's doing.
        sometimes: it is not always seen, so that a case that passes is none.
        fatal: the target does not survive it, so that the scenario is not played.
    """

    verdict: str
    does: str
    source: str
    sometimes: bool = False
    fatal: bool = False


_FOLDER = bundled_path() / "known"

Ledger = Mapping[str, Known]
"""Listed deviations by the id of a case, or of a scenario for all its rows."""


def read(text: str) -> Ledger:
    """The ledger in a file, or the bundled one of that name (``linux``).

    Raises:
        Problems: everything that is wrong with the file.
    """
    bundled = _FOLDER / f"{text}.yaml"
    path = bundled if bundled.exists() and not Path(text).exists() else Path(text)
    root = load_file(path)
    problems: list[Problem] = []
    ledger: dict[str, Known] = {}
    if root.kind is not Kind.MAP:
        raise Problems([root.problem("a ledger maps ids of scenarios to what is known of them")])
    for id_, node in root.value.items():
        problems += _mistakes(node)
        if not problems:
            verdict, does, source = (str(node.value[name].value) for name in KEYS)
            ledger[str(id_)] = Known(verdict, does, source, *(mark in node.value for mark in MARKS))
    if problems:
        raise Problems(problems)
    return ledger


def _mistakes(node: Node) -> list[Problem]:
    if node.kind is not Kind.MAP or set(node.value) - set(MARKS) != set(KEYS):
        marks = " or ".join(f"{mark}: true" for mark in MARKS)
        return [node.problem(f"what is known has these keys: verdict, does, source, and perhaps {marks}")]
    for mark in MARKS:
        if mark in node.value and node.value[mark].value is not True:
            return [node.value[mark].problem(f"{mark} is true, or not there")]
    verdict = node.value["verdict"]
    if verdict.value not in VERDICTS:
        return [verdict.problem(f"the verdict is {' or '.join(VERDICTS)}, not {verdict.value!r}")]
    return []


def surprise(ledger: Ledger, result: Result) -> tuple[Known | None, str | None]:
    """What is known of a case, and why its result is not what the ledger says (None: it is).

    A result that decides nothing (skipped, inconclusive, error) is never a surprise.
    """
    known = ledger.get(result.id) or ledger.get(result.scenario)
    seen = result.verdict
    if seen not in (Verdict.PASS, Verdict.FAIL, Verdict.WARN):
        return known, None
    if known is None:
        return None, None if seen is Verdict.PASS else f"this {seen} is not in the ledger of known deviations"
    if seen == known.verdict or (known.sometimes and seen is Verdict.PASS):
        return known, None
    return known, f"the ledger of known deviations says {known.verdict}, but this is {seen}: {known.does}"


def suggestion(results: Sequence[Result]) -> str | None:
    """Which bundled ledgers the user may want, when they list half of the failures or more."""
    failed = [result for result in results if result.verdict is Verdict.FAIL]
    ledgers = {path.stem: read(str(path)) for path in sorted(_FOLDER.glob("*.yaml"))} if failed else {}
    names: list[str] = []
    known: Ledger = {}
    agreed = 0
    while ledgers:
        scores = {name: _agreement({**known, **ledger}, results) for name, ledger in ledgers.items()}
        best = max(scores, key=scores.__getitem__)
        if scores[best] <= agreed:
            break
        agreed = scores[best]
        names.append(best)
        known = {**known, **ledgers.pop(best)}
    listed = sum(surprise(known, result)[1] is None for result in failed)
    if not names or 2 * listed < len(failed):
        return None
    options = " ".join(f"--tcp-known {name}" for name in names)
    return f"looks like {' and '.join(names)}, of which {listed} of the {len(failed)} failures are known: {options}"


def _agreement(ledger: Ledger, results: Sequence[Result]) -> int:
    """How many deviations are as the ledger says, less what it says falsely."""
    told = [(result, *surprise(ledger, result)) for result in results]
    right = sum(known is not None and wrong is None and result.verdict in VERDICTS for result, known, wrong in told)
    return right - sum(known is not None and wrong is not None for _, known, wrong in told)
