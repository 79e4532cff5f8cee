"""Packets against patterns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.scenario.expression import ExpressionError, Scope
from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.model import Expect, Pattern
from tcpprobe.wire import options
from tcpprobe.wire.flags import parse_flags
from tcpprobe.wire.icmp import Icmp, icmp_named
from tcpprobe.wire.ip import Packet, decode, encode, pack
from tcpprobe.wire.route import LOOSE, encode_route
from tcpprobe.wire.segment import Segment

US, TARGET = pack("192.0.2.1"), pack("192.0.2.7")
OPTIONS = options.pad_options(
    options.encode_options(
        [options.mss(1460), options.sack_permitted(), options.timestamps(900, 77), options.nop(), options.wscale(7)]
    )
)
BLOCKS = options.pad_options(options.encode_options([options.sack_blocks((1016, 1026), (1036, 1046))]))

MakePattern = Callable[..., Pattern]
MakeScope = Callable[..., Scope]


def packet(flags: str = "A", **fields: object) -> Packet:
    """A segment of the target's: seq 5011, ack 1006, window 8192."""
    plain: dict[str, object] = {"seq": 5011, "ack": 1006, "window": 8192}
    return Packet(TARGET, US, Segment(7, 4000, flags=parse_flags(flags), **{**plain, **fields}))  # type: ignore[arg-type]


PLAIN = packet()
RICH = packet("SA", options=OPTIONS)
SACKED = packet(options=BLOCKS)
DATA = packet("PA", payload=b"hello")
ROUTED = replace(PLAIN, dst=pack("192.0.2.9"), options=encode_route(LOOSE, (pack("192.0.2.8"), US)))

