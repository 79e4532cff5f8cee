"""What a target, a path or a scenario may smuggle in, and a result in which everything is of that kind."""

from __future__ import annotations

from dataclasses import replace

from tcpprobe.results.model import Difference, Result, StepResult, Verdict

from .sample import HOSTILE, closed_port

SMUGGLED = (
    f"{HOSTILE}]]>%0A::error::a%0D%25\n::warning file=x::b\r\n##[error]c\u200f,:'\"<![CDATA["
    " [x](javascript:1) {{0}} {1}"
)


def everywhere(verdict: Verdict = Verdict.FAIL) -> Result:
    """A failure whose every text is hostile."""
    step = StepResult(
        0, 3, 5, "expect", SMUGGLED, "missed", SMUGGLED, SMUGGLED, [Difference("ack", SMUGGLED, SMUGGLED)]
    )
    return replace(
        closed_port(),
        id=SMUGGLED,
        scenario=SMUGGLED,
        title=SMUGGLED,
        reason=f"{'x ' * 33}::error file=a::b {SMUGGLED}",
        file=f"/{SMUGGLED}",
        covers=[SMUGGLED],
        target=SMUGGLED,
        reproduce=SMUGGLED,
        verdict=verdict,
        steps=[step],
    )
