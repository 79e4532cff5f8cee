"""TUN devices by name, and interfaces that are down, in a network namespace of the test's."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIMIT = 300

# What makes the namespace: a TUN device t0 whose kernel's side is 10.9.0.1, with an echo behind it.
PLACE = """
import os, socket, sys, threading
from pyroute2 import IPRoute
from tcpprobe.lab import namespace
from tcpprobe.cli.main import main
import tcpprobe

namespace.enter()
ip = IPRoute()
lo = ip.link_lookup(ifname="lo")[0]
ip.link("set", index=lo, state="up")
ip.link("add", ifname="t0", kind="tuntap", mode="tun")
t0 = ip.link_lookup(ifname="t0")[0]
ip.addr("add", index=t0, address="10.9.0.1", prefixlen=24)
ip.link("set", index=t0, state="up", mtu=1300)

def echo():
    connection, peer = listener.accept()
    while data := connection.recv(1 << 16):
        connection.sendall(data)
    connection.close()

listener = socket.create_server(("10.9.0.1", 7))
threading.Thread(target=echo, daemon=True).start()
"""


def played(code):
    """What a script says in such a place."""
    done = subprocess.run(
        [sys.executable, "-c", PLACE + code], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_connection_through_a_device_that_was_there():
    done = played("""
with tcpprobe.connect("10.9.0.1", 7, link="tun", interface="t0", source_ip="10.9.0.2") as stream:
    stream.send(bytes(100_000))
    stream.finish()
    print(stream.local.partition(":")[0], len(stream.receive_all()), stream.connection.config.mtu)
print(bool(ip.link_lookup(ifname="t0")))
""")
    assert done.stdout.splitlines() == ["10.9.0.2 100000 1300", "True"]


def test_a_listener_behind_a_device():
    done = played("""
from tcpprobe.stream.listener import Listener
def somebody():
    with socket.create_connection(("10.9.0.2", 4000)) as peer:
        peer.sendall(b"hello")
with Listener(4000, link="tun", interface="t0", source_ip="10.9.0.2", timeout=120) as listener:
    threading.Thread(target=somebody).start()
    with listener.accept() as stream:
        print(stream.local, stream.receive_all())
""")
    assert done.stdout == "10.9.0.2:4000 b'hello'\n"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            'link = tcpprobe.connect("10.9.0.1", 7, link="tun", interface="t0", source_ip="10.9.0.2")\n'
            'print(main(["fetch", "http://10.9.0.1/", "--link=tun", "--interface=t0", "--source-ip=10.9.0.3"]))',
            "tcpprobe: error: t0 cannot be used as a TUN device: somebody uses it already",
        ),
        (
            'ip.link("set", index=t0, state="down")\n'
            'print(main(["fetch", "http://10.9.0.9/", "--interface=t0", "--timeout=5"]))',
            "tcpprobe: error: 10.9.0.9 cannot be reached: ",
        ),
        (
            'ip.link("set", index=lo, state="down")\nprint(main(["fetch", "http://127.0.0.1/", "--timeout=5"]))',
            "tcpprobe: error: ",
        ),
        (
            'print(main(["fetch", "http://203.0.113.7/", "--timeout=5"]))',
            "tcpprobe: error: 203.0.113.7 cannot be reached: no route",
        ),
        (
            'ip.route("add", dst="203.0.113.0/24", type="blackhole")\n'
            'print(main(["fetch", "http://203.0.113.7/", "--timeout=5"]))',
            "tcpprobe: error: 203.0.113.7 cannot be reached: ",
        ),
    ],
    ids=["in use", "down", "loopback down", "no route", "black hole"],
)
def test_what_is_not_possible_is_told_in_a_line(code, says):
    done = played(code)
    assert done.stdout == "2\n"
    (line,) = done.stderr.splitlines()
    assert line.startswith(says)


def test_a_device_that_goes_down_in_the_middle():
    done = played("""
stream = tcpprobe.connect("10.9.0.1", 7, link="tun", interface="t0", source_ip="10.9.0.2")
stream.send(b"x")
assert stream.receive() == b"x"
ip.link("set", index=t0, state="down")
try:
    stream.send(b"y")
except tcpprobe.stream.errors.Unreachable as error:
    print(error)
stream.abort()
""")
    assert "TUN device" in done.stdout


def test_no_privileges():
    # 21 is CAP_SYS_ADMIN, 13 is CAP_NET_RAW: out of the bounding set, and gone with the next program.
    done = played("""
import ctypes
libc = ctypes.CDLL(None)
for capability in range(41):
    libc.prctl(24, capability, 0, 0, 0)
sys.stdout.flush()
os.execv(sys.executable, [sys.executable, "-c", "import sys; from tcpprobe.cli.main import main; "
    "print(main(['fetch', 'http://127.0.0.1/']))"])
""")
    assert done.stdout == "2\n"
    assert done.stderr.startswith("tcpprobe: error: the raw link needs the capability CAP_NET_RAW: run as root, or use")
