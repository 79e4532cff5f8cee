import contextlib
import ctypes
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tcpprobe.lab import linux_child, ways
from tcpprobe.lab.addresses import POOL_4, POOL_6, SERVICES, TARGET_4
from tcpprobe.lab.lab import LabError, open_lab
from tcpprobe.lab.linux import Child, open_linux
from tcpprobe.lab.talkers import PATTERN_PERIOD
from tcpprobe.lab.veth import VethLink
from tcpprobe.link.pool import Pool
from tcpprobe.link.tun import TunLink
from tcpprobe.wire import ip
from tcpprobe.wire.flags import ACK, FIN, RST, SYN
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import diff

LIMIT = 30  # seconds after which a test has failed; nothing here takes as long


def answer(link, target, port, *, address=None):
    """What the target says to a SYN."""
    lease = link.lend(target, 1)
    packet = ip.Packet(
        address or lease.address, target, Segment(lease.ports[0], port, seq=1000, flags=SYN, window=9000)
    )
    link.send(ip.encode(packet), target)
    while True:
        ready, _, _ = select.select(link.filenos(), [], [], LIMIT)
        assert ready, f"no answer from port {port}"
        for data, _ in link.read(ready[0]):
            return ip.decode(data)


def namespaces():
    """The network namespaces that some process lives in."""
    found = set()
    for process in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):
            found.add(process.readlink())
    return found


def namespace_of(pid):
    return Path(f"/proc/{pid}/ns/net").readlink()


