"""Arguments as the tool's annotations promise them, results as JSON."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.planning import ROOT
from toolgate.components.tools.tool_schema import read_tools

MODELS = """
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, NamedTuple
from pydantic import BaseModel, ConfigDict, Field, field_validator

class Size(StrEnum):
    SMALL = "s"
    LARGE = "l"

class Level(IntEnum):
    LOW = 1
    HIGH = 2

class Rate(Enum):
    HALF = 0.5
    FULL = 1

@dataclass(frozen=True)
class Item:
    sku: str
    due: date | None = None
    size: Size = Size.SMALL
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.sku == "secret":
            raise ValueError("password hunter2")

class Point(NamedTuple):
    x: float
    y: float = 0.5

class Order(BaseModel):
    model_config = ConfigDict(strict=True)
    day: date
    items: list[Item] = Field(min_length=1)
    mail: str | None = Field(None, alias="e-mail")

    @field_validator("day")
    @classmethod
    def not_too_old(cls, day: date) -> date:
        if day.year < 2000:
            raise ValueError("must be of this century")
        return day
"""
TOOLS = '''
from __future__ import annotations
import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict
from uuid import UUID
from pydantic import Field
import models
from models import Item, Level, Order, Rate, Size
if TYPE_CHECKING:
    from models import Point

class Row(TypedDict):
    day: date
    sizes: list[Size]

def show(
    day: date | None = None, at: datetime | None = None, clock: time | None = None, id: UUID | None = None,
    price: Decimal | None = None, size: Size | None = None, level: Level | None = None, rate: Rate | None = None,
    word: Literal["a", "b"] | None = None, item: Item | None = None, point: Point | None = None,
    order: Order | None = None, rows: list[Row] | None = None, sizes: set[Size] | None = None,
    pair: tuple[int, int] | None = None, days: Sequence[date] | None = None,
    by_size: Mapping[Size, list[Level]] | None = None, points: dict[str, models.Point] | None = None,
    page: Annotated[int, Field(ge=1, lt=10, multiple_of=2)] | None = None,
    share: Annotated[float, Field(gt=0, le=1, multiple_of=0.1)] | None = None,
    code: Annotated[str, Field(min_length=2, max_length=3, pattern="^[a-z]+$")] | None = None,
    few: Annotated[list[int], Field(max_length=2)] | None = None,
    step: Annotated[float, Field(multiple_of=0.1)] | None = None,
) -> str:
    """Show what it got."""
    return next((repr(value) for value in locals().copy().values() if value is not None), "nothing")

LOOPS = []
async def wait(seconds: float = 0) -> int:
    """Wait, and say in how many event loops there was waiting."""
    await asyncio.sleep(seconds)
    LOOPS.append(asyncio.get_running_loop())
    return len(set(LOOPS))

async def fail() -> int:
    """Fail."""
    raise RuntimeError("hunter2")
'''


@pytest.fixture
def show(function: Callable[..., Any]) -> Callable[..., Any]:
    """Call the tool `show` with one argument: what it got, or the error."""
    call = function(TOOLS, models=MODELS)
    return lambda **arguments: call("t___show", arguments)


@pytest.mark.parametrize(
    ("name", "value", "got"),
    [
        ("day", "2026-01-31", "datetime.date(2026, 1, 31)"),
        ("at", "2026-01-31T09:30:00Z", "datetime.datetime(2026, 1, 31, 9, 30, tzinfo=datetime.timezone.utc)"),
        ("clock", "09:30", "datetime.time(9, 30)"),
        ("id", "00000000-0000-0000-0000-000000000001", "UUID('00000000-0000-0000-0000-000000000001')"),
        ("price", 19.99, "Decimal('19.99')"),
        ("price", 3, "Decimal('3')"),
        ("size", "l", "<Size.LARGE: 'l'>"),
        ("level", 2.0, "<Level.HIGH: 2>"),
        ("rate", 1.0, "<Rate.FULL: 1>"),
        ("word", "b", "'b'"),
        (
            "item",
            {"sku": "a", "due": "2026-01-31"},
            "Item(sku='a', due=datetime.date(2026, 1, 31), size=<Size.SMALL: 's'>, tags=[])",
        ),
        (
            "item",
            {"sku": "a", "due": None, "size": "l", "tags": ["t"]},
            "Item(sku='a', due=None, size=<Size.LARGE: 'l'>, tags=['t'])",
        ),
        ("point", {"x": 1}, "Point(x=1, y=0.5)"),
        (
            "order",
            {"day": "2026-01-31", "items": [{"sku": "a"}], "e-mail": "x"},
            "Order(day=datetime.date(2026, 1, 31), "
            "items=[Item(sku='a', due=None, size=<Size.SMALL: 's'>, tags=[])], mail='x')",
        ),
        (
            "rows",
            [{"day": "2026-01-31", "sizes": ["s"]}],
            "[{'day': datetime.date(2026, 1, 31), 'sizes': [<Size.SMALL: 's'>]}]",
        ),
        ("sizes", ["l", "l"], "{<Size.LARGE: 'l'>}"),
        ("pair", [1, 2.0], "(1, 2)"),
        ("days", ["2026-01-31"], "[datetime.date(2026, 1, 31)]"),
        ("by_size", {"s": [1]}, "{<Size.SMALL: 's'>: [<Level.LOW: 1>]}"),
        ("points", {"a": {"x": 1, "y": 2}}, "{'a': Point(x=1, y=2)}"),
        ("page", 2, "2"),
        ("share", 0.3, "0.3"),
        ("step", 1e300, "1e+300"),
        ("code", "ab", "'ab'"),
    ],
)
def test_the_tool_gets_what_its_annotation_promises(show: Any, name: str, value: Any, got: str) -> None:
    assert show(**{name: value}) == got


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("day", "tomorrow", "show.day: 'tomorrow' is no date. Write it as YYYY-MM-DD."),
        ("at", "31.1.", "show.at: '31.1.' is no date-time. Write it as 2026-01-31T09:30:00Z."),
        ("clock", "noon", "show.clock: 'noon' is no time. Write it as HH:MM:SS."),
        ("id", "1", "show.id: '1' is no uuid. Write it as 32 hexadecimal digits with hyphens."),
        ("price", "19.99", "show.price: expected number, got string."),
        ("size", "m", "show.size: 'm' is not one of 's', 'l'."),
        ("size", "x" * 200, f"show.size: '{'x' * 76}... is not one of 's', 'l'."),
        ("level", 3, "show.level: 3 is not one of 1, 2."),
        ("word", "c", "show.word: 'c' is not one of 'a', 'b'."),
        ("item", {"sku": "a", "due": "x"}, "show.item.due: 'x' is no date. Write it as YYYY-MM-DD."),
        ("item", {"due": "2026-01-31"}, "show.item: missing 'sku'."),
        ("item", {"sku": "secret"}, "show.item: the tool refuses this value. Its log says why."),
        (
            "order",
            {"day": "1999-12-31", "items": [{"sku": "a"}]},
            "show.order.day: Value error, must be of this century.",
        ),
        ("order", {"day": "2026-01-31", "items": []}, "show.order.items: [] has less than 1 items."),
        ("rows", [{"day": "2026-01-31", "sizes": ["m"]}], "show.rows[0].sizes[0]: 'm' is not one of 's', 'l'."),
        ("pair", [1], "show.pair: [1] has less than 2 items."),
        ("by_size", {"m": []}, "show.by_size: key 'm': 'm' is not one of 's', 'l'."),
        ("by_size", {"s": ["x"]}, "show.by_size.s[0]: expected integer, got string."),
        ("points", {"a": {}}, "show.points.a: missing 'x'."),
        ("page", 0, "show.page: 0 is less than 1."),
        ("page", 10, "show.page: 10 is not less than 10."),
        ("page", 3, "show.page: 3 is no multiple of 2."),
        ("share", 0, "show.share: 0 is not more than 0."),
        ("share", 1.5, "show.share: 1.5 is more than 1."),
        ("step", 1e-300, "show.step: 1e-300 is no multiple of 0.1."),
        ("code", "a", "show.code: 'a' has less than 2 characters."),
        ("code", "abcd", "show.code: 'abcd' has more than 3 characters."),
        ("code", "A1", "show.code: 'A1' does not match ^[a-z]+$."),
        ("few", [1, 2, 3], "show.few: [1, 2, 3] has more than 2 items."),
    ],
)
def test_what_the_annotation_does_not_promise_is_named(show: Any, name: str, value: Any, message: str) -> None:
    assert show(**{name: value}) == {"error": {"code": "invalid_arguments", "message": message}}


def test_why_a_class_refuses_a_value_stays_in_the_log(show: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert "hunter2" not in json.dumps(show(item={"sku": "secret"}))
    assert "hunter2" in caplog.text


def test_an_asynchronous_tool_has_one_event_loop_for_all_its_calls(function: Any) -> None:
    call = function(TOOLS, models=MODELS)
    assert [call("t___wait", {"seconds": 0.001}), call("t___wait", {})] == [1, 1]
    assert call("t___fail", {})["error"]["code"] == "tool_failed"
    assert call("t___wait", {}) == 1


RESULTS = '''
import io
from typing import Any, TypedDict
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID
from pydantic import BaseModel, Field
class Colour(Enum):
    RED = "red"
@dataclass
class Item:
    price: Decimal
    colours: set[Colour]
class Order(BaseModel):
    item: Item
    mail: str = Field(alias="e-mail")
class Row(TypedDict):
    a: int
RING: list[Any] = []
RING.append(RING)
VALUES = {
    "dataclass": Item(Decimal("1.5"), {Colour.RED}),
    "pydantic": Order.model_validate({"item": {"price": "1.50", "colours": ["red"]}, "e-mail": "x"}),
    "moments": (date(2026, 1, 31), datetime(2026, 1, 31, 9, tzinfo=timezone.utc), UUID(int=1)),
    "keys": {Colour.RED: 1, date(2026, 1, 31): 2, 3: 3, None: 4, True: 5},
    "decimals": [Decimal("3"), Decimal("1E+2"), Decimal("0.1"), Decimal("0.12345678901234567890")],
    "sets": frozenset([1]),
    "class": Item,
    "nan": float("nan"),
    "no number": Decimal("NaN"),
    "infinite": [Decimal("Infinity")],
    "bytes": [b"x"],
    "file": io.StringIO(),
    "tuple key": {(1, 2): 3},
    "generator": (x for x in [1]),
    "ring": RING,
    "half a pair": ["\\ud800"],
}
def give(name: str) -> Any:
    """Give."""
    return VALUES[name]
def number() -> int:
    """Give."""
    return "1"  # type: ignore
def numbers() -> list[int]:
    """Give."""
    return [1, None]  # type: ignore
def row(extra: bool) -> Row:
    """Give."""
    return {"a": 1, "b": 2} if extra else {}  # type: ignore
def maybe(x: int) -> Row | None:
    """Give."""
    return [None, {"a": 1}, {"a": "x"}][x]  # type: ignore
def colour(x: str) -> Colour:
    """Give."""
    return x  # type: ignore
def flag() -> int:
    """Give."""
    return True
def day() -> date:
    """Give."""
    return datetime(2026, 1, 31)
def price() -> Decimal:
    """Give."""
    return Decimal("0.12345678901234567890")
def nothing() -> None:
    """Give."""
    return 1  # type: ignore
'''


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("dataclass", {"price": 1.5, "colours": ["red"]}),
        ("pydantic", {"item": {"price": "1.50", "colours": ["red"]}, "e-mail": "x"}),
        ("moments", ["2026-01-31", "2026-01-31T09:00:00+00:00", "00000000-0000-0000-0000-000000000001"]),
        ("keys", {"red": 1, "2026-01-31": 2, "3": 3, "null": 4, "true": 5}),
        ("decimals", [3, 100, 0.1, "0.12345678901234567890"]),
        ("sets", [1]),
    ],
)
def test_a_result_is_json(function: Any, name: str, sent: Any) -> None:
    answer = function(RESULTS)("t___give", {"name": name})
    assert answer == sent
    assert json.loads(json.dumps(answer)) == sent


@pytest.mark.parametrize(
    "name", ["class", "nan", "no number", "infinite", "bytes", "file", "tuple key", "generator", "ring", "half a pair"]
)
def test_what_cannot_be_sent_is_an_error_in_words(function: Any, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = function(RESULTS)("t___give", {"name": name})
    assert answer == {"error": {"code": "tool_failed", "message": "The tool give failed. Its log says why."}}
    assert "tool give failed" in caplog.text


@pytest.mark.parametrize(
    ("tool", "arguments", "sent"),
    [
        ("row", {"extra": True}, {"a": 1, "b": 2}),
        ("maybe", {"x": 0}, None),
        ("maybe", {"x": 1}, {"a": 1}),
        ("colour", {"x": "red"}, "red"),
        ("flag", {}, True),
        ("day", {}, "2026-01-31T00:00:00"),
        ("price", {}, "0.12345678901234567890"),
    ],
)
def test_a_result_may_be_what_it_says(function: Any, tool: str, arguments: Any, sent: Any) -> None:
    assert function(RESULTS)(f"t___{tool}", arguments) == sent


@pytest.mark.parametrize(
    ("tool", "arguments", "log"),
    [
        ("number", {}, "result: expected integer, got string."),
        ("numbers", {}, "result[1]: expected integer, got null."),
        ("row", {"extra": False}, "result: missing 'a'."),
        ("maybe", {"x": 2}, "result: object is none of the types that the annotation says."),
        ("colour", {"x": "blue"}, "result: 'blue' is not one of 'red'."),
        ("nothing", {}, "result: expected null, got number."),
    ],
)
def test_a_result_of_another_type_than_it_says_is_an_error(
    function: Any, tool: str, arguments: Any, log: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = function(RESULTS)(f"t___{tool}", arguments)
    assert answer["error"]["code"] == "tool_failed"
    assert f"it is not what the annotation says: {log}" in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=JSON,
    name=st.sampled_from(["day", "price", "level", "item", "order", "rows", "by_size", "points", "share", "step"]),
)
def test_whatever_is_sent_is_answered_as_data(show: Any, value: Any, name: str) -> None:
    answer = show(**{name: value})
    assert isinstance(answer, str) or answer["error"]["code"] == "invalid_arguments"


def test_the_pages_example_is_a_tool_and_is_answered_as_the_page_says(function: Any, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "tools.md").read_text("utf-8").partition("\n## What a tool can look like\n")[2]
    source = (
        page.partition("```python\n")[2].partition("```")[0].replace("    ...\n", "    return {lines[0].size: 1}\n")
    )
    call = function(source)
    [tool] = read_tools(tmp_path / "tools.py", ["pydantic"])
    count = tool["inputSchema"]["properties"]["lines"]["items"]["properties"]["count"]
    assert f"`{count['description']}`" in page
    assert call("shop___order", {"lines": [{"sku": "a"}]}) == {"small": 1}
    refused = call("shop___order", {"lines": [{"sku": "a", "count": 0}]})
    assert f"`{refused['error']['message']}`" in page
