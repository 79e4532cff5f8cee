"""A scope whose numbers are known, and short ways to a compiled part of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tcpprobe.scenario.expression import CAPTURED, Scope, UnknownName
from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.model import Expect, Pattern, Send
from tcpprobe.scenario.template import Template


class Names:
    """A namespace of the given values."""

    def __init__(self, **values: object) -> None:
        self.public_names = frozenset(values)
        self.__dict__.update(values)


class Captured(Names):
    """A captured segment: what is not given is None."""

    def __init__(self, **values: object) -> None:
        super().__init__(**{name: values.get(name) for name in CAPTURED})
        self.secret = 1


class Numbers(Scope):
    """iss 1000, irs 5000, 5 octets sent and acknowledged, 10 received."""

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        snd = Names(una=1006, nxt=1006, wnd=8192, mss=1460, max_wnd=8192)
        rcv = Names(nxt=5011, wnd=65535)
        self.names: dict[str, object] = {
            "snd": snd,
            "rcv": rcv,
            "iss": 1000,
            "irs": 5000,
            "now": 1.5,
            "rtt": 0.125,
            "mtu": 1500,
            "mss": 1460,
            "ts_val": 77,
            "ts_ecr": 88,
            "local_port": 4000,
            "remote_port": 7,
            **(values or {}),
        }

    def lookup(self, name: str) -> object:
        if name not in self.names:
            raise UnknownName(name)
        return self.names[name]


@pytest.fixture
def scope() -> Callable[..., Numbers]:
    """Makes a scope; keyword arguments are further names."""
    return lambda **values: Numbers(values)


@pytest.fixture
def captured() -> Callable[..., Captured]:
    """Makes a captured segment."""
    return Captured


HEAD = "title: t\nscenarios:\n  - id: x\n    title: X\n    level: info\n    given: established\n"


@pytest.fixture
def pattern() -> Callable[..., Pattern]:
    """Compiles the flow mapping of an ``expect``; ``head`` is more of the scenario, indented by four."""

    def make(text: str, head: str = "") -> Pattern:
        step = load_text(f"{HEAD}{head}    steps:\n      - expect: {text}\n", "x")[0].scenario.steps[0]
        assert isinstance(step, Expect)
        assert isinstance(step.alternative, Pattern)
        return step.alternative

    return make


@pytest.fixture
def template() -> Callable[..., Template]:
    """Compiles the flow mapping of a ``send``; ``head`` is more of the scenario, indented by four."""

    def make(text: str, head: str = "") -> Template:
        steps = f"    steps:\n      - send: {text}\n      - expect: nothing\n"
        step = load_text(f"{HEAD}{head}{steps}", "x")[0].scenario.steps[0]
        assert isinstance(step, Send)
        return step.template

    return make
