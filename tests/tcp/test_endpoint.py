"""Many connections, listeners, and everything that belongs to nobody."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.tcp.events import DataArrived, Opened, Reset
from tcpprobe.tcp.state import State
from tcpprobe.wire import ip, options
from tcpprobe.wire.flags import ACK, FIN, RST, SYN
from tcpprobe.wire.fragments import cut, pieces_at
from tcpprobe.wire.icmp import Icmp, icmp_named, mtu_word
from tcpprobe.wire.route import LOOSE, encode_route, source_route
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

US = {4: ip.pack("192.0.2.1"), 6: ip.pack("2001:db8::1")}
PEER = {4: ip.pack("198.18.0.9"), 6: ip.pack("2001:db8:1::9")}


def endpoint(**more):
    """An endpoint at both addresses that listens on port 7."""
    made = Endpoint(US.values(), rng=random.Random(3), **more)
    made.listen(7)
    return made


def ask(made, segment, now=0.0, family=4, **fields):
    """Hand one segment to the endpoint, through the wire's bytes; what it answers."""
    made.packet_arrives(ip.decode(ip.encode(ip.Packet(PEER[family], US[family], segment, **fields))), now)
    return made.packets_to_send(now)


def opened(made, port=4000, now=0.0, family=4, syn=None):
    """A connection from ``port``; the SYN,ACK."""
    (answer,) = ask(made, syn or Segment(port, 7, 100, 0, SYN, 60000), now, family)
    assert answer.payload.flags == SYN | ACK
    ask(made, Segment(port, 7, 101, add(answer.payload.seq, 1), ACK, 60000), now, family)
    return answer.payload


@pytest.mark.parametrize("family", [4, 6])
def test_a_listener_opens_and_a_closed_port_resets(family):
    made = endpoint()
    assert opened(made, family=family).ack == 101
    assert isinstance(made.next_event()[1], Opened)
    (answer,) = ask(made, Segment(4000, 1, 100, 0, SYN), family=family)
    assert (answer.payload.flags, answer.payload.ack, answer.payload.seq) == (RST | ACK, 101, 0)
    assert (answer.src, answer.dst) == (US[family], PEER[family])


def test_the_default_mss_of_ipv6():
    made = endpoint()
    opened(made, family=6)
    connection = made.next_event()[0]
    assert connection.tcb.snd.mss == 1220
    assert connection.offer.mss == 1440


@pytest.mark.parametrize(
    "fields",
    [
        {"src": ip.pack("224.0.0.1")},
        {"src": ip.pack("0.0.0.0")},
        {"src": b"\xff\xff\xff\xff"},
        {"dst": ip.pack("192.0.2.2")},
        {"dst": ip.pack("224.0.0.1")},
        {"checksum": 0x1234},
        {"fragment": (0, True)},
        {"total_length": 999},
    ],
)
def test_what_is_dropped_in_silence(fields):
    made = endpoint()
    packet = replace(ip.Packet(PEER[4], US[4], Segment(4000, 7, 100, 0, SYN)), **fields)
    made.packet_arrives(ip.decode(ip.encode(packet)), 0.0)
    assert made.packets_to_send(0.0) == []


@pytest.mark.parametrize("fields", [{"checksum": 0x1234}, {"data_offset": 4}, {"data_offset": 15}])
def test_a_bad_tcp_header_is_dropped_even_at_a_closed_port(fields):
    made = endpoint()
    for port in (1, 7):
        assert ask(made, Segment(4000, port, 100, 0, SYN, **fields)) == []


def test_no_answer_to_ourselves():
    made = endpoint()
    made.packet_arrives(ip.Packet(US[4], US[4], Segment(7, 7, 1, 0, SYN)), 0.0)
    assert made.packets_to_send(0.0) == []


def test_initial_sequence_numbers_follow_a_clock_and_differ_by_four_tuple():
    made = endpoint()
    first = opened(made, 4000).seq
    other = opened(made, 4001).seq
    ask(made, Segment(4000, 7, 101, 0, RST))
    later = opened(made, 4000, now=1.0).seq
    assert diff(later, first) == 250000
    assert abs(diff(other, first)) > 1000


