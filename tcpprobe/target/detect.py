"""Finds out what kind of service listens on a port, with an ordinary socket of the operating system."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from tcpprobe.play.services import post_head
from tcpprobe.target.target import Target, TargetError

PATIENCE = 0.3
"""Seconds of silence that count as having nothing to say, at least; more when the target is far away."""
CONNECT_LIMIT = 3.0
FLOOD = 16384
"""Octets that nobody says who was not asked, but chargen."""
SIZE = 1000
LARGE = 300_000
"""The most octets that a scenario asks for: so many a page must have that cannot be asked for any number."""
PATH = "/bytes/{n}"


@dataclass(slots=True)
class Heard:
    """What a service said until it fell silent."""

    data: bytes = b""
    ended: bool = False  # it closed, or reset, the connection
    reset: bool = False


def detect(target: Target, path: str = PATH) -> Target:
    """The target, its service known: asked for when the user left it to be found out (``auto``).

    Takes at most a few seconds; connects once, and to a web server once more. ``path`` is what a web server is asked
    for when it is to send ``{n}`` octets.

    Raises:
        TargetError: nothing accepts connections there.
    """
    if target.service != "auto":
        return target
    kind = kind_of(target.host, target.port, path=path)
    if kind in ("http", "web") and swallows(target.host, target.port, path):
        return target.with_service(kind, "sink")
    return target.with_service(kind)


def kind_of(host: str, port: int, *, patience: float = PATIENCE, path: str = PATH) -> str:
    """The kind of service on an address (as text) and port: a key of `tcpprobe.target.target.CAPABILITIES`.

    Raises:
        TargetError: nothing accepts connections there.
    """
    began = time.monotonic()
    try:
        connection = _connect(host, port)
    except ConnectionResetError:
        return "brief"
    with connection:
        # A round trip or two on top of what the service itself takes.
        return _interview(connection, max(patience, 3 * (time.monotonic() - began)), path)


def swallows(host: str, port: int, path: str = PATH, *, patience: float = PATIENCE) -> bool:
    """Whether a web server takes a long POST without a word until the end of it."""
    began = time.monotonic()
    try:
        with _connect(host, port) as connection:
            connection.sendall(post_head(path).encode())
            heard = _hear(connection, max(patience, 3 * (time.monotonic() - began)), FLOOD)
    except (OSError, TargetError):
        return False
    return not heard.data and not heard.ended


def _connect(host: str, port: int) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=CONNECT_LIMIT)
    except TimeoutError:
        raise TargetError(f"{host} port {port} does not answer within {CONNECT_LIMIT:.0f} s") from None
    except ConnectionRefusedError:
        raise TargetError(f"{host} port {port} refuses connections: nothing listens there") from None
    except ConnectionResetError:
        raise
    except OSError as error:
        raise TargetError(f"{host} port {port} cannot be reached: {error.strerror or error}") from None


def _interview(connection: socket.socket, patience: float, path: str) -> str:
    unasked = _hear(connection, patience, FLOOD)
    if unasked.reset:
        return "brief"
    if unasked.data:
        if len(unasked.data) >= FLOOD:
            return "chargen"
        return "daytime" if unasked.ended else "banner"
    if unasked.ended:
        return "brief"
    try:
        request = f"GET {path.replace('{n}', str(SIZE))} HTTP/1.1\r\nHost: target\r\nConnection: close\r\n\r\n".encode()
        connection.sendall(request)
        answer = _hear(connection, patience, FLOOD + LARGE, enough=request)
        if not answer.data and not answer.ended:
            connection.shutdown(socket.SHUT_WR)
            last = _hear(connection, patience, FLOOD)
            return "discard" if last.ended and not last.data and not last.reset else "silent"
    except OSError:
        return "unknown"
    return "echo" if answer.data == request else _web(answer.data, exact="{n}" in path)


def _web(answer: bytes, *, exact: bool) -> str:
    if not answer.startswith(b"HTTP/"):
        return "unknown"
    head, _, body = answer.partition(b"\r\n\r\n")
    enough = len(body) == SIZE if exact else len(body) >= LARGE
    return "http" if head.split(b" ", 2)[1:2] == [b"200"] and enough else "web"


def _hear(connection: socket.socket, patience: float, limit: int, enough: bytes | None = None) -> Heard:
    """Listen until silence, the end, this many octets, or exactly those."""
    heard = Heard()
    connection.settimeout(patience)
    while len(heard.data) < limit and heard.data != enough:
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            break
        except OSError:
            heard.ended = heard.reset = True
            break
        if not piece:
            heard.ended = True
            break
        heard.data += piece
    return heard
