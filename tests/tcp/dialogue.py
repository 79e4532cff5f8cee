"""A dialogue with one connection, in virtual time and relative numbers: say what arrives, say what must go out.

The peer's numbers begin at 0 (its SYN), ours too; what is sent and expected are keyword fields of a segment. A
dialogue must be finished: everything the connection sent must have been expected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.events import Event
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import State
from tcpprobe.wire import ip, options
from tcpprobe.wire.flags import ACK, flags_text, parse_flags
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

LOCAL = (ip.pack("192.0.2.1"), 80)
REMOTE = (ip.pack("198.18.0.1"), 4000)
ISS = 0xFFFFFF00  # close to the wrap, so that every dialogue crosses it
IRS = 0xFFFFFFF0
PLAIN = Config(wscale=None, timestamps=False, sack=False)


@dataclass
class Dialogue:
    """One connection and the clock."""

    connection: Connection
    now: float = 0.0
    _unread: list[Segment] | None = None
    peer_stamp: int | None = None

    # -- speaking as the peer

    def arrives(
        self,
        flags: str,
        seq: int = 1,
        ack: int | None = None,
        *,
        data: bytes = b"",
        win: int = 60000,
        opts: tuple[options.Option, ...] = (),
        urgent: int = 0,
        ecn: int = 0,
    ) -> Dialogue:
        """A segment of the peer arrives. ``ack`` None is 0 without ACK and else everything we sent."""
        bits = parse_flags(flags)
        number = 0
        if bits & ACK:
            number = self.connection.tcb.snd.nxt if ack is None else add(ISS, ack)
        if self.peer_stamp is not None and not opts:
            opts = (options.nop(), options.nop(), options.timestamps(self.peer_stamp, self.connection.timestamp()))
        raw = options.pad_options(options.encode_options(opts))
        segment = Segment(REMOTE[1], LOCAL[1], add(IRS, seq), number, bits, win, urgent, raw, data)
        self.connection.segment_arrives(segment, self.now, ecn=ecn)
        return self

    def after(self, seconds: float) -> Dialogue:
        """Time passes; timers expire when they are due."""
        until = self.now + seconds
        self._drain()
        while (due := self.connection.next_timeout()) is not None and due <= until:
            self.now = max(due, self.now)
            self.connection.timeout(self.now)
            self._drain()
        self.now = until
        return self

    def to_timeout(self) -> float:
        """Time passes until the next timer expires; how long that was."""
        self._drain()
        due = self.connection.next_timeout()
        assert due is not None, "no timer is running"
        passed = due - self.now
        self.now = due
        self.connection.timeout(due)
        return passed

    # -- listening

    def _drain(self) -> list[Segment]:
        if self._unread is None:
            self._unread = []
        self._unread += self.connection.segments_to_send(self.now)
        return self._unread

    def sends(self, flags: str, **fields: Any) -> Segment:
        """The next segment that goes out has exactly these flags, and these fields (seq, ack, data, win, len)."""
        unread = self._drain()
        assert unread, f"expected [{flags}] {fields}, but nothing was sent"
        segment = unread.pop(0)
        seen = self._seen(segment)
        expected = {"flags": flags, **fields}
        assert {name: seen[name] for name in expected} == expected
        return segment

    def sends_nothing(self) -> Dialogue:
        """Nothing goes out now."""
        assert [self._seen(segment) for segment in self._drain()] == []
        return self

    def ignores_the_rest(self) -> Dialogue:
        """Whatever else goes out now is not of interest."""
        self._drain().clear()
        return self

    def _seen(self, segment: Segment) -> dict[str, Any]:
        return {
            "flags": flags_text(segment.flags),
            "seq": diff(segment.seq, ISS),
            "ack": diff(segment.ack, IRS) if segment.flags & ACK else 0,
            "data": segment.payload,
            "len": len(segment.payload),
            "win": segment.window,
            "blocks": [(diff(left, IRS), diff(right, IRS)) for left, right in segment.parsed.sack_blocks],
            "raw_seq": segment.seq,
            "raw_ack": segment.ack,
        }

    @property
    def state(self) -> State:
        """The connection's."""
        return self.connection.state

    def events(self) -> list[Event]:
        """Everything it has to tell."""
        events = []
        while (event := self.connection.next_event()) is not None:
            events.append(event)
        return events

    # -- states, each from the one before

    def listening(self) -> Dialogue:
        """LISTEN."""
        self.connection.listen()
        return self

    def syn_received(self, opts: tuple[options.Option, ...] = (options.mss(1000),)) -> Dialogue:
        """SYN-RECEIVED, our SYN,ACK sent."""
        self.listening().arrives("S", 0, opts=opts).sends("SA", seq=0, ack=1)
        return self

    def established(self, *, win: int = 60000, **more: Any) -> Dialogue:
        """ESTABLISHED by a passive open."""
        self.syn_received(**more).arrives("A", 1, 1, win=win)
        self.sends_nothing()
        assert self.state is State.ESTABLISHED
        self.events()
        return self

    def close_wait(self) -> Dialogue:
        """CLOSE-WAIT: the peer has closed."""
        self.established().arrives("FA").sends("A", ack=2)
        return self

    def last_ack(self) -> Dialogue:
        """LAST-ACK: and so have we."""
        self.close_wait().connection.close(self.now)
        self.sends("FA", seq=1, ack=2)
        return self

    def fin_wait_1(self) -> Dialogue:
        """FIN-WAIT-1: we have closed."""
        self.established().connection.close(self.now)
        self.sends("FA", seq=1, ack=1)
        return self

    def fin_wait_2(self) -> Dialogue:
        """FIN-WAIT-2: and the peer knows."""
        self.fin_wait_1().arrives("A", 1, 2).sends_nothing()
        return self

    def closing(self) -> Dialogue:
        """CLOSING: both closed at once."""
        self.fin_wait_1().arrives("FA", 1, 1).sends("A", seq=2, ack=2)
        return self

    def time_wait(self) -> Dialogue:
        """TIME-WAIT after FIN-WAIT-2."""
        self.fin_wait_2().arrives("FA", 1, 2).sends("A", seq=2, ack=2)
        return self

    def in_state(self, state: State) -> Dialogue:
        """Any of the states above."""
        getattr(self, BUILDERS[state])()
        assert self.state is state
        self.events()
        return self


BUILDERS = {
    State.LISTEN: "listening",
    State.SYN_RECEIVED: "syn_received",
    State.ESTABLISHED: "established",
    State.FIN_WAIT_1: "fin_wait_1",
    State.FIN_WAIT_2: "fin_wait_2",
    State.CLOSE_WAIT: "close_wait",
    State.CLOSING: "closing",
    State.LAST_ACK: "last_ack",
    State.TIME_WAIT: "time_wait",
}


@contextmanager
def dialogue(
    config: Config = PLAIN, *, reflexes: Reflexes = Reflexes.ALL, make: type[Connection] = Connection
) -> Iterator[Dialogue]:
    """A dialogue with a fresh connection, which must be finished at the end of the block."""
    talk = Dialogue(make(LOCAL, REMOTE, iss=ISS, config=config, reflexes=reflexes))
    yield talk
    talk.sends_nothing()
