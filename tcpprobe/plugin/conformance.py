"""A conformance run: what is hooked into pytest when a target was named."""

from __future__ import annotations

from typing import Any

import pytest

from tcpprobe.plugin import workers
from tcpprobe.plugin.background import Background, BackgroundOnDemand
from tcpprobe.plugin.bench import Bench, BenchError
from tcpprobe.plugin.options import chosen, value
from tcpprobe.plugin.output import Output
from tcpprobe.plugin.stash import BENCH
from tcpprobe.plugin.summary import Summary
from tcpprobe.plugin.waiting import Waiting, terminal
from tcpprobe.scenario.bundled import path as bundled_path

BUNDLED = "bundled"


def configure(config: pytest.Config) -> None:
    """Read the options and hook a conformance run into pytest.

    The run is led here, or on xdist's controller: then this process is a worker and plays what it is dealt, or it is
    the controller and plays nothing.

    Raises:
        pytest.UsageError: one line, for anything that is wrong with the options.
    """
    given = workers.given(config)
    try:
        config.stash[BENCH] = bench = Bench(config, given.seed if given is not None else None)
        output = Output(config, several=len(bench.targets) > 1)
        _choose_scenarios(config)
    except (BenchError, ValueError) as error:
        raise pytest.UsageError(str(error)) from None
    hooks: list[Any] = []
    if given is not None:
        hooks.append((Background if given.dealt else BackgroundOnDemand)(config, bench, given))
    else:
        hooks.append(Summary(config, bench, output))
        leads = bool(config.getoption("numprocesses", None))
        hooks.append(workers.Leader(config, bench) if leads else Background(config, bench, None))
        out = None if leads or config.getoption("collectonly") else terminal()
        if out is not None:
            hooks.append(Waiting(bench, out))
    for number, each in enumerate(hooks):
        config.pluginmanager.register(each, f"tcpprobe-conformance-{number}")


def _choose_scenarios(config: pytest.Config) -> None:
    """The bundled suite, or the one that the user chose, unless paths are given.

    A target that stands in the ini file is no request for the bundled suite: `pytest` alone runs the project's tests.
    """
    suite = chosen(config, "tcp_suite")
    asked = suite is not None or config.getoption("tcp_target") is not None
    if not asked or config.args_source is pytest.Config.ArgsSource.ARGS:
        return
    base = config.rootpath if config.getoption("tcp_suite") is None else config.invocation_params.dir
    paths = [bundled_path() if path == BUNDLED else base / path for path in value(config, "tcp_suite")]
    config.args[:] = map(str, paths)
