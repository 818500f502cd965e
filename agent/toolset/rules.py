"""What Bedrock, and the models behind it, refuse of a tool: one table, with who says so and what is answered.

They look at every tool of a request, so one that they refuse fails each request, whichever tool it needs. The agent
leaves such a tool out; the local deployment's model refuses the request, as Bedrock does. The standard library only.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

LARGEST = 100_000
"""Bytes of one tool as JSON. Ours: nobody has seen a bound of Bedrock's, and one tool must not take the room of all."""
LARGEST_TOGETHER = 600_000
"""Bytes of all tools of a request as JSON. Inferred: they are part of the prompt. 116 kB of schemas are 29,000 tokens
(sirkirby/unifi-mcp#144), and Claude Haiku 4.5 takes 200,000, of which the conversation needs some; more is `prompt is
too long` for each request (seen: Softeria/ms-365-mcp-server#555)."""

PROPERTY_KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
DEEPEST = 64
"""Schemas within each other. More than that strands does not take (strands/tools/tools.py, _MAX_SCHEMA_DEPTH)."""
NOVAS_KEYS = ("type", "properties", "required")
_COMBINATORS = ("oneOf", "allOf", "anyOf")

type Tool = Mapping[str, Any]
"""Bedrock's ToolSpecification: `name`, `description`, `inputSchema` with `json`."""


@dataclass(frozen=True)
class Rule:
    """One thing that is refused of a tool.

    Attributes:
        fault: What is wrong with a tool, in words; empty if nothing is.
        answer: What Bedrock answers; `{at}` is the tool's place, `{member}` counts from 1, `{fault}` is what is wrong.
        source: Who says so: a document, `seen` in a public report, or `inferred` and from what.
        models: What is in the ids of the models that refuse it; where it is empty, all do.
    """

    fault: Callable[[Tool], str]
    answer: str
    source: str
    models: str = ""


def refusal(tool: Tool, model_id: str) -> tuple[Rule, str] | None:
    """The first rule that refuses the tool for this model, and what is wrong.

    Args:
        tool: The tool, as it is sent.
        model_id: The model's id, or what it is called by. One that does not tell whose it is, such as an application
            inference profile, counts as Claude.
    """
    found = ((rule, rule.fault(tool)) for rule in RULES if _concerns(rule, model_id))
    return next(((rule, fault) for rule, fault in found if fault), None)


def fitting(tools: Iterable[Tool]) -> int:
    """How many of the tools, from the first on, a request has room for."""
    sizes = itertools.accumulate(map(bytes_of, tools))
    return sum(size <= LARGEST_TOGETHER for size in sizes)


def answer(tools: Sequence[Tool], model_id: str) -> str:
    """What Bedrock answers to a request with these tools; empty if it takes them."""
    for at, tool in enumerate(tools):
        if refused := refusal(tool, model_id):
            rule, fault = refused
            return rule.answer.format(at=at, member=at + 1, fault=fault)
    if len({tool["name"] for tool in tools}) < len(tools):
        return f"{_MODEL}tools: Tool names must be unique."  # seen of Claude's own API: anthropics/claude-code#10681
    return _TOO_LONG if fitting(tools) < len(tools) else ""


def bytes_of(tool: Tool) -> int:
    """The tool's size in a request."""
    return len(json.dumps(tool).encode())


def _concerns(rule: Rule, model_id: str) -> bool:
    named = model_id.rpartition("/")[2]
    return rule.models in named or (rule.models == _CLAUDE and "." not in named)


def _schema(tool: Tool) -> Any:
    return tool["inputSchema"]["json"]


def _letters(tool: Tool) -> str:
    right = re.fullmatch(r"[a-zA-Z0-9_-]+", tool["name"])
    return "" if right else "Bedrock takes 1 to 64 letters, digits, _ and - in a tool's name"


def _long_name(tool: Tool) -> str:
    return "Bedrock takes 64 characters in a tool's name" if len(tool["name"]) > 64 else ""


def _no_description(tool: Tool) -> str:
    return "" if tool.get("description", "-") else "Bedrock takes no empty description"


def _not_json(tool: Tool) -> str:
    try:
        json.dumps(tool, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):  # NaN, half a surrogate pair, no end
        return "its schema is no JSON"
    return "" if isinstance(_schema(tool), dict) else "its schema is no JSON object"


def _no_object(tool: Tool) -> str:
    kind = _schema(tool).get("type")
    return "" if kind == "object" else f"its schema's type is {str(kind)[:100]}, and must be object"


def _malformed(tool: Tool) -> str:
    fault = schema_fault(_schema(tool))
    return f"its schema is no JSON Schema: {fault[:300]}" if fault else ""


def _lost_reference(tool: Tool) -> str:
    lost = lost_reference(_schema(tool))
    return f"its schema refers to {lost[:100]}, which is not in it" if lost else ""


