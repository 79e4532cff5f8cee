"""Every mutant shakes hands, unless that is its defect, and answers something otherwise than the sound endpoint."""

from __future__ import annotations

import random

import pytest

from tcpprobe.lab.memory import MemoryLab
from tcpprobe.lab.mutants import MUTANTS
from tcpprobe.tcp.connection import Connection
from tcpprobe.wire import ip, options
from tcpprobe.wire.flags import ACK, AE, CWR, ECE, FIN, PSH, RST, SYN, URG, flags_text
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

CONVERSATIONS = 400
OFFERS = (
    b"",
    options.encode_options([options.mss(600)]),
    options.encode_options([options.mss(1000), options.sack_permitted(), options.nop(), options.wscale(9)]),
    options.encode_options([options.mss(500), options.timestamps(1000, 0), options.nop(), options.wscale(2)]),
    options.encode_options([options.timestamps(1000, 0), options.sack_permitted(), options.mss(536)]),
    options.encode_options([options.eol(), options.mss(600)]),
    options.encode_options([options.Option(99, b"ab"), options.mss(600)]),
    b"\x02\x00\x05\xb4",
)
DIGEST = options.Option(19, bytes(16))
ISS = 0xFFFFFFC0


class Peer:
    """A client that says anything, chosen by ``rng``, and writes down what it hears."""

    def __init__(self, lab: MemoryLab, port: int, rng: random.Random) -> None:
        self.lab, self.port, self.rng = lab, port, rng
        self.lease = lab.link.lend(lab.target.address, 1)
        self.heard: list[str] = []
        self.iss = self.next = 0
        self.said = 1
        self.stamped = False
        self.stamp = 1000
        self.clock = 0

    def say(self, flags: int, seq: int, ack: int | None = None, data: bytes = b"", tos: int = 0, **fields) -> None:
        """Send a segment; ``seq`` is relative to our SYN, ``ack`` to the target's; ``ip`` is its packet's header."""
        raw, header = fields.pop("options", b""), fields.pop("ip", {})
        if self.stamped and not raw:
            self.stamp += 1
            raw = options.encode_options([options.nop(), options.nop(), options.timestamps(self.stamp, 0)])
        number = add(self.iss, self.next if ack is None else ack) if flags & ACK else ack or 0
        window = fields.pop("window", 20000)
        sport, dport = fields.pop("sport", self.lease.ports[0]), fields.pop("dport", self.port)
        segment = Segment(sport, dport, add(ISS, seq), number, flags, window, options=raw, payload=data, **fields)
        packet = ip.Packet(self.lease.address, self.lab.target.address, segment, tos=tos, **header)
        self.lab.link.send(ip.encode(packet), packet.dst)
        self.hear(0.0)

    def hear(self, seconds: float) -> None:
        """Let time pass, and note what arrives and when."""
        link = self.lab.link
        end = link.now + seconds
        while True:
            moment = link.next_timeout()
            now = end if moment is None or moment > end else max(moment, link.now)
            arrived = link.deliver(now)
            for raw, stamp in arrived:
                packet = ip.decode(raw)
                if packet.dst == self.lease.address:
                    self.note(packet, stamp)
            if not arrived and (moment is None or moment > end):
                return

    def note(self, packet: ip.Packet, stamp: float) -> None:
        """One line for a packet, its numbers relative."""
        seg = packet.payload
        if seg.flags & SYN and seg.flags & ACK:
            self.iss = seg.seq
            self.stamped = seg.parsed.timestamps is not None
            self.clock = seg.parsed.timestamps[0] if self.stamped else 0
        if diff(seg.seq, add(self.iss, self.next)) <= 0:
            self.next = max(self.next, diff(seg.end, self.iss))
        relative = seg.seq if seg.flags & RST else diff(seg.seq, self.iss)
        stamps = seg.parsed.timestamps
        self.heard.append(
            f"{stamp:.3f} {flags_text(seg.flags)} {relative} {diff(seg.ack, ISS) if seg.flags & ACK else 0}"
            f" {seg.window}"
            f" {len(seg.payload)} {hash(seg.payload)} {packet.tos} {seg.reserved} {packet.tcp_checksum}"
            f" {stamps and (diff(stamps[0], self.clock), stamps[1])}"
            f" {[item for item in seg.parsed.items if item.kind != options.TIMESTAMPS]}"
            f" {seg.parsed.problem} {self.iss if seg.flags & SYN else 0}"
        )


