"""``expect:`` to alternatives and their field tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tcpprobe.marked.node import Kind, Node
from tcpprobe.scenario.desk import Desk
from tcpprobe.scenario.expecting_options import option_tests
from tcpprobe.scenario.expression import Fixed, Value
from tcpprobe.scenario.matcher import (
    Between,
    Compared,
    Exactly,
    FlagsAre,
    FlagsHave,
    Matcher,
    OneOf,
    PerRowMatcher,
    Present,
)
from tcpprobe.scenario.model import AllOf, Alternative, AnyOf, Gone, Nothing, Pattern
from tcpprobe.scenario.pattern import FieldTest, Get
from tcpprobe.scenario.sending import read_ecn, read_flags, read_icmp
from tcpprobe.scenario.words import IP_BITS, SEGMENT_BITS
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.flags import PSH
from tcpprobe.wire.icmp import icmp_name
from tcpprobe.wire.ip import Packet, pack, text
from tcpprobe.wire.route import source_route

_COMPARISON = re.compile(r"\s*(<=|>=|==|!=|<|>)\s*(.*)\Z", re.DOTALL)
_RANGE = re.compile(r"(.+?)\s*\.\.\s*(.+)\Z", re.DOTALL)


def read_alternative(desk: Desk, node: Node) -> Alternative:
    """What stands under ``expect:``."""
    if node.kind is Kind.TEXT:
        return (Gone if node.value == "gone" else Nothing)(place=node.place)
    about = {key: str(node.value[key].value) for key in ("variant", "verdict") if key in node.value}
    for key, kind in (("any_of", AnyOf), ("all_of", AllOf)):
        if key in node.value:
            members = tuple(read_alternative(desk, each) for each in node.value[key].elements())
            _check_members(desk, node.value[key], members, kind)
            return kind(place=node.place, members=members, **about)
    for key, plain in (("gone", Gone), ("nothing", Nothing)):
        if key in node.value:
            return plain(place=node.place, **about)
    return read_pattern(desk, node)


def _check_members(desk: Desk, node: Node, members: tuple[Alternative, ...], kind: type) -> None:
    for each, member in zip(node.elements(), members, strict=True):
        if kind is AllOf and isinstance(member, Gone | Nothing | AllOf):
            desk.problem(each, "all_of takes segments only", "put 'nothing' or 'gone' into a step of its own")
        if kind is AnyOf and isinstance(member, AllOf):
            desk.problem(each, "all_of cannot stand in any_of")


def read_pattern(desk: Desk, node: Node) -> Pattern:
    """A pattern of a segment, or of an ICMP message when ``icmp`` is in it."""
    wanted = "icmp" if "icmp" in node.value else "tcp"
    tests: list[FieldTest] = []
    for key, value in node.items():
        reader = _READERS.get(key)
        if reader is None:
            continue
        if (wanted == "icmp") is not (key in ("icmp", "mtu")) and key != "ip":
            other = "goes with 'icmp' only" if key == "mtu" else "does not go with 'icmp'"
            desk.problem(node.keys[key], f"{key!r} {other}")
        else:
            tests += reader(desk, node.keys[key], value)
    variant, verdict = node.get("variant"), node.get("verdict")
    return Pattern(
        place=node.place,
        wanted=wanted,
        tests=tuple(tests),
        variant=None if variant is None else str(variant.value),
        verdict=None if verdict is None else str(verdict.value),
    )


# -- values -----------------------------------------------------------------------------------------------------------


def read_matcher(
    desk: Desk, node: Node, what: str, low: int | None, high: int | None, *, wraps: bool = False
) -> Matcher:
    """A number, an expression, ``"> 0"``, ``"a .. b"``, or a list of such."""
    if node.kind is Kind.LIST:
        if not node.value:
            desk.problem(node, f"{what}: the list is empty")
        return OneOf(tuple(read_matcher(desk, each, what, low, high, wraps=wraps) for each in node.value))
    if desk.has_references(node):
        names, table = desk.per_row(node, lambda each: read_matcher(desk, each, what, low, high, wraps=wraps))
        return PerRowMatcher(names, table, node.value, node.place)
    if node.kind is not Kind.TEXT:
        return Exactly(desk.value(node, what, low, high), wraps)
    text: str = node.value
    if match := _COMPARISON.match(text):
        value = desk.expression(node, match[2], match.start(2))
        return Compared(match[1], value, wraps)
    if "..." not in text and (match := _RANGE.match(text)):
        ends = [desk.expression(node, match[group], match.start(group)) for group in (1, 2)]
        if not wraps:
            _check_range(desk, node, ends)
        return Between(ends[0], ends[1], wraps)
    return Exactly(desk.value(node, what, low, high), wraps)


def _check_range(desk: Desk, node: Node, ends: list[Any]) -> None:
    from tcpprobe.scenario.expression import NOWHERE

    if ends[0].fixed and ends[1].fixed:
        low, high = (end.value(NOWHERE) for end in ends)
        wrong = "?" in (ends[0].text, ends[1].text)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high and not wrong:
            desk.problem(node, f"the range {node.value} is empty", f"write {ends[1].text} .. {ends[0].text}")


def read_octets(desk: Desk, node: Node, what: str) -> Matcher:
    """Text, ``!hex``, or a list of such."""
    if node.kind is Kind.LIST:
        return OneOf(tuple(read_octets(desk, each, what) for each in node.value))
    return Exactly(desk.octets(node, what))


# -- fields -----------------------------------------------------------------------------------------------------------


def _flags(desk: Desk, key: Node, node: Node) -> list[FieldTest]:
    return [FieldTest("flags", key.place, lambda _packet, payload: payload.flags, _flags_matcher(desk, node))]


def _flags_matcher(desk: Desk, node: Node) -> Matcher:
    if node.kind is Kind.LIST:
        return OneOf(tuple(_flags_matcher(desk, each) for each in node.value))
    if node.kind is Kind.MAP:
        bits = {key: read_flags(desk, value) for key, value in node.items() if key in ("has", "lacks")}
        both = bits.get("has", 0) & bits.get("lacks", 0)
        if both:
            desk.problem(node, "a flag cannot be both there and not there")
        return FlagsHave(bits.get("has", 0), bits.get("lacks", 0))
    if desk.has_references(node):
        names, table = desk.per_row(node, lambda each: _flags_matcher(desk, each))
        return PerRowMatcher(names, table, node.value, node.place)
    found = read_flags(desk, node)
    # Whether PSH is set is the sender's affair (RFC 9293 3.9.1.2): judged only when it is named.
    return FlagsAre(found, 511 if found & PSH else 511 & ~PSH)


Reader = Callable[[Desk, Node, Node], list[FieldTest]]
"""(desk, the key's node, the value's node) → tests."""


def _number(name: str, get: Get, bits: int, base: str = "") -> Reader:
    most = None if base else (1 << bits) - 1
    low = None if base else 0

    def read(desk: Desk, key: Node, node: Node) -> list[FieldTest]:
        return [FieldTest(name, key.place, get, read_matcher(desk, node, name, low, most, wraps=bool(base)), base)]

    return read


def _data(desk: Desk, key: Node, node: Node) -> list[FieldTest]:
    return [FieldTest("data", key.place, lambda _packet, payload: payload.payload, read_octets(desk, node, "data"))]


def _options(desk: Desk, key: Node, node: Node) -> list[FieldTest]:
    return option_tests(desk, key, node, read_matcher)


def _checksum(desk: Desk, key: Node, node: Node) -> list[FieldTest]:
    if node.value != "correct":
        return _number("checksum", lambda _packet, payload: payload.checksum, 16)(desk, key, node)

    def get(packet: Any, _payload: Any) -> str:
        return "wrong" if packet.tcp_checksum is Checksum.WRONG else "correct"

    return [FieldTest("checksum", key.place, get, Exactly(Fixed("correct", "correct", node.place)))]


def _icmp(desk: Desk, key: Node, node: Node) -> list[FieldTest]:
    if node.kind is not Kind.MAP:
        found = str(read_icmp(desk, node))
        return [FieldTest("icmp", key.place, _named(found), Exactly(Fixed(found, found, node.place)))]
    tests = []
    for name in ("type", "code"):
        if (value := node.get(name)) is not None:
            matcher = read_matcher(desk, value, name, 0, 255)
            tests.append(FieldTest(f"icmp.{name}", value.place, _attribute(name), matcher))
    return tests


def _named(wanted: str) -> Get:
    """The message's name; the wanted one when it is only another word for it in the other family."""
    twins = {"frag-needed": "packet-too-big", "packet-too-big": "frag-needed"}
    twins |= {"no-route": "net-unreachable", "address-unreachable": "host-unreachable"}

    def get(packet: Any, payload: Any) -> str:
        name = icmp_name(payload, 4 if len(packet.src) == 4 else 6)
        return wanted if twins.get(wanted) == name else name

    return get


