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

from tcpprobe.plugin.known import read as ledger
from tcpprobe.results.jsonl import read
from tcpprobe.results.model import Verdict

NGINX = """\
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen {host}:{port}; root {folder}; }} }}
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
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"{command[0]} does not accept connections: {(folder / 'log').read_text()}")
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    finally:
        process.terminate()
        process.wait(10)


def run(target: str, folder: Path) -> tuple[str, dict[str, Verdict]]:
    """The whole suite: its output, and each case's verdict."""
    command = [sys.executable, "-m", "tcpprobe", "run", target, "--tcp-link=raw", "--tcp-results=r.jsonl"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    _, results, end = read(folder / "r.jsonl")
    assert end is not None
    assert not end.cut_short
    return done.stdout, {result.id: result.verdict for result in results}


def judge(output: str, verdicts: dict[str, Verdict]) -> None:
    """Nothing is broken but what Linux is known to break, and nothing is an error of ours."""
    known = {**ledger("linux"), **ledger("linux-closed")}
    wrong = {id_ for id_, verdict in verdicts.items() if verdict in (Verdict.FAIL, Verdict.ERROR)}
    assert {id_ for id_ in wrong if id_ not in known and id_.partition("[")[0] not in known} == set(), output
    assert list(verdicts.values()).count(Verdict.PASS) > 150


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_nginx(host: str, tmp_path: Path) -> None:
    """Over IPv4 and IPv6."""
    port = free_port(host)
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(folder=tmp_path, host=f"[{host}]" if ":" in host else host, port=port))
    (tmp_path / "index.html").write_text("hello\n")
    with serving(["nginx", "-c", str(config), "-p", str(tmp_path)], host, port, tmp_path) as target:
        output, verdicts = run(target, tmp_path)
    judge(output, verdicts)
    assert "TCP conformance of" in output
    assert (tmp_path / "reports" / "latest.html").exists()


def test_a_server_with_a_small_backlog(tmp_path: Path) -> None:
    """Python's http.server accepts five at a time: our crowd must not be held against it."""
    port = free_port("127.0.0.1")
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with serving(command, "127.0.0.1", port, tmp_path) as target:
        output, verdicts = run(target, tmp_path)
    judge(output, verdicts)
