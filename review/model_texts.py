"""What a model reads, before and after a change: tools' names and descriptions, system prompts, and which model it is.

Whoever writes these texts speaks to the model, so a reviewer reads them as they are, each change line by line.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from difflib import ndiff
from typing import Any

from toolgate.policy.language import open_api
from toolgate.policy.language.agentcore_facts import RUNTIME, TARGET, full_name
from toolgate.policy.language.open_api import Operation
from toolgate.review.changes import label, made
from toolgate.review.markdown import block, code
from toolgate.review.properties import document, leaves

_WIDTH = 76
"""Characters a line: what a telephone shows without moving it sideways is less, but prose stays readable."""
_VARIABLE = re.compile("PROMPT|MODEL|INSTRUCTION", re.IGNORECASE)
"""Which variables of a runtime hold what a model is told, or which one it is; our agent's are two of them."""
# Properties of AgentCore's and Bedrock's resources that a model reads, or that name it (pulumi_aws 7.51.1).
_READ = frozenset(
    {
        *("instructions", "instruction", "appendToPrompt", "systemPrompt", "summarizationSystemPrompt"),
        *("llmExtractionInstruction", "modelId", "foundationModel", "text"),
    }
)
# In the target of a gateway, whatever its kind: what becomes a tool, and where its description is when it is not here.
_OF_TOOLS = frozenset(
    {"name", "description", "summary", "title", "operationId", "enum", "payload", "inlinePayload", "uri", "endpoint"}
)


def model_texts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What changes of it, as Markdown: whose text it is, and a `diff` block."""
    old, new = (_read(side) for side in (before, after))
    for whose in dict.fromkeys([*new, *old]):
        then, now = old.get(whose), new.get(whose)
        if then != now:
            news = "new" if then is None else "gone" if now is None else "changed"
            lines = (line for line in ndiff(then or [], now or []) if not line.startswith("?"))
            yield f"{code(whose)} {news}\n\n{block((line.rstrip() for line in lines), 'diff')}"


def _read(deployment: Mapping[str, Any]) -> dict[str, list[str]]:
    """By whose text it is; two gateways may have a tool of the same name, and then it is both texts."""
    found: dict[str, list[str]] = {}
    for resource in made(deployment):
        for whose, lines in _of(resource):
            found.setdefault(whose, []).extend(part for line in lines for part in _wrapped(line))
    return found


def _of(resource: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    inputs = resource.get("inputs", {})
    if resource["type"] == TARGET:
        yield from _of_target(resource)
    elif resource["type"] == RUNTIME:
        variables = inputs.get("environmentVariables")
        for name, value in variables.items() if isinstance(variables, Mapping) else ():
            if _VARIABLE.search(name):
                yield f"{label(resource)}: {name}", _shown(value).splitlines()
    elif resource["type"].startswith("aws:bedrock/"):
        yield from ((f"{label(resource)}: {path}", text) for path, text in _texts(inputs, _READ))


def _of_target(resource: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    inputs = resource.get("inputs", {})
    target = str(inputs.get("name"))
    configuration: Any = inputs.get("targetConfiguration", {})
    tools = _tools(configuration)
    if tools is None:
        yield from ((f"{target}: {path}", text) for path, text in _texts(configuration, _OF_TOOLS))
        return
    yield from ((f"{target}: {path}", text) for path, text in _texts(configuration, _ELSEWHERE))
    for tool in tools:
        if isinstance(tool, Mapping):
            parts = [("takes", tool.get("inputSchema")), ("gives", tool.get("outputSchema"))]
            schemas = [line for name, schema in parts for line in _schema(name, schema)]
            others = {key: value for key, value in tool.items() if key not in _OF_TOOL}
            further = [f"besides: {json.dumps(others, ensure_ascii=False, sort_keys=True)}"] if others else []
            lines = [*_shown(tool.get("description")).splitlines(), *schemas, *further]
            yield full_name(target, str(tool.get("name"))), lines


_ELSEWHERE = frozenset({"uri", "endpoint"})
_OF_TOOL = frozenset({"name", "description", "inputSchema", "outputSchema"})


def _tools(configuration: Any) -> list[Any] | None:
    """The tools of a target as it lists them: of a function, of an MCP server, of an API; None where they are not."""
    listed = _within(configuration, "mcp", "lambda", "toolSchema", "inlinePayloads")
    if listed is None:
        listed = document(_within(configuration, "mcp", "mcpServer", "mcpToolSchema", "inlinePayload", "payload"))
        listed = listed.get("tools") if isinstance(listed, Mapping) else listed
    api = document(_within(configuration, "mcp", "openApiSchema", "inlinePayload", "payload"))
    if isinstance(api, Mapping):
        return [_operation(it) for it in open_api.operations(api)]
    return listed if isinstance(listed, list) else None


def _within(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _operation(found: Operation) -> Mapping[str, Any]:
    """An operation as a tool, and what calling it does: where it goes a reviewer reads, too."""
    calls = f"{found.method} {found.server or ''}{found.path}"
    return {"name": found.name, "description": found.description, "inputSchema": found.input_schema, "calls": calls}


def _texts(properties: Any, names: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    for path, leaf in leaves(properties).items() if isinstance(properties, Mapping) else ():
        if path[-1].removeprefix(".") in names:
            value = json.loads(leaf.value)
            yield "".join(path), (value if isinstance(value, str) else leaf.text).splitlines()


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    # By its leaf, so that a secret stays one.
    return "" if value is None else "".join(leaf.text for leaf in leaves({"value": value}).values())


_STRUCTURE = frozenset({"name", "type", "description", "required", "properties", "items"})


def _schema(name: str, schema: Any, depth: int = 0) -> Iterator[str]:
    """A schema as a line for each part; both forms of it, a list of named parts and a mapping."""
    if not isinstance(schema, Mapping):
        return
    schema = dict(schema)
    for key in ("properties", "items"):  # the deepest levels are JSON
        whole = document(schema.pop(f"{key}Json", None))
        schema |= whole if key == "properties" and isinstance(whole, Mapping) else {key: whole} if whole else {}
    # A list of names is how JSON schema says what has to be there.
    needed = {"required": schema["required"]} if isinstance(schema.get("required"), list) and schema["required"] else {}
    rest = {key: value for key, value in schema.items() if key not in _STRUCTURE} | needed
    words = [_kind(schema.get("type")), "required" if schema.get("required") is True else ""]
    kind = f" ({', '.join(filter(None, words))})" if any(words) else ""
    told = [schema.get("description"), json.dumps(rest, ensure_ascii=False, sort_keys=True) if rest else None]
    text = " ".join(_shown(it) for it in told if it is not None)
    yield from (f"{'  ' * depth}{line}" for line in f"{name}{kind}{': ' * bool(text)}{text}".splitlines())
    properties = schema.get("properties")
    named = properties.items() if isinstance(properties, Mapping) else _named(properties)
    for inner, part in named:
        yield from _schema(str(inner), part, depth + 1)
    yield from _schema("each", schema.get("items"), depth + 1)


def _kind(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _named(properties: Any) -> Iterator[tuple[str, Any]]:
    for part in properties if isinstance(properties, list) else ():
        if isinstance(part, Mapping):
            yield str(part.get("name")), part


def _wrapped(line: str) -> list[str]:
    """The line in pieces, with nothing left out: blanks may be meant to hide what follows them."""
    return textwrap.wrap(line, _WIDTH, drop_whitespace=False, replace_whitespace=False, expand_tabs=False) or [""]
