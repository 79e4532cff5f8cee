"""Ten thousand connections at once, in one process."""

import subprocess
import sys

PROGRAM = """\
import random
from tcpprobe.tcp.endpoint import Endpoint
from tcpprobe.tcp.state import State
from tcpprobe.wire import ip

COUNT = 10_000
ours, theirs = ip.pack("192.0.2.1"), ip.pack("192.0.2.2")
client, server = Endpoint([ours], rng=random.Random(1)), Endpoint([theirs], rng=random.Random(2))
server.listen(7)
opened = []
for index in range(COUNT):
    opened.append(client.connect((ours, 1024 + index), (theirs, 7), 0.0))
    here, there = client, server
    while packets := here.packets_to_send(0.0):
        for packet in packets:
            there.packet_arrives(packet, 0.0)
        here, there = there, here
assert len(client.connections) == len(server.connections) == COUNT
assert all(each.state is State.ESTABLISHED for each in server.connections.values())
for each in (opened[0], opened[-1]):
    each.send(b"hello", 1.0)
    client.touch(each)
    for packet in client.packets_to_send(1.0):
        server.packet_arrives(packet, 1.0)
    pair = each.tcb.remote, each.tcb.local
    assert server.connections[pair].receive() == b"hello"
for line in open("/proc/self/status"):
    if line.startswith("VmHWM:"):  # ru_maxrss also counts what the process was before exec: its parent
        print(int(line.split()[1]) // 1024)
"""


def test_ten_thousand_connections_fit_into_400_megabytes() -> None:
    """Both ends of all of them; each is found by its four-tuple."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 400
