"""One connection: the user's calls, the passing of time, and segments sent past it by hand."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from types import MappingProxyType

from tcpprobe.tcp.arrivals import Arrivals
from tcpprobe.tcp.events import Closed, Event, TimedOut
from tcpprobe.tcp.negotiation import Offer
from tcpprobe.tcp.state import RECEIVING, SENDING, Move, State
from tcpprobe.wire.flags import ACK, FIN, RST, SYN
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.route import ReturnRoute, return_route
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff, within

_KEEP_ALIVE_INTERVAL = 75.0
_KEEP_ALIVE_PROBES = 9
_PLATEAU = 576  # for routers that do not say what they take (RFC 1191 5)
_TOO_BIG = ("frag-needed", "packet-too-big")
_HARD = ("protocol-unreachable", "port-unreachable", "admin-prohibited")
_NEXT_INCARNATION = 1 << 16

EXPIRIES: Mapping[str, str] = MappingProxyType(
    {
        "tail_probe": "tail_probe_expired",  # before the RTO, which it puts off (RFC 8985 7.2)
        "reordering": "reordering_expired",
        "retransmit": "retransmit_expired",
        "persist": "persist_expired",
        "override": "override_expired",
        "delayed_ack": "delayed_ack_expired",
        "keep_alive": "keep_alive_expired",
        "fin_wait_2": "fin_wait_2_expired",
        "time_wait": "time_wait_expired",
    }
)
"""Timer to the method that runs when it expires, in the order in which they do."""

_RESETTABLE = RECEIVING | {State.SYN_RECEIVED, State.CLOSE_WAIT}
"""Where ABORT sends a RST: both sides are not closed yet (RFC 9293 3.10.5)."""
_SYN_NOTING = frozenset({State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED})
_NOTING = frozenset({State.SYN_RECEIVED, *SENDING})


class Connection(Arrivals):
    """A TCP connection without input or output (RFC 9293).

    Times are seconds of any clock that does not go back; addresses are (packed address, port). After every call drain
    `segments_to_send(now)` and `next_event()`, and come back with `timeout(now)` at `next_timeout()`.

    Attributes:
        state: one of the eleven.
        tcb: the numbers.
        reflexes: what happens by itself; may be replaced at any time.
        config: what was offered and how patient it is.
        return_route: what the peer's source route makes of the way to it, in IPv4.
    """

    return_route: ReturnRoute | None = None

    # -- the user's calls (RFC 9293 3.9.1)

    def open(self, now: float) -> None:
        """Active open: send SYN. Raises ValueError unless CLOSED or LISTEN."""
        self.now = now
        if self.state not in (State.CLOSED, State.LISTEN):
            raise ValueError(f"open in {self.state}")
        self.active = True
        self.move(Move.SYN_SENT)
        self.send_syn(SYN)

    def listen(self) -> None:
        """Passive open: wait for a SYN. Raises ValueError unless CLOSED."""
        if self.state is not State.CLOSED:
            raise ValueError(f"listen in {self.state}")
        self.move(Move.PASSIVE_OPEN)

    def accept(self, syn: Segment, now: float) -> None:
        """Passive open by this SYN."""
        self.listen()
        self.segment_arrives(syn, now)

    def send(self, data: bytes, now: float, *, urgent: bool = False) -> None:
        """Queue ``data``. ``urgent`` points at its end and stays in line (RFC 6093 6); new protocols do without it.

        Raises ValueError after `close`, when there is no connection, and for urgent data of no length.
        """
        self.now = now
        if self.closing or self.state is State.CLOSED or self.fin_seq is not None:
            raise ValueError(f"send in {self.state}")
        if urgent and not data:
            raise ValueError("urgent data needs at least one octet")  # RFC 9293 3.8.5
        self.buffer += data
        if urgent:
            self.urgent = True
            self.tcb.snd.up = add(self.buffer_start, len(self.buffer))
            if self.synchronized and self.window_left() <= 0:
                self.ack_now = True  # the peer hears of it although its window is closed (RFC 9293 3.4, MUST-66)

    def receive(self, n: int | None = None) -> bytes:
        """Read up to ``n`` bytes (all when None) of what arrived in order."""
        if n is None or n >= len(self.readable):
            data = bytes(self.readable)
            self.readable.clear()
        else:
            data = bytes(self.readable[:n])
            del self.readable[:n]
        self.peer_urgent = self.urgent_left > 0
        if data and self.reflexes.window_update and self.window_update_due():
            self.ack_now = True
        return data

    @property
    def urgent_left(self) -> int:
        """How many bytes from the next one to be read on are urgent (RFC 9293 3.8.5, MUST-33)."""
        return diff(self.tcb.rcv.up, self.tcb.rcv.nxt) + len(self.readable) if self.peer_urgent else 0

    def window_update_due(self) -> bool:
        """Whether the window we could offer is so much larger than the offered one that the peer must hear of it."""
        rcv = self.tcb.rcv
        if not (self.state in RECEIVING and self.reflexes.flow_control):
            return False
        gain = self.space() - rcv.wnd
        half = self.config.window // 2
        return gain >= half or (rcv.wnd < rcv.mss and gain >= min(half, rcv.mss))

    def close(self, now: float) -> None:
        """No more data from us: FIN after what is queued. What the peer sends is still received. Idempotent."""
        self.now = now
        if self.state in (State.LISTEN, State.SYN_SENT):
            self.move(Move.DELETE)
            self.events.append(Closed())
        elif self.state is not State.CLOSED:
            self.closing = True

    def abort(self, now: float) -> None:
        """End at once with a RST where the peer knows of us; nothing queued is sent (RFC 9293 3.10.5)."""
        self.now = now
        if self.state in _RESETTABLE:
            self.put(self.form_abort())
        if self.state is not State.CLOSED:
            self.move(Move.DELETE)
            self.events.append(Closed())

    def form_abort(self) -> Segment:
        """<SEQ=SND.NXT><CTL=RST>, with a timestamp when negotiated (RFC 7323 5.2)."""
        return self.form(self.tcb.snd.nxt, RST)

    def next_event(self) -> Event | None:
        """The oldest thing the user has not been told, or None."""
        return self.events.popleft() if self.events else None

    # -- time

    def next_timeout(self) -> float | None:
        """When `timeout` wants to be called, or None."""
        return min(self.deadlines.values()) if self.deadlines else None

    def timeout(self, now: float) -> None:
        """Time has come to ``now``; what is due happens."""
        self.now = now
        for timer in [timer for timer in EXPIRIES if self.deadlines.get(timer, inf) <= now]:
            if self.deadlines.get(timer, inf) <= now:
                del self.deadlines[timer]
                getattr(self, EXPIRIES[timer])()

    def time_wait_expired(self) -> None:
        """2 MSL are over (RFC 9293 3.10.8)."""
        self.move(Move.DELETE)
        self.events.append(Closed())

    def fin_wait_2_expired(self) -> None:
        """The peer never closed its side."""
        if self.state is State.FIN_WAIT_2:
            self.move(Move.DELETE)
            self.events.append(Closed())

    def keep_alive_expired(self) -> None:
        """Idle for long: an empty segment before the window makes the peer answer (RFC 9293 3.8.4)."""
        if self.state not in SENDING or not self.reflexes.keep_alive:
            return
        if self.flight or self.unsent:
            return  # RFC 9293 3.8.4, MUST-26: not while data is outstanding; what acknowledges it starts the timer anew
        self.keep_alive_probes += 1
        if self.keep_alive_probes > _KEEP_ALIVE_PROBES:
            self.events.append(TimedOut())
            self.move(Move.DELETE)
            return
        self.put(self.form(add(self.tcb.snd.nxt, -1), ACK))
        self.arm("keep_alive", self.now + _KEEP_ALIVE_INTERVAL)

    # -- from the network

    def packet_arrives(self, packet: Packet, now: float) -> None:
        """One IP packet for this connection; a wrong checksum or header is dropped in silence."""
        if self.admits(packet) and isinstance(packet.payload, Segment):
            if packet.options and len(packet.src) == 4:
                self.route_arrives(packet, packet.payload)
            self.segment_arrives(packet.payload, now, ecn=packet.tos & 3)

    def route_arrives(self, packet: Packet, seg: Segment) -> None:
        """Opened passively: the return route of a completed source route is kept for all segments of the connection.

        A later one overrides it (RFC 9293 3.9.2.1, MUST-53, SHLD-24) when it comes with an acceptable segment.
        """
        opening = self.state is State.LISTEN
        if opening or (not self.active and self.synchronized and self.acceptable(seg)):
            self.return_route = return_route(packet.src, packet.options) or self.return_route

    def payload_limit(self) -> int:
        """Largest payload of the next segment: IP options count (RFC 9293 3.7.1, MUST-16)."""
        limit = super().payload_limit()
        return limit if self.return_route is None else max(limit - len(self.return_route.options), 1)

    def error_arrives(self, name: str, seq: int, mtu: int | None, now: float) -> None:
        """An ICMP error (by its name in `tcpprobe.wire.icmp`) about our segment that begins at ``seq``.

        Believed only while that is outstanding (RFC 5927 4.1); a source quench never is (RFC 6633 3).
        """
        self.now = now
        if not within(self.tcb.snd.una, seq, self.tcb.snd.nxt):
            return
        if name in _TOO_BIG:
            self.path_mtu(mtu or _PLATEAU)
        elif name in _HARD:
            self.refused()

    def refused(self) -> None:
        """A hard ICMP error: fatal to an opening connection only (RFC 9293 3.9.2.2, RFC 5927 5.2)."""
        if not self.synchronized:
            self.take_rst()

    def gives_way(self, syn: Segment) -> bool:
        """In TIME-WAIT, whether this SYN is a new connection's and not an old duplicate (RFC 6191 2, MAY-2, SHLD-4)."""
        if syn.flags & (SYN | ACK | RST) != SYN:
            return False
        tcb = self.tcb
        # Timestamps count when the new connection would use them.
        stamps = self.stamps(syn) if self.config.timestamps else None
        if stamps is not None and not tcb.ts_on:
            return True
        if stamps is not None and (newer := diff(stamps[0], tcb.ts_recent)) != 0:
            return newer > 0
        return diff(syn.seq, tcb.rcv.nxt) >= 0  # greater than the number of the FIN

    def succeed(self, before: Connection) -> None:
        """Follow a connection of the same four-tuple: begin above what it has sent (RFC 9293 3.6.1, MAY-2)."""
        tcb = self.tcb
        tcb.ts_offset = before.tcb.ts_offset
        if diff(tcb.iss, before.tcb.snd.nxt) <= 0:
            self.renumber(add(before.tcb.snd.nxt, _NEXT_INCARNATION))

    # -- by hand

    def note_sent(self, seg: Segment, now: float) -> None:
        """A hand-made segment went out: the numbers and the state move as if it had been ours.

        They move when a sound peer must take it: it begins at or before SND.NXT and ends after it, with ACK (and an
        acknowledgment the peer can have sent) once there is a connection, without RST, with a right header and
        checksum, and with a timestamp not older than before. A SYN counts in CLOSED, LISTEN, SYN-SENT and
        SYN-RECEIVED only, where it sets ISS to its own number. Acknowledgment and window count even when nothing else
        does.
        """
        self.now = now
        if not self.counts(seg):
            return
        if seg.flags & SYN:
            self.note_syn(seg)
            return
        tcb = self.tcb
        stamps = self.stamps(seg)
        if stamps is not None:
            self.last_stamp = stamps[0]
        if seg.flags & ACK:
            if seg.ack == tcb.rcv.nxt:
                self.settle_ack()
            tcb.rcv.wnd = seg.window << tcb.rcv.scale
            tcb.rcv.max_wnd = max(tcb.rcv.max_wnd, tcb.rcv.wnd)
        start = diff(seg.seq, tcb.snd.nxt)
        if start <= 0 < start + seg.length and self.state in _NOTING:
            self.note_text(seg, -start)

    def counts(self, seg: Segment) -> bool:
        """Whether a sound peer takes this segment of ours as our next."""
        tcb = self.tcb
        if seg.flags & RST or seg.checksum is not None or seg.data_offset is not None:
            return False
        if seg.flags & SYN:
            return self.state in _SYN_NOTING
        if not seg.flags & ACK or not -tcb.rcv.max_wnd <= diff(seg.ack, tcb.rcv.nxt) <= 0:
            return False
        return not tcb.ts_on or (stamps := self.stamps(seg)) is None or diff(stamps[0], self.last_stamp) >= 0

    def note_syn(self, seg: Segment) -> None:
        """Our SYN, made by hand."""
        self.renumber(seg.seq)
        self.offer = Offer.of(seg)
        stamps = seg.parsed.timestamps
        if stamps is not None:
            self.last_stamp = stamps[0]
        self.active = self.active or not seg.flags & ACK
        if not seg.flags & ACK:
            self.move(Move.SYN_SENT)
        self.sent(Segment(seg.sport, seg.dport, seg.seq, flags=SYN))
        if seg.flags & ACK:
            self.negotiate(SYN)
        self.tcb.rcv.wnd = self.tcb.rcv.max_wnd = seg.window

    def note_text(self, seg: Segment, known: int) -> None:
        """Text or FIN of ours, made by hand; the first ``known`` sequence numbers of it went out before."""
        fresh = seg.payload[known:]
        at = max(diff(self.tcb.snd.nxt, self.buffer_start), 0)
        self.buffer[at:at] = fresh
        flags = seg.flags & FIN
        self.sent(Segment(seg.sport, seg.dport, self.tcb.snd.nxt, flags=flags, payload=fresh))
        if flags:
            self.closing = True
