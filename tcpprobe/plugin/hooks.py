"""The pytest plugin. This module is loaded in every pytest run: it imports nothing that costs time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tcpprobe.plugin import options
from tcpprobe.plugin.fixtures import tcp_connection, tcp_target
from tcpprobe.plugin.markers import register_all

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["tcp_connection", "tcp_target"]

SUFFIX = ".probe.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; when a target is named, read everything about it and say at once what is wrong."""
    register_all(config)
    try:
        targets = options.value(config, "tcp_target")
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if targets:
        from tcpprobe.plugin.conformance import configure

        configure(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Claim ``*.probe.yaml`` and nothing else."""
    if not file_path.name.endswith(SUFFIX):
        return None
    from tcpprobe.plugin.collect import ProbeFile, named

    return named(ProbeFile, parent, path=file_path)