def _attribute(name: str) -> Get:
    return lambda _packet, payload: getattr(payload, name)


def _ip(desk: Desk, _key: Node, node: Node) -> list[FieldTest]:
    tests = []
    for name, value in node.items():
        reader = _IP_READERS.get(name)
        if reader is not None:
            tests += reader(desk, node.keys[name], value)
    return tests


def _of_packet(name: str) -> Get:
    return lambda packet, _payload: getattr(packet, name)


def _df(_desk: Desk, key: Node, node: Node) -> list[FieldTest]:
    wanted: Value = Fixed(bool(node.value), "yes" if node.value else "no", node.place)
    return [FieldTest("ip.df", key.place, lambda packet, _payload: bool(packet.df), Exactly(wanted))]


def _ecn(desk: Desk, key: Node, node: Node) -> list[FieldTest]:
    each = node.elements() if node.kind is Kind.LIST else (node,)
    matchers = tuple(
        Exactly(read_ecn(desk, one))
        if one.kind is Kind.TEXT and not _COMPARISON.match(one.value)
        else read_matcher(desk, one, "ecn", 0, 3)
        for one in each
    )
    return [FieldTest("ip.ecn", key.place, lambda packet, _payload: packet.tos & 3, OneOf(matchers))]


def _route(desk: Desk, key: Node, node: Node) -> list[FieldTest]:
    return [FieldTest("ip.route", key.place, _hops, _route_matcher(desk, node))]


