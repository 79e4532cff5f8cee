"""What passes is judged by a small machine here; that the kernel takes the programs, by the kernel."""

import socket

import pytest

from tcpprobe.link import bpf
from tcpprobe.wire import ip
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment


def test_a_dropping_filter_drops_and_is_replaced():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.setblocking(False)
        bpf.attach(ours, bpf.DROP_ALL)
        theirs.send(b"lost")
        bpf.attach(ours, [(0x06, 0, 0, 0x7FFFFFFF)])
        theirs.send(b"kept")
        assert ours.recv(99) == b"kept"
        with pytest.raises(BlockingIOError):
            ours.recv(99)


@pytest.mark.parametrize("size", [4, 16])
@pytest.mark.parametrize("blocks", [[], [1], list(range(200))])
def test_the_kernel_takes_every_program(size, blocks):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        bpf.attach(sock, bpf.towards(bytes(size), bytes(size), blocks))


def test_the_kernel_refuses_a_program_that_does_not_end():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(OSError, match="Invalid argument"):
        bpf.attach(sock, [(0x20, 0, 0, 0)])


TESTS = {0x15: lambda a, k: a == k, 0x35: lambda a, k: a >= k, 0x45: lambda a, k: a & k}


class Machine:
    """Runs the instructions that ``towards`` uses over an IP packet, as net/core/filter.c does."""

    def __init__(self, packet):
        self.packet = packet
        self.a = self.x = 0

    def load(self, at, size):
        at += 0x100000
        if at < 0 or at + size > len(self.packet):
            raise IndexError
        return int.from_bytes(self.packet[at : at + size], "big")

    def run(self, program):
        at = 0
        try:
            while True:
                code, true, false, k = program[at]
                at += 1
                if code == 0x06:
                    return k
                if code in TESTS:
                    at += true if TESTS[code](self.a, k) else false
                else:
                    self.step(code, k)
        except IndexError:
            return 0

    def step(self, code, k):
        if code in (0x20, 0x28, 0x30):
            self.a = self.load(k, {0x20: 4, 0x28: 2, 0x30: 1}[code])
        elif code in (0x48, 0x50):
            self.a = self.load(k + self.x, 2 if code == 0x48 else 1)
        elif code == 0xB1:
            self.x = 4 * (self.load(k, 1) & 15)
        elif code == 0x74:
            self.a >>= k
        else:
            raise AssertionError(f"instruction {code:#x}")


A4, B4, C4 = (ip.pack(f"192.0.2.{n}") for n in (1, 2, 3))
A6, B6, C6 = (ip.pack(f"2001:db8::{n}") for n in (1, 2, 3))
PORT = 0x1234


@pytest.mark.parametrize(("ours", "target", "router"), [(A4, B4, C4), (A6, B6, C6)])
@pytest.mark.parametrize("blocks", [[0x12], [1, 0x12], [0x12, 1, 2], list(range(200))])
def test_what_passes(ours, target, router, blocks):
    program = bpf.towards(ours, target, blocks)
    segment = Segment(7, PORT)

    def passes(packet):
        return bool(Machine(ip.encode(packet)).run(program))

    assert passes(Packet(target, ours, segment))
    assert passes(Packet(router, ours, Icmp(3, 3)))
    assert not passes(Packet(router, ours, segment))
    assert not passes(Packet(ours, target, segment))
    assert not passes(Packet(target, router, segment))
    assert not passes(Packet(router, target, Icmp(3, 3)))
    assert not passes(Packet(target, ours, Segment(7, 0xFE34)))
    assert not passes(Packet(target, ours, bytes(40), protocol=17))


def test_options_before_the_ports_are_seen_through():
    program = bpf.towards(A4, B4, [0x12])
    assert Machine(ip.encode(Packet(B4, A4, Segment(7, PORT), options=bytes(8)))).run(program)
    assert not Machine(ip.encode(Packet(B4, A4, Segment(7, 1), options=b"\x12\x34" * 4))).run(program)


def test_later_fragments_do_not_pass():
    program = bpf.towards(A4, B4, [0])
    assert not Machine(ip.encode(Packet(B4, A4, bytes(40), protocol=6, fragment=(8, False)))).run(program)


@pytest.mark.parametrize("first", [0, 43, 44, 60])
def test_ipv6_extension_headers_pass(first):
    packet = Packet(B6, A6, Segment(7, 1), options=bytes((6,)) + bytes(7), next_header=first)
    assert Machine(ip.encode(packet)).run(bpf.towards(A6, B6, []))


@pytest.mark.parametrize(("ours", "router", "errors"), [(A4, C4, {3, 4, 5, 11, 12}), (A6, C6, set(range(128)))])
def test_only_icmp_errors_pass(ours, router, errors):
    program = bpf.towards(ours, ours, [])
    passed = {kind for kind in range(256) if Machine(ip.encode(Packet(router, ours, Icmp(kind, 0)))).run(program)}
    assert passed == errors
