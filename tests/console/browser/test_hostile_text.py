"""Whatever tools, models, agents and files say stands on the page as text, and nothing of it runs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import Opened
from tests.console.browser.pretend import SCRIPT, Pretended
from tests.waiting import wait_until
from toolgate.console.server import Console
from toolgate.console.source import Source

type Serving = Callable[[Source], AbstractContextManager[Console]]


@pytest.fixture
def source() -> Pretended:
    return Pretended()


@pytest.fixture
def page(source: Pretended, serving_console: Serving, opened: Opened) -> Iterator[Page]:
    with serving_console(source) as served, opened(served) as page:
        yield page
        assert page.evaluate("window.ran") is None
        made = "img[onerror], [onload], [onerror], [style*=javascript], main script, iframe, object, embed"
        assert page.locator(made).count() == 0


def test_in_what_happens(page: Page, source: Pretended) -> None:
    assert source.live
    for kind in ("tool", "model", "invocation", "note", SCRIPT):
        source.live.tell(lambda kind=kind: source.event(kind))  # type: ignore[misc]  # a default, not an argument
    page.get_by_role("link", name="Live").click()
    expect(page.locator("#events > li")).to_have_count(5)
    for place in (".why", ".change", ".code", ".deciders"):
        expect(page.locator(f"#events {place}").first).to_contain_text(SCRIPT)
    expect(page.locator("#events .block pre").first).to_contain_text("onerror=")  # JSON, with its quotes escaped


def test_in_an_answer_and_an_error_of_an_agent(page: Page) -> None:
    page.get_by_label("Your prompt").fill(SCRIPT)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn.agent .text")).to_have_text(SCRIPT * 2)
    expect(page.locator(".turn.you .text")).to_have_text(SCRIPT)
    expect(page.locator(".turn.agent .failed")).to_contain_text(SCRIPT)


def test_in_the_steps_of_a_request(page: Page, source: Pretended) -> None:
    assert source.live
    page.get_by_label("Your prompt").fill("anything")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn.agent .failed")).to_be_visible()
    source.live.tell(lambda: source.event("tool", agent_request_id="one"))
    source.live.tell(lambda: source.event("model"))
    expect(page.locator("#steps > li")).to_have_count(2)
    expect(page.locator("#steps")).to_contain_text(SCRIPT)


def test_in_who_may_call_what(page: Page) -> None:
    page.get_by_role("link", name="Who may call what").click()
    expect(page.locator("#matrix tbody th").first).to_contain_text("javascript:window.ran=1")
    expect(page.locator("#matrix thead th").nth(1)).to_have_text(SCRIPT)
    expect(page.locator("#ways")).to_contain_text(SCRIPT)
    page.locator("#matrix td.cell").first.click()
    expect(page.locator("#panel-title")).to_contain_text(SCRIPT)
    expect(page.locator(".explanation")).to_contain_text(SCRIPT)
    page.get_by_role("button", name="What if").click()
    expect(page.locator("#what-if-result .code")).to_have_text(SCRIPT)
    expect(page.locator("#what-if-result table")).to_contain_text(SCRIPT)


def test_in_the_picture(page: Page) -> None:
    page.get_by_role("link", name="Who may call what").click()
    page.get_by_role("link", name="Graph").click()
    image = page.get_by_role("img", name="Graph of who may call which tool")
    expect(image).to_be_visible()
    wait_until(lambda: image.evaluate("image => image.naturalWidth === 300"))  # it was drawn


def test_in_a_tool_its_schema_its_log_and_its_result(page: Page) -> None:
    page.get_by_role("link", name="Tools").click()
    expect(page.locator("#tool-name")).to_have_text(SCRIPT)
    expect(page.locator("#tool-description")).to_have_text(SCRIPT)
    expect(page.locator("#tool-schema .field")).to_have_text(SCRIPT)
    expect(page.locator("#tool-calls")).to_contain_text(SCRIPT)
    page.locator("#call-fields select").select_option(index=1)
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#call-result .why")).to_have_text(SCRIPT)
    # The arguments came back as they were given: the name, too, was text all the way.
    expect(page.locator("#call-result .block pre").last).to_contain_text("onerror=")
    page.get_by_text("Its log").click()
    expect(page.locator("#tool-log")).to_contain_text(SCRIPT)


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString", "hasOwnProperty"])
def test_names_that_an_object_has_already(name: str, serving_console: Serving, opened: Opened) -> None:
    source = Pretended(word=name)
    with serving_console(source) as served, opened(served) as page:
        page.get_by_role("link", name="Tools").click()
        page.locator("#call-fields select").select_option(index=1)
        page.get_by_role("button", name="Call", exact=True).click()
        expect(page.locator("#call-result .block pre").last).to_contain_text(f'{{"{name}": "{name}"}}')
        assert source.live
        source.live.tell(lambda: source.event(name))
        page.get_by_role("link", name="Live").click()
        expect(page.locator("#events")).to_contain_text(name)
