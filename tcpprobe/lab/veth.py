"""The link to a lab on a veth pair: Ethernet frames through a packet socket, to the one neighbour there is."""

from __future__ import annotations

import os
import time

from tcpprobe.lab.addresses import OUR_MAC, TARGET_MAC
from tcpprobe.link.base import LinkError
from tcpprobe.link.tun import TunLink, is_noise

_LARGEST = 65536
_HEADER = 14
_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"
_TO_TARGET = TARGET_MAC + OUR_MAC


class VethLink(TunLink):
    """Reads and writes a bound AF_PACKET descriptor, which it owns from now on, as `TunLink` does a TUN's.

    The other end uses no ARP and no neighbour discovery, so there is nothing to answer.
    """

    name = "veth"

    def _write(self, packet: bytes, destination: bytes) -> None:
        kind = _IPV4 if len(destination) == 4 else _IPV6
        os.write(self._fileno, _TO_TARGET + kind + packet)

    def read(self, fileno: int) -> list[tuple[bytes, float]]:
        """All packets that wait, but for what a kernel says to its neighbours by itself."""
        packets: list[tuple[bytes, float]] = []
        while True:
            try:
                frame = os.read(fileno, _LARGEST)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                raise LinkError(f"the packet socket cannot be read: {error.strerror}") from error
            if not frame:
                break
            packet = frame[_HEADER:]
            if frame[12:14] in (_IPV4, _IPV6) and not is_noise(packet):
                packets.append((packet, time.monotonic()))
        self.flush()
        return packets
