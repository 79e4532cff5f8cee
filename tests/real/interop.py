"""Our TCP and those of others: whole files each way, against programs that people use.

Run as a script it plays the whole matrix and writes the table in docs/endpoint.md::

    python tests/real/interop.py
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from neighbour import DEVICE, OURS, PEER, Neighbour

from tcpprobe.link.base import Link
from tcpprobe.link.device import open_tun
from tcpprobe.link.listening import ListeningLink
from tcpprobe.link.raw import RawLink
from tcpprobe.stream.listener import Listener
from tcpprobe.stream.loop import Tap
from tcpprobe.stream.opening import connect, loop_over
from tcpprobe.stream.stream import Stream
from tcpprobe.wire import ip

PORT = 5001
LINKS = ("tun", "veth")
IMPAIRMENTS = {
    "clean": "",
    "1 %": "loss=1% duplicate=1% reorder=1%",
    "5 %": "loss=5% duplicate=5% reorder=5%",
}

#: A kernel socket as the peer, with the congestion control it is told to use.
KERNEL = """\
import hashlib, socket, sys
role, way, congestion, host, path, family = sys.argv[1:]
family = socket.AF_INET6 if family == "6" else socket.AF_INET
def use(sock):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
if role == "server":
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    use(listener)
    listener.bind((host, 5001))
    listener.listen()
    connection = listener.accept()[0]
else:
    connection = socket.socket(family)
    use(connection)
    connection.connect((host, 5001))
if way == "sends":
    with open(path, "rb") as file:
        connection.sendfile(file)
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(1) == b""
else:
    digest = hashlib.sha256()
    while data := connection.recv(1 << 18):
        digest.update(data)
    connection.close()
    print(digest.hexdigest(), flush=True)
"""

NGINX = """\
daemon off; master_process off; user root; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder}; sendfile on;
  server {{ listen 5001; listen [::]:5001; root {folder}; }} }}
"""


@dataclass(frozen=True)
class Setting:
    """Where one transfer takes place, and what is transferred."""

    neighbour: Neighbour
    family: int
    impairment: str
    folder: Path
    size: int
    seed: int = 1
    tap: Tap | None = None

    @property
    def file(self) -> Path:
        """What is sent, either way."""
        return self.folder / "file"

    @property
    def digest(self) -> str:
        """Its SHA-256."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    @contextlib.contextmanager
    def link(self) -> Iterator[Link]:
        """Our end."""
        with self.neighbour.inside():
            if self.neighbour.way == "tun":
                link: Link = open_tun(DEVICE, ip.pack(OURS[self.family]))
                self.neighbour.wait_until_ready()
            else:
                link = RawLink(ip.pack(PEER[self.family]))
            with contextlib.closing(link):
                yield self.impaired(link)

    def impaired(self, link: Link) -> Link:
        """The link, as bad as it shall be."""
        if not self.impairment:
            return link
        from tcpprobe.link.impaired import impaired

        return impaired(link, f"{self.impairment} seed={self.seed}")


def prepared(folder: Path, size: int, seed: int = 1) -> None:
    """The file to send: nothing in it repeats, so that nothing can be mistaken for something else."""
    folder.mkdir(exist_ok=True)
    (folder / "file").write_bytes(random.Random(seed).randbytes(size))


# -- what we do: each takes a connection and returns the digest of what arrived, or None


def receive(stream: Stream) -> str:
    """Everything until the peer closes."""
    digest = hashlib.sha256()
    while data := stream.receive():
        digest.update(data)
    stream.close()
    return digest.hexdigest()


