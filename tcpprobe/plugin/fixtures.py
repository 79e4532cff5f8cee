"""Fixtures for tests in Python that speak scapy: ``tcp_target`` and ``tcp_connection``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tcpprobe.plugin.stash import BENCH

if TYPE_CHECKING:
    from tcpprobe.runner.conversation import Conversation
    from tcpprobe.runner.session import Session
    from tcpprobe.target.target import Target
    from tcpprobe.wire.ip import Packet

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
        from tcpprobe.tcp.config import Config

        self._session = session
        config = Config(wscale=None, timestamps=False, sack=False)
        self._conversation: Conversation = session.converse(config, port)

    def open(self) -> TcpConnection:
        """Open the connection: SYN, SYN,ACK, ACK. Raises Unexpected when the target does not take part."""
        __tracebackhide__ = True
        from tcpprobe.tcp.state import State

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

        Raises Unexpected when another packet comes, or none in time.
        """
        __tracebackhide__ = True
        packet = self._next(within)
        if packet is None:
            raise Unexpected(f"nothing came within {within:g} s; expected {_wanted(flags, fields)}")
        found = self._scapy(packet)
        layer = found.getlayer("TCP")
        if layer is None:
            raise Unexpected(f"expected {_wanted(flags, fields)}; came {self._text(packet)}")
        wrong = [name for name, value in fields.items() if getattr(layer, name) != value]
        if flags is not None and set(str(layer.flags)) != set(flags):
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
        self._ask(lambda now: conversation.wait_until(now + seconds * self._session.settings.timeout_scale))
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
        from tcpprobe.scapy_edge import from_scapy, segment_from_scapy
        from tcpprobe.wire.flags import ACK
        from tcpprobe.wire.ip import Packet

        connection = self._conversation.connection
        layer = packet.getlayer("TCP")
        given = set() if layer is None else set(layer.fields)
        tcb = connection.tcb
        whole = layer is None or packet is not layer
        ours = from_scapy(packet) if whole else Packet(b"", b"", segment_from_scapy(packet))
        segment: Any = ours.payload
        usual = connection.form(tcb.snd.nxt, segment.flags)
        for name in ("sport", "dport", "seq", "window"):
            if name not in given:
                setattr(segment, name, getattr(usual, name))
        if "ack" not in given and segment.flags & ACK:
            segment.ack = tcb.rcv.nxt
        if whole:
            return ours
        return Packet(tcb.local[0], tcb.remote[0], segment)

    def _scapy(self, packet: Packet) -> Any:
        from tcpprobe.scapy_edge import to_scapy

        return to_scapy(packet)

    def _text(self, packet: Packet) -> str:
        from tcpprobe.wire.text import Numbers, one_line

        tcb = self._conversation.connection.tcb
        return one_line(packet, Numbers(tcb.iss, tcb.irs, tcb.local))


def _wanted(flags: str | None, fields: dict[str, Any]) -> str:
    parts = [] if flags is None else [f"flags {flags!r}"]
    return ", ".join([*parts, *(f"{name} {value}" for name, value in fields.items())]) or "a packet"


@pytest.fixture
def tcp_target(request: pytest.FixtureRequest) -> Target:
    """The target of the run (the first, when there are several), opened; skips when none was named."""
    if BENCH not in request.config.stash:
        pytest.skip("no --tcp-target")
    from tcpprobe.plugin.bench import BenchError

    bench = request.config.stash[BENCH]
    try:
        return bench.place(bench.targets[0]).target
    except BenchError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture
def tcp_connection(request: pytest.FixtureRequest, tcp_target: Target) -> Iterator[TcpConnection]:
    """A connection to the target, not opened yet; what is open at the end of the test is reset."""
    bench = request.config.stash[BENCH]
    connection = TcpConnection(bench.place(bench.targets[0]).session, tcp_target.port)
    yield connection
    connection.close()
