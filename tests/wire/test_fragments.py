from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import ip
from tcpprobe.wire.checksum import Checksum
from tcpprobe.wire.fragments import LONGEST, MOST, TIME_OUT, Piece, Reassembly, cut, pieces_at
from tcpprobe.wire.ip import Packet, decode, encode
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.text import one_line

A4, B4 = ip.pack("192.0.2.1"), ip.pack("192.0.2.2")
A6, B6 = ip.pack("2001:db8::1"), ip.pack("2001:db8::2")
PAIRS = [(A4, B4), (A6, B6)]
DATA = bytes(range(100))

pairs = st.sampled_from(PAIRS)
cuts = st.sets(st.integers(3, 40).map(lambda each: each * 8), max_size=6).map(sorted)


def packet(pair, **fields):
    return Packet(*pair, Segment(4000, 7, 1, payload=DATA), ident=77, df=False, **fields)


def put_together(fragments, now=0.0, reassembly=None):
    """What comes of them: the packets that are whole."""
    reassembly = Reassembly() if reassembly is None else reassembly
    found = [reassembly.arrives(decode(each), now) for each in fragments]
    return [each for each in found if each is not None]


@given(pairs, cuts, st.randoms(use_true_random=False))
def test_fragments_in_any_order_and_some_twice_make_the_packet_they_were_cut_from(pair, at, random):
    whole = packet(pair)
    fragments = cut(whole, pieces_at(at)[: sum(each < 120 for each in at) + 1])
    if len(fragments) == 1:
        return
    arriving = [*fragments, *random.sample(fragments, random.randint(0, 2))]
    random.shuffle(arriving)
    (found, *_) = put_together(arriving)
    assert (found.payload.payload, found.payload.sport) == (DATA, 4000)
    assert (found.tcp_checksum, found.problem, len(found.fragments)) == (Checksum.CORRECT, None, len(fragments))
    assert one_line(found).endswith(f"len 100 in {len(fragments)} fragments")


@pytest.mark.parametrize("pair", PAIRS)
def test_each_fragment_is_a_packet_of_its_own(pair):
    fragments = [decode(each) for each in cut(packet(pair, ttl=9), pieces_at([24, 64]))]
    assert [each.fragment for each in fragments] == [(0, True), (24, True), (64, False)]
    assert {(each.ident, each.ttl, each.df, each.problem) for each in fragments} == {(77, 9, False, "fragment")}
    assert b"".join(each.payload for each in fragments)[20:] == DATA


def test_every_so_many_octets():
    fragments = [decode(each) for each in cut(packet((A4, B4)), 48)]
    assert [(each.fragment, len(each.payload)) for each in fragments] == [
        ((0, True), 48), ((48, True), 48), ((96, False), 24),
    ]  # fmt: skip


def test_the_longest_packet_there_is():
    whole = Packet(A4, B4, Segment(1, 2, payload=bytes(LONGEST - 40)), ident=5, df=False)
    (found,) = put_together(cut(whole, 1480))
    assert len(found.raw) == LONGEST


def test_what_would_be_longer_than_a_packet_can_be_is_dropped():
    fragments = cut(packet((A4, B4)), [Piece(0, 64), Piece(64, more=True, data=bytes(65528 - 64)), Piece(65528, 5)])
    assert not put_together(fragments)
    assert not put_together([*fragments[:2], *cut(packet((A4, B4)), [Piece(65528, data=bytes(100), more=False)])])


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize(
    "pieces",
    [
        [Piece(0, 64), Piece(56, 16), Piece(64)],
        [Piece(0, 64), Piece(0, 64, data=bytes(64)), Piece(64)],
        [Piece(64), Piece(0, 72), Piece(0, 64)],
        [Piece(64), Piece(64, data=bytes(80), more=True), Piece(0, 64)],
        [Piece(72), Piece(0, 64), Piece(64, 8, more=False), Piece(64, 8)],
        [Piece(64, data=bytes(8), more=False), Piece(64), Piece(0, 64)],
    ],
)
def test_of_overlapping_or_contradicting_fragments_nothing_is_left(pair, pieces):
    assert not put_together(cut(packet(pair), pieces))


