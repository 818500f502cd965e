"""The page by itself: the keyboard alone, a large matrix, a connection that breaks, forms, what is not available."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.browser.conftest import Opened
from tests.console.browser.pretend import Pretended, matrix
from tests.waiting import wait_until
from toolgate.console.server import Console
from toolgate.console.source import Call, Json, Source

type Serving = Callable[[Source], AbstractContextManager[Console]]

CALLERS = [f"caller-{number}" for number in range(1_000)]
TOOLS = [f"math___tool_{number}" for number in range(100)]


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator(wanted).first.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {wanted}")


def test_the_keyboard_alone(serving_console: Serving, opened: Opened) -> None:
    source = Pretended(
        word="math___greeting", document=matrix(["calculator", "greeter", "*"], ["math___a", "math___b"])
    )
    with serving_console(source) as served, opened(served) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the view")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        tab_to(page, "#ask-prompt")
        page.keyboard.type("anything")
        tab_to(page, "#ask-send")
        page.keyboard.press("Enter")
        expect(page.locator(".turn.agent .failed")).to_be_visible()
        page.reload()  # the focus is at the top again
        expect(page.locator("#connection")).to_have_text("live")
        tab_to(page, 'a[href="#access"]')
        page.keyboard.press("Enter")
        expect(page.locator("#matrix td.cell")).to_have_count(6)
        tab_to(page, "#matrix td.cell")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        expect(page.locator('tr[data-row="1"] td[aria-colindex="3"]')).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#panel-title")).to_have_text("greeter → math___b")
        expect(page.locator("#panel-title")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator('tr[data-row="1"] td[aria-colindex="3"]')).to_be_focused()
        page.keyboard.press("Control+End")
        expect(page.locator('tr[data-row="2"] td[aria-colindex="3"]')).to_be_focused()
        # The one cell that Tab reaches is the one that had the focus.
        assert page.locator('#matrix td[tabindex="0"]').count() == 1


def test_anybody_and_ways_around_are_red(serving_console: Serving, opened: Opened) -> None:
    with serving_console(Pretended(word="x")) as served, opened(served, color_scheme="light") as page:
        page.get_by_role("link", name="Who may call what").click()
        anybody = page.get_by_role("rowheader", name="anybody").first
        expect(anybody).to_have_css("color", "rgb(163, 32, 29)")
        expect(page.locator("#ways tr.alarm th").first).to_have_css("color", "rgb(163, 32, 29)")


def test_of_a_large_matrix_only_what_is_in_sight_is_drawn(serving_console: Serving, opened: Opened) -> None:
    source = Pretended(word="x", document=matrix(CALLERS, TOOLS))
    with serving_console(source) as served, opened(served) as page:
        page.get_by_role("link", name="Who may call what").click()
        expect(page.locator("#matrix-count")).to_have_text("1000 of 1000 callers, 100 of 100 tools")
        table = page.locator("#matrix")
        assert table.get_attribute("aria-rowcount") == "1001"
        for left, top, row, column in ((0, 0, 0, 0), (99_999, 99_999, 999, 99), (1_500, 15_000, 500, 40)):
            page.locator("#matrix-scroll").evaluate("(box, [x, y]) => box.scrollTo(x, y)", [left, top])
            cell = page.locator(f'tr[data-row="{row}"] td[aria-colindex="{column + 2}"]')
            expect(cell).to_be_in_viewport()
            expect(cell).to_have_attribute("aria-label", "deny" if (row + column) % 2 else "allow")
            assert page.locator("#matrix td.cell").count() < 4_000
            # Each cell stands below its head, and beside its caller: what is not drawn has its room.
            head = page.get_by_role("columnheader", name=f"math___tool_{column}", exact=True)
            caller = page.get_by_role("rowheader", name=f"caller-{row}", exact=True)
            # A busy machine may still draw: what is seen between two looks is drawn anew.
            wait_until(lambda: abs(apart(head, cell, "left")) < 1 and abs(apart(caller, cell, "top")) < 1)  # noqa: B023  # called in this turn
        page.get_by_label("Who", exact=True).fill("caller-77")
        expect(page.locator("#matrix-count")).to_have_text("11 of 1000 callers, 100 of 100 tools")


def apart(one: Locator, other: Locator, side: str) -> float:
    """How far an element's side is from another's, both seen at once."""
    program = "(one, [other, side]) => one.getBoundingClientRect()[side] - other.getBoundingClientRect()[side]"
    return float(one.evaluate(program, [other.element_handle(), side]))


def test_a_connection_that_breaks_is_taken_up_where_it_ended(serving_console: Serving, opened: Opened) -> None:
    source = Pretended(word="x")
    with serving_console(source) as served, opened(served) as page:
        assert source.live
        page.get_by_role("link", name="Live", exact=True).click()
        source.live.say("note", text="before")
        expect(page.locator("#events > li")).to_have_count(1)
        asked: list[str] = []
        page.on("request", lambda it: asked.append(it.url) if "/api/events" in it.url else None)
        # The server lets its listeners go, as one that ends does; the page comes back.
        cut(source)
        wait_until(lambda: page.evaluate("1") and asked)  # who evaluates lets events in
        source.live.say("note", text="after")
        expect(page.locator("#events > li")).to_have_count(2)
        expect(page.locator("#events > li").first).to_contain_text("after")
        assert asked[0].endswith("?after=1")


def cut(source: Pretended) -> None:
    """End every stream of events, and go on with the same ring."""
    assert source.live
    live = source.live
    wait_until(lambda: live.listeners == 1)
    live._closed = True
    live._wake()
    wait_until(lambda: live.listeners == 0)
    live._closed = False


def test_it_says_that_it_has_missed_some(serving_console: Serving, opened: Opened) -> None:
    source = Pretended(word="x")
    with serving_console(source) as served, opened(served) as page:
        assert source.live
        source.live.tell(lambda: {"kind": "note", "missed": 7, "text": "7 events missed"})
        page.get_by_role("link", name="Live", exact=True).click()
        expect(page.locator("#live-status")).to_contain_text("Missed 7")


@dataclass
class Taking(Pretended):
    """Takes calls of a tool with this schema."""

    schema: Mapping[str, Any] = field(default_factory=dict)
    calls_made: list[Call] = field(default_factory=list)

    def tools(self) -> Any:
        about = {"description": "d", "inputSchema": self.schema, "offered_to": ["x"], "log": None}
        return [{"tool": "math___t", "gateway": "tools", "target": "math", **about}]

    def call(self, call: Call) -> Json:
        self.calls_made.append(call)
        return {**super().call(call), "refusal": None, "reason": None, "line": {"decision": "allowed"}}


SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "sure": {"type": "boolean"},
        "unit": {"type": "string", "enum": ["m", "km"]},
        "level": {"type": "integer", "enum": [1, 2]},
        "names": {"type": "array", "items": {"type": "string"}},
        "where": {"type": "object", "properties": {"city": {"type": "string", "description": "Its name"}}},
        "left_out": {"type": "integer"},
    },
    "required": ["text", "count"],
}
FILLED = {"text": "", "count": "12", "ratio": "-1.5e3", "names": '["a", "b"]', "where": '{"city": "Rome"}'}
CHOSEN = {"sure": "false", "unit": "km", "level": "2"}


def test_a_form_made_from_a_schema(serving_console: Serving, opened: Opened) -> None:
    source = Taking(word="x", schema=SCHEMA)
    with serving_console(source) as served, opened(served) as page:
        page.get_by_role("link", name="Tools", exact=True).click()
        expect(page.locator("#tool-schema")).to_contain_text("list of string")
        expect(page.locator("#tool-schema")).to_contain_text("Its name")
        form = page.locator("#call-fields")
        for name, text in FILLED.items():
            form.locator(f'[data-name="{name}"]').fill(text)
        for name, label in CHOSEN.items():
            form.locator(f'[data-name="{name}"]').select_option(label=label)
        page.get_by_role("button", name="Call", exact=True).click()
        expect(page.locator("#call-result .badge")).to_have_text("allowed")
        expected = {"text": "", "count": 12, "ratio": -1500, "names": ["a", "b"], "where": {"city": "Rome"}}
        [call] = source.calls_made
        assert call.arguments == {**expected, "sure": False, "unit": "km", "level": 2}
        page.get_by_label("write the arguments as JSON").check()
        page.get_by_label("arguments", exact=True).fill('{"text": 1}')
        page.get_by_role("button", name="Call", exact=True).click()
        wait_until(lambda: page.evaluate("1") and len(source.calls_made) == 2)
        assert source.calls_made[1].arguments == {"text": 1}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("count", "", "This is required."),
        ("count", "twelve", "Write a whole number, such as 12."),
        ("count", "0x10", "Write a whole number, such as 12."),
        ("count", "9007199254740993", "more than this page can send exactly"),
        ("ratio", "1,5", "Write a number, such as 1.5."),
        ("names", '["a"', "That is no JSON"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(
    name: str, text: str, said: str, serving_console: Serving, opened: Opened
) -> None:
    source = Taking(word="x", schema=SCHEMA)
    with serving_console(source) as served, opened(served) as page:
        page.get_by_role("link", name="Tools", exact=True).click()
        page.locator('[data-name="count"]').fill("1")
        wrong = page.locator(f'[data-name="{name}"]')
        wrong.fill(text)
        page.get_by_role("button", name="Call", exact=True).click()
        expect(wrong).to_be_focused()
        expect(wrong).to_have_attribute("aria-invalid", "true")
        expect(wrong).to_have_accessible_description(re.compile(re.escape(said)))
        assert source.calls_made == []


def test_what_if_of_several_changes(serving_console: Serving, opened: Opened) -> None:
    source = Pretended(word="calculator", document=matrix(["calculator"], ["math___a", "math___b"]))
    with serving_console(source) as served, opened(served) as page:
        page.get_by_role("link", name="Who may call what").click()
        page.locator("#matrix td.cell", has_text="deny").click()
        page.get_by_role("button", name="What if calculator were handed math___b?").click()
        expect(page.locator("#what-if-result")).to_contain_text("Newly may call")
        page.get_by_label("What", exact=True).select_option("take")
        page.locator("#what-if-tool").select_option("math___a")
        page.get_by_role("button", name="Add").click()
        expect(page.locator("#what-if-list li")).to_have_count(2)
        page.get_by_role("button", name="See what the plan says").click()
        expect(page.locator("#what-if-result")).to_contain_text("May no longer call")
        page.get_by_role("button", name="Start over").click()
        expect(page.locator("#what-if-list li")).to_have_count(0)
        expect(page.locator("#what-if-run")).to_be_disabled()


def test_what_is_not_available_says_why(serving_console: Serving, opened: Opened) -> None:
    why = {name: f"{name} is elsewhere" for name in ("what-if", "tools/call", "logs", "calls", "ask")}
    source = Pretended(word="x", document=matrix(["x"], ["math___a"]), unavailable=why)
    with serving_console(source) as served, opened(served) as page:
        expect(page.locator("#view-ask .conversation .unavailable")).to_have_text("ask is elsewhere")
        expect(page.locator("#ask-send")).to_be_disabled()
        page.get_by_role("link", name="Who may call what").click()
        page.get_by_role("link", name="What if").click()
        expect(page.locator("#access-what-if .unavailable").first).to_have_text("what-if is elsewhere")
        page.get_by_role("link", name="Tools", exact=True).click()
        expect(page.get_by_text("tools/call is elsewhere")).to_be_visible()
        expect(page.get_by_text("calls is elsewhere", exact=True)).to_be_visible()


def test_a_fault_of_the_server_is_said_and_the_page_goes_on(serving_console: Serving, opened: Opened) -> None:
    source = Pretended(word="x", document="no matrix")
    with serving_console(source) as served, opened(served) as page:
        page.get_by_role("link", name="Who may call what").click()
        expect(page.locator("#ways .unavailable")).to_contain_text("JSON")
        source.document = matrix(["x"], ["math___a"])
        page.get_by_role("link", name="Graph").click()
        page.get_by_role("link", name="Matrix").click()
        expect(page.locator("#matrix td.cell")).to_have_count(1)
        assert json.loads(source.document)["entries"]
