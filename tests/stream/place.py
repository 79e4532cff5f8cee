"""A network namespace with the hosts of docs/endpoint.md, in which its examples are played: run as a program.

Reads a JSON list of examples from standard input, ``["python", code]`` or ``["console", words]``, and prints what each
said as JSON: ``[exit code, standard output, standard error]``.
"""

from __future__ import annotations

import contextlib
import http.server
import io
import json
import socket
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

from pyroute2 import IPRoute

from tcpprobe.cli.main import main
from tcpprobe.lab import namespace

HOST = "192.0.2.7"
LIMIT = 120


class Web(http.server.BaseHTTPRequestHandler):
    """A text, and a place that has moved."""

    def do_GET(self):
        if self.path == "/old":
            self.send_response(301)
            self.send_header("Location", "/new")
            self.end_headers()
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Hello from the other side\n")

    def log_message(self, *words):
        """Not here."""


class Echo(socketserver.BaseRequestHandler):
    """RFC 862."""

    def handle(self):
        with contextlib.suppress(OSError):
            while data := self.request.recv(1 << 16):
                self.request.sendall(data)


class Discard(socketserver.BaseRequestHandler):
    """RFC 863."""

    def handle(self):
        while self.request.recv(1 << 16):
            pass


def set_up():
    """Enter the namespace and start the services."""
    namespace.enter()
    with IPRoute() as ip:
        index = ip.link_lookup(ifname="lo")[0]
        ip.link("set", index=index, state="up")
        ip.addr("add", index=index, address=HOST, prefixlen=32)
    for port, handler in ((7, Echo), (9, Discard), (80, Web)):
        server = socketserver.ThreadingTCPServer((HOST, port), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def listen(words):
    """The command as a process of its own, with one client that sends hello.txt."""
    with subprocess.Popen(
        [sys.executable, "-m", "tcpprobe", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        first = process.stderr.readline()
        with socket.create_connection((HOST, 9000), LIMIT) as client:
            client.sendall(Path("hello.txt").read_bytes())
            client.shutdown(socket.SHUT_WR)
            client.recv(1)
        out, err = process.communicate(timeout=LIMIT)
    return process.returncode, out, first + err


def play(kind, what, names):
    """What one example says."""
    if kind == "console" and what[0] == "listen":
        return listen(what)
    out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        if kind == "python":
            exec(what, names)
        else:
            code = main(what)
        out.flush()
    return code, out.buffer.getvalue().decode(), err.getvalue()


if __name__ == "__main__":
    examples = json.load(sys.stdin)
    set_up()
    globals_of_examples: dict[str, object] = {"time": time}
    print(json.dumps([play(kind, what, globals_of_examples) for kind, what in examples]))