def _too_large(tool: Tool) -> str:
    size = bytes_of(tool)
    return f"it has {size} bytes, and at most {LARGEST} are sent of one tool" if size > LARGEST else ""


def _combined(tool: Tool) -> str:
    found = [key for key in _COMBINATORS if key in _schema(tool)]
    return f"Claude takes no {found[0]} at the top of a schema" if found else ""


def _property_key(tool: Tool) -> str:
    odd = [key for key in _schema(tool).get("properties", {}) if not PROPERTY_KEY.fullmatch(key)]
    return f"Claude takes 1 to 64 letters, digits, _, . and - in a property's name, not {odd[0][:100]!r}" if odd else ""


def _extra_key(tool: Tool) -> str:
    extra = [key for key in _schema(tool) if key not in NOVAS_KEYS]
    return f"Nova takes type, properties and required at the top of a schema, not {extra[0][:100]}" if extra else ""


_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and not value % 1


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value)) and len(set(value)) == len(value)


def _is_type(value: Any) -> bool:
    return value in _TYPES if _is_text(value) else _is_names(value) and bool(value) and set(value) <= set(_TYPES)


# The vocabularies of draft 2020-12 (json-schema.org/draft/2020-12/meta/*): where a schema stands in a keyword's value,
# and what the value of each other keyword must be. Any other keyword may have any value.
_IN = {
    "itself": (
        "additionalProperties contains contentSchema else if items not propertyNames then unevaluatedItems "
        "unevaluatedProperties"
    ),
    "list": "allOf anyOf oneOf prefixItems",
    "map": "$defs definitions dependentSchemas patternProperties properties",
}
_WITHIN = {keyword: kind for kind, keywords in _IN.items() for keyword in keywords.split()}
_VALUES: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    (
        "$comment $dynamicRef $ref $schema contentEncoding contentMediaType description format pattern title",
        "a text",
        _is_text,
    ),
    ("deprecated readOnly uniqueItems writeOnly", "true or false", _is_flag),
    ("exclusiveMaximum exclusiveMinimum maximum minimum", "a number", _is_number),
    ("multipleOf", "a number above 0", lambda value: _is_number(value) and value > 0),
    (
        "maxContains maxItems maxLength maxProperties minContains minItems minLength minProperties",
        "a whole number, 0 or more",
        _is_count,
    ),
    ("required", "a list of names, each once", _is_names),
    (
        "dependentRequired",
        "a map of lists of names",
        lambda value: isinstance(value, Mapping) and all(map(_is_names, value.values())),
    ),
    (
        "dependencies",
        "a map of schemas or lists of names",
        lambda value: (
            isinstance(value, Mapping) and all(isinstance(it, Mapping | bool) or _is_names(it) for it in value.values())
        ),
    ),
    ("enum examples", "a list", lambda value: isinstance(value, list)),
    ("type", "a type or a list of types of JSON Schema", _is_type),
    ("$anchor $dynamicAnchor", "a name", lambda value: _is_text(value) and bool(_ANCHOR.fullmatch(value))),
    ("$id", "a URI without a fragment", lambda value: _is_text(value) and "#" not in value.removesuffix("#")),
)
_MUST_BE = {keyword: (words, holds) for keywords, words, holds in _VALUES for keyword in keywords.split()}


def schema_fault(document: Any) -> str:
    """The first place where the document is no JSON Schema of draft 2020-12, or is too deep; empty if there is none."""
    for place, schema, depth in _walk(document):
        if isinstance(schema, bool):
            continue
        if not isinstance(schema, Mapping):
            return f"{place} must be a schema"
        if depth > DEEPEST:
            return f"{place[:100]}... is nested more than {DEEPEST} schemas deep"
        for keyword, value in schema.items():
            words, holds = _MUST_BE.get(keyword, ("", None))
            if holds and not holds(value):
                return f"{place}/{keyword} must be {words}"
            kind = _WITHIN.get(keyword)
            if kind == "map" and not isinstance(value, Mapping):
                return f"{place}/{keyword} must be a map of schemas"
            if kind == "list" and not (isinstance(value, list) and value):
                return f"{place}/{keyword} must be a list of schemas"
    return ""


def lost_reference(document: Mapping[str, Any]) -> str:
    """The first `$ref` that leads to no schema of the document itself; empty if there is none.

    One that leads back to a schema around it is JSON Schema's way to describe a tree.
    """
    anchors: set[str] = set()
    references: list[str] = []
    for _, schema, _ in _walk(document):
        if isinstance(schema, Mapping):
            anchors |= {f"#{schema[key]}" for key in ("$anchor", "$dynamicAnchor") if _is_text(schema.get(key))}
            references += [schema["$ref"]] if _is_text(schema.get("$ref")) else []
    return next((it for it in references if it not in anchors and not _leads(it, document)), "")


