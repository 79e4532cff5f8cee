"""lab:linux: this machine's own kernel as the target, in a private namespace that dies with this process."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import random
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from tcpprobe.lab.addresses import MTU, POOL_4, POOL_6, POOL_SIZE
from tcpprobe.lab.lab import Lab, LabError, lab_target
from tcpprobe.lab.veth import VethLink
from tcpprobe.link.pool import Pool
from tcpprobe.link.tun import TunLink

START_LIMIT = 30.0
"""Seconds a machine under heavy load may take for what takes a tenth of one."""

# The child starts without the site machinery (-I -S), which would cost more than all it does itself.
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from tcpprobe.lab.{} import main; main(sys.argv[2:])"
_ROOT = str(Path(__file__).parents[2])


class Child:
    """The process in which the target lives."""

    def __init__(self, way: str = "best", module: str = "linux_child") -> None:
        """Start it and wait for its answer.

        Args:
            way: how it is reached: ``tun``, ``veth``, or the ``best`` that this user may have.
            module: the one of this room whose ``main`` it runs.

        Raises:
            LabError: it could not do what it should.
        """
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        by_main_thread = threading.current_thread() is threading.main_thread()
        numbers = (theirs.fileno(), os.getpid(), int(by_main_thread))
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _CHILD.format(module), _ROOT, *map(str, numbers), way],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for the parent, which closes the lab in its own time
                )
            except OSError as error:
                self._control.close()
                raise LabError(f"the lab's process cannot be started: {error.strerror}") from None
        self.pid = self._process.pid
        try:
            self.answer, self.descriptors = self._receive()
        except BaseException:
            self.end()
            raise

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        self._control.settimeout(START_LIMIT)
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, 65536, 4)
        except TimeoutError:
            raise LabError(f"the lab's process did not answer within {START_LIMIT:.0f} s") from None
        if not message:
            raise LabError(f"the lab's process ended at once: {self._last_words()}")
        answer = json.loads(message)
        if "error" in answer:
            raise LabError(f"{answer['error']}; `tcpprobe doctor` says what would help")
        return answer, descriptors

    def descriptor(self, family: int) -> int:
        """The one that leads to its link. Raises LabError when it does not speak this family."""
        (descriptor,) = self.descriptors
        if family not in self.answer["families"]:
            os.close(descriptor)
            raise LabError(f"this kernel speaks no IPv{family}")
        return descriptor

    def _last_words(self) -> str:
        errors: IO[bytes] | None = self._process.stderr
        lines = errors.read().decode(errors="replace").strip().splitlines() if errors else []
        return lines[-1] if lines else f"exit status {self._process.wait()}"

    def end(self) -> None:
        """Tell it to go and see it gone."""
        self._control.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()


def open_linux(family: int, way: str = "best") -> Lab:
    """Open lab:linux for IPv4 or IPv6, reached by ``tun``, ``veth`` or the ``best`` of them.

    Raises:
        LabError: this host allows no private namespaces.
    """
    if sys.platform != "linux":
        raise LabError(f"lab:linux needs Linux, and this is {platform.system()}")
    child = Child(way)
    with contextlib.ExitStack() as failed:
        failed.callback(child.end)
        descriptor = child.descriptor(family)
        rng = random.Random()  # ports only: what earlier runs left behind is not met again
        link_class = TunLink if child.answer["way"] == "tun" else VethLink
        link = link_class(descriptor, Pool(POOL_4, POOL_6, rng=rng, limit=POOL_SIZE), mtu=MTU)
        failed.pop_all()
    return Lab(lab_target("lab:linux", family), link, notes=_notes(child.answer), finish=child.end)


def _notes(answer: dict[str, Any]) -> tuple[str, ...]:
    notes = [f"the target is this machine's Linux {platform.release()} in a private namespace, over {answer['way']}"]
    if answer["why"]:
        notes.append(f"not over a TUN: {answer['why']}")
    if answer["refused"]:
        notes.append(f"settings this kernel does not let a namespace make: {', '.join(answer['refused'])}")
    return tuple(notes)
