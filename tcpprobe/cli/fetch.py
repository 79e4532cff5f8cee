"""``tcpprobe fetch URL``: HTTP/1.1 GET through our own TCP."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO
from urllib.parse import quote, urljoin, urlsplit

import h11

from tcpprobe import __version__
from tcpprobe.cli import transfer
from tcpprobe.cli.main import FOUND, INTERRUPTED, OK
from tcpprobe.cli.transfer import CUT, Failed, Progress, complain, files, interruptible
from tcpprobe.stream.errors import StreamError
from tcpprobe.stream.opening import connect, endpoint_text
from tcpprobe.stream.statistics import amount
from tcpprobe.stream.stream import Stream

_SAFE = "%/:=&?~#+!$,;'@()*[]"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("url", metavar="URL", help="http://host[:port]/path")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="where to write it (default: standard output)"
    )
    transfer.arguments(parser)
    transfer.patience(parser)


def run(options: argparse.Namespace) -> int:
    """Fetch it; the exit code is one of `transfer.EXIT_CODES`."""
    return transfer.told(lambda stack: _fetch(options, stack))


def _fetch(options: argparse.Namespace, stack: ExitStack) -> int:
    host, port, request = _request(options.url)
    tap = transfer.tap_of(options.pcap, stack)
    stream = connect(
        host,
        port,
        link=options.link,
        source_ip=options.source_ip,
        interface=options.interface,
        timeout=options.timeout,
        tap=tap,
    )
    body = Body(options.output)
    stack.callback(body.close)
    stack.enter_context(interruptible(stream.loop))
    code = OK
    try:
        with stream:
            code = Exchange(stream, body, options.url).run(request)
    except (StreamError, Failed) as error:
        raise Failed(
            f"{error}{body.kept()}", error.code if isinstance(error, Failed) else transfer.code_of(error)
        ) from None
    except KeyboardInterrupt:
        body.progress.clear()
        if kept := body.kept():
            complain(f"interrupted{kept}")
        code = INTERRUPTED
    finally:
        body.progress.clear()
        print(stream.statistics, file=sys.stderr)
    return code


def _request(url: str) -> tuple[str, int, h11.Request]:
    """Host, port and request of a URL. Raises Failed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError as error:
        raise Failed(f"{url!r} is not a URL: {error}") from None
    if parts.scheme == "https":
        raise Failed(f"{url}: there is no TLS here, only http")
    if parts.scheme != "http" or not host:
        raise Failed(f"{url!r} is not a URL of the form http://host[:port]/path")
    if parts.username is not None:
        raise Failed(f"{url}: a user in a URL is not supported")
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    try:
        # RFC 9112 3.2: Host is the authority of the URL, without the port when it is the default one.
        name = host if ":" in host or host.isascii() else host.encode("idna").decode()
        shown = endpoint_text(name, port) if port != 80 else f"[{name}]" if ":" in name else name
        headers = [
            ("Host", shown),
            ("User-Agent", f"tcpprobe/{__version__}"),
            ("Accept", "*/*"),
            ("Connection", "close"),
        ]
        return host, port, h11.Request(method="GET", target=path, headers=headers)
    except (h11.LocalProtocolError, UnicodeError) as error:
        raise Failed(f"{url!r} is not a URL: {error}") from None


class Body:
    """What arrives, to a file or to standard output; the file is made when the first of it is there."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.progress = Progress()
        self._file: IO[bytes] | None = None

    def open(self) -> None:
        """Make the file. Raises Failed."""
        if self.path is not None and self._file is None:
            with files(self.path):
                self._file = self.path.open("wb")

    def write(self, data: bytes) -> None:
        """More of it. Raises Failed; BrokenPipeError when the reader of standard output has gone."""
        with files(self.path or "standard output"):
            (self._file or sys.stdout.buffer).write(data)
        self.progress.add(len(data))

    def kept(self) -> str:
        """Where what arrived before a failure is, as the end of a sentence."""
        done, total = self.progress.done, self.progress.total
        if self.path is None or self._file is None:
            return ""
        of = f" of {amount(total)}" if total else ""
        return f"; partial output kept in {self.path} ({amount(done)}{of})"

    def close(self) -> None:
        """Close the file. Raises Failed when the disk is full."""
        if self._file is not None:
            with files(self.path or ""):
                self._file.close()


class Exchange:
    """One request and its answer."""

    def __init__(self, stream: Stream, body: Body, url: str) -> None:
        self._stream = stream
        self._body = body
        self._url = url
        self._http = h11.Connection(h11.CLIENT)

    def run(self, request: h11.Request) -> int:
        """Send the request, write the body. Raises Failed and StreamError."""
        http = self._http
        self._stream.send(http.send(request) + http.send(h11.EndOfMessage()))
        while True:
            event = self._next()
            if isinstance(event, h11.Response):
                self._judge(event)
                self._body.open()
            elif isinstance(event, h11.Data):
                self._body.write(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return OK

    def _next(self) -> h11.Event:
        """The next event of the answer's. Raises Failed."""
        http, stream = self._http, self._stream
        data = b" "
        try:
            while (event := http.next_event()) is h11.NEED_DATA:
                http.receive_data(data := stream.receive())
        except h11.RemoteProtocolError as error:
            if data:
                said = re.sub(r"bytearray\(b(.*)\)", r"\1", str(error))
                raise Failed(f"{stream.peer} does not speak HTTP as it should: {said}", CUT) from None
            how = "without an answer" if not stream.statistics.received else "before the end of its answer"
            raise Failed(f"{stream.peer} closed the connection {how}", CUT) from None
        assert not isinstance(event, type)
        return event

    def _judge(self, response: h11.Response) -> None:
        """Only 2xx is what was asked for. Raises Failed."""
        status, reason = response.status_code, response.reason.decode("latin-1")
        headers = dict(response.headers)
        if 200 <= status < 300:
            length = headers.get(b"content-length")
            self._body.progress.total = int(length) if length is not None else None
            return
        where = headers.get(b"location")
        if 300 <= status < 400 and where is not None:
            to = urljoin(self._url, where.decode("latin-1"))
            raise Failed(f"{self._url} redirects ({status}) to {to}, which is not followed", FOUND)
        raise Failed(f"{self._url}: the server answers {status} {reason}".rstrip(), FOUND)