#: packet, pattern, the differences as text (none: it matches)
TABLE = [
    (PLAIN, "{}", ""),
    (PLAIN, "{flags: A}", ""),
    (PLAIN, "{flags: SA}", "flags: A, not SA"),
    (PLAIN, '{flags: ""}', "flags: A, not none"),
    (DATA, "{flags: A}", ""),
    (DATA, "{flags: PA}", ""),
    (PLAIN, "{flags: PA}", "flags: A, not PA"),
    (packet("AE"), "{flags: A}", "flags: AE, not A"),
    (packet("FA"), "{flags: [A, FA]}", ""),
    (packet("RA"), "{flags: [A, FA]}", "flags: RA, not A or FA"),
    (packet("SAE"), "{flags: {has: SA, lacks: R}}", ""),
    (packet("SAE"), "{flags: {has: SA, lacks: E}}", "flags: SAE, not with SA, without E"),
    (PLAIN, "{flags: 16}", ""),
    (ROUTED, "{ip: {route: 192.0.2.9 192.0.2.8}}", ""),
    (ROUTED, "{ip: {route: present}}", ""),
    (ROUTED, "{ip: {route: 192.0.2.8}}", "ip.route: 192.0.2.9 192.0.2.8, not 192.0.2.8"),
    (PLAIN, "{ip: {route: 192.0.2.8}}", "ip.route: absent, not 192.0.2.8"),
    (PLAIN, "{ip: {route: absent}}", ""),
    (PLAIN, "{seq: rcv.nxt, ack: snd.nxt}", ""),
    (PLAIN, "{ack: snd.nxt + 1}", "ack: 6, not snd.nxt + 1 (=7)"),
    (PLAIN, "{ack: 1007}", "ack: 1006, not 1007"),
    (PLAIN, "{seq: irs}", "seq: 11, not irs (=0)"),
    (packet(seq=0xFFFFFFFF), "{seq: -1}", ""),
    (packet(seq=2), "{seq: 0xffffffff + 3}", ""),
    (packet(seq=2), '{seq: "> 0xfffffff0"}', ""),
    (packet(seq=2), '{seq: "< 0xfffffff0"}', "seq: 2, not < 4294967280"),
    (packet(seq=2), "{seq: 0xfffffff0 .. 5}", ""),
    (packet(seq=7), "{seq: 0xfffffff0 .. 5}", "seq: 7, not 4294967280 .. 5"),
    (PLAIN, '{ack: "<= snd.nxt"}', ""),
    (PLAIN, '{ack: ">= snd.nxt + 4"}', "ack: 6, not >= snd.nxt + 4 (=10)"),
    (PLAIN, '{ack: [iss, "!= snd.nxt"]}', "ack: 6, not iss (=0) or != snd.nxt (=6)"),
    (PLAIN, '{window: "> 0"}', ""),
    (packet(window=0), '{window: "> 0"}', "window: 0, not > 0"),
    (PLAIN, "{window: 1 .. 8192}", ""),
    (PLAIN, "{window: 1 .. 8191}", "window: 8192, not 1 .. 8191"),
    (PLAIN, "{window: [1, 2 .. 3]}", "window: 8192, not 1 or 2 .. 3"),
    (PLAIN, "{window: snd.wnd}", ""),
    (PLAIN, '{window: "== snd.wnd / 2"}', "window: 8192, not == snd.wnd / 2 (=4096)"),
    (DATA, "{len: 5}", ""),
    (DATA, '{len: "> 5"}', "len: 5, not > 5"),
    (DATA, '{data: "hello"}', ""),
    (DATA, "{data: !hex 68656c6c6f}", ""),
    (DATA, '{data: ["a", "hello"]}', ""),
    (DATA, '{data: "a"}', 'data: "hello", not "a"'),
    (packet(payload=b"\x00\xff"), '{data: "a"}', 'data: hex 00ff, not "a"'),
    (packet(payload=b"x" * 50), "{data: a}", f'data: "{"x" * 32}" … (50 octets), not "a"'),
    (PLAIN, "{sport: 7, dport: 4000, urgent: 0, reserved: 0}", ""),
    (packet(data_offset=6), "{data_offset: 5}", "data_offset: 6, not 5"),
    (RICH, "{options: [mss, sack, timestamps, wscale, nop]}", ""),
    (PLAIN, "{options: [mss]}", "options.mss: absent, not present"),
    (RICH, '{options: ["mss 1460", "wscale 7"]}', ""),
    (RICH, '{options: ["mss mtu-50"]}', "options.mss: 1460, not mtu-50 (=1450)"),
    (RICH, "{options: {mss: 536 .. 9000, wscale: 0 .. 14, sack: present, fast_open: absent, 254: absent}}", ""),
    (RICH, "{options: {mss: absent}}", "options.mss: 1460, not absent"),
    (RICH, "{options: {timestamps: absent}}", "options.timestamps: 900 77, not absent"),
    (PLAIN, "{options: {mss: 1460}}", "options.mss: absent, not 1460"),
    (PLAIN, "{options: {mss: 1 .. 2}}", "options.mss: absent, not 1 .. 2"),
    (PLAIN, "{options: {wscale: '> 0'}}", "options.wscale: absent, not > 0"),
    (RICH, "{options: {timestamps: {ecr: ts_val, val: '> 0'}}}", ""),
    (RICH, "{options: {timestamps: {ecr: 78}}}", "options.timestamps.ecr: 77, not 78"),
    (
        PLAIN,
        "{options: {timestamps: {ecr: 78}}}",
        "options.timestamps: absent, not present; options.timestamps.ecr: absent, not 78",
    ),
    (PLAIN, "{options: none}", ""),
    (RICH, "{options: none}", f"options: hex {OPTIONS.hex()}, not \"\""),
    (SACKED, "{options: {sack_blocks: [[snd.nxt + 10, snd.nxt + 20], [1036, 1046]]}}", ""),
    (SACKED, "{options: {sack_blocks: {first: [1016, 1026], has: [[1036, 1046]], count: 2}}}", ""),
    (
        SACKED,
        "{options: {sack_blocks: [[snd.nxt, snd.nxt + 20]]}}",
        "options.sack_blocks: [16, 26] [36, 46], not [snd.nxt (=6), snd.nxt + 20 (=26)]",
    ),
    (SACKED, "{options: {sack_blocks: {count: 1}}}", "options.sack_blocks.count: 2, not 1"),
    (
        SACKED,
        "{options: {sack_blocks: {has: [[1, 2]]}}}",
        "options.sack_blocks: [1016, 1026] [1036, 1046], not among them [1, 2]",
    ),
    (PLAIN, "{options: {sack_blocks: absent}}", ""),
    (PLAIN, "{options: {sack_blocks: {first: [1, 2]}}}", "options.sack_blocks: none, not first [1, 2]"),
    (packet(options=bytes((254, 4, 1, 2))), "{options: {254: !hex 0102}}", ""),
    (packet(options=bytes((254, 4, 1, 2))), "{options: {254: !hex 0103}}", "options.254: hex 0102, not hex 0103"),
    (
        packet(options=bytes((254, 9, 1, 2))),
        "{options: {well_formed: true}}",
        "options: option experiment_2 has length 9, 5 beyond the header, not well formed",
    ),
    (RICH, "{options: {well_formed: true}}", ""),
    (replace(PLAIN, ttl=3, tos=0xBB, df=False), "{ip: {ttl: 1 .. 3, tos: 0xbb, dscp: 46, ecn: ce, df: false}}", ""),
    (PLAIN, "{ip: {ecn: [ect0, ect1], df: false}}", "ip.ecn: 0, not 2 or 1; ip.df: yes, not no"),
    (decode(encode(packet(checksum=1))), "{checksum: correct}", "checksum: wrong, not correct"),
    (decode(encode(PLAIN)), "{checksum: correct}", ""),
    (PLAIN, "{icmp: frag-needed}", "packet: a TCP segment with flags A, not an ICMP message"),
    (PLAIN, "{flags: A, seq: 5012, ack: 1005}", "seq: 5011, not 5012; ack: 1006, not 1005"),
]  # fmt: skip


