"""What somebody who has read nothing does before the page that `toolgate up` has opened, with what it shows alone."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser.conftest import Watched
from tests.planning import copy_project
from tests.waiting import wait_until

STACK = "Pulumi.agents.yaml"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("walk"))


@pytest.fixture(scope="module")
def address(project: Path) -> Iterator[str]:
    """Where `toolgate up` says that its console is."""
    said = project / "said.txt"
    command = [sys.executable, "-m", "toolgate.cli", "up", "--stack", "agents"]
    with said.open("wb") as out, subprocess.Popen(command, cwd=project, stdout=out, stderr=subprocess.STDOUT) as up:
        try:
            wait_until(lambda: up.poll() is not None or "Ctrl-C ends it" in said.read_text(), 200)
            found = re.search(r"^# console: (\S+)$", said.read_text(), re.MULTILINE)
            assert found, said.read_text()
            yield found[1]
        finally:
            up.send_signal(signal.SIGINT)
            assert up.wait(60) == 0, said.read_text()


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, open from the first test to the last: they are one walk."""
    context = browser.new_context()
    watched = Watched(context)
    page = context.new_page()
    page.goto(address)
    yield page
    assert watched.said == []
    assert watched.others(address) == []
    context.close()


def test_the_key_does_not_stay_in_the_address(page: Page, address: str) -> None:
    expect(page.locator("#connection")).to_have_text("live")
    token = address.partition("#token=")[2]
    assert len(token) > 40
    assert token not in page.url
    assert page.evaluate("history.length") <= 2  # an empty page, and this one
    page.reload()
    expect(page.locator("#connection")).to_have_text("live")
    assert page.context.cookies() == []


def test_ask_and_see_a_tool_called_and_why_it_was_allowed(page: Page) -> None:
    expect(page.locator("#where")).to_contain_text("stack agents")
    page.get_by_label("Your prompt").fill("What is 100 + 12?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn.agent .text")).to_have_text("The result is 112.")
    call = page.locator("#steps > li", has_text="Tool call")
    expect(call).to_contain_text("math___add_numbers")
    expect(call).to_contain_text("allowed")
    expect(call).to_contain_text('{"a":100,"b":12}')
    expect(call).to_contain_text(re.compile(r"IAM statement allows .*calculator-tools \(InvokeGateways\)"))
    expect(call).to_contain_text(re.compile(r"Cedar policy allows toolgate_agents_calculator_tools"))
    expect(call.locator(".block", has_text="result")).to_contain_text("112")
    expect(page.locator("#steps > li").first).to_contain_text("Invocation")
    expect(page.locator("#steps > li", has_text="Model reads")).to_have_count(2)


def test_the_session_goes_on_and_a_new_one_begins(page: Page) -> None:
    page.get_by_label("Your prompt").fill("What is 7 + 5?")
    page.get_by_label("Your prompt").press("Control+Enter")
    expect(page.locator(".turn.agent .text").last).to_have_text("The result is 12.")
    expect(page.locator(".turn.agent")).to_have_count(2)
    # Of the request that was asked last, the steps are its own.
    expect(page.locator("#steps > li", has_text="Tool call")).to_contain_text('{"a":7,"b":5}')
    page.get_by_role("button", name="New session").click()
    expect(page.locator(".turn")).to_have_count(0)
    page.get_by_label("Session", exact=True).select_option(label="What is 100 + 12?")
    expect(page.locator(".turn.agent")).to_have_count(2)


def test_see_a_refusal_and_its_reason(page: Page) -> None:
    page.get_by_role("link", name="Tools", exact=True).click()
    page.get_by_role("link", name=re.compile("math___greeting")).click()
    expect(page.locator("#tool-offered")).to_have_text("Offered to greeter.")
    page.get_by_label("name").fill("Ada")
    for caller, decider in (
        ("calculator (is not offered it)", "Cedar policy denies"),
        ("nobody (no signature, no token)", "Signature denies"),
        ("a role without the grant", "IAM statement denies"),
    ):
        page.get_by_label("As", exact=True).select_option(label=caller)
        page.get_by_role("button", name="Call", exact=True).click()
        expect(page.locator("#call-result .badge")).to_have_text("denied")
        expect(page.locator("#call-result .deciders")).to_contain_text(decider)
        expect(page.locator("#call-result .reason .why")).not_to_be_empty()
        if caller.startswith("calculator"):  # what the settings could grant says where they stand
            expect(page.locator("#call-result .reason .change")).to_contain_text("toolgate:agents")
            expect(page.locator("#call-result .reason .place")).to_have_text(re.compile(rf"{STACK}:\d+"))
            expect(page.locator("#call-result .reason .code")).to_contain_text("tools: [")
    page.get_by_label("As", exact=True).select_option(label="greeter")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#call-result .badge")).to_have_text("allowed")
    expect(page.locator("#call-result .block")).to_contain_text("Ada")
    # Of what is unsigned nobody reads which tool it names.
    expect(page.locator("#tool-calls tbody tr")).to_have_count(3)


