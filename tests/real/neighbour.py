"""A kernel next door: a network namespace with real programs in it, reached by a TUN device or a veth pair."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PEER = {4: "192.0.2.1", 6: "2001:db8::1"}
OURS = {4: "192.0.2.2", 6: "2001:db8::2"}
PREFIX = {4: 24, 6: 64}
DEVICE = "probe"
CLONE_NEWNET = 0x40000000
OFFLOADS = ("tx", "rx", "tso", "gso", "gro")

_libc = ctypes.CDLL(None, use_errno=True)


class Neighbour:
    """The namespace of the peer, and with ``way="veth"`` one more in which our end of the pair lives.

    A context manager. What was started in it is killed at its end, and the namespaces are gone.
    """

    def __init__(self, way: str) -> None:
        """``way``: ``tun``, ``tap`` or ``veth``."""
        stem = f"tcpprobe-test-{os.getpid()}-{secrets.token_hex(4)}"  # a killed run may have left its own
        self.way = way
        self.peer = f"{stem}-p"
        self.ours = f"{stem}-o" if way == "veth" else self.peer
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Neighbour:
        try:
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make(self) -> None:
        for name in dict.fromkeys((self.peer, self.ours)):
            _run("ip", "netns", "add", name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        if self.way != "veth":
            _run("ip", "-n", self.peer, "tuntap", "add", "dev", DEVICE, "mode", self.way)
            _run("ip", "-n", self.peer, "link", "set", DEVICE, "txqueuelen", "10000")
        else:
            pair = ("type", "veth", "peer", "name", DEVICE, "netns", self.peer)
            _run("ip", "-n", self.ours, "link", "add", DEVICE, *pair)
            for name in (self.ours, self.peer):
                for feature in OFFLOADS:
                    _run("ip", "netns", "exec", name, "ethtool", "-K", DEVICE, feature, "off")
        for family in (4, 6):
            self._address(self.peer, PEER[family], family)
            if self.way == "veth":
                self._address(self.ours, OURS[family], family)
        for name in dict.fromkeys((self.peer, self.ours)):
            _run("ip", "-n", name, "link", "set", DEVICE, "up")
        if self.way == "veth":
            self.wait_until_ready()

    def _address(self, name: str, address: str, family: int) -> None:
        options = ["nodad"] if family == 6 else []
        _run("ip", "-n", name, "address", "add", f"{address}/{PREFIX[family]}", "dev", DEVICE, *options)

    def close(self) -> None:
        """Kill and delete everything. Idempotent."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()
        for name in dict.fromkeys((self.peer, self.ours)):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)

    def start(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """A program next door."""
        process = subprocess.Popen(["ip", "netns", "exec", self.peer, *command], **options)
        self._processes.append(process)
        return process

    def wait_for(self, port: int) -> None:
        """Until something listens on this TCP port there."""
        for _ in range(4000):
            if _run("ip", "netns", "exec", self.peer, "ss", "-Htln", f"sport = :{port}"):
                return
            time.sleep(0.025)
        raise AssertionError(f"nothing listens on port {port} next door")

    def wait_until_read(self, port: int) -> None:
        """Until the programs there have read all that has come to this TCP port, which must have been acknowledged."""
        for _ in range(4000):
            lines = _run("ip", "netns", "exec", self.peer, "ss", "-Htn", f"sport = :{port}").splitlines()
            if all(line.split()[1] == "0" for line in lines):
                return
            time.sleep(0.025)
        raise AssertionError(f"what came to port {port} next door is not read")

    def wait_until_ready(self) -> None:
        """Until the kernel next door sends what it is given: some time after a device is up it still drops that."""
        for _ in range(4000):
            states = [_run("ip", "-n", name, "link", "show", "dev", DEVICE) for name in {self.peer, self.ours}]
            if not any(word in state for state in states for word in ("NO-CARRIER", "qdisc noop", "state DOWN")):
                return
            time.sleep(0.005)
        raise AssertionError(f"{DEVICE} does not come up next door")

    def know(self, address: str) -> None:
        """The peer takes this IPv4 address to be at our end of the pair, where nobody has it."""
        mac = _run("ip", "netns", "exec", self.ours, "cat", f"/sys/class/net/{DEVICE}/address").strip()
        _run("ip", "-n", self.peer, "neighbour", "add", address, "lladdr", mac, "dev", DEVICE)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """This thread lives in the namespace of our end; descriptors opened there stay good."""
        with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", self.ours).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def counters(self) -> dict[str, int]:
        """What the peer's kernel has counted (``nstat``)."""
        lines = _run("ip", "netns", "exec", self.peer, "nstat", "-asz").splitlines()
        return {line.split()[0]: int(line.split()[1]) for line in lines if not line.startswith("#")}


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
