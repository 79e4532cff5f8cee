"""Finds out what kind of service listens on a port, with an ordinary socket of the operating system."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from tcpprobe.target.target import Target, TargetError

PATIENCE = 0.3
"""Seconds of silence that count as having nothing to say, at least; more when the target is far away."""
CONNECT_LIMIT = 3.0
FLOOD = 16384
"""Octets that nobody says who was not asked, but chargen."""
SIZE = 1000
REQUEST = f"GET /bytes/{SIZE} HTTP/1.1\r\nHost: target\r\nConnection: close\r\n\r\n".encode()


@dataclass(slots=True)
class Heard:
    """What a service said until it fell silent."""

    data: bytes = b""
    ended: bool = False  # it closed, or reset, the connection
    reset: bool = False


def detect(target: Target) -> Target:
    """The target, its service known: asked for when the user left it to be found out (``auto``).

    Takes at most a few seconds; connects once.

    Raises:
        TargetError: nothing accepts connections there.
    """
    if target.service != "auto":
        return target
    return target.with_service(kind_of(target.host, target.port))


def kind_of(host: str, port: int, *, patience: float = PATIENCE) -> str:
    """The kind of service on an address (as text) and port: a key of `tcpprobe.target.target.CAPABILITIES`.

    Raises:
        TargetError: nothing accepts connections there.
    """
    began = time.monotonic()
    try:
        connection = socket.create_connection((host, port), timeout=CONNECT_LIMIT)
    except TimeoutError:
        raise TargetError(f"{host} port {port} does not answer within {CONNECT_LIMIT:.0f} s") from None
    except ConnectionRefusedError:
        raise TargetError(f"{host} port {port} refuses connections: nothing listens there") from None
    except ConnectionResetError:
        return "unknown"
    except OSError as error:
        raise TargetError(f"{host} port {port} cannot be reached: {error.strerror or error}") from None
    with connection:
        # A round trip or two on top of what the service itself takes.
        return _interview(connection, max(patience, 3 * (time.monotonic() - began)))


def _interview(connection: socket.socket, patience: float) -> str:
    unasked = _hear(connection, patience, FLOOD)
    if unasked.reset:
        return "unknown"
    if unasked.data:
        if len(unasked.data) >= FLOOD:
            return "chargen"
        return "daytime" if unasked.ended else "banner"
    if unasked.ended:
        return "unknown"
    try:
        connection.sendall(REQUEST)
        answer = _hear(connection, patience, FLOOD, enough=REQUEST)
        if not answer.data and not answer.ended:
            connection.shutdown(socket.SHUT_WR)
            last = _hear(connection, patience, FLOOD)
            return "discard" if last.ended and not last.data and not last.reset else "silent"
    except OSError:
        return "unknown"
    return _judged(answer.data)


def _judged(answer: bytes) -> str:
    if answer == REQUEST:
        return "echo"
    if not answer.startswith(b"HTTP/"):
        return "unknown"
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    return "http" if status == [b"200"] and len(body) == SIZE else "web"


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
