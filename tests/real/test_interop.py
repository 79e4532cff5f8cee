"""Our TCP against programs that people use: everything arrives, and the other side has nothing to complain of."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import interop
import pytest
from neighbour import DEVICE, OURS, PEER, Neighbour

import tcpprobe
from tcpprobe.stream.capture import Capture

SIZE = 2_000_000
SHORTEST_RTO = 0.2  # seconds, of the kernel next door: so long we must not be silent
PLAYS = 5
FAULTS = ("TcpExtTCPTimeouts", "TcpOutRsts", "TcpInErrs", "TcpInCsumErrors", "TcpExtTCPAbortOnTimeout")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with the file to send."""
    place = tmp_path_factory.mktemp("interop")
    interop.prepared(place, SIZE)
    return place


def kept_waiting() -> float:
    """Seconds that this thread has stood in line for a processor, and those that a host took from this machine."""
    waited = int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    stolen = int(Path("/proc/stat").read_text().split()[8]) / os.sysconf("SC_CLK_TCK")
    return waited + stolen


@pytest.mark.parametrize("transfer", interop.TRANSFERS)
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("way", interop.LINKS)
def test_a_file_arrives_and_nobody_had_to_wait(way: str, family: int, transfer: str, folder: Path) -> None:
    """A fault is ours unless we were kept waiting ourselves: then it is played again."""
    for _ in range(PLAYS):
        before = kept_waiting()
        same, _, counters = interop.play(transfer, way, family, "clean", folder, SIZE)
        assert same
        faults = {name: counters[name] for name in FAULTS if counters[name]}
        if not faults or kept_waiting() - before < SHORTEST_RTO:
            break
    assert faults == {}


@pytest.mark.parametrize("transfer", ["us → kernel cubic", "nginx → us", "curl → us", "us → curl"])
def test_wireshark_has_no_error_and_no_warning(transfer: str, folder: Path, tmp_path: Path) -> None:
    """Of our packets, checksums verified. What it only remarks upon (a window update, say) is no fault.

    Nor is it that the peer's window is full: its program came late to read.
    """
    capture = tmp_path / "c.pcapng"
    with contextlib.closing(Capture(capture)) as taking:
        same, _, _ = interop.play(transfer, "tun", 4, "clean", folder, SIZE, taking.tap)
    assert same
    ours = f"ip.src=={OURS[4]} and not tcp.analysis.window_full"
    checks = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    command = ["tshark", "-r", str(capture), "-q", "-z", f"expert,warn,{ours}", *checks]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Errors" not in said, said
    assert "Warns" not in said, said


@pytest.mark.parametrize("transfer", ["kernel cubic → us", "us → kernel cubic", "us → curl", "curl → us"])
def test_a_file_arrives_over_a_bad_link(transfer: str, tmp_path: Path) -> None:
    """Of the packets each way 5 % are lost, as many come twice and as many are overtaken."""
    size = 200_000
    interop.prepared(tmp_path, size)
    same, _, _ = interop.play(transfer, "veth", 4, "5 %", tmp_path, size)
    assert same


@pytest.mark.parametrize(("family", "nobody"), [(4, "192.0.2.9"), (6, "2001:db8::9")])
def test_a_file_arrives_at_an_address_that_nobody_has(family: int, nobody: str, folder: Path) -> None:
    """Over the packet link: the kernel beside us knows nothing of it."""
    with Neighbour("veth") as neighbour, (folder / "file").open("rb") as file:
        neighbour.start("nc", f"-{family}", "-N", "-l", "5001", stdin=file)
        neighbour.wait_for(5001)
        with neighbour.inside():
            stream = tcpprobe.connect(PEER[family], 5001, link="packet", interface=DEVICE, source_ip=nobody)
            with stream:
                assert stream.receive_all() == (folder / "file").read_bytes()
        assert neighbour.counters()["TcpOutRsts"] == 0
