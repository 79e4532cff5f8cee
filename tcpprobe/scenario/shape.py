"""The shape of a scenario file as pydantic models: which keys there are and what kind of value each takes.

The models validate (`tcpprobe.scenario.validate`) and make the JSON Schema for editors (`tcpprobe.scenario.schema`).
What the values mean is decided where they are compiled. The docstring of a model is what an editor shows.
"""

# mypy: disable-error-code="valid-type"
from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PlainValidator, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from tcpprobe.scenario.words import IGNORE, LEVELS, NEEDS, REFLEXES, STATES, VERDICTS

KINDS = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "empty",
    bytes: "hex bytes",
}

HEX = {"type": "string", "description": "!hex 0204 05b4"}
NAME = r"^[a-z][a-z0-9_]*$"
ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
DURATION = r"^\s*[0-9]+(\.[0-9]+)?\s*(us|ms|s|min|h)\s*$"


def leaf(schema: dict[str, Any], *kinds: type, each: tuple[type, ...] = ()) -> Any:
    """A value of one of these kinds, and a list of values of the kinds ``each`` when there are any."""
    allowed = frozenset(kinds)
    inner = frozenset(each)
    wanted = " or ".join(KINDS[kind] for kind in kinds)

    def check(value: Any) -> Any:
        if type(value) in allowed:
            return value
        if inner and type(value) is list:
            for index, one in enumerate(value):
                if type(one) not in inner:
                    raise PydanticCustomError("kind", f"[{index}] must be {wanted}, not {KINDS[type(one)]}")
            return value
        raise PydanticCustomError("kind", f"must be {wanted}{' or a list' if inner else ''}, not {KINDS[type(value)]}")

    return Annotated[Any, PlainValidator(check), WithJsonSchema(schema)]


def word(known: tuple[str, ...]) -> Any:
    """One of a closed set of words."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and value in known:
            return value
        raise PydanticCustomError("word", "{value} is not known", {"value": repr(value), "known": list(known)})

    return Annotated[Any, PlainValidator(check), WithJsonSchema({"enum": list(known)})]


_NUMBER = {"type": ["integer", "string"], "description": "a number or an expression"}
_TEST = {"type": ["integer", "string"], "description": 'a number, an expression, "> 0", "1 .. 5"'}
Number = leaf(_NUMBER, int, str)
Test = leaf({"anyOf": [_TEST, {"type": "array", "items": _TEST, "minItems": 1}]}, int, str, each=(int, str))
Octets = leaf({"type": "string", "description": "text, or !hex"}, str, bytes)
OctetsTest = leaf(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, str, bytes, each=(str, bytes)
)
Text = leaf({"type": "string"}, str)
Bool = leaf({"type": "boolean"}, bool)
BoolOrRow = leaf({"type": ["boolean", "string"]}, bool, str)
Duration = leaf({"type": "string", "pattern": DURATION, "description": "500ms, 1.5s, 2min"}, str, int, float)
Flags = leaf({"type": ["string", "integer"], "description": 'letters of FSRPAUECN; "" is none'}, str, int)
_FLAGS = {"type": ["string", "integer"]}
OptionsSent = leaf(
    {
        "anyOf": [
            {"type": "array", "items": {"type": ["string", "object"]}},
            {"type": "string", "description": "none, or !hex"},
        ]
    },
    list,
    bytes,
    str,
)
OptionsOffered = leaf({"type": "array", "items": {"type": ["string", "object"]}}, list)
OptionsTest = leaf(
    {
        "anyOf": [
            {"type": "array", "items": {"type": ["string", "object"]}},
            {"type": "object", "description": "name → present, absent or a value"},
            {"type": "string", "description": "none, or !hex"},
        ]
    },
    list,
    dict,
    bytes,
    str,
)
Anything = leaf({}, *KINDS)
Verdict = word(VERDICTS)


class Shape(BaseModel):
    """What all have in common: no key that is not named."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)


class FlagSet(Shape):
    """Some flags set, some not, the others as they like."""

    has: Flags = ""
    lacks: Flags = ""


class IcmpNumbers(Shape):
    """An ICMP message by its numbers."""

    type: Number
    code: Number = 0


