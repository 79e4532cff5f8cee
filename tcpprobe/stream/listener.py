"""A port of ours that many connect to, all of them served by one loop."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from types import TracebackType

from tcpprobe.link.base import Link, LinkError
from tcpprobe.link.listening import ListeningLink
from tcpprobe.stream.errors import TimedOut, Unreachable
from tcpprobe.stream.loop import Tap
from tcpprobe.stream.opening import TIMEOUT, loop_over, open_link, packed, sentence
from tcpprobe.stream.stream import Stream
from tcpprobe.tcp.config import Config


class Listener:
    """Takes connections to one port. A context manager: what is still open at its end is reset.

    Attributes:
        loop: what drives it and all its connections.
        streams: the connections that were accepted and are not closed.
    """

    def __init__(
        self,
        port: int,
        *,
        link: str | Link = "raw",
        source_ip: str | None = None,
        interface: str | None = None,
        timeout: float | None = TIMEOUT,
        config: Config | None = None,
        tap: Tap | None = None,
    ) -> None:
        """Listen on ``port``; everything else is as for `tcpprobe.connect`.

        Over the raw link ``source_ip`` is the address to listen on; None: the interface's, or loopback.

        Raises:
            Unreachable: the port is in use, no such interface or address, no privileges.
        """
        source = packed(source_ip)
        self.timeout = timeout
        self.streams: list[Stream] = []
        with ExitStack() as stack:
            try:
                if link == "raw":
                    opened: Link = ListeningLink(port, address=source, interface=interface)
                    stack.callback(opened.close)
                elif link == "packet":
                    raise LinkError("the packet link talks to one peer and cannot listen; use raw or tun")
                else:
                    opened = open_link(link, source or b"", source, interface, stack)
                lease = opened.lend(source or bytes(4), 1)
            except LinkError as error:
                raise Unreachable(sentence(error)) from None
            stack.callback(lease.release)
            lease.ports = (port,)
            self.address = lease.address
            self.loop = loop_over(opened, lease, config, tap)
            self.loop.listen()
            self._release = stack.pop_all()

    def accept(self) -> Stream:
        """Wait for a connection. Raises TimedOut when nobody comes in ``timeout`` seconds."""
        until = None if self.timeout is None else self.loop.now + self.timeout
        while (stream := self.accepted()) is None:
            left = None if until is None else until - self.loop.now
            if left is not None and left <= 0:
                raise TimedOut(f"nobody has connected for {self.timeout:g} s")
            self.turn(left)
        return stream

    def accepted(self) -> Stream | None:
        """The next connection that has opened, without waiting."""
        if not self.loop.accepted:
            return None
        stream = Stream(self.loop, self.loop.accepted.popleft(), timeout=self.timeout)
        self.streams.append(stream)
        return stream

    def turn(self, limit: float | None = None) -> None:
        """Let what is there happen, or wait for it so long. Raises Unreachable when the link fails."""
        try:
            self.loop.turn(limit)
        except LinkError as error:
            raise Unreachable(str(error)) from None

    def drop(self, stream: Stream) -> None:
        """Nothing more of this one: reset unless it is over."""
        self.streams.remove(stream)
        stream.abort()

    def close(self) -> None:
        """Reset what is open and give the port back. Idempotent."""
        while self.streams:
            self.drop(self.streams[-1])
        with self._release, suppress(LinkError):
            self.loop.reset()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
