"""The wheel has all that a run needs: it works from an empty directory, without the checkout."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tcpprobe.catalogue.load import requirements

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def sources() -> list[Path]:
    """The files of which the wheel is made: those of before, whatever is added while the tests run."""
    found = [path for folder in ("tcpprobe", "specs") for path in (ROOT / folder).rglob("*")]
    return [path.relative_to(ROOT) for path in found if path.is_file() and "__pycache__" not in path.parts]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, sources) -> Path:  # noqa: ARG001
    """The wheel, built without network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The programs of a fresh environment with the wheel in it; what that depends on is borrowed from here."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    programs = folder / "bin"
    install = ["--python", str(programs / "python"), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run([sys.executable, "-m", "pip", *install], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (site,) = folder.glob("lib/python*/site-packages")
    # A folder that a .pth file names has its own .pth files left alone: the checkout stays out of sight.
    (site / "borrowed.pth").write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    return programs


def run(folder, *words) -> subprocess.CompletedProcess[str]:
    """Run it as a user would."""
    return subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True, check=False)


def test_everything_is_in_it(wheel, sources):
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in sources:
        assert (path.as_posix() if path.parts[0] == "tcpprobe" else f"tcpprobe/{path.as_posix()}") in names
    assert not [name for name in names if not name.startswith("tcpprobe")]


def test_it_is_typed_and_has_its_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "tcpprobe/py.typed" in names
    for kind in ("specs/*.probe.yaml", "catalogue/data/*", "report/templates/*.jinja2", "report/static/*"):
        assert fnmatch.filter(names, f"tcpprobe/{kind}"), kind


def test_the_bundled_suite_runs_from_an_empty_directory(installed, tmp_path):
    done = run(tmp_path, installed / "tcpprobe", "run", "lab:memory", "-q", "-m", "rfc9293 and must")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TCP conformance of lab:memory" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    assert {path.suffix for path in (tmp_path / "reports").iterdir()} == {".html", ".jsonl"}


def test_so_does_it_as_a_plugin(installed, tmp_path):
    words = ("-q", "-p", "no:cacheprovider", "-k", "christmas", "--tcp-target", "lab:linux")
    done = run(tmp_path, installed / "python", "-m", "pytest", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TCP conformance of lab:linux" in done.stdout


def test_it_is_not_the_checkout(installed, tmp_path):
    done = run(tmp_path, installed / "python", "-c", "import tcpprobe; print(tcpprobe.__file__)")
    assert done.stdout.startswith(str(installed.parent))


def test_the_catalogue_is_found(installed, tmp_path):
    done = run(tmp_path, installed / "tcpprobe", "coverage")
    assert done.returncode == 0, done.stderr
    assert f" of {len(requirements())} requirements" in done.stdout
