"""``tcpprobe send``: one segment to the kernel's TCP over loopback, and its answers."""

from __future__ import annotations

import socket

import pytest
from services import free_port


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def said(done):
    """What was printed, without times and addresses."""
    return [line[line.index("[") :] for line in done.out.splitlines()]


def test_a_syn_is_answered_and_reset(command, port):
    done = command("send", f"127.0.0.1:{port}", "S", "--wait", "0.1", "--seq", "100", "--option", "mss=1000")
    sent, answer, reset = said(done)
    assert sent == "[S] seq 100 win 65535 <mss 1000> len 0"
    assert answer.startswith("[SA] seq ")
    assert " ack 101 " in answer
    assert reset == "[R] seq 101 win 0 len 0"
    assert (done.code, done.err) == (0, "1 came back\n")


def test_a_segment_to_a_closed_port_is_reset(command):
    done = command("send", f"127.0.0.1:{free_port()}", "FPU", "--wait", "0.1", "--data", "hi", "--urgent", "2")
    assert said(done) == ["[FPU] seq 0 win 65535 urg 2 len 2", "[RA] seq 0 ack 3 win 0 len 0"]


def test_nothing_comes_back(command, port):
    done = command("send", f"127.0.0.1:{port}", "R", "--wait", "0.05")
    assert (done.code, done.err) == (1, "nothing came back in 0.05 s\n")
    assert len(said(done)) == 1


def test_all_fields(command, port):
    words = ["--seq", "0xfffffff0", "--ack", "7", "--window", "9", "--option", "wscale=3", "--option", "sack"]
    words += ["--option", "timestamps=5,0", "--option", "253=00ff", "--wait", "0.05"]
    done = command("send", f"127.0.0.1:{port}", "A", *words)
    sent, answer = said(done)
    assert sent == "[A] seq 4294967280 ack 7 win 9 <wscale 3, sack, timestamps 5 0, experiment_1 00ff> len 0"
    assert answer.startswith("[R] seq 7 ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("127.0.0.1:9", "X"), "'X' is not a TCP flag"),
        (("127.0.0.1:9", "S", "--option", "mess=1"), "'mess=1' is not a TCP option; there are mss, "),
        (("127.0.0.1:9", "S", "--option", "mss"), "'mss' is not a TCP option"),
        (("127.0.0.1", "S"), "'127.0.0.1' has no port"),
        (("lab:memory", "S"), "lab:memory is a lab; name host:port"),
        (("127.0.0.1:9", "S", "--data", "x" * 70000), "70020 bytes of payload and 0 of options do not fit"),
        (("127.0.0.1:9", "S", *["--option", "timestamps=1,2"] * 5), "52 bytes of options do not fit a TCP header"),
    ],
)
def test_what_is_not_possible_is_told_in_a_line(command, words, says):
    done = command("send", *words, "--wait", "0.05")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"tcpprobe: error: {says}")
    assert done.err.count("\n") == 1


def test_a_number_that_does_not_fit(command):
    done = command("send", "127.0.0.1:9", "S", "--window", "65536")
    assert done.code == 2
    assert "65536 does not fit 16 bits" in done.err
