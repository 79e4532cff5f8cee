"""The report as one HTML file: opens from disk, loads nothing, and treats all that it shows as text.

A Content-Security-Policy names the page's own script and style by their hashes, so nothing else can run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tcpprobe.catalogue.load import requirements
from tcpprobe.catalogue.model import Requirement
from tcpprobe.report import embedded, words
from tcpprobe.report.files import put_pieces
from tcpprobe.report.state_matrix import Grid, StateMatrix
from tcpprobe.report.terminal import failure
from tcpprobe.report.view import STATES, Collector, Row, View
from tcpprobe.results.model import End, Result, Run, Verdict

HERE = Path(__file__).parent
STYLES = ("base.css", "landing.css", "matrix.css", "list.css", "case.css", "compare.css", "plot.css")
SCRIPTS = (
    "dom.js",
    "state.js",
    "records.js",
    "dissect.js",
    "pcapng.js",
    "ladder.js",
    "packets.js",
    "script.js",
    "plot.js",
    "case.js",
    "rules.js",
    "list.js",
    "differ.js",
    "align.js",
    "compare.js",
    "drop.js",
    "keys.js",
    "main.js",
)
_TOGETHER = 256
"""So many pieces of the template are encoded and written at once."""
_LONGEST_PRE = 2_000_000
_SPELLED_OUT = 40
"""So many failures are spelled out without JavaScript; the rest only in their lists."""


def write(run: Run, results: Iterable[Result], end: End | None, path: str | Path, beside: Beside | None = None) -> None:
    """Write the report of a run to ``path``, piece by piece.

    The results are read once, and of each no more is kept than its line in the lists. OSError when the file cannot be
    written.
    """
    put_pieces(_pieces(run, results, end, requirements(), beside), path)


@dataclass(frozen=True, slots=True)
class Beside:
    """Further runs on a page: the names of all, the page's own last; the others' blocks as (kind, base64, number).

    ``text`` is what those without JavaScript read.
    """

    names: list[str]
    blocks: list[tuple[str, str, int]]
    text: str


def render(
    run: Run,
    results: Iterable[Result],
    end: End | None,
    known: Mapping[str, Requirement],
    beside: Beside | None = None,
) -> str:
    """The report of a run as the text of an HTML page, which opens with a comparison when there are runs beside."""
    return "".join(_pieces(run, results, end, known, beside))


def _pieces(
    run: Run, results: Iterable[Result], end: End | None, known: Mapping[str, Requirement], beside: Beside | None
) -> Iterator[str]:
    collector, packer, matrix = Collector(run, known), embedded.Packer(run), StateMatrix()
    spelled: dict[int, str] = {}
    for result in results:
        row = collector.add(result)
        packer.add(result)
        matrix.add(result)
        if result.verdict is Verdict.FAIL and len(spelled) < _SPELLED_OUT:
            spelled[row.number] = failure(result, known, width=88)
    return _fill(collector.finish(end), packer.finish(end), spelled, matrix.finish(), beside)


def _fill(
    view: View,
    blocks: Iterable[tuple[str, str]],
    spelled: Mapping[int, str],
    grid: Grid | None,
    beside: Beside | None,
) -> Iterator[str]:
    style = "\n".join((HERE / "static" / name).read_text(encoding="utf-8") for name in STYLES)
    script = "\n".join((HERE / "static" / name).read_text(encoding="utf-8") for name in SCRIPTS)
    script = f'(() => {{\n"use strict";\n{script}\n}})();\n'
    stream = (
        _environment()
        .get_template("page.html.jinja2")
        .stream(
            view=view,
            run=view.run,
            blocks=blocks,
            beside=beside,
            block_size=embedded.BLOCK,
            spelled=spelled,
            grid=grid,
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script),
            states=STATES,
            facts=_facts(view),
        )
    )
    stream.enable_buffering(_TOGETHER)
    return stream


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_printable,
    )
    environment.filters |= {
        "fragment": lambda text: quote(words.plain(str(text)), safe=""),
        "pre": lambda text: escape(words.plain(text, keep="\n", longest=_LONGEST_PRE)),
        "seconds": words.seconds,
        "number": words.number,
        "count": words.count,
        "haystack": _haystack,
    }
    environment.globals |= {
        "rfc_titles": words.RFC_TITLES,
        "levels": words.LEVELS,
        "verdicts": words.VERDICTS,
        "glyphs": GLYPHS,
        "rfc_url": words.rfc_url,
    }
    return environment


GLYPHS = {"fail": "✕", "warn": "▲", "inconclusive": "?", "error": "!", "skip": "–", "pass": "✓"}


def _printable(value: Any) -> Any:
    """What every expression of a template passes through: text that is not ours shows its controls as escapes."""
    return words.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _haystack(row: Row) -> str:
    """What the search looks through besides what a row shows."""
    return " ".join((*row.covers, row.place, row.variant))


def _facts(view: View) -> list[tuple[str, str]]:
    run = view.run
    services = ", ".join(f"{name} {port}" for name, port in run.services.items())
    facts = [
        ("address", run.address),
        ("family", f"IPv{run.family}"),
        ("link", run.link),
        ("round trip", words.seconds(run.round_trip) if run.round_trip else ""),
        ("services", services or run.service or ""),
        ("started", run.started.replace("T", " ").replace("+00:00", " UTC")),
        ("duration", words.seconds(view.duration)),
        ("scenarios", f"{view.total:,}, up to {run.width} at a time"),
        ("seed", str(run.seed)),
        ("tcpprobe", f"{run.version} on Python {run.python}"),
        ("platform", run.platform),
    ]
    return [(name, value) for name, value in facts if value.strip()]
