"""``tcpprobe new``."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("name", ["first", "first-one", "2nd", "first.probe.yaml"])
def test_what_is_written_can_be_played(command, tmp_path, name):
    done = command("new", name)
    path = f"{name.removesuffix('.probe.yaml')}.probe.yaml"
    assert (done.code, done.err) == (0, "")
    assert f"pytest {path} --tcp-target lab" in done.out
    assert (tmp_path / path).exists()
    assert command("lint", path).code == 0
    assert "notices" in command("mutate", path).out


@pytest.mark.parametrize("name", ["", "First", "a b", "a/b", "../a", "ä", "-", "a_b", "--"])
def test_a_name_that_is_none(command, tmp_path, name):
    done = command("new", name)
    assert done.code == 2
    assert len(done.err.splitlines()[-1:]) == 1
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(command, tmp_path):
    path = tmp_path / "first.probe.yaml"
    path.write_text("mine")
    done = command("new", "first")
    assert (done.code, done.err) == (2, "tcpprobe new: there is a first.probe.yaml already\n")
    assert path.read_text() == "mine"


def test_a_folder_that_is_gone(command, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = command("new", "first")
    assert done.code == 2
    assert done.err == "tcpprobe new: cannot write first.probe.yaml: No such file or directory\n"