IDS = [f"{index}-{row[1][:40]}" for index, row in enumerate(TABLE)]


@pytest.mark.parametrize(("seen", "text", "told"), TABLE, ids=IDS)
def test_differences(seen: Packet, text: str, told: str, pattern: MakePattern, scope: MakeScope) -> None:
    found = pattern(text).differences(seen, scope())
    assert "; ".join(f"{each.field}: {each.seen}, not {each.expected}" for each in found) == told


def icmp(name: str, version: int = 4) -> Packet:
    """An ICMP message from the target."""
    kind, code = icmp_named(name, version)
    ends = (TARGET, US) if version == 4 else (pack("2001:db8::7"), pack("2001:db8::1"))
    return Packet(*ends, Icmp(kind, code, bytes((0, 0, 5, 0))))


@pytest.mark.parametrize(
    ("seen", "text", "told"),
    [
        (icmp("port-unreachable"), "{icmp: port-unreachable}", ""),
        (icmp("port-unreachable"), "{icmp: host-unreachable}", "icmp: port-unreachable, not host-unreachable"),
        (icmp("frag-needed"), "{icmp: frag-needed, mtu: 1280}", ""),
        (icmp("frag-needed"), "{icmp: packet-too-big}", ""),
        (icmp("packet-too-big", 6), "{icmp: frag-needed}", ""),
        (icmp("net-unreachable"), "{icmp: no-route}", ""),
        (icmp("frag-needed"), "{icmp: {type: 3, code: 1 .. 3}}", "icmp.code: 4, not 1 .. 3"),
        (icmp("port-unreachable"), "{icmp: port-unreachable, mtu: 1}", "mtu: absent, not 1"),
        (icmp("port-unreachable"), "{flags: A}", "packet: ICMP port-unreachable, not a TCP segment"),
    ],
)
def test_icmp(seen: Packet, text: str, told: str, pattern: MakePattern, scope: MakeScope) -> None:
    found = pattern(text).differences(seen, scope())
    assert "; ".join(f"{each.field}: {each.seen}, not {each.expected}" for each in found) == told


def test_what_is_no_segment_at_all(pattern: MakePattern, scope: MakeScope) -> None:
    seen = Packet(TARGET, US, b"", protocol=17)
    (difference,) = pattern("{flags: A}").differences(seen, scope())
    assert (difference.expected, difference.seen) == ("a TCP segment", "a packet of protocol 17")


def test_the_place_is_that_of_the_field(pattern: MakePattern, scope: MakeScope) -> None:
    (difference,) = pattern("{flags: A, ack: 1}").differences(PLAIN, scope())
    assert str(difference.place) == "x:8:28"


