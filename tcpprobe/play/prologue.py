"""Bringing a connection into the state that a scenario starts from (``given``), by ourselves.

States are the target's. What cannot be reached ends the play as inconclusive: it says nothing about the target. Nor
does a scenario about an option that the target does not take part in: it is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Set
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tcpprobe.play import services
from tcpprobe.play.line import Arrival, Line
from tcpprobe.play.outcome import Stop
from tcpprobe.results.model import Verdict
from tcpprobe.tcp.config import Config
from tcpprobe.tcp.connection import Connection
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.tcp.state import State
from tcpprobe.wire.flags import ACK, FIN, RST
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import MOD

if TYPE_CHECKING:
    from tcpprobe.play.play import Play, Wait
    from tcpprobe.scenario.model import Given

GREETING, GREETING_ENDS = 2.0, 0.15  # seconds until a service that speaks first does, and of silence after that
PATIENCE = 4.0  # seconds for each thing the target must do on the way; a SYN is sent again after one and three
OPENING = Reflexes.ALL

Way = Generator["Wait", Arrival | None, None]


def connection_for(play: Play, name: str, given: Given) -> Connection:
    """Our end of one connection, not yet opened."""
    stage = play.stage
    iss = given.iss.integer(play.scope) if given.iss is not None else stage.rng.getrandbits(32)
    return Connection(
        (stage.local, stage.ports[name]),
        (stage.remote, services.port_for(stage, play.case.scenario.needs)),
        iss=iss,
        config=config_for(play, given),
        reflexes=Reflexes.NONE,
    )


def config_for(play: Play, given: Given) -> Config:
    """What our end offers: nothing but an MSS unless the scenario says more."""
    offers: dict[str, Any] = {"wscale": None, "timestamps": False, "sack": False, **given.offers(play.scope)}
    return Config(mtu=min(play.stage.mtu, 9000), **offers)


def reflexes(names: Set[str]) -> Reflexes:
    """The reflexes with these names, and no others; ``all`` is a complete TCP."""
    if not names:
        return Reflexes.NONE
    return Reflexes.ALL if "all" in names else replace(Reflexes.NONE, **dict.fromkeys(names, True))


def reach(play: Play, line: Line, given: Given) -> Way:
    """Bring the line's connection into the state it is given in."""
    way = WAYS[given.state]
    if way is not None:
        line.dialled = True
        yield from way(play, line)
        play.event(line, f"given: {given.state}")
    line.connection.reflexes = reflexes(given.reflexes)


def _wait_until(play: Play, line: Line, reached: Callable[[], bool], what: str) -> Way:
    """Take what arrives until the condition holds; a reset or too long a silence ends the play."""
    deadline = play.until(PATIENCE)
    while not reached():
        yield from _take_next(line, deadline, what)


def _wait_for_acknowledgment(play: Play, line: Line, what: str) -> Way:
    """Wait until the target has all that we sent, even if it says so in a segment that we have no room for.

    It may send its FIN once more with the acknowledgment of ours, or probe our closed window.
    """
    snd = line.connection.tcb.snd
    deadline = play.until(PATIENCE)
    while snd.una != snd.nxt:
        segment = yield from _take_next(line, deadline, what)
        if segment.flags & ACK and segment.ack == snd.nxt:
            snd.una = snd.nxt


def _take_next(line: Line, deadline: float, what: str) -> Generator[Wait, Arrival | None, Segment]:
    """Take the next segment, if one comes in time."""
    arrival = yield line, deadline
    if arrival is None:
        raise Stop(Verdict.INCONCLUSIVE, f"{what} was not reached: the target did not answer as needed")
    return _take(line, arrival, what)


def _take(line: Line, arrival: Arrival, what: str) -> Segment:
    """Take something on the way to a state, unless it ends the way."""
    line.take(arrival)
    arrival.record.note = "given"
    segment = arrival.segment
    if segment is None:
        raise Stop(Verdict.INCONCLUSIVE, f"{what} was not reached: an ICMP error came")
    if segment.flags & RST:
        raise Stop(Verdict.INCONCLUSIVE, f"{what} was not reached: the target reset the connection")
    return segment


