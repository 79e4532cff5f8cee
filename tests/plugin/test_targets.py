"""Targets that cannot be tested, or that do not survive it: one plain line, the right code, and it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import threading

import pytest

SO_ATTACH_FILTER = 26
PR_CAPBSET_DROP = 24
CAPABILITY_VERSION_3 = 0x20080522
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF: return 0


def say_nothing_more(listener: socket.socket) -> None:
    """From now on the kernel drops whatever arrives for this socket, as a firewall would."""
    program = ctypes.create_string_buffer(DROP_ALL)
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


class Server:
    """A target on loopback, served by a thread for each connection.

    Attributes:
        text: what goes after ``--tcp-target``.
    """

    def __init__(self, serve) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.text = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.serve = serve
        self.open: set[socket.socket] = set()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.add(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            self.serve(self, connection)
        except OSError:
            pass
        finally:
            connection.close()
            self.open.discard(connection)

    def close(self) -> None:
        for each in (self.listener, *tuple(self.open)):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.thread.join()


@pytest.fixture
def server():
    """Start a server; it is closed at the end."""
    started = []

    def start(serve):
        started.append(Server(serve))
        return started[-1]

    yield start
    for each in started:
        each.close()


def echo(_, connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def refused(done, told, path):
    """It ended with one line, before anything was played."""
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    errors = [line for line in done.errlines if line]
    assert len(errors) == 1, errors
    assert errors[0].startswith("ERROR: ")
    assert told in errors[0]
    assert "Traceback" not in done.stdout.str()
    assert not (path / "reports").exists()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("nonesuch.invalid:80", "no such host: nonesuch.invalid"),
        ("127.0.0.1", "'127.0.0.1' has no port; write 127.0.0.1:80"),
        ("127.0.0.1:0", "a port is from 1 to 65535, not 0"),
        ("127.0.0.1:70000", "a port is from 1 to 65535, not 70000"),
        ("127.0.0.1:http", "'http' is not a port number"),
        ("[::1:80", "the bracket is not closed"),
        ("[::1]80", "has no port"),
        ("::1:80", "an IPv6 address needs brackets"),
        ("[127.0.0.1]:80", "only an IPv6 address goes in brackets"),
        ("http://127.0.0.1:80/", "is a URL; write host:port"),
        ("lab:linus", "no lab is called 'linus' (did you mean 'linux'?)"),
        ("8.8.8.8:53", "8.8.8.8 is a public address: test it only if you may, and then with --tcp-allow-public"),
        ("[2001:4860:4860::8888]:53", "is a public address"),
        ("224.0.0.1:80", "is not the address of one host"),
        ("256.0.0.1:80", "'256.0.0.1' is not an IP address"),
        (":80", "has no host"),
        ("", "has no host"),
    ],
)
def test_what_is_no_target(suite, target, told):
    refused(suite(target=target), told, suite.path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tcp-service", "ecko"), "no service is called 'ecko' (did you mean 'echo'?)"),
        (("--tcp-closed-port", "0"), "the closed port must be from 1 to 65535"),
        (("--tcp-interface", "nonesuch0"), "nonesuch0"),
        (("--tcp-source-ip", "192.0.2.77"), "192.0.2.77"),
        (("--tcp-source-ip", "::1"), "not of the same family"),
        (("--tcp-link", "smoke"), "--tcp-link is raw or packet, not 'smoke'"),
        (("-n2", "--tcp-link=packet", "--tcp-source-ip=192.0.2.5"), "needs an address for each of 2 workers"),
        (("--tcp-link", "packet"), "the packet link needs an address that nobody uses"),
        (("--tcp-source-ip", "127.0.0.1,127.0.0.2"), "several addresses only with --tcp-link packet"),
        (("--tcp-known", "nonesuch"), "nonesuch"),
    ],
)
def test_what_does_not_fit_a_target(suite, closed, words, told):
    refused(suite(*words, target=closed), told, suite.path)


def test_nothing_listens(suite, closed):
    refused(suite(target=closed), "refuses connections: nothing listens there", suite.path)


def test_a_target_that_resets_everything(suite, closed):
    refused(suite("--tcp-service", "echo", target=closed), "refuses connections: it answers a SYN with RST", suite.path)


def test_a_firewall_that_drops_everything(suite, server):
    target = server(echo)
    say_nothing_more(target.listener)
    refused(
        suite("--tcp-service", "echo", "--tcp-timeout-scale", "0.3", target=target.text),
        "does not answer: 3 SYNs drew nothing (host down, or a firewall drops them)",
        suite.path,
    )
    refused(suite(target=target.text), "does not answer within 3 s", suite.path)


def test_one_of_two_targets_cannot_be_reached(suite, closed):
    refused(suite("--tcp-target", "lab:memory", target=closed), "nothing listens there", suite.path)


def test_no_privileges(suite, server):
    """In a process that has given up every capability."""
    target = server(echo).text
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            _give_up_privileges()
            done = suite(target=target)
            os.write(writing, "\n".join([str(int(done.ret)), done.stderr.str().strip(), done.stdout.str()]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        code, error, *rest = pipe.read().split("\n")
    os.waitpid(pid, 0)
    assert int(code) == pytest.ExitCode.USAGE_ERROR
    assert error == (
        f"ERROR: {target}: the raw link needs the capability CAP_NET_RAW: run as root, or use a lab target "
        "(--tcp-target lab), which does not"
    )
    assert "Traceback" not in "\n".join(rest)


def _give_up_privileges() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header, none = struct.pack("Ii", CAPABILITY_VERSION_3, 0), struct.pack("6I", *[0] * 6)
    assert not libc.capset(header, none), os.strerror(ctypes.get_errno())


def test_a_service_of_somebody_else(suite, server):
    done = suite("--tcp-width", "2", target=server(echo).text)
    done.assert_outcomes(passed=3, failed=1, skipped=2)
    run, _, _ = suite.results()
    assert (run.link, run.lab, run.service, run.address) == ("raw", None, "echo", "127.0.0.1")
    note = "over loopback nobody computes checksums: the target's were not judged"
    assert run.notes == [note]
    assert done.outlines.count(f"note: {note}") == 1


def test_a_target_that_floods(suite, server):
    """It sends as fast as it can, to everybody, at once and for ever."""
    filler = b"x" * 65536

    def flood(_, connection):
        while True:
            connection.sendall(filler)

    done = suite.apart("--tcp-confirm", "0", target=server(flood).text)
    assert done.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    assert "Traceback" not in done.stdout.str() + done.stderr.str()
    run, results, end = suite.results()
    assert run.service == "chargen"
    assert len(results) == 7
    assert not end.cut_short


DYING = """\
title: One of these kills
scenarios:
  - id: before
    title: Data is acknowledged
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - send: {flags: PA, data: "hello"}
      - expect: {flags: A, ack: snd.nxt}

  - id: deadly
    title: So are these
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - send: {flags: PA, data: "die"}
      - eventually: {data: "die"}
        within: 5s
      - expect: {flags: FA}
        within: 200ms

  - id: after
    title: The port still answers
    covers: [RFC9293-MUST-40]
    exclusive: true
    matrix:
      number: [1, 2, 3]
    steps:
      - send: {flags: S, seq: number}
      - expect: {flags: SA}
"""


def test_a_target_that_dies_is_the_finding_and_its_killer_is_named(suite, server, probe):
    def mortal(self, connection):
        while data := connection.recv(65536):
            if data == b"die":
                say_nothing_more(self.listener)
            connection.sendall(data)

    probe("dying.probe.yaml", DYING)
    done = suite("--tcp-service", "echo", "--tcp-timeout-scale", "0.3", "dying.probe.yaml", target=server(mortal).text)
    done.assert_outcomes(passed=1, failed=1, skipped=3)
    _, results, end = suite.results()
    assert str(results["deadly"].verdict) == "fail"
    assert "after it the target no longer answered at all" in results["deadly"].reason
    for number in (1, 2, 3):
        after = results[f"after[{number}]"]
        assert str(after.verdict) == "inconclusive"
        assert after.reason == "the target had stopped answering (since deadly)"
    assert not end.cut_short
