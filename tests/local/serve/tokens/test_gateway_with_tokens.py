"""A gateway that takes tokens, asked by real clients: boto3 for the token, httpx and the MCP SDK for the gateway."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tests.local.serve.tokens.conftest import ADD, CALCULATOR, GREETER, GREETING, World, export
from tests.token_export import ISSUER, client_id
from toolgate.local.gateway_client import GatewayClient
from toolgate.local.serve import access_log
from toolgate.local.serve.guards.cedar_guard import tool_authorization
from toolgate.local.serve.guards.gateway_caller import by_token
from toolgate.local.serve.serving_file import Endpoint


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def _line(world: World, answer: httpx.Response) -> Mapping[str, Any]:
    line = access_log.find(world.serving.access_log, answer.headers["x-amzn-requestid"])
    assert line is not None
    return line


def test_each_agent_sees_and_calls_its_own_tools(world: World) -> None:
    tokens = {agent: world.access_token(agent) for agent in (CALCULATOR, GREETER)}
    listed = {
        agent: [it["name"] for it in world.send(token).json()["result"]["tools"]] for agent, token in tokens.items()
    }
    assert GREETING in listed[GREETER]
    assert ADD not in listed[GREETER]
    assert ADD in listed[CALCULATOR]
    done = world.call(tokens[CALCULATOR], ADD, a=1, b=2)["result"]
    assert not done["isError"]
    assert "3" in done["content"][0]["text"]
    refused = world.call(tokens[GREETER], ADD, a=1, b=2)
    assert refused["error"]["code"] == -32002
    assert "No policy applies" in refused["error"]["message"]
    assert [(it.tool, it.principal) for it in world.serving.denials][-1] == (ADD, client_id(GREETER))


def test_an_mcp_client_with_a_bearer_header(world: World) -> None:
    async def use() -> Any:
        headers = {"authorization": f"Bearer {world.access_token(CALCULATOR)}"}
        async with (
            httpx.AsyncClient(headers=headers, trust_env=False) as client,
            streamable_http_client(world.gateway, http_client=client) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await session.call_tool(ADD, {"a": 100, "b": 12})

    assert "112" in asyncio.run(use()).content[0].text


def test_the_log_names_client_and_claims_and_never_the_token(world: World) -> None:
    token = world.access_token(CALCULATOR)
    line = _line(world, world.send(token))
    claims = _claims(token)
    assert line["principal"] == line["client"] == client_id(CALCULATOR)
    assert line["agent"] == CALCULATOR
    assert line["claims"] == {name: claims[name] for name in ("iss", "sub", "scope", "exp")}
    assert [it["by"] for it in line["decided_by"]] == ["token"]
    assert "scope" in line["decided_by"][0]["reason"]
    for part in token.split("."):
        assert part not in world.serving.access_log.read_text()


def _challenge(answer: httpx.Response) -> dict[str, str]:
    scheme, _, rest = answer.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer"
    return dict(it.replace('"', "").split("=", 1) for it in rest.split(", "))


@pytest.mark.parametrize(
    ("claims", "status", "check"),
    [
        ({"exp": 1}, 401, "expiry"),
        ({"exp": None}, 401, "expiry"),
        ({"exp": "2999"}, 401, "expiry"),
        ({"nbf": time.time() + 3600}, 401, "expiry"),
        ({"iat": time.time() + 3600}, 401, "expiry"),
        ({"iss": "https://elsewhere.example"}, 401, "issuer"),
        ({"iss": f"{ISSUER}/"}, 401, "issuer"),
        ({"sub": None}, 401, "form"),
        ({"scope": "other/invoke"}, 403, "scope"),
        ({"scope": None}, 403, "scope"),
    ],
)
def test_what_is_not_let_in(world: World, claims: dict[str, Any], status: int, check: str) -> None:
    answer = world.send(world.serving.token(client_id(CALCULATOR), **claims))
    assert answer.status_code == status
    challenge = _challenge(answer)
    assert challenge["error"] == ("insufficient_scope" if status == 403 else "invalid_token")
    assert challenge["scope"] == "toolgate-agents-tools/invoke"
    metadata = httpx.get(challenge["resource_metadata"], trust_env=False).json()
    assert metadata["resource"] == world.gateway
    assert answer.json()["error"]["code"] == -32001
    line = _line(world, answer)
    assert (line["decision"], line["decided_by"][0]["check"]) == ("denied", check)
    assert line.get("client") == client_id(CALCULATOR)


def test_no_token_is_told_apart(world: World) -> None:
    answer = world.send(None)
    assert answer.status_code == 401
    assert "error" not in _challenge(answer)
    for scheme in ("Basic eDp5", "Bearer", "bearer", "Token x", "AWS4-HMAC-SHA256 x"):
        assert world.send(None, authorization=scheme).status_code == 401


def test_two_headers_are_none(world: World) -> None:
    token = world.access_token(CALCULATOR)
    headers = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    more = [("content-type", "application/json"), ("mcp-protocol-version", "2025-11-25")]
    answer = httpx.post(world.gateway, content=b"{}", headers=[*headers, *more], trust_env=False)
    assert answer.status_code == 401


def test_a_signed_request_is_refused_where_tokens_are_taken(world: World) -> None:
    endpoint = Endpoint("g", world.gateway, "2025-11-25", sessions=False)
    client = GatewayClient(endpoint, world.credentials(CALCULATOR).environment(), "us-east-1")
    answer = client.ask("tools/list")
    assert answer.status == 401
    line = access_log.find(world.serving.access_log, answer.request_id)
    assert line is not None
    assert "this gateway takes tokens" in line["decided_by"][0]["reason"]


def test_a_rotated_key_ends_every_token_and_a_new_one_is_taken(world: World) -> None:
    before = world.access_token(CALCULATOR)
    assert world.send(before).status_code == 200
    world.serving.rotate_keys()
    assert world.send(before).status_code == 401
    assert world.send(world.access_token(CALCULATOR)).status_code == 200


def test_tokens_of_a_client_are_one_caller_to_the_engine(world: World) -> None:
    """Each has an id and times of its own; what is remembered of a caller must not grow with them."""
    gateway = world.deployment.gateways[0]
    role = world.deployment.role(gateway.role_arn)
    assert role is not None
    authorization = tool_authorization(world.deployment, gateway, role, lambda _denial: None)
    assert authorization is not None
    callers = [by_token(_claims(world.serving.token(client_id(CALCULATOR), auth_time=n))) for n in range(20)]
    assert len({it.cedar for it in callers}) == 20
    assert len({it.owner for it in callers}) == 1
    for caller in callers:
        assert authorization.lists(caller.cedar, ADD)
        assert authorization.refusal(caller.cedar, ADD, {"a": 1, "b": 2}) is None
        assert authorization.refusal(caller.cedar, GREETING, {"name": "A"}) is not None
    assert len(authorization.engine.scopes._of_principal) == 1
    assert len(authorization.engine.known) <= 2


def test_claims_are_tags_as_text() -> None:
    tags = dict(by_token({"sub": "s", "exp": 1, "aud": ["a", "b"], "ok": True, "scope": "a b"}).cedar.tags)
    assert tags == {"sub": "s", "exp": "1", "aud": '["a", "b"]', "ok": "true", "scope": "a b"}


def test_a_session_is_its_callers_whichever_token_that_comes_with(world: World) -> None:
    made = export()
    for entry in made["deployment"]["resources"]:
        if entry["type"].endswith(":AgentcoreGateway"):
            for side in ("inputs", "outputs"):
                mcp = {**entry[side]["protocolConfiguration"]["mcp"]}
                mcp["sessionConfiguration"] = {"sessionTimeoutInSeconds": 900}
                entry[side]["protocolConfiguration"] = {"mcp": mcp}
    world.serving.reload(made)
    try:
        client = {"name": "c", "version": "1"}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
        session = {"mcp-session-id": world.send(world.access_token(GREETER), message).headers["mcp-session-id"]}
        assert world.send(world.access_token(GREETER), **session).status_code == 200
        assert world.send(world.access_token(CALCULATOR), **session).status_code == 404
    finally:
        world.serving.reload(export())
