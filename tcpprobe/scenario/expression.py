"""Values that depend on a scope, expressions among them.

Names come from a `Scope`. What a name stands for may have attributes when it is a `Namespace`; nothing else has any.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tcpprobe.marked.problem import Place
from tcpprobe.scenario.grammar import Evaluate, NotAllowed, Use, compile_tree, parse
from tcpprobe.scenario.operations import COMPARISONS, shown

MOST_TIMES = 10_000
"""The most a ``repeat`` may say."""


class ExpressionError(Exception):
    """An expression that could not be evaluated while a scenario was played: one line, with the place."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


class NothingYet(ExpressionError):
    """An expression speaks of a packet that did not come, or of two that came at one moment: nothing can be told."""


class UnknownName(Exception):
    """Raised by a scope that does not know a name; the argument is the name."""


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
    ``rtt``                   seconds that an answer of the target needs at least, float
    ``mtu`` ``mss``           largest packet of the link; largest payload for this target without options
    ``local_port``            our port; ``remote_port``: the target's
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
#: ``end`` the sequence number after its last, ``flags`` letters (``"SA"``), ``data`` the payload, ``sack`` whether
#: SACK is permitted, ``count`` how many options and ``options`` their names in order (``"mss sack"``), ``df`` whether
#: routers may not fragment it; options that are not there are None.
CAPTURED = frozenset(
    [
        "seq",
        "ack",
        "end",
        "len",
        "flags",
        "window",
        "urgent",
        "data",
        "time",
        "ttl",
        "tos",
        "ident",
        "df",
        "options",
        "mss",
        "wscale",
        "sack",
        "ts_val",
        "ts_ecr",
        "count",
    ]
)


class Value:
    """Something that has a value in a scope.

    Attributes:
        text: as written, for people. place: where it stands.
    """

    __slots__ = ()
    text: str
    place: Place

    @property
    def fixed(self) -> bool:
        """Whether it is the same in every scope."""
        return False

    @property
    def plain(self) -> bool:
        """Whether it is written as a plain value, though perhaps one for each row of the matrix."""
        return self.fixed

    def value(self, scope: Scope) -> object:
        """Its value now. Raises ExpressionError."""
        raise NotImplementedError

    def integer(self, scope: Scope) -> int:
        """Its value, which must be a whole number. Raises ExpressionError."""
        value = self.value(scope)
        if isinstance(value, int):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
        raise ExpressionError(self.place, f"{self.text}: {shown(value)} is not a whole number")

    def count(self, scope: Scope) -> int:
        """Its value, which must be from 1 to `MOST_TIMES`. Raises ExpressionError."""
        value = self.integer(scope)
        if 1 <= value <= MOST_TIMES:
            return value
        raise ExpressionError(self.place, f"{self.text}: {value} is not in 1 .. {MOST_TIMES}")


@dataclass(frozen=True, slots=True, eq=False)
class Fixed(Value):
    """The same value always."""

    constant: object
    text: str
    place: Place

    @property
    def fixed(self) -> bool:
        """Always."""
        return True

    def value(self, scope: Scope) -> object:  # noqa: ARG002
        """The value."""
        return self.constant


@dataclass(frozen=True, slots=True, eq=False)
class PerRow(Value):
    """``${name}``: a value for each combination of what the names have in the rows of the matrix."""

    names: tuple[str, ...]
    table: Mapping[tuple[object, ...], Value]
    text: str
    place: Place

    @property
    def plain(self) -> bool:
        """Whether each row has a plain value."""
        return all(value.plain for value in self.table.values())

    def value(self, scope: Scope) -> object:
        """The value for the scope's row."""
        return self.row(scope).value(scope)

    def row(self, scope: Scope) -> Value:
        """What it stands for in the scope's row. Raises ExpressionError."""
        try:
            return self.table[tuple([scope.lookup(name) for name in self.names])]
        except (UnknownName, KeyError):
            raise ExpressionError(self.place, f"{self.text}: no such row in the matrix") from None


@dataclass(frozen=True, slots=True, eq=False)
class Expr(Value):
    """A compiled expression; ``uses`` are the names in it."""

    text: str
    place: Place
    uses: tuple[Use, ...]
    tree: ast.expr
    evaluate: Evaluate

    @property
    def fixed(self) -> bool:
        """Whether there is no name in it."""
        return not self.uses

    def value(self, scope: Scope) -> object:
        """Its value now. Raises ExpressionError."""
        try:
            return self.evaluate(scope)
        except UnknownName as error:
            raise NothingYet(self.place, f"{self.text}: there is no {error} yet") from None
        except ZeroDivisionError:
            raise NothingYet(self.place, f"{self.text}: division by zero") from None
        except LookupError as error:
            raise NothingYet(self.place, f"{self.text}: {error}") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise ExpressionError(self.place, f"{self.text}: {error}") from None

    def explain(self, scope: Scope) -> str:
        """Why it is as it is: the comparison that decides, with its values. Never raises."""
        try:
            return _explain(self.tree, scope)
        except (ExpressionError, UnknownName, NotAllowed, ArithmeticError, TypeError, ValueError, LookupError) as error:
            return f"it cannot be computed: {error}"


class _Nowhere:
    def lookup(self, name: str) -> object:
        raise UnknownName(name)


NOWHERE: Scope = _Nowhere()
"""A scope that knows no name."""


def compile(text: str, place: Place) -> Expr:
    """The expression in ``text``. Raises `tcpprobe.scenario.grammar.NotAllowed`."""
    parsed = parse(text)
    expr = Expr(text.strip(), place, parsed.uses, parsed.tree, parsed.evaluate)
    if parsed.uses:
        return expr
    try:
        value = expr.value(NOWHERE)
    except ExpressionError as error:  # without names, what is wrong with it is wrong for good
        raise NotAllowed(error.message.removeprefix(f"{expr.text}: ")) from None
    return Expr(expr.text, place, (), parsed.tree, lambda _scope: value)


def _explain(tree: ast.expr, scope: Scope) -> str:
    value = compile_tree(tree).evaluate(scope)
    if isinstance(tree, ast.BoolOp):
        # The first operand that decides tells it all: a false one of `and`, a true one of `or`.
        decisive = isinstance(tree.op, ast.Or)
        for operand in tree.values:
            if bool(compile_tree(operand).evaluate(scope)) is decisive:
                return _explain(operand, scope)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return f"not ({_explain(tree.operand, scope)})"
    if isinstance(tree, ast.Compare):
        words = [shown(compile_tree(tree.left).evaluate(scope))]
        for op, operand in zip(tree.ops, tree.comparators, strict=True):
            words += [COMPARISONS[type(op)][0], shown(compile_tree(operand).evaluate(scope))]
        return f"{' '.join(words)} is {'true' if value else 'false'}"
    return f"it is {shown(value)}"
