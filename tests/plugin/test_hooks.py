"""The plugin in runs that are none of its business, and its being switched off."""

from __future__ import annotations

import pytest


def test_an_unrelated_run_is_left_alone(suite, probe):
    probe("test_x.py", "def test_x():\n    pass\n")
    done = suite("test_x.py", target=None)
    done.assert_outcomes(passed=1)
    assert "tcpprobe: " not in done.stdout.str()
    assert not (suite.path / "reports").exists()


HEAVY = """\
import sys

def test_x():
    assert not {"yaml", "pydantic", "scapy", "jinja2", "pyroute2", "xdist"} & set(sys.modules)
"""


def test_nothing_heavy_is_loaded_even_beside_scenarios(suite, probe, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    probe("test_x.py", HEAVY)
    suite.apart("-p", "tcpprobe.plugin.hooks", "test_x.py", target=None).assert_outcomes(passed=1)


def test_it_can_be_switched_off(suite):
    done = suite("-p", "no:tcpprobe", "--collect-only", target=None)
    assert done.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    done = suite("-p", "no:tcpprobe")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*unrecognized arguments: --tcp-target*"])


@pytest.mark.parametrize(
    "off",
    [("terminal",), ("capture", "logging"), ("cacheprovider", "junitxml", "skipping", "xdist", "html", "metadata")],
)
def test_other_plugins_can_be_switched_off(suite, off):
    done = suite.apart(*(word for name in off for word in ("-p", f"no:{name}")), "-k", "holds")
    assert done.ret == 0, done.stdout.str() + done.stderr.str()
    assert set(suite.results()[1]) == {"holds"}


def test_other_tests_run_beside_scenarios(suite, probe):
    probe("test_x.py", "def test_x():\n    pass\n")
    suite(".", "-k", "holds or test_x").assert_outcomes(passed=2, deselected=6)
