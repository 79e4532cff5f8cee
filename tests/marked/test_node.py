"""Nodes: values, places and source text."""

from __future__ import annotations

from tcpprobe.marked.load import load
from tcpprobe.marked.node import Kind

TEXT = """\
title: one   # a comment
steps:
  - send: {flags: S,
           seq: 1}
  # between

  - expect:
      ack: "quoted text"
    within: 1s
    # trailing

last: !hex 00ff
"""


def test_plain_values() -> None:
    assert load(TEXT, "f").plain() == {
        "title": "one",
        "steps": [{"send": {"flags": "S", "seq": 1}}, {"expect": {"ack": "quoted text"}, "within": "1s"}],
        "last": b"\x00\xff",
    }


def test_places_count_from_one() -> None:
    root = load(TEXT, "f")
    assert str(root.find(["steps", 0, "send", "seq"]).place) == "f:4:17"
    assert str(root.keys["last"].place) == "f:12:1"


def test_source_is_the_text_as_written() -> None:
    steps = load(TEXT, "f").find(["steps"]).elements()
    assert steps[0].source == "send: {flags: S,\n       seq: 1}"
    assert steps[1].source == 'expect:\n  ack: "quoted text"\nwithin: 1s'


def test_find_passes_over_what_leads_nowhere() -> None:
    root = load(TEXT, "f")
    assert root.find(["steps", 7, "nowhere"]) is root.value["steps"]
    assert root.get("nowhere") is None
    assert root.value["title"].get("x") is None
    assert list(root.value["title"].items()) == []
    assert root.elements() == ()


def test_an_offset_points_into_the_text() -> None:
    root = load(TEXT, "f")
    assert root.value["title"].problem("m", offset=2).place.column == 10
    assert root.find(["steps", 1, "expect", "ack"]).problem("m", offset=2).place.column == 15  # the quote counts


def test_aliases_are_the_same_node() -> None:
    root = load("a: &x [1, 2]\nb: *x\n", "f")
    assert root.value["a"] is root.value["b"]
    assert root.plain() == {"a": [1, 2], "b": [1, 2]}
    assert root.kind is Kind.MAP
    assert root.size == 9  # the mapping, two keys, and twice a list of two
