"""pytest-xdist: what its controller tells the workers, and how results travel back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tcpprobe.plugin.bench import Bench, BenchError

if TYPE_CHECKING:
    from tcpprobe.results.model import Result, Run

KEY = "tcpprobe"
ATTRIBUTE = "tcpprobe"  # of reports; further attributes are part of what TestReport takes and serializes
STATIC = ("load", "each")  # the ways of dealing in which a worker's items are known from the start


class Given(NamedTuple):
    """What a worker was told.

    Attributes:
        seed: the run's.
        dealt: whether `first` and `step` say which items are this worker's; otherwise they come piece by piece.
    """

    seed: int
    dealt: bool
    first: int
    step: int

    def mine(self, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
        """This worker's items. One that replaces a crashed worker has none of its own: it takes what was left."""
        return items[self.first :: self.step] if self.first < self.step else ()


def given(config: pytest.Config) -> Given | None:
    """What this process was told as a worker; None when it is none."""
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    return Given(*told[KEY]) if told is not None else None


class Leader:
    """The hooks of xdist's controller: it plays nothing, but sees that the targets can be tested."""

    def __init__(self, config: pytest.Config, bench: Bench) -> None:
        self.config = config
        self.bench = bench

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Open every target once. Raises UsageError when one cannot be tested, before there is any worker."""
        if self.config.getoption("collectonly"):
            return
        try:
            for target in self.bench.targets:
                self.bench.place(target)
        except BenchError as error:
            raise pytest.UsageError(str(error)) from None
        finally:
            self.bench.close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker what it needs to know."""
        way = self.config.getoption("dist")
        number, count = int(node.gateway.id.removeprefix("gw")), node.workerinput["workercount"]
        share = (0, 1) if way == "each" else (number, count)
        node.workerinput[KEY] = tuple(Given(self.bench.settings.seed, way in STATIC, *share))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Deal the items so that each worker knows its own from the start and can play them all at once."""
        if config.getoption("dist") != "load":
            return None
        from tcpprobe.plugin.dealing import Dealing

        return Dealing(config, log)


def attach(report: pytest.TestReport, run: Run, result: Result, *, travels: bool) -> None:
    """Give a result to a report; as JSON when it travels to another process."""
    found: tuple[Any, Any] = (run, result)
    if travels:
        from tcpprobe.results.jsonl import dump

        found = (dump(run).decode(), dump(result).decode())
    setattr(report, ATTRIBUTE, found)


def attached(report: pytest.TestReport) -> tuple[Run, Result] | None:
    """The result that a report brings, with what heads it; None when it brings none."""
    found = getattr(report, ATTRIBUTE, None)
    if found is None:
        return None
    run, result = found
    if isinstance(run, str):
        from tcpprobe.results.jsonl import load

        run, result = load(run.encode()), load(result.encode())
    return run, result
