"""A bad network is not the target's fault: the bundled suite, in virtual time, over a link that loses and repeats."""

from __future__ import annotations

import random

import pytest

from tcpprobe.lab.memory import MemoryLab
from tcpprobe.link.impaired import impaired
from tcpprobe.results.model import Result, Verdict
from tcpprobe.runner.session import Session
from tcpprobe.runner.settings import Settings
from tcpprobe.scenario.bundled import path as bundled_path
from tcpprobe.scenario.load import load_file
from tcpprobe.scenario.model import Case

CASES = [case for file in sorted(bundled_path().rglob("*.probe.yaml")) for case in load_file(file)]
NOISE = "loss=2% duplicate=2% reorder=2%"


def verdicts(cases: list[Case], noise: str | None = None, width: int = 64) -> dict[tuple[str, str], Result]:
    """Of each case, against our own TCP."""
    with MemoryLab() as lab:
        if noise is not None:
            impaired(lab.link, noise)
        session = Session(lab.target, lab.link, Settings(width=width))
        try:
            session.start(cases)
            return {(case.scenario.file, case.id): session.result(case) for case in cases}
        finally:
            session.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_noise_makes_nothing_fail(seed: int) -> None:
    found = verdicts(CASES, f"{NOISE} seed={seed}")
    broken = {
        name: each.attempts
        for name, each in found.items()
        if each.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)
    }
    assert broken == {}
    judged = [each.verdict for each in found.values() if each.verdict is not Verdict.SKIP]
    assert judged.count(Verdict.INCONCLUSIVE) <= len(judged) // 20


def test_order_and_width_change_nothing() -> None:
    expected = {name: each.verdict for name, each in verdicts(CASES).items()}
    shuffled = CASES.copy()
    random.Random(1).shuffle(shuffled)
    for width in (1, 500):
        assert {name: each.verdict for name, each in verdicts(shuffled, width=width).items()} == expected
    some = shuffled[: len(shuffled) // 5]
    assert all(each.verdict is expected[name] for name, each in verdicts(some).items())
