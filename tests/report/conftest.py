"""One Chromium for the tests of the page, and pages that note whatever they should not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
LIMIT = 120_000  # milliseconds after which a test has failed; nothing here takes as long
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Opened:
    """A page, and what it did apart from showing itself."""

    page: Page
    misdeeds: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=LIMIT)
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Opens a file at a hash; what it does wrong is collected, and fails the test at its end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(LIMIT)
    expect.set_options(timeout=LIMIT)
    all_opened: list[Opened] = []

    def visit(path: Path, hash_: str = "", **emulated: str) -> Opened:
        page = context.new_page()
        opened = Opened(page)
        all_opened.append(opened)
        page.on("console", lambda message: opened.misdeeds.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: opened.misdeeds.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (opened.misdeeds.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("popup", lambda popup: opened.misdeeds.append(f"popup: {popup.url}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("blob:", "data:"))
                or request.url.partition("#")[0] == path.as_uri()
                or opened.misdeeds.append(f"request: {request.url}")
            ),
        )
        page.emulate_media(**emulated)
        page.goto(f"{path.as_uri()}#{hash_}")
        page.wait_for_selector("html.scripted")
        for name, place in (("case=", "#detail h1"), ("diff=", "#compare h1")):
            if name in hash_:  # it is read from the page's own results, which takes a moment
                page.wait_for_selector(place, state="attached")
        return opened

    yield visit
    for opened in all_opened:
        assert opened.misdeeds == []
    context.close()
