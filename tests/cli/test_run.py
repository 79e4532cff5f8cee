"""``tcpprobe run``: pytest with the bundled suite, from any directory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tcpprobe.cli.main import BROKEN_PIPE
from tcpprobe.results.jsonl import read

LIMIT = 900  # seconds; the whole suite in virtual time takes less than one minute, on a machine of its own


@pytest.fixture
def run(tmp_path):
    """``tcpprobe run`` in a process of its own and an empty directory."""

    def call(*words, cwd=tmp_path):
        command = [sys.executable, "-m", "tcpprobe", "run", *words]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=LIMIT, check=False)

    return call


def test_the_whole_suite_from_an_empty_directory(run, tmp_path):
    done = run("lab:memory", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TCP conformance of lab:memory" in done.stdout
    assert not done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    (lines,) = (tmp_path / "reports").glob("lab-memory-*.jsonl")
    header, results, end = read(lines)
    assert header.target == "lab:memory"
    found = [result.id for result in results]
    assert len(found) == len(set(found)) == sum(end.counts.values())
    assert (tmp_path / "reports/latest.html").read_bytes() == lines.with_suffix(".html").read_bytes()


def test_an_ini_file_about_other_tests_does_not_matter(run, tmp_path, scenario):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    done = run("lab:memory", scenario.name, "-q")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_conftest_about_other_tests_does_not_matter(run, tmp_path, scenario):
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n")
    done = run("lab:memory", scenario.name, "-q")
    assert done.returncode == 0, done.stdout + done.stderr


def test_plugins_that_are_not_loaded_by_themselves_do_not_matter(run, scenario, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    done = run("lab:memory", scenario.name, "-q")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path, scenario):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "tcpprobe", "run", "lab:memory", scenario.name]
    try:
        done = subprocess.run(command, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, timeout=LIMIT, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")


def test_targets_paths_and_options(run, scenario):
    done = run("lab:memory", "lab:memory-ipv6", f"{scenario.name}::hello@lab:memory", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "TCP conformance of lab:memory" in done.stdout


def test_a_folder_of_the_target_s_name_is_no_matter(run, tmp_path, scenario):
    (tmp_path / "lab:memory").mkdir()
    done = run("lab:memory", scenario.name, "-q")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nonesuch",), "'nonesuch' has no port"),
        (("lab:memory", "none.probe.yaml::one"), "tcpprobe run: there is no none.probe.yaml"),
        (("lab:memory", __file__.replace("test_run.py", "../../specs/known/linux.yaml")), "are called *.probe.yaml"),
        (("lab:memory", "--no-such-option"), "unrecognized arguments: --no-such-option"),
    ],
)
def test_what_cannot_be_is_told_in_a_line_with_pytest_s_code(run, tmp_path, words, told):
    done = run(*words)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert told in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())


def test_usage(command):
    done = command("run")
    assert done.code == 2
    assert done.err.startswith("usage: tcpprobe run TARGET")
    assert len(done.err.splitlines()) == 1
    assert command("run", "-q").code == 2
    assert command("run", "lab:memory", "-h").out == command("run", "--help").out
