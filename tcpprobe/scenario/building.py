"""Nodes of a file to scenarios and their cases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from tcpprobe.catalogue.load import requirements
from tcpprobe.catalogue.model import Requirement
from tcpprobe.marked.node import Kind, Node
from tcpprobe.marked.problem import Problem, did_you_mean
from tcpprobe.scenario.desk import BUILT_IN, Desk
from tcpprobe.scenario.expecting import read_pattern
from tcpprobe.scenario.matrix import Matrix, read_matrix
from tcpprobe.scenario.model import MAIN, Case, Given, Pattern, Scenario, Step
from tcpprobe.scenario.optionlist import read_offer
from tcpprobe.scenario.stepping import judges, needs_of, read_step
from tcpprobe.scenario.words import MOST_CONNECTIONS, REFLEXES, STATE_NEEDS, STATES

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z", re.ASCII)
_TAG = re.compile(r"[a-z][a-z0-9_-]*\Z", re.ASCII)
_CONNECTION = re.compile(r"[a-z][a-z0-9_]*\Z", re.ASCII)
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_LONGEST_ID = 80
_LEVELS = {"MUST": "must", "MUST NOT": "must", "SHOULD": "should", "SHOULD NOT": "should", "MAY": "may"}
_STRENGTH = ("must", "should", "may", "info")


def build_file(root: Node, right: Sequence[int]) -> tuple[list[Case], list[Problem]]:
    """The cases of those scenarios of a file whose shape is right, and what is wrong with them."""
    problems: list[Problem] = []
    cases: list[Case] = []
    seen: dict[str, Node] = {}
    if not right:
        return cases, problems
    for tag in _elements(root, "tags"):
        _check_tag(tag, problems)
    nodes = root.value["scenarios"].elements()
    for node in [nodes[index] for index in right]:
        at = node.value["id"]
        if at.value in seen:
            problems.append(at.problem(f"the id {at.value!r} is there twice (first in line {seen[at.value].line})"))
        seen.setdefault(at.value, at)
        builder = _Builder(root, node)
        cases += builder.build()
        problems += builder.problems
    return cases, problems


def _elements(node: Node, key: str) -> Iterable[Node]:
    found = node.get(key)
    return () if found is None else found.elements()


def _check_tag(node: Node, problems: list[Problem]) -> None:
    if not _TAG.match(str(node.value)):
        problems.append(node.problem(f"{node.value!r} is no tag", "lower-case letters, digits, - and _"))


class _Builder:
    """One scenario."""

    def __init__(self, root: Node, node: Node) -> None:
        self.root = root
        self.node = node
        self.problems: list[Problem] = []
        names = self._connection_nodes()
        taken = BUILT_IN | frozenset(names)
        self.matrix: Matrix = read_matrix(node.get("matrix"), taken, self.problems)
        self.groups = {name: members for name, each in names.items() if (members := self._members(name, each))}
        self.desk = Desk(self.matrix, names, self.groups)
        self.default = next(iter(names))
        self.connections = {
            member: given
            for name, each in names.items()
            for given in [self._given(each)]
            for member in self.groups.get(name, (name,))
        }

    def build(self) -> list[Case]:
        """Its cases."""
        node, desk = self.node, self.desk
        self._check_id()
        steps = self._steps()
        scenario = Scenario(
            id=node.value["id"].value,
            title=node.value["title"].value,
            file=node.document.file,
            place=node.place,
            steps=steps,
            connections=MappingProxyType(self.connections),
            groups=MappingProxyType(self.groups),
            why=self._text("why"),
            covers=tuple(str(each.value) for each in _elements(node, "covers")),
            level=self._level(),
            needs=self._needs(steps),
            tags=self._tags(),
            ignore=self._ignore(),
            exclusive=self._flag("exclusive"),
            hostile=self._flag("hostile"),
            patient=self._flag("patient"),
            **self._where(),
        )
        self._check_matrix()
        self.problems += desk.problems
        name = scenario.id
        if not self.matrix.columns:
            return [Case(name, scenario)]
        return [Case(f"{name}[{label}]", scenario, MappingProxyType(row)) for label, row in self.matrix.values()]

    # -- head ---------------------------------------------------------------------------------------------------

    def _check_id(self) -> None:
        at = self.node.value["id"]
        if not _ID.match(at.value) or len(at.value) > _LONGEST_ID:
            hint = f"lower-case words joined by '-', at most {_LONGEST_ID} characters, as in rst-in-window"
            self.problems.append(at.problem(f"{at.value[:90]!r} is no id", hint))

    def _text(self, key: str) -> str:
        found = self.node.get(key)
        return "" if found is None or found.value is None else str(found.value)

    def _flag(self, key: str) -> bool:
        found = self.node.get(key)
        return found is not None and found.value is True

    def _covered(self) -> list[Requirement]:
        known = requirements()
        found = []
        seen: set[str] = set()
        for each in _elements(self.node, "covers"):
            requirement = known.get(each.value)
            if requirement is None:
                self.problems.append(each.problem(f"unknown requirement {each.value!r}", _nearest(each.value, known)))
            elif each.value in seen:
                self.problems.append(each.problem(f"{each.value} is there twice"))
            else:
                found.append(requirement)
            seen.add(each.value)
        return found

    def _level(self) -> str:
        covered = self._covered()
        written = self._text("level")
        if written:
            return written
        if not list(_elements(self.node, "covers")):
            at = self.node.keys.get("covers", self.node)
            hint = "covers: [RFC9293-MUST-2], or level: info"
            self.problems.append(at.problem("the scenario covers no requirement and has no level", hint))
        return min((_LEVELS[each.level] for each in covered), key=_STRENGTH.index, default="info")

    def _where(self) -> dict[str, str]:
        """The RFC and section: as written here or for the file, or those of the first covered requirement."""
        first = next(iter(_elements(self.node, "covers")), None)
        requirement = None if first is None else requirements().get(first.value)
        rfc, section = self._written("rfc"), self._written("section")
        if requirement is not None and not rfc:
            rfc = requirement.rfc
        if requirement is not None and not section and requirement.rfc == rfc:
            section = requirement.section
        return {"rfc": rfc, "section": section}

    def _written(self, key: str) -> str:
        """A number as it is written (section 3.10 is not 3.1), here or for the file."""
        node = self.node.get(key) or self.root.get(key)
        if node is None:
            return ""
        return str(node.value) if node.kind is Kind.TEXT else node.source

    def _tags(self) -> frozenset[str]:
        for each in _elements(self.node, "tags"):
            _check_tag(each, self.problems)
        written = {str(each.value) for node in (self.root, self.node) for each in _elements(node, "tags")}
        return frozenset(written | {"slow"} if self._flag("patient") else written)

    def _needs(self, steps: Iterable[Step]) -> frozenset[str]:
        needs = {str(each.value) for node in (self.root, self.node) for each in _elements(node, "needs")}
        for given in self.connections.values():
            needs |= {STATE_NEEDS[given.state]} if given.state in STATE_NEEDS else set()
        for step in steps:
            needs |= needs_of(step)
        return frozenset(needs or {"wire"})

    def _ignore(self) -> tuple[str | Pattern, ...]:
        """Retransmissions, and what is listed; nothing when that is what is said."""
        node = self.node.get("ignore")
        if node is not None and node.value == "none":
            return ()
        listed = () if node is None else node.elements()
        more = [read_pattern(self.desk, each) if each.kind is Kind.MAP else str(each.value) for each in listed]
        return tuple(dict.fromkeys(["retransmissions", *more]))

    # -- connections --------------------------------------------------------------------------------------------

    def _connection_nodes(self) -> Mapping[str, Node | None]:
        """The names of the connections, and what is given for each."""
        given, named = self.node.get("given"), self.node.get("connections")
        if named is None:
            return {MAIN: given}
        if named.kind is Kind.MAP:
            if given is not None:
                hint = "say it for each connection"
                self.problems.append(self.node.keys["given"].problem("'given' does not go with this mapping", hint))
            pairs = {name: (named.keys[name], each) for name, each in named.items()}
        else:
            pairs = {}
            for each in named.elements():
                if each.value in pairs:
                    self.problems.append(each.problem(f"connection {each.value!r} is there twice"))
                pairs[str(each.value)] = (each, given)  # type: ignore[assignment]
        for name, (at, _given) in pairs.items():
            if not _CONNECTION.match(name):
                self.problems.append(at.problem(f"{name!r} is no name", "lower-case letters, digits and _"))
            elif name in BUILT_IN:
                self.problems.append(at.problem(f"the name {name!r} is taken", "choose another name"))
        if not pairs:
            self.problems.append(named.problem("there is no connection in it"))
        return {name: each for name, (_at, each) in pairs.items()} or {MAIN: given}

    def _members(self, name: str, node: Node | None) -> tuple[str, ...]:
        """The names of the connections of a group, none when it is a single connection."""
        count = node.get("count") if node is not None and node.kind is Kind.MAP else None
        if count is None:
            return ()
        number = count.value
        if self.node.get("connections") is None:
            hint = f"connections: {{crowd: {{count: {number}}}}}"
            self.problems.append(count.problem("'count' goes with a name under 'connections'", hint))
        elif not isinstance(number, int) or not 2 <= number <= MOST_CONNECTIONS:
            self.problems.append(count.problem(f"count {number} is not in 2 .. {MOST_CONNECTIONS}"))
        else:
            return tuple(f"{name}[{index}]" for index in range(number))
        return ()

    def _given(self, node: Node | None) -> Given:
        if node is None or node.kind is Kind.NULL:
            return Given(place=self.node.place)
        if node.kind is not Kind.MAP:
            if node.value not in STATES:  # under `connections`, whose shape is not checked so deep
                self.problems.append(node.problem(f"state {node.value!r} is not known", _hint(node.value, STATES)))
                return Given(place=node.place)
            return Given(place=node.place, state=node.value)
        desk, state, options = self.desk, node.get("state"), node.get("options")
        iss, window, ecn = node.get("iss"), node.get("window"), node.get("ecn")
        return Given(
            place=node.place,
            state="closed" if state is None else str(state.value),
            iss=None if iss is None else desk.value(iss, "iss"),
            window=None if window is None else desk.value(window, "window", 0, 1 << 30),
            options=None if options is None else read_offer(desk, options),
            ecn=ecn is not None and ecn.value is True,
            reflexes=self._reflexes(node.get("reflexes")),
        )

    def _reflexes(self, node: Node | None) -> frozenset[str]:
        if node is None:
            return frozenset()
        each = node.elements() if node.kind is Kind.LIST else (node,)
        for one in each:
            if one.value not in (*REFLEXES, "none"):
                hint = _hint(one.value, REFLEXES)
                self.problems.append(one.problem(f"our endpoint has no reflex {one.value!r}", hint))
        return frozenset(str(one.value) for one in each) - {"none"}

    # -- steps --------------------------------------------------------------------------------------------------

    def _steps(self) -> tuple[Step, ...]:
        nodes = self.node.value["steps"].elements()
        for node in nodes:
            for holder in (node, node.get("send")):
                found = None if holder is None else holder.get("as")
                if found is not None:
                    self.desk.later.setdefault(str(found.value), node.line)
        steps = tuple(read_step(self.desk, node, self.default) for node in nodes)
        if not any(judges(step) for step in steps):
            hint = "add an expect, a check or a record"
            self.problems.append(self.node.keys["steps"].problem("no step finds anything out", hint))
        return steps

    def _check_matrix(self) -> None:
        title = self.node.value["title"]
        for match in _REFERENCE.finditer(title.value):
            if match[1] not in self.matrix.columns:
                hint = _hint(match[1], self.matrix.columns)
                self.problems.append(title.problem(f"the matrix has no {match[1]!r}", hint, offset=match.start()))
        told = {match[1] for match in _REFERENCE.finditer(title.value)}
        for name, at in self.matrix.columns.items():
            if name not in self.matrix.used and name not in told:
                hint = f'as in flags: "${{{name}}}", or as a name in an expression'
                self.problems.append(at.problem(f"nothing uses {name!r}", hint))


def _hint(value: object, known: Iterable[str]) -> str:
    return did_you_mean(str(value), known)


def _nearest(value: object, known: Mapping[str, Requirement]) -> str:
    text = str(value)
    hint = did_you_mean(text, known)
    if hint:
        return hint
    return "ids are those of the catalogue, as in RFC9293-MUST-2"
