"""Tests in Python that drive a connection by hand: the documentation's examples, and what is said when they fail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "python-tests.md"
HEAD = "from scapy.layers.inet import IP, TCP, ICMP\nfrom scapy.layers.inet6 import IPv6\n\n"


@pytest.fixture
def play(suite, probe):
    """Run one test function in Python, given as its body."""

    def call(body: str, *words: str, target: str | None = "lab:memory") -> pytest.RunResult:
        lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
        probe("test_mine.py", f"{HEAD}\ndef test_mine(tcp_connection, tcp_target):\n{lines}")
        return suite("test_mine.py", *words, target=target)

    return call


@pytest.mark.parametrize("target", ["lab:memory", "lab:linux"])
def test_the_examples_of_the_documentation_hold(suite, probe, target):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    probe("test_example.py", example)
    suite("test_example.py", target=target).assert_outcomes(passed=6)


def test_without_a_target_they_are_skipped(play):
    done = play("pass", "-rs", target=None)
    done.assert_outcomes(skipped=1)
    done.stdout.fnmatch_lines(["SKIPPED*no --tcp-target"])


def test_once_with_each_target(play):
    body = """
tcp_connection.send((IPv6() if tcp_target.family == 6 else IP()) / TCP(flags="S"))
tcp_connection.expect(flags="SA")
"""
    done = play(body, "--tcp-target=lab:memory-ipv6", "-v")
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["*::test_mine[[]lab:memory] PASSED*", "*::test_mine[[]lab:memory-ipv6] PASSED*"])


def test_the_way_is_not_waited_for(play):
    """Half a second there and back, and an answer that is due within a tenth."""
    body = """
tcp_connection.open()
tcp_connection.send(TCP(flags="PA") / b"x")
tcp_connection.expect(flags="A", ack=tcp_connection.snd_nxt, within=0.1)
"""
    play(body, "--tcp-impair=delay=250ms").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            'tcp_connection.send(TCP(flags="S"))\ntcp_connection.expect(flags="RA", ack=5)',
            "*Unexpected: expected flags 'RA', ack 5; came * [[]SA] seq 0 ack 1 *; not as expected: flags, ack",
        ),
        ('tcp_connection.expect(flags="R", within=0.1)', "*Unexpected: nothing came within 0.1 s; expected flags 'R'"),
        (
            'tcp_connection.send(TCP(flags="S"))\ntcp_connection.expect_nothing()',
            "*Unexpected: expected nothing for 0.5 s; came * [[]SA] *",
        ),
        ("tcp_connection.expect()", "*Unexpected: nothing came within 1 s; expected a packet"),
        ('tcp_connection.send(TCP(flags="S"))\ntcp_connection.expect(nothing_of_the_kind=1)', "*expected: nothing_of*"),
        ("from scapy.packet import Raw\ntcp_connection.send(Raw(b'x'))", "*ValueError: neither a TCP layer nor an IP*"),
    ],
)
def test_what_is_missed_is_told(play, body, told):
    done = play(body)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines([told])


def test_push_counts_only_when_it_is_named(play):
    play(
        """
tcp_connection.open()
tcp_connection.send(TCP(flags="PA") / b"hello")
tcp_connection.expect(flags="A", load=b"hello")
assert tcp_connection.data == b"hello"
assert tcp_connection.state == "ESTABLISHED"
tcp_connection.send(TCP(flags="PA") / b"again")
tcp_connection.expect(flags="PA")
assert tcp_connection.data == b"helloagain"
"""
    ).assert_outcomes(passed=1)


def test_what_is_wrong_on_purpose_goes_out_as_it_is(play):
    play(
        """
tcp_connection.send(TCP(flags="S", chksum=1))
tcp_connection.expect_nothing()
tcp_connection.send(TCP(flags="S", dataofs=4))
tcp_connection.expect_nothing()
tcp_connection.send(TCP(flags="S"))
tcp_connection.expect(flags="SA")
"""
    ).assert_outcomes(passed=1)


def test_a_closed_connection_is_reset(play):
    play(
        """
tcp_connection.open()
tcp_connection.close()
tcp_connection.close()
"""
    ).assert_outcomes(passed=1)


def test_an_unreachable_target_ends_the_run(play, closed):
    done = play("pass", target=closed)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stdout.fnmatch_lines([f"*{closed.replace(':', ' port ')} refuses connections: nothing listens there*"])
