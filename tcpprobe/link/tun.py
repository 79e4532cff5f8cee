"""A TUN device: every address we like, and no kernel of ours behind it."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence

from tcpprobe.link.base import Lease, LinkError
from tcpprobe.link.outbox import Outbox
from tcpprobe.link.pool import Pool
from tcpprobe.wire.checksum import TCP
from tcpprobe.wire.icmp import ICMPV6

LARGEST = 65536 + 40
_BATCH = 256
"""Packets read before anything is answered: a peer at full speed would else wait for all its window allows."""


class TunLink:
    """Reads and writes an open TUN descriptor (IFF_TUN with IFF_NO_PI), which it owns from now on.

    Who made the device routes the pool's networks to it; the addresses in them are nobody's until lent.
    """

    name = "tun"
    own_addresses = True
    offload = False
    virtual = False

    def __init__(self, fileno: int, pool: Pool, mtu: int = 1500) -> None:
        os.set_blocking(fileno, False)
        self._fileno = fileno
        self._pool = pool
        self.mtu = mtu
        self._outbox = Outbox(self._write)

    def _write(self, packet: bytes, destination: bytes) -> None:  # noqa: ARG002
        os.write(self._fileno, packet)

    def _read(self, fileno: int) -> bytes:
        return os.read(fileno, LARGEST)

    def filenos(self) -> Sequence[int]:
        """The one descriptor."""
        return (self._fileno,)

    def read(self, fileno: int) -> list[tuple[bytes, float]]:
        """Packets that wait, a batch at a time, but for what a kernel says to its neighbours by itself."""
        packets: list[tuple[bytes, float]] = []
        while len(packets) < _BATCH:
            try:
                packet = self._read(fileno)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                raise LinkError(vanished(error) or f"the TUN device cannot be read: {error.strerror}") from error
            if not packet:
                break
            # Most are TCP of IPv4 for one host, and need no closer look.
            if (len(packet) > 40 and packet[0] == 0x45 and packet[9] == TCP and packet[16] < 224) or not is_noise(
                packet
            ):
                packets.append((packet, time.monotonic()))
        self.flush()
        return packets

    def send(self, packet: bytes, destination: bytes) -> None:
        """Hand a packet to the kernel behind the device."""
        try:
            self._outbox.send(packet, destination)
        except OSError as error:
            raise LinkError(_sentence(error, packet)) from error

    def flush(self) -> bool:
        """Write what waits; True when nothing is left."""
        try:
            return self._outbox.flush()
        except OSError as error:
            raise LinkError(_sentence(error, b"")) from error

    def lend(self, target: bytes, ports: int) -> Lease:
        """An address of its own for each lease."""
        return self._pool.lend(target, ports)

    def remarks(self) -> Sequence[str]:
        """Packets pass as they are."""
        return ()

    def close(self) -> None:
        """Close the descriptor; a device that is not persistent goes with it."""
        if self._fileno >= 0:
            os.close(self._fileno)
            self._fileno = -1


def _sentence(error: OSError, packet: bytes) -> str:
    if error.errno == errno.EINVAL:
        # The driver looks at the version nibble to tell the protocol and takes no other.
        return f"a TUN device carries only IP versions 4 and 6, not {packet[:1].hex() or 'this packet'}"
    return vanished(error) or f"the TUN device takes no packets: {error.strerror}"


def vanished(error: OSError) -> str | None:
    """That the device was deleted while it was open, when that is what the kernel means."""
    return "the TUN device has vanished" if error.errno == errno.EBADFD else None


def is_noise(packet: bytes) -> bool:
    """Whether this is multicast, UDP, or an ICMPv6 message that reports no error: a kernel's talk, not a TCP's."""
    if len(packet) < 20:
        return True
    if packet[0] >> 4 == 4:
        return packet[9] in (2, 17) or packet[16] >> 4 == 14
    if len(packet) < 41:
        return True
    if packet[24] == 0xFF:
        return True
    return packet[6] == 17 or (packet[6] == ICMPV6 and packet[40] >= 128)
