"""``tcpprobe fetch``, from real servers over loopback."""

from __future__ import annotations

import os
import random
import signal
import socket
import struct

import pytest
import services
from services import PATIENCE, answering, free_port, http_server, process, serving

from tcpprobe.cli.transfer import CUT, EXIT_CODES, REFUSED, SILENT
from tcpprobe.link import bpf

BODY = random.Random(7).randbytes(3_000_000)
CHUNKED = (
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n",
    b"Trailer: x\r\n\r\n",
)
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"


def url(port, path="/"):
    return f"http://127.0.0.1:{port}{path}"


@pytest.fixture
def web(tmp_path):
    """A web server with a large, an empty and an oddly named file; its port."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "large").write_bytes(BODY)
    (served / "empty").touch()
    (served / "a name").write_text("odd")
    with http_server(served) as port:
        yield port


def test_a_file_arrives_whole(command, web, tmp_path):
    done = command("fetch", url(web, "/large"), "-o", "out")
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "out").read_bytes() == BODY
    (line,) = done.err.splitlines()
    assert line.startswith("sent ")
    assert "received 3.0 MB" in line


@pytest.mark.parametrize(("path", "body"), [("/empty", ""), ("/a name?x=ü", "odd")])
def test_to_standard_output(command, web, path, body):
    done = command("fetch", url(web, path))
    assert (done.code, done.out) == (0, body)


def test_a_host_by_name_whichever_address_answers(command, web):
    assert command("fetch", f"http://localhost:{web}/empty").code == 0


def test_chunks_are_joined(command):
    with answering(*CHUNKED) as port:
        done = command("fetch", url(port))
    assert (done.code, done.out) == (0, "hello, world")


def test_without_a_length_the_end_of_the_connection_is_the_end(command):
    with answering(b"HTTP/1.0 200 OK\r\n\r\n", b"all of it") as port:
        done = command("fetch", url(port))
    assert (done.code, done.out) == (0, "all of it")


def test_the_request(command):
    heard = []

    def serve(connection):
        heard.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with serving(serve) as port:
        assert command("fetch", url(port, "/x y?q=1#part")).code == 0
    line, *headers = heard[0].decode().split("\r\n")
    assert line == "GET /x%20y?q=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{port}" in headers
    assert "Connection: close" in headers


def test_a_redirect_is_told_and_not_followed(command, tmp_path):
    with answering(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n") as port:
        done = command("fetch", url(port, "/here"), "-o", "out")
    assert done.code == 1
    says = f"{url(port, '/here')} redirects (302) to {url(port, '/there')}, which is not followed"
    assert done.err.splitlines()[-1] == f"tcpprobe: error: {says}"
    assert not (tmp_path / "out").exists()


def test_an_error_of_the_servers(command, web):
    done = command("fetch", url(web, "/none"))
    assert (done.code, done.out) == (1, "")
    assert f"tcpprobe: error: {url(web, '/none')}: the server answers 404 File not found" in done.err


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            (b"220 mail.example ESMTP\r\n\r\n",),
            "does not speak HTTP as it should: illegal status line: '220 mail.example ESMTP'",
        ),
        ((), "closed the connection without an answer"),
        (
            (SHORT, b"not all"),
            "closed the connection before the end of its answer; partial output kept in out (7 B of 2.0 MB)",
        ),
    ],
)
def test_answers_that_are_none(command, answer, says):
    with answering(*answer) as port:
        done = command("fetch", url(port), "-o", "out")
    assert done.code == CUT
    assert says in done.err.splitlines()[-1]


def test_a_reset_in_the_middle_keeps_what_came(command, tmp_path):
    def cut(connection):
        connection.recv(65536)
        connection.sendall(SHORT + BODY[:1000])
        while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)[24:28] != bytes(4):
            pass  # until nothing is unacknowledged (tcpi_unacked)
        services.reset(connection)

    with serving(cut) as port:
        done = command("fetch", url(port), "-o", "out")
    assert done.code == CUT
    says = f"127.0.0.1:{port} has reset the connection; partial output kept in out (1.0 kB of 2.0 MB)"
    assert done.err.splitlines()[-1] == f"tcpprobe: error: {says}"
    assert (tmp_path / "out").read_bytes() == BODY[:1000]


def test_nobody_listens(command):
    port = free_port()
    done = command("fetch", url(port), "-o", "out")
    assert (done.code, done.err) == (REFUSED, f"tcpprobe: error: 127.0.0.1:{port} refuses connections\n")


def test_a_port_behind_a_firewall(command):
    with socket.socket() as silent:
        bpf.attach(silent, bpf.DROP_ALL)
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        done = command("fetch", url(port), "--timeout", "0.2")
    assert (done.code, done.err) == (SILENT, f"tcpprobe: error: 127.0.0.1:{port} does not answer for 0.2 s\n")


def test_a_server_that_says_nothing(command):
    with serving(lambda connection: connection.recv(1 << 20) and connection.recv(1)) as port:
        done = command("fetch", url(port), "--timeout", "0.2")
    assert done.code == SILENT
    assert f"127.0.0.1:{port} sends nothing for 0.2 s" in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("https://127.0.0.1/",), "https://127.0.0.1/: there is no TLS here, only http"),
        (("127.0.0.1:80",), "'127.0.0.1:80' is not a URL of the form http://host[:port]/path"),
        (("http://[::1/",), "'http://[::1/' is not a URL: Invalid IPv6 URL"),
        (("http://127.0.0.1:99999/",), "'http://127.0.0.1:99999/' is not a URL: Port out of range 0-65535"),
        (("http://u:p@127.0.0.1/",), "http://u:p@127.0.0.1/: a user in a URL is not supported"),
        (("http://127.0.0.1/", "--interface", "nosuch0"), "there is no network interface 'nosuch0'"),
        (("http://127.0.0.1/", "--source-ip", "192.0.2.7"), "192.0.2.7 is not an address of this host"),
        (("http://127.0.0.1/", "--link", "tun"), "the tun link needs the name of a TUN device"),
        (("http://127.0.0.1/", "--pcap", "no/such/file"), "no/such/file: No such file or directory"),
        (("http://nosuchhost.invalid/",), "no such host: nosuchhost.invalid"),
    ],
)
def test_what_is_not_possible_is_told_in_a_line(command, words, says):
    done = command("fetch", *words)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith(f"tcpprobe: error: {says}")


def test_a_file_that_cannot_be_written(command, web):
    done = command("fetch", url(web, "/large"), "-o", "no/such/file")
    assert done.code == 2
    assert done.err.splitlines()[-1] == "tcpprobe: error: no/such/file: No such file or directory"


def test_a_full_disk(command, web):
    done = command("fetch", url(web, "/large"), "-o", "/dev/full")
    assert done.code == 2
    assert "tcpprobe: error: /dev/full: No space left on device; partial output kept" in done.err.splitlines()[-1]


def test_a_capture_has_all_packets(command, web, tmp_path):
    assert command("fetch", url(web, "/empty"), "--pcap", "x.pcapng").code == 0
    data = (tmp_path / "x.pcapng").read_bytes()
    kinds, at = [], 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        kinds.append(kind)
        at += size
    assert kinds[:2] == [0x0A0D0D0A, 1]
    assert set(kinds[2:]) == {6}
    assert len(kinds) > 8
    assert b"GET /empty HTTP/1.1" in data
    assert b"HTTP/1.0 200 OK" in data


def test_a_capture_on_a_full_disk(command, web):
    done = command("fetch", url(web, "/large"), "-o", "out", "--pcap", "/dev/full")
    assert done.code == 2
    assert "tcpprobe: error: /dev/full: No space left on device" in done.err


def test_ctrl_c_closes_the_connection_and_keeps_what_came(tmp_path):
    ends = []

    def endless(connection):
        connection.recv(65536)
        connection.sendall(SHORT + BODY[:1000])
        os.kill(client[0].pid, signal.SIGINT)
        ends.append(connection.recv(1))  # b"" is the FIN; a RST would raise

    client = []
    out = tmp_path / "out"
    with serving(endless) as port, process("fetch", url(port), "-o", out) as done:
        client.append(done)
        _, told = done.communicate(timeout=PATIENCE)
    assert done.returncode == 130
    assert ends == [b""]
    assert "interrupted; partial output kept in" in told or not out.exists()


def test_every_exit_code_is_one_of_the_table():
    assert sorted(EXIT_CODES) == [0, 1, 2, 3, 4, 5, 130]
