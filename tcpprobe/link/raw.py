"""The host's own address: raw sockets out, a packet socket in, and guards that keep the host's kernel quiet."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import socket
import struct
import time
from collections.abc import Sequence

from tcpprobe.link import bpf, offload
from tcpprobe.link.base import Lease, LinkError
from tcpprobe.link.guard import Guards
from tcpprobe.link.outbox import Outbox
from tcpprobe.link.routes import Route, route
from tcpprobe.wire import ip
from tcpprobe.wire.checksum import ones_complement

_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_PACKET_AUXDATA = 8
_PACKET_VNET_HDR = 15
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_SO_BINDTODEVICE = 25
_ETH_P = {4: 0x0800, 16: 0x86DD}
_BUFFER = 8 << 20
_AUXDATA = struct.Struct("=IIIHHHH")
_TIMESPEC = struct.Struct("@ll")
_SOCKADDR_LL = struct.Struct("=HH16x")
_ANCILLARY = socket.CMSG_SPACE(_AUXDATA.size) + socket.CMSG_SPACE(_TIMESPEC.size)
_LARGEST = 1 << 17

ANY = ""
"""Instead of an interface's name: all of them."""

UNPRIVILEGED = (
    "the raw link needs the capability CAP_NET_RAW: run as root, or use a lab target (--tcp-target lab), which does not"
)


