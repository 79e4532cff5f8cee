"""The catalogue's data."""

from __future__ import annotations

import re

import pytest

from tcpprobe.catalogue.load import JSON, as_json, read_yaml, requirements, url
from tcpprobe.catalogue.model import BASES, LEVELS, NEEDS, SIDES, Requirement

ALL = list(requirements().values())


def test_the_json_is_what_the_yaml_says() -> None:
    assert JSON.read_text(encoding="utf-8") == as_json(read_yaml()), "run: python -m tcpprobe.catalogue.load"


def test_nothing_is_lost_on_the_way() -> None:
    assert read_yaml() == ALL


def test_ids_are_frozen() -> None:
    assert len(ALL) == 632
    assert len(requirements()) == 632
    assert [each.id for each in ALL[:2]] == ["RFC9293-MUST-1", "RFC9293-REC-1"]
    numbered = [each.id for each in ALL if each.basis == "numbered"]
    assert len(numbered) == 119
    for kind, count in (("MUST", 69), ("SHLD", 31), ("MAY", 18), ("REC", 1)):
        assert sum(each.startswith(f"RFC9293-{kind}-") for each in numbered) == count


@pytest.mark.parametrize("requirement", ALL, ids=[each.id for each in ALL])
def test_an_entry_is_valid(requirement: Requirement) -> None:
    known = requirements()
    assert requirement.level in LEVELS
    assert requirement.basis in BASES
    assert requirement.side in SIDES
    assert {requirement.needs, *requirement.also} <= set(NEEDS)
    assert requirement.text
    assert requirement.stimulus
    assert requirement.expect
    assert not requirement.same_as or requirement.same_as in known
    assert requirement.same_as != requirement.id
    assert set(requirement.see) <= set(known)
    pattern = rf"RFC{requirement.rfc}-(S{re.escape(requirement.section)}-\d+|(MUST|SHLD|MAY|REC)-\d+)|ROB-[A-Z]+-\d+"
    assert re.fullmatch(pattern, requirement.id)
    assert requirement.id.startswith("ROB") is not bool(requirement.rfc)


def test_what_is_restated_restates_nothing_in_a_circle() -> None:
    known = requirements()
    for each in ALL:
        seen = {each.id}
        while each.same_as:
            each = known[each.same_as]
            assert each.id not in seen
            seen.add(each.id)


def test_the_page_of_a_requirement() -> None:
    known = requirements()
    assert url(known["RFC5961-S3.2-3"]) == "https://www.rfc-editor.org/rfc/rfc5961.html#section-3.2"
    assert url(known["RFC896-S0-1"]) == "https://www.rfc-editor.org/rfc/rfc896.html"
    assert url(known["ROB-OPT-1"]) == ""


def test_the_notes_name_no_tracker() -> None:
    text = JSON.read_text(encoding="utf-8")
    assert not re.search(r"\[src\]|issue \d|PR \d|#\d", text)
