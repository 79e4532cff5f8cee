import errno

import pytest

from tcpprobe.link import outbox
from tcpprobe.link.base import LinkError
from tcpprobe.link.outbox import Outbox


class Device:
    """Takes ``room`` packets, then says it is full; refuses packets named ``bad``."""

    def __init__(self, room):
        self.room = room
        self.taken = []

    def write(self, packet, destination):
        if packet == b"bad":
            raise OSError(errno.EMSGSIZE, "too long")
        if not self.room:
            raise BlockingIOError(errno.EAGAIN, "full")
        self.room -= 1
        self.taken.append((packet, destination))


def test_what_does_not_go_waits_and_keeps_its_order():
    device = Device(1)
    box = Outbox(device.write)
    for packet in (b"1", b"2", b"3"):
        box.send(packet, b"x")
    assert device.taken == [(b"1", b"x")]
    assert not box.flush()
    device.room = 1
    box.send(b"4", b"x")
    assert [packet for packet, _ in device.taken] == [b"1", b"2"]
    device.room = 9
    assert box.flush()
    assert [packet for packet, _ in device.taken] == [b"1", b"2", b"3", b"4"]


def test_what_can_never_go_is_raised_and_forgotten():
    device = Device(0)
    box = Outbox(device.write)
    with pytest.raises(OSError, match="too long"):
        box.send(b"bad", b"x")
    box.send(b"1", b"x")
    box.send(b"bad", b"x")
    device.room = 9
    with pytest.raises(OSError, match="too long"):
        box.flush()
    assert box.flush()
    assert device.taken == [(b"1", b"x")]


def test_a_device_that_takes_nothing_is_told(monkeypatch):
    monkeypatch.setattr(outbox, "LIMIT", 2)
    box = Outbox(Device(0).write)
    box.send(b"1", b"x")
    box.send(b"2", b"x")
    with pytest.raises(LinkError, match="the device takes no more packets: 2 wait already"):
        box.send(b"3", b"x")