def test_connections_do_not_mix_and_a_closed_one_is_forgotten():
    made = endpoint()
    opened(made, 4000)
    opened(made, 4001)
    while made.next_event():
        pass
    ask(made, Segment(4001, 7, 101, 0, RST))
    connection, event = made.next_event()
    assert (connection.tcb.remote[1], event) == (4001, Reset())
    assert made.next_event() is None
    assert [pair[1][1] for pair in made.connections] == [4000]


def test_a_syn_flood_does_not_shut_the_door():
    made = Endpoint([US[4]], rng=random.Random(3))
    made.listen(7, backlog=10)
    for port in range(1000, 1100):
        assert len(ask(made, Segment(port, 7, 1, 0, SYN))) == 1
    assert len(made.connections) == 10
    opened(made, 4000)


def test_timeouts_reach_the_right_connection():
    made = endpoint()
    ask(made, Segment(4000, 7, 100, 0, SYN))
    ask(made, Segment(4001, 7, 100, 0, SYN), now=0.5)
    assert made.next_timeout() == pytest.approx(1.0)
    made.timeout(1.0)
    (again,) = made.packets_to_send(1.0)
    assert again.payload.dport == 4000
    assert made.next_timeout() == pytest.approx(1.5)


def test_connect_and_talk():
    client, server = Endpoint([PEER[4]], rng=random.Random(1)), endpoint()
    connection = client.connect((PEER[4], 5000), (US[4], 7), 0.0)
    with pytest.raises(ValueError, match="already"):
        client.connect((PEER[4], 5000), (US[4], 7), 0.0)
    connection.send(b"hello", 0.0)
    heard = []
    while packets := [*client.packets_to_send(0.0), *server.packets_to_send(0.0)]:
        for packet in packets:
            (server if packet.dst == US[4] else client).packet_arrives(packet, 0.0)
        while (happened := server.next_event()) is not None:
            heard.append(happened[1])
    assert DataArrived(5) in heard


def _in_time_wait(made, stamp=None, port=4000):
    syn = Segment(port, 7, 100, 0, SYN, 60000)
    raw = b""
    if stamp is not None:
        syn.options = options.pad_options(options.encode_options([options.timestamps(stamp, 0)]))
        raw = options.encode_options([options.nop(), options.nop(), options.timestamps(stamp, 0)])
    (answer,) = ask(made, syn)
    iss = answer.payload.seq
    ask(made, Segment(port, 7, 101, add(iss, 1), ACK, 60000, options=raw))
    connection = made.next_event()[0]
    connection.close(0.0)
    made.packets_to_send(0.0)
    ask(made, Segment(port, 7, 101, add(iss, 2), ACK | FIN, 60000, options=raw))
    assert connection.state is State.TIME_WAIT
    return connection


@pytest.mark.parametrize(
    ("before", "after", "seq", "accepted"),  # RFC 6191 2
    [
        (10, 11, 5, True),
        (10, 10, 500, True),
        (10, 10, 5, False),
        (10, 9, 500, False),
        (10, None, 500, True),
        (10, None, 5, False),
        (None, 1, 5, True),
        (None, None, 500, True),
        (None, None, 5, False),
        (None, None, 102, True),  # the FIN had 101
        (None, None, 101, False),
    ],
)
def test_a_syn_in_time_wait(before, after, seq, accepted):
    made = endpoint(config=Config())
    old = _in_time_wait(made, before)
    syn = Segment(4000, 7, seq, 0, SYN, 60000)
    if after is not None:
        syn.options = options.pad_options(options.encode_options([options.timestamps(after, 0)]))
    answers = ask(made, syn, now=1.0)
    if accepted:
        assert [answer.payload.flags for answer in answers] == [SYN | ACK]
        assert diff(answers[0].payload.seq, old.tcb.snd.nxt) > 0
    else:
        assert SYN | ACK not in [answer.payload.flags for answer in answers]
        assert old.state is State.TIME_WAIT


def test_in_time_wait_a_timestamp_counts_only_where_it_would_be_used():
    made = endpoint(config=Config(timestamps=False))
    old = _in_time_wait(made)
    syn = Segment(4000, 7, 5, 0, SYN, 60000)
    syn.options = options.pad_options(options.encode_options([options.timestamps(1, 0)]))
    assert SYN | ACK not in [answer.payload.flags for answer in ask(made, syn, now=1.0)]
    assert old.state is State.TIME_WAIT


