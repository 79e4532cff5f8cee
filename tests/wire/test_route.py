import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import ip
from tcpprobe.wire.checksum import Checksum, verify
from tcpprobe.wire.ip import Packet, decode, encode, peek
from tcpprobe.wire.route import LOOSE, STRICT, ReturnRoute, Route, encode_route, return_route, source_route, ultimate
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.text import one_line

US, TARGET, A, B, C = (ip.pack(f"192.0.2.{number}") for number in (1, 2, 9, 10, 11))


@pytest.mark.parametrize("kind", [LOOSE, STRICT])
@pytest.mark.parametrize("passed", [0, 1, 2])
@pytest.mark.parametrize("before", ["", "01", "94040000 01"])
def test_a_route_has_a_part_behind_it_and_one_ahead(kind, passed, before):
    options = bytes.fromhex(before) + encode_route(kind, (A, B), passed)
    assert source_route(options) == Route(kind, (A, B)[:passed], (A, B)[passed:])
    assert ultimate(options, TARGET) == (B if passed < 2 else TARGET)


@pytest.mark.parametrize(
    "octets",
    ["", "0101", "00 8307 08 c0000209", "83", "8302", "8303", "830704", "8306 04 c00002", "8307 05 c0000209",
     "8307 00 c0000209", "9400", "0707 04 c0000209"],
)  # fmt: skip
def test_what_is_no_route_that_can_be_read(octets):
    options = bytes.fromhex(octets)
    assert source_route(options) is None
    assert ultimate(options, TARGET) == TARGET
    assert return_route(US, options) is None


@given(st.binary(max_size=40))
def test_no_options_break_it(options):
    assert len(ultimate(options, TARGET)) == 4
    back = return_route(US, options)
    assert back is None or (len(back.options) <= 40 and ultimate(back.options, back.first) == US)


@pytest.mark.parametrize(
    ("route", "first", "rest"),
    [((A,), A, (US,)), ((A, B, C), C, (B, A, US)), ((US, A, B), B, (A, US))],
)
def test_the_way_back_is_the_route_reversed(route, first, rest):
    """RFC 1122 3.2.1.8: correctly formed even if the recorded route included the source host."""
    back = return_route(US, encode_route(LOOSE, route, len(route)))
    assert back == ReturnRoute(first, encode_route(LOOSE, rest))


@pytest.mark.parametrize("options", [encode_route(LOOSE, (A, B), 1), encode_route(LOOSE, (US,), 1)])
def test_there_is_none_before_the_route_is_completed_or_without_anybody_on_it(options):
    assert return_route(US, options) is None


def test_the_checksum_and_the_four_tuple_are_those_of_the_ultimate_destination():
    """RFC 9293 3.9.2.1."""
    raw = encode(Packet(TARGET, B, Segment(7, 4000), options=encode_route(LOOSE, (A, US))))
    packet = decode(raw)
    assert (packet.dst, packet.tcp_checksum) == (B, Checksum.CORRECT)
    assert verify(TARGET, US, raw[32:]) is Checksum.CORRECT
    assert peek(raw) == (TARGET, US, 7, 4000)
    assert one_line(packet).endswith("len 0 then to 192.0.2.9, 192.0.2.1")


def test_a_completed_route_is_told():
    packet = Packet(US, TARGET, Segment(4000, 7), options=encode_route(LOOSE, (A, B), 2))
    assert one_line(packet).endswith("len 0 by way of 192.0.2.9, 192.0.2.10")
