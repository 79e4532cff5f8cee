"""State × segment × position: one table, from which the files of ``specs/rfc9293/3.10.7-matrix`` are written.

``python tests/specs/matrix_table.py`` writes them; `test_matrix.py` compares. `RULES` says for each cell what answers
RFC 9293 3.10.7 and RFC 5961 allow, as the name of a behaviour; `matrix_behaviours.py` says how each behaviour is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from matrix_behaviours import BEHAVIOURS
from matrix_steps import Behaviour

from tcpprobe.report.state_matrix import STATES

FOLDER = Path(__file__).parents[2] / "specs" / "rfc9293" / "3.10.7-matrix"

OCTETS = 10
"""So many octets of data, where there are some."""

KINDS = {
    "SYN": "S",
    "SYN,ACK": "SA",
    "SYN,FIN": "FS",
    "ACK": "A",
    "FIN": "F",
    "FIN,ACK": "FA",
    "RST": "R",
    "RST,ACK": "RA",
}

#: Where the segment begins (at the right edge: ends), and where RCV.NXT is once it was sent and not taken: our SND.NXT
#: moves with what is sent in order.
POSITIONS = {
    "left of the window": ("snd.nxt - 1000", "snd.nxt"),
    "at the left edge": ("snd.nxt", "arrival.seq"),
    "inside": ("snd.nxt + 100", "snd.nxt"),
    "at the right edge": ("snd.nxt + snd.wnd - <ends>", "snd.nxt"),
    "beyond the window": ("snd.nxt + snd.wnd + 1000", "snd.nxt"),
}
LEFT, EDGE, INSIDE, RIGHT, BEYOND = POSITIONS
NO_WINDOW = "anywhere"

OUTSIDE, WITHIN, AHEAD = {LEFT, BEYOND}, {EDGE, INSIDE, RIGHT}, {INSIDE, RIGHT}
ANY = set(POSITIONS)
RESETS, SYNS, OPENINGS = {"RST", "RST,ACK"}, {"SYN", "SYN,ACK", "SYN,FIN"}, {"SYN", "SYN,FIN"}
ALL = set(KINDS)
BARE, TEXT, EITHER = {False}, {True}, {False, True}

WITHOUT_WINDOW = {"CLOSED", "LISTEN"}
OTHERS = set(STATES) - WITHOUT_WINDOW
RECEIVING = {"ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"}
HEARD_ALL = {"CLOSE-WAIT", "CLOSING", "TIME-WAIT"}
"""The peer's FIN has come, and an acknowledgment does not delete the TCB."""
FIN_SENT = {"FIN-WAIT-1", "CLOSING", "LAST-ACK"}
"""Its own FIN is sent and not acknowledged."""
OURS_CLOSED = {"CLOSING", "TIME-WAIT"}
"""Our own end is CLOSED by then, where a SYN of ours begins a new connection and sets our numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Cells, and the behaviour that is right in them."""

    states: Set[str]
    kinds: Set[str]
    data: Set[bool]
    positions: Set[str]
    behaviour: str