def test_successors_of_time_wait_count_as_half_open():
    made = Endpoint([US[4]], rng=random.Random(3))
    made.listen(7, backlog=10)
    for port in range(4000, 4020):
        _in_time_wait(made, port=port)
        while made.next_event():
            pass
    for port in range(4000, 4020):
        assert len(ask(made, Segment(port, 7, 500, 0, SYN), now=1.0)) == 1
    assert len(made.connections) == 10


def _with_data_out(made, size=5000, family=4):
    syn = Segment(4000, 7, 100, 0, SYN, 60000, options=options.encode_options([options.mss(1440)]))
    opened(made, family=family, syn=syn)
    connection = made.next_event()[0]
    connection.send(b"x" * size, 0.0)
    return connection, made.packets_to_send(0.0)


@pytest.mark.parametrize(("family", "name", "mtu"), [(4, "frag-needed", 600), (6, "packet-too-big", 1280)])
def test_path_mtu_discovery(family, name, mtu):
    made = endpoint()
    connection, packets = _with_data_out(made, family=family)
    assert all(packet.df for packet in packets)
    icmp = Icmp(*icmp_named(name, family), mtu_word(mtu, family), ip.encode(packets[0]))
    made.packet_arrives(ip.decode(ip.encode(ip.Packet(PEER[family], US[family], icmp))), 0.1)
    again = made.packets_to_send(0.1)
    assert again[0].payload.seq == packets[0].payload.seq
    assert max(len(ip.encode(packet)) for packet in again) <= mtu
    assert connection.tcb.snd.mss == mtu - (40 if family == 4 else 60)


@pytest.mark.parametrize("seq", [-5000, 100000])
def test_icmp_about_what_is_not_outstanding_is_ignored(seq):
    made = endpoint()
    connection, packets = _with_data_out(made)
    packets[0].payload.seq = add(packets[0].payload.seq, seq)
    icmp = Icmp(*icmp_named("frag-needed", 4), mtu_word(600, 4), ip.encode(packets[0]))
    made.packet_arrives(ip.decode(ip.encode(ip.Packet(PEER[4], US[4], icmp))), 0.1)
    assert connection.tcb.snd.mss == 1440


@pytest.mark.parametrize("name", ["port-unreachable", "host-unreachable", "source-quench", "time-exceeded"])
def test_icmp_errors_do_not_end_a_synchronized_connection(name):
    made = endpoint()
    connection, packets = _with_data_out(made)
    icmp = Icmp(*icmp_named(name, 4), bytes(4), ip.encode(packets[0])[:28])
    made.packet_arrives(ip.decode(ip.encode(ip.Packet(PEER[4], US[4], icmp))), 0.1)
    assert connection.state is State.ESTABLISHED


def test_a_hard_icmp_error_refuses_an_opening_connection():
    made = endpoint()
    connection = made.connect((US[4], 5000), (PEER[4], 80), 0.0)
    (syn,) = made.packets_to_send(0.0)
    icmp = Icmp(*icmp_named("port-unreachable", 4), bytes(4), ip.encode(syn)[:28])
    made.packet_arrives(ip.decode(ip.encode(ip.Packet(PEER[4], US[4], icmp))), 0.1)
    assert connection.state is State.CLOSED


@pytest.mark.parametrize(("quoted", "state"), [(28, State.CLOSED), (27, State.SYN_SENT), (24, State.SYN_SENT)])
def test_a_quote_without_the_whole_sequence_number_is_not_believed(quoted, state):
    made = endpoint()
    connection = made.connect((US[4], 5000), (PEER[4], 80), 0.0)
    connection.renumber(0)
    connection.send_syn(SYN)
    syn = made.packets_to_send(0.0)[-1]
    icmp = Icmp(*icmp_named("port-unreachable", 4), bytes(4), ip.encode(syn)[:quoted])
    made.packet_arrives(ip.decode(ip.encode(ip.Packet(PEER[4], US[4], icmp))), 0.1)
    assert connection.state is state


@pytest.mark.parametrize(("name", "left"), [("port-unreachable", 0), ("host-unreachable", 1)])
def test_a_hard_icmp_error_ends_a_half_open_connection(name, left):
    made = endpoint()
    (answer,) = ask(made, Segment(4000, 7, 100, 0, SYN, 60000), now=0.0)
    icmp = Icmp(*icmp_named(name, 4), bytes(4), ip.encode(answer)[:28])
    made.packet_arrives(ip.decode(ip.encode(ip.Packet(PEER[4], US[4], icmp))), 0.1)
    made.packets_to_send(0.1)
    assert len(made.connections) == left


