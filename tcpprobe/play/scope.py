"""What the names in a scenario's expressions stand for while it is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from tcpprobe.play.line import Line, Snapshot
from tcpprobe.scenario.expression import CAPTURED, UnknownName
from tcpprobe.wire.flags import flags_text
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.options import KINDS
from tcpprobe.wire.segment import Segment

if TYPE_CHECKING:
    from tcpprobe.play.play import Play

SEND_NAMES = frozenset({"una", "nxt", "wnd", "mss", "max_wnd"})
RECEIVE_NAMES = frozenset({"nxt", "wnd"})
LINE_NAMES = frozenset({"snd", "rcv", "iss", "irs"})


class Capture:
    """A packet under the name that ``as`` gave it. An option that it has not is None."""

    public_names = CAPTURED

    def __init__(self, packet: Packet, time: float) -> None:
        self.packet = packet
        self.time = time
        self.ttl = packet.ttl
        self.tos = packet.tos
        self.ident = packet.ident
        self.df = packet.df if len(packet.src) == 4 else None

    def __getattr__(self, name: str) -> object:
        segment = self.packet.payload
        if not isinstance(segment, Segment) or name not in FIELDS:
            raise AttributeError(name)
        return FIELDS[name](segment)


#: A captured segment's fields, worked out when they are asked for.
FIELDS: Mapping[str, Callable[[Segment], object]] = MappingProxyType(
    {
        "seq": lambda segment: segment.seq,
        "ack": lambda segment: segment.ack,
        "end": lambda segment: segment.end,
        "len": lambda segment: len(segment.payload),
        "flags": lambda segment: flags_text(segment.flags),
        "window": lambda segment: segment.window,
        "urgent": lambda segment: segment.urgent,
        "data": lambda segment: segment.payload,
        "mss": lambda segment: segment.parsed.mss,
        "wscale": lambda segment: segment.parsed.wscale,
        "sack": lambda segment: segment.parsed.sack_permitted,
        "ts_val": lambda segment: (segment.parsed.timestamps or (None, None))[0],
        "ts_ecr": lambda segment: (segment.parsed.timestamps or (None, None))[1],
        "count": lambda segment: len(segment.parsed.items),
        "options": lambda segment: " ".join(KINDS.get(each.kind, str(each.kind)) for each in segment.parsed.items),
    }
)


class Sending:
    """``snd``: the send sequence variables, as they were before the arrival that is being judged."""

    public_names = SEND_NAMES

    def __init__(self, line: Line, before: Snapshot | None) -> None:
        snd = line.connection.tcb.snd
        self.una, self.nxt, self.wnd = before[:3] if before else (snd.una, snd.nxt, snd.wnd)
        self.mss, self.max_wnd = snd.mss, snd.max_wnd


class Receiving:
    """``rcv``: the receive sequence variables, as they were before the arrival that is being judged."""

    public_names = RECEIVE_NAMES

    def __init__(self, line: Line, before: Snapshot | None) -> None:
        rcv = line.connection.tcb.rcv
        self.nxt, self.wnd = before[3:] if before else (rcv.nxt, rcv.wnd)


class OfLine:
    """A connection, by its name."""

    public_names = LINE_NAMES

    def __init__(self, line: Line, before: Snapshot | None = None) -> None:
        self._line = line
        self._before = before

    @property
    def snd(self) -> Sending:
        """The send sequence variables."""
        return Sending(self._line, self._before)

    @property
    def rcv(self) -> Receiving:
        """The receive sequence variables."""
        return Receiving(self._line, self._before)

    @property
    def iss(self) -> int:
        """Our initial sequence number."""
        return self._line.connection.tcb.iss

    @property
    def irs(self) -> int:
        """The target's initial sequence number, 0 while it is unknown."""
        return self._line.connection.tcb.irs


class PlayScope:
    """Names as the step that is being played sees them."""

    play: Play

    def __init__(self, play: Play) -> None:
        self.play = play
        self._line: Line | None = None
        self._before: Snapshot | None = None

    @contextmanager
    def at(self, line: Line, before: Snapshot | None = None) -> Iterator[None]:
        """While a step on this line is played, or an arrival is judged by the numbers from before it."""
        saved = self._line, self._before
        self._line, self._before = line, before
        try:
            yield
        finally:
            self._line, self._before = saved

    def lookup(self, name: str) -> object:
        """The value of a name. Raises UnknownName."""
        play = self.play
        values = play.case.values
        if name in values:
            return values[name]
        if name in play.captured:
            return play.captured[name]
        if name in OF_LINE:
            line = self._line or next(iter(play.lines.values()))
            return OF_LINE[name](OfLine(line, self._before), play, line)
        if name in play.lines:
            return OfLine(play.lines[name])
        raise UnknownName(name)


def _timestamp(line: Line, now: float) -> int:
    line.connection.now = now
    return line.connection.timestamp()


#: Names that are about the connection of the step that is played, or about the play.
OF_LINE: Mapping[str, Callable[[OfLine, Play, Line], object]] = MappingProxyType(
    {
        "snd": lambda of, _play, _line: of.snd,
        "rcv": lambda of, _play, _line: of.rcv,
        "iss": lambda of, _play, _line: of.iss,
        "irs": lambda of, _play, _line: of.irs,
        "now": lambda _of, play, _line: play.now - play.started,
        "rtt": lambda _of, play, _line: play.stage.round_trip,
        "mtu": lambda _of, play, _line: play.stage.mtu,
        "mss": lambda _of, _play, line: line.connection.tcb.snd.mss,
        "ts_val": lambda _of, play, line: _timestamp(line, play.now),
        "ts_ecr": lambda _of, _play, line: line.connection.tcb.ts_recent,
        "local_port": lambda _of, _play, line: line.connection.tcb.local[1],
        "remote_port": lambda _of, _play, line: line.connection.tcb.remote[1],
    }
)
