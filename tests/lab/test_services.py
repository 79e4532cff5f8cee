import contextlib
import errno
import os
import resource
import socket
import struct
import threading

import pytest

from tcpprobe.lab.services import Services, listen, raise_descriptor_limit
from tcpprobe.lab.talkers import TALKERS, Echo

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


@contextlib.contextmanager
def serving_on(listeners):
    services = Services(listeners)
    ours, theirs = socket.socketpair()
    services.watch(theirs.fileno(), services.stop)
    thread = threading.Thread(target=services.run)
    thread.start()
    try:
        yield
    finally:
        ours.close()
        thread.join()
        services.close()
        theirs.close()


@contextlib.contextmanager
def serving(family=socket.AF_INET):
    """Services on loopback; the real address for each port of a lab."""
    listeners = {port: listen(family, LOOPBACK[family], 0) for port in TALKERS}
    with serving_on([(listeners[port], make) for port, make in TALKERS.items()]):
        yield {port: (LOOPBACK[family], each.getsockname()[1]) for port, each in listeners.items()}


def connect(address):
    return socket.create_connection(address, timeout=120)


def all_of(connection):
    data = b""
    while piece := connection.recv(1 << 20):
        data += piece
    return data


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_echo_flushes_and_closes_at_the_end(family):
    with serving(family) as ports, connect(ports[7]) as connection:
        data = os.urandom(3_000_000)
        sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
        sender.start()
        assert all_of(connection) == data
        sender.join()


def test_discard_closes_at_the_end():
    with serving() as ports, connect(ports[9]) as connection:
        connection.sendall(bytes(2_000_000))
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection) == b""


def test_daytime_says_its_line_closes_and_still_takes_data():
    with serving() as ports, connect(ports[13]) as connection:
        assert all_of(connection).endswith(b"UTC\r\n")
        connection.sendall(b"late")
        connection.shutdown(socket.SHUT_WR)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_chargen_goes_on_until_the_other_side_closes():
    with serving() as ports, connect(ports[19]) as connection:
        seen = 0
        while seen < 2_000_000:
            seen += len(connection.recv(65536))
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection) is not None


def test_http_serves_many_octets_and_closes():
    with serving() as ports, connect(ports[80]) as connection:
        connection.sendall(b"GET /bytes/5000000 HTTP/1.0\r\n\r\n")
        answer = all_of(connection)
    assert len(answer.partition(b"\r\n\r\n")[2]) == 5_000_000


def test_urgent_data_is_part_of_the_stream():
    with serving() as ports, connect(ports[7]) as connection:
        connection.send(b"ab")
        connection.send(b"c", socket.MSG_OOB)
        connection.send(b"d")
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection) == b"abcd"


def test_two_hundred_connections_at_once_each_get_their_own():
    with serving() as ports, contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(ports[7])) for _ in range(200)]
        for number, each in enumerate(connections):
            each.sendall(b"%d" % number)
            each.shutdown(socket.SHUT_WR)
        assert [all_of(each) for each in connections] == [b"%d" % number for number in range(200)]


def test_a_reset_connection_harms_no_other():
    with serving() as ports, connect(ports[7]) as other:
        for port in (7, 9, 13, 19, 80):
            with connect(ports[port]) as connection:
                connection.sendall(b"x")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.sendall(b"still here")
        other.shutdown(socket.SHUT_WR)
        assert all_of(other) == b"still here"


def test_a_blocked_chargen_does_not_stop_an_echo():
    with serving() as ports, connect(ports[19]), connect(ports[7]) as connection:
        connection.sendall(b"hello")
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection) == b"hello"


def test_as_many_connections_as_allowed():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Scarce:
    """A listening socket whose process has no descriptor left, once."""

    def __init__(self, listener):
        self.listener = listener
        self.exhausted = False

    def fileno(self):
        return self.listener.fileno()

    def close(self):
        self.listener.close()

    def accept(self):
        if self.exhausted:
            self.exhausted = False
            raise OSError(errno.EMFILE, "Too many open files")
        return self.listener.accept()


def test_without_descriptors_the_oldest_connection_goes():
    listener = Scarce(listen(socket.AF_INET, "127.0.0.1", 0))
    address = listener.listener.getsockname()
    with serving_on([(listener, Echo)]), connect(address) as first, connect(address) as second:
        for each in (first, second):
            each.sendall(b"here")
            assert each.recv(10) == b"here"
        listener.exhausted = True
        with connect(address) as third:
            third.sendall(b"me too")
            assert third.recv(10) == b"me too"
            assert first.recv(10) == b""
            second.sendall(b"still here")
            assert second.recv(20) == b"still here"
