import socket

import pytest

from tcpprobe.lab import ways
from tcpprobe.lab.addresses import TARGET_4, TARGET_6
from tcpprobe.lab.namespace import NamespaceError

ADDRESS = socket.inet_pton(socket.AF_INET6, TARGET_6).hex()
LINE = "{address} 80 {zero} 00 {zero} 00000100 00000001 00000000 {flags} probe\n"


def routes(tmp_path, *flags):
    path = tmp_path / "ipv6_route"
    path.write_text("".join(LINE.format(address=ADDRESS, zero="0" * 32, flags=each) for each in flags))
    return path


def test_the_target_has_addresses_of_the_families_there_are(monkeypatch, tmp_path):
    monkeypatch.setattr(ways, "IPV6", tmp_path)
    assert ways.target_addresses() == {socket.AF_INET: TARGET_4, socket.AF_INET6: TARGET_6}
    monkeypatch.setattr(ways, "IPV6", tmp_path / "absent")
    assert ways.target_addresses() == {socket.AF_INET: TARGET_4}


def test_an_address_is_up_when_the_kernel_takes_what_is_sent_to_it(tmp_path):
    ways.wait_until_addressed(routes(tmp_path, "00000001", "80200001"), limit=0)


def test_an_address_that_does_not_come_up_is_a_plain_line(tmp_path):
    with pytest.raises(NamespaceError, match=r"^the address 2001:db8::1 did not come up within 0 s$"):
        ways.wait_until_addressed(routes(tmp_path, "00000001"), limit=0)


def test_without_a_device_node_there_is_no_tun(monkeypatch):
    monkeypatch.setattr(ways, "TUN", "/nonexistent/tun")
    with pytest.raises(NamespaceError, match=r"^/nonexistent/tun cannot be opened \(No such file or directory\)$"):
        ways.through_tun()
