"""Every kind of mistake, and exactly what is told about it: ``mistakes.txt``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpprobe.marked.problem import Problems
from tcpprobe.scenario.load import load_text

BLOCKS = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8").split("=== ")[1:]
MISTAKES = {name: rest.split("---8<---\n") for name, rest in (block.split("\n", 1) for block in BLOCKS)}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_line_caret_and_hint(name: str) -> None:
    text, told = MISTAKES[name]
    with pytest.raises(Problems) as caught:
        load_text(text, "x.probe.yaml")
    assert str(caught.value).rstrip() == told.rstrip()


def test_there_are_many() -> None:
    assert len(MISTAKES) > 100
