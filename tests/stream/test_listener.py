"""A port of ours, for the kernel's sockets over loopback."""

from __future__ import annotations

import contextlib
import socket

import pytest

from tcpprobe.stream.errors import TimedOut, Unreachable
from tcpprobe.stream.listener import Listener
from tcpprobe.tcp.config import Config
from tcpprobe.wire import ip

PATIENCE = 120.0
HOST = "127.0.0.1"


def free_port():
    """A port on which nobody listens just now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return sock.getsockname()[1]


@contextlib.contextmanager
def beside_a_free_port():
    """A listener of the kernel's whose neighbour (the port but for its last bit) nobody uses; and that port."""
    while True:
        with socket.create_server((HOST, 0)) as listener, socket.socket() as probe:
            port = listener.getsockname()[1] ^ 1
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            probe.close()
            yield listener, port
            return


@contextlib.contextmanager
def client(port, host=HOST):
    """A kernel's socket that begins to connect: its handshake is done when the listener turns."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.setblocking(False)
        sock.connect_ex((host, port))
        sock.settimeout(PATIENCE)
        yield sock


@pytest.mark.parametrize("host", [HOST, "::1"])
def test_a_connection_is_taken_and_served(host):
    with Listener(port := free_port(), source_ip=host, timeout=PATIENCE) as listener, client(port, host) as sock:
        stream = listener.accept()
        assert stream.peer.endswith(f":{sock.getsockname()[1]}")
        sock.sendall(b"question")
        assert stream.receive() == b"question"
        stream.send(b"answer")
        assert sock.recv(100) == b"answer"
        sock.close()
        assert stream.receive() == b""
        stream.close()
        assert stream.over


def test_a_neighbour_port_is_left_alone():
    with (
        beside_a_free_port() as (neighbour, port),  # in the same block: our filter lets its packets pass
        Listener(port, timeout=PATIENCE) as listener,
        client(neighbour.getsockname()[1]) as sock,
    ):
        listener.turn(0.01)
        neighbour.settimeout(PATIENCE)
        accepted, _ = neighbour.accept()
        with accepted:
            accepted.sendall(b"fine")
            listener.turn(0.01)
            assert sock.recv(10) == b"fine"


def test_what_is_open_at_the_end_is_reset():
    listener = Listener(port := free_port(), timeout=PATIENCE)
    with client(port) as taken, client(port) as untaken:
        with listener:
            listener.accept()
            while not listener.loop.accepted:
                listener.turn(PATIENCE)
        for sock in (taken, untaken):
            with pytest.raises(ConnectionResetError):
                sock.recv(1)


def test_nobody_comes():
    with Listener(free_port(), timeout=0.05) as listener, pytest.raises(TimedOut, match=r"connected for 0\.05 s"):
        listener.accept()


def test_the_port_is_free_again():
    port = free_port()
    for _ in range(2):
        Listener(port).close()
    with socket.create_server((HOST, port)), pytest.raises(Unreachable, match=f"port {port} of {HOST} is in use"):
        Listener(port)


def test_an_interface_gives_its_address():
    with Listener(free_port(), interface="lo") as listener:
        assert listener.address == ip.pack(HOST)


def test_a_window_of_ones_own():
    port = free_port()
    with Listener(port, timeout=PATIENCE, config=Config(window=1000)) as listener, client(port) as sock:
        stream = listener.accept()
        assert sock.send(bytes(5000)) == 5000
        while stream.readable < 1000:
            listener.turn(PATIENCE)
        assert stream.readable == 1000  # the rest waits at the peer
