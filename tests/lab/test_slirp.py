"""lab:slirp: its services, its life, and the frames that its link answers itself."""

import os
import random
import signal
import struct
from pathlib import Path

import pytest
from labs import (
    ENDS,
    answer,
    child_of_nobody,
    children,
    descendants,
    end_of_a_parent,
    ended,
    kept,
    namespaces,
    open_descriptors,
)

from tcpprobe.lab import slirp, slirp_child
from tcpprobe.lab.addresses import OUR_MAC, POOL_4, POOL_6
from tcpprobe.lab.lab import LabError, open_lab
from tcpprobe.link.pool import Pool
from tcpprobe.wire import ip
from tcpprobe.wire.flags import ACK, SYN
from tcpprobe.wire.icmp import Icmp

THEIR_MAC = bytes.fromhex("525500000002")


@pytest.fixture(scope="module", params=[4, 6], ids=["v4", "v6"])
def lab(request):
    with open_lab("slirp", family=request.param) as lab:
        yield lab


def test_the_target_says_what_it_is(lab):
    assert "libslirp" in lab.notes[0]


def test_closing_leaves_nothing():
    before, open_files = set(children(os.getpid())), open_descriptors()
    lab = open_lab("slirp")
    (pid,) = set(children(os.getpid())) - before
    pidfds = [os.pidfd_open(each) for each in descendants(pid)]
    assert len(pidfds) == 1
    with kept([pid]) as theirs:
        lab.close()
        lab.close()
        assert not theirs & namespaces()
    assert all(map(ended, pidfds))
    for pidfd in pidfds:
        os.close(pidfd)
    assert set(children(os.getpid())) == before
    assert open_descriptors() == open_files


def test_it_puts_nothing_where_others_see_it():
    before = set(Path("/mnt").iterdir())
    with open_lab("slirp"):
        assert set(Path("/mnt").iterdir()) == before


@pytest.mark.parametrize(("how", "signal_", "whole_group"), ENDS)
def test_the_lab_ends_with_its_parent(how, signal_, whole_group):
    end_of_a_parent("slirp", how, signal_, whole_group)


def test_the_lab_ends_when_slirp_does():
    before = set(children(os.getpid()))
    with open_lab("slirp"):
        (pid,) = set(children(os.getpid())) - before
        (part,) = descendants(pid)
        pidfd = os.pidfd_open(pid)
        os.kill(part, signal.SIGKILL)
        assert ended(pidfd)
        os.close(pidfd)


def test_the_lab_of_a_user_without_privileges():
    with child_of_nobody(slirp_child.main, "best") as (message, descriptor):
        assert b'"namespaces": "user+net"' in message
        link = slirp.SlirpLink(descriptor, Pool(POOL_4, POOL_6, rng=random.Random(1), limit=9))
        assert answer(link, ip.pack(slirp.TARGET_4), 7).payload.flags == SYN | ACK
        link.close()


def test_a_missing_package_is_one_line(monkeypatch):
    monkeypatch.setattr(slirp, "SLIRP", "no-slirp4netns")
    with pytest.raises(LabError, match=r"^lab:slirp needs the package .*; `sudo apt install slirp4netns` helps$"):
        open_lab("slirp")


def arp(operation, wanted):
    who = THEIR_MAC + ip.pack("192.0.2.2")
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + who + bytes(6) + ip.pack(wanted)


def test_an_arp_request_for_an_address_of_ours_is_answered():
    frame = slirp.arp_reply(arp(1, "198.18.3.4") + bytes(18))
    assert frame[:14] == THEIR_MAC + OUR_MAC + b"\x08\x06"
    assert frame[14:] == bytes.fromhex("0001080006040002") + OUR_MAC + ip.pack("198.18.3.4") + THEIR_MAC + ip.pack(
        "192.0.2.2"
    )


@pytest.mark.parametrize("request_", [arp(1, "192.0.2.9"), arp(2, "198.18.3.4"), b"", arp(1, "198.18.3.4")[:20]])
def test_other_arp_is_not_answered(request_):
    assert slirp.arp_reply(request_) == b""


def solicitation(wanted):
    body = Icmp(135, 0, bytes(4), ip.pack(wanted) + b"\x01\x01" + THEIR_MAC)
    return ip.encode(ip.Packet(ip.pack("fe80::2"), ip.pack("ff02::1:ff00:1"), body, ttl=255))


def test_a_neighbor_solicitation_for_an_address_of_ours_is_answered():
    frame = slirp.advertisement(solicitation("2001:db8:1::1"))
    packet = ip.decode(frame[14:])
    assert frame[6:14] == OUR_MAC + b"\x86\xdd"
    assert (packet.dst, packet.ttl, packet.problem) == (ip.pack("fe80::2"), 255, None)
    # RFC 4861 4.4: type 136, the flags Solicited and Override, the target, its link-layer address as option 2.
    assert (packet.payload.type, packet.payload.code, packet.payload.rest) == (136, 0, b"\x60\0\0\0")
    assert packet.payload.quote == ip.pack("2001:db8:1::1") + b"\x02\x01" + OUR_MAC


@pytest.mark.parametrize("packet", [solicitation("2001:db8::9"), b"", solicitation("2001:db8:1::1")[:50]])
def test_other_solicitations_are_not_answered(packet):
    assert slirp.advertisement(packet) == b""
