"""The sockets behind a lab's applications: every connection of every service over one epoll, in one process.

Standard library only: it runs in a child process that must start fast.
"""

from __future__ import annotations

import errno
import resource
import select
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from tcpprobe.lab.talkers import CHUNK, Talker

BACKLOG = 4096
ACCEPTS_AT_ONCE = 64
CHUNKS_AT_ONCE = 16
_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)


class Connection:
    """One accepted connection and its application."""

    __slots__ = ("closed_for_sending", "events", "peer_is_done", "socket", "speaking", "talker", "unsent")

    def __init__(self, accepted: socket.socket, talker: Talker) -> None:
        self.socket = accepted
        self.talker = talker
        self.unsent = b""
        self.speaking = False  # something waits to be sent, or may
        self.events = select.EPOLLIN
        self.peer_is_done = False
        self.closed_for_sending = False

    def serve(self, events: int) -> bool:
        """Do what can be done now; False when the connection is over.

        Raises:
            OSError: it was reset.
        """
        if events & (select.EPOLLERR | select.EPOLLHUP):
            return False
        if events & select.EPOLLIN and not self.peer_is_done:
            self._hear()
        self.speaking = all(self._say() for _ in range(CHUNKS_AT_ONCE)) or bool(self.unsent)
        return not self.peer_is_done or (self.speaking and self.talker.deaf)

    def interest(self) -> int:
        """The epoll events to wait for."""
        reading = not (self.peer_is_done or (self.speaking and self.talker.deaf))
        return (select.EPOLLIN if reading else 0) | (select.EPOLLOUT if self.speaking else 0)

    def _hear(self) -> None:
        try:
            data = self.socket.recv(CHUNK)
        except BlockingIOError:
            return
        self.peer_is_done = not data
        self.talker.received(data)

    def _say(self) -> bool:
        """Send what the application says next; False when there is nothing, or no room for it."""
        if not self.unsent:
            self.unsent = self.talker.output()
        if not self.unsent:
            if self.talker.finished and not self.closed_for_sending:
                # CLOSE as RFC 9293 3.6 means it: "I have no more data to send"; what still comes is taken.
                self.closed_for_sending = True
                self.socket.shutdown(socket.SHUT_WR)
            return False
        try:
            sent = self.socket.send(self.unsent)
        except BlockingIOError:
            return False
        self.unsent = self.unsent[sent:]
        return True


class Services:
    """Listening sockets, each with the application behind it, and their connections."""

    def __init__(self, listeners: Iterable[tuple[socket.socket, Callable[[], Talker]]]) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, Callable[[int], None]] = {}
        self._connections: dict[int, Connection] = {}
        self._listeners: list[socket.socket] = []
        self._running = False
        for listener, make in listeners:
            self._listeners.append(listener)
            self.watch(listener.fileno(), partial(self._accept, listener, make))

    def watch(self, fileno: int, call: Callable[[int], None]) -> None:
        """Call this with the epoll events of a descriptor whenever it can be read or its other end is gone."""
        self._watched[fileno] = call
        self._epoll.register(fileno, select.EPOLLIN)

    def run(self) -> None:
        """Serve until `stop`."""
        self._running = True
        while self._running:
            for fileno, events in self._epoll.poll():
                if (connection := self._connections.get(fileno)) is not None:
                    self._serve(fileno, connection, events)
                elif (call := self._watched.get(fileno)) is not None:
                    call(events)

    def stop(self, _events: int = 0) -> None:
        """Leave `run`."""
        self._running = False

    def close(self) -> None:
        """Close everything."""
        for each in [*self._listeners, *(connection.socket for connection in self._connections.values())]:
            each.close()
        self._epoll.close()

    def _accept(self, listener: socket.socket, make: Callable[[], Talker], _events: int) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                accepted, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_DESCRIPTORS and self._connections:
                    self._drop(next(iter(self._connections)))  # the oldest
                return
            accepted.setblocking(False)
            fileno = accepted.fileno()
            connection = self._connections[fileno] = Connection(accepted, make())
            self._epoll.register(fileno, select.EPOLLIN)
            self._serve(fileno, connection, 0)

    def _serve(self, fileno: int, connection: Connection, events: int) -> None:
        try:
            goes_on = connection.serve(events)
        except OSError:
            goes_on = False
        if not goes_on:
            self._drop(fileno)
        elif (wanted := connection.interest()) != connection.events:
            self._epoll.modify(fileno, wanted)
            connection.events = wanted

    def _drop(self, fileno: int) -> None:
        connection = self._connections.pop(fileno)
        connection.socket.close()


def listen(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    """A socket that listens there, for `Services`."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # RFC 6093 6: urgent data is delivered in line; otherwise an octet of the stream would go missing.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.setblocking(False)
    listener.bind((address, port))
    listener.listen(BACKLOG)
    return listener


def raise_descriptor_limit() -> None:
    """Allow as many connections as this process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
