"""The console in a real browser: first paint, decisions on screen, scrolling, weight. `python -m bench.console`.

Each figure stands beside that of a blank page of the same server in the same browser; the exit code is 1 when one is
above its bound. It needs Chromium (`apt-get install chromium`, or `playwright install chromium`).
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from botocore.credentials import Credentials
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Browser, CDPSession, Page
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from scripts.chromium import NoBrowserError, launched
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.console.app import console_app
from toolgate.console.guard import Guard, new_token
from toolgate.console.served import Program, Served, Told
from toolgate.local.plan import plan
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.loopback_server import HOST, listening, running
from toolgate.local.serve.server import Serving, serve

BLANK = "<!doctype html><title>blank</title><p>blank"
HEADERS = {"accept": "application/json, text/event-stream"}
CALL: dict[str, Any] = {"name": "math___add_numbers", "arguments": {"a": 1, "b": 2}}
FRAMES = 200


@dataclass(frozen=True)
class Row:
    """A figure, that of the blank page, and the most that the figure may be, all in the same unit."""

    what: str
    ours: float
    blank: float
    most: float
    unit: str

    @property
    def holds(self) -> bool:
        """Whether the figure is within its bound."""
        return self.ours <= self.most

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "MISSED"
        figures = " | ".join(f"{it:.1f} {self.unit}" for it in (self.ours, self.blank))
        return f"| {self.what} | {figures} | {self.most:g} {self.unit} | {verdict} |"


class Large(Served):
    """What is served, with another matrix: 1,000 callers by 100 tools."""

    def access(self) -> str:
        """That matrix."""
        others: dict[str, Any] = {"ask": [], "bypasses": [], "clients": [], "memories": [], "unsupported": []}
        cells: list[Any] = [
            {
                **{"principal": f"arn:aws:iam::123456789012:role/caller-{row}", "agent": f"caller-{row}"},
                **{"gateway": "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/g-0123456789"},
                **{"tool": f"target___tool_{column}", "decision": ("allow", "deny")[(row + column) % 2]},
                "conditions": [],
            }
            for row in range(1_000)
            for column in range(100)
        ]
        return json.dumps({"entries": cells, **others})


@dataclass(frozen=True)
class Measured:
    """What is measured.

    Attributes:
        browser: The browser.
        url: The console's address.
        token: Its token.
        call: Makes a signed call of a tool; gives when the data plane told of it, in milliseconds.
    """

    browser: Browser
    url: str
    token: str
    call: Callable[[], float]

    @contextmanager
    def page(self, path: str) -> Iterator[Page]:
        """A page of the console in a browser that has seen none."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.goto(f"{self.url}/{path}")
        yield page
        context.close()

    @property
    def console(self) -> str:
        """The path of the console's page, with the key."""
        return f"#token={self.token}"


def main() -> int:
    """Print the table; return the exit code."""
    export = plan("dev").deployment  # before there is a browser, whose library keeps an event loop running
    try:
        with launched() as browser, _served(browser, export) as measured:
            rows = [*_paint(measured), _decision(measured), *_scroll(measured), _weight(measured)]
    except NoBrowserError as error:
        print(error, file=sys.stderr)
        return 2
    print("| what | console | blank page | at most | |\n|---|---|---|---|---|")
    print(*rows, sep="\n")
    return 0 if all(row.holds for row in rows) else 1


@contextmanager
def _served(browser: Browser, export: Mapping[str, Any]) -> Iterator[Measured]:
    told, when = Told(Program(Path(), "dev")), list[float]()

    def tell(line: Mapping[str, Any], entry: Entry) -> None:
        when.append(time.time() * 1000)
        told.tell(line, entry)

    with serve(export, told=tell, watched=told.watch) as serving, listening(0) as listener, httpx.Client() as client:
        app = console_app(Large(serving, told))

        async def blank(_request: Request) -> HTMLResponse:
            return HTMLResponse(BLANK)

        app.routes.append(Route("/blank", blank))
        token, port = new_token(), listener.getsockname()[1]
        with running(Guard(app, port, token), listener, "console"):
            post = _signed(serving, parse(export), client)

            def call() -> float:
                when.clear()
                post()
                return when[-1]

            call()  # the function's process starts with the first one
            yield Measured(browser, f"http://{HOST}:{port}", token, call)
            told.live.close()


def _signed(serving: Serving, deployment: Deployment, client: httpx.Client) -> Callable[[], object]:
    [gateway] = deployment.gateways
    issued = serving.session(deployment.runtimes[0].role_arn)
    credentials = Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
    signer = SigV4HTTPXAuth(credentials, "bedrock-agentcore", serving.environment["AWS_REGION"])
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": CALL}
    url = serving.gateway_url(gateway.id)
    return lambda: client.post(url, json=message, headers=HEADERS, auth=signer).raise_for_status()


