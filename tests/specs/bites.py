"""Who bites whom: every bundled scenario against the sound TCP and against every mutant, in virtual time.

``python tests/specs/bites.py`` writes the table that `test_pass_and_bite.py` compares with.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from tcpprobe.lab.biting import play_all
from tcpprobe.lab.mutants import MUTANTS
from tcpprobe.results.model import Verdict
from tcpprobe.scenario.bundled import path as bundled_path
from tcpprobe.scenario.load import load_file
from tcpprobe.scenario.model import Case

GOLDEN = Path(__file__).with_name("bites.txt")
NOTICED = (Verdict.FAIL, Verdict.WARN)
EVERY = 5
"""Every fifth row of the matrix of states and segments (tag ``matrix``) speaks for its scenario; all take minutes."""
HEAD = """\
# Who bites whom. Each bundled scenario passes against our own TCP; below are the mutants (our TCP with one defect each,
# tcpprobe/lab/mutants*.py) that it notices. Made by: python tests/specs/bites.py
"""


@cache
def bundled() -> list[Case]:
    """All cases of the bundled suite, file by file."""
    return [case for path in sorted(bundled_path().rglob("*.probe.yaml")) for case in load_file(path)]


def judged(cases: Sequence[Case]) -> list[Case]:
    """Those whose verdict can be a failure; of the matrix a sample, at least one row of each scenario."""
    rows: Counter[str] = Counter()
    chosen = []
    for case in cases:
        rows[case.scenario.id] += 1
        sampled = "matrix" not in case.scenario.tags or rows[case.scenario.id] % EVERY == 1
        if sampled and case.scenario.level in ("must", "should"):
            chosen.append(case)
    return chosen


def noticed_by(mutant: str) -> tuple[str, list[str], list[str]]:
    """The mutant, the scenarios that notice it, and the errors of our own that it brought about."""
    results = play_all(judged(bundled()), MUTANTS[mutant])
    errors = [f"{result.id}: {result.reason}" for result in results if result.verdict is Verdict.ERROR]
    return mutant, list(dict.fromkeys(each.scenario for each in results if each.verdict in NOTICED)), errors


def bites() -> tuple[dict[str, list[str]], list[str]]:
    """For each judged scenario the mutants it notices; and all errors of our own."""
    table: dict[str, list[str]] = {case.scenario.id: [] for case in judged(bundled())}
    problems: list[str] = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for mutant, scenarios, errors in pool.map(noticed_by, MUTANTS):
            problems += [f"{mutant}: {error}" for error in errors]
            for scenario in scenarios:
                table[scenario].append(mutant)
    return table, problems


def text(table: dict[str, list[str]]) -> str:
    """The table as the golden file has it."""
    lines = [HEAD]
    for scenario, mutants in table.items():
        lines.append(scenario)
        lines += [f"    {mutant}" for mutant in mutants]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    found, trouble = bites()
    GOLDEN.write_text(text(found), encoding="utf-8")
    bitten = {mutant for mutants in found.values() for mutant in mutants}
    print(f"{len(found)} scenarios, {len(bitten)} of {len(MUTANTS)} mutants bitten")
    print("bite nothing:", *(scenario for scenario, mutants in found.items() if not mutants))
    print("not bitten:", *(mutant for mutant in MUTANTS if mutant not in bitten))
    print(*trouble, sep="\n")