def handshake(peer: Peer) -> None:
    """Usually an ordinary one."""
    rng = peer.rng
    if rng.random() < 0.25:
        flags = rng.choice([0, FIN, FIN | PSH | URG, RST, ACK, SYN | ACK, SYN | FIN, SYN | RST, FIN | ACK, PSH])
        peer.say(flags, 0, 77, rng.choice([b"", b"abc"]))
    ecn = rng.choice([0, ECE | CWR])
    peer.say(SYN | ecn, 0, options=rng.choice(OFFERS), window=rng.choice([20000, 40000, 3000, 0]))
    if rng.random() < 0.2:
        rng.choice([lambda: peer.say(ACK, 1, 5000), lambda: peer.say(RST, 1), lambda: peer.hear(9.0)])()
    peer.say(ACK, 1, 1, window=rng.choice([20000, 40000, 3000, 0]))


def act(peer: Peer) -> None:
    """One thing a peer may do."""
    rng, here = peer.rng, peer.said
    data = bytes(rng.randrange(256) for _ in range(rng.choice([1, 5, 500])))
    kind = rng.randrange(28)
    if kind <= 3:
        peer.say(ACK | PSH, here, data=data)
        peer.said += len(data)
    elif kind == 4:
        for gap in (len(data), 3 * len(data), 5 * len(data)):
            peer.say(ACK, here + gap, data=data)
        peer.say(ACK, here, data=data)
        peer.said += 2 * len(data)
    elif kind == 5:
        peer.say(ACK, here - 3, data=b"old" + data)
        peer.said += len(data)
    elif kind == 6:
        size = rng.choice([100, 6000, 40000])
        request = b"GET /bytes/%d HTTP/1.1\r\n%s\r\n" % (size, rng.choice([b"", b"Connection: close\r\n"]))
        peer.say(ACK | PSH, here, data=request)
        peer.said += len(request)
    elif kind <= 9:
        peer.say(ACK, here, window=rng.choice([0, 10, 3000, 20000, 40000]))
    elif kind == 10:
        before = peer.next
        request = b"GET /bytes/9000 HTTP/1.1\r\n\r\n"
        peer.say(ACK | PSH, here, data=request)
        peer.said += len(request)
        for _ in range(rng.choice([2, 4])):
            peer.say(ACK, peer.said, before)
    elif kind == 11:
        peer.say(FIN | ACK, here, peer.next - rng.choice([0, 1]), data=rng.choice([b"", data]))
        peer.said += 1
    elif kind == 12:
        peer.say(FIN | ACK, here + 5)
    elif kind == 13:
        peer.hear(rng.choice([0.3, 1.2, 8.0, 40.0, 130.0, 250.0]))
    elif kind == 14:
        peer.say(rng.choice([RST, RST | ACK]), here + rng.choice([0, 1, 100, 90000, -1]), data=rng.choice([b"", b"x"]))
    elif kind == 15:
        peer.say(SYN, here + rng.choice([0, 100, -here]))
    elif kind == 16:
        peer.say(ACK, here, peer.next + 999, data=data)
    elif kind == 17:
        peer.say(ACK, here, -70000, data=data)
    elif kind == 18:
        peer.say(rng.choice([0, PSH, URG | PSH]), here, data=data)
    elif kind == 19:
        peer.say(ACK, here + rng.choice([90000, -90000]), data=rng.choice([b"", data]))
    elif kind == 20:
        peer.say(ACK | PSH, here, data=data, **rng.choice([{"checksum": 77}, {"data_offset": 4}, {"reserved": 5}]))
    elif kind == 21:
        peer.say(ACK | rng.choice([0, URG]), here, data=data, urgent=rng.choice([1, 900]))
        peer.said += len(data)
    elif kind == 22:
        peer.say(ACK, here, data=data, tos=3)
        peer.say(ACK | CWR, here + len(data), data=data)
        peer.said += 2 * len(data)
    elif kind == 23:
        old = options.encode_options([options.nop(), options.nop(), options.timestamps(7, 0)])
        peer.say(rng.choice([ACK, ACK, RST]), here, data=rng.choice([b"", data]), options=old)
    elif kind == 24:
        peer.say(ACK, here, peer.next - 1, data=data)
        peer.said += len(data)
    elif kind == 25:
        odd = options.encode_options([options.Option(99, b"ab"), options.nop(), options.mss(100), options.wscale(14)])
        peer.say(ACK, here, data=data, options=odd, window=rng.choice([1, 20000]))
    elif kind == 26:
        before = peer.next
        request = b"GET /bytes/9000 HTTP/1.1\r\n\r\n"
        peer.say(ACK | PSH, here, data=request)
        peer.said += len(request)
        blocks = options.sack_blocks((add(peer.iss, before), add(peer.iss, peer.next)))
        peer.say(ACK, peer.said, before, options=options.encode_options([options.nop(), options.nop(), blocks]))
        peer.hear(9.0)
    else:
        for index in range(9):
            peer.say(ACK, here + index, data=b"%d" % index)
        peer.said += 9
        peer.say(ACK, here + 500)
        peer.say(ACK, here - 1)


