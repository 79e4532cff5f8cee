"""Real packets over loopback, against this machine's own TCP."""

import os
import select
import socket
import time
from pathlib import Path

import pytest

from tcpprobe.link.base import LinkError
from tcpprobe.link.bpf import BLOCK_BITS
from tcpprobe.link.raw import UNPRIVILEGED, RawLink
from tcpprobe.wire import ip, options
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.flags import ACK, FIN, PSH, RST, SYN
from tcpprobe.wire.icmp import Icmp
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.segment import Segment

PATIENCE = 60.0
DESCRIPTORS = Path("/proc/self/fd")
HOSTS = ["127.0.0.1", "::1"]


class Wire:
    """A raw link towards a listening kernel socket, and one lent port."""

    def __init__(self, host):
        self.address = ip.pack(host)
        self.listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]
        self.link = RawLink(self.address)
        self.lease = self.link.lend(self.address, 2)
        self.waiting = []

    def send(self, **fields):
        segment = Segment(self.lease.ports[0], self.port, window=65535, **fields)
        self.link.send(ip.encode(Packet(self.lease.address, self.address, segment)), self.address)

    def receive(self):
        """The next packet, decoded, with its stamp."""
        while not self.waiting:
            (fileno,) = self.link.filenos()
            assert select.select([fileno], [], [], PATIENCE)[0], "nothing arrived"
            self.waiting = self.read()
        return self.waiting.pop(0)

    def read(self):
        """What has arrived, but what the filter cannot tell apart: other programs use loopback, too."""
        (fileno,) = self.link.filenos()
        arrived = [(ip.decode(data), stamp) for data, stamp in self.link.read(fileno)]
        return [(packet, stamp) for packet, stamp in arrived if not self.is_others(packet)]

    def is_others(self, packet):
        """An ICMP error about a packet from another port, or a segment for a port that another link has lent."""
        if isinstance(packet.payload, Icmp):
            quoted = ip.quoted_tuple(packet.payload, 4 if len(packet.src) == 4 else 6)
            return quoted is None or quoted[2] not in self.lease.ports
        port, ours = packet.payload.dport, self.lease.ports
        return port not in ours and port >> BLOCK_BITS in {each >> BLOCK_BITS for each in ours}

    def open(self):
        """Shake hands by hand; the peer's initial sequence number and its kernel's end."""
        self.send(seq=1000, flags=SYN, options=options.encode_options([options.mss(1000)]))
        packet, _ = self.receive()
        assert packet.payload.flags == SYN | ACK
        assert packet.payload.ack == 1001
        self.send(seq=1001, ack=packet.payload.seq + 1, flags=ACK)
        peer, _ = self.listener.accept()
        peer.settimeout(PATIENCE)
        return packet.payload.seq, peer

    def close(self):
        self.link.close()
        self.listener.close()


@pytest.fixture(params=HOSTS)
def wire(request):
    made = Wire(request.param)
    yield made
    made.close()


def test_a_connection_lives_through_handshake_data_and_close(wire):
    irs, peer = wire.open()
    with peer:
        wire.send(seq=1001, ack=irs + 1, flags=PSH | ACK, payload=b"hello")
        # Had our kernel said RST to the SYN,ACK, this would raise ECONNRESET instead.
        assert peer.recv(100) == b"hello"
        packet, _ = wire.receive()
        assert (packet.payload.flags, packet.payload.ack) == (ACK, 1006)
        wire.send(seq=1006, ack=irs + 1, flags=FIN | ACK)
        assert peer.recv(100) == b""
        packet, _ = wire.receive()
        assert (packet.payload.flags & ~PSH, packet.payload.ack) == (ACK, 1007)
    packet, _ = wire.receive()
    assert packet.payload.flags == FIN | ACK
    assert packet.payload.seq == (irs + 1) & 0xFFFFFFFF
    wire.send(seq=1007, ack=irs + 2, flags=ACK)
    assert wire.waiting == []


def test_packets_are_whole_and_their_checksums_unfinished(wire):
    _, peer = wire.open()
    wire.send(seq=5, flags=SYN)
    packet, _ = wire.receive()
    assert (packet.src, packet.dst, packet.problem) == (wire.address, wire.address, None)
    assert packet.tcp_checksum is Checksum.NOT_COMPUTED
    assert packet.ttl == 64
    peer.close()


def test_super_segments_are_cut_to_the_mss(wire):
    irs, peer = wire.open()
    with peer:
        peer.sendall(bytes(5000))
        sizes, nxt = [], irs + 1
        while sum(sizes) < 5000:
            packet, _ = wire.receive()
            assert packet.payload.seq == nxt & 0xFFFFFFFF
            assert packet.tcp_checksum is Checksum.NOT_COMPUTED
            sizes.append(len(packet.payload.payload))
            nxt += sizes[-1]
        assert sizes == [1000] * 5
        assert wire.link.remarks() == ["over loopback nobody computes checksums: the target's were not judged"]
        wire.send(seq=1001, ack=nxt, flags=RST | ACK)


