"""Files to cases: everything that is wrong is told at once."""

from __future__ import annotations

from pathlib import Path

from tcpprobe.marked import load as marked
from tcpprobe.marked.node import Node
from tcpprobe.marked.problem import Problems
from tcpprobe.scenario.building import build_file
from tcpprobe.scenario.model import Case

SUFFIX = ".probe.yaml"
"""How the name of a scenario file ends; no other YAML is one."""


def load_file(path: Path) -> list[Case]:
    """The cases of a file, in its order. Raises Problems with everything that is wrong."""
    return _cases(marked.load_file(path))


def load_text(text: str | bytes, file: str) -> list[Case]:
    """The cases of a text; ``file`` is what places call it. Raises Problems with everything that is wrong."""
    return _cases(marked.load(text, file))


def _cases(root: Node) -> list[Case]:
    from tcpprobe.scenario.validate import validate  # pydantic takes a moment to import

    problems, right = validate(root)
    cases, more = build_file(root, right)
    if problems or more:
        raise Problems([*problems, *more])
    return cases
