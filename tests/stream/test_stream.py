"""A connection used like a socket, in virtual time."""

from __future__ import annotations

import pytest
from memory import (
    CHARGEN,
    CLOSED,
    DAYTIME,
    DELAY,
    DISCARD,
    ECHO,
    HOST,
    Everything,
    NeverCloses,
    NeverReads,
    Resets,
    Wire,
    opened,
)

import tcpprobe
from tcpprobe.stream.errors import NotOpen, Refused, Reset, TimedOut, Unreachable
from tcpprobe.stream.stream import LINGER, SEND_BUFFER
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import ACK, FIN, PSH, RST
from tcpprobe.wire.segment import Segment


@pytest.mark.parametrize("host", [HOST, "2001:db8::1"])
def test_what_is_sent_is_received_again(host):
    stream, _ = opened(ECHO, host=host)
    with stream:
        stream.send(b"hello")
        assert stream.receive(3) == b"hel"
        assert stream.receive() == b"lo"
        assert stream.state is State.ESTABLISHED
        assert stream.peer.endswith(":7")
    assert stream.over


def test_connect_is_found_in_the_package():
    with tcpprobe.connect(HOST, ECHO, link=Wire()) as stream:
        stream.send(b"x")
        assert stream.receive() == b"x"
    with pytest.raises(AttributeError):
        tcpprobe.disconnect  # noqa: B018


def test_everything_until_the_peer_closes():
    stream, _ = opened(DAYTIME)
    with stream:
        assert stream.receive_all().endswith(b"UTC\r\n")
        assert stream.at_end
        assert stream.receive() == b""
    assert stream.state is State.CLOSED


def test_more_than_any_buffer_holds_goes_both_ways():
    data = bytes(range(256)) * (SEND_BUFFER // 128)
    stream, _ = opened(ECHO)
    back = bytearray()
    with stream:
        for at in range(0, len(data), 1 << 18):
            stream.send(data[at : at + (1 << 18)])
            back += stream.take()
        stream.finish()
        back += stream.receive_all()
    assert bytes(back) == data


def test_what_is_lost_is_sent_again_and_counted():
    stream, _ = opened(ECHO, lose={4, 9})
    with stream:
        stream.send(bytes(range(250)) * 100)
        stream.finish()
        assert stream.receive_all() == bytes(range(250)) * 100
        assert stream.statistics.retransmissions == 2


def test_statistics():
    stream, wire = opened(ECHO)
    with stream:
        stream.send(b"12345")
        assert stream.receive() == b"12345"
    found = stream.statistics
    assert (found.sent, found.received, found.retransmissions) == (5, 5, 0)
    assert found.packets_sent == len(wire.sent)
    assert found.packets_received == 3  # SYN,ACK; the echo; FIN,ACK
    assert found.rtt == pytest.approx(2 * DELAY)
    assert found.rate == pytest.approx(10 / found.seconds)
    assert str(found).startswith("sent 5 B, received 5 B, ")
    assert str(found).endswith("0 sent again")


def test_data_is_acknowledged_the_moment_it_arrives():
    stream, wire = opened(DAYTIME)
    stream.receive()
    arrived = stream.loop.now
    assert arrived == pytest.approx(4 * DELAY)
    assert wire.sent[-1].payload.ack == stream.connection.tcb.rcv.nxt
    stream.abort()


def test_a_large_window_is_offered_and_a_config_of_ones_own():
    stream, wire = opened(DISCARD)
    assert stream.connection.config.window == 4 << 20
    stream.abort()
    stream, wire = opened(DISCARD, config=Config(mtu=9000, window=1000, timestamps=False))
    assert wire.sent[0].payload.window == 1000
    assert wire.sent[0].payload.parsed.mss == 1460  # of the link, not of the config
    stream.abort()


# -- what goes wrong


def test_refused():
    with pytest.raises(Refused, match=r"^192\.0\.2\.1:1 refuses connections$") as raised:
        opened(CLOSED)
    assert isinstance(raised.value, ConnectionRefusedError)


def test_nobody_answers():
    wire = Wire(lose=Everything())
    with pytest.raises(TimeoutError, match=r"^192\.0\.2\.1:7 does not answer for 5 s$"):
        tcpprobe.connect(HOST, ECHO, link=wire, timeout=5.0)
    assert wire.now == pytest.approx(5.0)


def test_a_peer_that_says_nothing():
    stream, wire = opened(DISCARD, timeout=3.0)
    with pytest.raises(TimedOut, match="sends nothing for 3 s"), stream:
        stream.receive()
    assert wire.flags & RST


def test_a_window_that_stays_closed():
    stream, wire = opened(DISCARD, make=NeverReads)
    with pytest.raises(TimedOut, match=r"takes no data for 10 s \(its window is closed\)"), stream:
        stream.send(bytes(2 * SEND_BUFFER))
    assert stream.statistics.sent == pytest.approx(65536, abs=2000)
    assert wire.flags & RST


def test_what_came_before_a_reset_can_be_read():
    stream, _ = opened(ECHO, make=Resets)
    stream.send(b"hello")
    assert stream.receive() == b"hello"
    with pytest.raises(Reset, match=r"192\.0\.2\.1:7 has reset the connection"):
        stream.receive()
    with pytest.raises(ConnectionResetError):
        stream.send(b"more")
    stream.close()  # all that was sent had arrived
    assert stream.over


def test_close_tells_when_not_everything_arrived():
    stream, wire = opened(DISCARD, make=NeverReads, timeout=2.0)
    stream.send(bytes(SEND_BUFFER))
    with pytest.raises(TimedOut, match="does not acknowledge for 2 s"):
        stream.close()
    assert wire.flags & RST


def test_a_peer_that_never_closes_gets_a_reset_at_last():
    stream, wire = opened(DISCARD, make=NeverCloses)
    stream.send(b"all there is")
    before = stream.loop.now
    stream.close()
    assert wire.now - before == pytest.approx(LINGER, abs=10 * DELAY)
    assert [packet.payload.flags for packet in wire.sent[-2:]] == [FIN | ACK, RST]


def test_what_is_not_read_does_not_keep_it_open():
    stream, _ = opened(CHARGEN)
    with stream:
        stream.receive(10)
    assert stream.over
    stream.close()  # idempotent


@pytest.mark.parametrize(
    "call", [lambda s: s.send(b"x"), lambda s: s.receive(), lambda s: s.put({}), lambda s: s.finish()]
)
def test_a_closed_stream_does_nothing(call):
    stream, _ = opened(ECHO)
    stream.close()
    with pytest.raises(NotOpen, match="the stream is closed"):
        call(stream)


def test_no_more_data_after_the_last():
    stream, _ = opened(ECHO)
    stream.finish()
    with pytest.raises(NotOpen, match="this side of the connection is closed"):
        stream.send(b"x")
    stream.abort()


def test_an_exception_resets_the_connection():
    stream, wire = opened(ECHO)
    with pytest.raises(KeyError), stream:
        raise KeyError
    assert wire.flags & RST


def interrupted(flags, make=Connection):
    """Send something while Ctrl-C is pressed at these flags of ours; the wire."""
    stream, wire = opened(DISCARD, make=make)
    wire.interrupted_by, wire.press = flags, stream.loop.interrupt
    with pytest.raises(KeyboardInterrupt), stream:
        stream.send(b"hello")
    assert not wire.interrupted_by
    return wire


def test_an_interruption_closes_it_properly():
    wire = interrupted([PSH | ACK])
    flags = [packet.payload.flags for packet in wire.sent]
    assert FIN | ACK in flags
    assert not any(each & RST for each in flags)


def test_a_second_interruption_resets_it():
    wire = interrupted([PSH | ACK, FIN | ACK], NeverCloses)
    assert wire.flags & RST
    assert wire.now < LINGER


def test_an_interruption_of_nothing_is_heard_at_once():
    stream, _ = opened(DISCARD)
    with pytest.raises(KeyboardInterrupt):
        stream.loop.interrupt()
    stream.abort()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"host": "no such host"}, "no such host"),
        ({"host": "999.1.1.1"}, "'999.1.1.1' is not an IP address"),
        ({"port": 0}, "a port is from 1 to 65535, not 0"),
        ({"link": "pigeon"}, "no link is called 'pigeon'; there are raw, tun"),
        ({"link": "tun"}, "the tun link needs"),
        ({"link": "tun", "interface": "nosuch0", "source_ip": "10.9.0.2"}, "there is no network interface 'nosuch0'"),
        ({"link": "tun", "interface": "lo", "source_ip": "10.9.0.2"}, "lo cannot be used as a TUN device: it is none"),
        ({"source_ip": "here"}, "'here' is not an IP address"),
        ({"source_ip": "192.0.2.77"}, "192.0.2.77 is not an address of this host"),
        ({"interface": "nosuch0"}, "there is no network interface 'nosuch0'"),
        ({"host": "127.0.0.1", "source_ip": "::1"}, "has no IPv6 address"),
    ],
)
def test_what_is_not_possible_is_told_in_a_line(words, says):
    with pytest.raises(Unreachable) as raised:
        tcpprobe.connect(**{"host": "127.0.0.1", "port": 7, **words})
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


