import errno
import os
import socket
import traceback
from pathlib import Path

import pytest

from tcpprobe.lab import namespace
from tcpprobe.lab.netlink import IFF_NOARP, Netlink

MAC, PEER_MAC = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")


def in_a_namespace(function):
    """Call it in a forked process with a network of its own; fail with its traceback."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            namespace.enter()
            function(Netlink())
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        failure = pipe.read().decode()
    os.waitpid(pid, 0)
    assert not failure, failure


def make_pair(netlink):
    """Both ends here; the second in a namespace of its own, in which this process is now."""
    namespace.enter_another()
    descriptor = os.open("/proc/self/ns/net", os.O_RDONLY)
    netlink.add_veth(77, "one", MAC, peer="other", peer_mac=PEER_MAC, peer_namespace=descriptor)
    os.close(descriptor)
    return Netlink()


def test_a_pair_has_the_names_indexes_and_addresses_given():
    def check(netlink):
        make_pair(netlink)
        assert socket.if_nametoindex("other") == 77
        assert ("one" in Path("/proc/net/dev").read_text()) is False

    in_a_namespace(check)


def test_an_interface_comes_up_with_its_address_and_routes_everything():
    def check(netlink):
        inner = make_pair(netlink)
        inner.set_up(77, flags=IFF_NOARP, mtu=1400, queue=9000)
        inner.add_address(77, socket.inet_pton(socket.AF_INET, "192.0.2.1"), 32)
        inner.add_address(77, socket.inet_pton(socket.AF_INET6, "2001:db8::1"), 128)
        inner.add_default_route(77, socket.AF_INET)
        inner.add_default_route(77, socket.AF_INET6, socket.inet_pton(socket.AF_INET6, "fe80::2"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("203.0.113.5", 9))
            assert probe.getsockname()[0] == "192.0.2.1"
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(("2001:db8:9::5", 9))
            assert probe.getsockname()[0] == "2001:db8::1"

    in_a_namespace(check)


def test_what_the_kernel_refuses_is_an_error():
    def check(netlink):
        with pytest.raises(OSError, match="No such device") as caught:
            netlink.set_up(4711)
        assert caught.value.errno == errno.ENODEV
        netlink.set_up(1)

    in_a_namespace(check)
