"""From verdicts to standings."""

from __future__ import annotations

import pytest

from tcpprobe.results.model import Verdict
from tcpprobe.results.standing import Standing, standings, weigh

from .results import a_result


@pytest.mark.parametrize(
    ("verdicts", "standing"),
    [
        ([Verdict.PASS, Verdict.PASS], Standing.HELD),
        ([Verdict.PASS, Verdict.FAIL], Standing.BROKEN),
        ([Verdict.WARN, Verdict.FAIL], Standing.BROKEN),
        ([Verdict.PASS, Verdict.WARN], Standing.DEVIATES),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], Standing.HELD),
        ([Verdict.SKIP, Verdict.INCONCLUSIVE], Standing.INCONCLUSIVE),
        ([Verdict.SKIP], Standing.UNTESTED),
        ([Verdict.ERROR], Standing.UNTESTED),
        ([Verdict.PASS, Verdict.ERROR], Standing.HELD),
    ],
)
def test_one_violation_outweighs_and_silence_says_nothing(verdicts: list[Verdict], standing: Standing) -> None:
    results = [a_result(str(number), verdict) for number, verdict in enumerate(verdicts)]
    assert standings(results) == {"RFC9293-MUST-1": standing}
    assert standings(reversed(results)) == {"RFC9293-MUST-1": standing}


def test_nothing_weighs_nothing() -> None:
    assert weigh([]) is Standing.UNTESTED
    assert standings([]) == {}
