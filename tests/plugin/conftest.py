"""A small suite with one scenario of every verdict, and how it is run."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# pytester forgets the modules that a run within this process has imported, and C extensions bear no second import.
import tcpprobe.lab.linux
import tcpprobe.lab.memory
import tcpprobe.plugin.collect
import tcpprobe.plugin.conformance
import tcpprobe.plugin.connection
import tcpprobe.plugin.items
import tcpprobe.report.html
import tcpprobe.report.terminal
import tcpprobe.scenario.validate  # noqa: F401
from tcpprobe.results.jsonl import read
from tcpprobe.results.model import End, Result, Run

SUITE = """\
title: One of every verdict
scenarios:
  - id: holds
    title: Data is acknowledged
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - send: {flags: PA, data: "hello"}
      - expect: {flags: A, ack: snd.nxt}

  - id: broken
    title: Data is acknowledged twice over
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - send: {flags: PA, data: "hello"}
      - expect: {flags: A, ack: snd.nxt + 1}
        within: 1s

  - id: deviates
    title: Data is acknowledged with a FIN
    level: should
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - send: {flags: PA, data: "hello"}
      - expect: {flags: FA, ack: snd.nxt}

  - id: helped
    title: Somebody helps on the other side
    needs: [agent]
    covers: [RFC9293-MUST-40]
    steps:
      - send: {flags: S}
      - expect: {flags: SA}

  - id: vague
    title: The situation is not reached
    covers: [RFC9293-MUST-40]
    steps:
      - send: {flags: S}
      - expect: {flags: R}
        verdict: inconclusive

  - id: rows
    title: Nothing comes of a segment without ACK
    covers: [RFC9293-MUST-40]
    tags: [colour]
    matrix:
      letters: [U, P]
    given: established
    steps:
      - send: {flags: "${letters}"}
      - expect: nothing
"""

LIMIT = 600  # seconds after which a run in a process of its own has failed; none takes as long
QUIET = ("-p", "no:cacheprovider", "-p", "no:randomly")


class Suite:
    """A directory with the small suite in it.

    Attributes:
        path: the directory.
    """

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        (self.path / "suite.probe.yaml").write_text(SUITE)

    def __call__(self, *words: str, target: str | None = "lab:memory", page: bool = False) -> pytest.RunResult:
        """Run pytest within this process; `page` asks for the report too, which takes longer than all the rest."""
        return self.pytester.runpytest_inprocess(*self.words(words, target, page))

    def apart(self, *words: str, target: str | None = "lab:memory", page: bool = False) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess(*self.words(words, target, page), timeout=LIMIT)

    def words(self, words: tuple[str, ...], target: str | None, page: bool) -> tuple[str, ...]:
        """The whole command line; the small suite is what is played when no path is given."""
        if target is None:
            return (*QUIET, *words)
        none = () if page else ("--tcp-report", "none")
        return (*QUIET, "--tcp-target", target, "--tcp-suite", "suite.probe.yaml", *none, *words)

    def results(self, pattern: str = "reports/*.jsonl") -> tuple[Run, dict[str, Result], End | None]:
        """What the one results file holds."""
        (path,) = self.path.glob(pattern)
        run, results, end = read(path)
        found = list(results)
        assert len({result.id for result in found}) == len(found), "a case was written twice"
        return run, {result.id: result for result in found}, end

    def left(self) -> list[str]:
        """The files that a run has left, other than reports."""
        return [path.name for path in self.path.iterdir() if path.name not in ("suite.probe.yaml", "reports")]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in GitHub Actions, even when the tests are: what is said there is said by tests/plugin/test_actions.py."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    """The small suite."""
    return Suite(pytester)


@pytest.fixture
def closed() -> Iterator[str]:
    """The port on which nothing listens, kept from others by a socket that is bound and no more."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def probe(pytester: pytest.Pytester) -> Callable[[str, str | bytes], Path]:
    """Write a file of scenarios."""

    def write(name: str, content: str | bytes) -> Path:
        path = pytester.path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
