"""What a run plays when no path is given."""

from __future__ import annotations

import pytest

OURS = "suite.probe.yaml::holds"


@pytest.fixture
def listed(pytester):
    """The ids that a run without paths would play, from an ini file and further words."""

    def call(ini: str, *words: str) -> list[str]:
        pytester.makeini(f"[pytest]\n{ini}\n")
        return [line for line in pytester.runpytest_inprocess("--co", "-q", *words).outlines if "::" in line]

    return call


@pytest.mark.usefixtures("suite")
def test_a_target_on_the_command_line_asks_for_the_bundled_suite(listed):
    found = listed("", "--tcp-target=lab:memory")
    assert OURS not in found
    assert len(found) > 100


@pytest.mark.usefixtures("suite")
def test_a_target_in_the_ini_file_does_not_replace_the_project_s_tests(probe, listed):
    probe("test_x.py", "def test_x():\n    pass\n")
    found = listed("tcp_target = lab:memory")
    assert OURS in found
    assert "test_x.py::test_x" in found
    assert len(found) == 8


def test_a_suite_in_the_ini_file_is_what_is_played(suite, listed):
    (suite.path / "specs").mkdir()
    (suite.path / "suite.probe.yaml").rename(suite.path / "specs/mine.probe.yaml")
    found = listed("tcp_target = lab:memory\ntcp_suite = specs\ntestpaths = nowhere")
    assert found[0] == "specs/mine.probe.yaml::holds"
    assert len(found) == 7


@pytest.mark.usefixtures("suite")
def test_paths_come_first(listed):
    assert listed("tcp_suite = bundled\ntcp_target = lab:memory", OURS) == [OURS]
