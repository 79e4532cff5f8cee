"""How fast whole files go: our endpoint through TUN, beside two kernels over veth and a client the usual scapy way."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import tcpprobe
from tcpprobe.link.device import open_tun
from tcpprobe.stream.stream import Stream
from tcpprobe.wire import ip

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "real"))
from neighbour import DEVICE, OURS, PEER, Neighbour

Figure = tuple[str, float, str]
MEGA = 1e6
AMOUNT = 300 * 1000 * 1000
GIGABYTE = 1000 * 1000 * 1000
KERNELS = 1000 * 1000 * 1000
SCAPY_SECONDS = 5
SPARE = "192.0.2.9"
"""An address that nobody has, so that no kernel resets what scapy opens."""

_SERVE = """\
import socket, sys
listener = socket.create_server(("", 5001))
block = bytes(1 << 18)
while True:
    connection, _ = listener.accept()
    try:
        if sys.argv[1] == "send":
            while True:
                connection.sendall(block)
        while connection.recv(1 << 18):
            pass
    except OSError:
        pass
"""

_KERNEL = """\
import socket, sys, time
connection = socket.create_connection((sys.argv[1], 5001))
left, start = int(sys.argv[3]), time.perf_counter()
total, block = left, bytes(1 << 18)
while left > 0:
    left -= len(connection.recv(1 << 18)) if sys.argv[2] == "receive" else connection.send(block)
print(total / (time.perf_counter() - start))
"""

# As those who try it write it: answer what came with send(), wait for the next with sniff() or sr1().
_SCAPY = """\
import sys, time
from scapy.all import IP, TCP, conf, send, sniff, sr1
conf.verb = 0
server, source, way, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
layer = IP(src=source, dst=server)
answer = sr1(layer / TCP(sport=4000, dport=5001, flags="S", seq=1000, window=65535), timeout=5)
seq, ack, done, start = 1001, answer[TCP].seq + 1, 0, time.perf_counter()
send(layer / TCP(sport=4000, dport=5001, flags="A", seq=seq, ack=ack, window=65535))

def take(packet):
    global ack, done
    text = bytes(packet[TCP].payload)
    if packet[TCP].seq == ack and text:
        ack += len(text)
        done += len(text)
    send(layer / TCP(sport=4000, dport=5001, flags="A", seq=seq, ack=ack, window=65535))

if way == "receive":
    sniff(filter=f"tcp and src host {server} and port 4000", prn=take, timeout=seconds)
else:
    while time.perf_counter() - start < seconds:
        data = layer / TCP(sport=4000, dport=5001, flags="PA", seq=seq, ack=ack, window=65535) / bytes(1460)
        answer = sr1(data, timeout=2)
        if answer is not None and answer[TCP].ack == seq + 1460:
            seq += 1460
            done += 1460
print(done / (time.perf_counter() - start))
send(layer / TCP(sport=4000, dport=5001, flags="R", seq=seq))
"""


# PyTCP opens the TAP device by itself, and takes its time to find its addresses unused.
_PYTCP = """\
import os, sys, time
from pytcp import TcpIpStack, config
from pytcp.lib import socket
config.LOG_CHANEL = set()
TcpIpStack(interface="probe", mac_address="02:00:00:77:77:77", ip4_address=sys.argv[2] + "/24",
           ip6_address="2001:db8::2/64").start()
time.sleep(3)
connection = socket.socket(socket.AF_INET4, socket.SOCK_STREAM)
connection.bind((sys.argv[2], 0))
connection.connect((sys.argv[1], 5001))
done, start = 0, time.perf_counter()
while time.perf_counter() - start < float(sys.argv[3]):
    done += len(connection.recv(1 << 16))
print(done / (time.perf_counter() - start), flush=True)
os._exit(0)
"""


def _ended(neighbour: Neighbour, way: str, code: str, *arguments: str) -> float:
    """Bytes per second of a client program in one namespace against a server in the other."""
    server = neighbour.start(sys.executable, "-c", _SERVE, "send" if way == "receive" else "receive")
    try:
        neighbour.wait_for(5001)
        command = ["ip", "netns", "exec", neighbour.ours, sys.executable, "-c", code, PEER[4], *arguments]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def _connected(way: str) -> Iterator[tuple[Neighbour, Stream]]:
    """Our connection, through a TUN device, to the server that the kernels use too."""
    with Neighbour("tun") as neighbour:
        neighbour.start(sys.executable, "-c", _SERVE, "send" if way == "receive" else "receive")
        neighbour.wait_for(5001)
        with neighbour.inside():
            link = open_tun(DEVICE, ip.pack(OURS[4]))
        neighbour.wait_until_ready()
        with contextlib.closing(link), tcpprobe.connect(PEER[4], 5001, link=link) as connection:
            yield neighbour, connection


def _download(amount: int) -> tuple[float, int]:
    """Bytes per second, and how often the peer's kernel had a time-out, while it sent as fast as it could."""
    with _connected("receive") as (neighbour, connection):
        start, left = time.perf_counter(), amount
        while left > 0:
            left -= len(connection.receive())
        rate = amount / (time.perf_counter() - start)
        connection.abort()
        return rate, neighbour.counters()["TcpExtTCPTimeouts"]


def _upload(amount: int) -> float:
    block = os.urandom(1 << 18)
    with _connected("send") as (_, connection):
        start = time.perf_counter()
        for _ in range(amount >> 18):
            connection.send(block)
        connection.close()
        return amount / (time.perf_counter() - start)


def figures() -> list[Figure]:
    """(name, value, definition) of every figure."""
    found: list[Figure] = []
    for way, ours, verb in (("receive", _download(AMOUNT)[0], "download"), ("send", _upload(AMOUNT), "upload")):
        with Neighbour("veth") as neighbour:
            neighbour.know(SPARE)
            kernel = _ended(neighbour, way, _KERNEL, way, str(KERNELS))
            scapy = _ended(neighbour, way, _SCAPY, SPARE, way, str(SCAPY_SECONDS))
        found += [
            (f"{verb}, MB/s", ours / MEGA, f"{AMOUNT // 10**6} MB, ours and a kernel; TUN cuts what we send"),
            (f"{verb}, two kernels, MB/s", kernel / MEGA, "the same between two kernels, veth, MTU 1500, offloads off"),
            (f"{verb}, scapy, MB/s", scapy / MEGA, f"{SCAPY_SECONDS} s of a client with sr1(), sniff() and send()"),
            (f"{verb}, of the kernels'", ours / kernel, "ours / two kernels (asked: at least 0.2)"),
            (f"{verb}, times scapy's", ours / scapy, "ours / scapy (asked: at least 30)"),
        ]
    if importlib.util.find_spec("pytcp") is not None:
        with Neighbour("tap") as neighbour:
            pytcp = _ended(neighbour, "receive", _PYTCP, OURS[4], str(SCAPY_SECONDS))
        found.append(("download, PyTCP, MB/s", pytcp / MEGA, f"{SCAPY_SECONDS} s of PyTCP from PyPI, TAP, MTU 1500"))
    rate, timeouts = _download(GIGABYTE)
    found += [
        ("download of 1 GB, MB/s", rate / MEGA, "the peer sends as fast as it can"),
        ("time-outs of the peer meanwhile", timeouts, "TcpExtTCPTimeouts (asked: 0)"),
    ]
    return found
