"""What the official conformance suite must find at a gateway with Lambda targets, scenario by scenario.

The suite is written for a server of its own, with tools, prompts and resources that are called `test_...`. A gateway's
tools have names of the form `<target>___<tool>`, so most scenarios cannot pass; what counts is how each ends. Sources,
of Amazon Bedrock AgentCore's developer guide where nothing else is said:

- OPERATIONS: "Use an AgentCore gateway", the table of MCP operations. Those which a server begins (elicitation,
  sampling, progress, log messages) are made during a call, and a Lambda function has no way to begin one.
- NAMES: "AWS Lambda function targets": a tool's name is `<target>___<tool>`.
- TEXT: the same page: a function returns JSON; it was seen to reach the caller as one text (mrwersa/agentmandate).
- LISTED: "Use an AgentCore gateway": lists hold what the targets provide. Lambda functions provide tools alone.
- SESSIONS: the API's `sessionConfiguration`: without it a gateway has no sessions.
- SIGNED: AWS Signature Version 4: `host` is among what is signed.
- MCP: the specification of the version 2025-11-25.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a scenario ends: as its worst check does."""

    PASSED = "SUCCESS"
    WARNED = "WARNING"
    FAILED = "FAILURE"
    NOTHING_CHECKED = "INFO"


@dataclass(frozen=True)
class Row:
    """How a scenario must end.

    Attributes:
        verdict: The verdict.
        why: What makes it so, with the source.
        says: Words that the failing check's message must hold; a failure with other words is another failure.
    """

    verdict: Verdict
    why: str
    says: str = ""


_NO_SUCH_TOOL = "NAMES: a tool of that name cannot be"
_EVERY_TOOL_ALIKE = f"{_NO_SUCH_TOOL}, and the suite takes any result with text for its own tool's"
_NOT_BY_LAMBDA = f"OPERATIONS: no function begins one; {_NO_SUCH_TOOL}"
_METHOD = "Method not found"

ROWS: Mapping[str, Row] = {
    "server-initialize": Row(Verdict.PASSED, "MCP"),
    "server-session-lifecycle": Row(Verdict.NOTHING_CHECKED, "SESSIONS: none, so there is nothing to end"),
    "ping": Row(Verdict.PASSED, "MCP: the receiver must answer"),
    "tools-list": Row(Verdict.PASSED, "OPERATIONS"),
    "prompts-list": Row(Verdict.PASSED, "OPERATIONS; LISTED: an empty list"),
    "resources-list": Row(Verdict.PASSED, "OPERATIONS; LISTED: an empty list"),
    "logging-set-level": Row(Verdict.FAILED, "OPERATIONS has no level of log messages; not seen on AWS", _METHOD),
    "completion-complete": Row(Verdict.FAILED, "OPERATIONS has no completion", _METHOD),
    "tools-call-simple-text": Row(Verdict.PASSED, _EVERY_TOOL_ALIKE),
    "tools-call-error": Row(Verdict.PASSED, _EVERY_TOOL_ALIKE),
    "tools-call-image": Row(Verdict.FAILED, f"TEXT; {_NO_SUCH_TOOL}", "No image content found"),
    "tools-call-audio": Row(Verdict.FAILED, f"TEXT; {_NO_SUCH_TOOL}", "No audio content found"),
    "tools-call-embedded-resource": Row(Verdict.FAILED, f"TEXT; {_NO_SUCH_TOOL}", "No resource content found"),
    "tools-call-mixed-content": Row(Verdict.FAILED, f"TEXT; {_NO_SUCH_TOOL}", "Expected multiple content items"),
    "tools-call-with-logging": Row(Verdict.FAILED, "it asks for a level of log messages first", _METHOD),
    "tools-call-with-progress": Row(Verdict.FAILED, _NOT_BY_LAMBDA, "No progress notifications received"),
    "tools-call-sampling": Row(Verdict.FAILED, _NOT_BY_LAMBDA, "did not request sampling"),
    "tools-call-elicitation": Row(Verdict.FAILED, _NOT_BY_LAMBDA, "did not request elicitation"),
    "elicitation-sep1034-defaults": Row(Verdict.FAILED, _NOT_BY_LAMBDA, "did not request elicitation"),
    "elicitation-sep1330-enums": Row(Verdict.FAILED, _NOT_BY_LAMBDA, "did not request elicitation"),
    "json-schema-2020-12": Row(Verdict.FAILED, _NO_SUCH_TOOL, "Tool 'json_schema_2020_12_tool' not found"),
    "server-sse-polling": Row(Verdict.WARNED, "SESSIONS: none, so no stream is taken up again"),
    "server-sse-multiple-streams": Row(Verdict.WARNED, "SESSIONS: none, so no stream is taken up again"),
    "resources-read-text": Row(Verdict.FAILED, "LISTED: no resource is there", "Resource not found"),
    "resources-read-binary": Row(Verdict.FAILED, "LISTED: no resource is there", "Resource not found"),
    "resources-templates-read": Row(Verdict.FAILED, "LISTED: no resource is there", "Resource not found"),
    "resources-subscribe": Row(Verdict.FAILED, "OPERATIONS has no subscription", _METHOD),
    "resources-unsubscribe": Row(Verdict.FAILED, "OPERATIONS has no subscription", _METHOD),
    "prompts-get-simple": Row(Verdict.FAILED, "LISTED: no prompt is there", "Unknown prompt"),
    "prompts-get-with-args": Row(Verdict.FAILED, "LISTED: no prompt is there", "Unknown prompt"),
    "prompts-get-embedded-resource": Row(Verdict.FAILED, "LISTED: no prompt is there", "Unknown prompt"),
    "prompts-get-with-image": Row(Verdict.FAILED, "LISTED: no prompt is there", "Unknown prompt"),
    "dns-rebinding-protection": Row(Verdict.PASSED, "SIGNED: a request with another host is refused"),
}
"""The stack `dev`: one agent, and no policy engine."""

_DENIED = "the engine permits no tool of that name, and says so before the gateway looks for it"
AGENTS: Mapping[str, Row] = {
    name: Row(Verdict.FAILED, _DENIED, "Tool Execution Denied")
    for name in ROWS
    if name.startswith(("tools-call-", "elicitation-")) and name != "tools-call-with-logging"
}
"""Where the stack `agents` ends otherwise, for it has a policy engine: wherever a tool is called."""

ONLY_IN_NEXT = frozenset({"server-session-lifecycle"})
"""What the next suite asks and today's does not."""


def expected(stack: str, suite: str) -> dict[str, Row]:
    """What a suite must find at the gateway of a stack."""
    rows = {**ROWS, **(AGENTS if stack == "agents" else {})}
    return {name: row for name, row in rows.items() if suite == "next" or name not in ONLY_IN_NEXT}


def worst(statuses: Iterator[str]) -> Verdict:
    """The verdict of a scenario with these checks."""
    severity = [Verdict.NOTHING_CHECKED, Verdict.PASSED, Verdict.WARNED, Verdict.FAILED]
    return max((Verdict(status) for status in statuses), key=severity.index)
