"""Packets that a full device would not take at once."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable

from tcpprobe.link.base import LinkError

LIMIT = 4096
"""Packets that may wait; a device that takes none of so many is broken."""

_FULL = frozenset((errno.EAGAIN, errno.ENOBUFS, errno.EINTR))


class Outbox:
    """Sends in order, keeping what does not go. ``write(packet, destination)`` raises OSError as sockets do."""

    def __init__(self, write: Callable[[bytes, bytes], object]) -> None:
        self._write = write
        self._waiting: deque[tuple[bytes, bytes]] = deque()

    def send(self, packet: bytes, destination: bytes) -> None:
        """Send or keep. Raises OSError for what can never be sent, LinkError when too much waits."""
        if self._waiting and not self.flush():
            self._keep(packet, destination)
            return
        try:
            self._write(packet, destination)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._keep(packet, destination)

    def _keep(self, packet: bytes, destination: bytes) -> None:
        if len(self._waiting) >= LIMIT:
            raise LinkError(f"the device takes no more packets: {LIMIT} wait already")
        self._waiting.append((packet, destination))

    def flush(self) -> bool:
        """Send what waits, oldest first; True when all went. What can never be sent is dropped, with OSError."""
        while self._waiting:
            packet, destination = self._waiting[0]
            try:
                self._write(packet, destination)
            except OSError as error:
                if error.errno in _FULL:
                    return False
                self._waiting.popleft()
                raise
            self._waiting.popleft()
        return True
