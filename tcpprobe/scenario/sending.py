"""``send:`` to a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tcpprobe.marked.node import Kind, Node
from tcpprobe.marked.problem import did_you_mean
from tcpprobe.scenario.desk import Desk
from tcpprobe.scenario.expression import Fixed, PerRow, Value
from tcpprobe.scenario.optionlist import read_options
from tcpprobe.scenario.template import Resolve, Template, bounded, filler, wrapped
from tcpprobe.scenario.words import ECN, ICMP_NAMES, IP_BITS, SEGMENT_BITS
from tcpprobe.wire.flags import LETTERS, parse_flags
from tcpprobe.wire.fragments import Piece, pieces_at
from tcpprobe.wire.icmp import NAMES
from tcpprobe.wire.ip import pack

LONGEST_PAYLOAD = 65_495
QUOTES = ("last", "none")
_ICMP_ALIASES = frozenset({"no-route", "address-unreachable"})


def read_template(desk: Desk, node: Node) -> Template:
    """The template under ``send:``."""
    kind = "raw" if "raw" in node.value else "icmp" if "icmp" in node.value else "tcp"
    allowed = {"raw": {"raw", "ip"}, "icmp": {"icmp", "mtu", "quote", "ip"}}.get(kind)
    fields: dict[str, Resolve] = {}
    for key, value in node.items():
        reader = _READERS.get(key)
        if reader is None:
            continue
        if allowed is not None and key not in allowed:
            desk.problem(node.keys[key], f"{key!r} does not go with {kind!r}")
        elif allowed is None and key in ("mtu", "quote"):
            desk.problem(node.keys[key], f"{key!r} goes with 'icmp' only")
        else:
            reader(desk, value, fields)
    if kind == "tcp":
        _check_segment(desk, node)
    return Template(kind, node.place, fields)


def _check_segment(desk: Desk, node: Node) -> None:
    if "flags" not in node.value:
        desk.problem(node, "'flags' is missing", 'as in flags: A; flags: "" is a segment with none')
    if "data" in node.value and "len" in node.value:
        desk.problem(node.keys["len"], "'len' and 'data' do not go together", "'len' sends filler of that length")


def read_flags(desk: Desk, node: Node) -> int:
    """The bits of a plain ``flags`` value."""
    if node.kind is Kind.INT:
        if not 0 <= node.value < 512:
            desk.problem(node, f"flags {node.value} do not fit 9 bits")
        return int(node.value) & 511
    if node.kind is Kind.NULL:
        desk.problem(node, "flags are missing", 'no flag at all is written ""')
        return 0
    if node.kind is not Kind.TEXT:
        desk.problem(node, f"flags are letters, not {node.kind}", f"the letters are {LETTERS}")
        return 0
    letters: str = node.value
    for index, letter in enumerate(letters):
        if letter not in LETTERS:
            hint = f"the letters are {LETTERS}"
            if letter == ".":
                hint = "ACK is A"
            elif letter.upper() in LETTERS and letters.isalpha():
                hint = f"flags are upper-case letters: {letters.upper()}" if len(letters) < 4 else hint
            desk.problem(node, f"{letter!r} is no TCP flag", hint, offset=index)
            return 0
        if letter in letters[:index]:
            desk.problem(node, f"flag {letter} is there twice", offset=index)
            return 0
    return parse_flags(letters)


def _flags(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    if desk.has_references(node):
        names, table = desk.per_row(node, lambda each: Fixed(read_flags(desk, each), node.value, node.place))
        fields["flags"] = bounded(PerRow(names, table, node.value, node.place), "flags", 0, 511)
    else:
        bits = read_flags(desk, node)
        fields["flags"] = lambda _scope: bits


def _number(name: str, bits: int, key: str = "") -> Callable[[Desk, Node, dict[str, Resolve]], None]:
    most = (1 << bits) - 1

    def read(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
        fields[name] = bounded(desk.value(node, key or name, 0, most), key or name, 0, most)

    return read


def _sequence(name: str) -> Callable[[Desk, Node, dict[str, Resolve]], None]:
    def read(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
        fields[name] = wrapped(desk.value(node, name))

    return read


def _data(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    fields["payload"] = desk.octets(node, "data").value


def _len(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    length = bounded(desk.value(node, "len", 0, LONGEST_PAYLOAD), "len", 0, LONGEST_PAYLOAD)
    fields["payload"] = lambda scope: filler(length(scope))


def _raw(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    fields["raw"] = desk.octets(node, "raw").value


def _options(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    fields["options"] = read_options(desk, node).encode


def _checksum(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    if node.kind is Kind.TEXT and node.value == "bad":
        fields["checksum"] = lambda _scope: "bad"
    else:
        _number("checksum", 16)(desk, node, fields)


def _icmp(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    if node.kind is not Kind.MAP and desk.has_references(node):
        names, table = desk.per_row(node, lambda each: Fixed(read_icmp(desk, each), each.value, each.place))
        fields["icmp"] = PerRow(names, table, node.value, node.place).value
        return
    found = read_icmp(desk, node)
    fields["icmp"] = lambda scope: found if isinstance(found, str) else tuple(each(scope) for each in found)


def read_icmp(desk: Desk, node: Node) -> str | tuple[Resolve, Resolve]:
    """The name of an ICMP message, or its type and code."""
    if node.kind is Kind.MAP:
        for key in node.value:
            if key not in ("type", "code"):
                desk.problem(node.keys[key], f"unknown key {key!r}", did_you_mean(key, ("type", "code")))
        numbers = [node.get(key) for key in ("type", "code")]
        if numbers[0] is None:
            desk.problem(node, "'type' is missing", "as in {type: 3, code: 4}")
        values = [
            bounded(desk.value(each, "type or code", 0, 255), "type or code", 0, 255)
            if each is not None
            else lambda _scope: 0
            for each in numbers
        ]
        return values[0], values[1]
    if node.value not in ICMP_NAMES | _ICMP_ALIASES:
        hint = did_you_mean(str(node.value), [*NAMES[4], *NAMES[6], *_ICMP_ALIASES])
        desk.problem(node, f"{node.value!r} is no ICMP message", hint or "a name such as frag-needed, or {type, code}")
    return str(node.value)


def _quote(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    if node.kind is Kind.MAP:
        inner: dict[str, Resolve] = {}
        for key, value in node.items():
            reader = _READERS.get(key)
            if reader is None or key in ("icmp", "raw", "quote", "mtu", "ip"):
                desk.problem(node.keys[key], f"unknown key {key!r}", did_you_mean(key, ("seq", "sport", "dport")))
            else:
                reader(desk, value, inner)
        fields["quote"] = lambda scope: {name: resolve(scope) for name, resolve in inner.items()}
        return
    name = str(node.value)
    if name not in QUOTES and name not in desk.captured:
        hint = did_you_mean(name, [*QUOTES, *desk.captured])
        desk.problem(node, f"{name!r} is nothing that can be quoted", hint)
    fields["quote"] = lambda _scope: name


# -- the IP header ----------------------------------------------------------------------------------------------------


def _ip(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    inner: dict[str, Resolve] = {}
    for key, value in node.items():
        reader = _IP_READERS.get(key)
        if reader is not None:
            reader(desk, value, inner)
    if "tos" in node.value and ("ecn" in node.value or "dscp" in node.value):
        desk.problem(node.keys["tos"], "'tos' is 'dscp' and 'ecn' together: give one or the other")
    if "fragment" in node.value and "fragments" in node.value:
        desk.problem(node.keys["fragment"], "'fragment' is one, 'fragments' are all: give one or the other")
    dscp, ecn = inner.pop("dscp", None), inner.pop("ecn", None)
    if dscp or ecn:
        inner["tos"] = lambda scope: (dscp(scope) if dscp else 0) << 2 | (ecn(scope) if ecn else 0)
    fields["ip"] = lambda scope: {name: resolve(scope) for name, resolve in inner.items()}


def read_ecn(desk: Desk, node: Node) -> Value:
    """An ECN codepoint, by name or number."""
    if desk.has_references(node):
        names, table = desk.per_row(node, lambda each: read_ecn(desk, each))
        return PerRow(names, table, node.value, node.place)
    if node.kind is Kind.TEXT and node.value in ECN:
        return Fixed(ECN[node.value], node.value, node.place)
    if node.kind is Kind.TEXT and node.value.replace("-", "").isalnum() and not node.value.isdigit():
        desk.problem(node, f"{node.value!r} is no ECN codepoint", did_you_mean(node.value, ECN))
        return Fixed(0, "?", node.place)
    return desk.value(node, "ecn", 0, 3)


def _ecn(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    fields["ecn"] = bounded(read_ecn(desk, node), "ecn", 0, 3)


def _df(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    if desk.has_references(node):
        names, table = desk.per_row(node, lambda each: _yes_no(desk, each))
        fields["df"] = PerRow(names, table, node.value, node.place).value
    else:
        fields["df"] = _yes_no(desk, node).value


def _yes_no(desk: Desk, node: Node) -> Value:
    if node.kind is not Kind.BOOL:
        desk.problem(node, f"df must be true or false, not {node.value!r}")
    return Fixed(node.value is True, str(node.value), node.place)


def _address(name: str) -> Callable[[Desk, Node, dict[str, Resolve]], None]:
    def read_one(desk: Desk, node: Node) -> Value:
        address = b"\0\0\0\0"
        try:
            address = pack(str(node.value))
        except ValueError:
            desk.problem(node, f"{node.value!r} is no IP address", "as in 192.0.2.1 or 2001:db8::1")
        return Fixed(address, str(node.value), node.place)

    def read(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
        if node.kind is Kind.TEXT and node.value in ("local", "remote"):
            word = node.value
            fields[name] = lambda _scope: word
        elif desk.has_references(node):
            names, table = desk.per_row(node, lambda each: read_one(desk, each))
            fields[name] = PerRow(names, table, node.value, node.place).value
        else:
            fields[name] = read_one(desk, node).value

    return read


def _fragment(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    at, more = node.get("offset"), node.get("more")
    offset = bounded(desk.value(at, "offset", 0, 65528), "offset", 0, 65528) if at is not None else lambda _scope: 0
    following = bool(more.value) if more is not None else False
    fields["fragment"] = lambda scope: (offset(scope), following)


def _eighths(desk: Desk, node: Node, what: str) -> Resolve:
    value = desk.value(node, what, 0, 65528)
    if node.kind is Kind.INT and node.value % 8:
        desk.problem(node, f"{what} {node.value} is not a multiple of 8", "IP counts fragments in units of 8 octets")
    return bounded(value, what, 0, 65528)


def _fragments(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    """Octets of each fragment, or where the packet is cut, or the fragments one by one."""
    if node.kind is not Kind.LIST:
        fields["fragments"] = _eighths(desk, node, "fragments")
        return
    listed = node.elements()
    pieces = [each for each in listed if each.kind is Kind.MAP]
    if not pieces:
        cuts = [_eighths(desk, each, "offset") for each in listed]
        told = [each.value for each in listed if each.kind is Kind.INT]
        if 0 in told or told != sorted(set(told)):
            desk.problem(node, "a packet is cut at offsets that ascend from 8", "for another order: {offset: 8}, …")
        fields["fragments"] = lambda scope: pieces_at([each(scope) for each in cuts])
    elif len(pieces) < len(listed):
        desk.problem(node, "fragments are all offsets to cut at, or all mappings", "as in {offset: 8, len: 16}")
    else:
        makers = [_piece(desk, each) for each in pieces]
        fields["fragments"] = lambda scope: tuple(make(scope) for make in makers)


def _piece(desk: Desk, node: Node) -> Resolve:
    offset, length, data, more = (node.get(key) for key in ("offset", "len", "data", "more"))
    if length is not None and data is not None:
        desk.problem(node.keys["len"], "'len' and 'data' do not go together", "'data' is as long as it is")
    found: dict[str, Resolve] = {}
    if offset is not None:
        found["offset"] = _eighths(desk, offset, "offset")
    if length is not None:
        found["length"] = bounded(desk.value(length, "len", 0, 65535), "len", 0, 65535)
    if data is not None:
        found["data"] = desk.octets(data, "data").value
    if more is not None:
        following = more.value
        found["more"] = lambda _scope: following
    return lambda scope: Piece(**{name: resolve(scope) for name, resolve in found.items()})


def _ip_options(desk: Desk, node: Node, fields: dict[str, Resolve]) -> None:
    fields["options"] = desk.octets(node, "ip options").value


Reader = Callable[[Desk, Node, dict[str, Resolve]], None]

_IP_READERS: Mapping[str, Reader] = {
    **{key: _number(name, bits, f"ip {key}") for key, (name, bits) in IP_BITS.items()},
    "dscp": _number("dscp", 6),
    "ecn": _ecn,
    "df": _df,
    "src": _address("src"),
    "dst": _address("dst"),
    "fragment": _fragment,
    "fragments": _fragments,
    "options": _ip_options,
}

_READERS: Mapping[str, Reader] = {
    "flags": _flags,
    "seq": _sequence("seq"),
    "ack": _sequence("ack"),
    **{name: _number(name, bits) for name, bits in SEGMENT_BITS.items()},
    "data": _data,
    "len": _len,
    "options": _options,
    "checksum": _checksum,
    "raw": _raw,
    "icmp": _icmp,
    "mtu": _number("mtu", 32),
    "quote": _quote,
    "ip": _ip,
}
