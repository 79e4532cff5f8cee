"""What tests do with a lab: connect, download, look at the processes and namespaces it is made of."""

import contextlib
import ctypes
import gc
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tcpprobe.wire import ip
from tcpprobe.wire.flags import ACK, FIN, RST, SYN
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.seq import diff

LIMIT = 120  # seconds after which a test has failed; nothing here takes as long


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
            found = ip.decode(data)
            if is_for(packet, found):
                return found


def is_for(sent, packet):
    """Whether it answers what was sent: a target says again what it has said to others and nobody acknowledged."""
    segment = packet.payload
    return packet.dst == sent.src and isinstance(segment, Segment) and segment.dport == sent.payload.sport


def namespaces():
    """The network namespaces that some process lives in."""
    found = set()
    for process in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):
            found.add(process.readlink())
    return found


def namespace_of(pid):
    return Path(f"/proc/{pid}/ns/net").readlink()


@contextlib.contextmanager
def kept(pids):
    """The namespaces of these processes, and their numbers kept: another program's next would get them otherwise."""
    descriptors = [os.open(f"/proc/{pid}/ns/net", os.O_RDONLY) for pid in pids]
    try:
        yield {namespace_of(pid) for pid in pids}
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def children(pid):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = stat.read_text()
            if int(text.rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def open_descriptors():
    """How many descriptors this process has open, without those that only garbage still holds."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def descendants(pid):
    found = children(pid)
    return found + [each for child in found for each in descendants(child)]


def ended(pidfd):
    """Wait for the end of a process; its descriptor becomes readable then."""
    return bool(select.select([pidfd], [], [], LIMIT)[0])


def download(link, target, size):
    """The octets that follow the head of an HTTP answer, taken in order by a TCP of the simplest kind."""
    lease = link.lend(target, 1)
    port, seq, rcv_nxt, data = lease.ports[0], 1000, None, b""
    first = ip.Packet(lease.address, target, Segment(port, 80))
    request = f"GET /bytes/{size} HTTP/1.0\r\n\r\n".encode()

    def say(flags, payload=b""):
        segment = Segment(port, 80, seq=seq, ack=rcv_nxt or 0, flags=flags, window=65535, payload=payload)
        link.send(ip.encode(ip.Packet(lease.address, target, segment)), target)

    say(SYN)
    lengths = set()
    while select.select(link.filenos(), [], [], LIMIT)[0]:
        for packet, _ in link.read(link.filenos()[0]):
            decoded = ip.decode(packet)
            if not is_for(first, decoded):
                continue
            lengths.add(len(packet))
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


PARENT = """
import os, sys, time
from tcpprobe.lab.lab import open_lab
lab = open_lab(sys.argv[2])
if sys.argv[1] == "fork" and os.fork() == 0:
    time.sleep(600)
print("open", flush=True)
if sys.argv[1] != "fork":
    sys.stdin.readline()
if sys.argv[1] == "raise":
    raise RuntimeError
if sys.argv[1] == "exit":
    os._exit(0)
time.sleep(600)
"""


ENDS = [
    ("wait", signal.SIGKILL, False),
    ("wait", signal.SIGTERM, False),
    ("wait", signal.SIGINT, True),  # Ctrl-C
    ("fork", signal.SIGKILL, False),  # somebody else still holds the descriptors
    ("raise", None, False),
    ("exit", None, False),
]


def end_of_a_parent(lab, how, signal_, whole_group):
    """Open a lab in another process, end that in some way, and see that nothing of the lab is left."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, how, lab],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    keeping = contextlib.ExitStack()
    try:
        assert parent.stdout.readline() == b"open\n"
        parts = [each for each in descendants(parent.pid) if os.getsid(each) != parent.pid]
        assert parts
        theirs = keeping.enter_context(kept(parts)) - {namespace_of(os.getpid())}
        pidfds = [os.pidfd_open(each) for each in parts]
        if signal_ is None:
            parent.stdin.write(b"\n")
            parent.stdin.flush()
        else:
            (os.killpg if whole_group else os.kill)(parent.pid, signal_)
        for pidfd in pidfds:
            assert ended(pidfd)
            os.close(pidfd)
        parent.wait(LIMIT)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)  # the forked one
        parent.wait()
        parent.stdin.close()
        parent.stdout.close()
    with keeping:
        assert not theirs & namespaces()


@contextlib.contextmanager
def child_of_nobody(main, way):
    """The message and the descriptor from a lab's child process of a user without privileges."""
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
            main([str(theirs.detach()), str(parent), "0", way])
            status = 0
        finally:
            os._exit(status)
    with ours:
        theirs.close()
        message, descriptors, _, _ = socket.recv_fds(ours, 65536, 4)
        yield message, descriptors[0]
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
