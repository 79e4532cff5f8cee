"""The passport tells what is so: of our own TCP, whose figures are known, and of mutants that differ in one of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pytest
from bites import bundled

from tcpprobe.lab.biting import play_all
from tcpprobe.lab.mutants import MUTANTS
from tcpprobe.results.model import Result, Verdict
from tcpprobe.scenario.model import Case

HALF = 1 << 31
PAGE = Path(__file__).parents[2] / "docs" / "passport.md"


@cache
def passport() -> tuple[Case, ...]:
    return tuple(case for case in bundled() if case.scenario.id.startswith("passport-"))


@cache
def of_our_own() -> Mapping[str, Result]:
    return MappingProxyType({result.id: result for result in play_all(passport())})


def played(case: str, mutant: str) -> Result:
    """One case against a mutant."""
    (result,) = play_all([each for each in passport() if each.id == case], MUTANTS[mutant])
    return result


def observed(case: str) -> dict[str, float | int | str]:
    """What one case records of our own TCP."""
    return of_our_own()[case].observations


def test_it_judges_nothing() -> None:
    """And everything in it can be told of our own TCP."""
    assert {case.scenario.level for case in passport()} == {"info"}
    assert {result.verdict for result in of_our_own().values()} == {Verdict.PASS}
    assert not [result.id for result in of_our_own().values() if not result.observations and not result.variant]


def test_every_entry_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = {name for result in of_our_own().values() for name in result.observations}
    names |= {
        result.scenario.removeprefix("passport-").replace("-", "_")
        for result in of_our_own().values()
        if result.variant
    }
    assert not sorted(name for name in names if f"`{name}`" not in page)


def test_no_scenario_takes_longer_than_a_suite_may() -> None:
    """What is long is tagged, so that it begins early."""
    took = {result.id: result.duration for result in of_our_own().values()}
    assert max(took.values()) < 15
    slow = {case.id for case in passport() if "slow" in case.scenario.tags}
    assert {id_ for id_, seconds in took.items() if seconds > 3} <= slow


KNOWN = {
    "passport-syn-ack": {
        "syn_ack_mss": 1460,
        "syn_ack_window": 65535,
        "syn_ack_ttl": 64,
        "syn_ack_do_not_fragment": "yes",
        "syn_ack_options": "mss sack timestamps nop wscale",
        "window_shift": 7,
        "sack_permitted": "yes",
        "timestamps": "yes",
    },
    "passport-syn-ack-options[p6]": {
        "nmap_options": "mss sack timestamps",
        "nmap_mss": 1460,
        "nmap_window": 65535,
    },
    "passport-syn-ack-timer": {"syn_ack_retries_in_12_seconds": 3, "syn_ack_timeouts_seconds": "1, 2, 4"},
    "passport-first-rto": {
        "minimum_rto_seconds": 1.0,
        "data_timeouts_seconds": "1, 2, 4",
        "rto_back_off_factor": 2.0,
    },
    "passport-initial-window[536]": {"initial_window_octets": 5360, "initial_window_segments": 10.0},
    "passport-initial-window[1460]": {"initial_window_octets": 14600, "initial_window_segments": 10.0},
    "passport-time-wait-length": {"time_wait_longer_than_seconds": 12},
    "passport-challenge-ack-rate": {"challenge_acks_in_2_seconds": 10},
    "passport-challenge-ack-limit": {"challenge_acks_of_150_connections": 150},
    "passport-reset-rate": {"resets_of_300": 300},
    "passport-delayed-ack-ratio": {"segments_per_acknowledgment": 2.0},
    "passport-timestamps": {"timestamp_ticks_per_second": 1000.0},
}


@pytest.mark.parametrize("case", KNOWN)
def test_of_our_own_tcp_it_is_right(case: str) -> None:
    assert observed(case) == pytest.approx(KNOWN[case])


def test_numbers_from_a_clock_and_a_secret_look_random_and_rise_for_one_peer() -> None:
    """RFC 6528 3, with the four microseconds of RFC 9293 3.4.1."""
    crowd = observed("passport-isn")
    assert crowd["isn_connections"] == 200
    assert crowd["isn_spread"] > HALF
    assert 60 < crowd["isn_rises_of_199"] < 140
    again = observed("passport-isn-same-ports")
    assert again["isn_same_ports_rises"] == "yes"
    assert again["isn_same_ports_ticks_per_second"] == pytest.approx(250_000)
    assert again["isn_offsets_spread"] > HALF


DIFFERENT = [
    ("iss-constant", "passport-isn", {"isn_spread": 0, "isn_rises_of_199": 0}),
    ("iss-clock-alone", "passport-isn-same-ports", {"isn_same_ports_rises": "yes", "isn_offsets_spread": 0}),
    ("iss-without-clock", "passport-isn-same-ports", {"isn_same_ports_rises": "no", "isn_same_ports_most": 0}),
    ("timestamps-frozen", "passport-timestamps", {"timestamp_ticks_per_second": 0}),
    ("timestamps-one-clock", "passport-timestamp-offsets", {"timestamp_spread": 0}),
    ("time-wait-missing", "passport-time-wait-length", {"time_wait_longer_than_seconds": 0}),
    ("rto-constant", "passport-first-rto", {"minimum_rto_seconds": 1.0, "rto_back_off_factor": 1.0}),
    ("initial-window-huge", "passport-initial-window[1000]", {"initial_window_segments": 50}),
    ("challenge-unlimited", "passport-challenge-ack-rate", {"challenge_acks_in_2_seconds": 100}),
    ("challenge-shared", "passport-challenge-ack-limit", {"challenge_acks_of_150_connections": 10}),
]


@pytest.mark.parametrize(("mutant", "case", "told"), DIFFERENT, ids=[mutant for mutant, _, _ in DIFFERENT])
def test_of_another_it_tells_the_difference(mutant: str, case: str, told: dict[str, float | str]) -> None:
    found = played(case, mutant).observations
    assert {name: found[name] for name in told} == pytest.approx(told)
    own = observed(case)
    assert {name: own[name] for name in told} != told


RULES = [
    (None, "passport-rst-in-window", "RFC 5961: challenge ACK"),
    ("rst-in-window-resets", "passport-rst-in-window", "no challenge ACK, RFC 793: reset"),
    ("rst-without-challenge", "passport-rst-in-window", "no challenge ACK"),
    (None, "passport-syn-in-window", "RFC 5961: challenge ACK"),
    ("syn-resets", "passport-syn-in-window", "RFC 793: reset"),
    ("syn-ignored", "passport-syn-in-window", "silence"),
    (None, "passport-old-acknowledgment", "RFC 5961: refused"),
    ("ancient-ack-silent", "passport-old-acknowledgment", "dropped in silence"),
    (None, "passport-time-wait-reset", "RFC 9293: TIME-WAIT ends"),
    (None, "passport-time-wait-syn", "RFC 6191: new connection"),
    (None, "passport-initial-window-rule", "RFC 6928: more than four segments"),
    (None, "passport-hard-error", "RFC 5927: overlooked"),
]


@pytest.mark.parametrize(("mutant", "case", "variant"), RULES, ids=[f"{one[1]}-{one[0]}" for one in RULES])
def test_which_of_two_rules_is_followed(mutant: str | None, case: str, variant: str) -> None:
    result = of_our_own()[case] if mutant is None else played(case, mutant)
    assert result.variant == variant
