"""The shape of packets in a scenario file: what is sent, and what is expected."""

# mypy: disable-error-code="valid-type"
from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from tcpprobe.scenario.leaf import (
    Bool,
    BoolOrRow,
    Flags,
    Number,
    Octets,
    OctetsTest,
    OptionsSent,
    OptionsTest,
    Pause,
    Shape,
    Test,
    Text,
    Verdict,
    leaf,
    word,
)

_FLAGS = {"type": ["string", "integer"]}


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


class Piece(Shape):
    """One of the fragments that a packet is sent in; what is not named is as it is cut from the packet."""

    offset: Number = 0
    len: Number = None
    data: Octets = None
    more: Bool = None


def _list_or_number(value: Any) -> str:
    return "<list>" if isinstance(value, list) else "<other>"


Fragments = Annotated[
    Annotated[
        list[
            Annotated[
                Annotated[Piece, Tag("<piece>")] | Annotated[Number, Tag("<other>")],
                Discriminator(lambda value: "<piece>" if isinstance(value, dict) else "<other>"),
            ]
        ],
        Field(min_length=1),
        Tag("<list>"),
    ]
    | Annotated[Number, Tag("<other>")],
    Discriminator(_list_or_number),
]


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
    fragments: Fragments | None = None
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
    route: Text = None


def _text_or(tag: str) -> Callable[[Any], str]:
    return lambda value: tag if isinstance(value, dict) else "<other>"


Icmp = Annotated[
    Annotated[IcmpNumbers, Tag("<icmp>")] | Annotated[Text, Tag("<other>")], Discriminator(_text_or("<icmp>"))
]


class IcmpTests(Shape):
    """An ICMP message by its numbers."""

    type: Test = None
    code: Test = None


IcmpTest = Annotated[
    Annotated[IcmpTests, Tag("<icmp>")] | Annotated[Text, Tag("<other>")], Discriminator(_text_or("<icmp>"))
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
    every: Pause = None
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
    icmp: IcmpTest | None = None
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


AnyOfBody.model_rebuild()
AllOfBody.model_rebuild()
