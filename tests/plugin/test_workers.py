"""Runs that pytest-xdist spreads over workers."""

from __future__ import annotations

import json

import pytest

from tcpprobe.plugin.workers import Given
from tcpprobe.results.model import Verdict

FILE = "suite.probe.yaml"
ALL = {
    "holds": Verdict.PASS,
    "broken": Verdict.FAIL,
    "deviates": Verdict.WARN,
    "helped": Verdict.SKIP,
    "vague": Verdict.INCONCLUSIVE,
    "rows[U]": Verdict.PASS,
    "rows[P]": Verdict.PASS,
}

#: Tells at the end of each worker which cases it has started, and with which seed.
TELLTALE = """
import json, os, pathlib
from tcpprobe.plugin.bench import Bench

started = []
real = Bench.start

def start(self, target, cases):
    started.extend(case.id for case in cases)
    real(self, target, cases)

Bench.start = start

def pytest_sessionfinish(session):
    from tcpprobe.plugin.stash import BENCH
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        told = {"started": started, "seed": session.config.stash[BENCH].settings.seed}
        pathlib.Path(f"{worker}.json").write_text(json.dumps(told))
"""


def spread(suite, *words, **keywords):
    """Run over two workers, without plugins that take long to load."""
    without = [word for name in ("hypothesispytest", "html", "metadata") for word in ("-p", f"no:{name}")]
    return suite.apart(*without, "-n", "2", *words, **keywords)


@pytest.mark.parametrize("way", ["load", "loadscope"])
def test_each_worker_plays_its_own_and_all_is_written_where_the_run_is_led(suite, probe, way):
    probe("conftest.py", TELLTALE)
    done = spread(suite, "--dist", way, FILE)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    run, results, end = suite.results()
    assert {id_: result.verdict for id_, result in results.items()} == ALL
    assert end.cut_short is False
    done.stdout.fnmatch_lines(["*TCP conformance of lab:memory*", "tcpprobe: results: reports/*.jsonl", "*1 warned*"])
    told = [json.loads(path.read_text()) for path in suite.path.glob("gw*.json")]
    assert [each["seed"] for each in told] == [run.seed] * 2
    started = [case for each in told for case in dict.fromkeys(each["started"])]
    assert sorted(started) == sorted(ALL)


def test_each_worker_runs_everything_when_asked(suite):
    done = spread(suite, "--dist", "each", f"{FILE}::holds")
    assert done.parseoutcomes()["passed"] == 2


def test_what_a_crashed_worker_leaves_is_played_by_another(suite, probe):
    probe("test_crash.py", "import os\n\ndef test_crash():\n    os._exit(1)\n")
    done = spread(suite, "test_crash.py", FILE)
    assert {id_: result.verdict for id_, result in suite.results()[1].items()} == ALL
    done.stdout.fnmatch_lines(["*crashed while running 'test_crash.py::test_crash'*"])


def test_the_first_failure_ends_the_run(suite):
    done = spread(suite, "-x", FILE)
    assert done.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
    assert suite.results()[2].cut_short


def test_an_unreachable_target_is_told_once_and_before_there_are_workers(suite, closed):
    done = spread(suite, target=closed)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in done.stderr.lines if line] == [
        f"ERROR: {closed.replace(':', ' port ')} refuses connections: nothing listens there"
    ]
    assert "gw0" not in done.stdout.str()


def test_items_are_dealt_like_cards():
    items = list("abcde")
    assert Given(0, True, 0, 2).mine(items) == ["a", "c", "e"]
    assert Given(0, True, 1, 2).mine(items) == ["b", "d"]
    assert not Given(0, True, 2, 2).mine(items)  # it replaces a crashed one
