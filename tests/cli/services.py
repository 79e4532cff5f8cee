"""Services of the kernel's TCP to talk to, each on a free loopback port and ended with the test."""

from __future__ import annotations

import contextlib
import functools
import http.server
import socket
import struct
import subprocess
import sys
import threading

HOST = "127.0.0.1"
PATIENCE = 120.0


def free_port():
    """A port on which nobody listens just now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return sock.getsockname()[1]


@contextlib.contextmanager
def serving(serve):
    """A listening socket whose connections ``serve(connection)`` gets, one after the other; its port."""
    listener = socket.create_server((HOST, 0))
    ended = threading.Event()

    def run():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if ended.is_set():
                connection.close()
                return
            connection.settimeout(PATIENCE)
            with connection, contextlib.suppress(OSError):
                serve(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, listener.getsockname()[1]), 1).close()
        thread.join(PATIENCE)
        listener.close()


def answering(*parts):
    """A server that reads a request's head and answers with these bytes."""

    def serve(connection):
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    return serving(serve)


def reset(connection):
    """End a kernel's connection with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        """Not here."""


@contextlib.contextmanager
def http_server(directory):
    """Python's web server for a directory; its port."""
    with http.server.ThreadingHTTPServer((HOST, 0), functools.partial(_Quiet, directory=directory)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(PATIENCE)


@contextlib.contextmanager
def process(*words, **more):
    """``tcpprobe`` with these words as a process of its own; ended with the test."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more}
    done = subprocess.Popen([sys.executable, "-m", "tcpprobe", *map(str, words)], **streams)
    try:
        yield done
    finally:
        if done.poll() is None:
            done.kill()
        done.communicate()