def _route_matcher(desk: Desk, node: Node) -> Matcher:
    if desk.has_references(node):
        names, table = desk.per_row(node, lambda each: _route_matcher(desk, each))
        return PerRowMatcher(names, table, node.value, node.place)
    if node.value in ("present", "absent"):
        return Present(node.value == "present")
    hops = str(node.value).split()
    if not all(map(_is_ipv4, hops)):
        desk.problem(node, f"{node.value!r} is no route", "addresses, as in 192.0.2.1 192.0.2.2; present or absent")
    return Exactly(Fixed(" ".join(hops), " ".join(hops), node.place))


def _is_ipv4(word: str) -> bool:
    try:
        return len(pack(word)) == 4
    except ValueError:
        return False


def _hops(packet: Packet, _payload: Any) -> str | None:
    """Where a source route takes the packet before its destination; None when it has none to go."""
    route = source_route(packet.options) if len(packet.dst) == 4 else None
    if route is None or not route.ahead:
        return None
    return " ".join(map(text, (packet.dst, *route.ahead[:-1])))


_IP_READERS: Mapping[str, Reader] = {
    **{
        key: _number(f"ip.{key}", _of_packet(name), bits)
        for key, (name, bits) in IP_BITS.items()
        if key in ("ttl", "tos", "id", "flow_label", "total_length", "header_length")
    },
    "dscp": _number("ip.dscp", lambda packet, _payload: packet.tos >> 2, 6),
    "ecn": _ecn,
    "df": _df,
    "route": _route,
}

_READERS: Mapping[str, Reader] = {
    "flags": _flags,
    "seq": _number("seq", lambda _packet, payload: payload.seq, 32, "irs"),
    "ack": _number("ack", lambda _packet, payload: payload.ack, 32, "iss"),
    "len": _number("len", lambda _packet, payload: len(payload.payload), 17),
    **{name: _number(name, _attribute(name), bits) for name, bits in SEGMENT_BITS.items()},
    "data": _data,
    "options": _options,
    "checksum": _checksum,
    "icmp": _icmp,
    "mtu": _number("mtu", _attribute("mtu"), 32),
    "ip": _ip,
}
