"""The host's own address: raw sockets out, a packet socket in, and guards that keep the host's kernel quiet."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Sequence

from tcpprobe.link import bpf
from tcpprobe.link.base import Lease, LinkError
from tcpprobe.link.guard import Guards
from tcpprobe.link.outbox import Outbox
from tcpprobe.link.routes import Route, route
from tcpprobe.link.tap import ANY, Tap
from tcpprobe.wire import ip
from tcpprobe.wire.checksum import ones_complement

_SO_BINDTODEVICE = 25
_ETH_P = {4: 0x0800, 16: 0x86DD}
_BUFFER = 8 << 20

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
        self._sockets: list[socket.socket | Tap] = []
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

    def _open_in(self) -> Tap:
        program = bpf.towards(self.source, self.target, ())
        tap = Tap(self.route.interface, _ETH_P[len(self.source)], program, self.mtu, unfinished=self.offload)
        self._sockets.append(tap)
        return tap

    def filenos(self) -> Sequence[int]:
        """The packet socket's descriptor."""
        return (self._in.sock.fileno(),)

    def read(self, fileno: int) -> list[tuple[bytes, float]]:  # noqa: ARG002
        """All packets that wait, with the kernel's reception stamps, super-segments cut to what is on the wire."""
        packets = [(packet, stamp) for _, packet, stamp in self._in.read()]
        self.flush()
        return packets

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
            self._in.filter(bpf.towards(self.source, self.target, self._guards.blocks))
            self._blocks = len(self._guards.blocks)
        return Lease(self.source, lent, lambda: self._give_back(lent))

    def _give_back(self, ports: tuple[int, ...]) -> None:
        for port in ports:
            self._guards.give_back(port)

    def remarks(self) -> list[str]:
        """What the interface did to packets so far."""
        return self._in.remarks()

    def dropped(self) -> int:
        """Packets the kernel dropped since the last question because nobody read them in time."""
        return self._in.dropped()

    def close(self) -> None:
        """Close the sockets and the guards."""
        for sock in self._sockets:
            sock.close()
        self._guards.close()


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
