"""Two endpoints over a bad link, and segments that make no sense."""

from __future__ import annotations

import random
from dataclasses import replace

from dialogue import BUILDERS, ISS, LOCAL, PLAIN, REMOTE, Dialogue
from exchange import BadLink, Pair
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.events import Reset, TimedOut
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import State
from tcpprobe.wire import ip
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

CONFIGS = st.builds(
    Config,
    window=st.sampled_from([500, 3000, 65536]),
    wscale=st.sampled_from([None, 0, 7]),
    timestamps=st.booleans(),
    sack=st.booleans(),
    nagle=st.booleans(),
    ecn=st.booleans(),
    mtu=st.sampled_from([576, 1500]),
)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.02, 0.1, 0.3]),
    repeat=st.sampled_from([0.0, 0.2]),
    jitter=st.sampled_from([0.0, 0.05, 0.5]),
    config=CONFIGS,
    sizes=st.tuples(st.sampled_from([0, 1, 5000, 40000]), st.sampled_from([0, 1, 5000, 40000])),
)
def test_a_bad_link_delivers_every_byte_in_order_or_reports_the_end(seed, loss, repeat, jitter, config, sizes):
    rng = random.Random(seed)
    upload, download = (rng.randbytes(size) for size in sizes)
    pair = Pair(BadLink(rng, loss, repeat, jitter), config, upload, download)
    pair.run()
    for name, expected in (("server", upload), ("client", download)):
        assert expected.startswith(pair.heard[name])
        if pair.heard[name] != expected:
            assert {TimedOut, Reset} & (pair.ended["client"] | pair.ended["server"])


def test_a_good_link_delivers_a_megabyte_in_both_directions():
    data = random.Random(0).randbytes(1 << 20)
    pair = Pair(BadLink(random.Random(0), 0.0, 0.0, 0.0), Config(), data, data[::-1])
    pair.run()
    assert pair.heard == {"server": data, "client": data[::-1]}
    assert not {TimedOut, Reset} & (pair.ended["client"] | pair.ended["server"])


NEAR = st.one_of(st.integers(-70000, 70000), st.integers(-3, 3), st.integers(0, 2**32 - 1))
SEGMENTS = st.builds(
    lambda seq, ack, flags, window, urgent, options, payload: Segment(
        REMOTE[1], LOCAL[1], add(ISS - 16, seq), add(ISS, ack), flags, window, urgent, options, payload
    ),
    seq=NEAR,
    ack=NEAR,
    flags=st.one_of(st.integers(0, 511), st.sampled_from([16, 17, 2, 18, 4, 20, 24])),
    window=st.one_of(st.just(0), st.integers(0, 65535)),
    urgent=st.integers(0, 65535),
    options=st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda a, b: b"\1\1\5\12" + a.to_bytes(4, "big") + b.to_bytes(4, "big"), *[st.integers(0, 2**32 - 1)] * 2
        ),
        st.builds(lambda a: b"\1\1\x08\x0a" + a.to_bytes(4, "big") + bytes(4), st.integers(0, 2**32 - 1)),
    ),
    payload=st.one_of(st.just(b""), st.binary(max_size=20), st.integers(0, 1500).map(bytes)),
)
ACTIONS = st.one_of(
    SEGMENTS,
    st.floats(0, 300),
    st.sampled_from(["send", "close", "abort", "receive", "reflexes"]),
    SEGMENTS.map(lambda segment: ("note", segment)),
)


@settings(max_examples=400, deadline=None)
@given(
    state=st.sampled_from([State.CLOSED, State.SYN_SENT, *BUILDERS]),
    config=st.sampled_from([PLAIN, replace(PLAIN, timestamps=True, sack=True, wscale=3, ecn=True, keep_alive=50.0)]),
    actions=st.lists(ACTIONS, max_size=20),
)
def test_no_sequence_of_segments_and_calls_raises(state, config, actions):
    talk = Dialogue(Connection(LOCAL, REMOTE, iss=ISS, config=config))
    if state is State.SYN_SENT:
        talk.connection.open(0.0)
    elif state is not State.CLOSED:
        talk.in_state(state)
    for action in actions:
        _act(talk, action)
        sent = talk.connection.segments_to_send(talk.now)
        tcb = talk.connection.tcb
        assert len(sent) < 200
        assert 0 <= diff(tcb.snd.nxt, tcb.snd.una) < 1 << 30
        assert tcb.rcv.wnd >= 0
        due = talk.connection.next_timeout()
        assert due is None or due > talk.now - 1e9
        for segment in sent:
            assert ip.decode(ip.encode(ip.Packet(LOCAL[0], REMOTE[0], segment))).problem is None


def _act(talk, action):
    connection = talk.connection
    if isinstance(action, Segment):
        connection.segment_arrives(action, talk.now)
    elif isinstance(action, float):
        talk.now += action
        for _ in range(50):
            due = connection.next_timeout()
            if due is None or due > talk.now:
                break
            connection.timeout(max(due, connection.now))
            connection.segments_to_send(max(due, connection.now))
    elif isinstance(action, tuple):
        connection.note_sent(action[1], talk.now)
    elif action == "send":
        if not connection.closing and connection.state is not State.CLOSED and connection.fin_seq is None:
            connection.send(b"x" * 3000, talk.now)
    elif action == "reflexes":
        connection.reflexes = Reflexes.NONE if connection.reflexes is Reflexes.ALL else Reflexes.ALL
    elif action == "receive":
        connection.receive()
    else:
        getattr(connection, action)(talk.now)
