"""Source routes in the options of an IPv4 header (RFC 791 3.1, RFC 1122 3.2.1.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LOOSE = 131
STRICT = 137


@dataclass(frozen=True, slots=True)
class Route:
    """A source route on its way: the addresses it has passed and those it has still ahead, the destination last."""

    kind: int
    passed: tuple[bytes, ...]
    ahead: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ReturnRoute:
    """What answers are sent with: the header's destination address, and its options."""

    first: bytes
    options: bytes


def source_route(options: bytes) -> Route | None:
    """The source route in these options; None when there is none, or none that can be read."""
    at = 0
    while at < len(options) and options[at]:
        if options[at] == 1:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if length < 2 or at + length > len(options):
            return None
        if options[at] in (LOOSE, STRICT):
            return _read(options[at : at + length])
        at += length
    return None


def _read(option: bytes) -> Route | None:
    if len(option) < 3 or len(option) % 4 != 3 or option[2] < 4 or option[2] % 4:
        return None
    addresses = tuple([option[at : at + 4] for at in range(3, len(option), 4)])
    passed = (option[2] - 4) >> 2
    return Route(option[0], addresses[:passed], addresses[passed:])


def ultimate(options: bytes, destination: bytes) -> bytes:
    """Where a packet goes in the end, which is what the TCP checksum covers (RFC 9293 3.9.2.1)."""
    route = source_route(options)
    return route.ahead[-1] if route is not None and route.ahead else destination


def return_route(source: bytes, options: bytes) -> ReturnRoute | None:
    """The way back to ``source`` by a completed route: reversed, without the source itself (RFC 1122 3.2.1.8).

    None when there is no completed route, or nothing in it.
    """
    route = source_route(options)
    if route is None or route.ahead:
        return None
    hops = list(reversed(route.passed))
    if hops and hops[-1] == source:
        hops.pop()  # some put themselves at the beginning of the route
    if not hops:
        return None
    return ReturnRoute(hops[0], encode_route(route.kind, (*hops[1:], source)))


def encode_route(kind: int, addresses: Sequence[bytes], passed: int = 0) -> bytes:
    """The option, padded to 32 bits; so many of its addresses have been passed."""
    return bytes((kind, 3 + 4 * len(addresses), 4 + 4 * passed)) + b"".join(addresses) + b"\0"