def answered(peer: Peer, *, port: int | None = None, flags: int = SYN, **fields) -> None:
    """Something out of the ordinary, then an ordinary handshake of another connection."""
    peer.say(flags, 0, dport=peer.port if port is None else port, **fields)
    handshake(Peer(peer.lab, peer.port, random.Random(0)))
    peer.say(SYN, 0, options=options.encode_options([options.mss(1000)]))


def stray_acknowledgments(peer: Peer) -> None:
    """More than anybody sends by accident."""
    for _ in range(300):
        peer.say(ACK, 0, 77)
    peer.say(SYN, 0)


def one_clock(peer: Peer) -> None:
    """Two connections at once: their numbers and timestamps have nothing to do with each other."""
    offer = options.encode_options([options.nop(), options.nop(), options.timestamps(5, 0)])
    others = [Peer(peer.lab, 7, peer.rng) for _ in range(2)]
    for each in others:
        each.say(SYN, 0, options=offer)
    peer.heard.append(f"{others[0].clock - others[1].clock} {diff(others[0].iss, others[1].iss)}")


def same_ports_later(peer: Peer) -> None:
    """Another connection of the same two sockets, a second later."""
    peer.say(SYN, 0)
    before = peer.iss
    peer.say(RST, 1)
    peer.hear(1.0)
    peer.say(SYN, 100000)
    peer.heard.append(str(diff(peer.iss, before)))


def syn_in_window(peer: Peer) -> None:
    """Another SYN on a half-open connection, inside the window and outside."""
    for seq in (100, 1 << 30):
        peer.say(SYN, 0)
        peer.say(SYN, seq)
        peer.say(ACK, 1, 1)
        peer.say(RST, 1)
    peer.say(SYN, 200000)


def displaced_timestamps(peer: Peer) -> None:
    """The option of data stands where it usually does not."""
    peer.say(SYN, 0, options=options.encode_options([options.timestamps(5, 0)]))
    peer.say(ACK, 1, 1)
    peer.say(ACK, 1, 1, b"abc", options=options.encode_options([options.timestamps(1006, 0)]))


