"""Gateways that take tokens under a real engine: switched over and back, a grant taken away, no secret in clear."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.machine_client import MachineClient
from toolgate.components.token_issuer import TokenIssuer
from toolgate.components.tool_gateway import ToolGateway
from toolgate.policy.language.agentcore_facts import (
    OAUTH2_PROVIDER,
    RESOURCE_SERVER,
    USER_POOL,
    USER_POOL_CLIENT,
    USER_POOL_DOMAIN,
    WORKLOAD_IDENTITY,
)

from .conftest import Engine, Start

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
ENGINE = "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"
POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
OF_TOKENS = {OAUTH2_PROVIDER, RESOURCE_SERVER, USER_POOL, USER_POOL_CLIENT, USER_POOL_DOMAIN, WORKLOAD_IDENTITY}
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
OKTA: Any = {
    "issuer": "okta",
    "discovery_url": "https://okta.example/.well-known/openid-configuration",
    "audiences": ["tools"],
    "client_claim": "cid",
}


class World:
    """A program that a test changes between updates: two gateways, an agent with both, a client with the first."""

    def __init__(self, folder: Path) -> None:
        self.way, self.both, self.minutes = "iam", True, 60
        self.zip = folder / "agent.zip"
        self.zip.write_bytes(b"a zip")

    def __call__(self) -> None:
        inbound: Any = None
        if self.way == "tokens":
            inbound = TokenIssuer("tokens", {"access_token_minutes": self.minutes}).inbound
        elif self.way == "foreign":
            inbound = OKTA
        gateways = [self.gateway(name, inbound) for name in ("one", "two")]
        handed = [it.tools() for it in (gateways if self.both else gateways[:1])]
        secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-a1B2c3"
        credentials = {"issuer": "okta", "client_id": "0oa1", "secret_arn": secret, "json_key": "key"}
        args: Any = {"code": str(self.zip), "model_id": "amazon.nova-lite-v1:0", "tools": handed}
        AgentRuntime("helper", args | ({"credentials": [credentials]} if self.way == "foreign" else {}))
        if self.way == "tokens":
            client = MachineClient("job", {"tools": [gateways[0].tools("t")]})
            pulumi.export("client", {"id": client.client_id, "secret": client.secret_arn})

    def gateway(self, name: str, inbound: Any) -> ToolGateway:
        tool = {"name": f"{name}_say", "description": "Says.", "inputSchema": SCHEMA}
        function = "arn:aws:lambda:us-east-1:123456789012:function:f"
        args: Any = {
            "targets": {"t": {"function_arn": function, "tools": [tool]}},
            "authorization": "tool",
            **({"inbound": inbound} if inbound else {}),
        }
        return ToolGateway(name, args)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def named(engine: Engine, name: str) -> dict[str, Any]:
    """A resource of AWS's by its name; of two that have it, the one that is no role's policy."""
    found = [it for it in engine.resources() if it["urn"].endswith(f"::{name}") and it["custom"]]
    [resource] = [it for it in found if not it["type"].endswith(":RolePolicy")] or found
    return resource


def steps(engine: Engine) -> dict[str, str]:
    """What the last update did to each resource, by its name; a role's policies are told apart from others."""
    done = [event.resource_pre_event.metadata for event in engine.events if event.resource_pre_event]
    engine.events.clear()
    of_role = "aws:iam/rolePolicy:RolePolicy"
    known = {
        it.urn.rpartition("::")[2] + (" of the role" if it.type == of_role else ""): str(getattr(it.op, "value", it.op))
        for it in done
        if it.type.startswith("aws:")
    }
    return {name: op for name, op in known.items() if op != "same"}


