"""``tcpprobe mutate``."""

from __future__ import annotations

from tcpprobe.lab.mutants import MUTANTS

BLIND = """\
title: A scenario that sees nothing
scenarios:
  - id: blind
    title: Whatever comes is fine
    covers: [RFC9293-MUST-40]
    given: closed
    steps:
      - record: {one: 1}
"""

UNSOUND = """\
title: A scenario that is wrong
scenarios:
  - id: unsound
    title: A SYN draws nothing
    covers: [RFC9293-MUST-40]
    steps:
      - send: {flags: S}
      - expect: nothing
"""


def test_what_is_noticed_and_what_is_not(command, scenario):
    done = command("mutate", str(scenario))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("hello: notices ")
    noticed = done.out.splitlines()[0].removeprefix("hello: notices ").split(", ")
    assert noticed
    assert set(noticed) < set(MUTANTS)
    assert f"{len(noticed)} of {len(MUTANTS)} faults are noticed" in done.out


def test_a_scenario_that_notices_nothing(command, tmp_path):
    (tmp_path / "blind.probe.yaml").write_text(BLIND)
    done = command("mutate", "blind.probe.yaml")
    assert done.code == 1
    assert "blind: notices no fault at all" in done.out


def test_a_scenario_that_a_sound_tcp_fails(command, tmp_path):
    (tmp_path / "unsound.probe.yaml").write_text(UNSOUND)
    done = command("mutate", "unsound.probe.yaml")
    assert done.code == 1
    assert "unsound: fail against a sound TCP: " in done.out


def test_mistakes_and_nothing_there(command, mistake):
    done = command("mutate", str(mistake))
    assert done.code == 2
    assert done.err.endswith("tcpprobe mutate: the scenarios have mistakes\n")
    assert command("mutate", "nowhere").err == "tcpprobe mutate: there is no nowhere\n"
    assert command("mutate").code == 2
