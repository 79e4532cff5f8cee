"""The proof that the bundled scenarios are right: each passes against a sound TCP and fails against a broken one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bites import GOLDEN, bites, bundled, text

from tcpprobe.lab.biting import ONCE, play_all
from tcpprobe.lab.memory import CONFIG, MemoryLab
from tcpprobe.lab.mutants import MUTANTS
from tcpprobe.results.model import Verdict
from tcpprobe.runner.session import Session

PLAIN = {"wscale": None, "timestamps": False, "sack": False, "ecn": False}


@pytest.mark.parametrize("family", [4, 6])
def test_every_scenario_passes_against_our_own_tcp(family: int) -> None:
    """Over IPv4 and IPv6; what needs the other family is skipped there, what needs an agent everywhere."""
    with MemoryLab(family=family) as lab:
        session = Session(lab.target, lab.link, ONCE)
        cases = bundled()
        session.start(cases)
        results = [session.result(case) for case in cases]
        session.close()
    wrong = [
        f"{result.id}: {result.verdict}: {result.reason}"
        for result in results
        if result.verdict is not Verdict.PASS
        and not (result.verdict is Verdict.SKIP and ("ipv" in result.reason or "agent" in result.reason))
    ]
    assert not wrong


@pytest.mark.parametrize(
    "lacking",
    [{"wscale": None}, {"timestamps": False}, {"sack": False}, {"ecn": False}, {"accecn": False}, PLAIN],
    ids=lambda lacking: " ".join(lacking),
)
def test_a_tcp_that_lacks_an_option_breaks_no_must(lacking: dict[str, Any]) -> None:
    """Window scaling, timestamps, SACK and ECN are its own choice; scenarios about them are skipped or warn."""
    with MemoryLab(config=replace(CONFIG, **lacking)) as lab:
        session = Session(lab.target, lab.link, ONCE)
        cases = bundled()
        session.start(cases)
        results = [session.result(case) for case in cases]
        session.close()
    wrong = [result for result in results if result.verdict in (Verdict.FAIL, Verdict.ERROR)]
    assert not [f"{result.id}: {result.verdict}: {result.reason}" for result in wrong]


def test_ids_are_unique_over_all_files() -> None:
    """`compare` lives on them."""
    cases = bundled()
    assert len(cases) == len({case.id for case in cases})
    places = {case.scenario.id: case.scenario.place for case in cases}
    assert not [case.id for case in cases if case.scenario.place != places[case.scenario.id]]


def test_every_scenario_bites_and_every_mutant_is_bitten() -> None:
    """And who bites whom is as the golden file says."""
    table, problems = bites()
    assert not problems
    assert not [scenario for scenario, mutants in table.items() if not mutants], "they notice no mutant"
    bitten = {mutant for mutants in table.values() for mutant in mutants}
    assert not [mutant for mutant in MUTANTS if mutant not in bitten], "no scenario notices them"
    assert text(table) == GOLDEN.read_text(encoding="utf-8"), "renew it: python tests/specs/bites.py"


def test_a_result_does_not_depend_on_its_neighbours() -> None:
    """Alone or all at once, the verdict is the same."""
    cases = bundled()[::7]
    assert {result.verdict for result in play_all(cases)} <= {Verdict.PASS, Verdict.SKIP}
