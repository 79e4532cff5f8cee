"""``tcpprobe listen``, used by the kernel's sockets over loopback."""

from __future__ import annotations

import signal
import socket
import threading

import pytest
import services
from services import PATIENCE, free_port, process

BODY = bytes(range(256)) * 4000


def started(done):
    """Wait until it listens."""
    assert done.stderr.readline().startswith("listening on ")


def connected(port, host="127.0.0.1"):
    sock = socket.create_connection((host, port), PATIENCE)
    sock.settimeout(PATIENCE)
    return sock


def everything(sock):
    data = b""
    while part := sock.recv(1 << 16):
        data += part
    return data


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_echo_to_several_at_once(host):
    port = free_port()
    with process("listen", "--port", port, "--echo", "--count", 3, "--source-ip", host) as done:
        started(done)
        socks = [connected(port, host) for _ in range(3)]
        for at, sock in enumerate(socks):
            sock.sendall(b"%d" % at)
        assert [sock.recv(9) for sock in socks] == [b"0", b"1", b"2"]
        for sock in socks:
            sender = threading.Thread(target=lambda sock=sock: (sock.sendall(BODY), sock.shutdown(socket.SHUT_WR)))
            sender.start()
            assert everything(sock) == BODY
            sender.join(PATIENCE)
            sock.close()
        _, told = done.communicate(timeout=PATIENCE)
    assert done.returncode == 0
    assert told.count("sent 1.0 MB, received 1.0 MB") == 3


def test_a_file_for_each_client(tmp_path):
    port = free_port()
    to = tmp_path / "new" / "place"
    names = {}
    with process("listen", "--port", port, "--to", to, "--count", 2) as done:
        started(done)
        socks = [connected(port) for _ in range(2)]
        for at, sock in enumerate(socks):
            sock.sendall(b"%d" % at + BODY)
            names[f"127.0.0.1-{sock.getsockname()[1]}"] = b"%d" % at + BODY
        for sock in socks:
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(1) == b""
            sock.close()
        _, told = done.communicate(timeout=PATIENCE)
    assert done.returncode == 0
    assert {path.name: path.read_bytes() for path in to.iterdir()} == names
    assert told.count("written in ") == 2


def test_a_reset_keeps_what_came(tmp_path):
    port = free_port()
    with process("listen", "--port", port, "--to", tmp_path / "d", "--count", 1) as done:
        started(done)
        sock = connected(port)
        sock.sendall(b"so far")
        services.reset(sock)
        _, told = done.communicate(timeout=PATIENCE)
    assert done.returncode == 0
    (path,) = (tmp_path / "d").iterdir()
    assert path.read_bytes() == b"so far"
    assert f"has reset the connection; partial output kept in {path}" in told


def test_a_silent_client_is_reset():
    port = free_port()
    with process("listen", "--port", port, "--count", 1, "--timeout", 0.2) as done:
        started(done)
        sock = connected(port)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        _, told = done.communicate(timeout=PATIENCE)
    assert "nothing moved for 0.2 s, reset" in told


def test_ctrl_c_closes_all_connections():
    port = free_port()
    with process("listen", "--port", port, "--echo") as done:
        started(done)
        socks = [connected(port) for _ in range(2)]
        for sock in socks:
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"
        done.send_signal(signal.SIGINT)
        for sock in socks:
            assert sock.recv(1) == b""  # FIN; a RST would raise
            sock.close()
        _, told = done.communicate(timeout=PATIENCE)
    assert done.returncode == 130
    assert told.count("closed from here") == 2
    with pytest.raises(ConnectionRefusedError):
        connected(port)


def test_a_second_ctrl_c_resets_what_does_not_close():
    port = free_port()
    with process("listen", "--port", port, "--echo") as done:
        started(done)
        sock = connected(port)
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
        done.send_signal(signal.SIGINT)
        assert sock.recv(1) == b""  # FIN; ours does not come
        done.send_signal(signal.SIGINT)
        done.communicate(timeout=PATIENCE)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            sock.send(b"y")
    assert done.returncode == 130


def test_a_port_in_use(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("listen", "--port", str(port))
    assert (done.code, done.err) == (2, f"tcpprobe: error: port {port} of 127.0.0.1 is in use\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--interface", "nosuch0"), "there is no network interface 'nosuch0'"),
        (("--source-ip", "192.0.2.7"), "192.0.2.7 is not an address of this host"),
        (("--to", "file"), "file: File exists"),
    ],
)
def test_what_is_not_possible_is_told_in_a_line(command, tmp_path, words, says):
    (tmp_path / "file").touch()
    done = command("listen", "--port", str(free_port()), *words)
    assert (done.code, done.err) == (2, f"tcpprobe: error: {says}\n")


@pytest.mark.parametrize(
    "words", [(), ("--port", "0"), ("--port", "9", "--count", "0"), ("--port", "9", "--echo", "--to", "d")]
)
def test_wrong_words(command, words):
    assert command("listen", *words).code == 2
