"""The eleven states and every move between them (RFC 9293 3.3.2, figure 5), as one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """A connection's state, by its RFC 9293 name."""

    CLOSED = "CLOSED"
    LISTEN = "LISTEN"
    SYN_SENT = "SYN-SENT"
    SYN_RECEIVED = "SYN-RECEIVED"
    ESTABLISHED = "ESTABLISHED"
    FIN_WAIT_1 = "FIN-WAIT-1"
    FIN_WAIT_2 = "FIN-WAIT-2"
    CLOSE_WAIT = "CLOSE-WAIT"
    CLOSING = "CLOSING"
    LAST_ACK = "LAST-ACK"
    TIME_WAIT = "TIME-WAIT"


class Move(StrEnum):
    """What makes a connection change its state."""

    PASSIVE_OPEN = "passive open"
    SYN_SENT = "SYN sent"
    SYN_RECEIVED = "SYN received"
    SYN_ACKED = "our SYN acknowledged"
    RETURN = "back to LISTEN"
    FIN_SENT = "FIN sent"
    FIN_ACKED = "our FIN acknowledged"
    FIN_RECEIVED = "FIN received"
    DELETE = "delete the TCB"


_S = State

MOVES: Mapping[tuple[State, Move], State] = MappingProxyType(
    {
        (_S.CLOSED, Move.PASSIVE_OPEN): _S.LISTEN,
        (_S.CLOSED, Move.SYN_SENT): _S.SYN_SENT,
        (_S.LISTEN, Move.SYN_SENT): _S.SYN_SENT,
        (_S.LISTEN, Move.SYN_RECEIVED): _S.SYN_RECEIVED,
        (_S.SYN_SENT, Move.SYN_RECEIVED): _S.SYN_RECEIVED,
        # The SYN,ACK: RFC 9293 3.10.7.3, fourth, goes from SYN-SENT straight on when our SYN is acknowledged.
        (_S.SYN_SENT, Move.SYN_ACKED): _S.ESTABLISHED,
        (_S.SYN_RECEIVED, Move.SYN_ACKED): _S.ESTABLISHED,
        (_S.SYN_RECEIVED, Move.RETURN): _S.LISTEN,
        (_S.SYN_RECEIVED, Move.FIN_SENT): _S.FIN_WAIT_1,
        (_S.SYN_RECEIVED, Move.FIN_RECEIVED): _S.CLOSE_WAIT,
        (_S.ESTABLISHED, Move.FIN_SENT): _S.FIN_WAIT_1,
        (_S.ESTABLISHED, Move.FIN_RECEIVED): _S.CLOSE_WAIT,
        (_S.FIN_WAIT_1, Move.FIN_ACKED): _S.FIN_WAIT_2,
        (_S.FIN_WAIT_1, Move.FIN_RECEIVED): _S.CLOSING,
        (_S.FIN_WAIT_2, Move.FIN_RECEIVED): _S.TIME_WAIT,
        (_S.CLOSE_WAIT, Move.FIN_SENT): _S.LAST_ACK,
        (_S.CLOSING, Move.FIN_ACKED): _S.TIME_WAIT,
        (_S.LAST_ACK, Move.FIN_ACKED): _S.CLOSED,
        **{(state, Move.DELETE): _S.CLOSED for state in State},
    }
)
"""(state, what happened) to the next state. What is not here does not move."""

SYNCHRONIZED = frozenset(State) - {_S.CLOSED, _S.LISTEN, _S.SYN_SENT, _S.SYN_RECEIVED}
"""Both sides know both initial sequence numbers."""

RECEIVING = frozenset({_S.ESTABLISHED, _S.FIN_WAIT_1, _S.FIN_WAIT_2})
"""The peer has not finished: text and urgent pointers are taken (RFC 9293 3.10.7.4, sixth and seventh)."""

SENDING = frozenset({_S.ESTABLISHED, _S.CLOSE_WAIT})
"""We have not finished: new data, and then the FIN, may go out."""

UNFINISHED = SENDING | {_S.FIN_WAIT_1, _S.CLOSING, _S.LAST_ACK}
"""Something of ours can still need retransmission."""
