"""docs/pytest.md and docs/links-and-labs.md say what is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tcpprobe.lab.lab import OPENERS
from tcpprobe.link.memory import MemoryLink
from tcpprobe.link.raw import RawLink
from tcpprobe.plugin.markers import MARKERS
from tcpprobe.plugin.options import OPTIONS
from tcpprobe.target.target import CAPABILITIES, LABS

DOCS = Path(__file__).parents[2] / "docs"
PYTEST = (DOCS / "pytest.md").read_text()
LINKS = (DOCS / "links-and-labs.md").read_text()


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table whose first row begins like this."""
    lines = iter(text.splitlines())
    next(line for line in lines if line.startswith(f"| {head} |"))
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            return found
        found.append([cell.strip() for cell in re.split(r"(?<= )\|(?= )", line[1:-1])])
    return found


def quoted(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]*)`", text)


def test_every_option_is_in_the_table_with_its_default():
    table = rows(PYTEST, "option")
    assert [quoted(cells[0])[0].split()[0] for cells in table] == [option.name for option in OPTIONS]
    for option, (name, default, _) in zip(OPTIONS, table, strict=True):
        takes_a_value = option.kind != "flag" and option.choices is None
        assert quoted(name) == [f"{option.name} {option.metavar}" if takes_a_value else option.name]
        known = option.default if not isinstance(option.default, tuple) else " ".join(option.default)
        if known not in (None, "", False):
            assert default.strip("`") == str(known)


def test_every_service_lab_link_and_marker_is_named():
    table = {quoted(cells[0])[0]: cells for cells in rows(LINKS, "service")}
    for kind, capabilities in CAPABILITIES.items():
        assert f"`{kind}`" in LINKS
        if capabilities:
            assert quoted(table[kind][1]) == list(capabilities)
    for name in (*LABS, *OPENERS):
        assert f"lab:{name}" in LINKS
    for link in (RawLink, MemoryLink):
        assert f"| `{link.name}` |" in LINKS
    for name in MARKERS:
        assert f"`{name}`" in PYTEST


def test_every_kind_of_service_can_be_asked_for():
    (row,) = [cells for cells in rows(PYTEST, "option") if "--tcp-service" in cells[0]]
    assert quoted(row[2])[0].split() == list(CAPABILITIES)


REFUSALS = [(quoted(given)[0], quoted(says)[0]) for given, says in rows(PYTEST, "given")]


@pytest.mark.parametrize(("given", "says"), REFUSALS)
def test_what_is_refused_is_refused_in_these_words(pytester, given, says):
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider", *shlex.split(given))
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in done.errlines if line] == [f"ERROR: {says}"]


def test_exit_codes():
    assert [int(cells[0]) for cells in rows(PYTEST, "exit code")] == [0, 1, 2, 4, 5]
    for code, means in ((1, "TESTS_FAILED"), (2, "INTERRUPTED"), (4, "USAGE_ERROR"), (5, "NO_TESTS_COLLECTED")):
        assert getattr(pytest.ExitCode, means) == code


def test_links_between_pages_lead_somewhere():
    for path in DOCS.glob("*.md"):
        for place in re.findall(r"\]\(([^)#:]+\.(?:md|png|json))", path.read_text()):
            assert (DOCS / place).exists(), f"{path.name}: {place}"
