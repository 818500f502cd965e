"""A real browser before a console: whatever a test does with a page, it fails if the page did what none of ours may."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scripts.chromium import NoBrowserError, launched
from toolgate.console.server import Console, console
from toolgate.console.source import Source

expect.set_options(timeout=60_000)  # the first call of a function starts its process, on whatever machine


# Of one file, and not of the session: while it is there, no other test of this process can run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(launched())
        except NoBrowserError as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))
        yield browser


class Watched:
    """What pages of a context did.

    Attributes:
        said: Errors and warnings of the browser's console, and exceptions: refusals of the content policy, too.
        requests: All that they asked for.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.said: list[str] = []
        self.requests: list[str] = []
        context.on("console", lambda it: self.said.append(it.text) if it.type in {"error", "warning"} else None)
        context.on("weberror", lambda it: self.said.append(str(it.error)))
        context.on("request", lambda it: self.requests.append(it.url))

    def others(self, url: str) -> list[str]:
        """Requests that went elsewhere than to the console."""
        return [it for it in self.requests if urlsplit(it)[:2] != urlsplit(url)[:2] and not it.startswith("blob:")]


type Opened = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def opened(browser: Browser) -> Opened:
    """Open a console's page; at the end it must have said no error and asked nobody else."""

    @contextmanager
    def run(served: Console, **options: object) -> Iterator[Page]:
        context = browser.new_context(**options)  # type: ignore[arg-type]  # what a test names of a dozen options
        watched = Watched(context)
        page = context.new_page()
        page.goto(served.address)
        page.locator("#connection").filter(has_text="live").wait_for()
        yield page
        assert watched.said == []
        assert watched.others(served.url) == []
        context.close()

    return run


@pytest.fixture
def serving_console() -> Callable[[Source], AbstractContextManager[Console]]:
    """Serve a source's console."""
    return console
