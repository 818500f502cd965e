"""The README's images, each with the text that it shows: a test compares that with what is shown now, and no pixels.

The console's are of the sample's stack `agents`, served here and asked in a real browser; the review's is its comment
on a change of the sample, without the diagram, which GitHub draws.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, expect

from scripts.chromium import launched
from toolgate.console.served import Program, Served, Told
from toolgate.console.server import console
from toolgate.local.plan import plan
from toolgate.local.serve.server import serve
from toolgate.review.comment import comment
from toolgate.review.planning import Planned
from toolgate.review.revisions import Revisions
from toolgate.review.stack_review import judge

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "sample"
FOLDER = ROOT / "docs" / "images"
STACK = "agents"
WINDOW = {"width": 1160, "height": 720}
_PATIENCE = 60_000
REFUND = '''

def refund(order_id: str) -> bool:
    """Refund an order.

    Args:
        order_id: The order.
    """
    return True
'''
STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; max-width: 900px; margin: 24px auto; }
h2, h3 { border-bottom: 1px solid #d1d9e0; padding-bottom: 4px; } table { border-collapse: collapse; }
td, th { border: 1px solid #d1d9e0; padding: 5px 12px; text-align: left; } code, pre { background: #f2f4f6; }
pre { padding: 12px; overflow: hidden; } code { padding: 2px 4px; border-radius: 4px; } pre code { padding: 0; }
"""

type Shown = Callable[[Page], str]


@contextmanager
def served_page(browser: Browser, deployment: Mapping[str, Any]) -> Iterator[Page]:
    """The console's page of the sample, which is planned already: no other loop runs beside the browser's."""
    told = Told(Program(SAMPLE, STACK))
    with (
        tempfile.TemporaryDirectory() as logs,
        serve(deployment, SAMPLE, logs=Path(logs), told=told.tell, watched=told.watch) as serving,
        console(Served(serving, told)) as served,
        browser.new_context(viewport=WINDOW) as context,  # type: ignore[arg-type]  # of Playwright's own type
    ):
        page = context.new_page()
        page.set_default_timeout(_PATIENCE)
        page.goto(served.address)
        page.locator("#connection").filter(has_text="live").wait_for()
        yield page


def asked(page: Page) -> str:
    """An answer, and what decided about each step to it."""
    page.get_by_label("Your prompt").fill("What is 100 + 12?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn.agent .text")).to_have_text("The result is 112.", timeout=_PATIENCE)
    expect(page.locator("#steps > li", has_text="Model reads")).to_have_count(2, timeout=_PATIENCE)
    expect(page.locator("#steps > li", has_text="Tool call").locator(".block", has_text="result")).to_be_visible()
    expect(page.locator("#steps > li").first).to_contain_text("allowed", timeout=_PATIENCE)
    return text_of(page)


def refused(page: Page) -> str:
    """A refused call, why, and which line would have to change."""
    page.get_by_role("link", name="Tools", exact=True).click()
    page.get_by_role("link", name=re.compile("math___greeting")).click()
    page.get_by_label("name").fill("Ada")
    page.get_by_label("As", exact=True).select_option(label="calculator (is not offered it)")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#call-result .reason .place")).to_be_visible(timeout=_PATIENCE)
    expect(page.locator("#tool-calls tbody tr")).to_have_count(1, timeout=_PATIENCE)
    return text_of(page)


CONSOLE: dict[str, Shown] = {"console": asked, "refusal": refused}
"""The console's images, in the order in which one page shows them."""


def text_of(page: Page) -> str:
    """What the page says, as a screen reader has it; without what is another each time."""
    said = page.locator("main").aria_snapshot()
    said = re.sub(r"\b\d+(\.\d+)? ms\b", "- ms", said)
    said = re.sub(r"\b\d{1,2}:\d{2}:\d{2}( [AP]M)?", "-", said)
    return re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "-", said) + "\n"


def review() -> str:
    """The review's comment on a tool that is added to the sample, and one that is handed to another agent."""
    judgements = {}
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program"
        shutil.copytree(SAMPLE, program, ignore=shutil.ignore_patterns("dist", "__pycache__"))
        tools = program / "lambdas" / "math" / "tools.py"
        tools.write_text(tools.read_text() + REFUND)
        settings = program / "Pulumi.agents.yaml"
        settings.write_text(settings.read_text().replace("[math___greeting]", "[math___greeting, math___add_numbers]"))
        for stack in ("agents", "dev"):
            before, after = (plan(stack, root=it) for it in (SAMPLE, program))
            judgements[stack] = judge(*(Planned(it.deployment, it.violations) for it in (before, after)))
    said = comment(judgements, Revisions("0123456789abcdef", "fedcba9876", ()))
    return re.sub(r"In (`\w+`(, )?)+:\n\n```mermaid\n.*?```\n", "", said, flags=re.DOTALL)


def as_page(text: str) -> str:
    """Markdown as a page to take a picture of."""
    rendered = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{rendered}"


def record() -> None:
    """Make the images, and write what they show beside them.

    Raises:
        NoBrowserError: There is no browser to take them with.
    """
    deployment, said = plan(STACK, root=SAMPLE).deployment, review()
    (FOLDER / "review.txt").write_text(said, encoding="utf-8")
    with launched() as browser:
        with served_page(browser, deployment) as page:
            for name, show in CONSOLE.items():
                (FOLDER / f"{name}.txt").write_text(show(page), encoding="utf-8")
                page.screenshot(path=FOLDER / f"{name}.png")
        with browser.new_context(viewport=WINDOW) as context:  # type: ignore[arg-type]  # as above
            page = context.new_page()
            page.set_content(as_page(said))
            page.screenshot(path=FOLDER / "review.png")