@pytest.mark.parametrize("mtu", [0, 68, 1279])
def test_packet_too_big_below_what_ipv6_allows_is_discarded(mtu):
    made = endpoint()
    connection, packets = _with_data_out(made, family=6)
    icmp = Icmp(*icmp_named("packet-too-big", 6), mtu_word(mtu, 6), ip.encode(packets[0]))
    made.packet_arrives(ip.decode(ip.encode(ip.Packet(PEER[6], US[6], icmp))), 0.1)
    assert not made.packets_to_send(0.1)
    assert connection.tcb.snd.mss == 1440


@pytest.mark.parametrize("source", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"])
def test_who_can_be_no_host_is_not_answered(source):
    made = endpoint()
    made.packet_arrives(ip.decode(ip.encode(ip.Packet(ip.pack(source), US[4], Segment(4000, 7, 100, 0, SYN)))), 0.0)
    assert not made.packets_to_send(0.0)


def test_deadlines_that_were_put_off_do_not_pile_up():
    client, server = (Endpoint([each[4]], rng=random.Random(1)) for each in (PEER, US))
    server.listen(7)
    connection = client.connect((PEER[4], 4000), (US[4], 7), 0.0)
    for step in range(3000):
        now = step / 1000
        connection.send(bytes(2 * 1448), now)
        client.touch(connection)
        for sender, taker in ((client, server), (server, client)) * 2:
            for packet in sender.packets_to_send(now):
                taker.packet_arrives(packet, now)
        for reader in server.connections.values():
            reader.receive()
    assert len(client._due) < 1100
    connection.send(b"x", 3.0)
    client.touch(connection)
    client.packets_to_send(3.0)
    assert 3.0 < client.next_timeout() <= 4.0


@pytest.mark.parametrize("family", [4, 6])
def test_a_segment_in_fragments_is_a_segment(family):
    """RFC 1122 3.3.2."""
    made = endpoint()
    syn = ip.Packet(
        PEER[family], US[family], Segment(4000, 7, 100, 0, SYN, 60000, payload=bytes(40)), ident=9, df=False
    )
    last, first = reversed(cut(syn, pieces_at([32])))
    made.packet_arrives(ip.decode(last), 0.0)
    assert made.packets_to_send(0.0) == []
    made.packet_arrives(ip.decode(first), 1.0)
    (answer,) = made.packets_to_send(1.0)
    assert answer.payload.flags == SYN | ACK


def hops(packet):
    """Where a packet goes: the header's destination, then what its source route has ahead."""
    route = source_route(packet.options)
    return [ip.text(each) for each in (packet.dst, *(route.ahead if route else ()))]


def test_the_return_route_is_kept_until_another_comes():
    """RFC 9293 3.9.2.1, MUST-53, SHLD-24."""
    made = endpoint()
    one, other, third = (ip.pack(f"192.0.2.{number}") for number in (9, 10, 11))
    (answer,) = ask(made, Segment(4000, 7, 100, 0, SYN, 60000), options=encode_route(LOOSE, (one, other), 2))
    assert hops(answer) == ["192.0.2.10", "192.0.2.9", "198.18.0.9"]
    acked = add(answer.payload.seq, 1)
    ask(made, Segment(4000, 7, 101, acked, ACK, 60000))
    (answer,) = ask(made, Segment(4000, 7, 101, acked, ACK | FIN, 60000))
    assert hops(answer) == ["192.0.2.10", "192.0.2.9", "198.18.0.9"]
    connection = made.next_event()[0]
    before = connection.payload_limit()
    for seq, route in ((1 << 31, "192.0.2.10"), (102, "192.0.2.11")):
        ask(made, Segment(4000, 7, seq, acked, ACK, 60000), options=encode_route(LOOSE, (third,), 1))
        assert ip.text(connection.return_route.first) == route, "only an acceptable segment changes it"
    assert connection.payload_limit() == before + 4


def test_a_packet_on_its_way_to_somebody_else_is_not_taken():
    made = endpoint()
    syn = Segment(4000, 7, 100, 0, SYN)
    assert ask(made, syn, options=encode_route(LOOSE, (ip.pack("192.0.2.9"),))) == []
