"""The child process of lab:slirp: a namespace with the services on its loopback, and slirp4netns in front of them.

Standard library only. `main` is called as that of `tcpprobe.lab.linux_child`, with any way.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tcpprobe.lab import linux_child, namespace
from tcpprobe.lab.addresses import MTU
from tcpprobe.lab.netlink import Netlink
from tcpprobe.lab.services import Services, listen, raise_descriptor_limit
from tcpprobe.lab.talkers import TALKERS

SLIRP = "slirp4netns"
NETWORK_4 = "192.0.2.0/24"
"""Connections to any of its addresses but the third are connections to our loopback."""
LOOPBACKS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
START_LIMIT = 20.0
PLACE = Path("/mnt")
"""A directory that every system has and nothing is started from."""
CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    """Build the lab, hand it over, serve."""
    linux_child.run(arguments, build)


def build(_way: str) -> tuple[Services, int, dict[str, object]]:
    """Make the namespace and the services in it, and connect to slirp4netns.

    Returns:
        the services, the descriptor of a socket for Ethernet frames, and what to tell the parent.
    """
    kind = namespace.enter()
    _enter_private_place()
    refused = namespace.write_sysctls(linux_child.SYSCTLS)
    netlink = Netlink()
    netlink.set_up(1)  # lo
    netlink.close()
    raise_descriptor_limit()
    families = [family for family in LOOPBACKS if family == socket.AF_INET or Path("/proc/sys/net/ipv6").exists()]
    listeners = [
        (listen(family, LOOPBACKS[family], port), make) for family in families for port, make in TALKERS.items()
    ]
    answer: dict[str, object] = {"way": "socket", "namespaces": kind, "why": "", "refused": refused}
    answer["families"] = [4 if family == socket.AF_INET else 6 for family in families]
    process, descriptor = _start()
    services = Services(listeners)
    services.watch(os.pidfd_open(process.pid), services.stop)
    return services, descriptor, answer


def _enter_private_place() -> None:
    """Have a directory of our own for slirp4netns's socket, which is gone when we are.

    Raises:
        NamespaceError: the kernel refuses.
    """
    done = _libc.unshare(CLONE_NEWNS) or _libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    if done or _libc.mount(b"tmpfs", bytes(PLACE), b"tmpfs", 0, b"size=64k"):
        raise namespace.NamespaceError(f"no private mounts for this user ({os.strerror(ctypes.get_errno())})")


def _start() -> tuple[subprocess.Popen[bytes], int]:
    """Start slirp4netns, which ends when we do, and connect to it.

    Raises:
        NamespaceError: it does not start.
    """
    path = str(PLACE / "slirp")
    theirs, ours = os.pipe()  # never written to: it closes with us
    command = [SLIRP, "--target-type=bess", f"--cidr={NETWORK_4}", f"--mtu={MTU}", "--enable-ipv6", "--disable-dns"]
    process = subprocess.Popen(
        [*command, f"--exit-fd={theirs}", path],
        pass_fds=[theirs],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.set_inheritable(ours, False)
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    deadline = time.monotonic() + START_LIMIT
    while True:
        with suppress(OSError):
            end.connect(path)
            return process, end.detach()
        if process.poll() is not None or time.monotonic() > deadline:
            raise namespace.NamespaceError(f"{SLIRP} does not start (exit status {process.poll()})")
        time.sleep(0.001)
