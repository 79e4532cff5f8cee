"""What ``send`` sends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tcpprobe.scenario.expression import ExpressionError, Scope
from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.template import Template, filler
from tcpprobe.wire.fragments import Piece
from tcpprobe.wire.ip import pack

MakeTemplate = Callable[..., Template]
MakeScope = Callable[..., Scope]

TABLE = {
    "{flags: S}": {"flags": 2},
    '{flags: ""}': {"flags": 0},
    "{flags: 511}": {"flags": 511},
    "{flags: A, seq: snd.nxt + 10, ack: rcv.nxt - 5012}": {"flags": 16, "seq": 1016, "ack": 0xFFFFFFFF},
    "{flags: A, window: 0, urgent: 1 + 1, data_offset: 4, reserved: 7, sport: local_port, dport: 80}": {
        "flags": 16,
        "window": 0,
        "urgent": 2,
        "data_offset": 4,
        "reserved": 7,
        "sport": 4000,
        "dport": 80,
    },
    '{flags: PA, data: "héllo"}': {"flags": 24, "payload": "héllo".encode()},
    "{flags: PA, data: !hex 00 ff}": {"flags": 24, "payload": b"\x00\xff"},
    "{flags: PA, len: 40}": {"flags": 24, "payload": b"abcdefghijklmnopqrstuvwxyz0123456789abcd"},
    "{flags: PA, len: mss - 1458}": {"flags": 24, "payload": b"ab"},
    "{flags: A, checksum: bad}": {"flags": 16, "checksum": "bad"},
    "{flags: A, checksum: 0xffff}": {"flags": 16, "checksum": 0xFFFF},
    "{raw: !hex 0001, ip: {protocol: 6}}": {"raw": b"\x00\x01", "ip": {"protocol": 6}},
    "{icmp: frag-needed, mtu: 1280}": {"icmp": "frag-needed", "mtu": 1280},
    "{icmp: {type: 3, code: 1 + 1}, quote: none}": {"icmp": (3, 2), "quote": "none"},
    "{icmp: {type: 3}, quote: {seq: rcv.nxt, flags: A, options: none}}": {
        "icmp": (3, 0),
        "quote": {"seq": 5011, "flags": 16, "options": b""},
    },
    "{flags: A, ip: {ttl: 1, ecn: ce, df: false, id: 7, flow_label: 9}}": {
        "flags": 16,
        "ip": {"ttl": 1, "tos": 3, "df": False, "ident": 7, "flow_label": 9},
    },
    "{flags: A, ip: {dscp: 46, ecn: 2}}": {"flags": 16, "ip": {"tos": 0xBA}},
    "{flags: A, ip: {tos: 255, version: 5, header_length: 4, total_length: 10, checksum: 1}}": {
        "flags": 16,
        "ip": {"tos": 255, "version": 5, "header_length": 4, "total_length": 10, "checksum": 1},
    },
    "{flags: A, ip: {fragment: {offset: 8, more: true}}}": {"flags": 16, "ip": {"fragment": (8, True)}},
    "{flags: A, ip: {fragment: {}, options: !hex 01}}": {
        "flags": 16,
        "ip": {"fragment": (0, False), "options": b"\x01"},
    },
    "{flags: A, ip: {fragments: mtu - 20}}": {"flags": 16, "ip": {"fragments": 1480}},
    "{flags: A, ip: {fragments: [8, 8 * 3]}}": {
        "flags": 16,
        "ip": {"fragments": (Piece(0, 8), Piece(8, 16), Piece(24))},
    },
    "{flags: A, ip: {fragments: [{offset: 8}, {len: 8, more: false}, {data: !hex 01}]}}": {
        "flags": 16,
        "ip": {"fragments": (Piece(8), Piece(0, 8, more=False), Piece(0, data=b"\x01"))},
    },
    "{flags: A, ip: {src: remote, dst: 192.0.2.1}}": {
        "flags": 16,
        "ip": {"src": "remote", "dst": pack("192.0.2.1")},
    },
    "{flags: S, options: []}": {"flags": 2, "options": b""},
    "{flags: S, options: none}": {"flags": 2, "options": b""},
    "{flags: S, options: !hex 0204}": {"flags": 2, "options": b"\x02\x04"},
    '{flags: S, options: ["mss 1460", wscale 7, sack, nop, eol]}': {
        "flags": 2,
        "options": bytes.fromhex("020405b4 030307 0402 01 00"),
    },
    "{flags: S, options: [timestamps, timestamps 5 0]}": {
        "flags": 2,
        "options": bytes.fromhex("080a 0000004d 00000058 080a 00000005 00000000"),
    },
    "{flags: S, options: [{mss: mtu - 40}, {timestamps: {val: 1, ecr: 2}}, {timestamps: [3, 4]}]}": {
        "flags": 2,
        "options": bytes.fromhex("020405b4 080a 00000001 00000002 080a 00000003 00000004"),
    },
    "{flags: A, options: [sack_blocks rcv.nxt rcv.nxt+1, {sack_blocks: [[1, 2], [3, 4]]}]}": {
        "flags": 16,
        "options": bytes.fromhex("050a 00001393 00001394 0512 00000001 00000002 00000003 00000004"),
    },
    "{flags: S, options: [{kind: 254, data: !hex 00ff}, {kind: 254, length: 1}, {kind: 1 + 1, data: a, length: 9}]}": {
        "flags": 2,
        "options": bytes.fromhex("fe0400ff fe01 020961"),
    },
    "{flags: S, options: [fast_open, fast_open 0123, {fast_open: !hex 45}, !hex 0101]}": {
        "flags": 2,
        "options": bytes.fromhex("2202 22040123 220345 0101"),
    },
}


@pytest.mark.parametrize("text", TABLE)
def test_build(text: str, template: MakeTemplate, scope: MakeScope) -> None:
    assert template(text).build(scope()) == TABLE[text]


def test_kinds(template: MakeTemplate) -> None:
    assert template("{flags: A}").kind == "tcp"
    assert template("{icmp: time-exceeded}").kind == "icmp"
    assert template("{raw: !hex 00}").kind == "raw"


MATRIX = "    matrix: {v: [1, 5]}\n"
ROWS = {
    '{flags: A, seq: "${v}", window: v * 2}': {"flags": 16, "seq": 5, "window": 10},
    '{flags: A, seq: "snd.nxt + ${v}"}': {"flags": 16, "seq": 1011},
    '{flags: "${v}"}': {"flags": 5},
    '{flags: A, options: ["mss ${v}"]}': {"flags": 16, "options": b"\x02\x04\x00\x05"},
    '{flags: A, options: [{mss: "${v}"}, {mss: v}]}': {"flags": 16, "options": b"\x02\x04\x00\x05" * 2},
    '{flags: A, data: "n=${v}"}': {"flags": 16, "payload": b"n=5"},
    '{flags: A, ip: {ttl: "${v}", src: "10.0.0.${v}"}}': {"flags": 16, "ip": {"ttl": 5, "src": pack("10.0.0.5")}},
}


@pytest.mark.parametrize("text", ROWS)
def test_a_row_of_the_matrix(text: str, template: MakeTemplate, scope: MakeScope) -> None:
    assert template(text, MATRIX).build(scope(v=5)) == ROWS[text]


def test_values_keep_their_kind(template: MakeTemplate, scope: MakeScope) -> None:
    head = "    matrix: [{f: S, d: !hex 00ff, df: true, e: ce}, {f: FPU, d: hi, df: false, e: 1}]\n"
    made = template('{flags: "${f}", data: "${d}", ip: {df: "${df}", ecn: "${e}"}}', head)
    first = made.build(scope(f="S", d=b"\x00\xff", df=True, e="ce"))
    assert first == {"flags": 2, "payload": b"\x00\xff", "ip": {"df": True, "tos": 3}}
    second = made.build(scope(f="FPU", d="hi", df=False, e=1))
    assert second == {"flags": 41, "payload": b"hi", "ip": {"df": False, "tos": 1}}


def test_icmp_of_the_matrix(template: MakeTemplate, scope: MakeScope) -> None:
    made = template('{icmp: "${kind}"}', "    matrix: {kind: [time-exceeded, frag-needed]}\n")
    assert made.build(scope(kind="frag-needed")) == {"icmp": "frag-needed"}


ERRORS = {
    "{flags: A, window: snd.nxt * 100}": "window snd.nxt * 100: 100600 is not in 0 .. 65535",
    "{flags: A, len: 0 - iss}": "len 0 - iss: -1000 is not in 0 .. 65495",
    "{flags: A, seq: iss / 3}": "iss / 3: 333.3 is not a whole number",
    "{flags: A, options: [{mss: snd.nxt * 100}]}": "mss snd.nxt * 100: 100600 is not in 0 .. 65535",
}


@pytest.mark.parametrize("text", ERRORS)
def test_what_does_not_fit_is_told_with_its_place(text: str, template: MakeTemplate, scope: MakeScope) -> None:
    with pytest.raises(ExpressionError) as caught:
        template(text).build(scope())
    assert caught.value.message == ERRORS[text]
    assert caught.value.place.line == 8


def test_filler() -> None:
    assert filler(0) == b""
    assert filler(36) + filler(2) == filler(38)


HEAD = "title: t\nscenarios:\n  - id: x\n    title: X\n    level: info\n"


def offers(given: str, scope: Scope) -> dict[str, object]:
    """What a ``given`` makes our endpoint offer."""
    text = f"{HEAD}    given: {given}\n    steps: [expect: nothing]\n"
    return load_text(text, "x")[0].scenario.given.offers(scope)


def test_what_given_offers(scope: MakeScope) -> None:
    nothing = {"mss_option": False, "wscale": None, "timestamps": False, "sack": False}
    assert offers("established", scope()) == {}
    assert offers("{state: established, options: []}", scope()) == nothing
    some = "{state: established, options: [mss mtu-40, sack, timestamps, wscale 7], window: 100, ecn: true}"
    assert offers(some, scope()) == {
        "mss": 1460,
        "mss_option": True,
        "wscale": 7,
        "timestamps": True,
        "sack": True,
        "window": 100,
        "ecn": True,
    }


def test_what_given_offers_row_by_row(scope: MakeScope) -> None:
    given = "{state: established, options: ['mss ${size}', {wscale: size // 500}]}"
    text = f"{HEAD}    matrix: {{size: [536, 1000]}}\n    given: {given}\n    steps: [expect: nothing]\n"
    offered = [row.scenario.given.offers(scope(**row.values)) for row in load_text(text, "x")]
    assert [(each["mss"], each["wscale"]) for each in offered] == [(536, 1), (1000, 2)]
