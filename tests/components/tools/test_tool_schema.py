"""Python source -> tool schema, and every way in which it can refuse."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import tool_check
from toolgate.components.tools.tool_schema import Target, read_target, read_targets, read_tools

PRELUDE = """
import datetime as dt
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum, auto
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, Required, TypedDict, Union
from uuid import UUID
import annotated_types
import models
from models import Colour as Paint, Shade
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, StringConstraints
from pydantic.dataclasses import dataclass as validated
raise RuntimeError("tool code is never run")
LEAST = 1
OPEN = "open"
Words = list[str]
type Rows = list[Words]
Count: typing.TypeAlias = "int"
Sku = NewType("Sku", str)
Maybe = Annotated[int, "Some number."] | None
type Json = dict[str, Json] | list[Json] | str | None
Tree = list["Tree"]
Ring = Ring
class Address(TypedDict):
    '''Where somebody lives.'''
    street: str
    '''Street and number.'''
    zip: NotRequired[int]
class Person(TypedDict, total=False):
    name: Required[str]
    addresses: list[Address]
    nick: str | None
class Employee(Person):
    number: int
class Node(TypedDict):
    children: "list[Node]"
class Empty(TypedDict):
    pass
class Bad(TypedDict):
    when: timedelta
    more: bytes
class Plain:
    x: int
Made = TypedDict("Made", {"x": int})
class Box[T](TypedDict):
    item: T
class Odd(Enum):
    ONE = 1
    TWO = "two"
class Bits(Flag):
    ONE = 1
class Level(IntEnum):
    LOW = auto()
    HIGH = 5
    HIGHEST = auto()
class Size(StrEnum):
    SMALL = auto()
    LARGE = "l"
    def label(self) -> str: ...
class Range(annotated_types.GroupedMetadata):
    low: int
@dataclass
class Base:
    id: Sku
@dataclass(frozen=True)
class Item(Base):
    '''A thing.

    Attributes:
        count: How many.
        due: When.
    '''
    count: int = 2
    due: date | None = None
    _: KW_ONLY
    tags: Words = field(default_factory=list)
    size: Size = Size.SMALL
    made: int = field(init=False, default=3)
    kind: typing.ClassVar[str] = "item"
class Point(NamedTuple):
    x: float
    y: float = 0.5
@validated
class Checked:
    n: int = Field(gt=0)
class Buyer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=LEAST, max_length=9, description="Full name.")
    age: Annotated[int, Field(ge=18, description="In years.")] = 20
    mail: Optional[str] = Field(None, alias="e-mail", pattern="^.+@")
    must: int = Field(...)
    lines: list[Item] = Field(default_factory=list, min_length=1)
    _seen: int = 0
class Generated(BaseModel):
    model_config = ConfigDict(alias_generator=str.upper)
    name: str
@dataclass
class Distant(models.Unknown):
    name: str
"""
MODELS = """
from enum import Enum
from elsewhere import Unknown
from more.shapes import Shape
class Colour(Enum):
    '''A colour.'''
    RED = "red"
    BLUE = "blue"
    _ignore_ = []
