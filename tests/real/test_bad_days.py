"""The commands when something goes wrong around them: one line, the exit code, what came is kept, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from neighbour import DEVICE, OURS, PEER, Neighbour

#: A web server that sends a little now and then, and a sink; each tells when it has data.
DRIP = """\
import socket, time
connection, _ = socket.create_server(("", 80)).accept()
connection.recv(1000)
connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000000\\r\\n\\r\\n")
while True:
    connection.sendall(b"x" * 10000)
    time.sleep(0.05)
"""
HUGE = 10 << 30
LIMIT = 120  # seconds after which a test has failed; nothing here takes as long
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.fixture
def neighbour() -> Iterator[Neighbour]:
    with Neighbour("veth") as made:
        yield made


def begin(neighbour: Neighbour, *words: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """The command, in the namespace of our end."""
    command = ["ip", "netns", "exec", neighbour.ours, *before, sys.executable, "-m", "tcpprobe", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def fetching(neighbour: Neighbour, path: Path, *options: str) -> subprocess.Popen[str]:
    """A fetch of which something has arrived."""
    neighbour.start(sys.executable, "-c", DRIP, stderr=subprocess.DEVNULL)
    neighbour.wait_for(80)
    process = begin(neighbour, "fetch", f"http://{PEER[4]}/", "-o", str(path), "--timeout", "30", *options)
    await_sockets(neighbour, process)
    while not path.exists():
        assert process.poll() is None, process.communicate()
    return process


def await_sockets(neighbour: Neighbour, process: subprocess.Popen[str]) -> None:
    """Until the peer has a connection."""
    while "ESTAB" not in inside(neighbour.peer, "ss", "-Htan"):
        assert process.poll() is None, process.communicate()


def inside(name: str, *command: str) -> str:
    return subprocess.run(["ip", "netns", "exec", name, *command], check=True, capture_output=True, text=True).stdout


def last(stream: IO[str] | None) -> str:
    """The one line about what is wrong."""
    assert stream is not None
    (line,) = [line for line in stream.read().splitlines() if not line.startswith("sent ")]
    return line


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("link", "set", DEVICE, "down"), f"interface {DEVICE} cannot be used any more: Network is down"),
        (("link", "delete", DEVICE), f"interface {DEVICE} has vanished"),
    ],
    ids=["down", "gone"],
)
def test_an_interface_that_goes_in_the_middle(
    neighbour: Neighbour, tmp_path: Path, change: tuple[str, ...], says: str
) -> None:
    path = tmp_path / "f"
    process = fetching(neighbour, path)
    subprocess.run(["ip", "-n", neighbour.ours, *change], check=True)
    assert process.wait(LIMIT) == 2
    assert last(process.stderr).startswith(f"tcpprobe: error: {says}; partial output kept in {path} (")
    assert path.stat().st_size


def test_a_tun_device_that_goes_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with Neighbour("tun") as neighbour:
        process = fetching(neighbour, path, "--link", "tun", "--interface", DEVICE, "--source-ip", OURS[4])
        subprocess.run(["ip", "-n", neighbour.ours, "link", "delete", DEVICE], check=True)
        assert process.wait(LIMIT) == 2
    said = last(process.stderr)
    assert said.startswith(f"tcpprobe: error: the TUN device has vanished; partial output kept in {path} ("), said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind(neighbour: Neighbour, tmp_path: Path, how: signal.Signals) -> None:
    """Neither a socket nor an interface, a route or an address; what came is kept."""
    path = tmp_path / "f"
    looks = ("ip -4 address", "ls /sys/class/net", "ip route", "ip rule", "ss -Hanw", "ss -Hatn")
    before = [inside(neighbour.ours, *look.split()) for look in looks]
    process = fetching(neighbour, path)
    process.send_signal(how)
    assert process.wait(LIMIT) == {signal.SIGINT: 130, signal.SIGKILL: -signal.SIGKILL}[how]
    assert [inside(neighbour.ours, *look.split()) for look in looks] == before
    if how is signal.SIGINT:
        assert last(process.stderr).startswith(f"tcpprobe: error: interrupted; partial output kept in {path} (")


def test_a_huge_file_begins_at_once_and_needs_little_memory(neighbour: Neighbour, tmp_path: Path) -> None:
    """10 GB of nothing: what has left says nothing about what is in memory."""
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(HUGE)
    with open(os.devnull, "wb") as sink:  # noqa: PTH123
        neighbour.start("nc", "-l", "9", stdout=sink)
        neighbour.wait_for(9)
        process = begin(neighbour, "upload", str(path), f"{PEER[4]}:9")
        await_sockets(neighbour, process)
        while received(neighbour) < 30_000_000:
            assert process.poll() is None, process.communicate()
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT) == 130
    (peak,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")]
    assert peak < 80_000  # kB; 30 MB have gone
    assert "of 10.7 GB was acknowledged" in last(process.stderr)


def received(neighbour: Neighbour) -> int:
    """Bytes that have come to the peer's device."""
    return int(inside(neighbour.peer, "cat", f"/sys/class/net/{DEVICE}/statistics/rx_bytes"))


@pytest.mark.parametrize("link", ["raw", "packet"])
@pytest.mark.parametrize("command", ["fetch", "upload", "send", "listen"])
def test_without_privileges(neighbour: Neighbour, command: str, link: str) -> None:
    """As nobody: what is missing, and what helps."""
    words = {
        "fetch": ["fetch", f"http://{PEER[4]}/"],
        "upload": ["upload", os.devnull, f"{PEER[4]}:9"],
        "send": ["send", f"{PEER[4]}:80", "S"],
        "listen": ["listen", "--port", "9000"],
    }[command]
    source = OURS[4] if link == "raw" else "192.0.2.9"
    options = ["--link", link, "--interface", DEVICE, "--source-ip", source]
    process = begin(neighbour, *words, *options, before=NOBODY)
    assert process.wait(LIMIT) == 2
    line = last(process.stderr)
    if (command, link) == ("listen", "packet"):
        assert "cannot listen" in line
    else:
        assert line.endswith("CAP_NET_RAW: run as root, or use a TUN device of yours (link tun)")
