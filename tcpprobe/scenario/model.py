"""Compiled scenarios: what the interpreter of a play consumes. Plain frozen dataclasses.

Times are float seconds. `Place` (file, line, column) is where a thing stands in its file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from tcpprobe.marked.problem import Place

if TYPE_CHECKING:
    from tcpprobe.scenario.expression import Expr, Scope, Value
    from tcpprobe.scenario.pattern import FieldTest
    from tcpprobe.scenario.template import OptionList, Template

MAIN = "main"
"""The name of the connection when a scenario names none."""

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a packet that is not as expected; ``place`` is that of the field in the scenario.

    ``expected`` and ``seen`` are for people: ``snd.nxt (=6)``, ``1``; sequence numbers are relative to the
    connection's initial ones where the scenario did not write them as plain numbers.
    """

    field: str
    expected: str
    seen: str
    place: Place


# -- what is expected -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One of the things that may be expected.

    ``variant`` names the behaviour that was followed when it is met (recorded), ``verdict`` is the verdict then, when
    it is not simply met: ``pass``, ``warn``, ``fail``, ``inconclusive`` or ``skip``.
    """

    place: Place
    variant: str | None = None
    verdict: str | None = None

    def describe(self, scope: Scope) -> str:
        """What is expected, in words and relative numbers; never raises."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern(Alternative):
    """A packet with certain fields. `wanted` is ``tcp`` or ``icmp``."""

    wanted: str
    tests: tuple[FieldTest, ...]

    def differences(self, packet: object, scope: Scope) -> list[Difference]:
        """What is not as expected in a `tcpprobe.wire.ip.Packet`; [] when it matches.

        Raises ExpressionError when an expression of the pattern cannot be evaluated.
        """
        from tcpprobe.scenario.pattern import differences

        return differences(self, packet, scope)

    def describe(self, scope: Scope) -> str:
        """``flags A, ack snd.nxt (=6)``."""
        from tcpprobe.scenario.pattern import describe

        return describe(self, scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing(Alternative):
    """Nothing arrives for the step's time."""

    def describe(self, scope: Scope) -> str:  # noqa: ARG002
        """``nothing``."""
        return "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone(Alternative):
    """The target has forgotten the connection: it answers a probe with RST."""

    def describe(self, scope: Scope) -> str:  # noqa: ARG002
        """The words for it."""
        return "the connection gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(Alternative):
    """One of the members."""

    members: tuple[Alternative, ...]

    def describe(self, scope: Scope) -> str:
        """``a, or b``."""
        return ", or ".join(_quoted(member, scope) for member in self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf(Alternative):
    """All members, in any order. They are patterns, or any_of's of patterns."""

    members: tuple[Alternative, ...]

    def describe(self, scope: Scope) -> str:
        """``a, and b (in any order)``."""
        return ", and ".join(_quoted(member, scope) for member in self.members) + " (in any order)"


def _quoted(member: Alternative, scope: Scope) -> str:
    text = member.describe(scope)
    return f"[{text}]" if isinstance(member, Pattern | AnyOf | AllOf) else text


# -- steps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a scenario.

    ``source`` is its YAML text as written (dedented), ``on`` the name of the connection it is about, ``why`` the
    reason the author gave, or empty.
    """

    kind: ClassVar[str]
    place: Place
    source: str
    on: str = MAIN
    why: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """A time between two things that we do: seconds, and the round trip on top of them when ``rtt``."""

    seconds: float
    rtt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Step):
    """Send a segment, an ICMP message or raw bytes, `times` times, with a pause between them (None: at once).

    ``from_`` names the connection whose address and port it is sent from when that is not ``on``. ``as_`` names it.
    """

    kind = "send"
    template: Template
    repeat: Value | None = None
    every: Pause | None = None
    as_: str | None = None
    from_: str | None = None

    def times(self, scope: Scope) -> int:
        """How often, at least 1."""
        return 1 if self.repeat is None else self.repeat.count(scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(Step):
    """Expect an alternative, `times` times in a row, within so many seconds each.

    ``within`` is how long to wait for a packet and ``for_`` how long ``nothing`` lasts; None: the default (1.0, 0.5).
    ``eventually`` passes over what does not match. ``verdict`` is the verdict when the step is missed; None: that of
    the scenario's level. ``as_`` names the segment that met it (a list of them when ``repeat`` is not None).
    """

    kind = "expect"
    alternative: Alternative
    within: float | None = None
    for_: float | None = None
    repeat: Value | None = None
    as_: str | None = None
    eventually: bool = False
    verdict: str | None = None

    def times(self, scope: Scope) -> int:
        """How often, at least 1."""
        return 1 if self.repeat is None else self.repeat.count(scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect(Step):
    """Take what comes for so many seconds (None: the default, 0.5); ``as_`` names the list of what matches."""

    kind = "collect"
    alternative: Alternative
    as_: str
    for_: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Step):
    """A condition on what was captured; ``verdict`` as in `Expect`. ``expression.explain(scope)`` says why it is so."""

    kind = "check"
    expression: Expr
    verdict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Step):
    """Let time pass."""

    kind = "wait"
    pause: Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Step):
    """Observations by name, for the target's passport."""

    kind = "record"
    values: Mapping[str, Expr]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAction(Step):
    """Make the target do something: ``send`` (argument: octets), ``close``, and with an agent ``connect``, ``abort``,
    ``stop_reading``, ``start_reading``, ``set`` (argument: mapping of options), ``report`` (argument: what).
    ``as_`` names what the agent reported.
    """

    kind = "target"
    action: str
    argument: Value | Mapping[str, Value] | None = None
    as_: str | None = None

    def argument_value(self, scope: Scope) -> object:
        """The argument, evaluated: an int for ``send``, a dict for ``set``, text for the others, None for none."""
        if isinstance(self.argument, Mapping):
            return {name: value.value(scope) for name, value in self.argument.items()}
        return None if self.argument is None else self.argument.value(scope)


# -- scenarios --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """How a connection stands when the steps begin.

    ``state`` is the TARGET's: ``closed`` (nothing is opened) ``listen`` (we listen, the target connects)
    ``syn-received established close-wait fin-wait-1 fin-wait-2 closing last-ack time-wait``.
    ``options`` None offers the endpoint's usual ones (an MSS), otherwise exactly those. ``reflexes`` are the names of
    the endpoint's reflexes (fields of `tcpprobe.tcp.reflexes.Reflexes`) that are on while the steps are played: none
    unless the scenario says so; ``{"all"}`` is all of them.
    """

    place: Place
    state: str = "closed"
    iss: Value | None = None
    window: Value | None = None
    options: OptionList | None = None
    ecn: bool = False
    reflexes: frozenset[str] = frozenset()

    def offers(self, scope: Scope) -> dict[str, object]:
        """What the scenario says about our end, under the names of `tcpprobe.tcp.config.Config`.

        Some of ``mss mss_option wscale timestamps sack window ecn``; what is not said is not in it.
        """
        offers: dict[str, object] = {} if self.options is None else self.options.offers(scope)
        if self.window is not None:
            offers["window"] = self.window.integer(scope)
        if self.ecn:
            offers["ecn"] = True
        return offers


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One behaviour of a target, as a script.

    Attributes:
        id, title, why: as written; ``title`` may have ``${name}`` in it (see `Case.title`).
        file, place: where it stands.
        covers: ids of the requirements it is about; ``rfc`` ("9293", or "") and ``section`` are of the first of them
            unless written.
        level: ``must``, ``should``, ``may`` or ``info``: the strongest of what it covers unless written.
        needs: capabilities the target or the link must have; the derived ones are in it.
        connections: how each begins, by name; ``main`` when none is named. Those of a group are ``crowd[0]`` …
        groups: the names of the connections of each group. Steps about a group are played on one after the other.
        ignore: what is noise when nothing expects it: names (``retransmissions`` ``window_updates`` ``acks`` ``data``)
            and patterns.
        exclusive: plays alone. hostile: against labs only unless asked. patient: takes minutes, in
            virtual time only unless asked; has the tag ``slow``.
    """

    id: str
    title: str
    file: str
    place: Place
    steps: tuple[Step, ...]
    connections: Mapping[str, Given]
    level: str
    rfc: str = ""
    section: str = ""
    why: str = ""
    covers: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"wire"})
    tags: frozenset[str] = frozenset()
    ignore: tuple[str | Pattern, ...] = ("retransmissions",)
    exclusive: bool = False
    hostile: bool = False
    patient: bool = False
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def given(self) -> Given:
        """How the first connection begins."""
        return next(iter(self.connections.values()))

    @property
    def half_open(self) -> bool:
        """Whether a connection is half open at the target for more than a moment: it is given so, or waits for long."""
        states = {given.state for given in self.connections.values()}
        return "syn-received" in states or ("closed" in states and "slow" in self.tags)

    def turns(self) -> Iterator[tuple[int, str]]:
        """Index of a step and name of the connection it is played on, in order.

        Steps that follow each other and are about the same group make a round: all of them for its first connection,
        then for its second, and so on.
        """
        for on, found in groupby(enumerate(self.steps), key=lambda each: each[1].on):
            indices = [index for index, _step in found]
            for name in self.groups.get(on, (on,)):
                yield from ((index, name) for index in indices)


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario with one row of its matrix: ``id`` is ``christmas-tree-listen[FPU]``, ``values`` the row by name.

    All rows share one compiled `Scenario`; its expressions ask the scope for the values.
    """

    id: str
    scenario: Scenario
    values: Mapping[str, object] = field(default_factory=lambda: NOTHING)

    @property
    def title(self) -> str:
        """The scenario's title, with this row's values for ``${name}``."""
        title = self.scenario.title
        for name, value in self.values.items():
            title = title.replace(f"${{{name}}}", str(value))
        return title