def test_what_was_refused_is_live(page: Page) -> None:
    page.get_by_role("link", name="Live", exact=True).click()
    page.get_by_label("denied only").check()
    expect(page.locator("#events > li")).to_have_count(3)
    expect(page.locator("#events > li").first).to_contain_text("math___greeting")
    page.get_by_label("denied only").uncheck()
    page.get_by_role("button", name="Pause").click()
    before = page.locator("#events > li").count()
    call_as_nobody(page)
    page.get_by_role("link", name="Live", exact=True).click()
    expect(page.locator("#events > li")).to_have_count(before + 1)
    page.get_by_role("button", name="Go on").click()


def call_as_nobody(page: Page) -> None:
    page.get_by_role("link", name="Tools", exact=True).click()
    page.get_by_label("As", exact=True).select_option(label="nobody (no signature, no token)")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#call-result .badge")).to_have_text("denied")


def test_find_who_may_call_greeting(page: Page) -> None:
    page.get_by_role("link", name="Who may call what").click()
    page.get_by_label("Tool", exact=True).first.fill("greeting")
    expect(page.get_by_role("columnheader")).to_have_text(["who", "math___greeting"])
    greeter = page.get_by_role("row", name="greeter")
    expect(greeter.get_by_role("gridcell")).to_have_text("✓ allow")
    cell = page.get_by_role("row", name="calculator").get_by_role("gridcell")
    expect(cell).to_contain_text("deny")
    cell.click()
    expect(page.locator(".explanation")).to_contain_text("missing: a Cedar policy that permits")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(cell).to_be_focused()
    page.get_by_label("Who", exact=True).fill("nobody of this name")
    expect(page.locator("#matrix-count")).to_contain_text("0 of 2 callers")
    page.get_by_label("Who", exact=True).fill("")
    page.get_by_label("Tool", exact=True).first.fill("")
    page.get_by_role("link", name="Graph").click()
    wait_until(lambda: page.locator("#graph-image").evaluate("image => image.naturalWidth > 100"))


def test_what_if_it_were_handed_over(page: Page, project: Path) -> None:
    before = (project / STACK).read_text()
    page.get_by_role("link", name="Matrix").click()
    page.get_by_role("row", name="calculator").get_by_role("gridcell").nth(2).click()
    page.get_by_role("button", name="What if calculator were handed math___greeting?").click()
    result = page.locator("#what-if-result")
    expect(result.locator("h3")).to_have_text("The plan holds", timeout=120_000)
    expect(result).to_contain_text("calculator: math___greeting (deny → allow)")
    expect(result.get_by_label("Settings to paste")).to_contain_text("math___greeting")
    assert (project / STACK).read_text() == before


def test_a_change_of_the_program_is_on_the_page_without_a_reload(page: Page, project: Path) -> None:
    page.get_by_role("link", name="Matrix").click()
    cell = page.get_by_role("row", name="calculator").get_by_role("gridcell").nth(2)
    expect(cell).to_contain_text("deny")
    page.evaluate("window.stays = true")
    file = project / STACK
    granted = file.read_text().replace("[math___add_numbers,", "[math___greeting, math___add_numbers,")
    changed = file.with_suffix(".new")
    changed.write_text(granted)
    changed.replace(file)  # whole at once, as an editor does it
    expect(cell).to_have_text("✓ allow", timeout=120_000)
    assert page.evaluate("window.stays")
    page.get_by_role("link", name="Tools", exact=True).click()
    expect(page.locator("#tool-offered")).to_contain_text("calculator")
