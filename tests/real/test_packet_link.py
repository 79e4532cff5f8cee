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
from tcpprobe.stream.stream import Stream
from tcpprobe.wire import ip

PORT = 7
ECHO = """\
import socket, threading
def serve(family):
    listener = socket.create_server(("", 7), family=family, backlog=512)
    while True:
        threading.Thread(target=echo, args=listener.accept()[:1], daemon=True).start()
def echo(connection):
    try:
        while data := connection.recv(65536):
            connection.sendall(data)
        connection.close()
    except OSError:
        pass
threading.Thread(target=serve, args=(socket.AF_INET6,)).start()
serve(socket.AF_INET)
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
        made.start(sys.executable, "-c", ECHO)
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


def echoed(stream: Stream, data: bytes) -> bytes:
    """What comes back."""
    stream.queue(data)
    got = b""
    while len(got) < len(data):
        got += stream.receive()
    return got


@pytest.mark.parametrize("family", [4, 6])
def test_a_connection_from_an_address_that_nobody_has(pair: Neighbour, family: int) -> None:
    before = resets(pair.ours), resets(pair.peer)
    link = opened(pair, PEER[family], nobody(family), interface=None)
    assert (link.name, link.own_addresses, link.offload, link.virtual, link.mtu) == (
        "packet",
        False,
        False,
        False,
        1500,
    )
    data = bytes(range(256)) * 400
    with connect(PEER[family], PORT, link=link) as stream:
        assert echoed(stream, data) == data
    link.close()
    assert (resets(pair.ours), resets(pair.peer)) == before
    assert link.remarks() == []


@pytest.mark.parametrize("family", [4, 6])
def test_through_a_gateway(pair: Neighbour, family: int) -> None:
    target = BEYOND[family][0]
    link = opened(pair, target, nobody(family))
    assert link.neighbours.next_hop == ip.pack(PEER[family])
    with connect(target, PORT, link=link) as stream:
        assert echoed(stream, b"hello") == b"hello"
    link.close()


@pytest.mark.parametrize("family", [4, 6])
def test_leases_take_addresses_in_turn_and_ports_of_their_own(pair: Neighbour, family: int) -> None:
    sources = nobody(family), nobody(family)
    link = opened(pair, PEER[family], *sources)
    leases = [link.lend(ip.pack(PEER[family]), 2) for _ in range(4)]
    assert [ip.text(lease.address) for lease in leases] == [*sources] * 2
    assert len({(lease.address, port) for lease in leases for port in lease.ports}) == 8
    for _ in range(2):
        with connect(PEER[family], PORT, link=link) as stream:
            assert echoed(stream, b"hello") == b"hello"
    link.close()


@pytest.mark.parametrize("family", [4, 6])
def test_an_address_in_use_is_refused(pair: Neighbour, family: int) -> None:
    mac = _run("ip", "netns", "exec", pair.peer, "cat", f"/sys/class/net/{DEVICE}/address").strip()
    with pytest.raises(LinkError) as caught:
        opened(pair, PEER[family], nobody(family), PEER[family])
    assert str(caught.value) == f"{PEER[family]} is in use: {mac} has it on {DEVICE}"


@pytest.mark.parametrize("family", [4, 6])
def test_an_address_is_ours_until_the_link_is_closed(pair: Neighbour, family: int) -> None:
    """What the kernel at the other end asks is answered while the link lives, and nobody answers afterwards."""
    address = nobody(family)
    link = opened(pair, PEER[family], address)
    _run("ip", "-n", pair.peer, "neighbour", "flush", "dev", DEVICE)
    with connect(PEER[family], PORT, link=link) as stream:
        assert echoed(stream, b"x") == b"x"
    known = _run("ip", "-n", pair.peer, "neighbour", "show", address)
    assert link.neighbours.mac.hex(":") in known
    link.close()
    link.close()
    again = opened(pair, PEER[family], address)
    assert again.neighbours.mac != link.neighbours.mac
    with connect(PEER[family], PORT, link=again) as stream:
        assert echoed(stream, b"x") == b"x"
    again.close()


@pytest.mark.parametrize(
    ("target", "sources", "interface", "sentence"),
    [
        (PEER[4], (), DEVICE, NO_SOURCE),
        (PEER[4], ("192.0.2.50",), "none0", "there is no network interface 'none0'"),
        (PEER[4], ("192.0.2.50",), "lo", "lo is not an Ethernet interface"),
        (PEER[4], ("2001:db8::50",), DEVICE, f"source address 2001:db8::50 is not of the same family as {PEER[4]}"),
        (
            PEER[4],
            (OURS[4],),
            DEVICE,
            f"{OURS[4]} is this host's own address: the packet link needs one that nobody uses",
        ),
        (
            PEER[4],
            ("198.51.100.1",),
            DEVICE,
            f"198.51.100.1 is in no network of {DEVICE} (192.0.2.0/24), and no gateway is on the way",
        ),
        (
            PEER[6],
            ("2001:db8:1::1",),
            DEVICE,
            f"2001:db8:1::1 is in no network of {DEVICE} (2001:db8::/64), and no gateway is on the way",
        ),
        (
            "192.0.2.99",
            ("192.0.2.50",),
            DEVICE,
            f"192.0.2.99 does not answer ARP on {DEVICE}: it is down, or not there",
        ),
        (
            "2001:db8::99",
            ("2001:db8::50",),
            DEVICE,
            f"2001:db8::99 does not answer neighbour discovery on {DEVICE}: it is down, or not there",
        ),
        (OURS[4], ("192.0.2.50",), DEVICE, f"{OURS[4]} is this host itself, which no packet reaches from the network"),
        ("2001:db9::1", ("2001:db8::50",), DEVICE, f"2001:db9::1 cannot be reached by {DEVICE}: no route"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    pair: Neighbour, target: str, sources: tuple[str, ...], interface: str, sentence: str
) -> None:
    with pytest.raises(LinkError) as caught:
        opened(pair, target, *sources, interface=interface)
    assert str(caught.value) == sentence


def test_what_does_not_fit_the_link_is_refused(pair: Neighbour) -> None:
    target = ip.pack(PEER[4])
    link = opened(pair, PEER[4], nobody(4))
    with pytest.raises(LinkError, match=rf"^a packet of 1501 bytes is larger than the MTU of {DEVICE}, 1500$"):
        link.send(bytes(1501), target)
    with pytest.raises(LinkError, match=r"^this link is for 192\.0\.2\.1, not for 2001:db8::1$"):
        link.send(bytes(40), ip.pack(PEER[6]))
    with pytest.raises(LinkError, match=r"^this link is for 192\.0\.2\.1, not for 192\.0\.2\.9$"):
        link.lend(ip.pack("192.0.2.9"), 1)
    link.close()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("set", DEVICE, "down"), f"interface {DEVICE} cannot be used any more: Network is down"),
        (("delete", DEVICE), f"interface {DEVICE} has vanished"),
    ],
)
def test_an_interface_that_goes_is_told(command: tuple[str, ...], sentence: str) -> None:
    with Neighbour("veth") as pair:
        link = opened(pair, PEER[4], nobody(4))
        with pair.inside():
            _run("ip", "link", *command)
            with pytest.raises(LinkError) as caught:
                link.read(link.filenos()[0])
            assert str(caught.value) == sentence
            with pytest.raises(LinkError) as caught:
                link.send(bytes(40), ip.pack(PEER[4]))
            assert str(caught.value).startswith(f"interface {DEVICE} ")
            with pytest.raises(LinkError) as caught:
                PacketLink(ip.pack(PEER[4]), [ip.pack("192.0.2.50")], interface=DEVICE)
            assert str(caught.value) in (
                f"interface {DEVICE} is down: ip link set {DEVICE} up",
                f"there is no network interface '{DEVICE}'",
            )
            link.close()


def test_offloads_of_a_sender_on_this_host_are_told_and_not_held_against_it() -> None:
    with Neighbour("veth") as pair:
        _run("ip", "netns", "exec", pair.peer, "ethtool", "-K", DEVICE, "tx", "on", "tso", "on", "gso", "on")
        pair.start(sys.executable, "-c", ECHO)
        pair.wait_for(PORT)
        for family in (4, 6):
            link = opened(pair, PEER[family], nobody(family))
            with connect(PEER[family], PORT, link=link) as stream:
                data = bytes(range(256)) * 400
                assert echoed(stream, data) == data
            (remark,) = link.remarks()
            assert remark.startswith(f"the sender behind {DEVICE} is on this host")
            link.close()


@pytest.mark.parametrize("family", [4, 6])
def test_an_interface_that_merges_is_told_and_its_segments_are_cut_again(family: int) -> None:
    with Neighbour("veth") as pair:
        _run("ip", "netns", "exec", pair.ours, "ethtool", "-K", DEVICE, "gro", "on")
        pair.start(sys.executable, "-c", ECHO)
        pair.wait_for(PORT)
        link = opened(pair, PEER[family], nobody(family))
        sizes = []
        with connect(PEER[family], PORT, link=link, tap=lambda _, packet: sizes.append(len(packet))) as stream:
            data = bytes(range(256)) * 2000
            assert echoed(stream, data) == data
        assert max(sizes) <= link.mtu
        (remark,) = link.remarks()
        assert remark.startswith(f"{DEVICE} merged arriving segments (GRO, LRO)")
        link.close()


def run(pair: Neighbour, folder: Path, target: str, *words: str) -> str:
    """A run of some scenarios from our end: what it says."""
    command = [sys.executable, "-m", "tcpprobe", "run", target, "--tcp-link=packet", f"--tcp-interface={DEVICE}"]
    done = subprocess.run(
        ["ip", "netns", "exec", pair.ours, *command, "--tcp-service=echo", "--tcp-report=none", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("family", [4, 6])
def test_scenarios_play_to_the_end(pair: Neighbour, family: int, tmp_path: Path) -> None:
    target = f"{PEER[4]}:{PORT}" if family == 4 else f"[{PEER[6]}]:{PORT}"
    words = ("-k", "handshake or reset", "--tcp-results=r.jsonl")
    told = run(pair, tmp_path, target, f"--tcp-source-ip={nobody(family)},{nobody(family)}", *words)
    outcomes = {word for line in told.splitlines() for word in re.findall(r"\d+ (passed|failed|errors?)\b", line)}
    assert outcomes == {"passed"}, told


def test_an_interface_that_goes_in_the_middle_of_a_run_ends_it_in_one_line(tmp_path: Path) -> None:
    with Neighbour("veth") as pair:
        pair.start(sys.executable, "-c", ECHO)
        pair.wait_for(PORT)
        words = ["tcpprobe", "run", f"{PEER[4]}:{PORT}", "--tcp-link=packet", f"--tcp-interface={DEVICE}", "-v"]
        process = subprocess.Popen(
            ["ip", "netns", "exec", pair.ours, sys.executable, "-u", "-m", *words, f"--tcp-source-ip={nobody(4)}"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if "PASSED" in line:
                break
        _run("ip", "-n", pair.ours, "link", "delete", DEVICE)
        told = process.stdout.read()
        assert process.wait() == pytest.ExitCode.INTERRUPTED, told
    assert len(re.findall(f"{PEER[4]}:{PORT}: interface {DEVICE} has vanished", told)) == 1, told
    assert "Traceback" not in told
    assert "ERROR" not in told