Shade = Colour
"""
PACKAGES = ("pydantic", "annotated_types", "elsewhere")


@pytest.fixture
def target(tmp_path: Path) -> Callable[[str], Target]:
    """The target of a `tools.py` that ends in the given source, with other files beside it."""

    def reading(source: str) -> Target:
        (tmp_path / "more").mkdir(exist_ok=True)
        (tmp_path / "more" / "shapes.py").write_text(
            "from typing import TypedDict\nfrom . import units\nclass Shape(TypedDict):\n    unit: units.Unit\n"
        )
        (tmp_path / "more" / "units.py").write_text("from typing import Literal\nUnit = Literal['m', 'ft']\n")
        (tmp_path / "models.py").write_text(MODELS)
        (tmp_path / "tools.py").write_text(PRELUDE + source)
        return read_target(tmp_path / "tools.py", PACKAGES)

    return reading


@pytest.fixture
def tools(target: Callable[[str], Target]) -> Any:
    return lambda source: target(source).tools


def schema(tools: Any, annotation: str) -> Any:
    [tool] = tools(f'def f(x: {annotation}) -> str:\n    """Do it."""\n')
    return tool["inputSchema"]["properties"]["x"]


ADDRESS = {
    "type": "object",
    "description": "Where somebody lives.",
    "properties": {"street": {"type": "string", "description": "Street and number."}, "zip": {"type": "integer"}},
    "required": ["street"],
}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "addresses": {"type": "array", "items": ADDRESS},
        "nick": {"type": "string"},
    },
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("str", {"type": "string"}),
        ("int", {"type": "integer"}),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("dict", {"type": "object"}),
        ("'float'", {"type": "number"}),
        ("list[str]", {"type": "array", "items": {"type": "string"}}),
        ("list[list[int]]", {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
        ("list['Address']", {"type": "array", "items": ADDRESS}),
        ("Address", ADDRESS),
        ("Person", PERSON),
        (
            "Employee",
            {
                **PERSON,
                "properties": {**PERSON["properties"], "number": {"type": "integer"}},  # type: ignore[dict-item]
                "required": ["name", "number"],
            },
        ),
    ],
)
def test_types(tools: Any, annotation: str, expected: Any) -> None:
    assert schema(tools, annotation) == expected


def typed(kind: str, text: str = "", **more: Any) -> dict[str, Any]:
    return {"type": kind, **({"description": text} if text else {}), **more}


SIZE = typed("string", "One of: 'small', 'l'.")
ITEM = typed(
    "object",
    "A thing.",
    properties={
        "id": typed("string"),
        "count": typed("integer", "How many. Default: 2."),
        "due": typed("string", "When. Date as YYYY-MM-DD."),
        "tags": typed("array", items=typed("string")),
        "size": typed("string", "One of: 'small', 'l'. Default: 'small'."),
    },
    required=["id"],
)
BUYER = typed(
    "object",
    properties={
        "name": typed("string", "Full name. At least 1 character. At most 9 characters."),
        "age": typed("integer", "In years. At least 18. Default: 20."),
        "e-mail": typed("string", "Matches the regular expression `^.+@`."),
        "must": typed("integer"),
        "lines": typed("array", "At least 1 item.", items=ITEM),
    },
    required=["name", "must"],
)


@pytest.mark.parametrize(
    ("annotation", "listed", "checked"),
    [
        # Names for types.
        ("Words", typed("array", items=typed("string")), {}),
        ("Rows", typed("array", items=typed("array", items=typed("string"))), {}),
        ("Count", typed("integer"), {}),
        ("Sku", typed("string"), {}),
        ("Annotated[str, 'What it is']", typed("string", "What it is"), {}),
        ("typing.Annotated[Sku, 'One.', 3, 'Two.']", typed("string", "One. Two."), {}),
        (
            "models.Shape",
            typed("object", properties={"unit": typed("string", "One of: 'm', 'ft'.")}, required=["unit"]),
            {"properties": {"unit": {"type": "string", "enum": ["m", "ft"]}}},
        ),
        # Values written out.
        ("Literal['a', 'b']", typed("string", "One of: 'a', 'b'."), {"enum": ["a", "b"]}),
        ("typing.Literal[1, -2]", typed("integer", "One of: 1, -2."), {"enum": [1, -2]}),
        ("Literal[True]", typed("boolean", "One of: true."), {"enum": [True]}),
        ("Literal[OPEN, Literal['x']]", typed("string", "One of: 'open', 'x'."), {"enum": ["open", "x"]}),
        ("Literal['a'] | Literal['b', 'a']", typed("string", "One of: 'a', 'b'."), {"enum": ["a", "b"]}),
        (
            "Paint",
            typed("string", "A colour. One of: 'red', 'blue'."),
            {"enum": ["red", "blue"], "python": "models:Colour"},
        ),
        ("Shade", typed("string", "A colour. One of: 'red', 'blue'."), {"python": "models:Colour"}),
        ("Level", typed("integer", "One of: 1, 5, 6."), {"enum": [1, 5, 6], "python": "tools:Level"}),
        ("Size", SIZE, {"enum": ["small", "l"], "python": "tools:Size"}),
        # What JSON has no type for.
        ("date", typed("string", "Date as YYYY-MM-DD."), {"format": "date", "python": "datetime:date"}),
        ("dt.date", typed("string", "Date as YYYY-MM-DD."), {"format": "date"}),
        (
            "datetime",
            typed("string", "Date and time in ISO 8601, such as 2026-01-31T09:30:00Z."),
            {"format": "date-time", "python": "datetime:datetime"},
        ),
        ("time", typed("string", "Time as HH:MM:SS."), {"format": "time", "python": "datetime:time"}),
        ("UUID", typed("string", "UUID."), {"format": "uuid", "python": "uuid:UUID"}),
        ("Decimal", typed("number"), {"python": "decimal:Decimal"}),
        ("int | float", typed("number"), {}),
        # Many of them.
        ("typing.List[int]", typed("array", items=typed("integer")), {}),
        ("Sequence[date]", typed("array", items=typed("string", "Date as YYYY-MM-DD.")), {}),
        ("set[str]", typed("array", items=typed("string")), {"python": "builtins:set"}),
        ("frozenset[Size]", typed("array", items=SIZE), {"python": "builtins:frozenset"}),
        ("tuple[int, ...]", typed("array", items=typed("integer")), {"python": "builtins:tuple"}),
        (
            "tuple[float, float]",
            typed("array", "Exactly 2 items.", items=typed("number")),
            {"python": "builtins:tuple", "minItems": 2, "maxItems": 2},
        ),
        ("dict[str, Any]", typed("object"), {}),
        (
            "dict[str, int]",
            typed("object", "Any keys; each value: integer."),
            {"additionalProperties": {"type": "integer"}},
        ),
        (
            "Mapping[Size, list[date]]",
            typed("object", "Keys: string. One of: 'small', 'l'. Any keys; each value: array of string."),
            {"propertyNames": {"type": "string", "enum": ["small", "l"], "python": "tools:Size"}},
        ),
        (
            "dict[str, Point]",
            typed(
                "object", "Any keys; each value: object with 'x' (number), 'y' (number. Default: 0.5; may be left out)."
            ),
            {},
        ),
        # Bounds.
        (
            "Annotated[int, Field(ge=LEAST, lt=10, multiple_of=2)]",
            typed("integer", "At least 1. Less than 10. A multiple of 2."),
            {"minimum": 1, "exclusiveMaximum": 10, "multipleOf": 2},
        ),
        (
            "Annotated[float, annotated_types.Gt(0), annotated_types.Le(1)]",
            typed("number", "More than 0. At most 1."),
            {"exclusiveMinimum": 0, "maximum": 1},
        ),
        (
            "Annotated[list[str], annotated_types.Len(2, 2)]",
            typed("array", "Exactly 2 items.", items=typed("string")),
            {"minItems": 2, "maxItems": 2},
        ),
        (
            "Annotated[str, StringConstraints(pattern='^[a-z]+$')]",
            typed("string", "Matches the regular expression `^[a-z]+$`."),
            {"pattern": "^[a-z]+$"},
        ),
        (
            "list[Annotated[str, Field(max_length=3)]]",
            typed("array", items=typed("string", "At most 3 characters.")),
            {},
        ),
        ("PositiveInt", typed("integer", "More than 0."), {"exclusiveMinimum": 0}),
        # Classes.
        ("Item", ITEM, {"python": "tools:Item"}),
        (
            "Point",
            typed("object", properties={"x": typed("number"), "y": typed("number", "Default: 0.5.")}, required=["x"]),
            {"python": "tools:Point"},
        ),
        (
            "Checked",
            typed("object", properties={"n": typed("integer", "More than 0.")}, required=["n"]),
            {"python": "tools:Checked"},
        ),
        ("Buyer", BUYER, {"python": "tools:Buyer"}),
    ],
)
def test_what_agentcore_cannot_say_is_described_and_checked(
    target: Callable[[str], Target], annotation: str, listed: Any, checked: Any
) -> None:
    read = target(f'def f(x: {annotation}) -> str:\n    """Do it."""\n')
    assert read.tools[0]["inputSchema"]["properties"]["x"] == listed
    found = read.checked[0]["inputSchema"]["properties"]["x"]
    assert {name: found.get(name) for name in checked} == checked
    assert found["type"] == listed["type"]
    jsonschema.Draft202012Validator.check_schema(found)


@pytest.mark.parametrize(
    ("parameter", "note"),
    [
        ("x: int = 3", "Default: 3."),
        ("*, x: int = -3", "Default: -3."),
        ("x: str = OPEN", "Default: 'open'."),
        ("x: bool = False", "Default: false."),
        ("x: Size = Size.LARGE", "One of: 'small', 'l'. Default: 'l'."),
        ("x: Decimal = Decimal('1.5')", "Default: 1.5."),
        ("x: list[int] = [1]", "Default: [1]."),
        ("x: tuple[int, ...] = ()", "Default: []."),
        ("x: int = int('3')", ""),
        ("x: int | None = None", ""),
        ("x: None | int = None", ""),
        ("x: Optional[int] = None", ""),
        ("x: Annotated[int | None, 'How many'] = None", "How many"),
        ("x: Maybe = None", "Some number."),
    ],
)
def test_a_default_makes_a_parameter_optional(tools: Any, parameter: str, note: str) -> None:
    [tool] = tools(f'def f({parameter}) -> str:\n    """Do it."""\n')
    assert tool["inputSchema"]["required"] == []
    assert tool["inputSchema"]["properties"]["x"].get("description", "") == note


def test_descriptions_come_from_the_docstring(tools: Any) -> None:
    [tool] = tools(
        'def f(a: Address, *, b: str) -> str:\n    """Do\n    it.\n\n    More.\n\n    Args:\n        a: The place."""\n'
    )
    assert tool["name"] == "f"
    assert tool["description"] == "Do it."
    assert tool["inputSchema"]["properties"]["a"]["description"] == "The place."
    assert "description" not in tool["inputSchema"]["properties"]["b"]
    [tool] = tools(
        'def f(a: Annotated[int, "Really."] = 1) -> str:\n    """Do it.\n\n    Args:\n        a: How many"""\n'
    )
    assert tool["inputSchema"]["properties"]["a"]["description"] == "How many. Really. Default: 1."


def test_a_tool_without_parameters_takes_an_object_without_properties(tools: Any) -> None:
    [tool] = tools('def f() -> str:\n    """Do it."""\n')
    assert tool["inputSchema"] == {"type": "object"}


def test_an_asynchronous_function_is_a_tool(tools: Any) -> None:
    [tool] = tools('async def f(x: int) -> int:\n    """Do it."""\n')
    assert tool["inputSchema"]["properties"] == {"x": {"type": "integer"}}


def test_only_public_top_level_functions_are_tools_in_their_order(tools: Any) -> None:
    source = '''
def second(x: str) -> str:
    """Do it."""
    def inner(y: set) -> None: ...
def _helper(x: Any) -> None: ...
class Holder:
    def method(self, x: Any) -> None: ...
if __name__ == "__main__":
    def program(x: Any) -> None: ...
def first(x: str) -> str:
    """Do it."""
'''
    assert [tool["name"] for tool in tools(source)] == ["second", "first"]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ("Literal['a', 1]", "'a', 1 are not all strings, all numbers or all bools"),
        ("Literal[b'a']", "b'a' are not all strings"),
        ("Odd", "1, 'two' are not all strings"),
        ("Bits", "Bits is a class whose fields cannot be read. Make it a dataclass"),
        ("int | str", "`int \\| str` cannot be expressed .* Write one of its types, or one tool per type"),
        ("Union[int, str]", "Write one of its types, or one tool per type"),
        ("Item | Point", "Write one of its types, or one tool per type"),
        ("int | str | None", "has no null"),
        ("tuple[int, str]", "the places of `tuple\\[int, str\\]` differ; .* Write a TypedDict"),
        ("set[Item]", "`Item` cannot be in a set. Write `list\\[T\\]`"),
        ("Any", "Write the type that is meant"),
        ("list", "`list` does not say of what. Write `list\\[T\\]`"),
        ("list[Any]", "Write the type that is meant"),
        ("dict[int, str]", "JSON's keys are strings, not `int`. Write `dict\\[str, T\\]`"),
        ("bytes", "Write `str`, base64-encoded"),
        ("timedelta", "Write `float`, with the unit"),
        ("Path", "Write `str`"),
        ("Iterator[int]", "Write `list\\[T\\]`"),
        ("Optional[int]", "has no null. Write `T \\| None = None`, or drop `None`"),
        ("int | None", "has no null. Write `T \\| None = None`, or drop `None`"),
        ("list[int | None]", "has no null. Drop `None`"),
        ("None", "Write a type of its own"),
        ("Nothing", "`Nothing` is not defined in this file. Import it"),
        ("'list['", "'list\\[' is no type"),
        ("Plain", "Plain is a class whose fields cannot be read. Make it a dataclass, or write a TypedDict"),
        ("Box[int]", "Write str, int"),
        ("models.Unknown", "`models.Unknown` comes from a package, which is not read"),
        (
            "Annotated[int, Field(ge=int('1'))]",
            "`int\\('1'\\)` has to be run to know its value. Write the value itself",
        ),
        ("Annotated[str, Field(pattern='[')]", "its pattern is no regular expression"),
        ("Made", "Write a class: `class Item\\(TypedDict\\): ...`"),
        ("Tree", "`Tree` contains itself; AgentCore's schema cannot"),
        ("Annotated[int, Field(ge=Ring)]", "`Ring` has to be run"),
        ("Annotated[int, Field(ge={[]: 1})]", "has to be run"),
        ("Node", "Node contains itself"),
        ("Empty", "class 'Empty': has no fields"),
        ("Bad", "Bad field 'when': `timedelta` cannot be expressed"),
        ("Generated", "class 'Generated': makes its fields' names by an alias_generator. Write `alias=`"),
        ("Distant", "class 'Distant': its base `models.Unknown` cannot be read"),
    ],
)
def test_an_inexpressible_type_names_file_line_and_place(tools: Any, annotation: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        schema(tools, annotation)
    assert str(raised.value).split(": ")[0].split("/")[-1].startswith("tools.py:")
    if annotation not in ("Node", "Empty", "Odd", "Bad", "Generated", "Distant"):
        assert ": f parameter 'x': " in str(raised.value)


def test_each_mistake_of_each_file_has_its_line(tmp_path: Path) -> None:
    for name, source in {
        "one": "def f(x: bytes, y) -> bytes:\n    pass\ndef g(z: set) -> int:\n    'Do it.'\nimport nowhere\n",
        "two": "from shapes import Shape\ndef f(x: Shape, y: Shape) -> int:\n    'Do it.'\n",
        "three": "def f(:\n",
        "four": "def f() -> int:\n    'Do it.'\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "tools.py").write_text(source)
    (tmp_path / "two" / "shapes.py").write_text(
        "from typing import TypedDict\nclass Shape(TypedDict):\n    a: bytes\n    b: int\n    c: complex\n"
    )
    with pytest.raises(UsageError) as raised:
        read_targets(tmp_path)
    lines = [line.removeprefix(f"{tmp_path}/") for line in str(raised.value).splitlines()]
    assert [line.split(": ")[:2] for line in lines] == [
        ["one/tools.py:1", "tool 'f' has no docstring. Write one"],
        ["one/tools.py:1", "f parameter 'x'"],
        ["one/tools.py:1", "f parameter 'y'"],
        ["one/tools.py:1", "f result"],
        ["one/tools.py:3", "g parameter 'z'"],
        [
            "one/tools.py:5",
            "imports 'nowhere', which Lambda will not have. Add its package to "
            f"{tmp_path}/one/requirements.in, then run `toolgate lock`; or remove the import.",
        ],
        ["three/tools.py:1", "is not valid Python"],
        ["two/shapes.py:3", "Shape field 'a'"],
        ["two/shapes.py:5", "Shape field 'c'"],
    ]


def test_what_a_tools_author_should_know_is_a_warning(target: Callable[[str], Target]) -> None:
    read = target('def f(a: int, b: Annotated[int, "B."], c: Item, d: Size):\n    """Do it."""\n')
    line = len(PRELUDE.splitlines()) + 1
    assert [warning.rpartition("/")[2] for warning in read.warnings] == [
        *(
            f"tools.py:{line}: f parameter {name!r}: has no description, and the model reads nothing else. Write one "
            "into the docstring."
            for name in ("a", "d")
        ),
        f"tools.py:{line}: f result: has no type: that it can be sent is not known before it is called. "
        "Write `-> <type>`.",
    ]
    said = target('def f(a: int) -> None:\n    """Do it.\n\n    Args:\n        a: A.\n    """\n')
    assert said.warnings == []


@pytest.mark.parametrize(
    ("annotation", "checked"),
    [
        ("None", {"type": "null"}),
        ("Any", {}),
        ("dict[str, Any]", {"type": "object"}),
        ("Decimal", {"type": "number", "python": "decimal:Decimal"}),
        ("int | None", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ("int | str", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ("tuple[int, str]", {"type": "array"}),
        ("list", {"type": "array"}),
        (
            "dict[int, list[Decimal]]",
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "number", "python": "decimal:Decimal"}},
            },
        ),
        (
            "Node",
            {
                "type": "object",
                "properties": {"children": {"type": "array", "items": {"type": "object"}}},
                "required": ["children"],
            },
        ),
        ("Tree", {"type": "array", "items": {}}),
        ("Buyer", {"type": "object"}),
        ("models.Unknown", {}),
    ],
)
def test_a_result_may_be_whatever_json_can_say(target: Callable[[str], Target], annotation: str, checked: Any) -> None:
    [tool] = target(f'def f() -> {annotation}:\n    """Do it."""\n').checked
    assert tool["outputSchema"] == checked


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ("bytes", "f result: `bytes` cannot be sent as JSON. Write `str`, base64-encoded"),
        ("list[bytes]", "f result: `bytes` cannot be sent"),
        ("dict[str, complex | None]", "f result: `complex` cannot be sent as JSON. Write `list\\[float\\]`"),
        ("Iterator[int]", "f result: `Iterator\\[int\\]` cannot be sent as JSON. Write `list\\[T\\]`"),
        ("Iterable[int]", "f result: `Iterable\\[int\\]` cannot be sent"),
        ("Path", "f result: `Path` cannot be sent as JSON. Write `str`"),
        ("typing.IO", "f result: `typing.IO` cannot be sent as JSON"),
        ("timedelta", "f result: `timedelta` cannot be sent as JSON. Write `float`"),
        ("Plain", "f result: Plain is a class whose fields cannot be read. Make it a dataclass"),
        ("Bad", "Bad field 'more': `bytes` cannot be sent as JSON"),
        ("Nothing", "f result: `Nothing` is not defined"),
    ],
)
def test_a_result_that_cannot_be_sent_is_an_error(tools: Any, annotation: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tools(f'def f() -> {annotation}:\n    """Do it."""\n')


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "has no tool. Write a public function"),
        ("def f(x: str): ...", "tool 'f' has no docstring. Write one"),
        ('def f(x):\n    """Do it."""', "f parameter 'x': has no type. Write `x: <type>`"),
        ('def f(*x: int):\n    """Do it."""', "f parameter '\\*x': .* Name each parameter"),
        ('def f(**x: int):\n    """Do it."""', "f parameter '\\*\\*x': .* Name each parameter"),
        ('def f(x: int, /):\n    """Do it."""', "f parameter 'x': is positional only"),
        ('def f(größe: int):\n    """Do it."""', "f parameter 'größe': its name is refused by models"),
        (
            'def größe():\n    """Do it."""',
            r"\.py:\d+: tool 'größe': its name is refused by models. Write 1 to 64 of a-z, A-Z, 0-9 and _.",
        ),
        (f'def {"f" * 65}():\n    """Do it."""', rf"\.py:\d+: tool '{'f' * 65}': its name is refused by models"),
        ('def f(x: int | None = 3):\n    """Do it."""', "may be None, but AgentCore's schema has no null"),
        ('def f():\n    """Do it."""\n' * 2, "tool 'f' is there already \\(line .*\\). Rename one"),
        (
            'def f(x: str):\n    """Do it.\n\n    Args:\n        y: What?\n    """',
            "describes 'y', which is no parameter",
        ),
        ("def f(:", "is not valid Python"),
    ],
)
def test_what_is_no_tool_says_what_to_write(tools: Any, source: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tools(source)


GREET = 'def greet() -> str:\n    "Grüße."\n    return "hi"\n'


@pytest.mark.parametrize(
    "source",
    [
        GREET.encode(),
        GREET.encode("utf-8-sig"),  # editors and PowerShell on Windows: bndr/pipreqs#282, osprey-oss/deptry#169
        GREET.replace("\n", "\r\n").encode(),
        b"# -*- coding: latin-1 -*-\n" + GREET.encode("latin-1"),
        b"import helper\n" + GREET.encode(),
    ],
    ids=["UTF-8", "byte order mark", "CRLF", "PEP 263", "in another file"],
)
def test_a_file_is_read_as_python_reads_it(tmp_path: Path, source: bytes) -> None:
    (tmp_path / "tools.py").write_bytes(source)
    (tmp_path / "helper.py").write_bytes(b"\xef\xbb\xbfimport json\n")
    assert [tool["description"] for tool in read_tools(tmp_path / "tools.py")] == ["Grüße."]


@pytest.mark.parametrize("source", [GREET.encode("latin-1"), GREET.encode("utf-16"), b"x = 1\0", b"\xff\xfe"])
def test_a_file_that_python_cannot_read_is_named(tmp_path: Path, source: bytes) -> None:
    (tmp_path / "tools.py").write_bytes(source)
    with pytest.raises(UsageError, match=r"tools.py(:\d+)?: is not valid Python: "):
        read_tools(tmp_path / "tools.py")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tools.py: cannot be read"):
        read_tools(tmp_path / "tools.py")


WORDS = """
str int float bool dict list set None Any date Decimal Size Odd Item Buyer Node Empty Rows Sku Maybe Tree Json
models.Colour models.Unknown Nothing bytes ... 'str' 1 x.y.z [int] () Literal Annotated Checked Plain Box f() *int
lambda:1 Optional type typing.Callable[[int],str] Bad Made
"""
ATOMS = st.sampled_from(WORDS.split())
FORMS = st.sampled_from(
    [
        "list[{0}]", "dict[{0}, {1}]", "{0} | {1}", "Optional[{0}]", "Union[{0}, {1}]", "set[{0}]", "tuple[{0}, {1}]",
        "tuple[{0}, ...]", "Annotated[{0}, 't']", "Annotated[{0}, Field(ge=1, max_length=3)]", "Literal[{0}]",
        "NotRequired[{0}]", "'{0}'", "{0}[{1}]", "Annotated[{0}, {1}]", "typing.ClassVar[{0}]",
    ]
)  # fmt: skip
ANNOTATIONS = st.recursive(ATOMS, lambda inner: st.builds(str.format, FORMS, inner, inner), max_leaves=5)
DEFAULTS = st.sampled_from(["", " = None", " = 1", " = []", " = Size.SMALL", " = f()"])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=ANNOTATIONS, default=DEFAULTS, given_back=ANNOTATIONS)
def test_whatever_is_written_is_read_or_refused_with_its_line(
    target: Callable[[str], Target], taken: str, default: str, given_back: str
) -> None:
    try:
        read = target(f'def f(x: {taken}{default}) -> {given_back}:\n    """Do it."""\n')
    except UsageError as error:
        said = str(error).splitlines()
    else:
        said = []
        tool_check.check(read.tools, "here")
        assert json.loads(json.dumps(read.checked, allow_nan=False)) == read.checked
    assert all(re.search(r"\.py:\d+: ", line) for line in said)
