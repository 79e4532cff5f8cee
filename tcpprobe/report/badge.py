"""A run in one small picture (SVG), for a README: how many requirements are held, broken and deviated from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from tcpprobe.catalogue.load import requirements
from tcpprobe.report.files import put
from tcpprobe.report.view import View, viewed
from tcpprobe.report.words import plain
from tcpprobe.results.model import End, Result, Run

_COLORS = {"broken": "#a3241b", "deviates": "#8a5200", "held": "#2c6440", "untested": "#5c594f"}
_NARROW, _WIDE = "fijlrt.,:;'|!()[] 1", "mwMWGOQ%@"
_LONGEST = 40


def write(run: Run, results: Iterable[Result], end: End | None, path: str | Path) -> None:
    """Write the badge to ``path``. OSError when the file cannot be written."""
    put(render(run, results, end), path)


def render(run: Run, results: Iterable[Result], end: End | None) -> str:
    """The badge of a run as SVG."""
    view = viewed(run, results, requirements(), end)
    name = plain(run.target)
    name = f"TCP of {name}" if len(name) <= _LONGEST else f"TCP of {name[: _LONGEST - 1]}…"
    return _drawn(name, _said(view), _COLORS[view.tone], plain(view.judgement))


def _said(view: View) -> str:
    counts = {word: view.spoken[word] for word in ("held", "broken", "deviates")}
    said = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count) or "nothing judged"
    return f"{said} (cut short)" if view.end is None or view.end.cut_short else said


def _drawn(name: str, said: str, color: str, title: str) -> str:
    left, right = _width(name) + 12, _width(said) + 12
    texts = "".join(
        f'<text x="{x}" y="14" textLength="{width - 12}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for text, x, width in ((name, 6, left), (said, left + 6, right))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f"aria-label={quoteattr(title)}><title>{escape(title)}</title>"
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#33312c"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{color}"/></g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g></svg>\n'
    )


def _width(text: str) -> int:
    """About how wide the text is in Verdana 11, in pixels; the drawing stretches it to exactly that."""
    return round(sum(4.4 if char in _NARROW else 10.0 if char in _WIDE else 7.0 for char in text))
