"""The link to a lab whose TCP is an ordinary process: every packet is one message on a socket between us."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

from tcpprobe.lab.addresses import MTU
from tcpprobe.link.pool import Pool
from tcpprobe.link.tun import TunLink, is_noise

BUFFER = 16 << 20
SO_SNDBUFFORCE = 32
_LARGEST = 65536 + 14
_BATCH = 256


class MessageLink(TunLink):
    """Reads and writes a connected SOCK_SEQPACKET descriptor, which it owns from now on, as `TunLink` does a TUN's.

    When the process at the other end dies, the link goes quiet: a target that answers nothing any more is a finding
    about what it was sent last, and the runner knows how to tell it.
    """

    name = "socket"

    def __init__(self, fileno: int, pool: Pool, mtu: int = MTU) -> None:
        super().__init__(fileno, pool, mtu)
        self._peer_is_gone = False

    def read(self, fileno: int) -> list[tuple[bytes, float]]:
        """Packets that wait, a batch at a time."""
        packets: list[tuple[bytes, float]] = []
        for _ in range(_BATCH):
            try:
                message = os.read(fileno, _LARGEST)
            except (BlockingIOError, InterruptedError):
                break
            except ConnectionError:
                message = b""
            if not message:
                self._fall_silent()
                break
            packet = self._packet(message)
            if packet and not is_noise(packet):
                packets.append((packet, time.monotonic()))
        self.flush()
        return packets

    def _packet(self, message: bytes) -> bytes:
        """The IP packet in a message; nothing when there is none."""
        return message

    def _message(self, packet: bytes, destination: bytes) -> bytes:  # noqa: ARG002
        """The message that carries a packet."""
        return packet

    def _write(self, packet: bytes, destination: bytes) -> None:
        self._put(self._message(packet, destination))

    def _put(self, message: bytes) -> None:
        if self._peer_is_gone or not message:  # a message of no octets would look like the end
            return
        try:
            os.write(self._fileno, message)
        except ConnectionError:
            self._fall_silent()

    def _fall_silent(self) -> None:
        """Put something in the descriptor's place that never has anything to read."""
        if not self._peer_is_gone:
            self._peer_is_gone = True
            silence = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            os.dup2(silence, self._fileno, inheritable=False)
            os.close(silence)


def enlarge(end: socket.socket) -> None:
    """Let as many messages wait on their way out of this end as a TUN's queue would hold, where that is allowed."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    with suppress(PermissionError):  # beyond net.core.wmem_max, for root
        end.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, BUFFER)
