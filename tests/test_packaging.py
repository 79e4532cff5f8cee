"""The wheel has all that a run needs: it works from an empty directory, without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built without network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> dict[str, str]:
    """An environment in which what the wheel holds comes before the checkout."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return {**os.environ, "PYTHONPATH": str(folder)}


def tcpprobe(installed, folder, *words) -> subprocess.CompletedProcess[str]:
    """Run it as a user would."""
    command = [sys.executable, "-P", "-m", "tcpprobe", *words]
    return subprocess.run(command, cwd=folder, env=installed, capture_output=True, text=True, check=False)


def test_everything_is_in_it(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("tcpprobe", "specs"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(ROOT).as_posix()
                assert (name if folder == "tcpprobe" else f"tcpprobe/{name}") in names
    assert not [name for name in names if not name.startswith("tcpprobe")]


def test_the_bundled_suite_runs_from_an_empty_directory(installed, tmp_path):
    done = tcpprobe(installed, tmp_path, "run", "lab:memory", "-q", "-k", "christmas or closed")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TCP conformance of lab:memory" in done.stdout
    assert {path.suffix for path in (tmp_path / "reports").iterdir()} >= {".html", ".jsonl"}


def test_the_catalogue_is_found(installed, tmp_path):
    done = tcpprobe(installed, tmp_path, "coverage")
    assert done.returncode == 0, done.stderr
    assert " of 632 requirements" in done.stdout
