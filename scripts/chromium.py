"""A real browser: the system's Chromium, or the one that `playwright install chromium` has fetched."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
MISSING = "no Chromium: apt-get install chromium, or .venv/bin/playwright install chromium"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoBrowserError(Exception):
    """There is none; the text says how to get one."""


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser until the block ends; while it is there, no other event loop runs in this thread.

    Raises:
        NoBrowserError: There is none.
    """
    with sync_playwright() as playwright:
        path = _executable(playwright)
        if path is None:
            raise NoBrowserError(MISSING)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def _executable(playwright: Playwright) -> str | None:
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    fetched = playwright.chromium.executable_path
    return found or (fetched if Path(fetched).exists() else None)
