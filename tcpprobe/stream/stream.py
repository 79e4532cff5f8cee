"""A connection, used like a socket."""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from tcpprobe.link.base import LinkError
from tcpprobe.stream.errors import NotOpen, Refused, Reset, StreamError, TimedOut, Unreachable
from tcpprobe.stream.loop import Channel, Loop
from tcpprobe.stream.statistics import Statistics
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import parse_flags
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.text import endpoint

SEND_BUFFER = 4 << 20
"""`Stream.send` returns when less than this waits for acknowledgment, in bytes."""

LINGER = 1.0
"""Seconds that `Stream.close` waits for the peer's FIN, unless told otherwise."""

_FIN_ACKED = frozenset({State.FIN_WAIT_2, State.TIME_WAIT, State.CLOSED})
_OVER = frozenset({State.TIME_WAIT, State.CLOSED})


class Stream:
    """One connection.

    Everything blocks, and nothing happens between two calls: a caller who works for long leaves the peer without
    acknowledgments for so long. Calls raise `Reset` when the peer has reset the connection, `TimedOut` when nothing
    moves for ``timeout`` seconds, `Unreachable` when the link fails, `NotOpen` after `close`.

    As a context manager it closes the connection (FIN); a second Ctrl-C while closing, and any exception but Ctrl-C,
    abort it (RST), so that the peer does not take what it got for all there was.

    Attributes:
        timeout: seconds without progress after which calls give up; None: never.
        linger: seconds that `close` waits for the peer's FIN after ours was acknowledged.
        loop: what drives it.
        channel: what the loop knows of it.
    """

    def __init__(
        self, loop: Loop, channel: Channel, *, timeout: float | None, release: Callable[[], None] | None = None
    ) -> None:
        """``release`` is called once when the stream is over."""
        self.timeout = timeout
        self.linger = LINGER
        self.loop = loop
        self.channel = channel
        self._release = release
        self._ended: float | None = None

    # -- what it is

    @property
    def connection(self) -> Connection:
        """The connection inside: its state and its numbers, for those who want to look."""
        return self.channel.connection

    @property
    def state(self) -> State:
        """The state of our end (RFC 9293 3.3.2)."""
        return self.connection.state

    @property
    def local(self) -> str:
        """Our address and port: ``10.0.0.1:4000``."""
        return endpoint(*self.connection.tcb.local)

    @property
    def peer(self) -> str:
        """The peer's address and port."""
        return endpoint(*self.connection.tcb.remote)

    @property
    def statistics(self) -> Statistics:
        """What went each way so far."""
        channel = self.channel
        ended = self.loop.now if self._ended is None else self._ended
        return Statistics(
            channel.sent,
            channel.received,
            channel.packets_sent,
            channel.packets_received,
            channel.retransmissions,
            channel.connection.rto.srtt,
            ended - channel.began,
        )

    @property
    def failure(self) -> StreamError | None:
        """Why nothing can go over it any more, or None; what arrived before can still be read."""
        channel = self.channel
        if channel.reset:
            if channel.opened:
                return Reset(f"{self.peer} has reset the connection")
            return Refused(f"{self.peer} refuses connections{self._trouble}")
        if channel.timed_out:
            return TimedOut(f"{self.peer} does not answer any more{self._trouble}")
        return None

    @property
    def at_end(self) -> bool:
        """Whether the peer has closed and everything it sent was read."""
        channel = self.channel
        return channel.peer_closed and not channel.connection.readable

    @property
    def over(self) -> bool:
        """Whether both sides have closed, or one has reset it."""
        return self.state in _OVER

    @property
    def readable(self) -> int:
        """Bytes that can be read at once."""
        return len(self.connection.readable)

    @property
    def unacknowledged(self) -> int:
        """Bytes of ours that are not acknowledged yet, sent or not."""
        return len(self.connection.buffer)

    @property
    def _why(self) -> str:
        """What is known about a silence."""
        connection = self.connection
        closed = self.channel.opened and connection.buffer and not connection.tcb.snd.wnd
        return " (its window is closed)" if closed else self._trouble

    @property
    def _trouble(self) -> str:
        return f" ({self.channel.trouble})" if self.channel.trouble else ""

    # -- what it does

    def establish(self) -> None:
        """Wait until it is open: `connect` has done so."""
        self._wait(lambda: self.channel.opened, "does not answer")

    def send(self, data: bytes) -> None:
        """Queue all of ``data`` and send what the windows allow; returns when less than `SEND_BUFFER` is unanswered."""
        self._require_open()
        self._turn(0)
        buffer = self.connection.buffer
        view = memoryview(data)
        while view:
            self._wait(lambda: len(buffer) < SEND_BUFFER, "takes no data")
            room = SEND_BUFFER - len(buffer)
            self.queue(bytes(view[:room]))
            view = view[room:]
        self._wait(lambda: len(buffer) < SEND_BUFFER, "takes no data")

    def queue(self, data: bytes) -> None:
        """Send without waiting: for those who turn the loop themselves. Raises NotOpen after `finish`."""
        try:
            self.connection.send(data, self.loop.now)
        except ValueError:
            raise self.failure or NotOpen("this side of the connection is closed") from None
        self.channel.queued += len(data)
        self._guarded(lambda: self.loop.touch(self.channel))

    def receive(self, n: int = 1 << 20) -> bytes:
        """Wait for data and return up to ``n`` bytes of it; ``b""`` when the peer has closed and all was read."""
        self._require_open()
        self._turn(0)
        channel = self.channel
        self._wait(lambda: bool(channel.connection.readable) or channel.peer_closed, "sends nothing")
        return self.take(n)

    def take(self, n: int | None = None) -> bytes:
        """What can be read at once, without waiting."""
        data = self.connection.receive(n)
        if data:
            self._guarded(lambda: self.loop.touch(self.channel))  # the window may have opened
        return data

    def receive_all(self) -> bytes:
        """Everything until the peer closes."""
        parts = []
        while data := self.receive():
            parts.append(data)
        return b"".join(parts)

    def put(self, segment: Any) -> None:
        """Send one segment made by hand, right or wrong; our numbers move when a sound peer must take it.

        Args:
            segment: a scapy ``TCP`` layer (or an ``IP`` packet with one in it), a `tcpprobe.wire` segment or packet,
                or a mapping: ``{"flags": "PA", "payload": b"x"}`` with any of seq, ack, window, urgent, options.
                What scapy or the mapping leave open comes from the connection.

        Raises:
            ValueError: a field does not fit, or it is none of these.
        """
        self._require_open()
        self._turn(0)
        packet = self._packet(segment)
        self._guarded(lambda: self.loop.put(self.channel, packet))

    def wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Let the connection go on until a condition holds, so many seconds at most; whether it does."""
        until = self.loop.now + timeout
        self._turn(0)
        while not condition() and (left := until - self.loop.now) > 0:
            self._turn(left)
        return condition()

    def wait_for(self, fileno: int) -> None:
        """Let the connection go on until a descriptor can be read. Raises what `receive` does, but for TimedOut."""
        while not select.select([fileno], [], [], 0)[0]:
            if self.failure is not None:
                raise self.failure
            self._turn(None, fileno)

    def finish(self) -> None:
        """No more data from us: FIN after what is queued. What the peer sends can still be received."""
        self._require_open()
        self.connection.close(self.loop.now)
        self._guarded(lambda: self.loop.touch(self.channel))

    def flush(self, *, discard: bool = False) -> None:
        """Wait until all that was sent is acknowledged, after `finish` our FIN too; ``discard`` what comes meanwhile.

        Raises:
            Reset, TimedOut, Unreachable: it was not.
        """
        self._wait(lambda: self._acknowledged(discard), "does not acknowledge")
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Send what is queued and FIN, wait until it is acknowledged, and ``linger`` seconds for the peer's FIN.

        What the peer still sends is dropped; one that does not close gets a RST at last. Idempotent. TIME-WAIT is not
        waited for: the port stays silent as long as the link is open.

        Raises:
            Reset, TimedOut, Unreachable: not everything was acknowledged.
        """
        if self._ended is not None:
            return
        channel = self.channel
        try:
            if not self._over():
                self.finish()
                self.flush(discard=True)
                self.wait(self._over, self.linger)
            elif self.failure is not None and channel.queued > channel.sent:
                raise self.failure
        finally:
            self.abort()

    def _acknowledged(self, discard: bool) -> bool:
        connection = self.connection
        if discard:
            connection.receive()  # nobody will read it
        return self.state in _FIN_ACKED if connection.closing else not connection.buffer

    def _over(self) -> bool:
        self.connection.receive()
        return self.over

    def abort(self) -> None:
        """End at once, with a RST when the connection is not over. Idempotent."""
        if self._ended is not None:
            return
        self._ended = self.loop.now
        try:
            if self.state not in _OVER:
                self.connection.abort(self.loop.now)
                self.loop.touch(self.channel)
        except LinkError:
            pass  # it cannot be told
        finally:
            self.loop.forget(self.channel)
            if self._release is not None:
                self._release()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            self.abort()
            return
        try:
            self.close()
        except StreamError:
            if kind is None:
                raise

    # -- inside

    def _require_open(self) -> None:
        if self._ended is not None:
            raise NotOpen("the stream is closed")

    def _guarded(self, what: Callable[[], None]) -> None:
        try:
            what()
        except LinkError as error:
            raise Unreachable(str(error)) from None

    def _turn(self, limit: float | None, also: int | None = None) -> None:
        try:
            self.loop.turn(limit, also)
        except LinkError as error:
            raise Unreachable(str(error)) from None

    def _wait(self, condition: Callable[[], bool], idle: str) -> None:
        """Let the loop turn until the condition holds. ``idle`` says what the peer does when nothing moves."""
        channel, loop, timeout = self.channel, self.loop, self.timeout
        since = loop.now
        while not condition():
            failure = self.failure
            if failure is not None:
                raise failure
            if channel.closed:
                raise NotOpen("the connection is closed")
            limit = None
            if timeout is not None:
                limit = max(since, channel.progress) + timeout - loop.now
                if limit <= 0:
                    raise TimedOut(f"{self.peer} {idle} for {timeout:g} s{self._why}")
            self._turn(limit)

    def _packet(self, made: Any) -> Packet:
        connection = self.connection
        connection.now = self.loop.now
        tcb = connection.tcb
        if isinstance(made, Packet):
            return made
        if isinstance(made, Segment):
            return Packet(tcb.local[0], tcb.remote[0], made)
        if isinstance(made, Mapping):
            return Packet(tcb.local[0], tcb.remote[0], self._segment(made))
        from tcpprobe.scapy_edge import completed

        return completed(made, lambda flags: connection.form(tcb.snd.nxt, flags), tcb.local[0], tcb.remote[0])

    def _segment(self, fields: Mapping[str, Any]) -> Segment:
        flags = fields.get("flags", "A")
        segment = self.connection.form(
            self.connection.tcb.snd.nxt, parse_flags(flags) if isinstance(flags, str) else flags
        )
        for name, value in fields.items():
            if name != "flags":
                if name not in Segment.__slots__:
                    raise ValueError(f"a segment has no field {name!r}")
                setattr(segment, name, value)
        return segment
