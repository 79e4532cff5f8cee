"""Fixtures for tests in Python that speak scapy: ``tcp_target`` and ``tcp_connection``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tcpprobe.plugin.stash import BENCH

if TYPE_CHECKING:
    from tcpprobe.plugin.connection import TcpConnection
    from tcpprobe.target.target import Target


@pytest.fixture
def tcp_target(request: pytest.FixtureRequest) -> Target:
    """The target of the run, opened and found to answer; skips when none was named. With several targets a test that
    asks for one runs once with each.
    """
    if BENCH not in request.config.stash:
        pytest.skip("no --tcp-target")
    from tcpprobe.plugin.bench import BenchError

    bench = request.config.stash[BENCH]
    chosen: Target = getattr(request, "param", bench.targets[0])
    try:
        return bench.place(chosen).target
    except BenchError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture
def tcp_connection(request: pytest.FixtureRequest, tcp_target: Target) -> Iterator[TcpConnection]:
    """A connection to the target, not opened yet; what is open at the end of the test is reset."""
    from tcpprobe.plugin.connection import TcpConnection

    connection = TcpConnection(request.config.stash[BENCH].session_of(tcp_target), tcp_target.port)
    yield connection
    connection.close()
