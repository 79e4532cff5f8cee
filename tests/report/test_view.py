"""From results to what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tcpprobe.catalogue.load import requirements
from tcpprobe.report.view import Collector, View
from tcpprobe.results.model import End, Result, Verdict

from .sample import a_run, closed_port, errored, poisoned, results, skipped, timer_doubles


def view(found: Iterable[Result], end: End | None = None) -> View:
    collector = Collector(a_run(), requirements())
    for result in found:
        collector.add(result)
    return collector.finish(end or End())


def test_every_requirement_has_one_square() -> None:
    shown = view(results(10))
    assert len(shown.rules) == len(requirements())
    assert sum(sum(rfc.states.values()) for rfc in shown.rfcs) == len(requirements())
    assert shown.rfcs[0].number == "9293"
    assert shown.rfcs[-1].name == "Robustness"


def test_states() -> None:
    shown = view([closed_port(), skipped(), errored()])
    assert shown.rules["RFC9293-S3.10.7.1-2"].state == "broken"
    assert shown.rules["RFC9293-MUST-40"].state == "needs"
    assert shown.rules["RFC9293-MUST-36"].state == "untested"
    invisible = next(id_ for id_, rule in requirements().items() if rule.needs == "api")
    assert shown.rules[invisible].state == "invisible"


def test_a_should_is_deviated_from_even_by_a_failure() -> None:
    should = next(id_ for id_, rule in requirements().items() if rule.level == "SHOULD")
    shown = view([replace(closed_port(), covers=[should])])
    assert shown.rules[should].state == "deviates"
    assert shown.judgement == "lab:linux deviates in 1 point."


def test_an_unknown_requirement_is_shown_all_the_same() -> None:
    shown = view([poisoned()])
    assert shown.rules[poisoned().covers[0]].state == "broken"
    assert shown.tone == "broken"


def test_judgements() -> None:
    assert (
        view([closed_port(Verdict.PASS)]).judgement == "lab:linux keeps the one MUST requirement that could be judged."
    )
    assert view([skipped()]).judgement == "Nothing was judged in 1 scenario."
    assert view([closed_port()], End(cut_short=True)).judgement.endswith("this is what it had found by then.")
    assert view([]).tone == "untested"
    may = replace(closed_port(Verdict.PASS), covers=["RFC9293-MAY-3"])
    assert view([may]).judgement == "lab:linux keeps the one requirement that could be judged."


def test_why_things_were_not_tested_is_counted() -> None:
    shown = view([skipped(), skipped(), errored()])
    assert list(shown.not_tested.values()) == [2, 1]


def test_the_passport_gathers_what_was_measured() -> None:
    shown = view([timer_doubles(), timer_doubles()])
    assert [mark.name for mark in shown.passport] == ["initial_window", "minimum_rto", "mss"]
    assert shown.passport[0].values == [(10, "rto-doubles"), (10, "rto-doubles")]


def test_a_scenario_that_only_observes_has_an_entry_for_each_row() -> None:
    """An initial window means something only with its segment size."""
    small = replace(
        timer_doubles(), id="passport-window[536]", level="info", observations={"octets": 5360}, variant="big"
    )
    large = replace(small, id="passport-window[1460]", observations={"octets": 14600}, variant=None)
    judged = replace(small, id="judged[1]", level="must", observations={"octets": 1})
    shown = view([small, large, judged])
    assert {mark.name: [value for value, _id in mark.values] for mark in shown.passport} == {
        "octets": [1],
        "octets [536]": [5360],
        "octets [1460]": [14600],
        "window [536]": ["big"],
    }


def test_rows_that_found_the_same_share_an_entry() -> None:
    """What a target answers to nine odd segments is two or three things."""
    one = replace(timer_doubles(), id="passport-odd[FPU]", level="info", observations={}, variant="silence")
    shown = view([one, replace(one, id="passport-odd[A]", variant="RST"), replace(one, id="passport-odd[-]")])
    assert [(mark.name, mark.values[0][0]) for mark in shown.passport] == [
        ("odd [-, FPU]", "silence"),
        ("odd [A]", "RST"),
    ]


def test_counts_by_level_and_verdict() -> None:
    shown = view(results(10))
    assert shown.levels == {
        "must": {"fail": 1, "pass": 5, "inconclusive": 1, "skip": 1, "error": 1},
        "should": {"warn": 1},
    }
    assert [row.id for row in shown.findings] == ["closed-port-syn"]
    assert [row.id for row in shown.deviations] == ["rst-in-window"]
