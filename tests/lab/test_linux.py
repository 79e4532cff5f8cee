import os
import random
import socket
import sys
import threading

import pytest
from labs import (
    ENDS,
    answer,
    child_of_nobody,
    children,
    end_of_a_parent,
    kept,
    namespace_of,
    namespaces,
    open_descriptors,
)

from tcpprobe.lab import linux_child, ways
from tcpprobe.lab.addresses import POOL_4, POOL_6, TARGET_4
from tcpprobe.lab.lab import LabError, open_lab
from tcpprobe.lab.linux import Child, open_linux
from tcpprobe.lab.veth import VethLink
from tcpprobe.link.pool import Pool
from tcpprobe.link.tun import TunLink
from tcpprobe.wire import ip
from tcpprobe.wire.flags import ACK, RST, SYN


@pytest.fixture(
    scope="module",
    params=[(4, "tun"), (6, "tun"), (4, "veth"), (6, "veth")],
    ids=["tun-v4", "tun-v6", "veth-v4", "veth-v6"],
)
def lab(request):
    with open_linux(*request.param) as lab:
        yield lab


def test_the_lab_says_what_it_is(lab):
    assert "Linux" in lab.notes[0]
    assert lab.notes[0].endswith(lab.link.name)


def test_every_source_address_comes_through(lab):
    for text in ("198.51.100.9", "10.1.2.3", "8.8.8.8") if lab.target.family == 4 else ("2001:db8:77::9", "2600::1"):
        packet = answer(lab.link, lab.target.address, 7, address=ip.pack(text))
        assert ip.text(packet.dst) == text


def test_hundreds_of_peers_are_not_limited_by_each_other(lab):
    for _ in range(300):
        assert answer(lab.link, lab.target.address, lab.target.closed_port).payload.flags == RST | ACK


@pytest.mark.parametrize("way", ["tun", "veth"])
def test_closing_leaves_nothing(way):
    before, open_files = set(children(os.getpid())), open_descriptors()
    lab = open_linux(4, way)
    (pid,) = set(children(os.getpid())) - before
    with kept([pid]) as theirs:
        assert theirs <= namespaces() - {namespace_of(os.getpid())}
        lab.close()
        lab.close()
        assert set(children(os.getpid())) == before
        assert not theirs & namespaces()
    assert open_descriptors() == open_files


def fail_inside_a_lab():
    with open_lab("linux"):
        raise ZeroDivisionError


def test_an_error_inside_leaves_nothing():
    before = set(children(os.getpid()))
    with pytest.raises(ZeroDivisionError):
        fail_inside_a_lab()
    assert set(children(os.getpid())) == before


def test_a_lab_outlives_the_thread_that_opened_it():
    labs = []
    thread = threading.Thread(target=lambda: labs.append(open_lab("linux")))
    thread.start()
    thread.join()
    with labs[0] as lab:
        assert answer(lab.link, lab.target.address, 7).payload.flags == SYN | ACK


def test_two_labs_are_two():
    with open_lab("linux") as one, open_lab("linux") as other:
        for lab in (one, other):
            assert answer(lab.link, lab.target.address, 7).payload.flags == SYN | ACK


@pytest.mark.parametrize(("how", "signal_", "whole_group"), ENDS)
def test_the_lab_ends_with_its_parent(how, signal_, whole_group):
    end_of_a_parent("linux", how, signal_, whole_group)


@pytest.mark.parametrize(("way", "make_link"), [("tun", TunLink), ("veth", VethLink)])
def test_the_lab_of_a_user_without_privileges(way, make_link):
    with child_of_nobody(linux_child.main, way) as (message, descriptor):
        assert b'"namespaces": "user+net"' in message
        link = make_link(descriptor, Pool(POOL_4, POOL_6, rng=random.Random(1), limit=9))
        assert answer(link, ip.pack(TARGET_4), 7).payload.flags == SYN | ACK
        link.close()


def test_without_a_tun_the_lab_is_reached_otherwise(monkeypatch):
    monkeypatch.setattr(ways, "TUN", "/nonexistent/tun")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        try:
            ours.close()
            linux_child.main([str(theirs.detach()), str(parent), "0", "best"])
        finally:
            os._exit(0)
    with ours, theirs:
        message, descriptors, _, _ = socket.recv_fds(ours, 65536, 4)
        os.close(descriptors[0])
    os.waitpid(pid, 0)
    assert b'"way": "veth"' in message
    assert b"/nonexistent/tun cannot be opened (No such file or directory)" in message


def test_a_child_that_cannot_says_why_in_one_line(monkeypatch):
    monkeypatch.setattr("tcpprobe.lab.linux._ROOT", "/nonexistent")
    with pytest.raises(LabError, match=r"^the lab's process ended at once: ModuleNotFoundError: .*tcpprobe") as caught:
        Child()
    assert "\n" not in str(caught.value)


def test_a_child_that_cannot_be_started_says_so(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(LabError, match=r"^the lab's process cannot be started: No such file or directory$"):
        Child()
