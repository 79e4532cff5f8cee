"""How long a report takes to be made, to appear and to be filtered, with pytest-html beside it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tcpprobe.catalogue.load import requirements
from tcpprobe.report import html
from tcpprobe.results.model import Attempt, ConnectionInfo, Entry, Result, Run, StepResult, Verdict
from tcpprobe.wire import ip
from tcpprobe.wire.flags import parse_flags
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.text import Numbers, one_line

Figure = tuple[str, float, str]
RESULTS, PACKETS, ROUNDS = 2000, 10, 5
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
US, THEM = ip.pack("10.77.0.1"), ip.pack("10.77.0.2")
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
# From the keystroke or click until the frame that shows what it led to has been drawn.
DRAWN = """async (act) => {
  const began = performance.now();
  (0, eval)(act)();
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""
FILTERS = {
    "search": "() => { q.value = 'case-17'; q.dispatchEvent(new Event('input', {bubbles: true})); }",
    "verdict": "() => document.querySelector('#filters input[value=fail]').click()",
}
OTHERS_FILTER = "() => document.querySelector('input[data-test-result=passed]').click()"
OTHERS = """import pytest
@pytest.mark.parametrize("number", range(2000))
def test_case(number):
    print("a line of output\\n" * 10)
    assert number % 40
"""


def figures() -> list[Figure]:
    """(name, value, definition) of every figure."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page, beside = Path(folder, "report.html"), Path(folder, "pytest.html")
        requirements()  # read once, as the run does before it ends
        run, results = Run("lab:linux", address="10.77.0.2", started="2026-01-01T00:00:00+00:00"), made()
        began = time.perf_counter()
        html.write(run, results, None, page)
        wall = time.perf_counter() - began
        pytest_html(folder, beside)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        paint, others_paint = first_paint(browser, page), first_paint(browser, beside)
        drawn = max(filtered(browser, page, act) for act in FILTERS.values())
        others_drawn = filtered(browser, beside, OTHERS_FILTER)
        browser.close()
        sizes = page.stat().st_size / 1e6, beside.stat().st_size / 1e6
    what = f"{RESULTS:,} results of {PACKETS} packets"
    other = f"pytest-html, self-contained, {RESULTS:,} tests of 10 lines of output"
    return [
        ("report rendered, s", wall, f"{what}; less than 2"),
        ("report's size, MB", sizes[0], f"{what}; less than 6"),
        ("report's first paint, ms", paint, f"Chromium, median of {ROUNDS}; less than 1,000"),
        ("report filtered, ms", drawn, f"by text or verdict, until drawn, median of {ROUNDS}; less than 100"),
        ("pytest-html's size, MB", sizes[1], other),
        ("pytest-html's first paint, ms", others_paint, other),
        ("pytest-html filtered, ms", others_drawn, other),
    ]


def made() -> list[Result]:
    """Results whose packets differ, so that they cannot be packed better than real ones."""
    return [_result(number) for number in range(RESULTS)]


def _result(number: int) -> Result:
    verdict = Verdict.PASS if number % 40 else Verdict.FAIL
    transcript = []
    base = Numbers(number * 7919, number * 104729, (US, 40000))
    for index in range(PACKETS):
        sent = index % 2 == 0
        segment = Segment(
            40000 if sent else 7,
            7 if sent else 40000,
            number * (7919 if sent else 104729) + index * 100,
            number * (104729 if sent else 7919) + index * 100,
            parse_flags("PA"),
            64240 - number,
            0,
            b"",
            f"{number * 31 + index:x}".encode() * 8,
        )
        raw = ip.encode(ip.Packet(*((US, THEM) if sent else (THEM, US)), segment))
        text = one_line(ip.decode(raw), base)
        transcript.append(Entry(0.001 * index, "sent" if sent else "received", "main", raw, text, index // 2, "met"))
    step = StepResult(0, 5, 5, "expect", "- expect: {flags: PA, ack: snd.nxt}", "met", "flags PA, ack 101", time=0.001)
    result = Result(
        id=f"case-{number}",
        scenario=f"case-{number}",
        title=f"Scenario {number} sends data and awaits its acknowledgment",
        file=f"specs/rfc9293/part-{number // 20}.probe.yaml",
        line=number % 20 * 12 + 3,
        column=5,
        rfc="9293",
        section=f"3.{number % 10}",
        covers=[list(requirements())[number % 300]],
        level="must",
        needs=["wire"],
        verdict=verdict,
        reason="" if number % 40 else "expected flags PA, ack 101; ack was 0, not 101",
        steps=[replace(step, index=index, line=5 + index) for index in range(5)],
        transcript=transcript,
        duration=0.01,
        connections=[ConnectionInfo("main", "10.77.0.1", 40000, "10.77.0.2", 7, number * 7919, number * 104729)],
        reproduce=f"tcpprobe run lab:linux -k case-{number}",
    )
    result.attempts = [Attempt(verdict, result.reason)]
    return result


def pytest_html(folder: str, page: Path) -> None:
    """The same number of tests, reported by pytest-html."""
    Path(folder, "test_many.py").write_text(OTHERS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_many.py", f"--html={page}"]
    subprocess.run([*command, "--self-contained-html"], check=False, capture_output=True, cwd=folder)


def first_paint(browser: Browser, page: Path) -> float:
    """Milliseconds until something is seen."""
    found = []
    for _ in range(ROUNDS):
        opened = browser.new_page()
        opened.goto(page.as_uri())
        opened.wait_for_function(f"() => {PAINT}")
        found.append(opened.evaluate(PAINT))
        opened.close()
    return statistics.median(found)


def filtered(browser: Browser, page: Path, act: str) -> float:
    """Milliseconds from a filter's change until the list is drawn."""
    found = []
    for _ in range(ROUNDS):
        context = browser.new_context(bypass_csp=True)
        opened = context.new_page()
        opened.goto(page.as_uri(), wait_until="load")
        opened.wait_for_timeout(500)
        found.append(opened.evaluate(DRAWN, act))
        context.close()
    return statistics.median(found)


if __name__ == "__main__":
    for name, value, definition in figures():
        print(f"{name:<44} {value:>12,.2f}   {definition}")
