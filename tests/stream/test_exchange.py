"""One segment and its answers, in virtual time."""

from __future__ import annotations

from memory import ECHO, HOST, Wire

from tcpprobe.stream.exchange import exchange
from tcpprobe.wire import ip
from tcpprobe.wire.flags import ACK, RST, SYN
from tcpprobe.wire.segment import Segment


def test_what_came_in_time_is_seen_even_when_we_look_late():
    """Nothing is waited for, and the answer is there at once."""
    seen = exchange(ip.pack(HOST), Segment(0, ECHO, flags=SYN), 0.0, link=Wire(delay=0.0))
    assert [each.packet.payload.flags for each in seen] == [SYN, SYN | ACK, RST]
