"""``options:`` of a segment to send, and of our SYN."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tcpprobe.marked.node import Kind, Node
from tcpprobe.marked.problem import did_you_mean
from tcpprobe.marked.scalar import read_hex
from tcpprobe.scenario.desk import Desk
from tcpprobe.scenario.expression import Scope, Value
from tcpprobe.scenario.template import MakeOption, Offer, OptionList, automatic_timestamps, bounded, wrapped
from tcpprobe.wire import options as wire_options
from tcpprobe.wire.options import Option


@dataclass(frozen=True, slots=True)
class _Known:
    """An option by name: how many numbers it takes (and their width in bits), how it is made of them."""

    fewest: int
    most: int
    bits: int
    make: Callable[[Sequence[int]], Option]
    offer: Callable[[Sequence[int]], dict[str, Any]]


def _pairs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


KNOWN: Mapping[str, _Known] = {
    "mss": _Known(1, 1, 16, lambda n: wire_options.mss(n[0]), lambda n: {"mss": n[0], "mss_option": True}),
    "wscale": _Known(1, 1, 8, lambda n: wire_options.wscale(n[0]), lambda n: {"wscale": n[0]}),
    "sack": _Known(0, 0, 0, lambda _: wire_options.sack_permitted(), lambda _: {"sack": True}),
    "timestamps": _Known(0, 2, 32, lambda n: wire_options.timestamps(n[0], n[1]), lambda _: {"timestamps": True}),
    "nop": _Known(0, 0, 0, lambda _: wire_options.nop(), lambda _: {}),
    "eol": _Known(0, 0, 0, lambda _: wire_options.eol(), lambda _: {}),
    "sack_blocks": _Known(0, 8, 32, lambda n: wire_options.sack_blocks(*_pairs(n)), lambda _: {}),
    "fast_open": _Known(0, 0, 0, lambda _: wire_options.fast_open(), lambda _: {}),
}
#: In ``given``, only what our endpoint can negotiate.
OFFERED = ("mss", "wscale", "sack", "timestamps")


def read_options(desk: Desk, node: Node) -> OptionList:
    """The options under a node: a list of them, or ``!hex`` octets as they are, or ``none``."""
    if node.kind is Kind.BYTES:
        raw = node.value
        return OptionList(node.place, (lambda _scope: raw,))
    if node.kind is Kind.TEXT and node.value == "none":
        return OptionList(node.place, ())
    if node.kind is Kind.TEXT and desk.has_references(node):
        octets = desk.octets(node, "options")
        return OptionList(node.place, (lambda scope: cast("bytes", octets.value(scope)),))
    if node.kind is not Kind.LIST:
        desk.problem(node, f"options are a list, !hex or none, not {node.kind}", "as in [mss 1460, sack]")
    makers: list[MakeOption] = []
    offered: list[Offer] = []
    for item in node.elements():
        maker, offer = _per_row(desk, item) if desk.has_references(item) else _item(desk, item)
        makers.append(maker)
        offered.append(offer)
    return OptionList(node.place, tuple(makers), tuple(offered))


def read_offer(desk: Desk, node: Node) -> OptionList:
    """The options under ``given``: only what an endpoint can negotiate."""
    for item in node.elements():
        word = next(iter(item.value), "") if item.kind is Kind.MAP else str(item.value).partition(" ")[0]
        if desk.has_references(item) and "${" in word:
            desk.problem(item, "an option's name cannot come from the matrix here")
        elif word not in OFFERED and word in KNOWN:
            hint = f"our endpoint negotiates {', '.join(OFFERED)}; to send other options, send the SYN by hand"
            desk.problem(item, f"{word} cannot be given", hint)
    return read_options(desk, node)


def _per_row(desk: Desk, item: Node) -> tuple[MakeOption, Offer]:
    names, table = desk.per_row(item, lambda each: _item(desk, each))

    def row(scope: Scope) -> tuple[MakeOption, Offer]:
        return table[tuple([scope.lookup(name) for name in names])]

    return (lambda scope: row(scope)[0](scope)), lambda scope: row(scope)[1](scope)


def _item(desk: Desk, item: Node) -> tuple[MakeOption, Offer]:
    """One option, to be sent and to be offered."""
    if item.kind is Kind.BYTES:
        raw = item.value
        return (lambda _scope: raw), lambda _scope: {}
    if item.kind is Kind.MAP:
        return _mapping(desk, item)
    if item.kind is not Kind.TEXT or not item.value.strip():
        desk.problem(item, f"an option is text, a mapping or !hex, not {item.kind}", "as in mss 1460")
        return _nothing()
    word, *arguments = item.value.split()
    if word == "fast_open" and arguments:
        return _cookie(desk, item, "".join(arguments))
    if word not in KNOWN:
        desk.problem(item, f"unknown option {word!r}", did_you_mean(word, KNOWN))
        return _nothing()
    values: list[Value] = []
    offset = len(word)
    for argument in arguments:
        offset = item.value.index(argument, offset)
        values.append(desk.expression(item, argument, offset))
        offset += len(argument)
    return _made(desk, item, word, values)


def _nothing() -> tuple[MakeOption, Offer]:
    return (lambda _scope: b""), lambda _scope: {}


def _cookie(desk: Desk, item: Node, text: str) -> tuple[MakeOption, Offer]:
    try:
        option = wire_options.fast_open(read_hex(text))
    except ValueError as error:
        desk.problem(item, f"fast_open: {error}", "the cookie is hex, as in fast_open 0123456789abcdef")
        return _nothing()
    return (lambda _scope: option), lambda _scope: {}


def _made(desk: Desk, item: Node, word: str, values: Sequence[Value]) -> tuple[MakeOption, Offer]:
    """The option with that name and these numbers."""
    known = KNOWN[word]
    if word == "timestamps" and not values:
        return automatic_timestamps, lambda _scope: {"timestamps": True}
    if (word == "timestamps" and len(values) != 2) or (word == "sack_blocks" and len(values) % 2):
        desk.problem(item, f"{word} takes pairs of numbers", f"as in {word} 1 2")
        return _nothing()
    if not known.fewest <= len(values) <= known.most:
        count = str(known.most) if known.fewest == known.most else f"up to {known.most}"
        desk.problem(item, f"{word} takes {count} number{'' if known.most == 1 else 's'}, not {len(values)}")
        return _nothing()
    most = (1 << known.bits) - 1
    resolves = [wrapped(value) if known.bits == 32 else bounded(value, word, 0, most) for value in values]
    _check_fixed(desk, item, word, values, known.bits)

    def numbers(scope: Scope) -> list[int]:
        return [resolve(scope) for resolve in resolves]

    return (lambda scope: known.make(numbers(scope))), lambda scope: known.offer(numbers(scope))


def _check_fixed(desk: Desk, item: Node, word: str, values: Sequence[Value], bits: int) -> None:
    from tcpprobe.scenario.expression import NOWHERE

    for value in values:
        number = value.value(NOWHERE) if value.fixed else 0
        if not isinstance(number, int) or (bits < 32 and not 0 <= number < 1 << bits):
            desk.problem(item, f"{word} {number} does not fit {bits} bits")


def _mapping(desk: Desk, item: Node) -> tuple[MakeOption, Offer]:
    if item.get("kind") is not None:
        return _by_kind(desk, item), lambda _scope: {}
    if len(item.value) != 1:
        desk.problem(item, "an option is one key, or kind, data and length", "as in {mss: 1460} or {kind: 254}")
        return _nothing()
    ((word, argument),) = item.value.items()
    if word == "fast_open":
        cookie = desk.octets(argument, "a cookie")
        return (lambda scope: wire_options.fast_open(_bytes(cookie, scope))), lambda _scope: {}
    if word not in KNOWN:
        desk.problem(item.keys[word], f"unknown option {word!r}", did_you_mean(word, [*KNOWN, "kind"]))
        return _nothing()
    nodes: list[Node] = []
    if argument.kind is Kind.MAP and word == "timestamps":
        nodes = [found for found in (argument.get("val"), argument.get("ecr")) if found is not None]
    elif argument.kind is Kind.LIST:
        for each in argument.value:
            nodes += each.value if each.kind is Kind.LIST else [each]
    elif argument.kind is not Kind.NULL:
        nodes = [argument]
    return _made(desk, item, word, [desk.value(each, word) for each in nodes])


def _by_kind(desk: Desk, item: Node) -> MakeOption:
    """``{kind: 254, data: !hex 00, length: 1}``: any option, with a length that may be wrong."""
    for key in item.value:
        if key not in ("kind", "data", "length"):
            desk.problem(item.keys[key], f"unknown key {key!r}", did_you_mean(key, ("kind", "data", "length")))
    kind = bounded(desk.value(item.value["kind"], "kind", 0, 255), "kind", 0, 255)
    data = desk.octets(item.value["data"], "data") if "data" in item.value else None
    length = None
    if "length" in item.value:
        length = bounded(desk.value(item.value["length"], "length", 0, 255), "length", 0, 255)
    return lambda scope: Option(
        kind(scope), b"" if data is None else _bytes(data, scope), None if length is None else length(scope)
    )


def _bytes(value: Value, scope: Scope) -> bytes:
    found = value.value(scope)
    return found if isinstance(found, bytes) else b""
