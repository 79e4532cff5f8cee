"""Which addresses can be a host's."""

from __future__ import annotations

import pytest

from tcpprobe.wire.hosts import is_a_host
from tcpprobe.wire.ip import pack

HOSTS = ("192.0.2.1", "10.1.2.3", "198.18.0.1", "2001:db8::1", "fe80::1")
OTHERS = ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1")


@pytest.mark.parametrize("address", HOSTS)
def test_hosts(address: str) -> None:
    assert is_a_host(pack(address))


@pytest.mark.parametrize("address", OTHERS)
def test_others(address: str) -> None:
    assert not is_a_host(pack(address))
