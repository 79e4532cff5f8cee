"""``tcpprobe lint``."""

from __future__ import annotations

import random

import pytest

from tcpprobe.scenario.bundled import path as bundled_path


def test_the_bundled_suite_has_no_mistakes(command):
    done = command("lint", str(bundled_path()))
    assert (done.code, done.err) == (0, "")
    assert "scenarios" in done.out


def test_a_good_file(command, scenario):
    done = command("lint", str(scenario))
    assert (done.code, done.out, done.err) == (0, "1 scenarios, 1 plays\n", "")


def test_a_mistake_is_told_with_its_place_a_caret_and_a_hint(command, mistake, scenario):
    done = command("lint", str(mistake), str(scenario))
    assert done.code == 1
    assert done.out == "1 scenarios, 1 plays; 1 files with mistakes\n"
    assert f"{mistake}:9:" in done.err
    assert "^" in done.err
    assert "did you mean 'ack'?" in done.err
    assert "Traceback" not in done.err


def test_a_folder_is_searched(command, mistake, scenario, tmp_path):
    assert mistake.parent == scenario.parent == tmp_path
    done = command("lint", str(tmp_path))
    assert done.code == 1
    assert "1 files with mistakes" in done.out


def test_nothing_there(command, tmp_path):
    done = command("lint", "no.probe.yaml")
    assert (done.code, done.err) == (2, "tcpprobe lint: there is no no.probe.yaml\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    done = command("lint", "empty")
    assert (done.code, done.err) == (2, "tcpprobe lint: there is no *.probe.yaml below empty\n")


BAD_FILES = {
    "empty": b"",
    "blank": b"\n\n  \n",
    "binary": random.Random(1).randbytes(4096),
    "huge": b"title: x\n" + b"# filler\n" * 1_200_000,
    "bomb": b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b", ".join([b"*%c" % (97 + n)] * 9)) for n in range(9)),
    "deep": b"title: " + b"[" * 100_000,
    "latin-1": "title: Prüfung\n".encode("latin-1"),
    "no mapping": b"- 1\n- 2\n",
    "tab": b"title: x\nscenarios:\n\t- id: a\n",
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_what_is_no_scenario_file_at_all(command, tmp_path, kind):
    path = tmp_path / "bad.probe.yaml"
    path.write_bytes(BAD_FILES[kind])
    done = command("lint", "bad.probe.yaml")
    assert done.code == 1
    assert done.err.startswith("bad.probe.yaml:")
    assert "Traceback" not in done.err
    assert len(done.err) < 2000


def test_a_file_that_cannot_be_read(command, tmp_path):
    (tmp_path / "memory.probe.yaml").symlink_to("/proc/self/mem")
    (tmp_path / "dir.probe.yaml").mkdir()
    done = command("lint", "memory.probe.yaml")
    assert (done.code, done.out) == (1, "0 scenarios, 0 plays; 1 files with mistakes\n")
    assert "memory.probe.yaml:1:1: cannot be read: " in done.err
    done = command("lint", "dir.probe.yaml")
    assert (done.code, done.err) == (2, "tcpprobe lint: there is no *.probe.yaml below dir.probe.yaml\n")


def test_a_hostile_name_is_told_as_text(command, tmp_path):
    path = tmp_path / "::error::a\x1b[31m\u202e\n##[error]b.probe.yaml"
    path.write_text("title: [\n")
    said = command("lint", path.name).err
    assert "\\x1b[31m\\u202e" in said
    assert all(line.isprintable() for line in said.split("\n"))
    assert "##[" not in said
