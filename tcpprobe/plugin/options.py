"""The options, as one table: each on the command line and, under the same name, in the ini file."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest


class Option(NamedTuple):
    """One option. ``kind`` is ``text``, ``texts`` (may be repeated), ``number``, ``decimal`` or ``flag``."""

    name: str
    kind: str
    help: str
    default: Any = None
    metavar: str | None = None
    choices: tuple[str, ...] | None = None

    @property
    def dest(self) -> str:
        """Its name as an identifier, which is also its name in the ini file: ``tcp_target``."""
        return self.name.removeprefix("--").replace("-", "_")


OPTIONS = (
    Option("--tcp-target", "texts", "the TCP to test: host:port, [v6]:port, lab:NAME or lab; may be repeated", (), "T"),
    Option("--tcp-suite", "texts", "scenarios to run when no path is given: 'bundled' or paths", ("bundled",), "PATH"),
    Option("--tcp-service", "text", "what listens there: auto, echo, discard, chargen, http …", "auto", "KIND"),
    Option("--tcp-closed-port", "number", "a port of the target on which nothing listens", None, "PORT"),
    Option("--tcp-http-path", "text", "path of an HTTP target that sends {n} octets", "/bytes/{n}", "PATH"),
    Option("--tcp-link", "text", "how packets travel to a live target", "raw", choices=("raw", "packet")),
    Option("--tcp-source-ip", "text", "address to talk from: ours, or with packet nobody's", None, "ADDRESS"),
    Option("--tcp-interface", "text", "interface to talk through", None, "NAME"),
    Option(
        "--tcp-impair",
        "text",
        "how bad the link shall be: loss=.02 duplicate=.02 reorder=.02 delay=5ms seed=1",
        None,
        "WORDS",
    ),
    Option("--tcp-width", "number", "scenarios in flight at once", 64, "N"),
    Option("--tcp-level", "text", "weakest level whose violation fails a test", "must", choices=("must", "should")),
    Option(
        "--tcp-known",
        "texts",
        "deviations: a file, linux, linux-bbr, linux-closed, lwip, slirp; repeatable",
        (),
        "FILE",
    ),
    Option("--tcp-confirm", "number", "how often a failing scenario is played again before it fails", 2, "N"),
    Option("--tcp-timeout-scale", "decimal", "what every time limit is multiplied with", 1.0, "X"),
    Option("--tcp-seed", "number", "start of the run's random numbers", None, "N"),
    Option("--tcp-allow-public", "flag", "let the target be an address that is neither private nor ours", False),
    Option("--tcp-hostile", "flag", "play what may harm a target (floods and the like) outside labs too", False),
    Option("--tcp-patient", "flag", "play what takes minutes (giving up, TIME-WAIT's end) too", False),
    Option("--tcp-report", "text", "where the HTML report goes; 'none' for none", None, "FILE"),
    Option("--tcp-results", "text", "where the results (JSON Lines) go; 'none' for none", None, "FILE"),
    Option("--tcp-baseline", "text", "an earlier run to compare with: results or a report", None, "FILE"),
)

#: What another run needs in order to meet the same situation.
TELLING = (
    "tcp_service",
    "tcp_closed_port",
    "tcp_http_path",
    "tcp_link",
    "tcp_source_ip",
    "tcp_interface",
    "tcp_impair",
    "tcp_timeout_scale",
    "tcp_allow_public",
    "tcp_hostile",
    "tcp_patient",
    "tcp_known",
)

_NUMBERS = pytest.version_tuple >= (8, 4)  # pytest's ini files know numbers since
_INI = {
    "text": "string",
    "texts": "args",
    "number": "int" if _NUMBERS else "string",
    "decimal": "float" if _NUMBERS else "string",
    "flag": "bool",
}
_CONVERT: dict[str, Any] = {"number": int, "decimal": float}


def add(parser: pytest.Parser) -> None:
    """Declare them all."""
    group = parser.getgroup("tcpprobe", "TCP conformance (tcpprobe)")
    for option in OPTIONS:
        keywords: dict[str, Any] = {"dest": option.dest, "default": None, "help": _help(option)}
        if option.kind == "flag":
            keywords["action"] = "store_true"
        else:
            keywords["metavar"] = option.metavar
            keywords["action"] = "append" if option.kind == "texts" else "store"
        group.addoption(option.name, **keywords)
        parser.addini(option.dest, option.help, type=_INI[option.kind], default=None)  # type: ignore[arg-type]


def _help(option: Option) -> str:
    told = option.help if option.choices is None else f"{option.help}: {' or '.join(option.choices)}"
    return told if option.default in (None, (), False) else f"{told} (default: {_shown(option.default)})"


def _shown(default: object) -> str:
    return " ".join(default) if isinstance(default, tuple) else str(default)


def chosen(config: pytest.Config, dest: str) -> Any:
    """What the user chose for an option, on the command line or in the ini file; None when nothing.

    Raises:
        ValueError: one line, when the ini file has a value of another kind.
    """
    found = config.getoption(dest)
    if found is None:
        try:
            found = config.getini(dest)
        except (TypeError, ValueError, pytest.UsageError) as error:
            told = str(error)  # newer versions of pytest name file and option themselves
            raise ValueError(told if str(config.inipath) in told else f"{config.inipath}: {dest}: {told}") from None
    return None if found in ("", []) else found


def value(config: pytest.Config, dest: str) -> Any:
    """What an option is: from the command line, else from the ini file, else its default.

    Raises:
        ValueError: one line, when it is not what the option takes.
    """
    option = next(option for option in OPTIONS if option.dest == dest)
    found = chosen(config, dest)
    if found is None:
        return option.default
    try:
        found = _CONVERT.get(option.kind, lambda same: same)(found)
    except ValueError:
        wanted = "a whole number" if option.kind == "number" else "a number"
        raise ValueError(f"{option.name} takes {wanted}, not {found!r}") from None
    if option.choices is not None and found not in option.choices:
        raise ValueError(f"{option.name} is {' or '.join(option.choices)}, not {found!r}")
    return found


def again(config: pytest.Config) -> list[str]:
    """Those of `TELLING` that the user chose, as words of a command line."""
    words = []
    for option in OPTIONS:
        found = value(config, option.dest)
        if option.dest in TELLING and found != option.default:
            values = found if option.kind == "texts" else [] if option.kind == "flag" else [found]
            words += [word for each in values for word in (option.name, str(each))] or [option.name]
    return words
