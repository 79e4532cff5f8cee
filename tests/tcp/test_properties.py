"""Two endpoints over a bad link, and segments that make no sense."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from dialogue import BUILDERS, ISS, LOCAL, PLAIN, REMOTE, Dialogue
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.tcp.events import DataArrived, Opened, Reset, TimedOut
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import State
from tcpprobe.wire import ip
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

HERE, THERE = ip.pack("192.0.2.1"), ip.pack("192.0.2.2")


@dataclass
class BadLink:
    """Loses, repeats and delays packets (so they overtake each other), as ``rng`` says."""

    rng: random.Random
    loss: float
    repeat: float
    jitter: float
    on_the_way: list[tuple[float, int, bytes]] = field(default_factory=list)
    serial: int = 0

    def put(self, packet: ip.Packet, now: float) -> None:
        """A packet enters."""
        copies = 0 if self.rng.random() < self.loss else 2 if self.rng.random() < self.repeat else 1
        for _ in range(copies):
            self.serial += 1
            arrival = now + 0.01 + self.rng.random() * self.jitter
            self.on_the_way.append((arrival, self.serial, ip.encode(packet)))

    def take(self, now: float) -> list[ip.Packet]:
        """What arrives until now, in order of arrival."""
        due = sorted(item for item in self.on_the_way if item[0] <= now)
        self.on_the_way = [item for item in self.on_the_way if item[0] > now]
        return [ip.decode(raw) for _, _, raw in due]


@dataclass
class Pair:
    """An active opener and a listener; both send, the listener closes when it has heard everything."""

    link: BadLink
    config: Config
    upload: bytes
    download: bytes
    now: float = 0.0
    heard: dict[str, bytes] = field(default_factory=lambda: {"client": b"", "server": b""})
    ended: dict[str, set[type]] = field(default_factory=lambda: {"client": set(), "server": set()})

    def run(self) -> None:
        """Until nothing is left to happen."""
        client = Endpoint([HERE], config=self.config, rng=random.Random(1))
        server = Endpoint([THERE], config=self.config, rng=random.Random(2))
        server.listen(7)
        connection = client.connect((HERE, 4000), (THERE, 7), 0.0)
        connection.send(self.upload, 0.0)
        for _ in range(20000):
            self._events(client, "client", self.upload)
            self._events(server, "server", self.download)
            for endpoint in (client, server):
                for packet in endpoint.packets_to_send(self.now):
                    self.link.put(packet, self.now)
            moments = [item[0] for item in self.link.on_the_way]
            moments += [t for t in (client.next_timeout(), server.next_timeout()) if t is not None]
            if not moments:
                return
            self.now = max(self.now, min(moments))
            for packet in self.link.take(self.now):
                (client if packet.dst == HERE else server).packet_arrives(packet, self.now)
            client.timeout(self.now)
            server.timeout(self.now)
        raise AssertionError("it never ends")

    def _events(self, endpoint: Endpoint, name: str, speech: bytes) -> None:
        while (happened := endpoint.next_event()) is not None:
            connection, event = happened
            self.ended[name].add(type(event))
            if isinstance(event, DataArrived):
                self.heard[name] += connection.receive()
            done = len(self.heard[name]) == len(self.download if name == "client" else self.upload)
            if name == "server" and isinstance(event, Opened):
                connection.send(speech, self.now)
            if done and connection.state in (State.ESTABLISHED, State.CLOSE_WAIT):
                connection.close(self.now)


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
