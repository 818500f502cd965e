import json
from typing import Any

import pytest

from toolgate.local.serve.gateway.search import NAME as SEARCH
from toolgate.local.serve.model.scripted_model import ToolUse, reply


def _spec(name: str, description: str, /, **types: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {key: {"type": value} for key, value in types.items()}}
    return {"toolSpec": {"name": name, "description": description, "inputSchema": {"json": schema}}}


ADD = _spec("math___add_numbers", "Add two numbers.", a="number", b="number")
MULTIPLY = _spec("math___multiply_numbers", "Multiply two numbers.", a="number", b="number")
GREET = _spec("math___greeting", "Greet somebody by name.", name="string")
FIND = _spec(SEARCH, "A special tool.", query="string")
ALL = {"tools": [FIND, ADD, MULTIPLY, GREET]}


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"text": text}]}


def _results(tool: str, *contents: dict[str, Any], status: str = "success") -> list[dict[str, Any]]:
    """A conversation that ends with a tool's results."""
    use = {"toolUse": {"toolUseId": "t1", "name": tool, "input": {}}}
    result = {"toolResult": {"toolUseId": "t1", "content": list(contents), "status": status}}
    return [_user("?"), {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("What is 100 + 12?", ToolUse("math___add_numbers", {"a": 100, "b": 12})),
        ("What is 6 * 7?", ToolUse("math___multiply_numbers", {"a": 6, "b": 7})),
        ("1.5 x -2", ToolUse("math___multiply_numbers", {"a": 1.5, "b": -2})),
        ("Greet Alice", ToolUse("math___greeting", {"name": "Alice"})),
        ("please say hello to Bob!", ToolUse("math___greeting", {"name": "Bob"})),
        (
            "Tell me what I can do with these tools",
            ToolUse(SEARCH, {"query": "Tell me what I can do with these tools"}),
        ),
    ],
)
def test_the_prompt_and_the_offered_tools_decide(prompt: str, expected: ToolUse) -> None:
    assert reply([_user(prompt)], ALL) == expected


def test_tools_are_known_by_what_they_say_not_by_our_names() -> None:
    total = _spec("calc___total", "The sum of two values.", left="integer", right="integer", unit="string")
    assert reply([_user("2 + 3")], {"tools": [total]}) == ToolUse("calc___total", {"left": 2, "right": 3})


@pytest.mark.parametrize("prompt", ["What is 100 + 12?", "What is 6 * 7?", "Greet Alice"])
def test_without_the_tool_the_model_says_so_and_computes_nothing(prompt: str) -> None:
    said = reply([_user(prompt)], {"tools": [_spec("x___other", "Something else.", q="string")]})
    assert isinstance(said, str)
    assert said.startswith("I have no tool for")
    assert "x___other" in said
    assert not {"112", "42"} & set(said.split())


@pytest.mark.parametrize(
    ("prompt", "given"),
    [
        ('Call shop___find-it with {"query": "red shoes", "limit": 2}', {"query": "red shoes", "limit": 2}),
        ('shop___find-it {"query": "a {b}"} and then stop', {"query": "a {b}"}),
        ("please use the tool shop___find-it\nwith {}", {}),
        ('call shop___find-it {"query": "shoes"}', {"query": "shoes"}),
        ('CALL the tool find-it {"query": "call me"}', {"query": "call me"}),
        ("call find-it", {}),
        ('take shop___find-it and call it with {"query": "shoes"}', {"query": "shoes"}),
    ],
)
def test_a_tool_that_is_named_with_its_arguments_is_called(prompt: str, given: dict[str, Any]) -> None:
    tools = {"tools": [FIND, ADD, _spec("shop___find-it", "Adds 1 + 1.", query="string", limit="integer")]}
    assert reply([_user(prompt)], tools) == ToolUse("shop___find-it", given)


def test_calls_that_a_prompt_spells_out_are_made_one_after_another() -> None:
    conversation = [_user('call math___greeting {"name": "Bo"}, then call add_numbers {"a": 1, "b": 2}, call greeting')]
    expected = [ToolUse("math___greeting", {"name": "Bo"}), ToolUse("math___add_numbers", {"a": 1, "b": 2})]
    for number, call in enumerate([*expected, ToolUse("math___greeting", {})]):
        assert reply(conversation, ALL) == call
        use = {"toolUse": {"toolUseId": f"t{number}", "name": call.name, "input": dict(call.input)}}
        result = {"toolResult": {"toolUseId": f"t{number}", "content": [{"text": f'"{number}"'}]}}
        conversation += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    assert reply(conversation, ALL) == "0\n1\n2"


