"""The tools of a shop: products, quotes, orders."""

import asyncio
import functools
import hashlib
import hmac
import json
import os
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import boto3
from botocore.exceptions import ClientError
from dispatch import ToolError
from rapidfuzz import fuzz, process
from secret_values import secret

EXPRESS = Decimal("9.90")


class Line(TypedDict):
    """One line of an order."""

    sku: Annotated[str, "The product's number, as find_products gives it."]
    quantity: Annotated[int, "How many, at least 1."]


class Address(TypedDict):
    """Where an order goes."""

    street: str
    city: str
    country: Annotated[str, "Two letters, such as DE."]


class Customer(TypedDict):
    """Who orders."""

    email: str
    address: Address
    phone: NotRequired[str]


class Product(TypedDict):
    """A product."""

    sku: str
    name: str
    price: Decimal


class Quote(TypedDict):
    """What lines cost."""

    lines: list[list[str]]
    total: Decimal


class Order(TypedDict):
    """An order."""

    id: str
    day: date
    status: Literal["open", "cancelled"]
    total: Decimal
    lines: list[Line]


class Receipt(TypedDict):
    """The proof of an order."""

    order: Order
    signature: str


def find_products(query: str, limit: int = 3) -> list[Product]:
    """Find products by what a customer calls them.

    Args:
        query: The customer's words.
        limit: The most to give.
    """
    names = {sku: product["name"].lower() for sku, product in _products().items()}
    found = process.extract(query.lower(), names, scorer=fuzz.token_set_ratio, limit=limit, score_cutoff=50)
    return [_products()[sku] for _, _, sku in found]


async def quote(lines: list[Line], express: bool = False) -> Quote:
    """Say what lines cost, without ordering them.

    Args:
        lines: What is wanted.
        express: Whether it is to come tomorrow.
    """
    prices = await asyncio.gather(*(_price(line) for line in lines))
    rows = [[line["sku"], str(line["quantity"]), str(price)] for line, price in zip(lines, prices, strict=True)]
    return {"lines": rows, "total": sum(prices, EXPRESS if express else Decimal(0))}


async def place_order(customer: Customer, lines: list[Line], note: str | None = None) -> Receipt:
    """Place an order.

    Args:
        customer: Who orders, and where it goes.
        lines: What is ordered.
        note: What the packer is to know.
    """
    order: Order = {
        "id": uuid.uuid4().hex[:12],
        "day": datetime.now(UTC).date(),
        "status": "open",
        "total": (await quote(lines))["total"],
        "lines": lines,
    }
    item = {**order, "day": order["day"].isoformat(), "customer": customer["email"], "address": customer["address"]}
    _table().put_item(Item=item | ({"note": note} if note else {}), ConditionExpression="attribute_not_exists(id)")
    signature = hmac.new(secret("RECEIPT_KEY").encode(), order["id"].encode(), hashlib.sha256)
    return {"order": order, "signature": signature.hexdigest()}


def find_orders(
    customer: str, status: Literal["open", "cancelled"] | None = None, since: date | None = None
) -> list[Order]:
    """Find a customer's orders.

    Args:
        customer: The customer's email address.
        status: Only those.
        since: Only those of this day or later.
    """
    answer = _table().query(
        KeyConditionExpression="customer = :customer", ExpressionAttributeValues={":customer": customer}
    )
    orders = [_order(item) for item in answer["Items"]]
    return [it for it in orders if status in (None, it["status"]) and (since is None or it["day"] >= since)]


def cancel_order(customer: str, order_id: str) -> Order:
    """Cancel an order that is still open.

    Args:
        customer: The customer's email address.
        order_id: The order's id.
    """
    try:
        answer = _table().update_item(
            Key={"customer": customer, "id": order_id},
            UpdateExpression="SET #status = :cancelled",
            ConditionExpression="#status = :open",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":cancelled": "cancelled", ":open": "open"},
            ReturnValues="ALL_NEW",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        raise ToolError(f"There is no open order {order_id} of {customer}.") from error
    return _order(answer["Attributes"])


async def _price(line: Line) -> Decimal:
    if line["sku"] not in _products():
        raise ToolError(f"There is no product {line['sku']}. find_products knows them.")
    if line["quantity"] < 1:
        raise ToolError(f"{line['quantity']} of {line['sku']} cannot be ordered.")
    return _products()[line["sku"]]["price"] * line["quantity"]


@functools.cache
def _products() -> dict[str, Product]:
    listed = json.loads(Path(__file__).with_name("products.json").read_text("utf-8"))
    return {it["sku"]: {"sku": it["sku"], "name": it["name"], "price": Decimal(it["price"])} for it in listed}


@functools.cache
def _table() -> Any:
    return boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE"])


def _order(item: dict[str, Any]) -> Order:
    lines: list[Line] = [{"sku": it["sku"], "quantity": int(it["quantity"])} for it in item["lines"]]
    day = date.fromisoformat(item["day"])
    return {"id": item["id"], "day": day, "status": item["status"], "total": item["total"], "lines": lines}
