import contextlib
import re
import socket
import struct
import threading

import pytest

from tcpprobe.lab.services import Services, listen
from tcpprobe.lab.talkers import TALKERS, Talker
from tcpprobe.scenario.bundled import path as bundled_path
from tcpprobe.target.detect import LARGE, detect, kind_of
from tcpprobe.target.target import TargetError, parse


class Banner(Talker):
    def __init__(self):
        self.line = b"220 hello\r\n"

    def output(self):
        line, self.line = self.line, b""
        return line


class Web(Talker):
    def __init__(self):
        self.answer = b""

    def received(self, data):
        self.answer = b"HTTP/1.1 404 Not Found\r\n\r\nno" if data else b""

    def output(self):
        answer, self.answer = self.answer, b""
        self.finished = bool(answer)
        return answer


class Babble(Web):
    def received(self, data):
        self.answer = b"what?" if data else b""


class Mute(Talker):
    finished = True


@contextlib.contextmanager
def serving(make):
    listener = listen(socket.AF_INET, "127.0.0.1", 0)
    services = Services([(listener, make)])
    ours, theirs = socket.socketpair()
    services.watch(theirs.fileno(), services.stop)
    thread = threading.Thread(target=services.run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ours.close()
        thread.join()
        services.close()
        theirs.close()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (TALKERS[7], "echo"),
        (TALKERS[9], "discard"),
        (TALKERS[13], "daytime"),
        (TALKERS[19], "chargen"),
        (TALKERS[80], "http"),
        (Banner, "banner"),
        (Web, "web"),
        (Babble, "unknown"),
        (Mute, "brief"),
    ],
)
def test_the_kind_of_a_service(make, kind):
    with serving(make) as port:
        assert kind_of("127.0.0.1", port) == kind


class Lazy(Talker):
    """Answers a request for a page, small or large, and a POST before it has ended."""

    answer = b""

    def received(self, data):
        size = LARGE if b"/large" in data else LARGE - 1
        self.answer = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(size) if b"HTTP" in data else b""

    def output(self):
        answer, self.answer = self.answer, b""
        return answer


def test_a_web_server_with_a_large_page_is_a_source():
    with serving(Lazy) as port:
        assert kind_of("127.0.0.1", port, path="/large") == "http"
        assert kind_of("127.0.0.1", port, path="/small") == "web"
        assert kind_of("127.0.0.1", port) == "web"


def test_a_large_page_has_all_that_scenarios_ask_for():
    texts = [path.read_text() for path in bundled_path().rglob("*.probe.yaml")]
    assert max(int(size) for text in texts for size in re.findall(r"target: \{send: (\d+)", text)) == LARGE


def test_a_web_server_that_takes_a_post_in_silence_is_a_sink():
    with serving(TALKERS[80]) as port:
        assert detect(parse(f"127.0.0.1:{port}")).services["sink"] == port
    with serving(Lazy) as port:
        assert "sink" not in detect(parse(f"127.0.0.1:{port}")).services


def test_who_accepts_and_never_speaks_is_silent():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert kind_of("127.0.0.1", server.getsockname()[1], patience=0.05) == "silent"


def test_who_resets_is_brief():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset():
            accepted, _ = server.accept()
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            accepted.close()

        thread = threading.Thread(target=reset)
        thread.start()
        assert kind_of("127.0.0.1", server.getsockname()[1]) == "brief"
        thread.join()


def test_nothing_listening_is_a_plain_line():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(TargetError, match=f"^127.0.0.1 port {port} refuses connections"):
            kind_of("127.0.0.1", port)


def test_only_an_auto_target_is_asked():
    with serving(TALKERS[7]) as port:
        found = detect(parse(f"127.0.0.1:{port}"))
        assert found.service == "echo"
        assert found.services == {"wire": port, "echo": port}
        told = parse(f"127.0.0.1:{port}", service="http")
        assert detect(told) is told