def test_a_name_that_two_tools_have_is_not_guessed() -> None:
    said = reply([_user("call find {}")], {"tools": [_spec("shop___find", "F."), _spec("depot___find", "F.")]})
    assert said == "find may be shop___find or depot___find: call one of them by its full name."


@pytest.mark.parametrize("prompt", ["Please call me Alice", "call it a day", "call the doctor"])
def test_not_everything_that_is_called_is_a_tool(prompt: str) -> None:
    said = reply([_user(prompt)], {"tools": [GREET]})
    assert isinstance(said, str)
    assert 'call math___greeting {"name": "example"}' in said


def test_a_named_tool_that_is_not_offered_is_not_called() -> None:
    assert str(reply([_user("call refund {}")], {"tools": [ADD]})).startswith("I have no tool refund. My tools are:")
    assert str(reply([_user("call shop___refund")], {"tools": [ADD]})).startswith("I have no tool shop___refund.")
    said = reply([_user('Call shop___refund with {"order": "add 1 + 2"}')], {"tools": [ADD]})
    assert said == "I have no tool shop___refund. My tools are:\n- math___add_numbers: Add two numbers"


def test_arguments_that_are_not_json_are_not_guessed() -> None:
    said = reply([_user("Call math___add_numbers with {a: 1}")], ALL)
    assert isinstance(said, str)
    assert said.startswith("The arguments of math___add_numbers are not JSON: Expecting property name")
    assert said.endswith('Write for example: call math___add_numbers {"a": 1.5, "b": 1.5}')


@pytest.mark.parametrize(
    ("prompt", "name", "description"),
    [("1 + 2", "shop___address", "The address of a shop."), ("6 * 7", "shop___pages", "The products in the shop.")],
)
def test_a_word_within_another_or_of_another_meaning_is_no_sign(prompt: str, name: str, description: str) -> None:
    said = reply([_user(prompt)], {"tools": [_spec(name, description, limit="integer", page="integer")]})
    assert isinstance(said, str)


def test_a_tool_that_requires_more_than_is_said_is_not_for_it() -> None:
    spec = _spec("shop___add", "Add numbers to an order.", a="number", b="number", order="string")
    spec["toolSpec"]["inputSchema"]["json"]["required"] = ["order"]
    assert isinstance(reply([_user("1 + 2")], {"tools": [spec]}), str)


def test_without_a_search_tool_the_offered_ones_are_named() -> None:
    said = reply([_user("Tell me what I can do with these tools")], {"tools": [ADD, GREET]})
    assert said == "My tools are:\n- math___add_numbers: Add two numbers\n- math___greeting: Greet somebody by name"
    assert reply([_user("which tools?")], None) == "I have no tools."


def test_an_unknown_prompt_is_answered_with_what_it_can_do() -> None:
    said = reply([_user("What is love?")], {"tools": [GREET]})
    assert isinstance(said, str)
    assert "scripted model" in said
    assert "math___greeting" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"text": '{"result": 112}'}, "The result is 112."),
        ({"text": '{"result": 112.0}'}, "The result is 112."),
        ({"text": "0.1"}, "The result is 0.1."),
        ({"json": {"result": 999}}, "The result is 999."),
        ({"text": '"Hello, Alice!"'}, "Hello, Alice!"),
        ({"text": "Hello, Alice!"}, "Hello, Alice!"),
        ({"text": '{"a": 1, "b": 2}'}, 'The result is {"a": 1, "b": 2}.'),
        (
            {"text": '{"error": {"code": "c", "message": "b is missing"}}'},
            "The tool math___add_numbers answered with an error: b is missing",
        ),
    ],
)
def test_the_answer_is_what_the_tool_returned(content: dict[str, Any], said: str) -> None:
    assert reply(_results("math___add_numbers", content), ALL) == said


def test_a_failed_tool_is_called_that() -> None:
    said = reply(_results("math___add_numbers", {"text": "Access denied"}, status="error"), ALL)
    assert said == "The tool math___add_numbers failed: Access denied"


def test_the_search_result_is_told_with_the_search_tool_itself() -> None:
    found = json.dumps({"tools": [{"name": "math___greeting", "description": "Greet somebody. And more."}]})
    said = reply(_results(SEARCH, {"text": found}), ALL)
    assert said == f"My tools are:\n- math___greeting: Greet somebody\n- {SEARCH}: A special tool"