def test_each_packet_is_seen_once_and_only_those_for_us(wire):
    irs, peer = wire.open()
    with socket.create_connection((ip.text(wire.address), wire.port)) as other:
        other.sendall(b"not for us")
        wire.send(seq=1001, ack=irs + 1, flags=PSH | ACK, payload=b"x")
        packet, _ = wire.receive()
        assert (packet.payload.dport, packet.payload.ack) == (wire.lease.ports[0], 1002)
        assert wire.read() == []
    peer.close()


def test_stamps_are_in_order_and_on_the_monotonic_clock(wire):
    before = time.monotonic()
    wire.send(seq=1, flags=SYN)
    _, first = wire.receive()
    wire.send(seq=2, flags=RST)
    wire.send(seq=9, flags=SYN)
    _, second = wire.receive()
    # The stamp comes from the wall clock, which may be slewed a little meanwhile.
    assert before - 0.01 <= first <= second <= time.monotonic()


def test_icmp_errors_arrive(wire):
    version = 4 if len(wire.address) == 4 else 6
    lost = ip.encode(Packet(wire.lease.address, wire.address, Segment(wire.lease.ports[0], 9)))
    kind, code = (3, 1) if version == 4 else (1, 3)
    icmp = Packet(wire.address, wire.lease.address, Icmp(kind, code, quote=lost))
    wire.link.send(ip.encode(icmp), wire.address)
    packet, _ = wire.receive()
    assert isinstance(packet.payload, Icmp)
    assert ip.quoted_tuple(packet.payload, version) == (wire.address, wire.address, wire.lease.ports[0], 9)


def test_closed_ports_answer_us(wire):
    wire.listener.close()
    wire.send(seq=1000, flags=SYN)
    packet, _ = wire.receive()
    assert (packet.payload.flags, packet.payload.seq, packet.payload.ack) == (RST | ACK, 0, 1001)


def test_malformed_segments_go_out_as_they_are(wire):
    """The kernel drops them, so they are seen where they pass: at another packet socket."""
    protocol = 0x0800 if len(wire.address) == 4 else 0x86DD
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as tap:
        tap.bind(("lo", protocol))
        tap.settimeout(PATIENCE)
        segment = Segment(wire.lease.ports[0], wire.port, flags=511, data_offset=3, reserved=7, checksum=0xDEAD)
        sent = ip.encode(Packet(wire.address, wire.address, segment, ttl=3, tos=0xFF, ident=77))
        wire.link.send(sent, wire.address)
        while (seen := tap.recv(65536)) != sent:
            assert ip.peek(seen) != ip.peek(sent)


def test_nothing_is_left_after_closing(wire):
    before = len(list(DESCRIPTORS.iterdir()))
    link = RawLink(wire.address)
    lease = link.lend(wire.address, 5)
    link.close()
    link.close()
    lease.release()
    assert len(list(DESCRIPTORS.iterdir())) == before
    for port in lease.ports:
        socket.create_server((ip.text(wire.address), port), family=wire.listener.family).close()


def test_leases_are_of_one_link(wire):
    second = wire.link.lend(wire.address, 3)
    assert not set(second.ports) & set(wire.lease.ports)
    second.release()
    assert wire.link.dropped() == 0
    assert (wire.link.own_addresses, wire.link.offload, wire.link.virtual) == (False, True, False)
    with pytest.raises(LinkError, match=r"this link is for .*, not for 192\.0\.2\.9"):
        wire.link.lend(ip.pack("192.0.2.9"), 1)


@pytest.mark.parametrize(
    ("packet", "sentence"),
    [
        ({"checksum": 1}, "the raw link cannot send a wrong IPv4 header checksum: the kernel would repair it"),
        ({"total_length": 1}, "the raw link cannot send a wrong IPv4 total length: the kernel would repair it"),
    ],
)
def test_what_the_kernel_would_repair_is_refused(packet, sentence):
    loopback = ip.pack("127.0.0.1")
    link = RawLink(loopback)
    with pytest.raises(LinkError) as caught:
        link.send(ip.encode(Packet(loopback, loopback, Segment(1, 1), **packet)), loopback)
    assert str(caught.value) == sentence
    with pytest.raises(LinkError, match="less than an IPv4 header"):
        link.send(b"\x45", loopback)
    link.close()


def test_another_family_is_refused():
    with pytest.raises(LinkError, match=r"source address ::1 is not of the same family as 127\.0\.0\.1"):
        RawLink(ip.pack("127.0.0.1"), source=ip.pack("::1"))


def test_without_privileges_one_sentence_says_so():
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            RawLink(ip.pack("127.0.0.1"))
        except LinkError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        assert told.read() == UNPRIVILEGED
    os.waitpid(child, 0)