def _walk(document: Any) -> Iterator[tuple[str, Any, int]]:
    """Every schema with its place and depth, the outer ones first; none below what is not as it must be."""
    left = [("", document, 0)]
    for place, schema, depth in left:
        yield place, schema, depth
        if not isinstance(schema, Mapping) or depth > DEEPEST:
            continue
        for keyword, value in schema.items():
            kind = _WITHIN.get(keyword)
            if kind == "itself":
                left.append((f"{place}/{keyword}", value, depth + 1))
            elif kind == "list" and isinstance(value, list):
                left += [(f"{place}/{keyword}/{index}", it, depth + 1) for index, it in enumerate(value)]
            elif kind == "map" and isinstance(value, Mapping):
                left += [(f"{place}/{keyword}/{name}", it, depth + 1) for name, it in value.items()]


def _leads(reference: str, document: Any) -> bool:
    seen: set[str] = set()
    while reference not in seen:
        seen.add(reference)
        if not reference.startswith("#") or (reference != "#" and not reference.startswith("#/")):
            return False
        found = document
        for part in unquote(reference).removeprefix("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                return False
        if not isinstance(found, Mapping):
            return isinstance(found, bool)
        if set(found) - {"$ref", "$defs", "definitions", "description", "title"} or not _is_text(found.get("$ref")):
            return True
        reference = found["$ref"]
    return False  # round and round, and nowhere a word on what the value is


_CLAUDE, _NOVA = "anthropic.", "amazon.nova"
_CONSTRAINT = "1 validation error detected: Value at 'toolConfig.tools.{member}.member.toolSpec."
_FAILS = "' failed to satisfy constraint: Member must "
_TOO_LONG = "Input is too long for requested model."
_MODEL = "The model returned the following errors: "
_TOOL_SPEC = "botocore bedrock-runtime ToolSpecification; seen: BerriAI/litellm#19384, awslabs/mcp#3181"

RULES = (
    Rule(_letters, f"{_CONSTRAINT}name{_FAILS}satisfy regular expression pattern: [a-zA-Z0-9_-]+", _TOOL_SPEC),
    Rule(_long_name, f"{_CONSTRAINT}name{_FAILS}have length less than or equal to 64", _TOOL_SPEC),
    Rule(_no_description, f"{_CONSTRAINT}description{_FAILS}have length greater than or equal to 1", _TOOL_SPEC),
    Rule(
        _not_json,
        "The format of the value at toolConfig.tools.{at}.toolSpec.inputSchema.json is invalid. Provide a json object "
        "for the field and try again.",
        "seen: aws/aws-sdk-net#3377",
    ),
    Rule(
        _no_object,
        "The value at toolConfig.tools.{at}.toolSpec.inputSchema.json.type must be one of the following: object.",
        "botocore bedrock-runtime ToolInputSchema; seen: cognitect-labs/aws-api#272, earendil-works/pi#8279",
    ),
    Rule(
        _malformed,
        f"{_MODEL}tools.{{at}}.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 "
        "(https://json-schema.org/draft/2020-12). Learn more about tool use at "
        "https://docs.anthropic.com/en/docs/tool-use.",
        # Mistral, Llama: Tracer-Cloud/opensre#2404, of a value of additionalProperties. strands fails each request over
        # `properties` that is no map. The depth: no bound of Bedrock's is known, those of others are 10 and more
        # (anomalyco/opencode#25495).
        "seen of Claude: acomagu/vscode-as-mcp-server#6; inferred of the others",
    ),
    Rule(
        _lost_reference,
        f"{_MODEL}tools.{{at}}.custom: Invalid schema: Reference to non-existent definition: {{fault}}",
        # A schema that contains itself is documented as refused with `strict` only, which the agent does not set.
        "seen with `strict`: langchain4j/langchain4j#5097; inferred without",
    ),
    Rule(_too_large, _TOO_LONG, "inferred: LARGEST"),
    Rule(
        _combined,
        f"{_MODEL}tools.{{at}}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top "
        "level",
        "seen: code-yeongyu/senpi#1947, which says that other models take it",
        _CLAUDE,
    ),
    Rule(
        _property_key,
        f"{_MODEL}tools.{{at}}.custom.input_schema.properties: Property keys should match pattern "
        "'^[a-zA-Z0-9_.-]{{1,64}}$'",
        # At the top only: the same report.
        "seen: aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws#709",
        _CLAUDE,
    ),
    Rule(
        _extra_key,
        f"{_MODEL}Malformed input request: #/toolConfig/tools/{{at}}/toolSpec/inputSchema/json: extraneous key is not "
        "permitted, please reformat your input and try again.",
        "docs.aws.amazon.com/nova/latest/userguide/prompting-tool-troubleshooting.html; seen: zed-industries/zed#28521",
        _NOVA,
    ),
)
"""In the order in which they are looked at: Bedrock's own first."""
