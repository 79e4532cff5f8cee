"""``tcpprobe listen --port P``: a port of ours, served by our own TCP to many at once."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from tcpprobe.cli import transfer
from tcpprobe.cli.main import INTERRUPTED, OK
from tcpprobe.cli.transfer import files, interruptible
from tcpprobe.stream.errors import StreamError
from tcpprobe.stream.listener import Listener
from tcpprobe.stream.loop import Channel
from tcpprobe.stream.stream import LINGER, SEND_BUFFER, Stream
from tcpprobe.tcp.state import State
from tcpprobe.wire.ip import text

_LOOK = 1.0  # seconds between two looks for those who have been silent for too long


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--port", metavar="P", type=_port, required=True, help="the port to listen on")
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--echo", action="store_true", help="send back what comes")
    does.add_argument("--to", metavar="DIR", type=Path, help="one file per client there (default: only count)")
    parser.add_argument("--count", metavar="N", type=_count, help="end after so many clients (default: never)")
    transfer.arguments(parser)
    transfer.patience(parser, None)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; the exit code is one of `transfer.EXIT_CODES`."""
    return transfer.told(lambda stack: _listen(options, stack))


def _port(given: str) -> int:
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise argparse.ArgumentTypeError(f"a port is from 1 to 65535, not {given}")
    return int(given)


def _count(given: str) -> int:
    if not given.isdecimal() or not int(given):
        raise argparse.ArgumentTypeError(f"one client or more, not {given}")
    return int(given)


def _listen(options: argparse.Namespace, stack: ExitStack) -> int:
    if options.to is not None:
        with files(options.to):
            options.to.mkdir(parents=True, exist_ok=True)
    tap = transfer.tap_of(options.pcap, stack)
    listener = stack.enter_context(
        Listener(
            options.port,
            link=options.link,
            source_ip=options.source_ip,
            interface=options.interface,
            timeout=options.timeout,
            tap=tap,
        )
    )
    stack.enter_context(interruptible(listener.loop))
    print(f"listening on {text(listener.address)} port {options.port}", file=sys.stderr, flush=True)
    serving = Serving(listener, options.to, options.echo)
    stack.callback(serving.abandon)
    try:
        while options.count is None or serving.ended < options.count:
            serving.turn()
    except KeyboardInterrupt:
        serving.finish()
        return INTERRUPTED
    return OK


class Client:
    """One who has connected.

    Attributes:
        path: the file of what comes, or None.
    """

    def __init__(self, stream: Stream, directory: Path | None, echo: bool) -> None:
        self.stream = stream
        self.path: Path | None = None
        self._echo = echo
        self._file: IO[bytes] | None = None
        if directory is not None:
            self.path, self._file = _create(directory, stream.peer)

    def serve(self) -> bool:
        """Take what has come; whether the connection is over. Raises Failed when it cannot be written."""
        stream = self.stream
        while stream.readable and not (self._echo and stream.unacknowledged >= SEND_BUFFER):
            data = stream.take(SEND_BUFFER)
            if self._file is not None:
                with files(self.path or ""):
                    self._file.write(data)
            elif self._echo and stream.state in (State.ESTABLISHED, State.CLOSE_WAIT):
                stream.queue(data)
        if stream.at_end and not stream.connection.closing and not stream.over:
            stream.finish()
        return stream.over

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with files(self.path or ""):
                self._file.close()

    def line(self, failure: str | None) -> str:
        """What there is to say at its end."""
        parts = [str(self.stream.statistics)]
        if failure is not None:
            parts.append(failure)
        if self.path is not None:
            parts.append(f"{'partial output kept' if failure else 'written'} in {self.path}")
        return f"{self.stream.peer}: {'; '.join(parts)}"


class Serving:
    """All clients of a listener."""

    def __init__(self, listener: Listener, directory: Path | None, echo: bool) -> None:
        self.ended = 0
        self._listener = listener
        self._directory = directory
        self._echo = echo
        self._clients: dict[Channel, Client] = {}
        self._look = 0.0

    def turn(self, limit: float | None = None) -> None:
        """Wait for news and serve those who have some."""
        listener = self._listener
        timeout = listener.timeout
        listener.turn(limit if timeout is None else min(_LOOK, timeout))
        self._welcome()
        news, listener.loop.news = listener.loop.news, {}
        for channel in news:
            client = self._clients.get(channel)
            if client is not None and client.serve():
                self._end(client, str(client.stream.failure) if client.stream.failure else None)
        if timeout is not None and listener.loop.now >= self._look + min(_LOOK, timeout):
            self._drop_silent(timeout)

    def finish(self) -> None:
        """Close all connections properly, all at once; those that do not close in return are reset."""
        self._welcome()
        failures: dict[Client, str] = {}
        for client in self._clients.values():
            try:
                if not client.serve() and not client.stream.connection.closing:
                    client.stream.finish()
            except StreamError as error:
                failures[client] = str(error)
        until = self._listener.loop.now + LINGER
        for client in list(self._clients.values()):
            client.stream.linger = max(until - self._listener.loop.now, 0.0)
            try:
                client.stream.close()
            except StreamError as error:
                failures[client] = str(error)
            self._end(client, failures.get(client, "closed from here"))

    def abandon(self) -> None:
        """Reset those who are left."""
        for client in list(self._clients.values()):
            self._end(client, "reset from here")

    def _welcome(self) -> None:
        while (stream := self._listener.accepted()) is not None:
            self._clients[stream.channel] = Client(stream, self._directory, self._echo)

    def _drop_silent(self, timeout: float) -> None:
        self._look = now = self._listener.loop.now
        for channel, client in list(self._clients.items()):
            if now - channel.progress >= timeout:
                self._end(client, f"nothing moved for {timeout:g} s, reset")

    def _end(self, client: Client, failure: str | None) -> None:
        del self._clients[client.stream.channel]
        self.ended += 1
        self._listener.drop(client.stream)
        client.close()
        print(client.line(failure), file=sys.stderr, flush=True)


def _create(directory: Path, peer: str) -> tuple[Path, IO[bytes]]:
    """A new file named after the peer. Raises Failed."""
    name = peer.replace("[", "").replace("]", "").rpartition(":")
    path, number = directory / f"{name[0]}-{name[2]}", 1
    with files(path):
        while True:
            try:
                return path, path.open("xb")
            except FileExistsError:
                number += 1
                path = directory / f"{name[0]}-{name[2]}.{number}"