def test_a_stack_is_switched_to_tokens_and_back(start: Start, world: World) -> None:
    engine = start(world)
    engine.up()
    before = engine.account()
    assert not OF_TOKENS & {*before}
    was = {
        name: named(engine, name)["outputs"] for name in ("one-gateway", "one-engine", "helper-tools", "helper-runtime")
    }
    steps(engine)

    world.way = "tokens"
    engine.up()
    done = steps(engine)
    account = engine.account()
    assert {*account} >= OF_TOKENS
    for kind in (GATEWAY, TARGET, ENGINE, RUNTIME):
        assert account.count(kind) == before.count(kind)
    # AWS fixes a gateway's way in when it makes it: another id and URL, targets and permits anew. All else stays.
    now = {name: named(engine, name)["outputs"] for name in was}
    assert now["one-gateway"]["gatewayId"] != was["one-gateway"]["gatewayId"]
    assert now["one-gateway"]["authorizerType"] == "CUSTOM_JWT"
    assert now["one-engine"]["policyEngineId"] == was["one-engine"]["policyEngineId"]
    assert "OAuthUser" in json.dumps(now["helper-tools"]["definition"])
    assert now["helper-runtime"]["agentRuntimeArn"] == was["helper-runtime"]["agentRuntimeArn"]
    variables = now["helper-runtime"]["environmentVariables"]
    assert variables["GATEWAY_URL"] == ""
    [entry] = json.loads(variables["TOKEN_GATEWAYS"])["tokens"]
    assert entry["gateways"] == [named(engine, f"{name}-gateway")["outputs"]["gatewayUrl"] for name in ("one", "two")]
    assert done["helper-tools of the role"] == "delete"
    assert set(engine.up()) == {"same"}

    engine.events.clear()
    world.way = "iam"
    engine.up()
    assert engine.account() == before
    again = named(engine, "helper-runtime")["outputs"]
    assert again["agentRuntimeArn"] == was["helper-runtime"]["agentRuntimeArn"]
    assert "TOKEN_GATEWAYS" not in again["environmentVariables"]
    assert named(engine, "one-gateway")["outputs"]["authorizerType"] == "AWS_IAM"
    assert "IamEntity" in json.dumps(named(engine, "helper-tools")["outputs"]["definition"])
    assert set(engine.up()) == {"same"}
    engine.stack.destroy()
    assert engine.account() == []


def test_a_grant_that_is_taken_away_takes_its_scope_in_place(start: Start, world: World) -> None:
    world.way = "tokens"
    engine = start(world)
    engine.up()
    client = named(engine, "helper-tokens-client")
    assert client["outputs"]["allowedOauthScopes"] == ["toolgate-dev-one/invoke", "toolgate-dev-two/invoke"]
    steps(engine)
    world.both = False
    engine.up()
    done = steps(engine)
    after = named(engine, "helper-tokens-client")
    assert done["helper-tokens-client"] == "update"
    assert after["outputs"]["allowedOauthScopes"] == ["toolgate-dev-one/invoke"]
    assert after["id"] == client["id"]
    assert done["helper-tools-2"] == "delete"
    assert set(done) == {"helper-tokens-client", "helper-tools-2", "helper-runtime"}
    assert set(engine.up()) == {"same"}
    engine.stack.refresh(expect_no_changes=True)
    engine.stack.destroy()
    assert engine.account() == []


def test_from_one_issuer_to_another(start: Start, world: World) -> None:
    """The gateway stays: what it is told of the issuer is changed in place."""
    world.way = "tokens"
    engine = start(world)
    engine.up()
    gateway = named(engine, "one-gateway")["id"]
    for way, provider in (("foreign", "helper-okta-provider"), ("tokens", "helper-tokens-provider")):
        world.way = way
        engine.up()
        assert named(engine, "one-gateway")["id"] == gateway
        assert engine.account().count(OAUTH2_PROVIDER) == 1
        assert named(engine, provider)
        assert engine.account().count(WORKLOAD_IDENTITY) == 1
        assert set(engine.up()) == {"same"}
    engine.stack.destroy()
    assert engine.account() == []


def test_how_long_tokens_live_is_changed_in_place(start: Start, world: World) -> None:
    world.way = "tokens"
    engine = start(world)
    engine.up()
    steps(engine)
    world.minutes = 5
    engine.up()
    assert steps(engine) == {"helper-tokens-client": "update", "job-client": "update"}


def test_no_secret_is_shown_or_kept_in_clear(start: Start, world: World, tmp_path: Path) -> None:
    world.way = "tokens"
    engine = start(world)
    engine.stack.preview(on_event=engine.events.append)
    result = engine.stack.up(on_event=engine.events.append)
    with engine.provider.store.transaction() as account:
        kept = [it for it in account["resources"].values() if it["type"] == USER_POOL_CLIENT]
        secrets = [it["outputs"]["clientSecret"] for it in kept]
    assert len(secrets) == 2
    assert all(len(it) > 20 for it in secrets)
    outputs = engine.stack.outputs()
    places = {
        "state": "".join(path.read_text() for path in (tmp_path / "state").rglob("*.json*")),
        "output": "\n".join([result.stdout, result.stderr, *engine.messages()]),
        "events": repr(engine.events),
        "outputs": repr({key: it.value for key, it in outputs.items()}),
    }
    assert all("helper-tokens-client" in places[name] for name in ("state", "output", "events"))
    assert [name for name, text in places.items() for it in secrets if it in text] == []
    assert not [key for key, output in outputs.items() if output.secret]
    provider = named(engine, "helper-tokens-provider")
    assert provider["additionalSecretOutputs"] == ["oauth2ProviderConfig"]