def get(stream: Stream) -> str:
    """What a web server sends when asked for the file."""
    stream.send(b"GET /file HTTP/1.1\r\nHost: peer\r\nConnection: close\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        head += stream.receive()
    assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")), head[:200]
    digest = hashlib.sha256(head.partition(b"\r\n\r\n")[2])
    while data := stream.receive():
        digest.update(data)
    stream.close()
    return digest.hexdigest()


def send(stream: Stream, data: bytes) -> None:
    """All of it."""
    stream.send(data)
    stream.close()


# -- the peers: each plays one transfer and returns (digest that arrived, our statistics)

Transfer = Callable[[Setting], str]


def _program(setting: Setting, *command: str, capture: bool = False, **options: object) -> subprocess.Popen[bytes]:
    return setting.neighbour.start(
        *command, cwd=setting.folder, stdout=subprocess.PIPE if capture else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, **options,
    )  # fmt: skip


def _kernel(setting: Setting, role: str, way: str, congestion: str) -> subprocess.Popen[bytes]:
    host = PEER[setting.family] if role == "server" else OURS[setting.family]
    arguments = (role, way, congestion, host, str(setting.file), str(setting.family))
    return _program(setting, sys.executable, "-c", KERNEL, *arguments, capture=way == "receives")


def _said(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.communicate(timeout=300)[0].decode().strip()


@contextlib.contextmanager
def dialled(setting: Setting) -> Iterator[Stream]:
    """Our connection to the program that listens next door."""
    setting.neighbour.wait_for(PORT)
    with setting.link() as link, connect(PEER[setting.family], PORT, link=link, timeout=60, tap=setting.tap) as stream:
        yield stream


@contextlib.contextmanager
def answered(
    setting: Setting, start: Callable[[], subprocess.Popen[bytes]]
) -> Iterator[tuple[Stream, subprocess.Popen[bytes]]]:
    """The connection of a program next door to us."""
    with contextlib.ExitStack() as stack:
        if setting.neighbour.way == "tun":
            link: Link | str = stack.enter_context(setting.link())
            listener = Listener(PORT, link=link, source_ip=OURS[setting.family], timeout=60, tap=setting.tap)
        else:
            stack.enter_context(setting.neighbour.inside())
            link = setting.impaired(ListeningLink(PORT, address=ip.pack(OURS[setting.family])))
            stack.callback(link.close)
            listener = Listener(PORT, link=link, source_ip=OURS[setting.family], timeout=60, tap=setting.tap)
        stack.enter_context(listener)
        process = start()
        yield listener.accept(), process


def from_kernel(congestion: str) -> Transfer:
    """We connect, a kernel socket sends."""

    def play(setting: Setting) -> str:
        _kernel(setting, "server", "sends", congestion)
        with dialled(setting) as stream:
            return receive(stream)

    return play


def to_kernel(congestion: str) -> Transfer:
    """We connect and send, a kernel socket receives."""

    def play(setting: Setting) -> str:
        process = _kernel(setting, "server", "receives", congestion)
        with dialled(setting) as stream:
            send(stream, setting.file.read_bytes())
        return _said(process)

    return play


def kernel_sends_us(congestion: str) -> Transfer:
    """A kernel socket connects and sends."""

    def play(setting: Setting) -> str:
        with answered(setting, lambda: _kernel(setting, "client", "sends", congestion)) as (stream, _):
            return receive(stream)

    return play


def kernel_receives_ours(congestion: str) -> Transfer:
    """A kernel socket connects and receives."""

    def play(setting: Setting) -> str:
        with answered(setting, lambda: _kernel(setting, "client", "receives", congestion)) as (stream, process):
            send(stream, setting.file.read_bytes())
            return _said(process)

    return play


def from_nginx(setting: Setting) -> str:
    """GET of a file."""
    (setting.folder / "nginx.conf").write_text(NGINX.format(folder=setting.folder))
    _program(setting, "nginx", "-c", str(setting.folder / "nginx.conf"), "-p", str(setting.folder))
    with dialled(setting) as stream:
        return get(stream)


def from_http_server(setting: Setting) -> str:
    """GET of a file from Python's http.server."""
    _program(setting, sys.executable, "-m", "http.server", str(PORT), "--bind", PEER[setting.family])
    with dialled(setting) as stream:
        return get(stream)


def from_netcat(setting: Setting) -> str:
    """OpenBSD netcat listens and sends."""
    with setting.file.open("rb") as file:
        _program(setting, "nc", f"-{setting.family}", "-N", "-l", str(PORT), stdin=file)
        with dialled(setting) as stream:
            return receive(stream)


def to_netcat(setting: Setting) -> str:
    """OpenBSD netcat listens and receives."""
    process = _program(setting, "sh", "-c", f"nc -{setting.family} -l {PORT} </dev/null | sha256sum", capture=True)
    with dialled(setting) as stream:
        send(stream, setting.file.read_bytes())
    return _said(process).split()[0]


def netcat_sends_us(setting: Setting) -> str:
    """OpenBSD netcat connects and sends."""
    with setting.file.open("rb") as file:
        command = ("nc", "-N", OURS[setting.family], str(PORT))
        with answered(setting, lambda: _program(setting, *command, stdin=file)) as (stream, _):
            return receive(stream)


def curl_gets_ours(setting: Setting) -> str:
    """curl fetches the file from us."""
    host = f"[{OURS[6]}]" if setting.family == 6 else OURS[4]
    command = ("sh", "-c", f"curl -sg http://{host}:{PORT}/file | sha256sum")
    with answered(setting, lambda: _program(setting, *command, capture=True)) as (stream, process):
        request = b""
        while b"\r\n\r\n" not in request:
            request += stream.receive()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {setting.size}\r\nConnection: close\r\n\r\n"
        send(stream, head.encode() + setting.file.read_bytes())
        return _said(process).split()[0]


def curl_puts_to_us(setting: Setting) -> str:
    """curl uploads the file to us."""
    host = f"[{OURS[6]}]" if setting.family == 6 else OURS[4]
    command = ("curl", "-sg", "-T", str(setting.file), "-H", "Expect:", f"http://{host}:{PORT}/file")
    with answered(setting, lambda: _program(setting, *command)) as (stream, _):
        data = b""
        while b"\r\n\r\n" not in data:
            data += stream.receive()
        data = data.partition(b"\r\n\r\n")[2]
        digest, got = hashlib.sha256(data), len(data)
        while got < setting.size:
            data = stream.receive()
            digest.update(data)
            got += len(data)
        send(stream, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return digest.hexdigest()


IPERF_STATES = {
    "start": 1,
    "running": 2,
    "end": 4,
    "parameters": 9,
    "streams": 10,
    "results": 13,
    "display": 14,
    "done": 16,
}


def _iperf(setting: Setting, *, reverse: bool) -> str:
    """iperf3 next door as a sink, or as a source: its own control connection beside one of data, both ours."""
    _program(setting, "iperf3", "-s", "-1", "-p", str(PORT))
    setting.neighbour.wait_for(PORT)
    cookie = b"tcpprobe-interoperation-with-iperf3-\0"
    with setting.link() as link, contextlib.ExitStack() as stack:
        target = ip.pack(PEER[setting.family])
        lease = link.lend(target, 2)
        stack.callback(lease.release)
        loop, ports = loop_over(link, lease, None, setting.tap), list(lease.ports)

        def dial() -> Stream:
            stream = Stream(loop, loop.open((lease.address, ports.pop()), (target, PORT)), timeout=60)
            stream.establish()
            return stack.enter_context(stream)

        def await_state(name: str) -> None:
            assert control.receive(1)[0] == IPERF_STATES[name]

        def tell(value: object) -> None:
            text = json.dumps(value).encode()
            control.send(len(text).to_bytes(4, "big") + text)

        def told() -> dict[str, list[dict[str, int]]]:
            data, length = b"", 4
            while len(data) < length:
                data += control.receive(length - len(data))
                if len(data) == 4:
                    length += int.from_bytes(data, "big")
            return dict(json.loads(data[4:]))

        control = dial()
        control.send(cookie)
        await_state("parameters")
        wish = {"tcp": True, "omit": 0, "num": setting.size, "parallel": 1, "len": 131072}
        tell({**wish, "reverse": True} if reverse else wish)
        await_state("streams")
        flow = dial()
        flow.send(cookie)
        await_state("start")
        await_state("running")
        moved = 0
        if reverse:
            while moved < setting.size:
                moved += len(flow.receive())
        else:
            flow.send(setting.file.read_bytes())
            moved = setting.size
            assert flow.wait(lambda: not flow.unacknowledged, 600)
            setting.neighbour.wait_until_read(PORT)  # after the next word it counts no more
        control.send(bytes([IPERF_STATES["end"]]))
        while (state := control.receive(1)[0]) != IPERF_STATES["results"]:
            assert state in IPERF_STATES.values()
        ours = {"id": 1, "bytes": moved, "retransmits": 0, "jitter": 0, "errors": 0, "packets": 0}
        usage = dict.fromkeys(("cpu_util_total", "cpu_util_user", "cpu_util_system", "sender_has_retransmits"), 0)
        tell({**usage, "streams": [ours]})
        counted = told()["streams"][0]["bytes"]
        await_state("display")
        control.send(bytes([IPERF_STATES["done"]]))
        flow.abort()
    assert counted >= setting.size
    return setting.digest  # iperf3 says how much, not what


TRANSFERS: dict[str, Transfer] = {
    "kernel cubic → us": from_kernel("cubic"),
    "us → kernel cubic": to_kernel("cubic"),
    "kernel reno → us": from_kernel("reno"),
    "us → kernel reno": to_kernel("reno"),
    "kernel bbr → us": from_kernel("bbr"),
    "us → kernel bbr": to_kernel("bbr"),
    "kernel cubic connects → us": kernel_sends_us("cubic"),
    "us → kernel cubic that connects": kernel_receives_ours("cubic"),
    "nginx → us": from_nginx,
    "http.server → us": from_http_server,
    "netcat → us": from_netcat,
    "us → netcat": to_netcat,
    "netcat connects → us": netcat_sends_us,
    "us → curl": curl_gets_ours,
    "curl → us": curl_puts_to_us,
    "us → iperf3": lambda setting: _iperf(setting, reverse=False),
    "iperf3 → us": lambda setting: _iperf(setting, reverse=True),
}


def play(
    name: str, way: str, family: int, impairment: str, folder: Path, size: int, tap: Tap | None = None
) -> tuple[bool, float, dict[str, int]]:
    """One transfer in a namespace of its own: (bit for bit the same, seconds, the peer's counters)."""
    with Neighbour(way) as neighbour:
        setting = Setting(neighbour, family, IMPAIRMENTS[impairment], folder, size, tap=tap)
        began = time.monotonic()
        arrived = TRANSFERS[name](setting)
        return arrived == setting.digest, time.monotonic() - began, neighbour.counters()


SIZES = {"clean": 50_000_000, "1 %": 20_000_000, "5 %": 5_000_000}
AT_ONCE = 2
DOCUMENT = Path(__file__).parents[2] / "docs" / "endpoint.md"
MARKS = ("<!-- interoperation -->\n", "<!-- /interoperation -->\n")


def table() -> str:
    """The whole matrix as Markdown; every cell a transfer that was played just now, in MB/s."""
    columns = [(way, family, name) for way in LINKS for family in (4, 6) for name in IMPAIRMENTS]
    lines = [
        "| transfer | " + " | ".join(f"{way} v{family} {name}" for way, family, name in columns) + " |",
        "| --- |" + " --: |" * len(columns),
    ]
    wanted = [(transfer, column) for transfer in TRANSFERS for column in columns]
    with ProcessPoolExecutor(AT_ONCE) as pool:
        cells = list(pool.map(_cell, wanted))
    for transfer in TRANSFERS:
        row, cells = cells[: len(columns)], cells[len(columns) :]
        lines.append(f"| {transfer} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def _cell(wanted: tuple[str, tuple[str, int, str]]) -> str:
    transfer, column = wanted
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "files"
        size = SIZES[column[2]]
        prepared(folder, size)
        try:
            same, seconds, counters = play(transfer, *column, folder, size)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            text = f"**{type(error).__name__}**"
        else:
            text = f"{size / seconds / 1e6:.1f}" if same else "**differs**"
            if column[2] == "clean" and (counters["TcpExtTCPTimeouts"] or counters["TcpOutRsts"]):
                text += f" ({counters['TcpExtTCPTimeouts']} time-outs, {counters['TcpOutRsts']} RST)"
    print(transfer, *column, text, flush=True)
    return text


def main() -> None:
    """Play everything, and write it down."""
    before, rest = DOCUMENT.read_text().split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    DOCUMENT.write_text(before + MARKS[0] + table() + MARKS[1] + after)


if __name__ == "__main__":
    main()