def _want_agreement(connection: Connection) -> None:
    """Skip unless the SYN,ACK takes up every option that our SYN offered: all of them are a target's own choice."""
    wanted, agreed = connection.config, connection.tcb
    missing = [
        name
        for name, offered, taken in (
            ("window scaling", wanted.wscale is not None, agreed.wscale_on),
            ("timestamps", wanted.timestamps, agreed.ts_on),
            ("SACK", wanted.sack, agreed.sack_on),
            ("ECN", wanted.ecn, agreed.ecn_on),
        )
        if offered and not taken
    ]
    if missing:
        raise Stop(Verdict.SKIP, f"needs {' and '.join(missing)}: the target's SYN,ACK did not take up our SYN's offer")


def _hand(play: Play, line: Line, flags: int, ack: int | None = None) -> None:
    """Send one plain segment by hand."""
    segment = line.connection.form(line.connection.tcb.snd.nxt, flags)
    if ack is not None:
        segment.ack = ack % MOD
    play.transmit(line, segment, "given")


def _syn_received(play: Play, line: Line) -> Way:
    connection = line.connection
    connection.reflexes = replace(Reflexes.NONE, handshake=True)
    connection.open(play.now)
    play.flush(line)
    connection.reflexes = Reflexes.NONE  # the SYN,ACK stays unanswered
    yield from _wait_until(play, line, lambda: line.shown is not None, "SYN-RECEIVED")
    _want_agreement(connection)


def _established(play: Play, line: Line) -> Way:
    connection = line.connection
    connection.reflexes = OPENING
    connection.open(play.now)
    play.flush(line)
    yield from _wait_until(play, line, lambda: connection.state is State.ESTABLISHED, "ESTABLISHED")
    play.flush(line)
    _want_agreement(connection)
    connection.reflexes = Reflexes.NONE
    port, offered = connection.tcb.remote[1], play.stage.services
    if port == offered.get("banner"):
        yield from _hear_banner(play, line)
    if "sink" in play.case.scenario.needs and port == offered.get("sink") == offered.get("http"):
        services.ask_to_swallow(play, line)
        yield from _wait_until(play, line, lambda: connection.tcb.snd.una == connection.tcb.snd.nxt, "a POST")


def _hear_banner(play: Play, line: Line) -> Way:
    """A service that speaks first has spoken, and knows that we heard it, before the steps begin."""
    greeting = line.connection.tcb.rcv.nxt
    deadline = play.until(GREETING)
    while (arrival := (yield line, deadline)) is not None:
        _take(line, arrival, "the end of the greeting")
        if line.connection.tcb.rcv.nxt != greeting:
            deadline = play.until(GREETING_ENDS)
    if line.connection.tcb.rcv.nxt != greeting:
        _hand(play, line, ACK)
    line.greeted = True


def _close_wait(play: Play, line: Line) -> Way:
    """The target has our FIN but cannot finish: it owes data for which our window has no room."""
    yield from _established(play, line)
    line.connection.tcb.rcv.wnd = 0
    services.ask(play, line, services.MORE_THAN_BUFFERS, in_two=True)
    _hand(play, line, FIN | ACK)
    yield from _wait_for_acknowledgment(play, line, "CLOSE-WAIT")


def _last_ack(play: Play, line: Line) -> Way:
    yield from _established(play, line)
    _hand(play, line, FIN | ACK)
    yield from _wait_until(play, line, lambda: line.peer_closed, "LAST-ACK")


def _fin_wait_1(play: Play, line: Line) -> Way:
    yield from _established(play, line)
    services.ask_to_close(play, line)
    yield from _wait_until(play, line, lambda: line.peer_closed, "FIN-WAIT-1")


def _fin_wait_2(play: Play, line: Line) -> Way:
    yield from _fin_wait_1(play, line)
    _hand(play, line, ACK)


def _closing(play: Play, line: Line) -> Way:
    yield from _fin_wait_1(play, line)
    _hand(play, line, FIN | ACK, ack=line.connection.tcb.rcv.nxt - 1)  # everything but the FIN is acknowledged
    yield from _wait_for_acknowledgment(play, line, "CLOSING")


def _time_wait(play: Play, line: Line) -> Way:
    yield from _fin_wait_2(play, line)
    _hand(play, line, FIN | ACK)
    yield from _wait_for_acknowledgment(play, line, "TIME-WAIT")


#: For each state of the target the way there; None where nothing has to be done.
WAYS: Mapping[str, Callable[[Play, Line], Way] | None] = MappingProxyType(
    {
        "closed": None,
        "syn-received": _syn_received,
        "established": _established,
        "close-wait": _close_wait,
        "last-ack": _last_ack,
        "fin-wait-1": _fin_wait_1,
        "fin-wait-2": _fin_wait_2,
        "closing": _closing,
        "time-wait": _time_wait,
    }
)
