"""Runs side by side."""

from __future__ import annotations

import pytest

from tcpprobe.results.compare import Change, change, compare
from tcpprobe.results.model import Verdict
from tcpprobe.results.standing import Standing

from .results import a_result


@pytest.mark.parametrize(
    ("before", "after", "called"),
    [
        (Standing.HELD, Standing.BROKEN, Change.NEWLY_BROKEN),
        (None, Standing.BROKEN, Change.NEWLY_BROKEN),
        (Standing.DEVIATES, Standing.BROKEN, Change.NEWLY_BROKEN),
        (Standing.HELD, Standing.DEVIATES, Change.NEWLY_BROKEN),
        (Standing.BROKEN, Standing.DEVIATES, Change.CHANGED),
        (Standing.BROKEN, Standing.HELD, Change.NEWLY_HELD),
        (Standing.DEVIATES, Standing.HELD, Change.NEWLY_HELD),
        (Standing.HELD, None, Change.VANISHED),
        (Standing.BROKEN, Standing.UNTESTED, Change.VANISHED),
        (None, Standing.HELD, Change.APPEARED),
        (Standing.HELD, Standing.INCONCLUSIVE, Change.CHANGED),
        (Standing.HELD, Standing.HELD, Change.NONE),
    ],
)
def test_a_change_has_a_name(before: Standing | None, after: Standing | None, called: Change) -> None:
    assert change(before, after) is called


def test_newly_broken_comes_first_and_is_never_set_off() -> None:
    before = [a_result("a", Verdict.FAIL, ("R1",)), a_result("b", Verdict.PASS, ("R2",)), a_result("c")]
    after = [a_result("a", Verdict.PASS, ("R1",)), a_result("b", Verdict.FAIL, ("R2",)), a_result("c")]
    found = compare({"old": before, "new": iter(after)})
    assert found.names == ("old", "new")
    assert [(row.id, row.change, row.found) for row in found.cases] == [
        ("b", Change.NEWLY_BROKEN, ("pass", "fail")),
        ("a", Change.NEWLY_HELD, ("fail", "pass")),
    ]
    assert [(row.id, row.change) for row in found.requirements] == [
        ("R2", Change.NEWLY_BROKEN),
        ("R1", Change.NEWLY_HELD),
    ]
    assert (found.same_cases, found.same_requirements) == (1, 1)


def test_several_stacks_stand_in_one_table() -> None:
    found = compare(
        {
            name: [a_result("a", verdict)]
            for name, verdict in zip("xyz", (Verdict.PASS, Verdict.FAIL, Verdict.PASS), strict=True)
        }
    )
    (row,) = found.cases
    assert row.found == ("pass", "fail", "pass")


def test_a_case_that_one_run_lacks() -> None:
    found = compare({"old": [], "new": [a_result("a")]})
    assert [(row.id, row.change, row.found) for row in found.cases] == [("a", Change.APPEARED, (None, "pass"))]
