"""The table of options: on the command line, in the ini file, and what is said about wrong ones."""

from __future__ import annotations

import pytest

from tcpprobe.plugin.options import OPTIONS, TELLING, Option, again, value

OTHER = {"text": "other", "texts": ["a", "b"], "number": 7, "decimal": 2.5, "flag": True}
BY_DEST = {option.dest: option for option in OPTIONS}


def other(option: Option) -> object:
    """A value that is not the default."""
    return option.choices[-1] if option.choices else OTHER[option.kind]


def words(option: Option) -> list[str]:
    """The same on the command line."""
    found = other(option)
    if option.kind == "flag":
        return [option.name]
    return [f"{option.name}={each}" for each in (found if isinstance(found, list) else [found])]


def as_ini(option: Option) -> str:
    """The same in an ini file."""
    found = other(option)
    return " ".join(found) if isinstance(found, list) else str(found)


@pytest.mark.parametrize("dest", BY_DEST)
def test_the_default(pytester, dest):
    assert value(pytester.parseconfig(), dest) == BY_DEST[dest].default


@pytest.mark.parametrize("dest", BY_DEST)
def test_on_the_command_line(pytester, dest):
    option = BY_DEST[dest]
    assert value(pytester.parseconfig(*words(option)), dest) == other(option)


@pytest.mark.parametrize("dest", BY_DEST)
def test_in_the_ini_file(pytester, dest):
    option = BY_DEST[dest]
    pytester.makeini(f"[pytest]\n{dest} = {as_ini(option)}\n")
    assert value(pytester.parseconfig(), dest) == other(option)


def test_the_command_line_comes_first(pytester):
    pytester.makeini("[pytest]\ntcp_width = 3\n")
    assert value(pytester.parseconfig("--tcp-width=4"), "tcp_width") == 4


def test_all_are_explained_in_one_group(pytester):
    told = pytester.runpytest_inprocess("--help").stdout.str()
    group = told.partition("TCP conformance (tcpprobe):")[2].partition("\n\n")[0]
    for option in OPTIONS:
        assert option.name in group
        assert f"{option.dest} (" in told


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("--tcp-width=x", "--tcp-width takes a whole number, not 'x'"),
        ("--tcp-width=0", "--tcp-width is from 1 to 4096, not 0"),
        ("--tcp-confirm=-1", "--tcp-confirm is 0 or more, not -1"),
        ("--tcp-timeout-scale=fast", "--tcp-timeout-scale takes a number, not 'fast'"),
        ("--tcp-timeout-scale=0", "--tcp-timeout-scale is from 0.01 to 100, not 0"),
        ("--tcp-level=may", "--tcp-level is must or should, not 'may'"),
        ("--tcp-source-ip=here", "--tcp-source-ip takes an address, not 'here'"),
        ("--tcp-target=lab:windows", "no lab is called 'windows'; there are *"),
        ("--tcp-target=example", "'example' has no port; write example:80"),
        ("--tcp-target=[::1]", "'[[]::1]' has no port; write [[]::1]:80"),
        ("--tcp-target=1.1.1.1:80", "1.1.1.1 is a public address: * --tcp-allow-public"),
        ("--tcp-target=127.0.0.1:70000", "* a port is from 1 to 65535, not 70000"),
    ],
)
def test_what_cannot_be_is_one_line(suite, word, sentence):
    result = suite(word)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {sentence}"])
    assert not result.stdout.str()


@pytest.mark.parametrize(
    ("dest", "wrong"), [("tcp_width", "x"), ("tcp_timeout_scale", "x"), ("tcp_allow_public", "x"), ("tcp_level", "x")]
)
def test_what_cannot_be_in_an_ini_file_is_one_line(pytester, suite, dest, wrong):
    pytester.makeini(f"[pytest]\n{dest} = {wrong}\n")
    result = suite()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = filter(None, result.stderr.lines)
    assert line.startswith("ERROR: ")
    assert dest in line or BY_DEST[dest].name in line


def test_numbers_in_toml(pytester):
    """As pytest's own numbers are written, where pytest knows them."""
    pytester.maketoml("[pytest]\ntcp_width = 3\ntcp_timeout_scale = 2\ntcp_target = ['lab:memory']\n")
    config = pytester.parseconfig()
    if config.inipath is not None:  # pytest reads pytest.toml since 9.0
        assert [value(config, dest) for dest in ("tcp_width", "tcp_timeout_scale", "tcp_target")] == [
            3,
            2,
            ["lab:memory"],
        ]


def test_what_another_run_needs(pytester):
    chosen = [word for dest in TELLING for word in words(BY_DEST[dest])]
    told = again(pytester.parseconfig(*chosen, "--tcp-width=2"))
    names = [word for word in told if word.startswith("--")]
    assert list(dict.fromkeys(names)) == [option.name for option in OPTIONS if option.dest in TELLING]
    assert list(pytester.parseconfig(*told).getoption("tcp_known")) == other(BY_DEST["tcp_known"])
    assert again(pytester.parseconfig()) == []
