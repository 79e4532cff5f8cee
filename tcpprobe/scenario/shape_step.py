"""The shape of steps in a scenario file."""

# mypy: disable-error-code="valid-type"
from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from tcpprobe.scenario.leaf import (
    NAME,
    Bool,
    Duration,
    Number,
    Pause,
    Shape,
    Text,
    Verdict,
    leaf,
    word,
)
from tcpprobe.scenario.shape_packet import ExpectBody, SendBody


class StepShape(Shape):
    """What every step may have."""

    on: Text = None
    why: Text = None


class SendStep(StepShape):
    """Send something."""

    send: SendBody
    repeat: Number = None
    every: Pause = None
    as_: Text = Field(None, alias="as")
    from_: Text = Field(None, alias="from")


class ExpectStep(StepShape):
    """The next packet must be this."""

    expect: ExpectBody
    within: Duration = None
    for_: Duration = Field(None, alias="for")
    repeat: Number = None
    as_: Text = Field(None, alias="as")
    verdict: Verdict = None


class EventuallyStep(StepShape):
    """This must come, whatever else comes before it."""

    eventually: ExpectBody
    within: Duration = None
    repeat: Number = None
    as_: Text = Field(None, alias="as")
    verdict: Verdict = None


class CollectStep(StepShape):
    """Take what comes for a while, and keep what matches: as many as there are, or none."""

    collect: ExpectBody
    for_: Duration = Field(None, alias="for")
    as_: Text = Field(alias="as")


class CheckStep(StepShape):
    """This must be true."""

    check: leaf({"type": ["string", "boolean"], "description": "an expression"}, str, bool)
    verdict: Verdict = None


class WaitStep(StepShape):
    """Let time pass."""

    wait: Pause


class RecordStep(StepShape):
    """Note observations: name → expression."""

    record: dict[Annotated[str, Field(pattern=NAME)], leaf({"type": ["string", "integer"]}, str, int)]


class ActionBody(Shape):
    """What the target is to do; exactly one of these."""

    send: Number = None
    close: Bool = None
    connect: word(("us",)) = None
    abort: Bool = None
    stop_reading: Bool = None
    start_reading: Bool = None
    set: dict[str, leaf({"type": ["string", "integer", "boolean"]}, str, int, bool)] | None = None
    report: Text = None


ACTIONS = tuple(ActionBody.model_fields)
PLAIN_ACTIONS = ("close", "abort", "stop_reading", "start_reading")

TargetBody = Annotated[
    Annotated[ActionBody, Tag("<action>")] | Annotated[word(PLAIN_ACTIONS), Tag("<plain>")],
    Discriminator(lambda value: "<action>" if isinstance(value, dict) else "<plain>"),
]


class TargetStep(StepShape):
    """Make the target do something."""

    target: TargetBody
    as_: Text = Field(None, alias="as")


STEPS: dict[str, type[Shape]] = {
    "send": SendStep,
    "expect": ExpectStep,
    "eventually": EventuallyStep,
    "collect": CollectStep,
    "check": CheckStep,
    "wait": WaitStep,
    "record": RecordStep,
    "target": TargetStep,
}


def _step(value: Any) -> str | None:
    found = [key for key in STEPS if key in value] if isinstance(value, dict) else []
    return f"<{found[0]}>" if len(found) == 1 else None


StepBody = Annotated[
    Annotated[SendStep, Tag("<send>")]
    | Annotated[ExpectStep, Tag("<expect>")]
    | Annotated[EventuallyStep, Tag("<eventually>")]
    | Annotated[CollectStep, Tag("<collect>")]
    | Annotated[CheckStep, Tag("<check>")]
    | Annotated[WaitStep, Tag("<wait>")]
    | Annotated[RecordStep, Tag("<record>")]
    | Annotated[TargetStep, Tag("<target>")],
    Discriminator(_step),
]