class Fragment(Shape):
    """A fragment of an IP packet."""

    offset: Number = 0
    more: Bool = False


class IpSent(Shape):
    """The IP header of what is sent."""

    ttl: Number = None
    tos: Number = None
    dscp: Number = None
    ecn: Number = None
    df: BoolOrRow = None
    id: Number = None
    flow_label: Number = None
    version: Number = None
    header_length: Number = None
    total_length: Number = None
    protocol: Number = None
    checksum: Number = None
    fragment: Fragment | None = None
    src: Text = None
    dst: Text = None
    options: Octets = None


class IpExpected(Shape):
    """The IP header of what is expected."""

    ttl: Test = None
    tos: Test = None
    dscp: Test = None
    ecn: Test = None
    df: Bool = None
    id: Test = None
    flow_label: Test = None
    total_length: Test = None
    header_length: Test = None


def _text_or(tag: str) -> Callable[[Any], str]:
    return lambda value: tag if isinstance(value, dict) else "<other>"


Icmp = Annotated[
    Annotated[IcmpNumbers, Tag("<icmp>")] | Annotated[Text, Tag("<other>")], Discriminator(_text_or("<icmp>"))
]


class SegmentFields(Shape):
    """The fields of a TCP segment that is made; what is not named is filled in."""

    flags: Flags = None
    seq: Number = None
    ack: Number = None
    window: Number = None
    urgent: Number = None
    data: Octets = None
    len: Number = None
    options: OptionsSent = None
    checksum: Number = None
    data_offset: Number = None
    reserved: Number = None
    sport: Number = None
    dport: Number = None


Quote = Annotated[
    Annotated[SegmentFields, Tag("<quote>")] | Annotated[Text, Tag("<other>")], Discriminator(_text_or("<quote>"))
]


class SendBody(SegmentFields):
    """A segment (``flags``), an ICMP message (``icmp``) or octets (``raw``)."""

    raw: Octets = None
    icmp: Icmp | None = None
    mtu: Number = None
    quote: Quote | None = None
    ip: IpSent | None = None
    repeat: Number = None
    every: Duration = None
    as_: Text = Field(None, alias="as")
    on: Text = None
    from_: Text = Field(None, alias="from")


class ReusedBody(Shape):
    """A segment that must come; a field that is not named may be anything."""

    variant: Text = None
    verdict: Verdict = None


FlagsTest = Annotated[
    Annotated[FlagSet, Tag("<flags>")]
    | Annotated[
        leaf({"anyOf": [_FLAGS, {"type": "array", "items": _FLAGS, "minItems": 1}]}, str, int, each=(str, int, dict)),
        Tag("<other>"),
    ],
    Discriminator(_text_or("<flags>")),
]


class PatternBody(ReusedBody):
    """A segment (or, with ``icmp``, an ICMP message) that must come; a field that is not named may be anything."""

    flags: FlagsTest | None = None
    seq: Test = None
    ack: Test = None
    window: Test = None
    urgent: Test = None
    data: OctetsTest = None
    len: Test = None
    options: OptionsTest = None
    checksum: Number = None
    data_offset: Test = None
    reserved: Test = None
    sport: Test = None
    dport: Test = None
    icmp: Icmp | None = None
    mtu: Test = None
    ip: IpExpected | None = None


class GoneBody(ReusedBody):
    """The target has forgotten the connection."""

    gone: Literal[True]


class NothingBody(ReusedBody):
    """Nothing comes."""

    nothing: Literal[True]


class AnyOfBody(ReusedBody):
    """One of these."""

    any_of: list[ExpectBody] = Field(min_length=1)


class AllOfBody(ReusedBody):
    """All of these, in any order."""

    all_of: list[ExpectBody] = Field(min_length=1)


ALTERNATIVES: dict[str, type[Shape]] = {
    "any_of": AnyOfBody,
    "all_of": AllOfBody,
    "gone": GoneBody,
    "nothing": NothingBody,
}


def _alternative(value: Any) -> str:
    if not isinstance(value, dict):
        return "<plain>"
    return next((f"<{key}>" for key in ALTERNATIVES if key in value), "<pattern>")


