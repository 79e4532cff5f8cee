"""Connections out of an address and a link: `connect`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from tcpprobe.link.base import Lease, Link, LinkError
from tcpprobe.link.device import open_tun
from tcpprobe.link.packet import UNPRIVILEGED as UNPRIVILEGED_PACKET
from tcpprobe.link.packet import PacketLink
from tcpprobe.link.raw import UNPRIVILEGED, RawLink
from tcpprobe.stream.errors import Refused, StreamError, TimedOut, Unreachable
from tcpprobe.stream.loop import Loop, Tap
from tcpprobe.stream.stream import Stream
from tcpprobe.target.target import Target, TargetError, parse, resolve_host
from tcpprobe.tcp.config import Config
from tcpprobe.wire import ip

TIMEOUT = 10.0
"""Seconds without progress after which a stream gives up, unless told otherwise."""

LINKS = ("raw", "tun", "packet")
"""The links that can be opened by name."""


def connect(
    host: str,
    port: int,
    *,
    link: str | Link = "raw",
    source_ip: str | None = None,
    interface: str | None = None,
    timeout: float | None = TIMEOUT,
    config: Config | None = None,
    tap: Tap | None = None,
) -> Stream:
    """Open a connection to ``host`` with our own TCP.

    Args:
        host: a name or an address; of a name's addresses the first that answers is taken.
        port: 1 to 65535.
        link: ``raw``, ``tun`` (then ``interface`` is the TUN device and ``source_ip`` the address to use behind it),
            or an open link, which stays open.
        source_ip: the address to talk from; None: the one the kernel would take.
        interface: the interface to go by; None: the route's.
        timeout: seconds without progress after which this and every later call gives up; None: never.
        config: what our endpoint offers; None: a window of 4 MiB, timestamps, SACK, no Nagle. Its ``mtu`` is the
            link's at most.
        tap: called with (seconds, bytes) of every packet, either way.

    Raises:
        Refused: the peer answers with RST.
        TimedOut: nothing comes back.
        Unreachable: no such host, no route, no such interface or address, no privileges.
    """
    source = packed(source_ip)
    found: StreamError | None = None
    for target in _targets(host, port, source):
        try:
            return _connect(target, link, source, interface, timeout, config, tap)
        except (Refused, Unreachable, TimedOut) as error:
            found = found or error
    assert found is not None
    raise found


def _connect(
    target: Target,
    link: str | Link,
    source: bytes | None,
    interface: str | None,
    timeout: float | None,
    config: Config | None,
    tap: Tap | None,
) -> Stream:
    with ExitStack() as stack:
        try:
            opened = open_link(link, target.address, source, interface, stack)
            lease = opened.lend(target.address, 1)
        except LinkError as error:
            raise Unreachable(sentence(error)) from None
        stack.callback(lease.release)
        loop = loop_over(opened, lease, config, tap)
        channel = loop.open((lease.address, lease.ports[0]), (target.address, target.port))
        stream = Stream(loop, channel, timeout=timeout, release=stack.pop_all().close)
    try:
        stream.establish()
    except BaseException:
        stream.abort()
        raise
    return stream


def open_link(link: str | Link, target: bytes, source: bytes | None, interface: str | None, stack: ExitStack) -> Link:
    """The link of this name towards ``target``, which ``stack`` closes; an open one as it is. Raises LinkError."""
    if not isinstance(link, str):
        return link
    if link not in LINKS:
        raise LinkError(f"no link is called {link!r}; there are {', '.join(LINKS)}")
    made: Link
    if link == "raw":
        made = RawLink(target, source=source, interface=interface)
    elif link == "packet":
        made = PacketLink(target, () if source is None else (source,), interface=interface)
    else:
        if interface is None or source is None:
            raise LinkError(
                "the tun link needs the name of a TUN device (interface) and an address of ours (source-ip)"
            )
        made = open_tun(interface, source)
    stack.callback(made.close)
    return made


def sentence(error: LinkError) -> str:
    """Why a link cannot be used, for those who cannot take a lab instead."""
    told = str(error)
    if told in (UNPRIVILEGED, UNPRIVILEGED_PACKET):
        needs = told.partition(":")[0]
        return f"{needs}: run as root, or use a TUN device of yours (link tun)"
    return told


def loop_over(link: Link, lease: Lease, config: Config | None, tap: Tap | None) -> Loop:
    """A loop on what was lent."""
    if config is not None:
        config = replace(config, mtu=min(config.mtu, link.mtu))
    return Loop(link, lease.address, lease.ports, config=config, tap=tap)


def packed(address: str | None) -> bytes | None:
    """An address of ours. Raises Unreachable when it is none."""
    try:
        return None if address is None else ip.pack(address)
    except ValueError:
        raise Unreachable(f"{address!r} is not an IP address") from None


def _targets(host: str, port: int, source: bytes | None) -> list[Target]:
    """The host's addresses of our family, in the resolver's order."""
    family = None if source is None else 4 if len(source) == 4 else 6
    try:
        first = parse(endpoint_text(host, port), family=family, allow_public=True)
        if first.host == host.strip("[]"):
            return [first]
        others = [parse(endpoint_text(each, port), allow_public=True) for each in resolve_host(host)]
    except TargetError as error:
        raise Unreachable(str(error)) from None
    return [
        first,
        *(each for each in others if each.family == (family or each.family) and each.address != first.address),
    ]


def endpoint_text(host: str, port: int) -> str:
    """``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