# -- by hand


def test_segments_by_hand_move_the_numbers():
    stream, wire = opened(ECHO)
    with stream:
        stream.put({"flags": "PA", "payload": b"one"})
        stream.put(
            Segment(
                *ports(stream), stream.connection.tcb.snd.nxt, stream.connection.tcb.rcv.nxt, ACK, 999, payload=b"two"
            )
        )
        assert wire.sent[-1].payload.window == 999
        received = b""
        while len(received) < 6:
            received += stream.receive()
        assert received == b"onetwo"


def test_a_segment_of_scapys():
    from scapy.layers.inet import IP, TCP

    stream, wire = opened(ECHO)
    with stream:
        stream.put(TCP(flags="PA") / b"hello")
        assert stream.receive() == b"hello"
        stream.put(IP(ttl=9) / TCP(flags="A"))
        assert wire.sent[-1].ttl == 9
        assert wire.sent[-1].payload.seq == stream.connection.tcb.snd.nxt


def test_a_wrong_segment_changes_nothing():
    stream, wire = opened(ECHO)
    with stream:
        stream.put({"flags": "PA", "payload": b"xyz", "checksum": 1})
        assert wire.sent[-1].payload.checksum == 1
        assert stream.connection.tcb.snd.nxt == wire.sent[-1].payload.seq
        stream.send(b"abc")
        assert stream.receive() == b"abc"


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"flags": "X"}, "'X' is not a TCP flag"),
        ({"sequence": 1}, "a segment has no field 'sequence'"),
        ({"window": 1 << 16}, "window 65536 does not fit 16 bits"),
        ("SYN", "neither a TCP layer nor an IP packet"),
    ],
)
def test_what_cannot_be_put(made, says):
    stream, wire = opened(ECHO)
    with stream:
        before = len(wire.sent)
        with pytest.raises(ValueError, match=says):
            stream.put(made)
        assert len(wire.sent) == before


def test_data_ends_with_push():
    stream, wire = opened(ECHO)
    stream.send(b"x")
    assert wire.flags == PSH | ACK
    stream.abort()


def ports(stream):
    """Ours and theirs."""
    tcb = stream.connection.tcb
    return tcb.local[1], tcb.remote[1]