PAINTED = """() => new Promise((resolve) => new PerformanceObserver((list, observer) => {
    const [entry] = list.getEntriesByName("first-contentful-paint");
    if (entry) { observer.disconnect(); resolve(entry.startTime); }
}).observe({ type: "paint", buffered: true }))"""
FILLED = """() => new Promise((resolve) => {
    const look = () => document.querySelector("#where").textContent ? resolve(performance.now()) : requestAnimationFrame(look);
    look();
})"""  # noqa: E501  # of a script the lines stay whole


def _paint(measured: Measured) -> Iterator[Row]:
    painted: dict[str, list[float]] = {"blank": [], measured.console: []}
    filled = []
    for _ in range(15):
        for path, found in painted.items():
            with measured.page(path) as page:
                found.append(page.evaluate(PAINTED))
                if path != "blank":
                    filled.append(page.evaluate(FILLED))
    blank = statistics.median(painted["blank"])
    yield Row("first paint", statistics.median(painted[measured.console]), blank, 300, "ms")
    yield Row("the deployment is on the page", statistics.median(filled), blank, 1_000, "ms")


# A frame after the change: what stands in the document is on the screen then.
SHOWN = """() => {
    window.shown = new Promise((resolve) => {
        const observer = new MutationObserver(() => {
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(() => resolve(performance.timeOrigin + performance.now())));
        });
        observer.observe(document.querySelector("#events"), { childList: true });
    });
}"""
ASKED = """async () => {
    const began = performance.now();
    await (await fetch("/blank")).text();
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return performance.now() - began;
}"""


def _decision(measured: Measured) -> Row:
    """From the data plane's word to the screen; of the blank page, a request of it and a frame."""
    ours, blank = [], []
    with measured.page(measured.console) as page, measured.page("blank") as other:
        page.locator("#connection").filter(has_text="live").wait_for()
        page.evaluate("() => { location.hash = 'live' }")
        page.locator("#events > li").first.wait_for()
        for _ in range(30):
            page.evaluate(SHOWN)
            told = measured.call()
            ours.append(page.evaluate("() => window.shown") - told)
            blank.append(other.evaluate(ASKED))
    return Row("a decision on screen after it was made", statistics.median(ours), statistics.median(blank), 100, "ms")


SCROLLED = """([box, frames]) => new Promise((resolve) => {
    const times = [];
    const scroll = (time) => {
        times.push(time);
        // Down and across at once, a screen in three frames: new rows and columns all the time.
        box.scrollBy(30, 170);
        if (times.length <= frames) return requestAnimationFrame(scroll);
        resolve(times.slice(1).map((it, index) => it - times[index]));
    };
    requestAnimationFrame(scroll);
})"""
SAME_SIZE = """() => {
    const box = document.body.appendChild(document.createElement("div"));
    Object.assign(box.style, { height: "560px", overflow: "auto" });
    const inner = box.appendChild(document.createElement("div"));
    Object.assign(inner.style, { width: "4820px", height: "30000px" });
    return box;
}"""


def _scroll(measured: Measured) -> Iterator[Row]:
    with measured.page(measured.console) as page, measured.page("blank") as other:
        page.locator("#connection").filter(has_text="live").wait_for()
        page.evaluate("() => { location.hash = 'access' }")
        page.locator("#matrix td.cell").first.wait_for()
        page.bring_to_front()
        ours = _scrolled(page, page.query_selector("#matrix-scroll"))
        other.bring_to_front()
        blank = _scrolled(other, other.evaluate_handle(SAME_SIZE))
    what = "while a matrix of 1,000 x 100 scrolls down and across"
    yield Row(f"CPU of a frame (the page's thread), {what}", ours.cpu, blank.cpu, 16, "ms")
    yield Row(f"of {FRAMES} frames those over 50 ms, {what}", ours.late, blank.late, FRAMES / 100, "frames")


@dataclass(frozen=True)
class _Scrolled:
    """What scrolling took: milliseconds of CPU of a frame, and how many frames took more than 50 ms of the clock."""

    cpu: float
    late: float


def _scrolled(page: Page, box: Any) -> _Scrolled:
    # What the thread has computed is the page's doing; what the clock says is the machine's, too.
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _computed(session)
    frames: list[float] = page.evaluate(SCROLLED, [box, FRAMES])
    return _Scrolled((_computed(session) - before) * 1000 / FRAMES, float(sum(it > 50 for it in frames)))


def _computed(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(it["value"] for it in metrics if it["name"] == "TaskDuration"))


def _weight(measured: Measured) -> Row:
    """All that the page loads before it asks for data, uncompressed."""
    sizes = {"": 0, "blank": 0}
    for path in sizes:
        with measured.page(path) as page:
            loaded: list[str] = page.evaluate("() => performance.getEntriesByType('resource').map((it) => it.name)")
        for url in {f"{measured.url}/{path}", *loaded, *([f"{measured.url}/icon.svg"] if not path else [])}:
            sizes[path] += len(httpx.get(url).content)
    return Row("weight of the page", sizes[""] / 1000, sizes["blank"] / 1000, 200, "kB")


if __name__ == "__main__":
    sys.exit(main())
