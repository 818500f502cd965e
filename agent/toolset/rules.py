"""What Bedrock, and the models behind it, refuse of a tool: one table, with who says so and what is answered.

They look at every tool of a request, so one that they refuse fails each request, whichever tool it needs. The agent
leaves such a tool out; the local deployment's model refuses the request, as Bedrock does. The standard library only.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .json_schema import lost_reference, schema_fault

LARGEST = 100_000
"""Bytes of one tool as JSON. Ours: nobody has seen a bound of Bedrock's, and one tool must not take the room of all."""
LARGEST_TOGETHER = 600_000
"""Bytes of all tools of a request as JSON. Inferred: they are part of the prompt. 116 kB of schemas are 29,000 tokens
(sirkirby/unifi-mcp#144), and Claude Haiku 4.5 takes 200,000, of which the conversation needs some; more is `prompt is
too long` for each request (seen: Softeria/ms-365-mcp-server#555)."""

PROPERTY_KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
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
