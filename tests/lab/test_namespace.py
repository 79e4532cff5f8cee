import os
import traceback
from pathlib import Path

import pytest

from tcpprobe.lab import namespace
from tcpprobe.lab.namespace import NamespaceError


def in_another_process(function):
    """Call it in a forked process, which may leave this one's namespaces for good; fail with its traceback."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            function()
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        failure = pipe.read().decode()
    os.waitpid(pid, 0)
    assert not failure, failure


def here():
    return Path("/proc/self/ns/net").readlink()


def test_a_process_moves_to_namespaces_of_its_own():
    def move():
        host = here()
        assert namespace.enter() in ("net", "user+net")
        first = here()
        namespace.enter_another()
        assert len({host, first, here()}) == 3
        assert namespace.write_sysctls({"net.ipv4.tcp_syn_retries": "3"}) == []
        assert Path("/proc/sys/net/ipv4/tcp_syn_retries").read_text() == "3\n"

    before = Path("/proc/sys/net/ipv4/tcp_syn_retries").read_text()
    in_another_process(move)
    assert Path("/proc/sys/net/ipv4/tcp_syn_retries").read_text() == before


def test_settings_that_cannot_be_made_are_named():
    def write():
        namespace.enter()
        values = {"net.ipv4.no_such_setting": "1", "net.ipv4.tcp_retries2": "3", "net.ipv4.tcp_syn_retries": "999"}
        assert namespace.write_sysctls(values) == ["net.ipv4.no_such_setting", "net.ipv4.tcp_syn_retries"]

    in_another_process(write)


def test_refusal_is_one_plain_line(monkeypatch):
    monkeypatch.setattr(namespace, "_unshare", lambda _: 28)
    with pytest.raises(NamespaceError, match=r"^no private namespaces for this user \(No space left on device\)$"):
        namespace.enter()
    with pytest.raises(NamespaceError, match=r"^no second network namespace \(No space left on device\)$"):
        namespace.enter_another()


def test_a_process_whose_parent_is_gone_ends():
    def orphan():
        with pytest.raises(SystemExit):
            namespace.die_with_parent(os.getpid())  # surely not its parent

    in_another_process(orphan)
