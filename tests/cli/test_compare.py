"""``tcpprobe compare``."""

from __future__ import annotations

from tcpprobe.results.model import Verdict


def test_what_was_broken_since_is_named(command, results):
    before = results("before.jsonl", hello=Verdict.PASS, other=Verdict.PASS)
    after = results("after.jsonl", hello=Verdict.FAIL, other=Verdict.PASS)
    done = command("compare", str(before), str(after))
    assert done.code == 1
    assert "requirements: 1 differ" in done.out
    assert "newly broken" in done.out
    assert "hello" in done.out
    assert "other" not in done.out


def test_two_that_are_the_same(command, results):
    one = results("one.jsonl", hello=Verdict.PASS)
    two = results("two.jsonl", hello=Verdict.PASS)
    done = command("compare", str(one), str(two))
    assert (done.code, done.err) == (0, "")
    assert "scenarios: 0 differ, 1 are the same" in done.out


def test_a_file_with_itself(command, results):
    path = str(results("one.jsonl", hello=Verdict.PASS))
    assert command("compare", path, path).code == 0


def test_one_file_is_not_enough(command, results):
    done = command("compare", str(results("one.jsonl", hello=Verdict.PASS)))
    assert (done.code, done.err) == (2, "tcpprobe compare: name two results files or more\n")


def test_what_cannot_be_read(command, results, tmp_path):
    good = str(results("good.jsonl", hello=Verdict.PASS))
    done = command("compare", good, "none.jsonl")
    assert (done.code, done.err) == (2, "tcpprobe compare: cannot read none.jsonl: No such file or directory\n")
    (tmp_path / "bad.jsonl").write_text("hello\n")
    done = command("compare", good, "bad.jsonl")
    assert (done.code, done.err) == (2, "tcpprobe compare: bad.jsonl:1: not a line of tcpprobe results\n")
