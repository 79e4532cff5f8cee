"""A play in virtual time against a target that the test speaks for.

theatre = Theatre(steps="- send: {flags: S}\\n- expect: {flags: SA}")
syn = theatre.sent()
theatre.answer("SA", seq=5000, ack=syn.seq + 1)
assert theatre.result().verdict is Verdict.PASS
"""

from __future__ import annotations

import random
import textwrap
from collections import deque

from tcpprobe.play.play import Play
from tcpprobe.play.stage import Stage
from tcpprobe.results.model import Result
from tcpprobe.scenario.load import load_text
from tcpprobe.wire.flags import parse_flags
from tcpprobe.wire.ip import Packet, decode, encode, pack
from tcpprobe.wire.segment import Segment

OURS, THEIRS = pack("192.0.2.1"), pack("192.0.2.2")
PORT, CLOSED = 7, 1
IRS = 5000


class Theatre:
    """One play of one scenario; `now` moves only when told to. ``talks``: what the service has besides, ``banner`` …"""

    def __init__(
        self,
        steps: str,
        head: str = "",
        *,
        level: str = "must",
        offload: bool = False,
        talks: str = "",
        round_trip: float = 0.0,
        http_path: str = "/bytes/{n}",
    ) -> None:
        text = "title: t\nscenarios:\n  - id: s\n    title: s\n    level: " + level + "\n"
        if head:
            text += textwrap.indent(textwrap.dedent(head).strip("\n"), "    ") + "\n"
        text += "    steps:\n" + textwrap.indent(textwrap.dedent(steps).strip("\n"), "      ") + "\n"
        (self.case,) = load_text(text, "t.probe.yaml")
        names = tuple(self.case.scenario.connections)
        self.stage = Stage(
            local=OURS,
            ports={name: 4000 + index for index, name in enumerate(names)},
            remote=THEIRS,
            port=PORT,
            closed_port=CLOSED,
            rng=random.Random(1),
            services={"wire": 7, "echo": 7, "source": 80, "http": 80, "closer": 80} | ({talks: 7} if talks else {}),
            offload=offload,
            round_trip=round_trip,
            http_path=http_path,
            target="t",
        )
        self.play = Play(self.case, self.stage)
        self.now = 0.0
        self.out: deque[Packet] = deque()
        self.last: Segment | None = None
        self.play.start(self.now)
        self._drain()

    def sent(self) -> Segment:
        """The next segment that the play has sent."""
        packet = self.out.popleft()
        assert isinstance(packet.payload, Segment)
        self.last = packet.payload
        return packet.payload

    def answer(self, flags: str, seq: int = IRS, ack: int = 0, *, to: int | None = None, **fields: object) -> None:
        """The target sends a segment to our (last) port."""
        dport = to if to is not None else self.last.sport if self.last else 4000
        sport = self.last.dport if self.last else PORT
        segment = Segment(sport, dport, seq, ack, parse_flags(flags), 65535)
        for name, value in fields.items():
            setattr(segment, name, value)
        self.arrive(encode(Packet(THEIRS, OURS, segment)))

    def arrive(self, raw: bytes) -> None:
        """Any packet arrives."""
        self.play.packet_arrives(raw, self.now)
        self._drain()

    def pass_time(self, seconds: float) -> None:
        """Time passes; timers fire on the way."""
        end = self.now + seconds
        while not self.play.done and (due := self.play.next_timeout()) is not None and due <= end:
            self.now = max(self.now, due)
            self.play.timeout(self.now)
            self._drain()
        self.now = end

    def shake_hands(self, **fields: object) -> Segment:
        """Answer the SYN that the play opens with and take its ACK; returns the SYN."""
        syn = self.sent()
        self.answer("SA", IRS, syn.seq + 1, **fields)
        acknowledgment = self.sent()
        assert acknowledgment.ack == IRS + 1
        return syn

    def result(self) -> Result:
        """What was found; the play must have ended."""
        assert self.play.done, "the play still waits"
        return self.play.result()

    def _drain(self) -> None:
        self.out.extend(decode(raw) for raw in self.play.packets_to_send())
