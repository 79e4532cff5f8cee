"""What this machine can do for tcpprobe, what it cannot, and the one command that would help."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tcpprobe.lab import lwip, slirp
from tcpprobe.lab.lab import Lab, LabError, open_lab

OLDEST_PYTHON = (3, 11)
OLDEST_KERNEL = (5, 3)  # pidfd_open(2)
ETH_P_ALL = 3
MEGABYTE = 1_000_000

PACKAGES: Mapping[str, tuple[str, str]] = {
    "scapy": ("2.6", "decoding in reports, tests in Python"),
    "pyroute2": ("0.9", "interface settings"),
    "pydantic": ("2.11", "reading scenarios"),
    "jinja2": ("3.1", "the HTML report"),
    "pyyaml": ("6.0.2", "reading scenarios"),
    "pytest": ("8.3", "running them"),
}
"""The oldest version of each package that will do, and what it is for."""


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: what was looked at.
        state: whether it will do.
        says: what was found, or what does not work without it; one sentence.
        command: the one command that helps, when one does.
    """

    name: str
    state: State
    says: str
    command: str = ""


def checks(interface: str | None = None, directory: Path = Path()) -> list[Check]:
    """Look at everything.

    Args:
        interface: a network interface whose offloads matter, when one is to be tested over.
        directory: where results would be written.
    """
    found = [
        python(),
        kernel(),
        raw_sockets(),
        user_namespaces(),
        tun_device(),
        ipv6(),
        kernel_lab(),
        *(stack_lab(name, command) for name, command in STACKS.items()),
        *(package(name) for name in PACKAGES),
        disk(directory),
    ]
    if interface is not None:
        found.append(offloads(interface))
    return found


def render(found: list[Check]) -> str:
    """The findings as text, one line each, and the command below what needs one."""
    width = max(len(each.name) for each in found)
    lines = []
    for each in found:
        lines.append(f"{each.state:<7}  {each.name:<{width}}  {each.says}")
        if each.command:
            lines.append(f"{'':{width + 9}}  $ {each.command}")
    return "\n".join(lines)


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Whether the interpreter is new enough."""
    text = ".".join(map(str, version))
    if version >= OLDEST_PYTHON:
        return Check("python", State.OK, f"{text} at {sys.executable}")
    return Check("python", State.MISSING, f"{text} is too old; 3.11 is needed", "sudo apt install python3.11")


def kernel(system: str = platform.system(), release: str = platform.release()) -> Check:
    """Whether the system is Linux, and new enough for the lab."""
    if system != "Linux":
        return Check("kernel", State.WARN, f"{system}: only lab:memory works; live targets and lab:linux need Linux")
    numbers = tuple(map(int, re.findall(r"\d+", release)[:2]))
    if numbers < OLDEST_KERNEL:
        return Check("kernel", State.WARN, f"Linux {release}: lab:linux needs 5.3")
    return Check("kernel", State.OK, f"Linux {release}")


def raw_sockets(open_socket: Callable[..., socket.socket] = socket.socket) -> Check:
    """Whether live targets can be reached: raw sockets out, packet sockets in."""
    try:
        open_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP).close()
        open_socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)).close()
    except PermissionError:
        real = Path(sys.executable).resolve()
        return Check(
            "raw sockets",
            State.WARN,
            "not allowed: live targets need them (CAP_NET_RAW), labs do not",
            f"sudo setcap cap_net_raw+ep {real}",
        )
    except (OSError, AttributeError) as error:
        return Check("raw sockets", State.WARN, f"not here ({error}): live targets cannot be tested")
    return Check("raw sockets", State.OK, "allowed: live targets can be tested")


NAMESPACE_SWITCHES = (
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=10000"),
)
"""The settings with which distributions forbid namespaces to ordinary users, the value that does, and the remedy."""


def user_namespaces(settings: Path = Path("/proc/sys"), user: int | None = None) -> Check:
    """Whether lab:linux may make its namespaces as this user."""
    if (os.geteuid() if user is None else user) == 0:
        return Check("namespaces", State.OK, "this is root")
    for name, forbids, command in NAMESPACE_SWITCHES:
        path = settings / name
        if path.exists() and path.read_text().strip() == forbids:
            says = f"{name.replace('/', '.')} is {forbids}: lab:linux may not work as this user"
            return Check("namespaces", State.WARN, says, command)
    return Check("namespaces", State.OK, "allowed for ordinary users")


def tun_device(path: Path = Path("/dev/net/tun")) -> Check:
    """Whether lab:linux can reach its namespace through a TUN."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        return Check("tun", State.WARN, f"{path} does not exist: lab:linux is slower without", "sudo modprobe tun")
    except OSError as error:
        says = f"{path} cannot be opened ({error.strerror}): lab:linux is slower without"
        return Check("tun", State.WARN, says, f"sudo chmod 666 {path}")
    return Check("tun", State.OK, f"{path} can be opened")


