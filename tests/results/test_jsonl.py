"""Results on disk."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.results import jsonl
from tcpprobe.results.jsonl import ResultsError, Writer, dump, json_schema, load, read
from tcpprobe.results.model import SCHEMA, End, Entry, Result, Run, Verdict

from .results import a_result, a_run

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "results.schema.json"


def write(path: Path, *records: Run | Result | End) -> None:
    with Writer(path) as writer:
        for record in records:
            writer.write(record)


@pytest.mark.parametrize("record", [a_run(), a_result(), End({"pass": 3}, 1.5, True)], ids=lambda r: type(r).__name__)
def test_what_is_written_is_read_again(record: Run | Result | End) -> None:
    line = dump(record)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert load(line) == record


def test_notes_of_the_end_are_the_runs(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    write(path, Run("t", notes=["early"]), End({}, 1.0, notes=["late"]))
    assert read(path)[0].notes == ["early", "late"]


@given(st.binary(max_size=100), st.text(max_size=50))
def test_any_packet_and_any_text_survive(packet: bytes, text: str) -> None:
    result = a_result()
    result.transcript = [Entry(0.0, "received", packet=packet, text=text, note=text)]
    assert load(dump(result)) == result


def test_what_utf8_and_json_cannot_say_is_spelled() -> None:
    result = a_result()
    result.reason = "file \udc80"
    result.observations = {"rtt": float("nan"), "window": 3}
    again = load(dump(result))
    assert isinstance(again, Result)
    assert again.reason == "file \\udc80"
    assert again.observations == {"rtt": "nan", "window": 3}


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.jsonl"
    write(path, a_run(), a_result("a"), a_result("b", Verdict.FAIL), End({"pass": 1, "fail": 1}))
    run, results, end = read(path)
    assert run == a_run()
    assert list(results) == [a_result("a"), a_result("b", Verdict.FAIL)]
    assert end == End({"pass": 1, "fail": 1})


def test_every_result_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    writer = Writer(path)
    writer.write(a_run())
    writer.write(a_result())
    assert len(path.read_bytes().splitlines()) == 2
    writer.close()
    writer.close()


@pytest.mark.parametrize("cut", [1, 2, 50, 400])
def test_a_last_line_cut_short_is_passed_over(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "results.jsonl"
    write(path, a_run(), a_result("a"), a_result("b"))
    path.write_bytes(path.read_bytes()[: -1 - cut])
    _, results, end = read(path)
    assert [result.id for result in results] == ["a"]
    assert end is None


def test_an_end_cut_short_is_no_end(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    write(path, a_run(), a_result("a"), End({"pass": 1}))
    path.write_bytes(path.read_bytes()[:-5])
    _, results, end = read(path)
    assert [result.id for result in results] == ["a"]
    assert end is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"hello\n", ":1: not a line of tcpprobe results"),
        (b"[]\n", ":1: not a line of tcpprobe results"),
        (b'{"run":{},"end":{}}\n', ":1: not a line of tcpprobe results"),
        (b'{"end":{}}\n', ":1: the first line does not describe a run"),
        (b'{"run":{}}\n', ":1: run.target: Field required"),
        (b'{"run":{"target":"x","schema":99}}\n', f"newer tcpprobe (schema 99, this one reads up to {SCHEMA})"),
    ],
)
def test_what_is_no_results_file_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(content)
    with pytest.raises(ResultsError) as caught:
        read(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_line_in_the_middle_is_told_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(dump(a_run()) + b'{"result":{"id":3}}\n' + dump(a_result()))
    with pytest.raises(ResultsError, match=r"results\.jsonl:2: result\."):
        list(read(path)[1])


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="No such file"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(ResultsError, match="cannot write results"):
        Writer(tmp_path)


def test_a_field_from_a_later_minor_version_is_passed_over() -> None:
    line = dump(a_run()).replace(b'{"target"', b'{"weather":"fine","target"')
    assert load(line) == a_run()


def test_a_full_disk_is_told_once_and_keeps_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.jsonl"
    writer = Writer(path)
    writer.write(a_run())
    writer.write(a_result("a"))
    real = os.write
    room = [100]

    def full(fileno: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        done = real(fileno, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(jsonl.os, "write", full)
    with pytest.raises(ResultsError, match="No space left on device") as caught:
        writer.write(a_result("b"))
    assert writer.problem == str(caught.value)
    writer.write(a_result("c"))
    writer.close()
    assert [result.id for result in read(path)[1]] == ["a"]


def test_a_really_full_device_is_told() -> None:
    with Writer("/dev/full") as writer, pytest.raises(ResultsError, match="No space left"):
        writer.write(a_run())


def test_reading_needs_no_more_memory_for_more_results(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    peaks = []
    for count in (50, 1000):
        write(path, a_run(), *(a_result(str(number)) for number in range(count)), End())
        sum(1 for _ in read(path)[1])
        tracemalloc.start()
        sum(1 for _ in read(path)[1])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_the_published_schema_is_the_one_in_the_repository() -> None:
    # To renew it: python -m tests.results.test_jsonl
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == json_schema()


@pytest.mark.parametrize("record", [a_run(), a_result(), End({"pass": 3})], ids=lambda r: type(r).__name__)
def test_what_is_written_obeys_the_schema(record: Run | Result | End) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(dump(record)), schema, jsonschema.Draft202012Validator)


def test_the_schema_refuses_what_is_no_record() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"result": {"id": "x"}}, json_schema(), jsonschema.Draft202012Validator)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
