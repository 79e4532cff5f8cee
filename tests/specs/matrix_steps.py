"""How each behaviour of `matrix_table.py` is seen: the steps of a scenario, and what they prove.

``arrival`` is the segment that the cell is about; ``nxt`` (a column of the matrix) is the target's RCV.NXT if it was
not taken. Whether the connection is still there is asked with old data: in every state from SYN-RECEIVED on RFC 9293
3.10.7.4, first check, has it acknowledged with SND.NXT and RCV.NXT; 3.10.7.1 and 3.10.7.2 have it reset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What is right in some cells.

    Attributes:
        says: the title's end, behind state, segment and position.
        covers: requirements, by state or (``""``) whatever the state.
        why: where it is written.
        steps: as in a scenario; ``{...}`` is filled in from `FILL`.
    """

    says: str
    covers: Mapping[str, tuple[str, ...]]
    why: str
    steps: str

    @property
    def uses(self) -> set[str]:
        """The columns of the matrix that the steps use besides those that every cell has."""
        return {name for name in ("nxt", "length") if f"${{{name}}}" in self.text or f"+ {name}" in self.text}

    @property
    def text(self) -> str:
        """The steps in full."""
        text = self.steps
        for name, value in FILL.items():
            text = text.replace(f"<{name}>", value)
        return text


def by_state(prefix: str, **numbers: int) -> dict[str, tuple[str, ...]]:
    """``RFC9293-S3.10.7.4-n`` for each state."""
    return {state.replace("_", "-"): (f"{prefix}-{number}",) for state, number in numbers.items()}


S = "RFC9293-S3.10.7.4"
FIRST = by_state(
    S,
    SYN_RECEIVED=11,
    ESTABLISHED=1,
    FIN_WAIT_1=12,
    FIN_WAIT_2=13,
    CLOSE_WAIT=14,
    CLOSING=15,
    LAST_ACK=16,
    TIME_WAIT=17,
)
SECOND = by_state(
    S,
    SYN_RECEIVED=18,
    ESTABLISHED=20,
    FIN_WAIT_1=21,
    FIN_WAIT_2=22,
    CLOSE_WAIT=23,
    CLOSING=24,
    LAST_ACK=25,
    TIME_WAIT=26,
)
FOURTH = by_state(
    S,
    SYN_RECEIVED=28,
    ESTABLISHED=29,
    FIN_WAIT_1=30,
    FIN_WAIT_2=31,
    CLOSE_WAIT=32,
    CLOSING=33,
    LAST_ACK=34,
    TIME_WAIT=29,
)
ALWAYS = ""

FILL = MappingProxyType(
    {
        "send": """\
      - send: {flags: "${flags}", seq: "${seq}", len: octets}
        as: arrival
""",
        "silence": """\
      - expect: nothing
        for: 300ms
""",
        # Linux takes a segment that ends right before the window for one inside: hence a gap of one octet.
        "old data": """\
<pause>      - send: {flags: PA, seq: "${nxt} - 2", len: 1<unsaid>}
""",
        "unchanged": """\
<pause>      - send: {flags: PA, seq: "${nxt} - 2", len: 1<unsaid>}
      - expect: <challenge>}
<soon>        why: the connection is as it was
""",
        "still there": """\
      - send: {flags: PA, seq: snd.nxt - 2, len: 1}
      - eventually: {flags: [A, FA], ack: snd.nxt}
        why: the connection is still there, beyond what it has taken
""",
        # Who looks at the ACK of an old segment would end the connection if that acknowledged its FIN.
        "still there unsaid": """\
      - send: {flags: PA, seq: snd.nxt - 2, len: 1, ack: rcv.nxt - 1}
      - eventually: {flags: [A, FA], ack: snd.nxt}
        why: the connection is still there, beyond what it has taken
""",
        "opens": """\
      - send: {flags: A, seq: "${nxt}"}
      - send: {flags: PA, seq: "${nxt}", len: 10}
        as: good
      - eventually: {flags: A, ack: good.end}
        why: the connection still opens, and has taken nothing
""",
        "pure": '{flags: A, len: 0, seq: <snd>, ack: "${nxt}"',
        "challenge": '{flags: <acknowledging>, len: 0, seq: <snd>, ack: "${nxt}"',
    }
)
