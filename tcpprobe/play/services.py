"""Making a target's service do something: what ``target:`` steps and some given states need, without an agent."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

from tcpprobe.play.line import Line
from tcpprobe.play.outcome import Stop
from tcpprobe.play.stage import Stage
from tcpprobe.results.model import Verdict
from tcpprobe.wire.flags import ACK, PSH

if TYPE_CHECKING:
    from tcpprobe.play.play import Play

#: Which capability chooses the port when a scenario needs several: one service must have them all.
PREFERENCE = ("closed_port", "source", "echo", "sink", "http", "closer")

MORE_THAN_BUFFERS = 16_000_000  # octets that no target's send buffer takes at once


def port_for(stage: Stage, needs: Set[str]) -> int:
    """The target's port to which a scenario with these needs goes."""
    ports = {**stage.services, "closed_port": stage.closed_port}
    for need in PREFERENCE:
        port = ports.get(need)
        if need in needs and port is not None:
            return port
    return stage.port


def ask(play: Play, line: Line, size: int, *, in_two: bool = False) -> None:
    """Make the target's service send `size` octets of data. Raises Stop when no service here can.

    A request in two segments has its window taken even by a target that takes a smaller one only from a later segment.
    """
    port = line.connection.tcb.remote[1]
    services = play.stage.services
    if port == services.get("http"):
        path = play.stage.http_path.replace("{n}", str(size))
        _say(play, line, f"GET {path} HTTP/1.1\r\nHost: target\r\n\r\n", in_two=in_two)
    elif port != services.get("source"):
        raise Stop(Verdict.ERROR, f"nothing on port {port} can be asked for data")


def ask_to_close(play: Play, line: Line) -> None:
    """Make the target's service close the connection: an HTTP request that says so; others close by themselves.

    Of a resource that is as large as it is only the head is asked for: the FIN is not to wait for our window.
    """
    if line.connection.tcb.remote[1] == play.stage.services.get("http"):
        path = play.stage.http_path
        method = "GET" if "{n}" in path else "HEAD"
        path = path.replace("{n}", "10")
        _say(play, line, f"{method} {path} HTTP/1.1\r\nHost: target\r\nConnection: close\r\n\r\n")


def ask_to_swallow(play: Play, line: Line) -> None:
    """Make a web server take whatever comes: a POST that does not end."""
    _say(play, line, post_head(play.stage.http_path))


def post_head(path: str) -> str:
    """The head of a POST whose body nobody will send to the end."""
    return (
        f"POST {path.replace('{n}', '0')} HTTP/1.1\r\nHost: target\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {MORE_THAN_BUFFERS}\r\n\r\n"
    )


def _say(play: Play, line: Line, text: str, *, in_two: bool = False) -> None:
    data = text.encode("ascii")
    if line.automatic:
        line.connection.send(data, play.now)
        play.flush(line)
        return
    parts = (data[:1], data[1:]) if in_two else (data,)
    for part in parts:
        segment = line.connection.form(line.connection.tcb.snd.nxt, PSH | ACK, part)
        play.transmit(line, segment, "asks the service")
