"""A TUN device that somebody made and routed, taken into use."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import socket
import struct
from dataclasses import replace

from tcpprobe.link import offload
from tcpprobe.link.base import LinkError
from tcpprobe.link.pool import Pool
from tcpprobe.link.routes import interface_mtu
from tcpprobe.link.tun import LARGEST, TunLink, vanished
from tcpprobe.wire import ip
from tcpprobe.wire.bulk import cut
from tcpprobe.wire.checksum import TCP, pseudo_sum
from tcpprobe.wire.segment import Segment

TUN = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
_FLAGS = _IFF_TUN | _IFF_NO_PI | _IFF_VNET_HDR
_CHECKSUM_AT = 16
"""Where in a TCP header the checksum is."""
_WHOLE = bytes(offload.VNET.size)
_GSO = {4: offload.GSO_TCPV4, 16: offload.GSO_TCPV6}


class OffloadingTun(TunLink):
    """A TUN device that cuts large segments of ours by itself (segmentation offload). What it gives us is as it is."""

    def _write(self, packet: bytes, destination: bytes) -> None:  # noqa: ARG002
        os.write(self._fileno, _WHOLE + packet)

    def _read(self, fileno: int) -> bytes:
        return os.read(fileno, LARGEST + len(_WHOLE))[len(_WHOLE) :]

    def send_burst(self, packet: ip.Packet, size: int) -> None:
        """Send a packet with more than ``size`` bytes of text in pieces with at most so many. Raises LinkError."""
        segment = packet.payload
        assert isinstance(segment, Segment)
        head = 20 + len(segment.options)
        # Unfinished: what finishes it knows the lengths of the pieces.
        unfinished = pseudo_sum(packet.src, packet.dst, TCP, head + len(segment.payload))
        data = ip.encode(replace(packet, payload=replace(segment, checksum=unfinished)))
        start = len(data) - head - len(segment.payload)
        kind = _GSO[len(packet.src)]
        header = offload.VNET.pack(offload.NEEDS_CSUM, kind, start + head, size, start, _CHECKSUM_AT)
        try:
            os.write(self._fileno, header + data)
        except (BlockingIOError, InterruptedError):
            for piece in cut(packet, size):
                self.send(piece, packet.dst)
        except OSError as error:
            raise LinkError(vanished(error) or f"the TUN device takes no packets: {error.strerror}") from error


def open_tun(name: str, address: bytes) -> OffloadingTun:
    """A link through the TUN device ``name``, with ``address`` for ours, to which that device must be the way.

    Nothing is set up and nothing is left behind: the device stays as it was (``ip tuntap add dev NAME mode tun``).
    Raises LinkError when there is no such device, somebody uses it, or it is not for this user.
    """
    try:
        socket.if_nametoindex(name)
    except OSError:
        raise LinkError(f"there is no network interface {name!r}") from None
    try:
        descriptor = os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise LinkError(f"{TUN} cannot be opened: {error.strerror}") from None
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _FLAGS))
    except OSError as error:
        os.close(descriptor)
        reason = _REASONS.get(error.errno or 0) or error.strerror
        raise LinkError(f"{name} cannot be used as a TUN device: {reason}") from None
    pool = Pool(f"{ip.text(address)}/{8 * len(address)}", rng=random.Random())
    return OffloadingTun(descriptor, pool, interface_mtu(name))


_REASONS = {
    errno.EINVAL: "it is none",
    errno.EBUSY: "somebody uses it already",
    errno.EPERM: "it is not for this user",
}
