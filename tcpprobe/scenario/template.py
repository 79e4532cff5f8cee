"""What a ``send`` step sends, resolved field by field when it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tcpprobe.marked.problem import Place
from tcpprobe.scenario.expression import ExpressionError, Scope, UnknownName, Value
from tcpprobe.wire import options as wire_options
from tcpprobe.wire.options import Option, encode_options

Resolve = Callable[[Scope], Any]
"""A scope → the field's value. Raises ExpressionError."""

_MASK = 0xFFFFFFFF
FILLER = b"abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The named fields of what is sent.

    Attributes:
        kind: ``tcp``, ``icmp`` or ``raw``.
        fields: name → how to resolve it.
    """

    kind: str
    place: Place
    fields: Mapping[str, Resolve]

    def build(self, scope: Scope) -> dict[str, Any]:
        """The fields the scenario names, resolved; what it does not name is not in it. Raises ExpressionError.

        ``tcp``: ``flags seq ack window urgent data_offset reserved sport dport`` (int), ``payload`` (bytes),
        ``options`` (bytes, unpadded), ``checksum`` (int, or ``"bad"``: any wrong one).
        ``icmp``: ``icmp`` (name, or (type, code)), ``mtu`` (int), ``quote``: ``"last"`` (what the target sent
        last), ``"none"``, the name of a capture, or a dict of tcp fields as above.
        ``raw``: ``raw`` (bytes, everything behind the IP header).
        All: ``ip``: a dict with names of `tcpprobe.wire.ip.Packet` (``ttl tos df ident flow_label version header_length
        total_length protocol checksum fragment src dst options``); ``src`` and ``dst`` are packed addresses, or
        ``"local"`` and ``"remote"`` for our own and the target's; ``fragments`` is a `tcpprobe.wire.fragments.Cut`.
        """
        return {name: resolve(scope) for name, resolve in self.fields.items()}


def filler(length: int) -> bytes:
    """So many octets of text that is easy to tell apart from zeros."""
    return (FILLER * (length // len(FILLER) + 1))[:length]


def bounded(value: Value, name: str, low: int, high: int) -> Resolve:
    """A number that must fit its field."""

    def resolve(scope: Scope) -> int:
        number = value.integer(scope)
        if low <= number <= high:
            return number
        raise ExpressionError(value.place, f"{name} {value.text}: {number} is not in {low} .. {high}")

    return resolve


def wrapped(value: Value) -> Resolve:
    """A sequence number: modulo 2**32."""
    return lambda scope: value.integer(scope) & _MASK


MakeOption = Callable[[Scope], "Option | bytes"]
Offer = Callable[[Scope], dict[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class OptionList:
    """The options of a segment, or of our SYN (``given``), in order."""

    place: Place
    makers: tuple[MakeOption, ...]
    offered: tuple[Offer, ...] = ()

    def encode(self, scope: Scope) -> bytes:
        """Their octets, unpadded. Raises ExpressionError."""
        raw = b""
        for make in self.makers:
            option = make(scope)
            try:
                raw += option if isinstance(option, bytes) else encode_options((option,))
            except ValueError as error:
                raise ExpressionError(self.place, f"options: {error}") from None
        return raw

    def offers(self, scope: Scope) -> dict[str, Any]:
        """What a connection offers that has exactly these options, as fields of the endpoint's configuration."""
        offers: dict[str, Any] = {"mss_option": False, "wscale": None, "timestamps": False, "sack": False}
        for offer in self.offered:
            offers.update(offer(scope))
        return offers


def automatic_timestamps(scope: Scope) -> Option:
    """The timestamps option our endpoint would send now."""
    return wire_options.timestamps(_now(scope, "ts_val"), _now(scope, "ts_ecr"))


def _now(scope: Scope, name: str) -> int:
    try:
        value = scope.lookup(name)
    except (UnknownName, ExpressionError):
        return 0
    return value & _MASK if isinstance(value, int) else 0
