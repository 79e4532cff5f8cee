"""The bundled suite against services that nobody here wrote, on loopback, over the raw link."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcpprobe.results.jsonl import read
from tcpprobe.results.model import Verdict

QUICK = ("-m", "not slow")
NGINX = """\
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen {host}:{port}; root {folder}; }} }}
"""

LIGHTTPD = """\
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
"""


def free_port(host: str) -> int:
    """A port that nobody uses now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(command: list[str], host: str, port: int, folder: Path) -> Iterator[str]:
    """The command, once it accepts connections; gives what to call the target."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        for _ in range(2000):
            with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"{command[0]} does not accept connections: {(folder / 'log').read_text()}")
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    finally:
        process.terminate()
        process.wait(60)


def run(target: str, folder: Path, ledgers: tuple[str, ...], *words: str) -> str:
    """The suite's output: it finds what these ledgers list, nothing else, and judges much."""
    known = [f"--tcp-known={name}" for name in ledgers]
    options = ["--tcp-link=raw", "--tcp-results=r.jsonl", *known, *words]
    command = [sys.executable, "-m", "tcpprobe", "run", target, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    _, results, end = read(folder / "r.jsonl")
    assert end is not None
    assert not end.cut_short
    assert [result.verdict for result in results].count(Verdict.PASS) > 700
    return done.stdout


@pytest.mark.parametrize(("host", "words"), [("127.0.0.1", ()), ("::1", QUICK)])
def test_nginx(host: str, words: tuple[str, ...], tmp_path: Path) -> None:
    """Over IPv4 the whole suite, and over IPv6. It closes its sockets for good."""
    port = free_port(host)
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(folder=tmp_path, host=f"[{host}]" if ":" in host else host, port=port))
    (tmp_path / "index.html").write_text("hello\n")
    with serving(["nginx", "-c", str(config), "-p", str(tmp_path)], host, port, tmp_path) as target:
        output = run(target, tmp_path, ("linux", "linux-closed"), *words)
    assert "TCP conformance of" in output
    assert (tmp_path / "reports" / "latest.html").exists()


def test_lighttpd(tmp_path: Path) -> None:
    """It closes its half first and waits for ours."""
    port = free_port("127.0.0.1")
    config = tmp_path / "lighttpd.conf"
    config.write_text(LIGHTTPD.format(folder=tmp_path, port=port))
    (tmp_path / "index.html").write_text("hello\n")
    with serving(["lighttpd", "-D", "-f", str(config)], "127.0.0.1", port, tmp_path) as target:
        run(target, tmp_path, ("linux",), *QUICK)


def test_a_server_with_a_small_backlog(tmp_path: Path) -> None:
    """Python's http.server accepts five at a time: our crowd must not be held against it."""
    port = free_port("127.0.0.1")
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with serving(command, "127.0.0.1", port, tmp_path) as target:
        run(target, tmp_path, ("linux", "linux-closed"), *QUICK)


def test_a_process_for_each_connection(tmp_path: Path) -> None:
    """As inetd did it: cat is an echo service; with a backlog of five, too."""
    port = free_port("127.0.0.1")
    command = ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", "EXEC:cat"]
    with serving(command, "127.0.0.1", port, tmp_path) as target:
        run(target, tmp_path, ("linux",), *QUICK)


def test_a_server_that_speaks_first(tmp_path: Path) -> None:
    """A mail server greets: no scenario may take that for an answer."""
    port = free_port("127.0.0.1")
    command = [sys.executable, str(Path(__file__).with_name("greeter.py")), "127.0.0.1", str(port)]
    with serving(command, "127.0.0.1", port, tmp_path) as target:
        run(target, tmp_path, ("linux",), *QUICK)
