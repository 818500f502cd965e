"""axe finds nothing to complain of in any view, in both themes and on a phone; and the keyboard reaches everything."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import Opened
from tests.console.browser.pretend import Pretended
from toolgate.console.server import Console
from toolgate.console.source import Source

type Serving = Callable[[Source], AbstractContextManager[Console]]

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}, "has_touch": True},
    "phone in the dark": {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}, "has_touch": True},
}


def asked(page: Page, source: Pretended) -> None:
    assert source.live
    page.get_by_label("Your prompt").fill("anything")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(".turn.agent .failed").wait_for()
    source.live.tell(lambda: source.event("tool", agent_request_id="one"))
    source.live.tell(lambda: source.event("model"))
    page.locator("#steps .reason").first.wait_for()
    page.get_by_text("Answer as data").click()
    page.get_by_text("What differs from AWS").click()


def matrix_with_panel(page: Page, _source: Pretended) -> None:
    page.locator("#matrix td.cell").first.click()
    page.locator(".explanation").filter(has_text="greeting").wait_for()


def graph(page: Page, _source: Pretended) -> None:
    page.locator("#graph-image").wait_for()


def what_if(page: Page, _source: Pretended) -> None:
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="See what the plan says").click()
    page.locator("#what-if-result table").wait_for()


def tool_called(page: Page, _source: Pretended) -> None:
    page.get_by_role("button", name="Call", exact=True).click()  # a field is missing: it says so
    page.locator("[aria-invalid]").wait_for()
    page.locator("#call-fields select").select_option(index=1)
    page.get_by_role("button", name="Call", exact=True).click()
    page.locator("#call-result .reason").wait_for()
    page.get_by_text("Its log").click()
    page.get_by_text("As JSON", exact=True).click()


def live(page: Page, _source: Pretended) -> None:
    page.locator("#events .reason").first.wait_for()


VIEWS: dict[str, Callable[[Page, Pretended], None]] = {
    "ask": asked,
    "access": matrix_with_panel,
    "access/graph": graph,
    "access/what-if": what_if,
    "tools": tool_called,
    "live": live,
}


SHOWN = {"access": "access-matrix", "access/graph": "access-graph", "access/what-if": "access-what-if"}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(look: str, serving_console: Serving, opened: Opened) -> None:
    source = Pretended(word="math___greeting")
    with serving_console(source) as served, opened(served, **LOOKS[look]) as page:
        for view, prepare in VIEWS.items():
            page.evaluate("view => { location.hash = view }", view)
            page.locator(f"#{SHOWN.get(view, f'view-{view}')}").wait_for()
            prepare(page, source)
            assert found(page) == [], view
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{view} is wider than the window"


def found(page: Page) -> list[str]:
    """axe's findings, each with where it is."""
    # The content policy lets no script in by a tag: this is how a debugger puts one in.
    results: Any = Axe().run(page)
    return [
        f"{it['id']}: {node['html'][:200]} {node['any'][0]['message'] if node['any'] else ''}"
        for it in results.response["violations"]
        for node in it["nodes"]
    ]


def test_a_page_without_its_key_says_where_it_is(serving_console: Serving, opened: Opened) -> None:
    with serving_console(Pretended(word="x")) as served, opened(served) as page:
        other = page.context.new_page()
        other.goto(served.url)
        expect(other.get_by_role("heading", name="This page needs its key")).to_be_visible()
        assert found(other) == []
