"""The child process of lab:linux: namespaces, the network in them, and the services. Standard library only.

`main` is given the descriptor of one end of a socket pair, the parent's process id, 1 when its main thread started it,
and the way (`build`). It answers once, in JSON, with the descriptor through which its network is reached, and serves
until the other end is closed or the parent is gone.
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
from collections.abc import Callable
from types import MappingProxyType

from tcpprobe.lab import namespace, ways
from tcpprobe.lab.services import Services, listen, raise_descriptor_limit
from tcpprobe.lab.talkers import TALKERS

Build = Callable[[str], tuple[Services, int, dict[str, object]]]
"""From a way to the services, the descriptor through which they are reached, and what to tell the parent."""

# A lab is this kernel with its own defaults, but for what would let the host's settings or another play into a play.
SYSCTLS = MappingProxyType(
    {
        # The one that every kernel has and every namespace may use; what a host prefers (CUBIC, BBR) differs.
        "net.ipv4.tcp_congestion_control": "reno",
        # Inherited from the host, and some hosts refuse what plays need: another source address, IPv6 at all.
        "net.ipv4.conf.all.rp_filter": "0",
        "net.ipv4.conf.default.rp_filter": "0",
        # Off for all: source routes (RFC 9293 3.9.2.1) could not be tested otherwise.
        "net.ipv4.conf.all.accept_source_route": "1",
        "net.ipv4.conf.default.accept_source_route": "1",
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
    run(arguments, build)


def run(arguments: list[str], build: Build) -> None:
    """What `main` does, for any lab whose services live in such a child."""
    control = socket.socket(fileno=int(arguments[0]))
    parent, by_main_thread, way = int(arguments[1]), arguments[2] == "1", arguments[3]
    watcher = os.pidfd_open(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tidies up
    try:
        services, descriptor, answer = build(way)
    except (namespace.NamespaceError, OSError) as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    if by_main_thread:  # the kernel's word for "parent" is the thread that forked
        namespace.die_with_parent(parent)
    _hand_over(control, json.dumps(answer).encode(), descriptor)
    os.close(descriptor)
    services.watch(control.fileno(), services.stop)
    services.watch(watcher, services.stop)
    services.run()


def build(way: str) -> tuple[Services, int, dict[str, object]]:
    """Make the network and the services in it.

    Args:
        way: ``tun``, ``veth``, or ``best``: a TUN, and a veth pair where there is no TUN for this user.

    Returns:
        the services, the descriptor through which they are reached, and what to tell the parent.
    """
    kind = namespace.enter()
    answer: dict[str, object] = {"way": "tun", "namespaces": kind, "why": ""}
    descriptor = None
    if way != "veth":
        answer["refused"] = namespace.write_sysctls(SYSCTLS)
        try:
            descriptor = ways.through_tun()
        except namespace.NamespaceError as error:
            if way == "tun":
                raise
            answer["why"] = str(error)
    if descriptor is None:
        pair = ways.Veth()
        namespace.enter_another()
        answer |= {"way": "veth", "refused": namespace.write_sysctls(SYSCTLS)}
        descriptor = pair.connect()
    if socket.AF_INET6 in ways.target_addresses():
        ways.wait_until_addressed()
    answer["families"] = [4 if family == socket.AF_INET else 6 for family in ways.target_addresses()]
    raise_descriptor_limit()
    listeners = [
        (listen(family, address, port), make)
        for family, address in ways.target_addresses().items()
        for port, make in TALKERS.items()
    ]
    return Services(listeners), descriptor, answer


def _hand_over(control: socket.socket, message: bytes, descriptor: int) -> None:
    control.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))])
