"""The child process of lab:linux: namespaces, the network in them, and the services. Standard library only.

`main` is given the descriptor of one end of a socket pair, the parent's process id, and 1 when its main thread started
it. It answers once, in JSON, with the descriptor through which its network is reached, and then serves until the
other end is closed or the parent is gone.
"""

from __future__ import annotations

import array
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from types import MappingProxyType

from tcpprobe.lab import namespace
from tcpprobe.lab.addresses import INTERFACE, MTU, TARGET_4, TARGET_6
from tcpprobe.lab.netlink import Netlink
from tcpprobe.lab.services import Services, listen, raise_descriptor_limit
from tcpprobe.lab.talkers import TALKERS

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000

# A lab is this kernel with its own defaults, but for what would let the host's settings or another play into a play.
SYSCTLS = MappingProxyType(
    {
        # Inherited from the host, and some hosts refuse what plays need: another source address, IPv6 at all.
        "net.ipv4.conf.all.rp_filter": "0",
        "net.ipv4.conf.default.rp_filter": "0",
        "net.ipv6.conf.all.disable_ipv6": "0",
        "net.ipv6.conf.default.disable_ipv6": "0",
        # Nobody here advertises routers; nothing is sent unasked.
        "net.ipv6.conf.default.accept_ra": "0",
        "net.ipv6.conf.default.router_solicitations": "0",
        "net.ipv6.conf.default.addr_gen_mode": "1",
        # One budget for all plays together. The limits per peer (icmp_ratelimit) and per connection
        # (tcp_invalid_ratelimit) stay as they are: every play is a peer of its own.
        "net.ipv4.icmp_msgs_per_sec": "1000000",
        "net.ipv4.icmp_msgs_burst": "1000000",
        "net.ipv4.tcp_challenge_ack_limit": "2147483647",
        # TIME-WAIT and half-open connections of some plays must not push out those of others.
        "net.ipv4.tcp_max_tw_buckets": "262144",
        "net.ipv4.tcp_max_syn_backlog": "4096",
        "net.core.somaxconn": "4096",
    }
)


def main(arguments: list[str]) -> None:
    """Build the lab, hand it over, serve."""
    control = socket.socket(fileno=int(arguments[0]))
    parent, by_main_thread = int(arguments[1]), arguments[2] == "1"
    watcher = os.pidfd_open(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tidies up
    try:
        kind = namespace.enter()
        if by_main_thread:  # the kernel's word for "parent" is the thread that forked
            namespace.die_with_parent(parent)
        refused = namespace.write_sysctls(SYSCTLS)
        services, descriptor = build()
    except (namespace.NamespaceError, OSError) as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    answer = {"way": "tun", "namespaces": kind, "refused": refused}
    _hand_over(control, json.dumps(answer).encode(), descriptor)
    os.close(descriptor)
    services.watch(control.fileno(), services.stop)
    services.watch(watcher, services.stop)
    services.run()


def build() -> tuple[Services, int]:
    """The TUN's descriptor and the services, reachable through it."""
    raise_descriptor_limit()
    descriptor = _open_tun(INTERFACE)
    index = socket.if_nametoindex(INTERFACE)
    netlink = Netlink()
    netlink.set_up(1)  # lo
    netlink.set_up(index, mtu=MTU, queue=10000)  # the 500 packets of the default overflow under bulk load
    families = {socket.AF_INET: TARGET_4}
    netlink.add_address(index, socket.inet_pton(socket.AF_INET, TARGET_4), 32)
    netlink.add_default_route(index, socket.AF_INET)
    if socket.has_ipv6:
        netlink.add_address(index, socket.inet_pton(socket.AF_INET6, TARGET_6), 128)
        netlink.add_default_route(index, socket.AF_INET6)
        families[socket.AF_INET6] = TARGET_6
    netlink.close()
    listeners = [(listen(*each, port), make) for each in families.items() for port, make in TALKERS.items()]
    return Services(listeners), descriptor


def _open_tun(name: str) -> int:
    try:
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise namespace.NamespaceError(f"/dev/net/tun cannot be opened ({error.strerror})") from None
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


def _hand_over(control: socket.socket, message: bytes, *descriptors: int) -> None:
    control.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])


if __name__ == "__main__":
    main(sys.argv[1:])
