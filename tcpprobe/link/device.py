"""A TUN device that somebody made and routed, taken into use."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import socket
import struct

from tcpprobe.link.base import LinkError
from tcpprobe.link.pool import Pool
from tcpprobe.link.routes import interface_mtu
from tcpprobe.link.tun import TunLink
from tcpprobe.wire import ip

TUN = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000


def open_tun(name: str, address: bytes) -> TunLink:
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
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError as error:
        os.close(descriptor)
        reason = _REASONS.get(error.errno or 0) or error.strerror
        raise LinkError(f"{name} cannot be used as a TUN device: {reason}") from None
    pool = Pool(f"{ip.text(address)}/{8 * len(address)}", rng=random.Random())
    return TunLink(descriptor, pool, interface_mtu(name))


_REASONS = {
    errno.EINVAL: "it is none",
    errno.EBUSY: "somebody uses it already",
    errno.EPERM: "it is not for this user",
}
