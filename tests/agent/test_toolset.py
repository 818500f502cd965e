"""One listed tool that Bedrock, the model or MCP's client would refuse is left out and logged; the others go on."""

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.agent.conftest import PATIENT
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from tests.agent.test_gateway import lines
from toolset import rules as tool_rules

CLAUDE, NOVA, LLAMA = PATIENT["model_id"], "us.amazon.nova-lite-v1:0", "us.meta.llama3-3-70b-instruct-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghij12"
TEXT = {"type": "string"}


def odd(schema: Any, **more: Any) -> dict[str, Any]:
    return {"name": "odd", "description": "Odd.", "inputSchema": schema, **more}


def with_x(schema: Any, **more: Any) -> dict[str, Any]:
    return odd({"type": "object", "properties": {"x": schema}, **more})


def with_key(key: str) -> dict[str, Any]:
    return odd({"type": "object", "properties": {key: TEXT}})


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = TEXT
    for level in range(depth):
        schema = {"type": "array", "items": schema} if level % 2 else {"type": "object", "properties": {"x": schema}}
    return with_x(schema)


TREE = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "sign in a key": (with_key("$filter"), CLAUDE, "not '$filter'"),
    "blank in a key": (with_key("a b"), CLAUDE, "1 to 64 letters"),
    "long key": (with_key("k" * 65), CLAUDE, "1 to 64 letters"),
    "no key": (with_key(""), CLAUDE, "1 to 64 letters"),
    "line end in a key": (with_key("a\n"), CLAUDE, "1 to 64 letters"),
    "key, whosever model it is": (with_key("$filter"), PROFILE, "not '$filter'"),
    "oneOf": (odd({"type": "object", "oneOf": [{"type": "object"}]}), CLAUDE, "takes no oneOf at the top"),
    "anyOf without type": (odd({"anyOf": [{"type": "object"}]}), CLAUDE, "takes no anyOf at the top"),
    "allOf": (with_x(TEXT, allOf=[{"required": ["x"]}]), CLAUDE, "takes no allOf at the top"),
    "list of types": (odd({"type": ["object", "null"]}), LLAMA, "and must be object"),
    "no object": (odd({"type": "string"}), LLAMA, "type is string, and must be object"),
    "no type's name": (odd({"type": None}), LLAMA, "and must be object"),
    "NaN": (with_x({"type": "number", "minimum": float("nan")}), LLAMA, "is no JSON"),
    "list of properties": (odd({"type": "object", "properties": []}), LLAMA, "/properties must be a map of schemas"),
    "null for properties": (odd({"type": "object", "properties": None}), LLAMA, "/properties must be a map"),
    "null for required": (with_x(TEXT, required=None), LLAMA, "/required must be a list of names"),
    "draft 3's required": (with_x({**TEXT, "required": True}), LLAMA, "/properties/x/required must be a list of names"),
    "draft 4's bound": (with_x({"type": "number", "exclusiveMinimum": True}), LLAMA, "exclusiveMinimum must be a numb"),
    "draft 7's tuple": (with_x({"type": "array", "items": [TEXT]}), LLAMA, "/properties/x/items must be a schema"),
    "Python's type": (with_x({"type": "str"}), LLAMA, "/properties/x/type must be a type"),
    "text for a schema": (with_x({"type": "object", "additionalProperties": "string"}), LLAMA, "must be a schema"),
    "deep": (nested(80), LLAMA, "nested more than 64 schemas deep"),
    "reference to nothing": (with_x({"$ref": "#/$defs/No"}), LLAMA, "refers to #/$defs/No"),
    "reference to elsewhere": (with_x({"$ref": "https://example.com/s.json"}), LLAMA, "refers to https://example.com"),
    "reference to itself": (with_x({"$ref": "#/properties/x"}), LLAMA, "refers to #/properties/x"),
    "references in a round": (
        with_x({"$ref": "#/$defs/a"}, **{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        LLAMA,
        "refers to #/$defs/a",
    ),
    "large": (with_x({**TEXT, "description": "d" * 100_000}), LLAMA, "at most 100000 are sent of one tool"),
    "Nova and definitions": (with_x(TEXT, **{"$defs": {}}), NOVA, "at the top of a schema, not $defs"),
    "Nova and additionalProperties": (with_x(TEXT, additionalProperties=False), NOVA, "not additionalProperties"),
    "name": ({**with_x(TEXT), "name": "a.b"}, LLAMA, "in a tool's name"),
    "long name": ({**with_x(TEXT), "name": "n" * 65}, LLAMA, "64 characters"),
    # For these MCP's client for Python would give up the whole list.
    "true": (odd(True), LLAMA, "MCP's client"),
    "null": (odd(None), LLAMA, "MCP's client"),
    "half a surrogate pair": (odd({"type": "object", "description": "\ud800"}), LLAMA, "MCP's client"),
    "very deep": (nested(300), LLAMA, "MCP's client"),
    "no schema": ({"name": "odd", "description": "Odd."}, LLAMA, "MCP's client"),
    "number for a name": ({**with_x(TEXT), "name": 1}, LLAMA, "MCP's client"),
    "no name": ({"inputSchema": {"type": "object"}}, LLAMA, "MCP's client"),
    "no definition": ({}, LLAMA, "MCP's client"),
    "number for a description": ({**with_x(TEXT), "description": 1}, LLAMA, "MCP's client"),
    "number for what it gives": ({**with_x(TEXT), "outputSchema": 1}, LLAMA, "MCP's client"),
}

TAKEN: dict[str, tuple[dict[str, Any], str]] = {
    "a key at its longest": (with_key("k" * 64), CLAUDE),
    "a key of every sign": (with_key("aZ9_.-"), CLAUDE),
    "an odd key further in": (with_x({"type": "object", "properties": {"$filter": TEXT}}), CLAUDE),
    "another model's keys": (with_key("$filter"), LLAMA),
    "combinators further in": (with_x({"anyOf": [TEXT, {"type": "null"}]}), CLAUDE),
    "another model's combinators": (odd({"type": "object", "anyOf": [{"required": []}]}), LLAMA),
    "a list of types further in": (with_x({"type": ["string", "null"]}), CLAUDE),
    "no type, which strands writes": (odd({"properties": {"x": TEXT}}), CLAUDE),
    "no argument": (odd({"type": "object"}), NOVA),
    "another draft": (with_x(TEXT, **{"$schema": "http://json-schema.org/draft-07/schema#"}), CLAUDE),
    "definitions": (with_x({"$ref": "#/$defs/a~1b%20"}, **{"$defs": {"a/b ": TEXT}}), CLAUDE),
    "an anchor": (with_x({"$ref": "#a"}, **{"$defs": {"a": {**TEXT, "$anchor": "a"}}}), CLAUDE),
    "a tree": (with_x({"$ref": "#/$defs/node"}, **{"$defs": {"node": TREE}}), CLAUDE),
    "words of others": (with_x({**TEXT, "x-unit": None, "nullable": True}), CLAUDE),
    "properties named as keywords": (odd({"type": "object", "properties": {"$ref": TEXT, "type": TEXT}}), LLAMA),
    "quite deep": (nested(60), CLAUDE),
    "no description, for which strands has one": (odd({"type": "object"}, description=""), CLAUDE),
}


def offered(bedrock: FakeBedrock) -> list[str]:
    return [tool["toolSpec"]["name"] for tool in bedrock.requests[0]["toolConfig"]["tools"]]


def listed(tools: Iterable[dict[str, Any]]) -> list[Any]:
    """The odd tools, each with a name of its own if it has none yet, between two that are not odd."""
    named = [{**it, "name": f"odd{at}"} if it.get("name") == "odd" else it for at, it in enumerate(tools)]
    return ["math___add_numbers", *named, "math___fail_secretly"]


@pytest.mark.parametrize("model_id", [CLAUDE, PROFILE, NOVA, LLAMA])
def test_a_tool_that_would_fail_every_request_is_left_out(
    serve: Callable[..., TestClient],
    gateway: FakeGateway,
    bedrock: FakeBedrock,
    caplog: pytest.LogCaptureFixture,
    model_id: str,
) -> None:
    caplog.set_level(logging.INFO, "agent")
    cases = {case: (tool, reason) for case, (tool, model, reason) in REFUSED.items() if model == model_id}
    gateway.tools = listed(tool for tool, _ in cases.values())
    answer = serve(model_id=model_id).post("/invocations", json={"prompt": "call math___add_numbers"})
    assert answer.json()["response"] == 'The tool said: {"result": 112}'
    assert offered(bedrock) == ["math___add_numbers", "math___fail_secretly"]
    reasons = {line["tool"]: line["reason"] for line in lines(caplog, "tool_left_out")}
    assert max(map(len, reasons.values())) < 500
    for tool, (case, (_, reason)) in zip(gateway.tools[1:], cases.items(), strict=False):
        assert reason in reasons[str(tool.get("name"))], case


@pytest.mark.parametrize("model_id", [CLAUDE, NOVA, LLAMA])
def test_a_tool_that_the_model_takes_stays(
    serve: Callable[..., TestClient], gateway: FakeGateway, bedrock: FakeBedrock, model_id: str
) -> None:
    gateway.tools = listed(tool for tool, model in TAKEN.values() if model == model_id)
    answer = serve(model_id=model_id).post("/invocations", json={"prompt": "call math___add_numbers"})
    assert answer.status_code == 200
    assert offered(bedrock) == [it if isinstance(it, str) else it["name"] for it in gateway.tools]


def test_what_a_request_has_no_room_for_is_left_out_from_the_end(
    agent: TestClient, gateway: FakeGateway, bedrock: FakeBedrock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    large = [{**odd({"type": "object"}), "name": f"t{n}", "description": "d" * 90_000} for n in range(8)]
    gateway.page = 4
    gateway.tools = ["math___add_numbers", *large, "math___fail_secretly"]
    for _ in range(2):
        assert agent.post("/invocations", json={"prompt": "call math___add_numbers"}).status_code == 200
    assert offered(bedrock) == ["math___add_numbers", *(f"t{n}" for n in range(6))]
    sent = sum(tool_rules.bytes_of(tool["toolSpec"]) for tool in bedrock.requests[0]["toolConfig"]["tools"])
    assert sent <= tool_rules.LARGEST_TOGETHER
    left_out = lines(caplog, "tool_left_out")
    assert [line["tool"] for line in left_out] == ["t6", "t7", "math___fail_secretly"]
    assert "the tools before it have all of the 600000 bytes" in left_out[0]["reason"]


def test_each_rule_refuses_something_here() -> None:
    """And what it answers can be written out."""
    found = {rule for tool, model_id, _ in REFUSED.values() if (rule := rule_of(tool, model_id))}
    found |= {rule for rule in [rule_of(odd({"type": "object"}, description=""), LLAMA)] if rule}
    assert {id(rule) for rule in found} == {id(rule) for rule in tool_rules.RULES}
    for rule in found:
        assert "{" not in rule.answer.format(at=3, member=4, fault="it is odd").replace("{1,64}", "")
        assert json.dumps(rule.source)


def rule_of(tool: dict[str, Any], model_id: str) -> tool_rules.Rule | None:
    if not isinstance(tool.get("name"), str):
        return None
    spec = {**tool, "inputSchema": {"json": tool.get("inputSchema")}}
    refused = tool_rules.refusal(spec, model_id)
    return refused[0] if refused else None