def time_wait_over(peer: Peer) -> None:
    """The target closes first; long after TIME-WAIT our FIN comes once more."""
    peer.port = 13
    peer.say(SYN, 0)
    peer.say(ACK, 1, 1)
    peer.say(FIN | ACK, 1)
    peer.hear(250.0)
    peer.say(FIN | ACK, 1)


def signed_data(peer: Peer) -> None:
    """Data with an MD5 digest (RFC 2385)."""
    peer.say(SYN, 0)
    peer.say(ACK, 1, 1)
    peer.say(ACK, 1, 1, b"abc", options=options.encode_options([DIGEST]))


ODDITIES = (
    lambda peer: answered(peer, ip={"ttl": 1}),
    lambda peer: answered(peer, ip={"options": b"\x9e\x04\0\0"}),
    lambda peer: answered(peer, sport=0),
    lambda peer: answered(peer, data=b"\xff\xfd", ip={"total_length": 40}, flags=0, port=1),
    lambda peer: answered(peer, data=b"hello"),
    lambda peer: answered(peer, ack=5, port=1),
    lambda peer: answered(peer, flags=SYN | PSH),
    lambda peer: answered(peer, flags=SYN | AE),
    lambda peer: answered(peer, options=options.encode_options([options.timestamps(5, 5)])),
    lambda peer: answered(peer, options=options.encode_options([options.mss(500), options.mss(600)])),
    lambda peer: answered(peer, options=options.encode_options([DIGEST, DIGEST])),
    lambda peer: (peer.say(SYN | ECE | CWR, 0), peer.say(ACK, 1, 1), peer.say(ACK, -500, 1, b"old", tos=3)),
    stray_acknowledgments,
    one_clock,
    same_ports_later,
    syn_in_window,
    displaced_timestamps,
    time_wait_over,
    signed_data,
)
"""Conversations that chance would hardly bring about."""


def conversations(make):
    """What each conversation heard, one after the other, each on a target of its own."""
    for oddity in ODDITIES:
        with MemoryLab(make=make) as lab:
            peer = Peer(lab, 7, random.Random(0))
            oddity(peer)
            peer.hear(2.0)
            yield peer.heard
    for seed in range(CONVERSATIONS):
        rng = random.Random(seed)
        with MemoryLab(make=make, family=rng.choice([4, 4, 6])) as lab:
            for port in (rng.choice([1, 7, 9, 13, 80]), rng.choice([7, 80])):
                peer = Peer(lab, port, rng)
                handshake(peer)
                for _ in range(rng.randrange(9)):
                    act(peer)
                peer.hear(rng.choice([2.0, 20.0, 300.0]))
                yield peer.heard


@pytest.fixture(scope="module")
def sound():
    """What the sound endpoint says."""
    return list(conversations(Connection))


def test_there_are_many():
    assert len(MUTANTS) >= 100
    assert all(name == mutant.name and mutant.description for name, mutant in MUTANTS.items())


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_shakes_hands_and_is_told_from_the_sound_endpoint(name, sound):
    mutant = MUTANTS[name]
    with MemoryLab(make=mutant.make) as lab:
        peer = Peer(lab, 7, random.Random(0))
        peer.say(SYN, 0)
        peer.say(ACK, 1, 1)
        opened = [c.state.name for c in lab.link.peer.endpoint.connections.values()] == ["ESTABLISHED"]
        acknowledged = bool(peer.heard) and peer.heard[0].split()[1:4] in (
            [flags, "0", "1"] for flags in ("SA", "SAE", "RSA")
        )
        assert (opened and acknowledged) is mutant.handshake
    rooms = ("network", "extensions", "sending", "recovery", "timeouts", "fragments", "routes", "crowds", "accecn")
    elsewhere = tuple(f"mutants_{room}" for room in rooms)
    if mutant.kind.__module__.endswith(elsewhere):
        return  # this peer says nothing of what they stumble over; scenarios do (tests/specs)
    heard = conversations(mutant.make)
    assert any(ours != theirs for ours, theirs in zip(sound, heard, strict=True))
