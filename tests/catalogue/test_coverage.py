"""Which scenarios cover what."""

from __future__ import annotations

from dataclasses import replace

from tcpprobe.catalogue.coverage import Share, by_level, by_rfc, coverage
from tcpprobe.catalogue.load import requirements
from tcpprobe.catalogue.model import Requirement

PLAIN = replace(requirements()["RFC9293-MUST-1"], same_as="", see=())
TABLE: dict[str, Requirement] = {
    "A": replace(PLAIN, id="A", rfc="1", level="MUST"),
    "B": replace(PLAIN, id="B", rfc="1", level="SHOULD", same_as="A"),
    "C": replace(PLAIN, id="C", rfc="2", level="MUST", same_as="B"),
    "D": replace(PLAIN, id="D", rfc="", level="MAY"),
}


def test_a_requirement_is_covered_by_what_names_it() -> None:
    found = coverage([("one", ["D"]), ("two", ["D", "D"]), ("three", ["unknown"])], TABLE)
    assert list(found) == ["A", "B", "C", "D"]
    assert found["D"].directly == ("one", "two")
    assert not found["A"].covered


def test_what_restates_another_is_covered_with_it() -> None:
    found = coverage([("one", ["A"]), ("two", ["C"])], TABLE)
    assert (found["A"].directly, found["A"].by_restating) == (("one",), ("two",))
    assert (found["B"].directly, found["B"].by_restating) == ((), ("one", "two"))
    assert (found["C"].directly, found["C"].by_restating) == (("two",), ("one",))
    assert not found["D"].covered


def test_a_circle_of_restating_ends() -> None:
    table = {"A": replace(PLAIN, id="A", same_as="B"), "B": replace(PLAIN, id="B", same_as="A")}
    assert coverage([("one", ["A"])], table)["A"].covered


def test_shares() -> None:
    found = coverage([("one", ["A"])], TABLE)
    assert by_rfc(found) == {"1": Share(2, 2), "2": Share(1, 1), "": Share(0, 1)}
    assert by_level(found) == {"MUST": Share(2, 2), "SHOULD": Share(1, 1), "MAY": Share(0, 1)}


def test_the_whole_catalogue_takes_part() -> None:
    assert len(coverage([], requirements())) == 632
