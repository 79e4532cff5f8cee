import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.lab.talkers import PATTERN_PERIOD, TALKERS, Chargen, Daytime, Echo, Http, Talker


def said(talker, limit=1 << 20):
    """Everything a talker says now."""
    said = b""
    while len(said) < limit and (piece := talker.output()):
        said += piece
    return said


def http(*pieces):
    talker = Http()
    answers = b""
    for piece in pieces:
        talker.received(piece)
        answers += said(talker)
    return answers, talker.finished


def body(answer):
    return answer.partition(b"\r\n\r\n")[2]


def pattern(size):
    return bytes(i % PATTERN_PERIOD for i in range(size))


def test_echo_says_what_it_hears_in_order():
    talker = Echo()
    talker.received(b"one ")
    talker.received(b"two")
    assert said(talker) == b"one two"
    assert not said(talker)
    assert not talker.finished


def test_discard_says_nothing():
    talker = TALKERS[9]()
    assert type(talker) is Talker
    talker.received(b"anything")
    assert not said(talker)
    assert not talker.finished


def test_daytime_says_one_line_and_is_finished():
    talker = Daytime()
    line = said(talker)
    assert line.endswith(b"\r\n")
    assert line.count(b"\n") == 1
    assert talker.finished
    assert not said(talker)


def test_chargen_says_the_rotating_lines_of_rfc_864_for_ever():
    lines = said(Chargen()).split(b"\r\n")
    assert lines[0] == bytes(range(32, 104))
    assert lines[1] == bytes(range(33, 105))
    assert {len(each) for each in lines[:-1]} == {72}
    assert lines[95] == lines[0]


@pytest.mark.parametrize("size", [0, 1, 250, 251, 252, 65535, 65536, 65537, 200_000])
def test_http_serves_exactly_so_many_octets(size):
    answer, finished = http(f"GET /bytes/{size} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {size}\r\n".encode() in answer
    assert body(answer) == pattern(size)
    assert not finished


@pytest.mark.parametrize(
    ("version", "connection", "finished"),
    [
        ("HTTP/1.1", "", False),
        ("HTTP/1.1", "Connection: close\r\n", True),
        ("HTTP/1.1", "connection:  Close\r\n", True),
        ("HTTP/1.0", "", True),
        ("HTTP/1.0", "Connection: keep-alive\r\n", False),
    ],
)
def test_http_closes_when_it_should(version, connection, finished):
    answer, closed = http(f"GET /bytes/3 {version}\r\n{connection}\r\n".encode())
    assert body(answer) == pattern(3)
    assert closed is finished


def test_http_answers_pipelined_requests_in_turn():
    answer, _ = http(b"GET /bytes/70000 HTTP/1.1\r\n\r\nGET /bytes/2 HTTP/1.1\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(pattern(2))


def test_http_says_nothing_after_the_last_answer():
    answer, finished = http(b"GET /bytes/1 HTTP/1.0\r\n\r\nGET /bytes/2 HTTP/1.0\r\n\r\n", b"more")
    assert answer.count(b"HTTP/1.1") == 1
    assert finished


@given(st.lists(st.integers(1, 40), max_size=6))
def test_http_does_not_care_how_a_request_is_cut(cuts):
    request = b"POST /up HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET /bytes/4 HTTP/1.1\r\nConnection: close\r\n\r\n"
    pieces, rest = [], request
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert http(*pieces, rest) == http(request)


def test_http_answers_an_upload_when_all_of_it_is_in():
    talker = Http()
    talker.received(b"PUT /x HTTP/1.1\r\nContent-Length: 10\r\nConnection: close\r\n\r\n12345")
    assert not said(talker)
    assert not talker.finished
    talker.received(b"67890")
    assert body(said(talker)) == b"10 octets\n"
    assert talker.finished


def test_http_bids_an_expecting_uploader_go_on():
    talker = Http()
    talker.received(b"POST /x HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert said(talker) == b"HTTP/1.1 100 Continue\r\n\r\n"
    talker.received(b"hi")
    assert said(talker).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("request_", "status", "finished"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404", False),
        (b"GET /bytes/ HTTP/1.1\r\n\r\n", b"404", False),
        (b"GET /bytes/-1 HTTP/1.1\r\n\r\n", b"404", False),
        (b"GET /bytes/1e3 HTTP/1.1\r\n\r\n", b"404", False),
        ("GET /bytes/²  HTTP/1.1\r\n\r\n".encode("latin-1"), b"400", True),
        (b"GET /bytes/9999999999999 HTTP/1.1\r\n\r\n", b"404", False),
        (b"DELETE / HTTP/1.1\r\n\r\n", b"405", True),
        (b"GET / HTTP/2\r\n\r\n", b"400", True),
        (b"\x00\xff\r\n\r\n", b"400", True),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411", True),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"411", True),
        (b"x" * 20_000, b"431", True),
    ],
)
def test_http_refuses_what_it_cannot_do(request_, status, finished):
    answer, closed = http(request_)
    assert answer.split(b" ")[1] == status
    assert closed is finished


def test_http_head_has_no_body():
    answer, _ = http(b"HEAD /bytes/9 HTTP/1.1\r\n\r\n")
    assert b"Content-Length: 9\r\n" in answer
    assert not body(answer)
    answer, _ = http(b"HEAD / HTTP/1.1\r\n\r\n")
    assert b" 404 " in answer
    assert not body(answer)


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_http_survives_anything(pieces):
    http(*pieces)
