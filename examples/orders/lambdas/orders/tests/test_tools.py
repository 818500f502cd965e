"""The tools without AWS: what they compute, and what they say when they cannot."""

import asyncio
import hashlib
import hmac
from collections.abc import Coroutine
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import tools
from dispatch import ToolError
from tools import Customer, Line

TWO_LAMPS: list[Line] = [{"sku": "LAMP-1", "quantity": 2}]
CUSTOMER: Customer = {"email": "ada@example.com", "address": {"street": "Way 1", "city": "Ulm", "country": "DE"}}


def run[T](work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class Table:
    """Keeps what is put, and gives it back."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def put_item(self, *, Item: dict[str, Any], **_: Any) -> None:  # noqa: N803  # AWS's word
        self.items.append(Item)

    def query(self, **_: Any) -> dict[str, Any]:
        return {"Items": self.items}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    made = Table()
    monkeypatch.setattr(tools, "_table", lambda: made)
    monkeypatch.setattr(tools, "secret", {"RECEIPT_KEY": "key"}.__getitem__)
    return made


def test_products_are_found_by_a_customers_words() -> None:
    assert [it["sku"] for it in tools.find_products("running shoe", limit=1)] == ["SHOE-1"]
    assert tools.find_products("helicopter") == []


def test_a_quote_adds_up() -> None:
    assert run(tools.quote(TWO_LAMPS))["total"] == Decimal("99.80")
    assert run(tools.quote(TWO_LAMPS, express=True))["total"] == Decimal("109.70")


@pytest.mark.parametrize("line", [{"sku": "LAMP-9", "quantity": 1}, {"sku": "LAMP-1", "quantity": 0}])
def test_what_cannot_be_ordered_is_told(line: Line) -> None:
    with pytest.raises(ToolError, match=line["sku"]):
        run(tools.quote([line]))


def test_an_order_is_kept_and_its_receipt_is_signed(table: Table) -> None:
    receipt = run(tools.place_order(CUSTOMER, TWO_LAMPS, note="Ring twice."))
    order_id = receipt["order"]["id"]
    assert receipt["signature"] == hmac.new(b"key", order_id.encode(), hashlib.sha256).hexdigest()
    assert table.items[0]["note"] == "Ring twice."
    assert tools.find_orders("ada@example.com") == [receipt["order"]]
    assert tools.find_orders("ada@example.com", status="cancelled") == []
    assert tools.find_orders("ada@example.com", since=date(2999, 1, 1)) == []
