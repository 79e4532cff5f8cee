"""Packets to a file while they come and go."""

from __future__ import annotations

import time
from pathlib import Path

from tcpprobe.scapy_edge import pcapng_head, pcapng_packet


class Capture:
    """A pcapng file that grows with every packet; its `tap` is for `tcpprobe.connect`. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self._file.write(pcapng_head())
        self._offset = time.time() - time.monotonic()

    def tap(self, now: float, packet: bytes) -> None:
        """One packet, at a time of the monotonic clock."""
        self._file.write(pcapng_packet(now + self._offset, packet))

    def close(self) -> None:
        """Write what is not written yet. Idempotent. Raises OSError."""
        self._file.close()
