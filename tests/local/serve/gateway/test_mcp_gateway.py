"""The local gateway through the client that agents use: mcp-proxy-for-aws."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from mcp import ClientSession
from mcp.shared.exceptions import McpError
from mcp.types import CallToolResult, TextContent
from mcp_proxy_for_aws.client import aws_iam_streamablehttp_client  # type: ignore[import-untyped]

from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.server import Serving, serve

TOOLS = "handmade-tools-abcdefghij"
OTHER = "handmade-other-abcdefghij"
SEARCH = "x_amz_bedrock_agentcore_search"
GATEWAYS = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/"
SessionOf = Callable[[str], Credentials]

LIST = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}'


def _botocore(credentials: Credentials) -> BotocoreCredentials:
    return BotocoreCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)


def _with_session[T](url: str, credentials: Credentials, use: Callable[[ClientSession], Awaitable[T]]) -> T:
    async def run() -> T:
        transport = aws_iam_streamablehttp_client(
            url, "bedrock-agentcore", aws_region="us-east-1", credentials=_botocore(credentials)
        )
        async with transport as streams, ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            return await use(session)

    try:
        return asyncio.run(run())
    except BaseExceptionGroup as group:
        raise _only(group) from group


def _only(error: BaseException) -> BaseException:
    """The one error inside the groups that anyio wraps around it."""
    while isinstance(error, BaseExceptionGroup):
        (error,) = error.exceptions
    return error


def _post(
    url: str,
    credentials: Credentials,
    body: bytes = LIST,
    *,
    service: str = "bedrock-agentcore",
    region: str = "us-east-1",
    change: Callable[[dict[str, str]], None] = lambda headers: None,
    send: bytes | None = None,
) -> httpx.Response:
    """One signed request, changed on the way if a test says so."""
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    headers |= {"mcp-protocol-version": "2025-06-18"}
    request = AWSRequest("POST", url, data=body, headers=headers)
    SigV4Auth(_botocore(credentials), service, region).add_auth(request)
    signed = dict(request.headers)
    change(signed)
    return httpx.post(url, content=body if send is None else send, headers=signed, timeout=None)


def _text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.fixture
def call(serving: Serving, session_of: SessionOf) -> Callable[..., CallToolResult]:
    """Calls a tool with the credentials of a role."""

    def make(tool: str, arguments: dict[str, Any], *, gateway: str = TOOLS, role: str = "agents/assistant-role") -> Any:
        url, credentials = serving.gateway_url(gateway), session_of(role)
        return _with_session(url, credentials, lambda session: session.call_tool(tool, arguments))

    return make


Call = Callable[..., CallToolResult]


def test_a_tool_call_is_answered_by_the_real_handler_and_recorded(call: Call, serving: Serving) -> None:
    before = len(serving.calls)
    result = call("math___add_numbers", {"a": 100, "b": 12})
    assert (result.isError, json.loads(_text(result)), result.structuredContent) == (False, {"result": 112}, None)
    (record,) = serving.calls[before:]
    assert (record.gateway, record.tool) == (GATEWAYS + TOOLS, "math___add_numbers")
    assert (record.arguments, record.failed) == ({"a": 100, "b": 12}, False)
    assert record.milliseconds > 0


def test_a_tool_with_an_output_schema_answers_in_both_forms(call: Call) -> None:
    result = call("math___multiply_numbers", {"a": 6, "b": 7})
    assert result.structuredContent == json.loads(_text(result)) == {"result": 42}


def test_text_comes_back_as_json(call: Call) -> None:
    assert _text(call("math___greeting", {"name": "Alice"})) == '"Hello, Alice!"'


def test_the_function_is_told_what_agentcore_tells(call: Call) -> None:
    told = json.loads(_text(call("math___context", {})))
    custom = told["custom"]
    assert custom["bedrockAgentCoreToolName"] == "math___context"
    assert custom["bedrockAgentCoreGatewayId"] == TOOLS
    assert custom["bedrockAgentCoreTargetId"] == "TARGETID01"
    assert custom["bedrockAgentCoreMessageVersion"] == "1.0"
    assert told["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:math"
    assert told["word"] == "from a text asset"


def test_the_functions_environment_is_its_own(call: Call, serving: Serving) -> None:
    environment = json.loads(_text(call("math___context", {})))["environment"]
    assert environment["GREETING"] == "Hello"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "math"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_ENDPOINT_URL"] == serving.url
    assert environment["AWS_CONFIG_FILE"] == os.devnull
    assert not {"AWS_PROFILE", "MY_SECRET"} & set(environment)


def test_the_tools_are_listed_with_the_search_tool_first(serving: Serving, session_of: SessionOf) -> None:
    credentials = session_of("agents/assistant-role")
    listed = _with_session(serving.gateway_url(TOOLS), credentials, lambda session: session.list_tools()).tools
    names = ["add_numbers", "multiply_numbers", "greeting", "context"]
    assert [tool.name for tool in listed] == [SEARCH, *(f"math___{name}" for name in names)]
    assert listed[1].inputSchema["required"] == ["a", "b"]
    assert listed[1].description == "Add two numbers."


def test_the_search_tool_finds_tools(call: Call, serving: Serving) -> None:
    before = len(serving.calls)
    result = call(SEARCH, {"query": "greet a friend"})
    assert result.structuredContent is not None
    assert [tool["name"] for tool in result.structuredContent["tools"]] == ["math___greeting"]
    assert json.loads(_text(result)) == result.structuredContent
    (record,) = serving.calls[before:]
    assert (record.tool, record.arguments) == (SEARCH, {"query": "greet a friend"})


def test_a_gateway_without_search_has_no_search_tool(serving: Serving, session_of: SessionOf) -> None:
    credentials = session_of("other-gateway-role")
    listed = _with_session(serving.gateway_url(OTHER), credentials, lambda session: session.list_tools()).tools
    assert [tool.name for tool in listed] == ["math___add_numbers"]


def test_a_gateway_whose_role_may_not_invoke_the_function(call: Call, serving: Serving) -> None:
    before = len(serving.calls)
    result = call("math___add_numbers", {"a": 1, "b": 2}, gateway=OTHER, role="other-gateway-role")
    assert result.isError
    assert _text(result) == (
        "Access denied while invoking Lambda function arn:aws:lambda:us-east-1:123456789012:function:math."
        " Check the permissions on the Lambda function and Gateway execution role, and retry the request."
    )
    assert len(serving.calls) == before


def test_a_function_that_fails_is_a_tool_error_without_a_stack_trace(call: Call, serving: Serving) -> None:
    result = call("math___add_numbers", {"a": 1})
    assert result.isError
    assert json.loads(_text(result)) == {"errorMessage": "'b'", "errorType": "KeyError"}
    assert serving.calls[-1].failed


def test_an_unsigned_request_is_refused(serving: Serving) -> None:
    answer = httpx.post(serving.gateway_url(TOOLS), content=LIST, timeout=None)
    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    ("role", "why"),
    [
        ("nobody", "because no identity-based policy allows the bedrock-agentcore:InvokeGateway action"),
        ("other-gateway-role", "because no identity-based policy allows the bedrock-agentcore:InvokeGateway action"),
        ("denied-role", "with an explicit deny in an identity-based policy"),
        ("office-role", "because no identity-based policy allows the bedrock-agentcore:InvokeGateway action"),
        ("tagged-role", "because the local deployment cannot decide it: Allow in tagged-tools (IfTagged)"),
    ],
)
def test_a_role_without_the_grant_is_refused_in_awss_words(
    serving: Serving, session_of: SessionOf, role: str, why: str
) -> None:
    answer = _post(serving.gateway_url(TOOLS), session_of(role))
    assert answer.status_code == 403
    assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert answer.json() == {
        "message": f"User: arn:aws:sts::123456789012:assumed-role/{role}/local is not authorized to perform:"
        f" bedrock-agentcore:InvokeGateway on resource: {GATEWAYS}{TOOLS} {why}"
    }


def test_the_refusal_reaches_the_agents_client(serving: Serving, session_of: SessionOf) -> None:
    with pytest.raises(McpError, match="is not authorized to perform: bedrock-agentcore:InvokeGateway") as caught:
        _with_session(serving.gateway_url(TOOLS), session_of("nobody"), lambda session: session.list_tools())
    assert caught.value.error.code == 403


def test_a_signed_request_of_the_right_role_passes(serving: Serving, session_of: SessionOf) -> None:
    assert _post(serving.gateway_url(TOOLS), session_of("agents/assistant-role")).status_code == 200


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"send": LIST.replace(b"list", b"call")}, "InvalidSignatureException"),
        ({"service": "bedrock"}, "InvalidSignatureException"),
        ({"region": "eu-north-1"}, "InvalidSignatureException"),
        ({"change": lambda h: h.update({"X-Amz-Date": "20200101T000000Z"})}, "InvalidSignatureException"),
        ({"change": lambda h: h.update({"x-amz-extra": "1"})}, "InvalidSignatureException"),
        ({"change": lambda h: h.pop("X-Amz-Security-Token")}, "UnrecognizedClientException"),
        ({"change": lambda h: h.update({"Authorization": "AWS4-HMAC-SHA256 x"})}, "IncompleteSignatureException"),
    ],
)
def test_a_signature_that_does_not_hold_is_refused(
    serving: Serving, session_of: SessionOf, broken: dict[str, Any], code: str
) -> None:
    answer = _post(serving.gateway_url(TOOLS), session_of("agents/assistant-role"), **broken)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, code)


def test_a_wrong_secret_and_a_made_up_key_are_refused(serving: Serving, session_of: SessionOf) -> None:
    good = session_of("agents/assistant-role")
    wrong = Credentials(good.access_key_id, "wrong", good.session_token)
    answer = _post(serving.gateway_url(TOOLS), wrong)
    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"
    made_up = Credentials("ASIAMADEUP", good.secret_access_key, good.session_token)
    answer = _post(serving.gateway_url(TOOLS), made_up)
    assert answer.headers["x-amzn-errortype"] == "UnrecognizedClientException"


@pytest.mark.parametrize("path", ["-/sync", "-/invocations", "mcp/-/sync", "mcp/", "../mcp", ""])
def test_nothing_but_the_mcp_endpoint_can_be_reached(serving: Serving, session_of: SessionOf, path: str) -> None:
    url = f"{serving.url}/gateway/{TOOLS}/{path}"
    assert _post(url, session_of("agents/assistant-role"), b"{}").status_code == 404


def test_a_request_of_more_than_6_mb_is_refused(serving: Serving, session_of: SessionOf) -> None:
    answer = _post(serving.gateway_url(TOOLS), session_of("agents/assistant-role"), b" " * (6 * 2**20 + 1))
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (413, "ValidationException")


def test_a_session_of_another_role_is_as_if_it_were_not(
    handmade: dict[str, Any], project: Path, rpc: Callable[..., httpx.Response]
) -> None:
    """The guest may call the gateway as well; it may neither use nor end a session that is not its own."""
    kind = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/guest"},
        "Action": "bedrock-agentcore:InvokeGateway",
        "Resource": f"{GATEWAYS}{OTHER}",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    outputs = {"resourceArn": f"{GATEWAYS}{OTHER}", "policy": document}
    urn = f"urn:pulumi:dev::handmade::{kind}::guest"
    resources = [it for it in handmade["deployment"]["resources"] if not it["type"].endswith(":AgentcoreAgentRuntime")]
    resources.append({"urn": urn, "type": kind, "inputs": outputs, "outputs": outputs})
    handmade["deployment"]["resources"] = resources
    asked = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    with serve(handmade, root=project) as serving:
        url = serving.gateway_url(OTHER)
        own, guest = (serving.session(f"arn:aws:iam::123456789012:role/{it}") for it in ("other-gateway-role", "guest"))
        session = rpc(url, own, "initialize", asked).headers["mcp-session-id"]

        def listed(by: Credentials, session_id: str) -> httpx.Response:
            return rpc(url, by, "tools/list", mcp_session_id=session_id)

        def deleted(by: Credentials) -> int:
            request = AWSRequest("DELETE", url)
            SigV4Auth(_botocore(by), "bedrock-agentcore", "us-east-1").add_auth(request)
            return httpx.delete(url, headers={**request.headers, "mcp-session-id": session}, timeout=None).status_code

        unknown = listed(guest, "0" * 32)
        assert (listed(guest, session).status_code, listed(guest, session).text) == (404, unknown.text)
        assert deleted(guest) == 404
        # The role's other credentials are the same caller.
        assert listed(serving.session("arn:aws:iam::123456789012:role/other-gateway-role"), session).status_code == 200
        assert deleted(own) == 200
        assert listed(own, session).status_code == 404
