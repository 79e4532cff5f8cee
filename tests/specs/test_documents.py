"""docs/writing-scenarios.md and docs/requirements.md say what is so."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

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


def test_the_page_of_requirements_is_up_to_date() -> None:
    """When it is not: ``python docs/requirements.py``."""
    spec = importlib.util.spec_from_file_location("requirements_page", DOCS / "requirements.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text() == module.page()
