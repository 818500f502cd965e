"""What another page that is open in the same browser can do to the console: nothing, and it reads nothing.

The attacking page is a real one on a port of its own, and under a name that was rebound to this machine.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser.conftest import Opened
from tests.console.browser.pretend import Pretended
from toolgate.console.server import Console
from toolgate.console.source import Call, Change, Json, Question, Source

type Serving = Callable[[Source], AbstractContextManager[Console]]

READ = """async ([url, options]) => {
    try { const answer = await fetch(url, options); return [answer.type, answer.status, await answer.text()]; }
    catch (error) { return ["error", 0, ""]; }
}"""
SECRET = "only-the-console-knows"


class Counted(Pretended):
    """Notes all that is asked of it."""

    def __init__(self) -> None:
        super().__init__(word=SECRET)
        self.asked: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in {"overview", "access", "picture", "explained", "tools", "logs", "calls", "live"}:
            self.asked.append(name)
        return super().__getattribute__(name)

    def call(self, call: Call) -> Json:
        self.asked.append("call")
        return super().call(call)

    def ask(self, question: Question) -> Any:
        self.asked.append("ask")
        return super().ask(question)

    def what_if(self, change: Change) -> Json:
        self.asked.append("what_if")
        return super().what_if(change)


@pytest.fixture
def source() -> Counted:
    return Counted()


@pytest.fixture
def served(source: Counted, serving_console: Serving) -> Iterator[Console]:
    with serving_console(source) as served:
        source.asked.clear()
        yield served
        source.asked = []  # its end asks for `live`


class Empty(BaseHTTPRequestHandler):
    """A page of somebody else."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>another page</title><body></body>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The address of another page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def attacker(browser: Browser, elsewhere: str) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(elsewhere)
    yield page
    context.close()


BODY = '{"agent": "x", "prompt": "y", "tool": "t", "gateway": "g", "as": "", "arguments": {}}'
JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain"}
PATHS = ("", "console.js", "api/overview", "api/access", "api/events", "api/ask", "api/tools/call", "api/what-if")


@pytest.mark.parametrize("path", PATHS)
def test_fetch_reads_nothing_and_causes_nothing(path: str, served: Console, source: Counted, attacker: Page) -> None:
    url = f"{served.url}/{path}"
    bearer = {"authorization": f"Bearer {served.token}"}
    for options in (
        *({"mode": mode, "credentials": "include"} for mode in ("cors", "no-cors")),
        *({"method": "POST", "mode": "no-cors", "headers": kind, "body": BODY} for kind in (JSON, TEXT)),
        {"method": "POST", "mode": "cors", "headers": JSON, "body": BODY},
        # Even with the key, as if somebody had given it away.
        {"mode": "cors", "headers": bearer},
        {"method": "POST", "mode": "cors", "headers": {**JSON, **bearer}, "body": BODY},
    ):
        kind, status, text = attacker.evaluate(READ, [url, options])
        assert (kind, status, text) in {("error", 0, ""), ("opaque", 0, "")}
    assert source.asked == []


def test_a_form_is_refused(served: Console, source: Counted, attacker: Page) -> None:
    with attacker.expect_navigation(url=f"{served.url}/api/ask") as navigation:
        attacker.evaluate(
            """([action, body]) => {
                const form = document.body.appendChild(document.createElement("form"));
                Object.assign(form, { method: "post", enctype: "text/plain", action });
                const field = form.appendChild(document.createElement("input"));
                field.name = body;
                form.submit();
            }""",
            [f"{served.url}/api/ask", BODY],
        )
    assert navigation.value
    assert navigation.value.status == 403
    assert source.asked == []


def test_event_source_script_style_and_image_get_nothing(served: Console, source: Counted, attacker: Page) -> None:
    failed = attacker.evaluate(
        """async (url) => {
            const made = (tag, attribute, path) => new Promise((resolve) => {
                const element = document.createElement(tag);
                element[attribute] = url + path;
                if (tag === "link") element.rel = "stylesheet";
                element.onload = () => resolve("loaded");
                element.onerror = () => resolve("refused");
                document.body.append(element);
            });
            const events = new Promise((resolve) => {
                const source = new EventSource(url + "/api/events");
                source.onopen = () => resolve("loaded");
                source.onerror = () => { source.close(); resolve("refused"); };
            });
            return Promise.all([events, made("script", "src", "/console.js"), made("link", "href", "/console.css"),
                made("img", "src", "/icon.svg"), made("img", "src", "/api/access/picture")]);
        }""",
        served.url,
    )
    assert failed == ["refused"] * 5
    assert source.asked == []


def test_it_is_shown_in_no_frame(served: Console, source: Counted, attacker: Page) -> None:
    with attacker.expect_response(lambda it: it.url.startswith(served.url)) as answer:
        attacker.evaluate(
            """(address) => {
                const frame = document.body.appendChild(document.createElement("iframe"));
                frame.src = address;
            }""",
            served.address,
        )
    assert answer.value.status == 403
    assert source.asked == []


def test_a_window_that_another_page_opens_holds_nothing(served: Console, source: Counted, attacker: Page) -> None:
    with attacker.expect_popup() as popup:
        attacker.evaluate("address => { window.opened = window.open(address) }", served.address)
    popup.value.wait_for_load_state()
    expect(popup.value.locator("body")).to_contain_text("other_origin")
    reached = "() => { try { return window.opened.document.title } catch { return 'refused' } }"
    assert attacker.evaluate(reached) in {"refused", None}
    assert source.asked == []


def test_a_name_rebound_to_this_machine_is_told_nothing(served: Console, source: Counted, browser: Browser) -> None:
    # Names below localhost are this machine's, as a rebound name is; the attacker's page came when it was not yet.
    rebound = served.url.replace("127.0.0.1", "evil.localhost")
    context = browser.new_context()
    context.route(f"{rebound}/before", lambda route: route.fulfill(content_type="text/html", body="<!doctype html>"))
    page = context.new_page()
    page.goto(f"{rebound}/before")
    bearer = {"authorization": f"Bearer {served.token}"}
    for path in PATHS:
        for options in ({"headers": bearer}, {"method": "POST", "headers": {**JSON, **bearer}, "body": BODY}):
            assert page.evaluate(READ, [f"{rebound}/{path}", options]) == ["basic", 421, ""]
    assert source.asked == []
    context.close()


def test_its_own_page_is_answered(served: Console, source: Counted, opened: Opened) -> None:
    """Without this the others would pass before a console that answers nobody."""
    with opened(served) as page:
        expect(page.locator("#where")).to_contain_text(SECRET)
        assert "overview" in source.asked
