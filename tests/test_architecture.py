"""The design is enforced, not remembered."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tcpprobe"
PURE = ("wire", "marked", "catalogue", "results", "tcp", "scenario", "play")
MACHINE = {"time", "socket", "asyncio", "threading", "subprocess", "selectors", "signal"}
HEAVY = ("scapy", "pydantic", "jinja2", "pyroute2", "yaml", "asyncio", "xdist")


def imports(path: Path) -> set[str]:
    """The top-level modules that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_rooms_import_downwards_only() -> None:
    """The layers of pyproject.toml hold."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", PURE)
def test_below_the_line_there_is_no_machine(room: str) -> None:
    """Time, sockets and threads are arguments there."""
    for path in (PACKAGE / room).rglob("*.py"):
        assert not imports(path) & MACHINE, path


@pytest.mark.parametrize("room", PURE)
def test_below_the_line_randomness_is_an_argument(room: str) -> None:
    """`random` is imported for the type of an argument only: nothing calls its global functions."""
    for path in (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random":
                assert node.attr == "Random", f"{path}:{node.lineno}"


def test_an_unrelated_pytest_run_loads_nothing_heavy() -> None:
    """The plugin is loaded in every pytest run of the environment: it must cost next to nothing."""
    script = f"import sys, tcpprobe.plugin.hooks; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # xdist and asyncio may be loaded by pytest itself, never by us.
    assert done.stdout.strip() == "[]"


def test_an_unrelated_pytest_run_loads_six_small_modules_of_ours() -> None:
    """What grows here is paid for by everybody who runs pytest."""
    script = "import sys, tcpprobe.plugin.hooks; print(*sorted(name for name in sys.modules if 'tcpprobe.' in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found = [name.removeprefix("tcpprobe.plugin.") for name in done.stdout.split()]
    assert found == ["tcpprobe.plugin", "fixtures", "hooks", "markers", "options", "stash"]


def test_scapy_has_one_door() -> None:
    """scapy repairs what it reads; only `scapy_edge` touches it."""
    doors = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if "scapy" in imports(path)}
    assert doors == {"scapy_edge.py"}


def tracked() -> list[Path]:
    """The repository's text files."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = [name for name in done.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if not name.endswith((".png", ".pcapng"))]


def test_no_file_names_a_path_of_the_machine_it_was_made_on() -> None:
    """What the project needs lives in it."""
    words = ("/" + "work/", "/" + "root/", "/" + "home/", ".." + "/shared")
    for path in tracked():
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [word for word in words if word in text], path
