"""A scripted model: decides from the prompt and the offered tools, and says what the tools returned.

It knows four requests (tools by their names with their arguments as JSON, arithmetic, greetings, questions about the
tools) and computes nothing itself. A pure function of the conversation, so that a demo and a test get the same answer
every time.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.local import examples
from toolgate.local.serve.gateway import search
from toolgate.local.serve.model.converse_stream import Event
from toolgate.policy.language.agentcore_facts import TOOL_SEPARATOR, target_of

ABILITIES = (
    "I am a scripted model. I can hand sums and products (100 + 12, 6 * 7) and greetings (Greet Alice) to a tool,"
    " and call any tool by its name with its arguments as JSON"
)
SPOKEN = ("What is 100 + 12?", "What is 6 * 7?", "Greet Alice")
"""Requests in words, an example of each kind."""


@dataclass(frozen=True)
class ToolUse:
    """The model asks for a tool."""

    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class _Tool:
    name: str
    description: str
    properties: Mapping[str, Mapping[str, Any]]
    required: Sequence[str] = ()

    @property
    def own_name(self) -> str:
        """The name without its target's."""
        return self.name.partition(TOOL_SEPARATOR)[2]

    @property
    def example(self) -> str:
        """How to ask for a call of it."""
        try:
            given = examples.arguments({"properties": self.properties, "required": self.required})
        except (KeyError, TypeError):  # a tool of the agent's own, with a schema that no gateway has
            given = {}
        return f"call {self.name} {json.dumps(given)}"

    def is_about(self, words: re.Pattern[str]) -> bool:
        text = f"{self.name.removeprefix(target_of(self.name))} {self.description}".replace("_", " ")
        return words.search(text) is not None

    def takes(self, given: Mapping[str, Any]) -> bool:
        """Whether nothing that it requires is missing."""
        return set(self.required) <= given.keys()

    def parameters(self, *types: str) -> list[str]:
        return [name for name, schema in self.properties.items() if schema.get("type") in types]


_ARITHMETIC = re.compile(r"(-?\d+(?:\.\d+)?)\s*([+*x])\s*(-?\d+(?:\.\d+)?)")
_GREETING = re.compile(r"\b(?:greet|say hello to|welcome)\s+(\w+)", re.IGNORECASE)
_ABOUT_TOOLS = re.compile(r"\btools?\b|what can you do|\bhelp\b", re.IGNORECASE)
_SUM = re.compile(r"\b(add(s|ing|ition)?|sums?|plus)\b", re.IGNORECASE)
_PRODUCT = re.compile(r"\b(multipl\w+|products? of|times)\b", re.IGNORECASE)
_GREETS = re.compile(r"\b(greet\w*|hello)\b", re.IGNORECASE)
_OPERATIONS = {"+": _SUM, "*": _PRODUCT, "x": _PRODUCT}
# `call` and a name, or a tool's full name wherever it stands.
_NAMED = re.compile(
    r"\bcall\s+(?:the\s+)?(?:tool\s+)?(?!(?:it|this|that)\b)(?P<called>[\w-]+)|(?<![\w-])(?P<full>[\w-]*___[\w-]+)",
    re.IGNORECASE,
)