#: The first that fits counts. In the order of RFC 9293 3.10.7.
RULES = (
    # 3.10.7.1 CLOSED
    Rule({"CLOSED"}, RESETS, EITHER, {NO_WINDOW}, "silence-closed"),
    Rule({"CLOSED"}, {"SYN,ACK", "ACK", "FIN,ACK"}, EITHER, {NO_WINDOW}, "reset-by-its-ack"),
    Rule({"CLOSED"}, ALL, EITHER, {NO_WINDOW}, "reset-by-its-length"),
    # 3.10.7.2 LISTEN
    Rule({"LISTEN"}, RESETS, EITHER, {NO_WINDOW}, "silence-listen"),
    Rule({"LISTEN"}, {"SYN,ACK", "ACK", "FIN,ACK"}, EITHER, {NO_WINDOW}, "reset-by-its-ack"),
    Rule({"LISTEN"}, {"SYN"}, EITHER, {NO_WINDOW}, "opens"),
    Rule({"LISTEN"}, {"SYN,FIN"}, EITHER, {NO_WINDOW}, "opens-or-dropped"),
    Rule({"LISTEN"}, ALL, EITHER, {NO_WINDOW}, "silence-listen"),
    # 3.10.7.4, first: the sequence number. RFC 6191 for a SYN in TIME-WAIT.
    Rule(OTHERS, RESETS, EITHER, OUTSIDE, "reset-outside"),
    Rule({"TIME-WAIT"}, OPENINGS, EITHER, {LEFT}, "old-syn"),
    Rule({"TIME-WAIT"}, {"SYN"}, EITHER, ANY, "new-syn"),
    Rule({"TIME-WAIT"}, {"SYN,FIN"}, EITHER, ANY, "new-syn-fin"),
    Rule({"SYN-RECEIVED"}, {"FIN"}, EITHER, OUTSIDE, "outside-half-open-without-ack"),
    Rule({"SYN-RECEIVED"}, ALL, EITHER, OUTSIDE, "outside-half-open"),
    Rule(OTHERS, {"FIN"}, EITHER, OUTSIDE, "outside-without-ack"),
    Rule(OTHERS, ALL, EITHER, OUTSIDE, "outside"),
    # second: RST. RFC 5961 3.2, RFC 1337.
    Rule({"TIME-WAIT"}, RESETS, EITHER, {EDGE}, "reset-exact-time-wait"),
    Rule({"TIME-WAIT"}, RESETS, EITHER, AHEAD, "reset-ahead-time-wait"),
    Rule({"SYN-RECEIVED"}, RESETS, EITHER, {EDGE}, "reset-exact-half-open"),
    Rule(OTHERS, RESETS, EITHER, {EDGE}, "reset-exact"),
    Rule(OTHERS, RESETS, EITHER, AHEAD, "reset-ahead"),
    # fourth: SYN. RFC 5961 4.2.
    Rule({"SYN-RECEIVED"}, SYNS, EITHER, WITHIN, "syn-half-open"),
    Rule(OTHERS, SYNS, EITHER, WITHIN, "syn"),
    # fifth: ACK
    Rule(OTHERS, {"FIN"}, EITHER, WITHIN, "without-ack"),
    Rule({"LAST-ACK"}, ALL, EITHER, {EDGE}, "last-ack"),
    Rule({"LAST-ACK"}, ALL, EITHER, AHEAD, "last-ack-ahead"),
    Rule({"FIN-WAIT-1", "CLOSING"}, {"ACK"}, BARE, {EDGE}, "ack-of-fin"),
    Rule({"SYN-RECEIVED"}, {"ACK"}, BARE, {EDGE}, "ack-half-open"),
    Rule({"ESTABLISHED", "FIN-WAIT-2", "CLOSE-WAIT"}, {"ACK"}, BARE, {EDGE}, "ack"),
    # seventh and eighth: text and FIN
    Rule(HEARD_ALL, ALL, EITHER, WITHIN, "not-taken"),
    Rule({"SYN-RECEIVED"}, ALL, EITHER, AHEAD, "ahead-half-open"),
    Rule({"ESTABLISHED"}, ALL, EITHER, AHEAD, "ahead"),
    Rule({"FIN-WAIT-1", "FIN-WAIT-2"}, ALL, BARE, AHEAD, "ahead"),
    Rule({"FIN-WAIT-1", "FIN-WAIT-2"}, ALL, TEXT, AHEAD, "ahead-after-close"),
    Rule({"SYN-RECEIVED"}, {"ACK"}, TEXT, {EDGE}, "text"),
    Rule({"ESTABLISHED"}, {"ACK"}, TEXT, {EDGE}, "text"),
    Rule({"FIN-WAIT-1", "FIN-WAIT-2"}, {"ACK"}, TEXT, {EDGE}, "text-after-close"),
    Rule({"SYN-RECEIVED", "ESTABLISHED"}, {"FIN,ACK"}, EITHER, {EDGE}, "fin"),
    Rule({"FIN-WAIT-1", "FIN-WAIT-2"}, {"FIN,ACK"}, BARE, {EDGE}, "fin"),
    Rule({"FIN-WAIT-1", "FIN-WAIT-2"}, {"FIN,ACK"}, TEXT, {EDGE}, "fin-after-close"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One segment that arrives in one state."""

    state: str
    kind: str
    data: bool
    position: str

    @property
    def behaviour(self) -> str:
        """What is right here, by name."""
        return self.rule.behaviour

    @property
    def rule(self) -> Rule:
        """The rule that counts. StopIteration when there is none."""
        return next(
            rule
            for rule in RULES
            if self.state in rule.states
            and self.kind in rule.kinds
            and self.data in rule.data
            and self.position in rule.positions
        )

    @property
    def row(self) -> dict[str, object]:
        """Its row of a scenario's matrix."""
        text = "with data" if self.data else "without data"
        seq, nxt = POSITIONS.get(self.position, ("1000", ""))
        octets = OCTETS if self.data else 0
        length = octets + sum(letter in "SF" for letter in KINDS[self.kind])
        row: dict[str, object] = {
            "id": f"{self.kind} {text} {self.position}",
            "state": self.state,
            "kind": self.kind,
            "text": text,
            "position": self.position,
            "flags": KINDS[self.kind],
            "octets": octets,
            "seq": seq.replace("<ends>", str(max(1, length))),
        }
        if "nxt" in BEHAVIOURS[self.behaviour].uses and self.state not in OURS_CLOSED:
            row["nxt"] = nxt
        if "length" in BEHAVIOURS[self.behaviour].uses:
            row["length"] = length
        return row


def cells() -> Iterator[Cell]:
    """All of them."""
    for state in STATES:
        for kind in KINDS:
            for data in (False, True):
                for position in [NO_WINDOW] if state in WITHOUT_WINDOW else POSITIONS:
                    yield Cell(state, kind, data, position)


def files() -> dict[Path, str]:
    """The text of each file, one for each state."""
    return {FOLDER / f"{state.lower()}.probe.yaml": _file(state) for state in STATES}


HEAD = """\
# Made by: python tests/specs/matrix_table.py, which has the table. Do not edit.
"""


def _file(state: str) -> str:
    groups: dict[str, list[Cell]] = {}
    for cell in cells():
        if cell.state == state:
            groups.setdefault(cell.behaviour, []).append(cell)
    section = SECTIONS.get(state, "3.10.7.4")
    lines = [f"{HEAD}title: Every kind of segment, wherever it begins, in {state}\nrfc: 9293\nsection: {section}"]
    lines.append("tags: [matrix]")
    if state == "CLOSED":
        lines.append("needs: [closed_port]")
    lines.append("scenarios:")
    for name, members in groups.items():
        lines.append(_scenario(state, name, BEHAVIOURS[name], members))
    return "\n".join(lines).rstrip("\n") + "\n"


SECTIONS = {"CLOSED": "3.10.7.1", "LISTEN": "3.10.7.2"}


def _scenario(state: str, name: str, behaviour: Behaviour, members: list[Cell]) -> str:
    covers = behaviour.covers.get(state) or behaviour.covers[""]
    lines = [
        f"  - id: {f'matrix-{state.lower()}-{name}'}",
        f'    title: "${{state}}: ${{kind}} ${{text}} ${{position}} {behaviour.says}"',
        f"    covers: [{', '.join(covers)}]",
    ]
    if state not in WITHOUT_WINDOW:
        lines.append(f"    given: {state.lower()}")
        lines.append(f"    ignore: {IGNORED.get(name) or IGNORED.get(state, '[data]')}")
    lines.append(f'    why: "{behaviour.why}"')
    lines.append("    matrix:")
    lines += [
        f"      - {{{', '.join(f'{key}: {_yaml(value)}' for key, value in cell.row.items())}}}" for cell in members
    ]
    lines.append("    steps:")
    # In CLOSE-WAIT the octet of a window probe may have moved SND.NXT. While its FIN is not acknowledged a TCP may say
    # it again whenever it acknowledges (4.4BSD does): at once, which is before its timer (1 s) does. In LAST-ACK old
    # data that acknowledged the FIN would end the connection for those who look at it, so it does not.
    unacknowledged = state in FIN_SENT
    again = "rcv.nxt - 1 .. rcv.nxt" if unacknowledged else "rcv.nxt"
    snd = "rcv.nxt .. rcv.nxt + 1" if state == "CLOSE-WAIT" else again
    acknowledging, soon = ("[A, FA]", "        within: 500ms\n") if unacknowledged else ("A", "")
    unsaid = ", ack: rcv.nxt - 1" if state == "LAST-ACK" else ""
    # Linux answers one segment in 500 ms in TIME-WAIT (net.ipv4.tcp_invalid_ratelimit), elsewhere all that have data.
    pause = "      - wait: 600ms\n" if state == "TIME-WAIT" else ""
    text = behaviour.text.replace("<snd>", snd).replace("<pause>", pause)
    text = text.replace("<acknowledging>", acknowledging).replace("<unsaid>", unsaid).replace("<soon>", soon)
    if state == "CLOSE-WAIT":
        text = SETTLED + text
    if state in OURS_CLOSED and "${nxt}" in text:
        text = MARK + text.replace("${nxt}", "edge.seq")
    return "\n".join(lines) + "\n" + text


MARK = """\
      - send: {flags: A, ack: rcv.nxt - 1, checksum: bad}
        as: edge
        why: it is dropped; it keeps the target's RCV.NXT for the steps below
"""


SETTLED = """\
      - wait: 200ms
        why: the service has its say now; what it sends for its data is no answer to the segment
"""


#: Probes of our closed window are noise in CLOSE-WAIT; a FIN that comes again is none where it was acknowledged.
IGNORED = {"CLOSE-WAIT": "[data, {flags: A, len: 0, seq: rcv.nxt - 1}]", "ack-of-fin": "none"}


def _yaml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) and not value.replace("-", "").isalnum() else str(value)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
    print(f"{sum(1 for _ in cells())} cells in {len(files())} files")