@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_not_a_multiple_of_eight_octets_long_is_no_fragment(pair):
    odd, *rest = cut(packet(pair), [Piece(0, 60), Piece(0, 64), Piece(64)])
    assert len(put_together([odd, *rest])) == 1
    assert not put_together([odd, rest[1]])


def test_an_ipv6_fragment_without_the_whole_tcp_header_is_dropped_and_an_ipv4_one_is_not():
    assert not put_together(cut(packet((A6, B6)), pieces_at([8])))
    assert len(put_together(cut(packet((A4, B4)), pieces_at([8])))) == 1


def test_extension_headers_before_the_fragment_header_stay():
    padding = bytes.fromhex("00010400000000")
    fragments = [
        encode(replace(each, options=b"\x2c" + padding + each.options, next_header=60, total_length=None))
        for each in map(decode, cut(packet((A6, B6)), pieces_at([64])))
    ]
    (found,) = put_together(fragments)
    assert (found.options, found.next_header, found.payload.payload) == (b"\x06" + padding, 60, DATA)


def test_extension_headers_behind_it_are_part_of_what_is_cut():
    whole = packet((A6, B6), options=bytes.fromhex("0600010400000000"), next_header=60)
    (found,) = put_together(cut(whole, pieces_at([64])))
    assert (found.options, found.next_header, found.payload.payload) == (whole.options, 60, DATA)


def test_congestion_seen_by_one_fragment_is_seen_by_the_packet():
    first, last = cut(packet((A4, B4), tos=2), pieces_at([64]))
    (found,) = put_together([encode(replace(decode(last), tos=3, checksum=None)), first])
    assert found.tos == 3


def test_packets_do_not_mix():
    one, other = (cut(replace(packet((A4, B4)), ident=ident), pieces_at([64])) for ident in (1, 2))
    reassembly = Reassembly()
    assert not put_together([one[0], other[1]], reassembly=reassembly)
    assert len(put_together([other[0], one[1]], reassembly=reassembly)) == 2
    assert not len(reassembly)


def test_what_is_incomplete_is_given_up_after_a_while():
    first, last = cut(packet((A4, B4)), pieces_at([64]))
    for late, count in ((TIME_OUT - 1, 1), (TIME_OUT, 0)):
        reassembly = Reassembly()
        put_together([first], reassembly=reassembly)
        assert len(put_together([last], late, reassembly)) == count


def test_only_so_many_are_kept():
    reassembly = Reassembly()
    for ident in range(3 * MOST):
        put_together([cut(replace(packet((A4, B4)), ident=ident), [Piece(8)])[0]], reassembly=reassembly)
        assert len(reassembly) == min(ident + 1, MOST)


def test_whole_packets_and_damaged_fragments_are_not_for_it():
    fragment = bytearray(cut(packet((A4, B4)), pieces_at([64]))[0])
    fragment[10] ^= 1
    assert not put_together([encode(packet((A4, B4))), bytes(fragment)])


@given(st.lists(st.builds(
    Packet, st.just(A6), st.just(B6), st.binary(max_size=64), protocol=st.sampled_from([6, 0, 60, 44, 17]),
    fragment=st.tuples(st.integers(0, 8).map(lambda each: each * 8), st.booleans()), ident=st.integers(0, 1),
), max_size=12))  # fmt: skip
def test_no_fragment_whatever_breaks_it(packets):
    for found in put_together(map(encode, packets)):
        assert found.fragment in (None, (0, False)) or found.problem


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ([Piece(4)], "fragment offset 4 is not a multiple of 8"),
        ([], "a packet is cut into at least one piece"),
        (0, "a packet is cut into at least one piece"),
        ([Piece(65536)], "fragment offset 65536 does not fit 16 bits"),
    ],
)
def test_what_cannot_be_cut_is_told(how, message):
    with pytest.raises(ValueError, match=r"piece|offset") as caught:
        cut(packet((A4, B4)), how)
    assert str(caught.value) == message