def children(pid):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = stat.read_text()
            if int(text.rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def ended(pidfd):
    """Wait for the end of a process; its descriptor becomes readable then."""
    return bool(select.select([pidfd], [], [], LIMIT)[0])


@pytest.fixture(
    scope="module",
    params=[(4, "tun"), (6, "tun"), (4, "veth"), (6, "veth")],
    ids=["tun-v4", "tun-v6", "veth-v4", "veth-v6"],
)
def lab(request):
    with open_linux(*request.param) as lab:
        yield lab


def test_the_target_says_where_it_is(lab):
    assert lab.target.name == f"lab:{lab.target.lab}"
    assert lab.target.services == SERVICES
    assert len(lab.target.address) == (4 if lab.target.family == 4 else 16)
    assert "Linux" in lab.notes[0]
    assert lab.notes[0].endswith(lab.link.name)


@pytest.mark.parametrize("port", sorted({*SERVICES.values(), 19}))
def test_every_service_accepts_connections(lab, port):
    packet = answer(lab.link, lab.target.address, port)
    assert packet.payload.flags == SYN | ACK
    assert packet.payload.ack == 1001
    assert packet.tcp_checksum == "correct"


def test_the_closed_port_resets(lab):
    packet = answer(lab.link, lab.target.address, lab.target.closed_port)
    assert packet.payload.flags == RST | ACK


def test_every_source_address_comes_through(lab):
    for text in ("198.51.100.9", "10.1.2.3", "8.8.8.8") if lab.target.family == 4 else ("2001:db8:77::9", "2600::1"):
        packet = answer(lab.link, lab.target.address, 7, address=ip.pack(text))
        assert ip.text(packet.dst) == text


def test_hundreds_of_peers_are_not_limited_by_each_other(lab):
    for _ in range(300):
        assert answer(lab.link, lab.target.address, lab.target.closed_port).payload.flags == RST | ACK


@pytest.mark.parametrize("way", ["tun", "veth"])
def test_closing_leaves_nothing(way):
    before, open_files = set(children(os.getpid())), len(list(Path("/proc/self/fd").iterdir()))
    lab = open_linux(4, way)
    (pid,) = set(children(os.getpid())) - before
    namespace = namespace_of(pid)
    assert namespace in namespaces() - {namespace_of(os.getpid())}
    lab.close()
    lab.close()
    assert set(children(os.getpid())) == before
    assert namespace not in namespaces()
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files


def fail_inside_a_lab():
    with open_lab("linux"):
        raise ZeroDivisionError


def test_an_error_inside_leaves_nothing():
    before = set(children(os.getpid()))
    with pytest.raises(ZeroDivisionError):
        fail_inside_a_lab()
    assert set(children(os.getpid())) == before


def test_a_lab_outlives_the_thread_that_opened_it():
    labs = []
    thread = threading.Thread(target=lambda: labs.append(open_lab("linux")))
    thread.start()
    thread.join()
    with labs[0] as lab:
        assert answer(lab.link, lab.target.address, 7).payload.flags == SYN | ACK


def download(link, target, size):
    """The octets that follow the head of an HTTP answer, taken in order by a TCP of the simplest kind."""
    lease = link.lend(target, 1)
    port, seq, rcv_nxt, data = lease.ports[0], 1000, None, b""
    request = f"GET /bytes/{size} HTTP/1.0\r\n\r\n".encode()

    def say(flags, payload=b""):
        segment = Segment(port, 80, seq=seq, ack=rcv_nxt or 0, flags=flags, window=65535, payload=payload)
        link.send(ip.encode(ip.Packet(lease.address, target, segment)), target)

    say(SYN)
    lengths = set()
    while select.select(link.filenos(), [], [], LIMIT)[0]:
        for packet, _ in link.read(link.filenos()[0]):
            lengths.add(len(packet))
            decoded = ip.decode(packet)
            assert decoded.tcp_checksum == "correct"
            segment = decoded.payload
            if rcv_nxt is None:
                seq, rcv_nxt = 1001, segment.end
                say(ACK, request)
                seq += len(request)
                continue
            known = diff(rcv_nxt, segment.seq)  # a slow machine makes a kernel send again what has arrived
            if 0 <= known < segment.length:
                data += segment.payload[known:]
                rcv_nxt = segment.end
                if segment.flags & FIN:
                    say(RST | ACK)
                    return data.partition(b"\r\n\r\n")[2], max(lengths)
            say(ACK)
    raise AssertionError("the download stopped")


def test_bulk_data_comes_in_finished_segments_no_larger_than_the_link(lab):
    body, longest = download(lab.link, lab.target.address, 1_000_000)
    assert body == bytes(i % PATTERN_PERIOD for i in range(1_000_000))
    assert longest <= lab.link.mtu


def test_two_labs_are_two():
    with open_lab("linux") as one, open_lab("linux") as other:
        for lab in (one, other):
            assert answer(lab.link, lab.target.address, 7).payload.flags == SYN | ACK


PARENT = """
import os, sys, time
from tcpprobe.lab.lab import open_lab
lab = open_lab("linux")
if sys.argv[1] == "fork" and os.fork() == 0:
    time.sleep(600)
print("open", flush=True)
if sys.argv[1] == "raise":
    raise RuntimeError
if sys.argv[1] == "exit":
    os._exit(0)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("how", "signal_", "whole_group"),
    [
        ("wait", signal.SIGKILL, False),
        ("wait", signal.SIGTERM, False),
        ("wait", signal.SIGINT, True),  # Ctrl-C
        ("fork", signal.SIGKILL, False),  # somebody else still holds the descriptors
        ("raise", None, False),
        ("exit", None, False),
    ],
)
def test_the_lab_ends_with_its_parent(how, signal_, whole_group):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    host = namespace_of(os.getpid())
    namespace = None
    try:
        assert parent.stdout.readline() == b"open\n"
        if signal_ is not None:
            (child,) = [each for each in children(parent.pid) if namespace_of(each) != host]
            namespace, pidfd = namespace_of(child), os.pidfd_open(child)
            (os.killpg if whole_group else os.kill)(parent.pid, signal_)
            assert ended(pidfd)
            os.close(pidfd)
        parent.wait(LIMIT)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)  # the forked one
        parent.wait()
        parent.stdout.close()
    assert namespace not in namespaces()


@pytest.mark.parametrize(("way", "make_link"), [("tun", TunLink), ("veth", VethLink)])
def test_the_lab_of_a_user_without_privileges(way, make_link):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            ours.close()
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
                ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, as after exec: /proc/self is ours again
            linux_child.main([str(theirs.detach()), str(parent), "0", way])
            status = 0
        finally:
            os._exit(status)
    with ours, theirs:
        theirs.close()
        message, descriptors, _, _ = socket.recv_fds(ours, 65536, 4)
        assert b'"namespaces": "user+net"' in message
        link = make_link(descriptors[0], Pool(POOL_4, POOL_6, rng=random.Random(1), limit=9))
        assert answer(link, ip.pack(TARGET_4), 7).payload.flags == SYN | ACK
        link.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_without_a_tun_the_lab_is_reached_otherwise(monkeypatch):
    monkeypatch.setattr(ways, "TUN", "/nonexistent/tun")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        try:
            ours.close()
            linux_child.main([str(theirs.detach()), str(parent), "0", "best"])
        finally:
            os._exit(0)
    with ours, theirs:
        message, descriptors, _, _ = socket.recv_fds(ours, 65536, 4)
        os.close(descriptors[0])
    os.waitpid(pid, 0)
    assert b'"way": "veth"' in message
    assert b"/nonexistent/tun cannot be opened (No such file or directory)" in message


def test_a_child_that_cannot_says_why_in_one_line(monkeypatch):
    monkeypatch.setattr("tcpprobe.lab.linux._ROOT", "/nonexistent")
    with pytest.raises(LabError, match=r"^the lab's process ended at once: ModuleNotFoundError: .*tcpprobe") as caught:
        Child()
    assert "\n" not in str(caught.value)


def test_a_child_that_cannot_be_started_says_so(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(LabError, match=r"^the lab's process cannot be started: No such file or directory$"):
        Child()
