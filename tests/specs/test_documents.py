"""docs/writing-scenarios.md and docs/requirements.md say what is so."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from bites import bundled

from tcpprobe.catalogue.coverage import coverage
from tcpprobe.catalogue.load import requirements
from tcpprobe.lab.biting import bites
from tcpprobe.results.model import Verdict
from tcpprobe.scenario.load import load_text

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (DOCS / "writing-scenarios.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=[re.search(r"id: (\S+)", text)[1] for text in EXAMPLES])
def test_an_example_passes_and_bites(text: str) -> None:
    cases = load_text(text, "example.probe.yaml")
    found = bites(cases)
    assert set(found.sound.values()) == {Verdict.PASS}, found.reasons
    assert all(found.by_case.values()), found.by_case


def test_what_can_be_seen_from_outside_is_tested() -> None:
    """Each requirement has a scenario, says why none could tell, or is a choice that nobody can break."""
    found = coverage([(case.scenario.id, case.scenario.covers) for case in bundled()], requirements()).values()
    missing = [each.requirement for each in found if not each.covered and not each.requirement.why_unseen]
    assert not [each.id for each in missing if each.level != "MAY"]
    assert not [each.requirement.id for each in found if each.covered and each.requirement.unseen]


def test_the_page_of_requirements_is_up_to_date() -> None:
    """When it is not: ``python docs/requirements.py``."""
    spec = importlib.util.spec_from_file_location("requirements_page", DOCS / "requirements.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text() == module.page()
