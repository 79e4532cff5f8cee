"""The bundled scenarios: all are sound, and no two share an id."""

from __future__ import annotations

from tcpprobe.scenario.bundled import path
from tcpprobe.scenario.load import SUFFIX, load_file


def test_they_are_there() -> None:
    assert (path() / "rfc9293").is_dir()


def test_all_load_and_ids_are_unique() -> None:
    files: dict[str, str] = {}
    for file in sorted(path().rglob(f"*{SUFFIX}")):
        for case in load_file(file):
            assert files.setdefault(case.id, str(file)) == str(file), f"{case.id} is also in {files[case.id]}"
            assert case.scenario.covers or case.scenario.level == "info", f"{case.id} covers nothing"
    assert files


def test_no_other_file_is_among_them() -> None:
    others = [file for file in path().rglob("*") if file.is_file() and not file.name.endswith(SUFFIX)]
    assert {file.suffix for file in others if file.parent.name != "known"} <= {".md"}
