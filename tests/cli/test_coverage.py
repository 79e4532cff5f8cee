"""``tcpprobe coverage``."""

from __future__ import annotations

import json

from tcpprobe.catalogue.load import requirements


def test_of_the_bundled_suite(command):
    done = command("coverage")
    assert (done.code, done.err) == (0, "")
    assert f"of {len(requirements())} requirements" in done.out.splitlines()[0]
    assert "others cannot be seen from outside" in done.out.splitlines()[0]
    assert "9293" in done.out


def test_as_a_table_and_as_json(command, scenario):
    done = command("coverage", str(scenario), "--format", "markdown")
    assert done.code == 0
    assert "| RFC9293-MUST-40 | MUST | hello |" in done.out
    found = json.loads(command("coverage", str(scenario), "--format", "json").out)
    assert found["RFC9293-MUST-40"] == ["hello"]
    assert set(found) == set(requirements())


def test_mistakes_are_told_and_counted_as_found(command, mistake):
    done = command("coverage", str(mistake))
    assert done.code == 1
    assert "did you mean 'ack'?" in done.err


def test_nothing_there(command):
    done = command("coverage", "nowhere")
    assert (done.code, done.err) == (2, "tcpprobe coverage: there is no nowhere\n")
    assert command("coverage", "--format", "pdf").code == 2
