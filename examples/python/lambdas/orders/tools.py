"""What the shop knows of its orders."""

from typing import TypedDict

from dispatch import ToolError

SHIPPED = {"A-1": ["lamp", "bulb"], "A-2": ["chair"]}


class Order(TypedDict):
    """An order and what is in its parcel."""

    number: str
    """The order's number."""
    items: list[str]
    """What was shipped."""


def find_order(number: str) -> Order:
    """Find an order and say what was shipped.

    Args:
        number: The order's number, such as A-1.
    """
    if number not in SHIPPED:
        raise ToolError(f"There is no order {number}.")
    return {"number": number, "items": SHIPPED[number]}
