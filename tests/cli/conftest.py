"""How the commands are called, and results for those that read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tcpprobe.cli.main import main
from tcpprobe.results.jsonl import Writer
from tcpprobe.results.model import End, Result, Run, Verdict

SCENARIO = """\
title: One
scenarios:
  - id: hello
    title: Data is acknowledged within half a second
    covers: [RFC9293-MUST-40]
    given: established
    steps:
      - send: {flags: PA, data: "hello"}
      - expect: {flags: A, ack: snd.nxt}
        within: 500ms
"""

MISTAKE = SCENARIO.replace("ack: snd.nxt", "akc: snd.nxt")


@dataclass
class Done:
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Call a command in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Done:
        try:
            code = main(words)
        except SystemExit as error:  # argparse's way to say no
            code = int(error.code or 0)
        told = capsys.readouterr()
        return Done(code, told.out, told.err)

    return call


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """A file with one good scenario."""
    path = tmp_path / "one.probe.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def mistake(tmp_path: Path) -> Path:
    """A file with a mistake in line 9."""
    path = tmp_path / "wrong.probe.yaml"
    path.write_text(MISTAKE)
    return path


@pytest.fixture
def results(tmp_path: Path) -> Callable[..., Path]:
    """Write a results file: ``results("name", hello=Verdict.PASS)``; ``cut`` octets are missing at its end."""

    def write(name: str, cut: int = 0, **verdicts: Verdict) -> Path:
        path = tmp_path / name
        with Writer(path) as writer:
            writer.write(Run(target="192.0.2.7:80", address="192.0.2.7", version="1"))
            for id_, verdict in verdicts.items():
                writer.write(a_result(id_, verdict))
            writer.write(End({}, 1.0))
        if cut:
            path.write_bytes(path.read_bytes()[:-cut])
        return path

    return write


def a_result(id_: str, verdict: Verdict) -> Result:
    """A small result about MUST-40."""
    return Result(
        id=id_,
        scenario=id_,
        title=f"Title of {id_}",
        file="a.probe.yaml",
        line=3,
        column=5,
        rfc="9293",
        section="3.8.6.3",
        covers=["RFC9293-MUST-40"],
        level="must",
        needs=["wire"],
        verdict=verdict,
        reason="why",
    )
