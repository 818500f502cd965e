"""Python source -> tool schema, and every way in which it can refuse."""

from pathlib import Path
from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools.tool_schema import read_tools

PRELUDE = """
import typing
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, NotRequired, Optional, Required, TypedDict, Union
raise RuntimeError("tool code is never run")
class Colour(Enum):
    RED = "red"
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
    when: datetime
"""


@pytest.fixture
def tools(tmp_path: Path) -> Any:
    def reading(source: str) -> Any:
        (tmp_path / "tools.py").write_text(PRELUDE + source)
        return read_tools(tmp_path / "tools.py")

    return reading


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


@pytest.mark.parametrize(
    "parameter",
    ["x: int = 3", "x: int | None = None", "x: None | int = None", "x: Optional[int] = None", "*, x: int = 3"],
)
def test_a_default_makes_a_parameter_optional(tools: Any, parameter: str) -> None:
    [tool] = tools(f'def f({parameter}) -> str:\n    """Do it."""\n')
    assert tool["inputSchema"] == {"type": "object", "properties": {"x": {"type": "integer"}}, "required": []}


def test_descriptions_come_from_the_docstring(tools: Any) -> None:
    [tool] = tools(
        'def f(a: Address, *, b: str) -> str:\n    """Do\n    it.\n\n    More.\n\n    Args:\n        a: The place."""\n'
    )
    assert tool["name"] == "f"
    assert tool["description"] == "Do it."
    assert tool["inputSchema"]["properties"]["a"]["description"] == "The place."
    assert "description" not in tool["inputSchema"]["properties"]["b"]
    assert tool["inputSchema"]["required"] == ["a", "b"]


def test_a_tool_without_parameters_takes_an_object_without_properties(tools: Any) -> None:
    [tool] = tools('def f() -> str:\n    """Do it."""\n')
    assert tool["inputSchema"] == {"type": "object"}


def test_only_public_top_level_functions_are_tools_in_their_order(tools: Any) -> None:
    source = '''
def second(x: str) -> str:
    """Do it."""
    def inner(y: set) -> None: ...
def _helper(x: Any) -> None: ...
class Holder:
    def method(self, x: Any) -> None: ...
def first(x: str) -> str:
    """Do it."""
'''
    assert [tool["name"] for tool in tools(source)] == ["second", "first"]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (
            "Literal['a', 'b']",
            "`Literal\\['a', 'b'\\]` cannot be expressed .* Write `str`, with the allowed values named",
        ),
        ("typing.Literal['a']", "Write `str`, with the allowed values named"),
        ("int | str", "`int | str` cannot be expressed .* Write one of its types, or one tool per type"),
        ("Union[int, str]", "Write one of its types, or one tool per type"),
        ("int | str | None", "has no null"),
        ("tuple[int, int]", "Write `list\\[T\\]`, or a TypedDict"),
        ("set[str]", "Write `list\\[T\\]`"),
        ("Any", "Write the type that is meant"),
        ("list", "`list` does not say of what. Write `list\\[T\\]`"),
        ("list[Any]", "Write the type that is meant"),
        ("dict[str, int]", "Write `dict` for any object, or a TypedDict"),
        ("bytes", "Write `str`, base64-encoded"),
        ("datetime", "Write `str`, with the format"),
        ("Decimal", "Write `float`, or `str`"),
        ("Colour", "Write str, int, float, bool, list\\[T\\], dict, or a TypedDict of the same file"),
        ("Optional[int]", "has no null. Write `T \\| None = None`, or drop `None`"),
        ("int | None", "has no null. Write `T \\| None = None`, or drop `None`"),
        ("list[int | None]", "cannot be expressed"),
        ("None", "Write a type of its own"),
        ("Node", "Node contains itself"),
        ("Empty", "Empty has no fields"),
    ],
)
def test_an_inexpressible_type_names_file_line_function_and_parameter(
    tools: Any, annotation: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        schema(tools, annotation)
    assert str(raised.value).split(": ")[0].split("/")[-1].startswith("tools.py:")
    if annotation not in ("Node", "Empty"):
        assert ": f parameter 'x': " in str(raised.value)


def test_an_inexpressible_field_names_its_class(tools: Any) -> None:
    with pytest.raises(UsageError, match="Bad field 'when': `datetime` cannot be expressed"):
        schema(tools, "Bad")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "has no tool. Write a public function"),
        ("def f(x: str): ...", "tool 'f' has no docstring. Write one"),
        ('def f(x):\n    """Do it."""', "f parameter 'x': has no type. Write `x: <type>`"),
        ('def f(*x: int):\n    """Do it."""', "f parameter '\\*x': .* Name each parameter"),
        ('def f(**x: int):\n    """Do it."""', "f parameter '\\*\\*x': .* Name each parameter"),
        ('def f(x: int, /):\n    """Do it."""', "f parameter 'x': is positional only"),
        ('async def f():\n    """Do it."""', "tool 'f' is async"),
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


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tools.py: cannot be read"):
        read_tools(tmp_path / "tools.py")
