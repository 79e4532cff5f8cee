"""A connection that a test in Python drives by hand, with scapy segments."""

from __future__ import annotations

from typing import Any

from tcpprobe.runner.conversation import Conversation
from tcpprobe.runner.session import Session
from tcpprobe.scapy_edge import completed, to_scapy
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.state import State
from tcpprobe.wire.ip import Packet
from tcpprobe.wire.text import Numbers, one_line

OPENING = 8.0  # seconds: a SYN is sent again after one and after three
WITHIN = 1.0
QUIET = 0.5


class Unexpected(AssertionError):
    """What was expected did not come; says what came instead."""


class TcpConnection:
    """One connection to the target, driven by hand with scapy segments.

    Fields of a segment that the test does not set are filled in: ports, ``seq`` (snd.nxt), ``ack`` (rcv.nxt when A is
    set), ``window``. Nothing is sent by itself: no acknowledgment, no retransmission.
    """

    def __init__(self, session: Session, port: int) -> None:
        self._session = session
        config = Config(wscale=None, timestamps=False, sack=False)
        self._conversation: Conversation = session.converse(config, port)
        self._data = b""

    def open(self) -> TcpConnection:
        """Open the connection: SYN, SYN,ACK, ACK. Raises Unexpected when the target does not take part."""
        __tracebackhide__ = True
        conversation = self._conversation
        self._ask(conversation.open)
        self._wait(OPENING, lambda: conversation.connection.state in (State.ESTABLISHED, State.CLOSED))
        if conversation.connection.state is not State.ESTABLISHED:
            raise Unexpected("the target did not open the connection")
        return self

    def send(self, packet: Any) -> None:
        """Send a scapy packet: a TCP layer (with its payload), or an IP packet with one in it."""
        ours = self._filled(packet)
        self._ask(lambda now: self._conversation.send(ours, now))

    def expect(self, flags: str | None = None, within: float = WITHIN, **fields: Any) -> Any:
        """The next packet, as scapy has it; it must have these flags and these fields of scapy's TCP layer.

        Args:
            flags: exactly these, as in ``"SA"``; PSH counts only when it is named. None: any.
            within: seconds to wait.
            fields: as scapy calls them: ``seq``, ``ack``, ``window``, ``load`` (the data) …

        Raises:
            Unexpected: another packet comes, or none in time.
        """
        __tracebackhide__ = True
        packet = self._next(within)
        if packet is None:
            raise Unexpected(f"nothing came within {within:g} s; expected {_wanted(flags, fields)}")
        found = to_scapy(packet)
        layer = found.getlayer("TCP")
        if layer is None:
            raise Unexpected(f"expected {_wanted(flags, fields)}; came {self._text(packet)}")
        wrong = [name for name, value in fields.items() if getattr(layer, name, None) != value]
        if flags is not None and not _flags_match(str(layer.flags), flags):
            wrong.insert(0, "flags")
        if wrong:
            told = self._text(packet)
            raise Unexpected(f"expected {_wanted(flags, fields)}; came {told}; not as expected: {', '.join(wrong)}")
        return found

    def expect_nothing(self, seconds: float = QUIET) -> None:
        """Nothing comes for so long. Raises Unexpected when something does."""
        __tracebackhide__ = True
        packet = self._next(seconds)
        if packet is not None:
            raise Unexpected(f"expected nothing for {seconds:g} s; came {self._text(packet)}")

    @property
    def snd_nxt(self) -> int:
        """The next sequence number we would send."""
        return self._conversation.connection.tcb.snd.nxt

    @property
    def rcv_nxt(self) -> int:
        """The next sequence number we expect."""
        return self._conversation.connection.tcb.rcv.nxt

    @property
    def data(self) -> bytes:
        """All data that has come in order, of the packets that were expected so far."""
        self._data += self._conversation.connection.receive()
        return self._data

    @property
    def state(self) -> str:
        """The state of our end, in RFC 9293's words: ``ESTABLISHED`` …"""
        return str(self._conversation.connection.state)

    def close(self) -> None:
        """Reset what is open."""
        if not self._conversation.done:
            self._ask(self._conversation.cancel)

    def _ask(self, what: Any) -> None:
        self._session.ask(what, self._conversation)
        if self._conversation.trouble is not None:
            raise Unexpected(self._conversation.trouble)

    def _wait(self, seconds: float, condition: Any) -> None:
        conversation = self._conversation
        self._ask(lambda now: conversation.wait(seconds, now))
        self._session.wait(lambda: condition() or conversation.expired or conversation.done)
        self._ask(lambda _now: setattr(conversation, "deadline", None))

    def _next(self, within: float) -> Packet | None:
        inbox = self._conversation.inbox
        if not inbox:
            self._wait(within, lambda: bool(inbox))
        if not inbox:
            return None
        packet = inbox.popleft()
        self._ask(lambda now: self._conversation.take(packet, now))
        return packet

    def _filled(self, packet: Any) -> Packet:
        """Our packet of a scapy packet, with what the test left open taken from the connection."""
        connection = self._conversation.connection
        tcb = connection.tcb
        return completed(packet, lambda flags: connection.form(tcb.snd.nxt, flags), tcb.local[0], tcb.remote[0])

    def _text(self, packet: Packet) -> str:
        tcb = self._conversation.connection.tcb
        return one_line(packet, Numbers(tcb.iss, tcb.irs, tcb.local))


def _flags_match(seen: str, wanted: str) -> bool:
    """Whether exactly these flags are set; as in scenarios, PSH counts only when it is named."""
    return set(seen) - {"P"} == set(wanted) - {"P"} and ("P" not in wanted or "P" in seen)


def _wanted(flags: str | None, fields: dict[str, Any]) -> str:
    parts = [] if flags is None else [f"flags {flags!r}"]
    return ", ".join([*parts, *(f"{name} {value}" for name, value in fields.items())]) or "a packet"
