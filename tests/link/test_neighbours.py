import pytest

from tcpprobe.link.neighbours import ALL_NODES, Neighbours, groups
from tcpprobe.wire import ether, ip
from tcpprobe.wire.ether import ADVERTISEMENT, ARP, BROADCAST, REPLY, REQUEST, SOLICITATION, Arp, Frame, Neighbour

OURS, THEIRS = bytes.fromhex("02000000000a"), bytes.fromhex("02000000000b")
A4, B4, C4 = map(ip.pack, ("192.0.2.50", "192.0.2.1", "192.0.2.9"))
A6, B6, C6 = map(ip.pack, ("2001:db8::12:3456", "2001:db8::1", "2001:db8::9"))
NOBODY4, NOBODY6 = bytes(4), bytes(16)
SOLICITED, OVERRIDE = 0x40, 0x20
EVERYBODY6 = bytes.fromhex("333300000001")


def arp(operation, sender, target, hardware=THEIRS):
    return Frame(BROADCAST, hardware, ARP, ether.encode_arp(Arp(operation, hardware, sender, bytes(6), target)))


def neighbour(message, src, dst, hardware=THEIRS):
    return Frame(OURS, hardware, ether.IPV6, ip.encode(ether.neighbour_packet(message, src, dst)))


def read(frames):
    """(to whom, what, from and to which address) of each frame."""
    found = []
    for frame in map(ether.decode_frame, frames):
        assert frame.src == OURS
        if frame.type == ARP:
            found.append((frame.dst, ether.decode_arp(frame.payload)))
        else:
            packet = ip.decode(frame.payload)
            found.append((frame.dst, ether.read_neighbour(packet), packet.src, packet.dst))
    return found


@pytest.fixture
def v4():
    made = Neighbours(OURS, (A4,), B4)
    made.announcements()
    return made


@pytest.fixture
def v6():
    made = Neighbours(OURS, (A6,), B6)
    made.announcements()
    return made


def test_ipv4_probe_announcement_and_question():
    made = Neighbours(OURS, (A4,), B4)
    assert read(made.probes()) == [(BROADCAST, Arp(REQUEST, OURS, NOBODY4, bytes(6), A4))]
    assert read(made.announcements()) == [(BROADCAST, Arp(REQUEST, OURS, A4, bytes(6), A4))]
    assert read([made.question()]) == [(BROADCAST, Arp(REQUEST, OURS, A4, bytes(6), B4))]


def test_ipv6_probe_announcement_and_question():
    made = Neighbours(OURS, (A6,), B6)
    group = ether.solicited_node(A6)
    to_group = bytes.fromhex("3333ff123456")
    assert read(made.probes()) == [(to_group, Neighbour(SOLICITATION, A6), NOBODY6, group)]
    said = Neighbour(ADVERTISEMENT, A6, OURS, OVERRIDE)
    assert read(made.announcements()) == [(EVERYBODY6, said, A6, ALL_NODES)]
    ((_, message, src, dst),) = read([made.question()])
    assert (message, src, dst) == (Neighbour(SOLICITATION, B6, OURS), A6, ether.solicited_node(B6))


def test_questions_about_our_address_are_answered(v4, v6):
    assert read(v4.frame_arrives(arp(REQUEST, B4, A4))) == [(THEIRS, Arp(REPLY, OURS, A4, THEIRS, B4))]
    asked = neighbour(Neighbour(SOLICITATION, A6, THEIRS), B6, A6)
    assert read(v6.frame_arrives(asked)) == [(THEIRS, Neighbour(ADVERTISEMENT, A6, OURS, SOLICITED | OVERRIDE), A6, B6)]


def test_who_would_have_our_address_is_told_that_it_is_taken(v4, v6):
    assert read(v4.frame_arrives(arp(REQUEST, NOBODY4, A4))) == [(THEIRS, Arp(REPLY, OURS, A4, THEIRS, NOBODY4))]
    asked = neighbour(Neighbour(SOLICITATION, A6), NOBODY6, ether.solicited_node(A6))
    assert read(v6.frame_arrives(asked)) == [(EVERYBODY6, Neighbour(ADVERTISEMENT, A6, OURS, OVERRIDE), A6, ALL_NODES)]
    assert (v4.rival, v6.rival) == (None, None)


def test_nothing_is_answered_before_the_addresses_are_ours():
    assert Neighbours(OURS, (A4,), B4).frame_arrives(arp(REQUEST, B4, A4)) == []
    asked = neighbour(Neighbour(SOLICITATION, A6, THEIRS), B6, A6)
    assert Neighbours(OURS, (A6,), B6).frame_arrives(asked) == []


@pytest.mark.parametrize(
    "frame",
    [
        arp(REQUEST, B4, C4),
        arp(REPLY, B4, A4),
        Frame(BROADCAST, THEIRS, ARP, b"short"),
        neighbour(Neighbour(SOLICITATION, C6, THEIRS), B6, A6),
        Frame(OURS, THEIRS, ether.IPV6, b""),
        Frame(OURS, THEIRS, ether.IPV4, bytes(20)),
        arp(REQUEST, A4, A4, hardware=OURS),
    ],
)
def test_nothing_else_is_answered(frame):
    for pair in ((A4, B4), (A6, B6)):
        made = Neighbours(OURS, pair[:1], pair[1])
        made.announcements()
        assert made.frame_arrives(frame) == []
        assert made.rival is None


def test_the_next_hop_is_known_by_what_it_says_last(v4, v6):
    v4.frame_arrives(arp(REPLY, C4, A4))
    assert v4.hardware is None
    v4.frame_arrives(arp(REPLY, B4, A4))
    assert v4.frame_to_next_hop(b"packet") == THEIRS + OURS + b"\x08\x00packet"
    moved = bytes.fromhex("02000000000c")
    v4.frame_arrives(arp(REQUEST, B4, B4, hardware=moved))
    assert v4.hardware == moved
    v6.frame_arrives(neighbour(Neighbour(ADVERTISEMENT, B6, moved, SOLICITED), B6, A6))
    assert v6.frame_to_next_hop(b"packet") == moved + OURS + b"\x86\xddpacket"


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize(
    ("address", "frame"),
    [
        (A4, arp(REPLY, A4, B4)),
        (A4, arp(REQUEST, A4, A4)),
        (A6, neighbour(Neighbour(ADVERTISEMENT, A6, THEIRS, OVERRIDE), A6, ALL_NODES)),
    ],
)
def test_somebody_who_has_our_address_is_a_rival(address, frame, ours):
    made = Neighbours(OURS, (address,), B4 if len(address) == 4 else B6)
    if ours:
        made.announcements()
    made.frame_arrives(frame)
    assert made.rival == (address, THEIRS)


def test_somebody_who_probes_for_it_at_the_same_time_is_one_too():
    made = Neighbours(OURS, (A4,), B4)
    made.frame_arrives(arp(REQUEST, NOBODY4, A4))
    assert made.rival == (A4, THEIRS)
    made = Neighbours(OURS, (A6,), B6)
    made.frame_arrives(neighbour(Neighbour(SOLICITATION, A6), NOBODY6, ether.solicited_node(A6)))
    assert made.rival == (A6, THEIRS)


def test_groups():
    assert groups([A4]) == set()
    assert groups([A6]) == {bytes.fromhex("3333ff123456"), EVERYBODY6}
