"""Expressions of the scenario language: a whitelisted part of Python's grammar, compiled to closures; no eval.

Names come from a `Scope`. What a name stands for may have attributes when it is a `Namespace`; nothing else has any.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from tcpprobe.marked.problem import Place


class ExpressionError(Exception):
    """An expression that could not be evaluated while a scenario was played: one line, with the place."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


class UnknownName(Exception):  # noqa: N818 - the name says what it is
    """Raised by a scope that does not know a name; the argument is the name."""


@runtime_checkable
class Namespace(Protocol):
    """Something with attributes that expressions may read: exactly those in `public_names`, and no others.

    ``snd``, ``rcv``, a connection and a captured segment are namespaces. An attribute that has no value now (the MSS
    of a segment without that option) is None; arithmetic with it is an `ExpressionError`.
    """

    @property
    def public_names(self) -> frozenset[str]:
        """The attributes that may be read."""
        ...


class Scope(Protocol):
    """Where expressions look names up.

    A play's scope knows (all numbers are absolute; of the connection of the step that is played):

    ========================= ==========================================================================================
    ``snd``                   namespace ``una nxt wnd mss max_wnd``
    ``rcv``                   namespace ``nxt wnd``
    ``iss`` ``irs``           initial sequence numbers; ``irs`` is 0 as long as it is unknown
    ``now``                   seconds since the play began, float
    ``mtu`` ``mss``           largest packet of the link; largest payload for this target without options
    ``ts_val`` ``ts_ecr``     what our endpoint would put into a timestamps option now (0 when it cannot say)
    a connection's name       namespace ``snd rcv iss irs``, of that connection
    a matrix name             the value in this row (int, float, bool, str or bytes)
    a captured name           namespace `CAPTURED`, or a list of them when the step has ``repeat``
    ========================= ==========================================================================================
    """

    def lookup(self, name: str) -> object:
        """The value of a name. Raises UnknownName."""
        ...


#: What can be asked of a captured segment. ``time`` is seconds since the play began, ``len`` the octets of payload,
#: ``end`` the sequence number after its last, ``flags`` the bits, ``data`` the payload; options that are not there
#: are None.
CAPTURED = frozenset(
    "seq ack end len flags window urgent data time ttl tos ident mss wscale sack ts_val ts_ecr count".split()
)
