"""Private namespaces, from the inside. Standard library only: it runs in a child process that must start fast."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


class NamespaceError(RuntimeError):
    """The kernel refuses; one plain sentence."""


def enter() -> str:
    """Move this process into a network namespace of its own, and into a user namespace when that is what it takes.

    Returns:
        ``net`` or ``user+net``.

    Raises:
        NamespaceError: neither is allowed here.
    """
    if os.geteuid() == 0 and _unshare(CLONE_NEWNET) == 0:
        return "net"
    uid, gid = os.geteuid(), os.getegid()
    if number := _unshare(CLONE_NEWUSER | CLONE_NEWNET):
        raise NamespaceError(f"no private namespaces for this user ({os.strerror(number)})")
    # user_namespaces(7): an ordinary user may map only itself, and its group only once setgroups is denied.
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    return "user+net"


def enter_another() -> None:
    """Move on into one more network namespace of the same user namespace."""
    if number := _unshare(CLONE_NEWNET):
        raise NamespaceError(f"no second network namespace ({os.strerror(number)})")


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends; exit if that has happened already."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def write_sysctls(values: Mapping[str, str]) -> list[str]:
    """Set kernel parameters of this network namespace.

    Returns:
        those that this kernel does not have, or does not let a namespace set.
    """
    refused = []
    for name, value in values.items():
        path = Path("/proc/sys") / name.replace(".", "/")
        try:
            path.write_text(value)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EINVAL, errno.EROFS):
                raise
            refused.append(name)
    return refused


def _unshare(flags: int) -> int:
    """0, or the error number."""
    return ctypes.get_errno() or errno.EPERM if _libc.unshare(flags) else 0
