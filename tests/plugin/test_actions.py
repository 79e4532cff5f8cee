"""In GitHub Actions: a summary beside the job, annotations beside the lines; elsewhere neither."""

from __future__ import annotations


def test_annotations_name_the_lines(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(suite.path.parent))
    done = suite("-k", "broken or deviates or holds", "--tcp-confirm", "0")
    commands = [line for line in done.outlines if line.startswith("::")]
    assert [command.partition(" ")[0] for command in commands] == ["::error", "::warning"]
    assert f"file={suite.path.name}/" in commands[0]
    assert "title=Data is acknowledged twice over [broken]::" in commands[0]


def test_the_summary_is_added_to_what_is_there(suite, monkeypatch):
    path = suite.path / "step-summary"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    suite("-k", "holds")
    assert path.read_text().startswith("before\n## TCP conformance of lab:memory\n")


def test_elsewhere_there_is_neither(suite):
    done = suite("-k", "broken", "--tcp-confirm", "0")
    assert not [line for line in done.outlines if line.startswith("::")]


def test_a_summary_that_cannot_be_written_is_told(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/proc/none/summary")
    done = suite("-k", "holds")
    assert done.ret == 0
    done.stdout.fnmatch_lines(["tcpprobe: the summary could not be added to /proc/none/summary: No such file*"])
