"""lab:lwip: lwIP's TCP as the target, in a process of its own that reaches nothing but this one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tcpprobe.lab.addresses import POOL_4, POOL_6, POOL_SIZE, TARGET_4, TARGET_6
from tcpprobe.lab.lab import Lab, LabError, lab_target
from tcpprobe.lab.message import MessageLink, enlarge
from tcpprobe.link.pool import Pool

SOURCES = tuple(Path(__file__).with_name(name) for name in ("lwip.c", "lwip_talkers.c"))
HEADERS = Path("/usr/include/lwip")
COMPILER = "gcc"
OPTIONS = ("-std=gnu11", "-O2", "-I", str(HEADERS))
START_LIMIT = 30.0
"""Seconds a machine under heavy load may take for what takes a hundredth of one."""

INSTALL = "sudo apt install liblwip-dev gcc libc6-dev"


def missing(headers: Path = HEADERS, compiler: str = COMPILER) -> str:
    """What lab:lwip lacks on this host, as the name of a package; empty when it has all."""
    if not (headers / "lwip" / "init.h").exists():
        return "liblwip-dev"
    return "" if shutil.which(compiler) else "gcc"


def open_lwip(family: int) -> Lab:
    """Open lab:lwip for IPv4 or IPv6.

    Raises:
        LabError: a package is missing, or lwIP does not start.
    """
    if sys.platform != "linux":
        raise LabError(f"lab:lwip needs Linux, and this is {platform.system()}")
    if package := missing():
        raise LabError(f"lab:lwip needs the package {package}; `{INSTALL}` helps")
    with tempfile.TemporaryDirectory(prefix="tcpprobe-") as private:
        process = _Process(_built(_cache(), Path(private)))
    rng = random.Random()  # ports only
    link = MessageLink(process.descriptor, Pool(POOL_4, POOL_6, rng=rng, limit=POOL_SIZE))
    target = lab_target("lab:lwip", family)
    return Lab(target, link, notes=(f"the target is {process.version} in a process of its own",), finish=process.end)


class _Process:
    """lwIP, started and ready.

    Attributes:
        descriptor: our end of the socket to it, which whoever takes it closes.
        version: what it calls itself.
    """

    def __init__(self, program: Path) -> None:
        """Raises LabError: it does not start."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        by_main_thread = threading.current_thread() is threading.main_thread()
        numbers = (theirs.fileno(), os.getpid(), int(by_main_thread))
        with ours, theirs:
            for end in (ours, theirs):
                enlarge(end)
            try:
                self._process = subprocess.Popen(
                    [program, *map(str, numbers), TARGET_4, TARGET_6],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for the parent, which closes the lab in its own time
                )
            except OSError as error:
                raise LabError(f"lwIP cannot be started: {error.strerror}") from None
            try:
                self.version = self._first_words()
            except BaseException:
                self._process.kill()
                self._process.wait()
                raise
            finally:
                for stream in (self._process.stdout, self._process.stderr):
                    if stream:
                        stream.close()
            self.descriptor = ours.detach()

    def _first_words(self) -> str:
        out, errors = self._process.stdout, self._process.stderr
        assert out is not None
        assert errors is not None
        if not select.select([out], [], [], START_LIMIT)[0]:
            raise LabError(f"lwIP did not start within {START_LIMIT:.0f} s")
        line = out.readline()
        if not line:
            lines = errors.read().decode(errors="replace").split("\n")
            raise LabError(f"lwIP ended at once: {lines[0] or f'exit status {self._process.wait()}'}")
        return line.decode().strip()

    def end(self) -> None:
        """See it gone, which it is when our end of the socket is closed."""
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _cache() -> Path | None:
    """Where compiled programs are kept, by the XDG base directory specification; None when that cannot be."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        directory = (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "tcpprobe"
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return directory if os.access(directory, os.W_OK) else None


def _built(cache: Path | None, private: Path) -> Path:
    """The program, compiled if it is not in the cache: into there, or into a private directory without one.

    Raises:
        LabError: it does not compile.
    """
    content = b"".join(path.read_bytes() for path in (*SOURCES, HEADERS / "lwip/init.h", HEADERS / "lwipopts.h"))
    key = hashlib.sha256(content + repr(OPTIONS).encode()).hexdigest()[:16]
    kept = cache / f"lwip-{key}" if cache else None
    if kept and kept.exists():
        return kept
    program = private / "lwip"
    done = subprocess.run(
        [COMPILER, *OPTIONS, "-o", program, *SOURCES, "-llwip"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise LabError(f"lab:lwip does not compile: {errors[0] if errors else COMPILER}")
    if kept:
        with contextlib.suppress(OSError):
            beside = kept.with_name(f"{kept.name}-{os.getpid()}")
            shutil.copy2(program, beside)
            return beside.replace(kept)  # others may be doing the same
    return program
