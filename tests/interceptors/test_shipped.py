"""The shipped interceptors behind the library's handler, as Lambda runs them: what each does to one event."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDERS = Path(__file__).resolve().parents[2] / "interceptors"
PROGRAM = """
import json, sys
from types import SimpleNamespace
import intercept
context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000, aws_request_id="r")
answer = intercept.handler(json.loads(sys.argv[1]), context)
print(json.dumps({"answer": answer}))
"""
NOTHING = {
    "calls": [],
    "results": [],
    **dict.fromkeys(("tools", "prompts", "resources", "headers", "claims", "caller"), False),
}
CLAIMS = "eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJhY21lIn0.c2ln"  # {"tenant": "acme"}


def judged(name: str, declared: dict[str, Any], message: dict[str, Any], result: Any = None, **headers: str) -> Any:
    """The message, or the answer to it, as the interceptor of a folder leaves it."""
    body = {"jsonrpc": "2.0", "id": 1, **message}
    request = {"path": "/mcp", "httpMethod": "POST", "headers": headers, "body": body}
    mcp: dict[str, Any] = {"rawGatewayRequest": {"body": json.dumps(body)}, "gatewayRequest": request}
    if result is not None:
        answer = {"jsonrpc": "2.0", "id": 1, "result": result}
        mcp["gatewayResponse"] = {"statusCode": 200, "headers": {}, "body": answer}
    event = {"interceptorInputVersion": "1.0", "mcp": mcp}
    said = json.dumps({**NOTHING, "inbound": "iam", "seconds": 30.0, **declared})
    environment = os.environ | {"INTERCEPTS": said, "PYTHONPATH": os.pathsep.join(map(str, (FOLDERS / name, FOLDERS)))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, json.dumps(event)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    [made] = json.loads(done.stdout.splitlines()[-1])["answer"]["mcp"].values()
    return made["body"]


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"method": "tools/call", "params": {"name": tool, "arguments": arguments}}


@pytest.mark.parametrize(("number", "refused"), [(1_000_000, False), (1_000_001, True)])
def test_limits(number: int, refused: bool) -> None:
    body = judged("limits", {"calls": ["*"]}, call("math___add_numbers", a=number, b=1))
    assert ("error" in body) == refused
    if refused:
        assert body["error"]["message"] == "Tool Execution Denied: a is no number of at most 1000000"
    else:
        assert body["params"]["arguments"] == {"a": number, "b": 1}


def test_tenant() -> None:
    declared = {"calls": ["orders___*"], "claims": True, "inbound": "jwt"}
    message = call("orders___find", tenant="other", query="lamp")
    body = judged("tenant", declared, message, Authorization=f"Bearer {CLAIMS}")
    assert body["params"]["arguments"] == {"tenant": "acme", "query": "lamp"}
    assert "error" in judged("tenant", declared, message, Authorization="Bearer e30.e30.c2ln")
    assert "error" in judged("tenant", {**declared, "inbound": "iam"}, message, Authorization=f"Bearer {CLAIMS}")


def test_redact() -> None:
    result = {
        "content": [{"type": "text", "text": '{"card": 4242424242424242}'}],
        "structuredContent": {"to": "a@b.de"},
    }
    body = judged("redact", {"results": ["*"]}, call("orders___find"), result)
    assert body["result"] == {
        "content": [{"type": "text", "text": '{"card": "[card number]"}'}],
        "structuredContent": {"to": "[e-mail address]"},
    }


def test_shown_tools() -> None:
    tools = [
        {"name": it, "description": "", "inputSchema": {"type": "object"}}
        for it in ("math___add_numbers", "orders___find")
    ]
    declared = {"tools": True, "caller": True, "shown": ["math___*"]}
    body = judged("shown_tools", declared, {"method": "tools/list"}, {"tools": tools})
    assert [it["name"] for it in body["result"]["tools"]] == ["math___add_numbers"]
