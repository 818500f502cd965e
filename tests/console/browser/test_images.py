"""The README's images show what is there now: their text is compared, and no pixels."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from scripts import images
from tests.planning import planned


@pytest.fixture(scope="module")
def deployment() -> dict[str, Any]:
    """The sample, planned before there is a browser."""
    return planned(images.STACK).deployment


def test_the_consoles_images_show_what_it_shows(deployment: dict[str, Any], browser: Browser) -> None:
    with images.served_page(browser, deployment) as page:
        for name, show in images.CONSOLE.items():
            assert show(page) == (images.FOLDER / f"{name}.txt").read_text(encoding="utf-8"), "make record"
            assert (images.FOLDER / f"{name}.png").stat().st_size > 20_000