DESCRIPTIONS = {
    "{flags: A, ack: snd.nxt}": "flags A, ack snd.nxt (=6)",
    "{flags: RA, seq: 0, ack: 1001}": "flags RA, seq 0, ack 1001",
    "{seq: rcv.nxt .. rcv.nxt + 9, window: '> 0'}": "seq rcv.nxt (=11) .. rcv.nxt + 9 (=20), window > 0",
    "{options: {mss: absent, timestamps: {ecr: ts_val}}}": (
        "options.mss absent, options.timestamps present, options.timestamps.ecr ts_val (=77)"
    ),
    "{icmp: frag-needed, mtu: 1280}": "icmp frag-needed, mtu 1280",
    "{}": "any segment",
    "{data: hello, len: snd.mss}": 'data "hello", len snd.mss (=1460)',
}


@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_description(text: str, pattern: MakePattern, scope: MakeScope) -> None:
    assert pattern(text).describe(scope()) == DESCRIPTIONS[text]


def test_a_description_never_fails(pattern: MakePattern, scope: MakeScope) -> None:
    made = pattern("{seq: irs / (iss - 1000), ack: rcv.nxt}")
    assert made.describe(scope()) == "seq irs / (iss - 1000), ack rcv.nxt (=4011)"
    with pytest.raises(ExpressionError, match="division by zero"):
        made.differences(PLAIN, scope())
    assert made.describe(scope(irs=0)).startswith("seq")


def test_before_the_initial_numbers_are_known_they_are_absolute(pattern: MakePattern, scope: MakeScope) -> None:
    (difference,) = pattern("{seq: rcv.nxt + 1}").differences(PLAIN, scope(irs=0))
    assert (difference.expected, difference.seen) == ("rcv.nxt + 1 (=5012)", "5011")


def test_matrix_rows(pattern: MakePattern, scope: MakeScope) -> None:
    head = "    matrix: {flags: [A, SA, ''], n: [1, 6], where: [snd.nxt, '> iss']}\n"
    text = '{flags: "${flags}", ack: [iss + n, "${where}"], seq: ["${n}", rcv.nxt], window: "> ${n}"}'
    made = pattern(text, head)
    assert made.differences(PLAIN, scope(flags="A", n=6, where="snd.nxt")) == []
    (found,) = made.differences(PLAIN, scope(flags="", n=1, where="> iss"))
    assert (found.field, found.expected, found.seen) == ("flags", "none", "A")
    assert made.describe(scope(flags="SA", n=1, where="snd.nxt")) == (
        "flags SA, ack iss + n (=1) or snd.nxt (=6), seq 1 or rcv.nxt (=11), window > 1"
    )
    with pytest.raises(ExpressionError, match="no such row"):
        made.differences(PLAIN, scope(flags="Q", n=1, where="snd.nxt"))


BROAD = """\
title: t
scenarios:
  - id: x
    title: X
    level: info
    steps:
      - expect:
          flags: [A, SA]
          seq: 0 .. 5
          ack: snd.nxt
          window: "> 5"
          data: "x"
          ip: {ttl: 1, ecn: [ce, 1]}
          options:
            mss: 1 .. 2
            timestamps: {val: 1, ecr: 2}
            sack_blocks: {first: [1, 2], count: 1}
            sack: present
            fast_open: !hex 01
            254: present
            well_formed: true
"""


@given(st.binary(max_size=120), st.data())
def test_any_packet_can_be_compared(data: bytes, more: st.DataObject) -> None:
    step = load_text(BROAD, "x")[0].scenario.steps[0]
    assert isinstance(step, Expect)
    assert isinstance(step.alternative, Pattern)
    odd = Segment(1, 2, options=data[: len(data) // 4 * 4][:40], payload=data)
    whole = encode(Packet(TARGET, US, odd))
    for seen in (decode(data), decode(whole), decode(whole[: more.draw(st.integers(0, len(whole)))])):
        assert step.alternative.differences(seen, Fives())


class Fives:
    """A scope where everything is 5."""

    public_names = frozenset({"nxt"})
    nxt = 5

    def lookup(self, _name: str) -> object:
        return self