def ipv6(open_socket: Callable[..., socket.socket] = socket.socket) -> Check:
    """Whether this host speaks IPv6."""
    try:
        with open_socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        says = f"not here ({error.strerror or error}): IPv6 targets cannot be tested"
        return Check("ipv6", State.WARN, says, "sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0")
    return Check("ipv6", State.OK, "there is ::1")


def kernel_lab(open_one: Callable[[str], Lab] = open_lab) -> Check:
    """Whether lab:linux opens; it is opened, and closed again."""
    began = time.perf_counter()
    try:
        lab = open_one("linux")
    except LabError as error:
        reason = str(error).partition(";")[0]
        return Check("lab:linux", State.WARN, f"{reason}; lab:memory works everywhere")
    took = time.perf_counter() - began
    lab.close()
    return Check("lab:linux", State.OK, f"opens in {took * 1000:.0f} ms")


STACKS: Mapping[str, str] = {"lwip": lwip.INSTALL, "slirp": slirp.INSTALL}
"""The labs whose TCP is a package of the system's, and the command that installs it."""


def stack_lab(name: str, command: str, open_one: Callable[[str], Lab] = open_lab) -> Check:
    """Whether a lab of `STACKS` opens; it is opened, and closed again."""
    try:
        lab = open_one(name)
    except LabError as error:
        reason = str(error).partition(";")[0]
        return Check(f"lab:{name}", State.WARN, reason, command if "needs the package" in reason else "")
    note = lab.notes[0].removeprefix("the target is ")
    lab.close()
    return Check(f"lab:{name}", State.OK, note)


def package(name: str, version_of: Callable[[str], str] = importlib.metadata.version) -> Check:
    """Whether a package is there and new enough."""
    oldest, purpose = PACKAGES[name]
    command = f'{Path(sys.executable).name} -m pip install "{name}>={oldest}"'
    try:
        version = version_of(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, State.MISSING, f"is not installed; needed for {purpose}", command)
    if _numbers(version) < _numbers(oldest):
        return Check(name, State.MISSING, f"{version} is older than {oldest}; needed for {purpose}", command)
    return Check(name, State.OK, version)


def disk(directory: Path, usage: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage) -> Check:
    """Whether results and a report would fit."""
    free = usage(directory)[2]
    says = f"{free / MEGABYTE:,.0f} MB free"
    if free >= 200 * MEGABYTE:
        return Check("disk", State.OK, says)
    state = State.WARN if free >= 20 * MEGABYTE else State.MISSING
    return Check("disk", state, f"{says} here: results and captures may not fit", "df -h .")


MERGING = {"generic-receive-offload": "gro", "large-receive-offload": "lro"}


def offloads(interface: str, flags_of: Callable[[str], Mapping[str, bool | None]] | None = None) -> Check:
    """Whether an interface shows segments as they are on the wire, not merged into larger ones."""
    try:
        flags = (flags_of or _offload_flags)(interface)
    except Exception as error:  # pyroute2 has a dozen of its own
        return Check("offloads", State.WARN, f"{interface}: cannot be read ({error})", "ip -brief link")
    merging = [short for name, short in MERGING.items() if flags.get(name)]
    if not merging:
        return Check("offloads", State.OK, f"{interface} merges no segments")
    command = f"sudo ethtool -K {interface} " + " ".join(f"{short} off" for short in merging)
    says = f"{interface} merges arriving segments ({', '.join(merging)}): what was sent one by one looks like one"
    return Check("offloads", State.WARN, says, command)


def _offload_flags(interface: str) -> Mapping[str, bool | None]:
    from pyroute2.ethtool.ethtool import Ethtool

    socket.if_nametoindex(interface)
    tool = Ethtool()
    try:
        flags: Mapping[str, bool | None] = tool.get_features(interface).offload_flags
    finally:
        tool.close()
    return flags


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0])[:3]))
