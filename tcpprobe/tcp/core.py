"""The ground under a connection: its numbers, queues, deadlines and events, and how one segment of ours is formed."""

from __future__ import annotations

import struct
from collections import deque

from tcpprobe.tcp.accecn import BITS, OPENING_OPTION, Accurate, asks
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.congestion import Reno
from tcpprobe.tcp.events import Acknowledged, Closed, Event, Opened
from tcpprobe.tcp.flight import Flight
from tcpprobe.tcp.negotiation import DEFAULT_MSS, Offer, own_offer
from tcpprobe.tcp.rack import Rack
from tcpprobe.tcp.ranges import Range, Reassembly
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import MOVES, SYNCHRONIZED, Move, State
from tcpprobe.tcp.tcb import Address, Tcb
from tcpprobe.tcp.timers import Rto
from tcpprobe.wire import options
from tcpprobe.wire.flags import ACK, ECE, RST, SYN, URG
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import add, diff

_MASK = 0xFFFFFFFF
_TIMESTAMPS = struct.Struct("!III")
_NOP_NOP_TIMESTAMPS = 0x0101080A
_NOP_NOP_SACK = b"\x01\x01\x05"
_PAIR = struct.Struct("!II")
_TWO_BLOCKS = 20  # octets of a SACK option with two blocks, two NOPs before it
DEFAULT_CONFIG = Config()


