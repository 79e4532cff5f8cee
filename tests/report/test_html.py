"""The page as text: complete, and loading nothing."""

from __future__ import annotations

import json
import re
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tcpprobe.catalogue.load import requirements
from tcpprobe.report import html
from tcpprobe.report.embedded import records
from tcpprobe.results.jsonl import dump
from tcpprobe.results.model import Result

from .sample import a_run, an_end, poisoned, results, timer_doubles

STATIC = Path(html.__file__).parent / "static"
LOADING = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def page(found: list[Result], *, cut_short: bool = False) -> str:
    return html.render(a_run(), found, an_end(found, cut_short=cut_short), requirements())


@pytest.fixture(scope="module")
def sample() -> str:
    return page(list(results(60)))


def test_nothing_is_loaded(sample: str) -> None:
    for tag, attributes in Tags(sample).found:
        loaded = attributes.get(LOADING.get(tag, ""), "") or ""
        assert loaded in ("", "data:,"), (tag, loaded)
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
    assert "url(" not in sample.split("</style>")[0]
    assert "@import" not in sample


def test_only_our_script_may_run(sample: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', sample)
    assert policy is not None
    said = policy[1].replace("&#39;", "'")
    assert said.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in said
    assert "http" not in said


def test_the_results_file_is_inside() -> None:
    found = list(results(150))
    lines = list(records(page(found).encode()))
    assert lines == [dump(a_run()), *map(dump, found), dump(an_end(found))]


def test_what_is_hostile_stays_text() -> None:
    text = page([poisoned()])
    tags = Tags(text).found
    assert sum(tag == "script" for tag, _ in tags) == 4  # run, results, end, and ours
    assert not any(tag in ("img", "svg", "iframe") for tag, _ in tags)
    assert not any("javascript:" in (attributes.get("href") or "") for _, attributes in tags)
    body = text.split("</style>")[1]
    for char in "\x00\x1b\x07\u202e\u2066\u2028":
        assert char not in body
    text.encode()


def test_without_javascript_the_summary_is_there(sample: str) -> None:
    body = re.sub(r"<script.*?</script>", "", sample, flags=re.DOTALL)
    assert "lab:linux breaks 1 of the 7 MUST requirements" in body
    assert body.count("data-n=") == 60
    assert "RFC9293-S3.10.7.1-2" in body
    assert "[RA] seq 0 ack 0" in body  # the failure, spelled out with its ladder


def test_a_run_without_an_end_says_so() -> None:
    assert "cut short" in html.render(a_run(), results(3), None, requirements())


def test_a_run_without_results_is_a_page() -> None:
    assert "Nothing was judged in 0 scenarios." in page([])


def test_2000_results_stay_small() -> None:
    assert len(page(list(results(2000)))) < 6_000_000


def test_nothing_moves_by_itself(sample: str) -> None:
    # Whoever asks for reduced motion gets none, and so does everybody else.
    assert re.search(r"\b(transition|animation|scroll-behavior|smooth|@keyframes|animate)\b", sample) is None


def test_every_class_of_scripts_has_its_file() -> None:
    assert sorted(path.name for path in STATIC.iterdir()) == sorted((*html.STYLES, *html.SCRIPTS))
    for path in STATIC.iterdir():
        assert len(path.read_text(encoding="utf-8").splitlines()) < 400
        assert "innerHTML" not in path.read_text(encoding="utf-8")


def _themes() -> list[dict[str, str]]:
    css = (STATIC / "base.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", css)
    light, dark, _ = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block)) for block in blocks[:3])
    return [light, light | dark]


def _luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", _themes(), ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "soft", "link", "fail", "warn", "unsure", "error", "skip", "pass"])
@pytest.mark.parametrize("ground", ["paper", "card", "faint"])
def test_text_can_be_read(theme: dict[str, str], ink: str, ground: str) -> None:
    # WCAG 2.1, 1.4.3: 4.5 to 1.
    lighter, darker = sorted((_luminance(theme[ink]), _luminance(theme[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_write_makes_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    html.write(a_run(), results(2), None, path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(next(records(path.read_bytes())))["run"]["target"] == "lab:linux"


def test_of_a_result_no_more_is_kept_than_its_lines_in_the_lists(tmp_path: Path) -> None:
    html.write(a_run(), [timer_doubles()], None, tmp_path / "report.html")  # compiles the templates
    peaks = []
    for count in (100, 600):
        made = (replace(timer_doubles(), id=f"rto-{number}") for number in range(count))
        tracemalloc.start()
        html.write(a_run(), made, None, tmp_path / "report.html")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    stored = len(dump(timer_doubles()))
    assert stored > 6000
    assert (peaks[1] - peaks[0]) / 500 < stored / 3
