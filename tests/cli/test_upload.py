"""``tcpprobe upload``, to real sockets over loopback."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess

import pytest
import services
from services import PATIENCE, free_port, process, serving

from tcpprobe.cli.transfer import CUT, REFUSED, SILENT
from tcpprobe.cli.upload import CHUNK

BODY = bytes(range(256)) * 20_000


def collecting(into, after=lambda connection: None):  # noqa: ARG005
    """A server that adds what each client sends to ``into``."""

    def serve(connection):
        data = b""
        while part := connection.recv(1 << 20):
            data += part
        into.append(data)
        after(connection)

    return serving(serve)


@pytest.mark.parametrize("body", [BODY, b"x", b""], ids=["large", "small", "empty"])
def test_a_file_arrives_whole(command, tmp_path, body):
    (tmp_path / "file").write_bytes(body)
    got = []
    with collecting(got) as port:
        done = command("upload", "file", f"127.0.0.1:{port}")
    assert (done.code, done.out, got) == (0, "", [body])
    (line,) = done.err.splitlines()
    assert re.search(r", \d+ sent again$", line)  # a busy machine is late, and a tail loss probe is sent (RFC 8985 7.2)


def test_what_the_peer_says_meanwhile_is_of_no_interest(command, tmp_path):
    (tmp_path / "file").write_bytes(BODY * 2)

    def echo(connection):
        while data := connection.recv(1 << 16):
            connection.sendall(data)

    with serving(echo) as port:
        done = command("upload", "file", f"127.0.0.1:{port}")
    assert done.code == 0
    assert "received 10.2 MB" in done.err


def test_standard_input():
    got = []
    with collecting(got) as port, process("upload", "-", f"127.0.0.1:{port}", stdin=subprocess.PIPE) as done:
        done.communicate("hello", timeout=PATIENCE)
    assert (done.returncode, got) == (0, [b"hello"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("none", "127.0.0.1:9"), "none: No such file or directory"),
        ((".", "127.0.0.1:9"), ".: Is a directory"),
        (("file", "127.0.0.1"), "'127.0.0.1' has no port"),
        (("file", "lab:linux"), "lab:linux is a lab; name host:port"),
    ],
)
def test_what_is_not_possible_is_told_in_a_line(command, tmp_path, words, says):
    (tmp_path / "file").write_bytes(b"x")
    done = command("upload", *words)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert line.startswith(f"tcpprobe: error: {says}")


def test_nobody_listens(command, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    port = free_port()
    done = command("upload", "file", f"127.0.0.1:{port}")
    assert (done.code, done.err) == (REFUSED, f"tcpprobe: error: 127.0.0.1:{port} refuses connections\n")


def test_a_reset_in_the_middle(command, tmp_path):
    (tmp_path / "file").write_bytes(BODY)

    def cut(connection):
        connection.recv(1000)
        services.reset(connection)

    with serving(cut) as port:
        done = command("upload", "file", f"127.0.0.1:{port}")
    assert done.code == CUT
    assert f"127.0.0.1:{port} has reset the connection (" in done.err.splitlines()[-1]
    assert "of 5.1 MB was acknowledged)" in done.err.splitlines()[-1]


def test_a_window_that_stays_closed(command, tmp_path):
    (tmp_path / "file").write_bytes(bytes(30_000_000))
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:  # nobody accepts, let alone reads
        port = listener.getsockname()[1]
        done = command("upload", "file", f"127.0.0.1:{port}", "--timeout", "0.5")
    assert done.code == SILENT
    assert f"127.0.0.1:{port} takes no data for 0.5 s (its window is closed) (" in done.err.splitlines()[-1]


def test_a_peer_that_never_closes_has_got_everything(command, tmp_path):
    (tmp_path / "file").write_bytes(b"all of it")
    heard = []

    def deaf(connection):
        heard.append(connection.recv(100))
        heard.append(connection.recv(100))
        with pytest.raises(ConnectionResetError):
            heard.extend(iter(lambda: connection.send(b"?"), 0))

    with serving(deaf) as port:
        done = command("upload", "file", f"127.0.0.1:{port}", "--timeout", "0.3")
    assert (done.code, heard[:2]) == (0, [b"all of it", b""])


def test_ctrl_c_ends_with_what_was_sent():
    got = []

    def serve(connection):
        data = b""
        while len(data) < CHUNK:
            data += connection.recv(CHUNK)
        os.kill(client[0].pid, signal.SIGINT)  # it waits for more of its standard input
        got.extend([data, connection.recv(100)])

    client = []
    reading, writing = os.pipe()
    with serving(serve) as port, process("upload", "-", f"127.0.0.1:{port}", stdin=reading) as done:
        client.append(done)
        os.close(reading)
        with os.fdopen(writing, "wb") as more:
            more.write(bytes(CHUNK))
            more.flush()
            _, told = done.communicate(timeout=PATIENCE)
    assert got == [bytes(CHUNK), b""]
    assert done.returncode == 130
    assert "interrupted (262.1 kB was acknowledged)" in told
