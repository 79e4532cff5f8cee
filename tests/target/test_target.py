import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.target.target import CAPABILITIES, KINDS, LABS, Target, TargetError, is_ours, parse, resolve_host
from tcpprobe.wire import ip

NAMES = {
    "both.example": ["2001:db8::7", "192.0.2.7"],
    "four.example": ["192.0.2.7"],
    "public.example": ["8.8.8.8"],
    "strange.example": ["224.0.0.1"],
}


def resolve(host):
    if host not in NAMES:
        raise socket.gaierror(-2, "Name or service not known")
    return NAMES[host]


def read(text, **options):
    return parse(text, **{"resolve": resolve, "ours": lambda _: False, **options})


@pytest.mark.parametrize(
    ("text", "address", "port", "family"),
    [
        ("192.0.2.7:80", "192.0.2.7", 80, 4),
        (" 192.0.2.7:65535 ", "192.0.2.7", 65535, 4),
        ("[2001:db8::7]:1", "2001:db8::7", 1, 6),
        ("[::1]:7", "::1", 7, 6),
        ("[::ffff:192.0.2.7]:7", "192.0.2.7", 7, 4),
        ("four.example:7", "192.0.2.7", 7, 4),
        ("both.example:7", "2001:db8::7", 7, 6),
    ],
)
def test_host_and_port(text, address, port, family):
    target = read(text)
    assert target.address == ip.pack(address)
    assert target.host == address
    assert (target.port, target.family, target.lab) == (port, family, None)
    assert target.text == text.strip()


def test_the_family_asked_for():
    assert read("both.example:7", family=4).host == "192.0.2.7"
    assert read("both.example:7", family=6).host == "2001:db8::7"
    with pytest.raises(TargetError, match=r"^four\.example has no IPv6 address$"):
        read("four.example:7", family=6)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("192.0.2.7", "'192.0.2.7' has no port; write 192.0.2.7:80"),
        ("four.example:", "'four.example:' has no port; write four.example:80"),
        ("[::1]", "'[::1]' has no port; write [::1]:80"),
        (":80", "':80' has no host; write host:port, [v6]:port, lab:NAME or lab"),
        ("", "'' has no host; write host:port, [v6]:port, lab:NAME or lab"),
        ("four.example:0", "'four.example:0': a port is from 1 to 65535, not 0"),
        ("four.example:70000", "'four.example:70000': a port is from 1 to 65535, not 70000"),
        ("four.example:http", "'four.example:http': 'http' is not a port number"),
        ("four.example:²", "'four.example:²': '²' is not a port number"),
        ("[::1:7", "'[::1:7': the bracket is not closed; an IPv6 target is written [2001:db8::7]:80"),
        ("::1]:7", "'::1]:7': brackets go around an IPv6 address only, as in [2001:db8::7]:80"),
        ("[four.example]:7", "'[four.example]:7': only an IPv6 address goes in brackets; write four.example:7"),
        ("2001:db8::7", "'2001:db8::7': an IPv6 address needs brackets before its port, as in [2001:db8::7]:80"),
        ("[2001:db8:::7]:80", "'2001:db8:::7' is not an IP address"),
        ("192.0.2.700:80", "'192.0.2.700' is not an IP address"),
        ("http://four.example:80", "'http://four.example:80' is a URL; write host:port"),
        ("nowhere.example:80", "no such host: nowhere.example (Name or service not known)"),
        ("0.0.0.0:80", "0.0.0.0 is not the address of one host"),
        ("strange.example:80", "224.0.0.1 is not the address of one host"),
        ("[fe80::1%eth0]:80", "fe80::1%eth0 is link-local, which no link of ours can reach"),
        ("a\nb:80", "'a\\nb:80' holds characters that no target has"),
        ("lab:linx", "no lab is called 'linx' (did you mean 'linux'?); there are linux, "),
        ("lab:", "no lab is called ''; there are linux, "),
        ("labs", "'labs' has no port (did you mean 'lab'?); write labs:80"),
    ],
)
def test_mistakes_are_one_plain_line(text, sentence):
    with pytest.raises(TargetError) as caught:
        read(text)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=40) | st.from_regex(r"\[?[0-9a-f:.%]*\]?:?[0-9]*", fullmatch=True))
def test_anything_else_is_a_target_or_one_plain_line(text):
    try:
        result = read(text)
    except TargetError as error:
        result = str(error)
    assert isinstance(result, Target) or result.isprintable()


@pytest.mark.parametrize("text", ["8.8.8.8:53", "[2606:4700::1]:53", "public.example:53", "[::ffff:8.8.8.8]:53"])
def test_public_addresses_need_to_be_allowed(text):
    with pytest.raises(TargetError, match=r"is a public address.*--tcp-allow-public"):
        read(text)
    assert read(text, allow_public=True).port == 53
    assert read(text, ours=lambda _: True).port == 53


@pytest.mark.parametrize("text", ["127.0.0.1:7", "10.1.2.3:7", "172.16.0.1:7", "192.168.1.1:7", "169.254.1.1:7"])
def test_private_and_local_addresses_do_not(text):
    assert read(text).port == 7


def test_loopback_is_ours_and_documentation_is_not():
    assert is_ours(ipaddress.ip_address("127.0.0.1"))
    assert not is_ours(ipaddress.ip_address("192.0.2.99"))
    assert not is_ours(ipaddress.ip_address("2001:db8::99"))


def test_the_resolver_of_the_system():
    assert resolve_host("127.0.0.1") == ["127.0.0.1"]
    assert resolve_host("::1") == ["::1"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_service_makes_capabilities(kind):
    target = read("192.0.2.7:80", service=kind)
    assert target.services == {"wire": 80, **dict.fromkeys(CAPABILITIES.get(kind, ()), 80)}
    assert target.service == kind


def test_a_service_found_out_later():
    target = read("192.0.2.7:7").with_service("echo")
    assert target.services == {"wire": 7, "echo": 7}
    assert target.service == "echo"


def test_an_unknown_service_is_a_plain_line():
    with pytest.raises(TargetError, match=r"^no service is called 'ecko' \(did you mean 'echo'\?\); there are echo"):
        read("192.0.2.7:7", service="ecko")


def test_the_closed_port():
    assert read("192.0.2.7:7", closed_port=1).closed_port == 1
    assert read("192.0.2.7:7").closed_port is None
    for port in (0, 7, 65536):
        with pytest.raises(TargetError, match="the closed port must be from 1 to 65535 and not 7 itself"):
            read("192.0.2.7:7", closed_port=port)


@pytest.mark.parametrize("name", LABS)
def test_labs(name):
    target = read(f"lab:{name}")
    assert (target.lab, target.family) == (name, 6 if name.endswith("-ipv6") else 4)
    assert target.address == b""
    assert target.host == ""


def test_labs_of_a_family():
    assert read("lab").lab == "any"
    assert read("lab", family=6).family == 6
    assert read("lab:linux", family=6).lab == "linux-ipv6"
    assert read("lab:linux-ipv6", family=6).lab == "linux-ipv6"
    with pytest.raises(TargetError, match="lab:linux-ipv6 is an IPv6 target, but IPv4 was asked for"):
        read("lab:linux-ipv6", family=4)
