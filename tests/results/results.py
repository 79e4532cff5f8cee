"""Small results for the tests of this room."""

from __future__ import annotations

from tcpprobe.results.model import (
    Attempt,
    ConnectionInfo,
    Difference,
    Entry,
    Result,
    Run,
    StepResult,
    Verdict,
)


def a_run() -> Run:
    return Run(target="192.0.2.7:80", address="192.0.2.7", services={"http": 80}, notes=["one note"], version="1")


def a_result(id_: str = "a", verdict: Verdict = Verdict.PASS, covers: tuple[str, ...] = ("RFC9293-MUST-1",)) -> Result:
    return Result(
        id=id_,
        scenario=id_,
        title=f"Title of {id_}",
        file="specs/a.probe.yaml",
        line=3,
        column=5,
        rfc="9293",
        section="3.1",
        covers=list(covers),
        level="must",
        needs=["wire"],
        verdict=verdict,
        reason="why",
        steps=[
            StepResult(
                0, 7, 9, "expect", "expect: {flags: RA}", "missed", "RA", "R", [Difference("flags", "RA", "R")], 0.25
            )
        ],
        transcript=[Entry(0.1, "sent", "main", bytes(range(250, 256)) + bytes(34), "a > b [S]", 0, "met")],
        observations={"initial_window": 10, "rto": 0.2, "name": "x"},
        duration=1.5,
        attempts=[Attempt(verdict, "why")],
        connections=[ConnectionInfo("main", "192.0.2.1", 4000, "192.0.2.7", 80, 1, None)],
        target="192.0.2.7:80",
        reproduce="pytest a",
    )
