"""Addresses that nobody has, on an Ethernet network with a kernel at the other end."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from neighbour import DEVICE, OURS, PEER, Neighbour

from tcpprobe.link.base import LinkError
from tcpprobe.link.packet import NO_SOURCE, PacketLink
from tcpprobe.stream.opening import connect
from tcpprobe.wire import ip

PORT = 7
ECHO = """\
import socket, threading
def serve(family, host):
    listener = socket.create_server((host, 7), family=family, backlog=512)
    while True:
        threading.Thread(target=echo, args=listener.accept()[:1], daemon=True).start()
def echo(connection):
    try:
        while data := connection.recv(65536):
            connection.sendall(data)
        connection.close()
    except OSError:
        pass
threading.Thread(target=serve, args=(socket.AF_INET6, "::")).start()
serve(socket.AF_INET, "192.0.2.1")
"""
#: The gateway is the peer, and this network is behind it.
BEYOND = {4: ("203.0.113.1", "203.0.113.0/24"), 6: ("2001:db8:77::1", "2001:db8:77::/64")}
_numbers = itertools.count(100)


@pytest.fixture(scope="module")
def pair() -> Iterator[Neighbour]:
    """Two namespaces with a wire between them, and an echo service at the other end."""
    with Neighbour("veth") as made:
        for family, (address, network) in BEYOND.items():
            _run("ip", "-n", made.peer, "address", "add", address, "dev", "lo", *["nodad"] * (family == 6))
            _run("ip", "-n", made.ours, "route", "add", network, "via", PEER[family])
        made.start(sys.executable, "-c", ECHO.replace('"::"', f'"{PEER[6]}"').replace("192.0.2.1", PEER[4]))
        made.wait_for(PORT)
        yield made


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def nobody(family: int) -> str:
    """An address in the network that no test used before."""
    return f"192.0.2.{next(_numbers)}" if family == 4 else f"2001:db8::{next(_numbers)}"


def opened(pair: Neighbour, target: str, *sources: str, interface: str | None = DEVICE) -> PacketLink:
    """A link of our end of the wire."""
    with pair.inside():
        return PacketLink(ip.pack(target), [ip.pack(each) for each in sources], interface=interface)


def resets(namespace: str) -> int:
    """How many RSTs the kernel there has sent."""
    lines = _run("ip", "netns", "exec", namespace, "nstat", "-asz", "TcpOutRsts").splitlines()
    return int(lines[-1].split()[1])


@pytest.mark.parametrize("family", [4, 6])
def test_a_connection_from_an_address_that_nobody_has(pair: Neighbour, family: int) -> None:
    before = resets(pair.ours), resets(pair.peer)
    link = opened(pair, PEER[family], nobody(family), interface=None)
    assert (link.name, link.own_addresses, link.offload, link.virtual, link.mtu) == ("packet", False, False, False, 1500)
    data = bytes(range(256)) * 400
    with connect(PEER[family], PORT, link=link) as stream:
        stream.write(data)
        stream.shutdown()
        assert stream.read_all() == data
    link.close()
    assert (resets(pair.ours), resets(pair.peer)) == before
    assert link.remarks() == []