async def turn(body: Mapping[str, Any]) -> AsyncIterator[Event]:
    """One turn of the model as ConverseStream's events, from a request's body."""
    said = _forced(body) or reply(body["messages"], body.get("toolConfig"))
    yield "messageStart", {"role": "assistant"}
    if isinstance(said, ToolUse):
        use = {"toolUseId": f"tooluse_{len(body['messages'])}", "name": said.name}  # unique in its conversation
        yield "contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": use}}
        yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": json.dumps(said.input)}}}
    else:  # Bedrock sends no contentBlockStart for text
        for piece in re.findall(r"\S+\s*", said):
            yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": "tool_use" if isinstance(said, ToolUse) else "end_turn"}
    counts = [len(json.dumps(body["messages"])) // 4, len(str(said)) // 4]  # about four characters a token
    usage = {"inputTokens": counts[0], "outputTokens": counts[1], "totalTokens": sum(counts)}
    if "cachePoint" in json.dumps([body["messages"], body.get("system"), body.get("toolConfig")]):
        usage |= {"cacheReadInputTokens": 0, "cacheWriteInputTokens": 0}  # nothing is cached here
    yield "metadata", {"usage": usage, "metrics": {"latencyMs": 0}}


def reply(messages: Sequence[Mapping[str, Any]], tool_config: Mapping[str, Any] | None) -> str | ToolUse:
    """What the model says next.

    Args:
        messages: The conversation as Converse has it (`role`, `content` blocks); the last one is the user's.
        tool_config: Converse's `toolConfig`.
    """
    tools = _tools(tool_config)
    if not any("toolResult" in block for block in messages[-1]["content"]):
        return _decide(_prompt(messages[-1]), tools)
    asked = max((at for at, said in enumerate(messages) if said["role"] == "user" and _prompt(said)), default=0)
    return _next_call(messages[asked:], tools) or _answer(messages[asked:], tools)


def _forced(body: Mapping[str, Any]) -> ToolUse | None:
    """The call of a tool that the request leaves no choice about, its arguments made of what tools returned."""
    config = body.get("toolConfig") or {}
    forced = config.get("toolChoice", {}).get("tool", {}).get("name")
    specs = [tool["toolSpec"] for tool in config.get("tools", []) if "toolSpec" in tool]
    schema = next((spec["inputSchema"]["json"] for spec in specs if spec["name"] == forced), None)
    if schema is None:
        return None
    blocks = [block for message in body["messages"] for block in message["content"]]
    results = [part for block in blocks if "toolResult" in block for part in block["toolResult"]["content"]]
    known = [part["json"] if "json" in part else _parsed(part.get("text", "")) for part in results]
    return ToolUse(forced, examples.instance(schema, known))


def _prompt(message: Mapping[str, Any]) -> str:
    return " ".join(block["text"] for block in message["content"] if "text" in block)


def _next_call(messages: Sequence[Mapping[str, Any]], tools: list[_Tool]) -> ToolUse | None:
    """The next one of the calls that the prompt, the first message here, asks for."""
    calls = _calls(_prompt(messages[0]), tools)
    made = sum("toolUse" in block for said in messages for block in said["content"])
    return calls[made] if isinstance(calls, list) and made < len(calls) else None


def _tools(tool_config: Mapping[str, Any] | None) -> list[_Tool]:
    specs = [tool["toolSpec"] for tool in (tool_config or {}).get("tools", []) if "toolSpec" in tool]
    return [
        _Tool(spec["name"], spec.get("description", ""), schema.get("properties", {}), schema.get("required", ()))
        for spec in specs
        for schema in [spec["inputSchema"]["json"]]
    ]


def _decide(prompt: str, tools: list[_Tool]) -> str | ToolUse:
    calls = _calls(prompt, tools)
    if calls:
        return calls if isinstance(calls, str) else calls[0]
    if arithmetic := _ARITHMETIC.search(prompt):
        left, operator, right = arithmetic.groups()
        return _calculation(_OPERATIONS[operator], [_number(left), _number(right)], tools)
    if greeting := _GREETING.search(prompt):
        return _greeting(greeting[1], tools)
    if _ABOUT_TOOLS.search(prompt):
        if any(tool.name == search.NAME for tool in tools):
            return ToolUse(search.NAME, {"query": prompt})
        return _listing(tools)
    how = f" (like this: {tools[-1].example})" if tools else ""  # the first one may be the gateway's search
    return f"{ABILITIES}{how}. {_listing(tools)}"


def _calls(prompt: str, tools: list[_Tool]) -> list[ToolUse] | str:
    """The calls that a prompt spells out, in its order, or what is wrong with one of them."""
    calls: list[ToolUse] = []
    named = _NAMED.search(prompt)
    while named:
        name, end = named["called"] or named["full"], named.end()
        following = _NAMED.search(prompt, end)
        brace = prompt.find("{", end, following.start() if following else None)
        meant = [tool for tool in tools if name == tool.name] or [tool for tool in tools if name == tool.own_name]
        if brace >= 0 and len(meant) != 1:
            return _unknown(name, meant, tools)
        if brace >= 0:
            try:
                given, end = json.JSONDecoder().raw_decode(prompt, brace)
            except ValueError as error:
                return f"The arguments of {meant[0].name} are not JSON: {error}. Write for example: {meant[0].example}"
            calls.append(ToolUse(meant[0].name, given))
        elif named["called"] and (meant or TOOL_SEPARATOR in name):
            if len(meant) != 1:
                return _unknown(name, meant, tools)
            calls.append(ToolUse(meant[0].name, {}))
        named = _NAMED.search(prompt, end)
    return calls


def _unknown(name: str, meant: list[_Tool], tools: list[_Tool]) -> str:
    if meant:
        return f"{name} may be {' or '.join(tool.name for tool in meant)}: call one of them by its full name."
    return f"I have no tool {name}. {_listing(tools)}"


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _calculation(words: re.Pattern[str], numbers: Sequence[int | float], tools: list[_Tool]) -> str | ToolUse:
    for tool in tools:
        names = tool.parameters("number", "integer")
        given = dict(zip(names, numbers, strict=False))
        if len(names) >= len(numbers) and tool.is_about(words) and tool.takes(given):
            return ToolUse(tool.name, given)
    return f"I have no tool for this calculation. {_listing(tools)}"


def _greeting(who: str, tools: list[_Tool]) -> str | ToolUse:
    for tool in tools:
        names = tool.parameters("string")
        if names and tool.is_about(_GREETS) and tool.takes({names[0]: who}):
            return ToolUse(tool.name, {names[0]: who})
    return f"I have no tool for greetings. {_listing(tools)}"


def _listing(tools: Sequence[_Tool]) -> str:
    if not tools:
        return "I have no tools."
    return "My tools are:\n" + "\n".join(f"- {tool.name}: {_first_sentence(tool.description)}" for tool in tools)


def _first_sentence(text: str) -> str:
    return re.split(r"\.\s|\n", text, maxsplit=1)[0].rstrip(".")


def _answer(messages: Sequence[Mapping[str, Any]], tools: list[_Tool]) -> str:
    blocks = [block for message in messages for block in message["content"]]
    asked = {block["toolUse"]["toolUseId"]: block["toolUse"]["name"] for block in blocks if "toolUse" in block}
    results = [block["toolResult"] for block in blocks if "toolResult" in block]
    return "\n".join(_told(asked.get(result["toolUseId"], ""), result, tools) for result in results)


def _told(tool: str, result: Mapping[str, Any], tools: list[_Tool]) -> str:
    text = "\n".join(block["text"] if "text" in block else json.dumps(block.get("json")) for block in result["content"])
    if result.get("status") == "error":
        return f"The tool {tool} failed: {text}"
    value = _parsed(text)
    if tool == search.NAME and isinstance(value, Mapping):
        found = [_Tool(item["name"], item.get("description", ""), {}) for item in value.get("tools", [])]
        return _listing([*found, *(offered for offered in tools if offered.name == search.NAME)])
    if isinstance(value, Mapping) and isinstance(value.get("error"), Mapping):
        return f"The tool {tool} answered with an error: {value['error'].get('message', '')}"
    while isinstance(value, Mapping) and len(value) == 1:
        value = next(iter(value.values()))
    return value if isinstance(value, str) else f"The result is {_plain(value)}."


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else json.dumps(value, ensure_ascii=False)
