"""lab:lwip: its services, its life, and how it is compiled."""

import os
import subprocess
import threading
from pathlib import Path

import pytest
from labs import ENDS, answer, children, end_of_a_parent, open_descriptors

from tcpprobe.lab import lwip
from tcpprobe.lab.lab import LabError, open_lab
from tcpprobe.wire.flags import ACK, SYN


@pytest.fixture(scope="module", params=[4, 6], ids=["v4", "v6"])
def lab(request):
    with open_lab("lwip", family=request.param) as lab:
        yield lab


def test_the_target_says_what_it_is(lab):
    assert lab.notes[0].startswith("the target is lwIP 2.")


def test_closing_leaves_nothing():
    before, open_files = set(children(os.getpid())), open_descriptors()
    lab = open_lab("lwip")
    assert len(set(children(os.getpid())) - before) == 1
    lab.close()
    lab.close()
    assert set(children(os.getpid())) == before
    assert open_descriptors() == open_files


def test_an_error_inside_leaves_nothing():
    before = set(children(os.getpid()))
    with pytest.raises(ZeroDivisionError), open_lab("lwip"):
        raise ZeroDivisionError
    assert set(children(os.getpid())) == before


@pytest.mark.parametrize(("how", "signal_", "whole_group"), ENDS)
def test_the_lab_ends_with_its_parent(how, signal_, whole_group):
    end_of_a_parent("lwip", how, signal_, whole_group)


def test_a_lab_outlives_the_thread_that_opened_it():
    labs = []
    thread = threading.Thread(target=lambda: labs.append(open_lab("lwip")))
    thread.start()
    thread.join()
    with labs[0] as lab:
        assert answer(lab.link, lab.target.address, 7).payload.flags == SYN | ACK


def test_a_target_that_dies_goes_quiet():
    before = set(children(os.getpid()))
    with open_lab("lwip") as lab:
        (pid,) = set(children(os.getpid())) - before
        pidfd = os.pidfd_open(pid)
        os.kill(pid, 9)
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
        os.close(pidfd)
        (descriptor,) = lab.link.filenos()
        assert lab.link.read(descriptor) == []
        lab.link.send(b"E", lab.target.address)
        assert lab.link.read(descriptor) == []


def test_it_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    open_lab("lwip").close()
    (program,) = (tmp_path / "tcpprobe").iterdir()
    monkeypatch.setattr(subprocess, "run", None)
    open_lab("lwip").close()
    assert list((tmp_path / "tcpprobe").iterdir()) == [program]


def test_without_a_cache_it_works_and_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(lwip, "_cache", lambda: None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_lab("lwip") as lab:
        assert list(tmp_path.iterdir()) == []
        assert answer(lab.link, lab.target.address, 7).payload.flags == SYN | ACK


def test_a_home_that_cannot_be_written_is_no_cache(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert lwip._cache() is None


@pytest.mark.parametrize(
    ("headers", "compiler", "package"),
    [(lwip.HEADERS, "gcc", ""), (Path("/nonexistent"), "gcc", "liblwip-dev"), (lwip.HEADERS, "no-gcc", "gcc")],
)
def test_the_missing_package_has_a_name(headers, compiler, package):
    assert lwip.missing(headers, compiler) == package


def test_a_missing_package_is_one_line(monkeypatch):
    monkeypatch.setattr(lwip, "missing", lambda: "liblwip-dev")
    with pytest.raises(LabError, match=r"^lab:lwip needs the package liblwip-dev; `sudo apt install liblwip-dev"):
        open_lab("lwip")


def test_what_does_not_compile_is_one_line(tmp_path, monkeypatch):
    broken = tmp_path / "broken.c"
    broken.write_text("int main(void) { return nothing; }")
    monkeypatch.setattr(lwip, "SOURCES", (broken,))
    with pytest.raises(LabError, match=r"^lab:lwip does not compile: .*broken.c:1:25: error: .*$") as caught:
        open_lab("lwip")
    assert "\n" not in str(caught.value)


def test_what_ends_at_once_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    quitter = tmp_path / "quitter.c"
    quitter.write_text('#include <stdio.h>\nint main(void) { fputs("not today\\n", stderr); return 3; }')
    monkeypatch.setattr(lwip, "SOURCES", (quitter,))
    monkeypatch.setattr(lwip, "_cache", lambda: None)
    before, open_files = set(children(os.getpid())), open_descriptors()
    with pytest.raises(LabError, match=r"^lwIP ended at once: not today$"):
        open_lab("lwip")
    assert set(children(os.getpid())) == before
    assert open_descriptors() == open_files