class Core:
    """State shared by the arriving, the departing and the user's side of a connection."""

    def __init__(
        self,
        local: Address,
        remote: Address,
        *,
        iss: int,
        config: Config = DEFAULT_CONFIG,
        reflexes: Reflexes = Reflexes.ALL,
    ) -> None:
        self.config = config
        self.reflexes = reflexes
        self.state = State.CLOSED
        self.now = 0.0
        self.tcb = self.fresh_tcb(local, remote, iss)
        self.active = False
        self.offer: Offer | None = None
        self.theirs: Offer | None = None
        self.deadlines: dict[str, float] = {}
        self.events: deque[Event] = deque()
        self.outbox: list[tuple[Segment, int]] = []
        self._begin_sending(iss, config)
        self._begin_receiving()

    def _begin_sending(self, iss: int, config: Config) -> None:
        # Bytes from sequence number `buffer_start` on, sent or not; the FIN's number once it has one.
        self.buffer = bytearray()
        self.buffer_start = add(iss, 1)
        self.closing = False
        self.fin_seq: int | None = None
        self.urgent = False  # whether SND.UP is ahead of SND.UNA
        self.flight = Flight()
        self.rto = Rto(config.rto_initial, config.rto_min, config.rto_max, config.tick)
        self.congestion = Reno(self.tcb.snd.mss, config.initial_window, iss)
        self.rack = Rack(config.tick)
        self.duplicates = 0
        self.before_duplicates = iss
        self.urgent_repeat = False
        self.progress = 0.0
        self.expiries = 0  # of the retransmission timer, since something was acknowledged
        # Tail loss probes (RFC 8985 7): TLP.end_seq, TLP.is_retrans; whether to schedule one; an RTT sample since.
        self.probe_end: int | None = None
        self.probe_repeats = False
        self.probe_wanted = False
        self.sampled = True
        self.safe_ack = False
        self.last_sent = 0.0
        self.probes = 0
        self.unanswered_since: float | None = None
        self.override = False
        self.reduced = False  # CWR is due
        self.repairing = False  # after a timeout, until all that was outstanding then is acknowledged
        self.keep_alive_probes = 0
        self.last_stamp = self.timestamp()

    def _begin_receiving(self) -> None:
        self.readable = bytearray()
        self.reassembly = Reassembly()
        self.peer_fin: int | None = None
        self.peer_urgent = False  # whether RCV.UP is ahead of what the user has read
        self.ack_now = False
        self.unacked_segments = 0
        self.unacked_bytes = 0
        self.duplicate_range: Range | None = None
        self.echo_congestion = False
        self.challenges: deque[float] = deque()
        self.ip_ecn = 0  # the ECN field of the packet that is being processed

    def fresh_tcb(self, local: Address, remote: Address, iss: int) -> Tcb:
        """Numbers of a connection that has seen nothing yet."""
        tcb = Tcb(local, remote, iss)
        tcb.snd.una = tcb.snd.nxt = tcb.snd.up = iss
        tcb.snd.mss = tcb.rcv.mss = DEFAULT_MSS[len(local[0])]
        tcb.rcv.wnd = tcb.rcv.max_wnd = min(self.config.window, 65535)
        # RFC 7323 7: an own offset for each connection; the ISS is as unpredictable as need be.
        tcb.ts_offset = (iss * 2654435761 + 0x9E3779B9) & _MASK
        return tcb

    def renumber(self, iss: int) -> None:
        """Begin at another initial sequence number; nothing was acknowledged yet."""
        tcb = self.tcb
        tcb.snd.up = add(iss, diff(tcb.snd.up, tcb.iss))
        tcb.iss = tcb.snd.una = tcb.snd.nxt = iss
        self.buffer_start = add(iss, 1)
        self.congestion.barrier = iss
        self.fin_seq = None
        self.expiries = 0
        self.flight.clear()

    # -- state, events, deadlines

    def move(self, happened: Move) -> None:
        """Change the state as the transition table says; what the table does not know changes nothing."""
        before = self.state
        after = MOVES.get((before, happened), before)
        if after is before:
            return
        self.state = after
        if after is State.ESTABLISHED:
            self.events.append(Opened())
        elif after is State.CLOSED:
            self.deadlines.clear()
            self.flight.clear()
            self.buffer.clear()
            self.ack_now = False
            if happened is Move.FIN_ACKED:
                self.events.append(Closed())

    def back_to_listen(self) -> None:
        """A passive open failed: forget the peer and listen again (RFC 9293 3.10.7.4, second and fourth)."""
        self.move(Move.RETURN)
        self.deadlines.clear()
        offset = self.tcb.ts_offset
        self.tcb = self.fresh_tcb(self.tcb.local, self.tcb.remote, self.tcb.iss)
        self.tcb.ts_offset = offset
        self.renumber(self.tcb.iss)
        self.theirs = None
        self.ack_now = False

    def arm(self, timer: str, deadline: float) -> None:
        """Set a deadline, replacing what it was."""
        self.deadlines[timer] = deadline

    def disarm(self, timer: str) -> None:
        """Forget a deadline."""
        self.deadlines.pop(timer, None)

    def not_idle(self, keep_alive: float) -> None:
        """Something arrived: the first probe goes out after ``keep_alive`` seconds of silence (RFC 9293 3.8.4)."""
        self.keep_alive_probes = 0
        self.arm("keep_alive", self.now + keep_alive)

    def timestamp(self) -> int:
        """Our timestamp clock (RFC 7323 5.4)."""
        return (self.tcb.ts_offset + int(self.now / self.config.tick + 1e-6)) & _MASK

    # -- forming segments

    def form(self, seq: int, flags: int, payload: bytes = b"") -> Segment:
        """A segment of this connection that bears our current acknowledgment, window and options."""
        tcb = self.tcb
        segment = Segment(tcb.local[1], tcb.remote[1], seq)
        if flags & ACK:
            segment.ack = tcb.rcv.nxt
            segment.window = self.window_field()
            if self.echo_congestion and not flags & SYN:
                flags |= ECE  # RFC 3168 6.1.3
        if tcb.accurate is not None and not flags & SYN:
            flags |= tcb.accurate.ace  # RFC 9768 3.2.2
        segment.flags = flags
        if self.urgent and flags & ACK:
            self.point_urgent(segment)
        if tcb.ts_on:
            # RFC 7323 3.2: in every segment once negotiated; without ACK nothing is echoed.
            echo = tcb.ts_recent if flags & ACK else 0
            segment.options = _TIMESTAMPS.pack(_NOP_NOP_TIMESTAMPS, self.timestamp(), echo)
        if payload:
            segment.payload = payload
        return segment

    def point_urgent(self, segment: Segment) -> None:
        """URG while the end of the urgent data is ahead; what is further than the field can say is the furthest."""
        ahead = diff(self.tcb.snd.up, segment.seq)
        if ahead > 0:
            # RFC 9293 3.8.5, MUST-62: the octet after the urgent data.
            segment.flags |= URG
            segment.urgent = min(ahead, 65535)

    def form_syn(self, flags: int) -> Segment:
        """Our SYN, or SYN,ACK when ``flags`` has ACK."""
        tcb = self.tcb
        offer = self.offer = self.make_offer(flags)
        items = []
        if offer.mss is not None:
            items.append(options.mss(offer.mss))
        if offer.sack:
            items.append(options.sack_permitted())
        if offer.timestamps:
            if not offer.sack:
                items += [options.nop(), options.nop()]
            self.last_stamp = self.timestamp()
            items.append(options.timestamps(self.last_stamp, tcb.ts_recent if flags & ACK else 0))
        elif offer.sack:
            items += [options.nop(), options.nop()]
        if offer.wscale is not None:
            items += [options.nop(), options.wscale(offer.wscale)]
        bits = 0 if self.accurate_lost(flags) else offer.ecn
        # RFC 7323 2.2: the window in a SYN is never shifted.
        segment = Segment(tcb.local[1], tcb.remote[1], tcb.iss, 0, flags | bits, min(self.config.window, 65535))
        if flags & ACK:
            segment.ack = tcb.rcv.nxt
        segment.options = options.pad_options(options.encode_options(items))
        if flags & ACK and offer.ecn not in (0, ECE) and not self.flight:
            segment.options += OPENING_OPTION  # RFC 9768 3.2.3.2.1, and 3.2.3.2.2: not in what is sent again
        return segment

    def accurate_lost(self, flags: int) -> bool:
        """Whether two SYNs, or SYN,ACKs, with Accurate ECN had no answer: then without (RFC 9768 3.1.4.1, 3.2.3.2.2).

        A server that has sent such a SYN,ACK keeps to its mode and sets no ECT (RFC 9768 3.1.5).
        """
        accurate = self.tcb.accurate if flags & ACK else None
        asked = self.offer is not None and asks(self.offer.ecn) and not flags & ACK
        if self.expiries < 2 or not (accurate or asked):
            return False
        if accurate is not None:
            accurate.may_mark = False
        return True

    def make_offer(self, flags: int) -> Offer:
        """What our SYN, or SYN,ACK, offers."""
        return own_offer(self.config, self.tcb.local[0], self.theirs if flags & ACK else None)

    def form_reset(self, cause: Segment) -> Segment:
        """The RST that answers ``cause``, acceptable to whoever sent it (RFC 9293 3.10.7.1, 3.5.2)."""
        reset = Segment(cause.dport, cause.sport, 0, cause.end, RST | ACK)
        if cause.flags & ACK:
            reset = Segment(cause.dport, cause.sport, cause.ack, 0, RST)
        stamps = cause.parsed.timestamps if cause.options else None
        if stamps is not None:
            # RFC 7323 5.2: echo the timestamp, ours is zero.
            reset.options = _TIMESTAMPS.pack(_NOP_NOP_TIMESTAMPS, 0, stamps[0])
        return reset

    def sack_option(self, room: int) -> bytes:
        """A SACK option with as many blocks as ``room`` bytes hold, a duplicate first (RFC 2018 4, RFC 2883 4)."""
        duplicate, self.duplicate_range = self.duplicate_range, None
        blocks = self.reassembly.blocks()
        if duplicate is not None:
            # RFC 2883 4: then the island the duplicate lies in, then the others.
            island = self.reassembly.around(duplicate[0])
            if island is not None and island in blocks:
                blocks.remove(island)
                blocks.insert(0, island)
            blocks.insert(0, duplicate)
        blocks = blocks[: max(room - 4, 0) // 8]
        if not blocks:
            return b""
        return b"".join((_NOP_NOP_SACK, bytes((2 + 8 * len(blocks),)), *(_PAIR.pack(*block) for block in blocks)))

    # -- the window we offer

    def window_field(self) -> int:
        """The window field for a segment that goes out now; advances the right edge where that is due."""
        rcv = self.tcb.rcv
        if self.reflexes.flow_control:
            self.open_window()
        unit = 1 << rcv.scale
        field = rcv.wnd >> rcv.scale
        space = self.space()
        spare = self.config.window >> 4 if space >= rcv.mss else 0
        if rcv.wnd & (unit - 1) and (field + 1) << rcv.scale <= space + spare:
            # Rounding down would move the right edge to the left (RFC 9293 3.8.6, SHLD-14; RFC 7323 2.4).
            field += 1
            rcv.wnd = field << rcv.scale
        field = min(field, 65535)
        rcv.max_wnd = max(rcv.max_wnd, field << rcv.scale)
        return field

    def space(self) -> int:
        """Free bytes of the receive buffer, as far as a window field can say it."""
        return min(max(self.config.window - len(self.readable), 0), 65535 << self.tcb.rcv.scale)

    def open_window(self) -> None:
        """Advance the right edge, but only in steps worth it (RFC 9293 3.8.6.2.2, MUST-39)."""
        rcv = self.tcb.rcv
        space = self.space()
        if space - rcv.wnd >= min(self.config.window // 2, rcv.mss):
            rcv.wnd = space

    # -- handing segments out

    def put(self, segment: Segment, ecn: int = 0) -> None:
        """Queue a segment for the network; an acknowledgment in it settles what was owed."""
        if segment.flags & ACK and not segment.flags & RST:
            self.settle_ack()
        if self.tcb.ts_on:
            self.last_stamp = self.timestamp()
        self.outbox.append((segment, ecn))

    def settle_ack(self) -> None:
        """An acknowledgment of RCV.NXT went out."""
        self.tcb.last_ack_sent = self.tcb.rcv.nxt
        self.ack_now = False
        self.unacked_segments = self.unacked_bytes = 0
        if self.tcb.accurate is not None:
            self.tcb.accurate.marks = 0
        self.deadlines.pop("delayed_ack", None)

    def put_ack(self) -> None:
        """Send <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, with SACK blocks where there is something to report."""
        tcb = self.tcb
        segment = self.form(tcb.snd.nxt, ACK)
        sack = bool(tcb.sack_on and self.reflexes.sack and (self.reassembly.islands or self.duplicate_range))
        if tcb.accurate is not None:
            self.feed_back(segment, tcb.accurate, sack=sack)
        elif sack:
            segment.options += self.sack_option(40 - len(segment.options))
        self.put(segment)

    def feed_back(self, segment: Segment, accurate: Accurate, *, sack: bool) -> None:
        """Accurate ECN in a pure ACK: the option when it is due, behind the SACK blocks; the handshake's code."""
        room = 40 - len(segment.options)
        told = accurate.option(room) if accurate.owed else b""
        if sack:
            # RFC 9768 3.2.3.3: SACK goes first where both do not fit with two blocks.
            reserved = len(told) if room - len(told) >= _TWO_BLOCKS else 0
            blocks = self.sack_option(room - reserved)
            segment.options += blocks
            told = told if len(blocks) + len(told) <= room else b""
        elif accurate.handshake is not None:
            # RFC 9768 3.2.2.1: a pure ACK without SACK blocks.
            segment.flags = segment.flags & ~BITS | accurate.handshake
            accurate.handshake = None
        segment.options += told
        accurate.owed = accurate.owed and not told

    def put_reset(self, cause: Segment) -> None:
        """Answer ``cause`` with RST, unless it is one: a RST never draws a RST (RFC 9293 3.5.2)."""
        if self.reflexes.reset_unknown and not cause.flags & RST:
            self.put(self.form_reset(cause))

    def report_acknowledged(self, before: int) -> None:
        """Tell the user how many bytes left the send buffer since it held ``before``."""
        if before > len(self.buffer):
            self.events.append(Acknowledged(before - len(self.buffer)))

    @property
    def synchronized(self) -> bool:
        """Whether both sides know both initial sequence numbers."""
        return self.state in SYNCHRONIZED

    @property
    def unsent(self) -> int:
        """Bytes in the send buffer that were never sent."""
        return len(self.buffer) - max(diff(self.sent_until, self.buffer_start), 0)

    @property
    def sent_until(self) -> int:
        """The sequence number after the last byte of text sent: SND.NXT without our FIN."""
        return self.fin_seq if self.fin_seq is not None else self.tcb.snd.nxt
