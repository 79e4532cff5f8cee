"""What a lab's applications say: echo, discard, daytime, chargen, a little HTTP. Octets in, octets out; no sockets.

Standard library only: it runs in a child process that must start fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

CHUNK = 65536

PATTERN_PERIOD = 251
"""Octet i of what HTTP serves is i modulo this: a prime, so that no segment looks like the next."""
_PATTERN = bytes(range(PATTERN_PERIOD)) * (CHUNK // PATTERN_PERIOD + 2)

_PRINTABLE = bytes(range(32, 127)) * 2
_CHARGEN = b"".join(_PRINTABLE[start : start + 72] + b"\r\n" for start in range(95))  # RFC 864
_CHARGEN *= CHUNK // len(_CHARGEN)


class Talker:
    """One connection's application; this one is discard (RFC 863), which swallows what comes.

    Attributes:
        finished: once `output` is empty there is nothing more to say, ever: the connection is closed for sending.
        deaf: it is told nothing while what it said is not yet sent.
    """

    finished = False
    deaf = True

    def received(self, data: bytes) -> None:
        """Data has come."""

    def output(self) -> bytes:
        """The next octets to send, after the last ones were sent; empty when there are none now."""
        return b""


class Echo(Talker):
    """RFC 862: sends back what comes."""

    def __init__(self) -> None:
        self._data = b""

    def received(self, data: bytes) -> None:
        self._data += data

    def output(self) -> bytes:
        data, self._data = self._data, b""
        return data


class Daytime(Talker):
    """RFC 867, but for the time: one line, always the same, then it closes."""

    finished = True

    def __init__(self) -> None:
        self._line = b"Thursday, January 1, 1970 00:00:00-UTC\r\n"

    def output(self) -> bytes:
        line, self._line = self._line, b""
        return line


class Chargen(Talker):
    """RFC 864: sends lines of printable characters for as long as somebody listens."""

    deaf = False

    def output(self) -> bytes:
        return _CHARGEN


class Http(Talker):
    """A little HTTP/1.1: ``/bytes/N`` is N octets of a known pattern; what is put or posted is swallowed."""

    HEAD_LIMIT = 16384

    def __init__(self) -> None:
        self._input = b""
        self._output = b""
        self._body_left = 0  # octets of the pattern still to send
        self._body_sent = 0
        self._swallow = 0  # octets of a request's body still to come
        self._reply: tuple[bytes, bool] | None = None  # what is said when they are in, and whether it is the last word

    def received(self, data: bytes) -> None:
        if not self.finished:
            self._input += data

    def output(self) -> bytes:
        while not (self._output or self._body_left or self.finished) and self._advance():
            pass
        data, self._output = self._output, b""
        size = min(self._body_left, CHUNK)
        start = self._body_sent % PATTERN_PERIOD
        self._body_left -= size
        self._body_sent += size
        return data + _PATTERN[start : start + size] if size else data

    def _advance(self) -> bool:
        """Take the next thing from the input; False when it is not there yet."""
        if self._reply is not None:
            taken = min(self._swallow, len(self._input))
            self._input = self._input[taken:]
            self._swallow -= taken
            if self._swallow:
                return False
            self._output, self.finished = self._reply
            self._reply = None
            return True
        head, end, rest = self._input.partition(b"\r\n\r\n")
        if end:
            self._input = rest
            self._request(head)
        elif len(self._input) > self.HEAD_LIMIT:
            self._answer("431 Request Header Fields Too Large", last=True)
        else:
            return False
        return True

    def _request(self, head: bytes) -> None:
        line, *lines = head.decode("latin-1").split("\r\n")
        words = line.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            self._answer("400 Bad Request", last=True)
            return
        fields = {name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
        method, path, version = words
        connection = fields.get("connection", "").lower()
        last = "close" in connection or (version == "HTTP/1.0" and "keep-alive" not in connection)
        size = _number(fields.get("content-length", "0"))
        if "transfer-encoding" in fields or size is None:
            self._answer("411 Length Required", last=True)
        elif method in ("GET", "HEAD") and not size:
            self._get(path, last, with_body=method == "GET")
        elif method in ("POST", "PUT"):
            if fields.get("expect", "").lower() == "100-continue":
                self._output = b"HTTP/1.1 100 Continue\r\n\r\n"
            text = f"{size} octets\n".encode()
            self._swallow, self._reply = size, (_head("200 OK", len(text), last) + text, last)
        else:
            self._answer("405 Method Not Allowed", last=True)

    def _get(self, path: str, last: bool, *, with_body: bool) -> None:
        size = _number(path.removeprefix("/bytes/")) if path.startswith("/bytes/") else None
        if size is None:
            self._answer("404 Not Found", last=last, with_body=with_body)
            return
        self._output, self.finished = _head("200 OK", size, last), last
        self._body_left, self._body_sent = size if with_body else 0, 0

    def _answer(self, status: str, *, last: bool, with_body: bool = True) -> None:
        text = f"{status}\n".encode()
        self._output, self.finished = _head(status, len(text), last) + (text if with_body else b""), last


def _head(status: str, size: int, last: bool) -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n"
        f"Connection: {'close' if last else 'keep-alive'}\r\n\r\n"
    ).encode()


def _number(text: str) -> int | None:
    """A size in octets, up to a terabyte."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else None


TALKERS: Mapping[int, Callable[[], Talker]] = MappingProxyType({7: Echo, 9: Talker, 13: Daytime, 19: Chargen, 80: Http})
"""The application behind each port of a lab."""
