import itertools
import random
import socket

import pytest

from tcpprobe.link import guard
from tcpprobe.link.base import LinkError
from tcpprobe.link.guard import Guards, port_blocks
from tcpprobe.wire import ip

LOOPBACK = ip.pack("127.0.0.1")


@pytest.fixture
def guards():
    made = Guards(LOOPBACK, 0, random.Random())
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "first", "last", "absent"),
    [
        ("32768\t60999\n", 10240, 65535, range(32768, 61000)),
        ("1024 65535", 10240, 65535, ()),
        ("40000 65535", 10240, 39935, range(40000, 65536)),
    ],
)
def test_ports_are_outside_the_ephemeral_range_when_there_is_room(tmp_path, monkeypatch, text, first, last, absent):
    path = tmp_path / "range"
    path.write_text(text)
    monkeypatch.setattr(guard, "_EPHEMERAL", path)
    ports = [port for block in port_blocks() for port in range(block * 256, block * 256 + 256)]
    assert (min(ports), max(ports)) == (first, last)
    assert not set(absent) & set(ports)


def test_an_unreadable_range_is_the_usual_one(tmp_path, monkeypatch):
    usual = port_blocks_of("32768 60999", tmp_path, monkeypatch)
    monkeypatch.setattr(guard, "_EPHEMERAL", tmp_path / "absent")
    assert port_blocks() == usual


def port_blocks_of(text, tmp_path, monkeypatch):
    path = tmp_path / "range"
    path.write_text(text)
    monkeypatch.setattr(guard, "_EPHEMERAL", path)
    return port_blocks()


def test_a_guarded_port_is_taken_and_answers_nothing(guards):
    (port,) = guards.lend(1)
    assert port >> 8 in guards.blocks
    with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
        other.bind(("127.0.0.1", port))
    with socket.socket() as caller:
        caller.setblocking(False)
        # Refused would be raised here at once, or found as the socket's error: loopback delivers before it returns.
        with pytest.raises(BlockingIOError):
            caller.connect(("127.0.0.1", port))
        assert caller.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_somebody_elses_port_is_passed_over():
    seed = random.random()  # another one in every run, and two may run at once
    made = Guards(LOOPBACK, 0, random.Random(seed))
    (taken, free) = made.lend(2)
    made.close()
    with socket.socket() as other:
        other.bind(("127.0.0.1", taken))
        again = Guards(LOOPBACK, 0, random.Random(seed))
        assert again.lend(1) == (free,)
        again.close()


def test_a_port_given_back_stays_guarded_through_its_quarantine_and_is_lent_last(guards, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(guard.time, "monotonic", lambda: now[0])
    (port,) = guards.lend(1)
    guards.give_back(port)
    guards.give_back(port)
    assert port not in guards.lend(20)
    with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
        other.bind(("127.0.0.1", port))
    now[0] += guard.QUARANTINE
    assert port not in guards.lend(1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


def test_used_ports_are_lent_again_when_all_others_were(monkeypatch):
    monkeypatch.setattr(guard, "port_blocks", lambda: [200])
    monkeypatch.setattr(guard, "QUARANTINE", 0.0)
    made = Guards(LOOPBACK, 0, random.Random())
    try:
        # One by one: other programs of this host may hold some of the block.
        ports: list[int] = []
        with pytest.raises(LinkError, match=r"no port of 127\.0\.0\.1 is left to lend"):
            ports.extend(made.lend(1)[0] for _ in itertools.count())
        for port in ports[:3]:
            made.give_back(port)
        assert made.lend(2) == tuple(ports[:2])
    finally:
        made.close()


def test_quarantine_ends_early_when_descriptors_run_short(guards, monkeypatch):
    monkeypatch.setattr(guard, "_MOST_GUARDS", 4)
    ports = guards.lend(4)
    for port in ports:
        guards.give_back(port)
    guards.lend(2)
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports[0]))
    with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
        other.bind(("127.0.0.1", ports[3]))


def test_an_address_that_is_not_ours_is_told():
    made = Guards(ip.pack("203.0.113.77"), 0, random.Random())
    with pytest.raises(LinkError, match=r"203\.0\.113\.77 is not an address of this host"):
        made.lend(1)


def test_closing_gives_every_port_back(guards):
    ports = guards.lend(3)
    guards.give_back(ports[0])
    guards.close()
    for port in ports:
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
