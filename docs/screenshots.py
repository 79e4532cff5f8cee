"""Makes ``reports/sample/sample.html`` and the pictures of the documentation from a real run against lab:linux.

``.venv/bin/python docs/screenshots.py``; needs Chromium and what lab:linux needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "reports" / "sample" / "sample.html"
SELECTION = "rfc7323 or rfc5961 or info"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PICTURES = {
    "report.png": ("report.html", "", ""),
    "scenario.png": ("report.html", "#case=paws-old-by-one", ""),
    "plot.png": ("report.html", "#case=too-big-remembered", "#plots"),
    "comparison.png": ("comparison.html", "", ""),
    "side-by-side.png": ("comparison.html", "#diff=limited-transmit-leaves-cwnd", ""),
}
"""Each picture's page, its state, and what of it is brought to the top."""


def run(folder: Path, target: str, name: str, *options: str) -> Path:
    """A conformance run from an empty folder, so that nothing of this machine's is in the report."""
    command = [Path(sys.executable).with_name("tcpprobe"), "run", target, "--tcp-seed=1", "--tcp-results=none"]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run([*command, f"--tcp-report={name}", *options], cwd=folder, env=environment, check=False)
    return folder / name


def compare(folder: Path, *pages: Path) -> None:
    """The comparison of these runs."""
    command = [Path(sys.executable).with_name("tcpprobe"), "compare", *(page.name for page in pages)]
    subprocess.run([*command, "-o", "comparison.html"], cwd=folder, check=False, capture_output=True)


def main() -> None:
    """Make them all."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        SAMPLE.parent.mkdir(parents=True, exist_ok=True)
        SAMPLE.write_bytes(run(folder, "lab:linux", "sample.html", "-m", SELECTION).read_bytes())
        compare(folder, run(folder, "lab:linux", "report.html"), run(folder, "lab:memory", "memory.html"))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for picture, (shown, state, top) in PICTURES.items():
            page.goto("about:blank")
            page.goto(f"{(folder / shown).as_uri()}{state}")
            page.wait_for_timeout(1000)
            if top:
                page.locator(top).evaluate("node => node.scrollIntoView()")
            page.screenshot(path=ROOT / "docs" / picture)
        browser.close()


if __name__ == "__main__":
    main()
