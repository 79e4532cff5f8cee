"""``options:`` of a segment that is expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tcpprobe.marked.node import Kind, Node
from tcpprobe.marked.problem import did_you_mean
from tcpprobe.scenario.desk import Desk
from tcpprobe.scenario.expression import Fixed
from tcpprobe.scenario.matcher import Blocks, Exactly, Matcher, OneOf, PerRowMatcher, Present
from tcpprobe.scenario.pattern import FieldTest, Get
from tcpprobe.wire.options import KINDS

ReadMatcher = Callable[..., Matcher]

_BITS = {"mss": 16, "wscale": 8}
_BASES = {"sack_blocks": "iss"}
_BY_NAME = {name: kind for kind, name in KINDS.items()}
#: Options whose value has a name of its own in `tcpprobe.wire.options.Options`.
_PROPERTIES = ("mss", "wscale", "timestamps", "sack_blocks", "fast_open")
_BLOCK_WORDS = {"first": "first", "has": "among"}


def option_tests(desk: Desk, key: Node, node: Node, read_matcher: ReadMatcher) -> list[FieldTest]:
    """The tests for a list (what must be there), a mapping (name → what it must be), ``none`` or ``!hex``."""
    reader = _Reader(desk, read_matcher)
    if node.kind is Kind.BYTES or (node.kind is Kind.TEXT and node.value == "none"):
        raw = node.value if node.kind is Kind.BYTES else b""
        wanted = Exactly(Fixed(raw, raw.hex() or "none", node.place))
        return [FieldTest("options", key.place, lambda _packet, payload: payload.options, wanted)]
    if node.kind is Kind.MAP:
        return [test for name, value in node.items() for test in reader.named(node.keys[name], name, value)]
    if node.kind is not Kind.LIST:
        hint = "as in [mss, sack] or {mss: 1460, sack: absent}"
        desk.problem(node, f"options are a list, a mapping, !hex or none, not {node.kind}", hint)
    return [test for item in node.elements() for test in reader.listed(item)]


class _Reader:
    def __init__(self, desk: Desk, read_matcher: ReadMatcher) -> None:
        self.desk = desk
        self.read_matcher = read_matcher

    def listed(self, item: Node) -> list[FieldTest]:
        """``mss`` or ``mss 1460``."""
        if item.kind is Kind.MAP:
            return [test for name, value in item.items() for test in self.named(item.keys[name], name, value)]
        if item.kind is not Kind.TEXT or not item.value.strip():
            self.desk.problem(item, f"an option is named by text, not {item.kind}", "as in [mss, sack]")
            return []
        if self.desk.has_references(item):
            return self._from_matrix(item)
        word, *arguments = item.value.split()
        if not arguments:
            return self.named(item, word, None)
        if word in _BITS and len(arguments) == 1:
            value = self.desk.expression(item, arguments[0], item.value.index(arguments[0], len(word)))
            return [FieldTest(f"options.{word}", item.place, _get(word), Exactly(value))]
        self._known(item, word)
        hint = f"write options as a mapping: {{{word}: …}}"
        self.desk.problem(item, f"{word} takes no value in a list", hint)
        return []

    def _from_matrix(self, item: Node) -> list[FieldTest]:
        """``mss ${size}``: the name as written, the value of the row."""
        word, _, rest = item.value.partition(" ")
        if word not in _BITS or "${" in word:
            hint = 'write options as a mapping, as in {mss: "${size}"}'
            self.desk.problem(item, "only the value of mss and wscale can come from the matrix here", hint)
            return []

        def leaf(each: Node) -> Matcher:
            text = str(each.value).partition(" ")[2]
            return Exactly(self.desk.expression(each, text, len(word) + 1))

        names, table = self.desk.per_row(item, leaf)
        return [FieldTest(f"options.{word}", item.place, _get(word), PerRowMatcher(names, table, rest, item.place))]

    def _known(self, at: Node, word: str) -> bool:
        if word in _BY_NAME or (word.isdigit() and int(word) < 256):
            return True
        hint = did_you_mean(word, (*_PROPERTIES, "sack", "nop", "eol", "md5", "ao", "mptcp", "well_formed"))
        self.desk.problem(at, f"unknown option {word!r}", hint)
        return False

    def named(self, at: Node, name: str, value: Node | None) -> list[FieldTest]:
        """One option and what it must be; None: there."""
        if name == "well_formed":
            wanted = Exactly(Fixed("well formed", "well formed", at.place))
            return [FieldTest("options", at.place, _problem, wanted)]
        if not self._known(at, name):
            return []
        label = f"options.{name}"
        if value is None or value.value in ("present", "absent", True, False):
            wanted_there = value is None or value.value in ("present", True)
            return [FieldTest(label, at.place, _get(name), Present(wanted_there))]
        if name in _BITS:
            matcher = self.read_matcher(self.desk, value, name, 0, (1 << _BITS[name]) - 1)
            return [FieldTest(label, at.place, _get(name), matcher)]
        if name == "timestamps":
            return self._timestamps(at, value)
        if name == "sack_blocks":
            return self._blocks(at, value)
        if name in ("sack", "nop", "eol"):
            self.desk.problem(value, f"{name} has no value", "write present or absent")
            return []
        return [FieldTest(label, at.place, _get_data(name), self._octets(value))]

    def _octets(self, value: Node) -> Matcher:
        if value.kind is Kind.LIST:
            return OneOf(tuple(self._octets(each) for each in value.value))
        return Exactly(self.desk.octets(value, "the option's data"))

    def _timestamps(self, at: Node, value: Node) -> list[FieldTest]:
        if value.kind is not Kind.MAP:
            self.desk.problem(value, "timestamps are present, absent or {val: …, ecr: …}")
            return []
        tests = [FieldTest("options.timestamps", at.place, _get("timestamps"), Present())]
        for name, inner in value.items():
            if name not in ("val", "ecr"):
                hint = did_you_mean(name, ("val", "ecr"))
                self.desk.problem(value.keys[name], f"unknown key {name!r} in timestamps", hint)
                continue
            matcher = self.read_matcher(self.desk, inner, f"timestamps {name}", None, None, wraps=True)
            at_key = value.keys[name].place
            tests.append(FieldTest(f"options.timestamps.{name}", at_key, _timestamp(name != "val"), matcher))
        return tests

    def _blocks(self, at: Node, value: Node) -> list[FieldTest]:
        if value.kind is Kind.LIST:
            return [self._block_test(at, value, "exactly")]
        if value.kind is not Kind.MAP:
            hint = "as in [[snd.nxt + 10, snd.nxt + 20]], or {first: [l, r], has: [[l, r]], count: 2}"
            self.desk.problem(value, "sack_blocks are pairs of edges", hint)
            return []
        tests = []
        for name, inner in value.items():
            if name == "count":
                matcher = self.read_matcher(self.desk, inner, "count", 0, 4)
                tests.append(FieldTest("options.sack_blocks.count", inner.place, _count, matcher))
            elif name in _BLOCK_WORDS:
                tests.append(self._block_test(value.keys[name], inner, _BLOCK_WORDS[name]))
            else:
                hint = did_you_mean(name, (*_BLOCK_WORDS, "count"))
                self.desk.problem(value.keys[name], f"unknown key {name!r} in sack_blocks", hint)
        return tests

    def _block_test(self, at: Node, value: Node, where: str) -> FieldTest:
        nodes = value.elements()
        if len(nodes) == 2 and all(node.kind is not Kind.LIST for node in nodes):
            pairs = [self._pair(value)]
        else:
            pairs = [self._pair(node) for node in nodes]
            if value.kind is not Kind.LIST:
                self.desk.problem(value, "SACK blocks are pairs of edges", "as in [[snd.nxt + 10, snd.nxt + 20]]")
        return FieldTest("options.sack_blocks", at.place, _get("sack_blocks"), Blocks(tuple(pairs), where), "iss")

    def _pair(self, node: Node) -> tuple[Matcher, Matcher]:
        edges = node.elements()
        if len(edges) != 2:
            self.desk.problem(node, "a SACK block is a pair of edges", "as in [snd.nxt + 10, snd.nxt + 20]")
            zero = Exactly(Fixed(0, "0", node.place))
            return zero, zero
        left, right = (self.read_matcher(self.desk, edge, "edge", None, None, wraps=True) for edge in edges)
        return left, right


def _get(name: str) -> Get:
    """The value of an option, None (or an empty tuple) when it is not there."""
    if name in _PROPERTIES:
        return lambda _packet, payload: getattr(payload.parsed, name)
    if name == "sack":
        return lambda _packet, payload: payload.parsed.sack_permitted or None
    return _get_data(name)


def _get_data(name: str) -> Get:
    """The octets of the first option of that kind, by name or number."""
    kind = _BY_NAME.get(name) if name in _BY_NAME else int(name)

    def get(_packet: Any, payload: Any) -> bytes | None:
        return next((option.data for option in payload.parsed.items if option.kind == kind), None)

    return get


def _timestamp(index: bool) -> Get:
    def get(_packet: Any, payload: Any) -> int | None:
        pair = payload.parsed.timestamps
        return None if pair is None else int(pair[index])

    return get


def _problem(_packet: Any, payload: Any) -> str:
    return payload.parsed.problem or "well formed"


def _count(_packet: Any, payload: Any) -> int:
    return len(payload.parsed.sack_blocks)