class RawLink:
    """Talks to one target from this host's address on the way to it (or from ``source``, or over ``interface``).

    Reception is a packet socket on the interface that the route goes by, so every packet is seen once, loopback
    included, and as it was before the kernel judged it. Packets of ours that do not pass here (with a header the
    kernel would repair) are refused, never sent differently from what was asked.
    Raises LinkError, in one sentence, when there are no privileges, no route or no such address.
    """

    name = "raw"
    own_addresses = False
    virtual = False

    def __init__(
        self,
        target: bytes,
        *,
        source: bytes | None = None,
        interface: str | None = None,
        rng: random.Random | None = None,
    ) -> None:
        if source is not None and len(source) != len(target):
            raise LinkError(f"source address {ip.text(source)} is not of the same family as {ip.text(target)}")
        self._set_up(target, route(target, source=source, interface=interface), rng)

    def _set_up(self, target: bytes, way: Route, rng: random.Random | None = None) -> None:
        self.target = target
        self.route = way
        self.source = self.route.source
        self.mtu = self.route.mtu
        # Over loopback no checksum is ever finished, and it would be a lie to say that the target's was right.
        # Elsewhere the kernel tells its own unfinished work from the target's.
        self.offload = self.route.interface == "lo"
        self._blocks = 0
        self._view = memoryview(bytearray(_LARGEST))
        self._sockets: list[socket.socket] = []
        scope = self.route.index if self.source[:2] == b"\xfe\x80" else 0
        self._guards = Guards(self.source, scope, rng or random.Random())
        try:
            self._out = self._open_out(scope)
            self._in = self._open_in()
        except PermissionError:
            self.close()
            raise LinkError(UNPRIVILEGED) from None
        except OSError as error:
            self.close()
            raise LinkError(f"the raw link cannot be opened: {error.strerror}") from error
        self._outbox = Outbox(self._write)

    def _open_out(self, scope: int) -> socket.socket:
        family = socket.AF_INET if len(self.source) == 4 else socket.AF_INET6
        sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_RAW)
        self._sockets.append(sock)
        # IPPROTO_RAW means that the header is ours, in both families; nothing is ever received here.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        if self.route.interface not in ("lo", ANY):
            sock.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, self.route.interface.encode())
        self._scope = scope
        return sock

    def _open_in(self) -> socket.socket:
        # Protocol 0 until bound: nothing must arrive before the filter is there.
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        self._sockets.append(sock)
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        sock.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        bpf.attach(sock, bpf.towards(self.source, self.target, ()))
        protocol = _ETH_P[len(self.source)]
        if self.route.interface == ANY:
            _bind_everywhere(sock, protocol)
        else:
            sock.bind((self.route.interface, protocol))
        return sock

    def filenos(self) -> Sequence[int]:
        """The packet socket's descriptor."""
        return (self._in.fileno(),)

    def read(self, fileno: int) -> list[tuple[bytes, float]]:  # noqa: ARG002
        """All packets that wait, with the kernel's reception stamps, super-segments cut to what is on the wire."""
        packets: list[tuple[bytes, float]] = []
        wall_to_monotonic = time.monotonic() - time.time()
        while True:
            try:
                size, ancillary, _, _ = self._in.recvmsg_into([self._view], _ANCILLARY)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                raise LinkError(f"interface {self.route.interface} cannot be read: {error.strerror}") from error
            stamp, start = self._read_ancillary(ancillary, wall_to_monotonic)
            packet = bytes(self._view[offload.VNET.size + start : size])
            packets += [(piece, stamp) for piece in self._as_on_the_wire(packet)]
        self.flush()
        return packets

    def _as_on_the_wire(self, packet: bytes) -> list[bytes]:
        """What the kernel merged or left unfinished, undone, by the virtio header it put before the packet."""
        flags, gso_type, _, gso_size, _, _ = offload.VNET.unpack_from(self._view)
        pieces = offload.split(packet, gso_type, gso_size) if gso_type else [_unpadded(packet)]
        if flags & offload.NEEDS_CSUM and not self.offload:
            return [offload.finish(piece) for piece in pieces]
        return pieces

    def _read_ancillary(self, ancillary: list[tuple[int, int, bytes]], offset: float) -> tuple[float, int]:
        """(monotonic reception time, where the IP header begins)."""
        stamp, start = time.monotonic(), 0
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                # A wall clock that is set meanwhile must not bring packets from the future.
                stamp = min(stamp, seconds + nanoseconds / 1e9 + offset)
            elif level == _SOL_PACKET and kind == _PACKET_AUXDATA:
                start = _AUXDATA.unpack_from(data)[4]
        return stamp, start

    def send(self, packet: bytes, destination: bytes) -> None:
        """Send through the kernel's routing. Raises LinkError for an IPv4 header that the kernel would repair."""
        if len(destination) == 4:
            _refuse_repair(packet)
        try:
            self._outbox.send(packet, destination)
        except OSError as error:
            raise LinkError(self._sentence(error, packet, destination)) from error

    def _write(self, packet: bytes, destination: bytes) -> None:
        host = ip.text(destination)
        self._out.sendto(packet, (host, 0) if len(destination) == 4 else (host, 0, 0, self._scope))

    def _sentence(self, error: OSError, packet: bytes, destination: bytes) -> str:
        if error.errno == errno.EMSGSIZE:
            return f"a packet of {len(packet)} bytes is larger than the MTU of {self.route.interface}, {self.mtu}"
        if error.errno in (errno.EPERM, errno.EACCES):
            return f"this host's firewall forbids sending to {ip.text(destination)}"
        return f"cannot send to {ip.text(destination)}: {error.strerror}"

    def flush(self) -> bool:
        """Send what waits; True when nothing is left."""
        try:
            return self._outbox.flush()
        except OSError as error:
            raise LinkError(self._sentence(error, b"", self.target)) from error

    def lend(self, target: bytes, ports: int) -> Lease:
        """Guarded ports on our address towards this link's target."""
        if target != self.target:
            raise LinkError(f"this link is for {ip.text(self.target)}, not for {ip.text(target)}")
        lent = self._guards.lend(ports)
        if len(self._guards.blocks) != self._blocks:
            bpf.attach(self._in, bpf.towards(self.source, self.target, self._guards.blocks))
            self._blocks = len(self._guards.blocks)
        return Lease(self.source, lent, lambda: self._give_back(lent))

    def _give_back(self, ports: tuple[int, ...]) -> None:
        for port in ports:
            self._guards.give_back(port)

    def dropped(self) -> int:
        """Packets the kernel dropped since the last question because nobody read them in time."""
        _, drops = struct.unpack("=II", self._in.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        return int(drops)

    def close(self) -> None:
        """Close the sockets and the guards."""
        for sock in self._sockets:
            sock.close()
        self._guards.close()


def _bind_everywhere(sock: socket.socket, protocol: int) -> None:
    """Bind a packet socket to no interface in particular, for which Python's ``bind`` has no words."""
    libc = ctypes.CDLL(None, use_errno=True)
    address = _SOCKADDR_LL.pack(socket.AF_PACKET, socket.htons(protocol))
    if libc.bind(sock.fileno(), address, len(address)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _unpadded(packet: bytes) -> bytes:
    """Without the padding that Ethernet adds to short frames."""
    if len(packet) > 60 - 14:
        return packet
    if packet[0] >> 4 == 4:
        total = int.from_bytes(packet[2:4], "big")
        return packet[:total] if total >= 20 else packet
    return packet


def _refuse_repair(packet: bytes) -> None:
    """Linux always writes the length and the checksum of an IPv4 header it can read (raw(7)): say so, send nothing."""
    if len(packet) < 20:
        raise LinkError(f"the raw link cannot send {len(packet)} bytes: less than an IPv4 header")
    start = (packet[0] & 15) << 2
    if 20 <= start <= len(packet):
        if int.from_bytes(packet[2:4], "big") != len(packet):
            raise LinkError("the raw link cannot send a wrong IPv4 total length: the kernel would repair it")
        if ones_complement(packet[:start]):
            raise LinkError("the raw link cannot send a wrong IPv4 header checksum: the kernel would repair it")
