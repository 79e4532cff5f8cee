import importlib.metadata
import os
import socket

import pytest

from tcpprobe.lab import doctor
from tcpprobe.lab.doctor import Check, State
from tcpprobe.lab.lab import LabError


class FakeSocket:
    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def bind(self, address):
        pass

    def close(self):
        pass


def refused(error):
    def refuse(*_):
        raise error

    return refuse


def test_everything_is_looked_at_once_and_rendered(tmp_path):
    found = doctor.checks("lo", tmp_path)
    names = [each.name for each in found]
    assert len(set(names)) == len(names)
    assert {
        "python",
        "kernel",
        "raw sockets",
        "namespaces",
        "tun",
        "ipv6",
        "lab:linux",
        "lab:lwip",
        "scapy",
        "disk",
    } < set(names)
    assert names[-1] == "offloads"
    text = doctor.render(found)
    for each in found:
        assert each.says in text
        assert each.command in text


def test_the_command_stands_below_its_finding():
    text = doctor.render([Check("a", State.OK, "fine"), Check("name", State.WARN, "not fine", "fix it")])
    assert text == "ok       a     fine\nwarn     name  not fine\n               $ fix it"


def test_python():
    assert doctor.python((3, 11, 0)).state == "ok"
    assert doctor.python((3, 10, 9)).state == "missing"


@pytest.mark.parametrize(
    ("error", "says", "command"),
    [
        ("lab:lwip needs the package gcc; `sudo …` helps", "lab:lwip needs the package gcc", "sudo apt install it"),
        ("lwIP ended at once: no", "lwIP ended at once: no", ""),
    ],
)
def test_a_stack_that_does_not_open(error, says, command):
    found = doctor.stack_lab("lwip", "sudo apt install it", refused(LabError(error)))
    assert (found.name, found.state, found.says, found.command) == ("lab:lwip", "warn", says, command)


def test_the_stacks_that_open_say_what_they_are():
    assert [doctor.stack_lab(name, "").state for name in doctor.STACKS] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("system", "release", "state"),
    [("Linux", "6.18.0-rc1", "ok"), ("Linux", "5.3.0", "ok"), ("Linux", "4.19.0", "warn"), ("Darwin", "24.1", "warn")],
)
def test_kernel(system, release, state):
    assert doctor.kernel(system, release).state == state


def test_raw_sockets():
    assert doctor.raw_sockets(FakeSocket).state == "ok"
    forbidden = doctor.raw_sockets(refused(PermissionError(1, "Operation not permitted")))
    assert forbidden.state == "warn"
    assert forbidden.command.startswith("sudo setcap cap_net_raw+ep /")
    assert doctor.raw_sockets(refused(OSError(97, "Address family not supported"))).state == "warn"


def test_user_namespaces(tmp_path):
    assert doctor.user_namespaces(tmp_path, user=0).state == "ok"
    assert doctor.user_namespaces(tmp_path, user=1000).state == "ok"
    for name, value, command in doctor.NAMESPACE_SWITCHES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{value}\n")
        found = doctor.user_namespaces(tmp_path, user=1000)
        assert (found.state, found.command) == ("warn", command)
        path.write_text("12345\n")


def test_tun_device(tmp_path):
    path = tmp_path / "tun"
    assert doctor.tun_device(path).command == "sudo modprobe tun"
    path.mkdir()
    assert doctor.tun_device(path).command == f"sudo chmod 666 {path}"
    assert doctor.tun_device(path.parent.joinpath(os.devnull)).state == "ok"


def test_ipv6():
    assert doctor.ipv6(FakeSocket).state == "ok"
    found = doctor.ipv6(refused(OSError(97, "Address family not supported")))
    assert (found.state, found.command) == ("warn", "sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0")


def test_a_lab_that_does_not_open():
    found = doctor.kernel_lab(refused(LabError("no namespaces; `tcpprobe doctor` says what would help")))
    assert (found.state, found.says) == ("warn", "no namespaces; lab:memory works everywhere")


@pytest.mark.parametrize(
    ("version", "state"), [("2.6", "ok"), ("2.6.1", "ok"), ("2.10.0", "ok"), ("2.5.9", "missing"), (None, "missing")]
)
def test_package(version, state):
    def version_of(name):
        if version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version

    found = doctor.package("scapy", version_of)
    assert found.state == state
    assert ('-m pip install "scapy>=2.6"' in found.command) == (state == "missing")


def test_the_packages_are_those_of_the_project():
    required = importlib.metadata.requires("tcpprobe")
    for name, (oldest, _) in doctor.PACKAGES.items():
        assert any(each.lower().startswith(f"{name}>={oldest}") for each in required)


@pytest.mark.parametrize(("free", "state"), [(10**12, "ok"), (10**8, "warn"), (10**6, "missing")])
def test_disk(tmp_path, free, state):
    assert doctor.disk(tmp_path, lambda _: (0, 0, free)).state == state


def test_offloads():
    assert doctor.offloads("eth0", lambda _: {"generic-receive-offload": False}).state == "ok"
    merging = doctor.offloads("eth0", lambda _: {"generic-receive-offload": True, "large-receive-offload": True})
    assert (merging.state, merging.command) == ("warn", "sudo ethtool -K eth0 gro off lro off")


def test_offloads_of_a_real_and_of_no_interface():
    assert "lo" in doctor.offloads("lo").says
    assert doctor.offloads("nonesuch").command == "ip -brief link"
    assert socket.if_nametoindex("lo")
