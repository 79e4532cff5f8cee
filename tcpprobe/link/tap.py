"""A packet socket on an interface: what passes there, as it was on the wire and before the kernel judged it."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence

from tcpprobe.link import bpf, offload
from tcpprobe.link.base import LinkError

ANY = ""
"""Instead of an interface's name: all of them."""
ALL_PROTOCOLS = 3

_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_PACKET_AUXDATA = 8
_PACKET_VNET_HDR = 15
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_BUFFER = 8 << 20
_AUXDATA = struct.Struct("=IIIHHHH")
_TIMESPEC = struct.Struct("@ll")
_SOCKADDR_LL = struct.Struct("=HH16x")
_ANCILLARY = socket.CMSG_SPACE(_AUXDATA.size) + socket.CMSG_SPACE(_TIMESPEC.size)
_LARGEST = 1 << 17
_GRACE, _GLANCE = 25, 0.02  # looks at an interface that is down, and seconds between them
_LOOKS = 8
_AT_ONCE = 50e-6


class Tap:
    """Reads one interface (or ``ANY``) through a filter.

    What the kernel or the hardware merged is cut again, and checksums that were left unfinished on this host are
    finished, but with ``unfinished``: then they stay what they are. Both are counted (`remarks`), and what is larger
    than ``mtu`` but does not say how it was merged.
    Raises OSError as sockets do.
    """

    def __init__(
        self, interface: str, protocol: int, program: Sequence[bpf.Instruction], mtu: int, *, unfinished: bool = False
    ) -> None:
        self.interface = interface
        self.traces = offload.Traces()
        self._mtu = mtu
        self._unfinished = unfinished
        self._view = memoryview(bytearray(_LARGEST))
        # Protocol 0 until bound: nothing must arrive before the filter is there.
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        try:
            self._set_up(protocol, program)
        except BaseException:
            self.sock.close()
            raise

    def _set_up(self, protocol: int, program: Sequence[bpf.Instruction]) -> None:
        sock = self.sock
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        sock.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        bpf.attach(sock, program)
        if self.interface == ANY:
            _bind_everywhere(sock, protocol)
        else:
            sock.bind((self.interface, protocol))

    def filter(self, program: Sequence[bpf.Instruction]) -> None:
        """Let other packets pass from now on."""
        bpf.attach(self.sock, program)

    def read(self) -> Iterator[tuple[bytes, bytes, float]]:
        """(link header, packet behind it, reception time on the monotonic clock) of all that waits.

        Raises LinkError when the interface is gone.
        """
        wall_to_monotonic = _wall_to_monotonic()
        while True:
            try:
                size, ancillary, _, _ = self.sock.recvmsg_into([self._view], _ANCILLARY)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                raise LinkError(gone(self.interface, error)) from error
            stamp, start = _read_ancillary(ancillary, wall_to_monotonic)
            at = offload.VNET.size
            head, packet = bytes(self._view[at : at + start]), bytes(self._view[at + start : size])
            for piece in self._as_on_the_wire(packet):
                yield head, piece, stamp

    def _as_on_the_wire(self, packet: bytes) -> list[bytes]:
        """What was merged or left unfinished, undone, by the virtio header that the kernel put before the packet."""
        flags, gso_type, _, gso_size, _, _ = offload.VNET.unpack_from(self._view)
        pieces = offload.split(packet, gso_type, gso_size) if gso_type else [_unpadded(packet)]
        partial = bool(flags & offload.NEEDS_CSUM)
        self.traces.merged += len(pieces) > 1
        self.traces.oversized += len(pieces) == 1 and len(packet) > self._mtu
        # What GRO merges is marked unfinished as well (tcp_gro_complete), though every checksum was right.
        self.traces.unfinished += partial and len(pieces) == 1
        return [offload.finish(piece) for piece in pieces] if partial and not self._unfinished else pieces

    def remarks(self) -> list[str]:
        """What a reader of the results should know, a sentence each."""
        return self.traces.remarks(self.interface)

    def dropped(self) -> int:
        """Packets the kernel dropped since the last question because nobody read them in time."""
        _, drops = struct.unpack("=II", self.sock.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        return int(drops)

    def close(self) -> None:
        """Close the socket; idempotent."""
        self.sock.close()


def gone(interface: str, error: OSError) -> str:
    """Why an interface can no longer be used, in one sentence; found out within half a second.

    The kernel takes an interface down before it removes it.
    """
    if interface == ANY:
        return f"packets cannot be read any more: {error.strerror}"
    for _ in range(_GRACE):
        try:
            socket.if_nametoindex(interface)
        except OSError:
            return f"interface {interface} has vanished"
        time.sleep(_GLANCE)
    return f"interface {interface} cannot be used any more: {error.strerror}"


def _wall_to_monotonic() -> float:
    """What to add to a time of the wall clock. Looks again when something else ran between the two clocks."""
    for _ in range(_LOOKS):
        before, wall, after = time.monotonic(), time.time(), time.monotonic()
        if after - before < _AT_ONCE:
            break
    return before - wall


def _read_ancillary(ancillary: list[tuple[int, int, bytes]], offset: float) -> tuple[float, int]:
    """(monotonic reception time, where the link header ends)."""
    stamp, start = time.monotonic(), 0
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            # A wall clock that is set meanwhile must not bring packets from the future.
            stamp = min(stamp, seconds + nanoseconds / 1e9 + offset)
        elif level == _SOL_PACKET and kind == _PACKET_AUXDATA:
            start = _AUXDATA.unpack_from(data)[4]
    return stamp, start


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
    if packet and packet[0] >> 4 == 4:
        total = int.from_bytes(packet[2:4], "big")
        return packet[:total] if total >= 20 else packet
    return packet
