"""Addresses that nobody has, on an Ethernet network of this host: frames in and out, no kernel of ours behind them."""

from __future__ import annotations

import errno
import os
import random
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from tcpprobe.link import bpf, offload
from tcpprobe.link.base import Lease, LinkError
from tcpprobe.link.neighbours import Neighbours, groups
from tcpprobe.link.outbox import Outbox
from tcpprobe.link.pool import Shared
from tcpprobe.link.routes import ethernet, interface_mtu, next_hop, route, subnets
from tcpprobe.link.tap import ALL_PROTOCOLS, Tap, gone
from tcpprobe.wire import ip
from tcpprobe.wire.ether import ADVERTISEMENT, IPV4, IPV6, SOLICITATION, Frame
from tcpprobe.wire.icmp import ICMPV6

PROBES = 3
"""Questions before an address is taken (RFC 5227 1.1, PROBE_NUM) and before a next hop is given up."""
PROBE_GAP = 0.3
"""Seconds after each such question; RFC 5227 takes one to two, for networks that are slower to wake up than any LAN."""
ANSWER = 1.0
"""Seconds that a next hop has for each answer (RFC 4861 10, RETRANS_TIMER)."""

UNPRIVILEGED = (
    "the packet link needs the capability CAP_NET_RAW: run as root, or use a lab target (--tcp-target lab), which does "
    "not"
)
NO_SOURCE = (
    "the packet link needs an address that nobody uses, in the network of the interface: "
    "--tcp-source-ip, or --source-ip of a command"
)

_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, _PACKET_IGNORE_OUTGOING = 263, 1, 23
_PACKET_MR_MULTICAST, _PACKET_MR_UNICAST = 0, 3
_MEMBERSHIP = struct.Struct("=iHH8s")
_PLAIN = bytes(offload.VNET.size)  # nothing is left for the kernel to finish
_NEIGHBOURLY = frozenset((bytes((SOLICITATION,)), bytes((ADVERTISEMENT,))))
_GONE = frozenset((errno.ENETDOWN, errno.ENODEV, errno.ENXIO))


