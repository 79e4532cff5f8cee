"""What lab:lwip and lab:slirp do otherwise is what their ledgers say: a quick part of the suite."""

import subprocess
import sys

import pytest

from tcpprobe.scenario.bundled import path as bundled_path

PARTS = ("rfc5961/4.2-syn", "rfc9293/3.7.1-mss", "rfc9293/3.10.7.1-closed", "rfc9293/3.10.7.2-listen")


@pytest.mark.parametrize("name", ["lwip", "slirp"])
def test_a_lab_does_what_its_ledger_says(name, tmp_path):
    command = [sys.executable, "-m", "tcpprobe", "run", f"lab:{name}", f"--tcp-known={name}", "--tcp-width=16"]
    parts = [str(bundled_path() / part) for part in PARTS]
    done = subprocess.run([*command, *parts], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " xfailed" in done.stdout
