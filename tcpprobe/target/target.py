"""What is tested: an address, a port, and what the service behind it can be made to do."""

from __future__ import annotations

import difflib
import ipaddress
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

LABS = ("linux", "linux-ipv6", "memory", "memory-ipv6", "lwip", "lwip-ipv6", "slirp", "slirp-ipv6")
"""The names that may follow ``lab:``; ``lab`` alone takes the best of them."""

ANY_LAB = "any"
"""What `Target.lab` says when the user wrote ``lab`` alone."""

CAPABILITIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "echo": ("echo",),  # no sink: a scenario that only sends must not meet its own data again
        "discard": ("sink",),
        "chargen": ("source",),
        "http": ("source", "http", "closer"),
        "web": ("http", "closer"),
        "daytime": ("closer", "brief"),
        "brief": ("brief",),  # it closes or resets by itself what it has just accepted
        "banner": ("banner",),  # it speaks first: a scenario begins when it has
        "silent": (),
        "unknown": (),
    }
)
"""For each kind of service what a scenario can make it do. ``http`` serves ``/bytes/N``, ``web`` is any web server."""

KINDS = (*CAPABILITIES, "auto")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Sequence[str]]
"""A host's addresses as text, the preferred one first; OSError when there are none."""


class TargetError(ValueError):
    """The target cannot be what the user wrote; one plain sentence."""


@dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        text: as the user wrote it.
        name: what to call it: the host, or ``lab:linux``.
        address: packed, 4 or 16 octets; empty for a lab that is not open yet.
        port: where a connection goes when a scenario names no service; 0 for a lab that is not open yet.
        closed_port: a port on which nothing listens, or None when none is known.
        services: the port for each capability; ``wire`` is always there.
        lab: the lab's name, `ANY_LAB`, or None for a live target.
        family: 4 or 6.
        service: the kind (`CAPABILITIES`), ``auto`` when it is still to be found out, ``lab`` for a lab's many.
    """

    text: str
    name: str
    address: bytes
    port: int
    closed_port: int | None = None
    services: Mapping[str, int] = field(default_factory=dict)
    lab: str | None = None
    family: int = 4
    service: str = "unknown"

    @property
    def host(self) -> str:
        """The address as text; empty for a lab that is not open yet."""
        return str(ipaddress.ip_address(self.address)) if self.address else ""

    def with_service(self, kind: str, *more: str) -> Target:
        """The same target, known to offer this kind of service, and more capabilities than that.

        Raises:
            TargetError: there is no such kind.
        """
        return replace(self, service=kind, services=capabilities(kind, self.port) | dict.fromkeys(more, self.port))


def capabilities(kind: str, port: int) -> dict[str, int]:
    """The port for each capability of one service of this kind on one port.

    Raises:
        TargetError: there is no such kind.
    """
    if kind not in KINDS:
        raise TargetError(f"no service is called {kind!r}{_meant(kind, KINDS)}; there are {', '.join(KINDS)}")
    return {"wire": port, **dict.fromkeys(CAPABILITIES.get(kind, ()), port)}


def resolve_host(host: str) -> list[str]:
    """What the system's resolver says, without duplicates, in its order."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_ours(address: Address) -> bool:
    """Whether an interface of this host has the address (a socket can be bound to it)."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def parse(
    text: str,
    *,
    service: str = "auto",
    closed_port: int | None = None,
    allow_public: bool = False,
    family: int | None = None,
    resolve: Resolve = resolve_host,
    ours: Callable[[Address], bool] = is_ours,
) -> Target:
    """Read ``host:port``, ``[v6]:port``, ``lab:NAME`` or ``lab``.

    Args:
        text: what the user wrote.
        service: what listens there, one of `KINDS`; ``auto`` leaves it to be found out (`tcpprobe.target.detect`).
        closed_port: a port of the target on which nothing listens, when the user knows one.
        allow_public: whether the address may be one that is neither private nor ours.
        family: 4 or 6 to insist on one; None takes the first address the resolver names.
        resolve: how names become addresses.
        ours: whether an address is one of this host's own.

    Raises:
        TargetError: in one line, what is wrong with it.
    """
    text = text.strip()
    if not text.isprintable():
        raise TargetError(f"{text!r} holds characters that no target has")
    if text == "lab" or text.startswith("lab:"):
        return _lab(text, family)
    host, port_text = _split(text)
    port = _port(port_text, text)
    if closed_port is not None and (not 0 < closed_port < 65536 or closed_port == port):
        raise TargetError(f"the closed port must be from 1 to 65535 and not {port} itself, not {closed_port}")
    address = _address(host, family, resolve)
    _refuse_public(address, host, allow_public, ours)
    return Target(
        text=text,
        name=host,
        address=address.packed,
        port=port,
        closed_port=closed_port,
        services=capabilities(service, port),
        family=address.version,
        service=service,
    )


def _lab(text: str, family: int | None) -> Target:
    name = text.partition(":")[2] if ":" in text else ANY_LAB
    if name not in (*LABS, ANY_LAB):
        raise TargetError(f"no lab is called {name!r}{_meant(name, LABS)}; there are {', '.join(LABS)}")
    written = 6 if name.endswith("-ipv6") else None
    if written and family == 4:
        raise TargetError(f"{text} is an IPv6 target, but IPv4 was asked for")
    if family == 6 and not written and name != ANY_LAB:
        name += "-ipv6"
    return Target(text, text, b"", 0, lab=name, family=written or family or 4)


def _split(text: str) -> tuple[str, str]:
    """Host and port as text."""
    if text.startswith("["):
        match = re.fullmatch(r"\[([^\[\]]*)\](.*)", text)
        if match is None:
            raise TargetError(f"{text!r}: the bracket is not closed; an IPv6 target is written [2001:db8::7]:80")
        host, rest = match.groups()
        if not rest.startswith(":"):
            raise TargetError(f"{text!r} has no port; write [{host}]:80")
        if ":" not in host:
            raise TargetError(f"{text!r}: only an IPv6 address goes in brackets; write {host}{rest}")
        return host, rest[1:]
    if "[" in text or "]" in text:
        raise TargetError(f"{text!r}: brackets go around an IPv6 address only, as in [2001:db8::7]:80")
    if "://" in text:
        raise TargetError(f"{text!r} is a URL; write host:port")
    if text.count(":") > 1:
        raise TargetError(f"{text!r}: an IPv6 address needs brackets before its port, as in [2001:db8::7]:80")
    host, colon, port = text.partition(":")
    if not host:
        raise TargetError(f"{text!r} has no host; write host:port, [v6]:port, lab:NAME or lab")
    if not colon or not port:
        raise TargetError(f"{text!r} has no port{_meant(text, ('lab',))}; write {host}:80")
    return host, port


def _port(text: str, whole: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise TargetError(f"{whole!r}: {text!r} is not a port number")
    port = int(text[:9])
    if not 0 < port < 65536:
        raise TargetError(f"{whole!r}: a port is from 1 to 65535, not {text}")
    return port


def _address(host: str, family: int | None, resolve: Resolve) -> Address:
    found = _literal(host) or _resolved(host, resolve)
    fitting = [each for each in found if family in (None, each.version)]
    if not fitting:
        raise TargetError(f"{host} has no IPv{family} address")
    address = fitting[0]
    if address.is_multicast or address.is_unspecified or str(address) == "255.255.255.255":
        raise TargetError(f"{address} is not the address of one host")
    if getattr(address, "scope_id", None) or (address.version == 6 and address.is_link_local):
        raise TargetError(f"{address} is link-local, which no link of ours can reach; use another address of that host")
    return address


def _literal(host: str) -> list[Address]:
    try:
        return [_plain(host)]
    except ValueError:
        if ":" in host or re.fullmatch(r"[0-9.]+", host):
            raise TargetError(f"{host!r} is not an IP address") from None
        return []


def _plain(text: str) -> Address:
    """The address; ::ffff:192.0.2.1 is the IPv4 address in it (RFC 4291 2.5.5.2)."""
    address = ipaddress.ip_address(text)
    return address.ipv4_mapped or address if address.version == 6 else address


def _resolved(host: str, resolve: Resolve) -> list[Address]:
    try:
        found = [_plain(each) for each in resolve(host)]
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a host name"
        raise TargetError(f"no such host: {host} ({reason})") from None
    if not found:
        raise TargetError(f"no such host: {host}")
    return found


def _refuse_public(address: Address, host: str, allow_public: bool, ours: Callable[[Address], bool]) -> None:
    if allow_public or not address.is_global or ours(address):
        return
    shown = host if host == str(address) else f"{host} ({address})"
    raise TargetError(f"{shown} is a public address: test it only if you may, and then with --tcp-allow-public")


def _meant(word: str, words: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