class PacketLink:
    """Talks to one target from ``sources``, which are nobody's, over an Ethernet interface (None: the route's).

    Opening it takes a second: it sees that nobody has the addresses, announces them under a locally administered
    Ethernet address of its own, and asks for the next hop. From then on it answers for the addresses, until closed.
    Raises LinkError, in one sentence, when there is no such interface, it is down or goes, an address is in use or
    cannot be reached from the network, the next hop does not answer, or there are no privileges.
    """

    name = "packet"
    own_addresses = False
    offload = False
    virtual = False

    def __init__(
        self,
        target: bytes,
        sources: Sequence[bytes],
        *,
        interface: str | None = None,
        rng: random.Random | None = None,
    ) -> None:
        if not sources:
            raise LinkError(NO_SOURCE)
        self.target = target
        self.interface = route(target).interface if interface is None else interface
        index = ethernet(self.interface)
        hop = next_hop(target, index)
        for source in sources:
            self._check(source, index, hop)
        self.mtu = interface_mtu(self.interface)
        mac = b"\x02" + os.urandom(5)  # RFC 7042 2.1: locally administered, not a group
        self.neighbours = Neighbours(mac, tuple(sources), hop)
        self._pool = Shared(sources, rng=rng or random.Random())
        self._waiting: list[tuple[bytes, float]] = []
        try:
            self._tap = Tap(self.interface, ALL_PROTOCOLS, bpf.to_station(mac), self.mtu)
        except PermissionError:
            raise LinkError(UNPRIVILEGED) from None
        except OSError as error:
            raise LinkError(gone(self.interface, error)) from error
        self._outbox = Outbox(self._write)
        try:
            self._join(index)
            self._take_addresses()
            self._find_next_hop()
        except BaseException:
            self.close()
            raise

    def _check(self, source: bytes, index: int, hop: bytes) -> None:
        shown = ip.text(source)
        if len(source) != len(self.target):
            raise LinkError(f"source address {shown} is not of the same family as {ip.text(self.target)}")
        family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind((shown, 0))
            except OSError:
                pass
            else:
                raise LinkError(f"{shown} is this host's own address: the packet link needs one that nobody uses")
        known = subnets(index, family)
        if known and hop == self.target and not any(ip_address(source) in network for network in known):
            networks = ", ".join(map(str, known))
            raise LinkError(f"{shown} is in no network of {self.interface} ({networks}), and no gateway is on the way")

    def _join(self, index: int) -> None:
        """Have the interface take what is for us; it forgets that when the socket is closed."""
        sock, mac = self._tap.sock, self.neighbours.mac
        sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        wanted = [(_PACKET_MR_UNICAST, mac)]
        wanted += [(_PACKET_MR_MULTICAST, group) for group in groups(self.neighbours.addresses)]
        for kind, address in wanted:
            try:
                request = _MEMBERSHIP.pack(index, kind, len(address), address)
                sock.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, request)
            except OSError as error:
                raise LinkError(gone(self.interface, error)) from error

    def _take_addresses(self) -> None:
        for _ in range(PROBES):
            for frame in self.neighbours.probes():
                self._put(frame)
            self._listen(PROBE_GAP, lambda: False)
        for frame in self.neighbours.announcements():
            self._put(frame)

    def _find_next_hop(self) -> None:
        for _ in range(PROBES):
            self._put(self.neighbours.question())
            if self._listen(ANSWER, lambda: self.neighbours.hardware is not None):
                return
        how = "ARP" if len(self.target) == 4 else "neighbour discovery"
        raise LinkError(
            f"{ip.text(self.neighbours.next_hop)} does not answer {how} on {self.interface}: it is down, or not there"
        )

    def _listen(self, seconds: float, enough: Callable[[], bool]) -> bool:
        """Hear frames until it is enough, or for so long; whether it was enough."""
        deadline = time.monotonic() + seconds
        while not enough():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if select.select([self._tap.sock], [], [], left)[0]:
                self._waiting += self._hear()
        return True

    def filenos(self) -> Sequence[int]:
        """The packet socket's descriptor."""
        return (self._tap.sock.fileno(),)

    def read(self, fileno: int) -> list[tuple[bytes, float]]:  # noqa: ARG002
        """All packets for our addresses that wait; what the network asks about these is answered.

        Raises LinkError when the interface has gone, or somebody else has taken one of the addresses.
        """
        packets, self._waiting = self._waiting + self._hear(), []
        self.flush()
        return packets

    def _hear(self) -> list[tuple[bytes, float]]:
        packets = []
        for head, packet, stamp in self._tap.read():
            frame = Frame(head[:6], head[6:12], int.from_bytes(head[12:14], "big"), packet)
            if self._is_for_plays(frame):
                packets.append((packet, stamp))
                continue
            for answer in self.neighbours.frame_arrives(frame):
                self._put(answer)
        if self.neighbours.rival is not None:
            address, mac = self.neighbours.rival
            raise LinkError(f"{ip.text(address)} is in use: {mac.hex(':')} has it on {self.interface}")
        return packets

    def _is_for_plays(self, frame: Frame) -> bool:
        packet = frame.payload
        if frame.type == IPV4:
            return packet[16:20] in self.neighbours.addresses
        if frame.type != IPV6 or packet[24:40] not in self.neighbours.addresses:
            return False
        return packet[6] != ICMPV6 or packet[40:41] not in _NEIGHBOURLY

    def send(self, packet: bytes, destination: bytes) -> None:
        """Send to the next hop, as it is. Raises LinkError when it is too large, or the interface has gone."""
        if len(destination) != len(self.target):
            raise LinkError(f"this link is for {ip.text(self.target)}, not for {ip.text(destination)}")
        if len(packet) > self.mtu:
            raise LinkError(f"a packet of {len(packet)} bytes is larger than the MTU of {self.interface}, {self.mtu}")
        self._put(self.neighbours.frame_to_next_hop(packet))

    def _put(self, frame: bytes) -> None:
        try:
            self._outbox.send(frame, b"")
        except OSError as error:
            raise LinkError(self._sentence(error)) from error

    def _write(self, frame: bytes, destination: bytes) -> None:  # noqa: ARG002
        self._tap.sock.send(_PLAIN + frame)

    def _sentence(self, error: OSError) -> str:
        if error.errno in _GONE:
            return gone(self.interface, error)
        return f"cannot send through {self.interface}: {error.strerror}"

    def flush(self) -> bool:
        """Send what waits; True when nothing is left."""
        try:
            return self._outbox.flush()
        except OSError as error:
            raise LinkError(self._sentence(error)) from error

    def lend(self, target: bytes, ports: int) -> Lease:
        """Ports on the next of our addresses towards this link's target."""
        if target != self.target:
            raise LinkError(f"this link is for {ip.text(self.target)}, not for {ip.text(target)}")
        return self._pool.lend(ports)

    def remarks(self) -> Sequence[str]:
        """What the interface did to packets so far."""
        return self._tap.remarks()

    def close(self) -> None:
        """Nobody answers for the addresses any more. Idempotent."""
        self._tap.close()