ExpectBody = Annotated[
    Annotated[PatternBody, Tag("<pattern>")]
    | Annotated[AnyOfBody, Tag("<any_of>")]
    | Annotated[AllOfBody, Tag("<all_of>")]
    | Annotated[GoneBody, Tag("<gone>")]
    | Annotated[NothingBody, Tag("<nothing>")]
    | Annotated[word(("nothing", "gone")), Tag("<plain>")],
    Discriminator(_alternative),
]


class StepShape(Shape):
    """What every step may have."""

    on: Text = None
    why: Text = None


class SendStep(StepShape):
    """Send something."""

    send: SendBody
    repeat: Number = None
    every: Duration = None
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


class CheckStep(StepShape):
    """This must be true."""

    check: leaf({"type": ["string", "boolean"], "description": "an expression"}, str, bool)
    verdict: Verdict = None


class WaitStep(StepShape):
    """Let time pass."""

    wait: Duration


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
    | Annotated[CheckStep, Tag("<check>")]
    | Annotated[WaitStep, Tag("<wait>")]
    | Annotated[RecordStep, Tag("<record>")]
    | Annotated[TargetStep, Tag("<target>")],
    Discriminator(_step),
]


class GivenBody(Shape):
    """How a connection stands when the steps begin."""

    state: word(STATES) = "closed"
    options: OptionsOffered = None
    iss: Number = None
    window: Number = None
    ecn: Bool = None
    reflexes: leaf(
        {"anyOf": [{"enum": ["all", "none"]}, {"type": "array", "items": {"enum": list(REFLEXES)}}]}, str, list
    ) = None


GivenValue = Annotated[
    Annotated[GivenBody, Tag("<given>")] | Annotated[word(STATES), Tag("<state>")],
    Discriminator(lambda value: "<given>" if isinstance(value, dict) else "<state>"),
]

IgnoreItem = Annotated[
    Annotated[PatternBody, Tag("<pattern>")] | Annotated[word(IGNORE), Tag("<plain>")],
    Discriminator(lambda value: "<pattern>" if isinstance(value, dict) else "<plain>"),
]

IgnoreValue = Annotated[
    Annotated[list[IgnoreItem], Tag("<list>")] | Annotated[word(("none",)), Tag("<none>")],
    Discriminator(lambda value: "<list>" if isinstance(value, list) else "<none>"),
]

_NAMES = {"type": "string", "pattern": NAME}
_MATRIX_VALUE = {"type": ["integer", "string", "number", "boolean"]}


class ScenarioBody(Shape):
    """One behaviour of the target."""

    id: leaf({"type": "string", "pattern": ID}, str)
    title: Text
    covers: list[Text] = []
    level: word(LEVELS) = None
    needs: list[word(NEEDS)] = []
    tags: list[leaf({"type": "string", "pattern": "^[a-z][a-z0-9_-]*$"}, str)] = []
    why: Text = None
    rfc: leaf({"type": ["string", "integer"]}, str, int) = None
    section: leaf({"type": ["string", "integer", "number"]}, str, int, float) = None
    given: GivenValue | None = None
    connections: leaf(
        {
            "anyOf": [
                {"type": "array", "items": _NAMES, "minItems": 1},
                {"type": "object", "minProperties": 1},
            ]
        },
        list,
        dict,
    ) = None
    matrix: leaf(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "object", "additionalProperties": _MATRIX_VALUE}, "minItems": 1},
                {
                    "type": "object",
                    "additionalProperties": {"anyOf": [{"type": "array", "items": _MATRIX_VALUE}, {"type": "string"}]},
                },
            ]
        },
        dict,
        list,
    ) = None
    ignore: IgnoreValue | None = None
    exclusive: Bool = False
    hostile: Bool = False
    steps: list[StepBody] = Field(min_length=1)


class FileBody(Shape):
    """A file of scenarios about one behaviour."""

    title: Text
    rfc: leaf({"type": ["string", "integer"]}, str, int) = None
    section: leaf({"type": ["string", "integer", "number"]}, str, int, float) = None
    needs: list[word(NEEDS)] = []
    tags: list[leaf({"type": "string", "pattern": "^[a-z][a-z0-9_-]*$"}, str)] = []
    scenarios: list[ScenarioBody] = Field(min_length=1)


AnyOfBody.model_rebuild()
AllOfBody.model_rebuild()
