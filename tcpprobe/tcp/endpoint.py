"""A whole TCP: many connections by four-tuple, listeners, and a RST for the rest."""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable, Iterable

from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.core import DEFAULT_CONFIG
from tcpprobe.tcp.events import Event
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import State
from tcpprobe.tcp.tcb import Address
from tcpprobe.wire.fragments import Reassembly
from tcpprobe.wire.hosts import is_a_host
from tcpprobe.wire.icmp import Icmp, icmp_name
from tcpprobe.wire.ip import PIECE, Packet, quoted_tuple
from tcpprobe.wire.route import ultimate
from tcpprobe.wire.segment import Segment

Make = Callable[..., Connection]
"""Called as `Connection` is: (local, remote, *, iss, config, reflexes)."""

_ISS_TICK = 4e-6
_SPARE = 1000
"""So many outdated deadlines are kept in any case."""
_GONE = frozenset({State.CLOSED, State.LISTEN})
Pair = tuple[Address, Address]
"""(local, remote)."""


class Endpoint:
    """Many connections. Times, randomness and packets are arguments; nothing is read from the machine.

    Attributes:
        connections: the living ones, by (local, remote).
        reassembly: what came of packets in fragments (RFC 1122 3.3.2).
    """

    def __init__(
        self,
        addresses: Iterable[bytes],
        *,
        config: Config = DEFAULT_CONFIG,
        rng: random.Random,
        reflexes: Reflexes = Reflexes.ALL,
        make: Make = Connection,
    ) -> None:
        """``addresses`` are ours, packed; ``make`` builds each connection; ``rng`` gives the ISS secret."""
        self.addresses = frozenset(addresses)
        self.config = config
        self.reflexes = reflexes
        self.make = make
        self.reassembly = Reassembly()
        self.connections: dict[Pair, Connection] = {}
        self._listeners: dict[int, int] = {}
        self._half_open: dict[int, dict[Pair, None]] = {}
        self._secret = rng.getrandbits(256).to_bytes(32, "big")
        self._ident = rng.getrandbits(16)
        self._touched: dict[Pair, Connection] = {}
        self._talking: dict[Pair, Connection] = {}
        self._outbox: list[tuple[Packet, int]] = []
        self._due: list[tuple[float, int, Pair]] = []
        self._scheduled: dict[Pair, float] = {}
        self._serial = 0

    # -- the user's side

    def listen(self, port: int, backlog: int = 128) -> None:
        """Take connections to ``port``. When more than ``backlog`` are half open the oldest of them is forgotten."""
        self._listeners[port] = backlog

    def connect(self, local: Address, remote: Address, now: float) -> Connection:
        """Open a connection. Raises ValueError when there is one between these two already."""
        pair = local, remote
        if pair in self.connections:
            raise ValueError("there is a connection between these two already")
        connection = self._new(pair, now)
        self.connections[pair] = connection
        connection.open(now)
        self.touch(connection)
        return connection

    def touch(self, connection: Connection) -> None:
        """Look at ``connection`` in the next `packets_to_send`: its user did something (sent, closed, …).

        A connection that `next_event` has just named need not be touched.
        """
        pair = connection.tcb.local, connection.tcb.remote
        self._touched[pair] = self._talking[pair] = connection

    def next_event(self) -> tuple[Connection, Event] | None:
        """Something the user has not been told, with the connection it happened on, or None."""
        while self._talking:
            pair, connection = next(iter(self._talking.items()))
            event = connection.next_event()
            if event is not None:
                self._touched[pair] = connection
                return connection, event
            del self._talking[pair]
        return None

    # -- the network's side

    def packet_arrives(self, packet: Packet, now: float) -> None:
        """One packet from the network; what is not for us, or no TCP, is ignored."""
        if packet.problem == PIECE and packet.dst in self.addresses:
            whole = self.reassembly.arrives(packet, now)
            if whole is None:
                return
            packet = whole
        segment = packet.payload
        if isinstance(segment, Icmp):
            self._icmp_arrives(packet, segment, now)
        if not isinstance(segment, Segment) or packet.dst not in self.addresses:
            return
        if packet.options and len(packet.dst) == 4 and ultimate(packet.options, packet.dst) != packet.dst:
            return  # on its way to somebody else; we are no router (RFC 1122 3.3.5)
        pair = (packet.dst, segment.dport), (packet.src, segment.sport)
        if (not is_a_host(packet.src) and is_a_host(packet.dst)) or pair[0] == pair[1]:
            return  # RFC 9293 3.9.2.3, MUST-63 (unless this is the loopback); and no answer to ourselves
        connection = self.connections.get(pair)
        if connection is None:
            self._arrives_unknown(packet, segment, pair, None, now)
        elif connection.state is State.TIME_WAIT and self._gives_way(connection, packet, segment):
            self._arrives_unknown(packet, segment, pair, connection, now)
        else:
            connection.packet_arrives(packet, now)
            self._touched[pair] = self._talking[pair] = connection

    def packets_to_send(self, now: float) -> list[Packet]:
        """Everything that has to go out now, in order; bursts (``Config.burst``) in one."""
        return [packet for packet, _ in self.departures(now)]

    def departures(self, now: float) -> list[tuple[Packet, int]]:
        """As `packets_to_send`, each with the largest payload its path takes, to which bursts are to be cut."""
        while self._touched:
            pair = next(iter(self._touched))
            connection = self._touched.pop(pair)
            self._emit(connection, now)
            if self.connections.get(pair) is not connection:
                continue
            if connection.state in _GONE:
                self._forget(pair)
            else:
                self._schedule(pair, connection)
        packets, self._outbox = self._outbox, []
        return packets

    def next_timeout(self) -> float | None:
        """When `timeout` wants to be called, or None."""
        due = self._due
        while due and self._scheduled.get(due[0][2]) != due[0][0]:
            heapq.heappop(due)
        return due[0][0] if due else None

    def timeout(self, now: float) -> None:
        """Time has come to ``now``; what is due happens."""
        while (deadline := self.next_timeout()) is not None and deadline <= now:
            pair = heapq.heappop(self._due)[2]
            del self._scheduled[pair]
            connection = self.connections[pair]
            connection.timeout(now)
            self._touched[pair] = self._talking[pair] = connection

    # -- inside

    def _arrives_unknown(
        self, packet: Packet, segment: Segment, pair: Pair, before: Connection | None, now: float
    ) -> None:
        """A packet of no connection: the listener's, or nobody's. ``before``, in TIME-WAIT, has given way to it."""
        connection = self._new(pair, now)
        if before is not None:
            connection.succeed(before)
        backlog = self._listeners.get(segment.dport)
        if backlog is not None:
            connection.listen()
        connection.packet_arrives(packet, now)
        if connection.state in _GONE:
            self._emit(connection, now)
            return
        if backlog is not None:
            self._make_room(segment.dport, backlog)
            half_open = self._half_open[segment.dport]
            half_open.pop(pair, None)  # it may be there for the one that has given way
            half_open[pair] = None
        self.connections[pair] = connection
        self._touched[pair] = self._talking[pair] = connection

    def _icmp_arrives(self, packet: Packet, icmp: Icmp, now: float) -> None:
        """An ICMP error about a segment of ours is that connection's; what else it may be is ignored."""
        version = 4 if len(packet.src) == 4 else 6
        quoted = quoted_tuple(icmp, version) if packet.dst in self.addresses else None
        if quoted is None:
            return
        pair = (quoted[0], quoted[2]), (quoted[1], quoted[3])
        connection = self.connections.get(pair)
        if connection is None:
            return
        at = 4 * (icmp.quote[0] & 15) if version == 4 else 40
        number = icmp.quote[at + 4 : at + 8]
        if len(number) < 4:
            return  # it cannot be checked (RFC 5927 4.1)
        seq = int.from_bytes(number, "big")
        connection.error_arrives(icmp_name(icmp, version), seq, icmp.mtu, now)
        self.touch(connection)

    def _gives_way(self, connection: Connection, packet: Packet, segment: Segment) -> bool:
        return segment.dport in self._listeners and connection.admits(packet) and connection.gives_way(segment)

    def _make_room(self, port: int, backlog: int) -> None:
        """Forget the oldest half-open connection when there are too many (RFC 4987 3.6)."""
        half_open = self._half_open.setdefault(port, {})
        if len(half_open) >= backlog:
            # Only now does it matter which of them have opened, or are gone.
            for pair in list(half_open):
                known = self.connections.get(pair)
                if known is None or known.state is not State.SYN_RECEIVED:
                    del half_open[pair]
        if len(half_open) >= backlog:
            oldest = next(iter(half_open))
            del half_open[oldest]
            self._forget(oldest)

    def _forget(self, pair: Pair) -> None:
        del self.connections[pair]
        self._scheduled.pop(pair, None)

    def _schedule(self, pair: Pair, connection: Connection) -> None:
        deadline = connection.next_timeout()
        if deadline == self._scheduled.get(pair):
            return
        if deadline is None:
            del self._scheduled[pair]
            return
        self._scheduled[pair] = deadline
        self._serial += 1
        heapq.heappush(self._due, (deadline, self._serial, pair))
        if len(self._due) > 4 * len(self._scheduled) + _SPARE:
            # Mostly deadlines that were put off: nearly every segment puts one off.
            self._due = [(when, number, which) for number, (which, when) in enumerate(self._scheduled.items())]
            heapq.heapify(self._due)

    def _emit(self, connection: Connection, now: float) -> None:
        source, destination = connection.tcb.local[0], connection.tcb.remote[0]
        limit = connection.payload_limit()
        options, back = b"", connection.return_route
        if back is not None:
            destination, options = back.first, back.options
        for segment, ecn in connection.departures(now):
            # RFC 9293 3.7.2: path MTU discovery wants DF.
            packet = Packet(source, destination, segment, tos=ecn, ident=self._ident, options=options)
            self._outbox.append((packet, limit))
            self._ident = (self._ident + 1 + len(segment.payload) // limit) & 0xFFFF

    def _new(self, pair: Pair, now: float) -> Connection:
        """A fresh connection, numbered after RFC 6528: a 4 microsecond clock plus a keyed hash of the four-tuple."""
        local, remote = pair
        name = b"%b%b%b%b" % (local[0], local[1].to_bytes(2, "big"), remote[0], remote[1].to_bytes(2, "big"))
        digest = hashlib.blake2b(name, digest_size=8, key=self._secret).digest()
        iss = (int.from_bytes(digest[:4], "big") + int(now / _ISS_TICK)) & 0xFFFFFFFF
        connection = self.make(local, remote, iss=iss, config=self.config, reflexes=self.reflexes)
        # RFC 7323 7: one offset for each four-tuple, so that a new incarnation's timestamps go on.
        connection.tcb.ts_offset = int.from_bytes(digest[4:], "big")
        return connection
