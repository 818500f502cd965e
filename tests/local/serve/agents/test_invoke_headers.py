"""The headers of InvokeAgentRuntime: bounds are botocore's, whatever bytes come."""

import pytest

from toolgate.local.serve.agents.invoke_headers import misfit

SESSION, USER = (f"x-amzn-bedrock-agentcore-runtime-{it}-id" for it in ("session", "user"))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (SESSION, "x" * 33),
        (SESSION, "~" * 256),
        (USER, "a user"),
        ("baggage", "a=1,\tb=2"),
        ("baggage", ""),
        ("tracestate", "x" * 512),
        ("cookie", "\xe9"),  # no member, and nothing passes it on
    ],
)
def test_what_fits(header: str, value: str) -> None:
    assert misfit("InvokeAgentRuntime", {header: value}) == ""


@pytest.mark.parametrize(
    ("header", "value", "says"),
    [
        (
            SESSION,
            "x" * 32,
            "at 'runtimeSessionId' failed to satisfy constraint: Member must have length greater than or",
        ),
        (SESSION, "x" * 257, "Member must have length less than or equal to 256"),
        (
            USER,
            "",
            "at 'runtimeUserId' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (USER, "x" * 1025, "less than or equal to 1024"),
        (USER, "caf\xe9", "at 'runtimeUserId' failed to satisfy constraint: Member must consist of printable ASCII"),
        ("traceparent", "x" * 129, "less than or equal to 128"),
        ("accept", "a\x7f", "at 'accept' failed to satisfy constraint: Member must consist of printable ASCII"),
        ("mcp-session-id", "\x1b[2J", "at 'mcpSessionId' failed to satisfy constraint"),
    ],
)
def test_what_does_not(header: str, value: str, says: str) -> None:
    said = misfit("InvokeAgentRuntime", {header: value, "host": "x"})
    assert said.startswith(f"1 validation error detected: Value '{value}' at '")
    assert says in said


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = misfit("InvokeAgentRuntime", {SESSION: "x", "baggage": "\xe9"})
    assert said.startswith("2 validation errors detected: ")
    assert misfit("StopRuntimeSession", {SESSION: "x" * 33, "baggage": "\xe9"}) == ""
