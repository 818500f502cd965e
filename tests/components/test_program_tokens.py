"""The program with tokens: who comes to which gateway how, and that nothing of it is there without them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.components.test_program import SOURCES, TOOLS

ROOT = Path(__file__).parents[2]
INVOKE = "bedrock-agentcore:InvokeGateway"
TOKENS = {"inbound": "jwt", "authorization": "tool"}
AGENTS: Any = {"calculator": {"tools": TOOLS[:2]}, "greeter": {"tools": TOOLS[2:]}}
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-a1B2c3"
OKTA = {"discoveryUrl": "https://acme.okta.com/.well-known/openid-configuration", "audiences": ["tools"]}


def variables(recorded: Any, agent: str) -> Any:
    return recorded.one("AgentcoreAgentRuntime", f"{agent}-runtime").inputs["environmentVariables"]


def test_two_agents_come_to_one_gateway_with_tokens(run: Any, program: Any) -> None:
    recorded = run(program, {**SOURCES, **TOKENS, "agents": AGENTS}, stack="jwt")
    gateway = recorded.one("AgentcoreGateway", "tools-gateway").inputs
    assert gateway["authorizerType"] == "CUSTOM_JWT"
    authorizer = gateway["authorizerConfiguration"]["customJwtAuthorizer"]
    assert authorizer == {
        "discoveryUrl": recorded.outputs["token_issuer"]["discovery_url"],
        "allowedScopes": [f"{gateway['name']}/invoke"],
    }
    assert recorded.outputs["token_issuer"]["token_endpoint"].endswith(".amazoncognito.com/oauth2/token")
    assert not any(INVOKE in json.dumps(it.inputs) for it in recorded.resources if it.type.endswith(":RolePolicy"))
    for agent in AGENTS:
        held = json.loads(variables(recorded, agent)["TOKEN_GATEWAYS"])
        assert [it["gateways"] for it in held["tokens"]] == [[recorded.outputs["gateway_url"]]]
        assert variables(recorded, agent)["GATEWAY_URL"] == ""


def test_a_gateway_may_take_tokens_beside_one_that_does_not(run: Any, program: Any, allows: Any) -> None:
    gateways = {
        "sums": {"targets": TOOLS[:2], "inbound": "jwt"},
        "words": {"targets": TOOLS[2:], "inbound": "iam"},
    }
    recorded = run(program, {**SOURCES, "gateways": gateways, "agents": {"a": {}, "b": {"tools": ["words"]}}})
    url = {name: it["url"] for name, it in recorded.outputs["gateways"].items()}
    document = recorded.one("RolePolicy", "a-tools").document()
    reached = [name for name, it in recorded.outputs["gateways"].items() if allows(document, INVOKE, it["arn"])]
    assert reached == ["words"]
    assert variables(recorded, "a")["GATEWAY_URL"] == url["words"]
    assert json.loads(variables(recorded, "a")["TOKEN_GATEWAYS"])["tokens"][0]["gateways"] == [url["sums"]]
    assert "TOKEN_GATEWAYS" not in variables(recorded, "b")
    assert [name for kind, name in recorded.types() if kind == "UserPoolClient"] == ["a-tokens-client"]


def test_a_client_outside_of_agentcore_has_its_secret_where_the_output_says(run: Any, program: Any) -> None:
    config = {**SOURCES, **TOKENS, "agents": {}, "clients": {"nightly-job": {"tools": TOOLS[2:]}}}
    recorded = run(
        program, {**config, "tags": {"team": "a"}, "permissionsBoundary": "arn:aws:iam::123456789012:policy/b"}
    )
    client = recorded.outputs["clients"]["nightly-job"]
    assert client == {
        "client_id": "nightly-job-client-id",
        "secret_arn": client["secret_arn"],
        "tools": TOOLS[2:],
    }
    assert client["secret_arn"].startswith("arn:aws:secretsmanager:")
    assert recorded.one("Secret", "nightly-job-secret").inputs["tags"] == {"team": "a"}
    assert recorded.one("UserPool", "tokens-pool").inputs["tags"] == {"team": "a", "toolgate:stack": "toolgate/dev"}
    assert "hidden" not in json.dumps(recorded.outputs)


def test_a_foreign_issuer_s_tokens_are_taken_with_the_agents_client_there(run: Any, program: Any) -> None:
    credentials = {"okta": {"clientId": "0oa1", "secretArn": SECRET, "jsonKey": "secret", "scopes": ["tools"]}}
    config = {"inbound": "okta", "issuers": {"okta": OKTA}, "agents": {"a": {"credentials": credentials}}}
    recorded = run(program, {**SOURCES, **config})
    kinds = {kind for kind, _ in recorded.types()}
    assert not kinds & {"TokenIssuer", "UserPool", "UserPoolClient", "ResourceServer"}
    assert "AgentcoreOauth2CredentialProvider" in kinds
    authorizer = recorded.one("AgentcoreGateway", "tools-gateway").inputs["authorizerConfiguration"]
    assert authorizer["customJwtAuthorizer"] == {
        "discoveryUrl": OKTA["discoveryUrl"],
        "allowedAudiences": OKTA["audiences"],
    }
    assert "token_issuer" not in recorded.outputs


@pytest.mark.parametrize(("protect", "protection"), [("true", "ACTIVE"), ("false", "INACTIVE")])
def test_the_user_pool_is_kept_where_the_stack_is(run: Any, program: Any, protect: str, protection: str) -> None:
    recorded = run(program, {**SOURCES, **TOKENS, "agents": {}, "protect": protect})
    assert recorded.one("UserPool", "tokens-pool").inputs["deletionProtection"] == protection
    assert recorded.one("UserPool", "tokens-pool").protect is (protect == "true")


def test_nothing_of_tokens_is_there_without_them(run: Any, program: Any) -> None:
    said = {**SOURCES, "inbound": "iam", "issuers": {}, "clients": {}, "agents": {"assistant": {"credentials": {}}}}
    silent = run(program, SOURCES)
    assert run(program, said).types() == silent.types()
    assert not {kind for kind, _ in silent.types()} & {"TokenIssuer", "UserPool", "AgentcoreWorkloadIdentity"}
    assert silent.outputs.keys() == {"gateway_url", "gateway_arn", "agents"}


@pytest.mark.parametrize(
    ("section", "outputs"),
    [
        ("Several gateways", {"gateways", "agents"}),
        ("Tokens instead of IAM", {"gateways", "agents", "token_issuer", "clients"}),
    ],
)
def test_the_settings_of_the_page_are_ones(run: Any, program: Any, section: str, outputs: set[str]) -> None:
    page = (ROOT / "docs/authorization.md").read_text().partition(f"### {section}\n")[2]
    written = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])["config"]
    config = {key.removeprefix("toolgate:"): value for key, value in written.items()}
    assert run(program, {**SOURCES, **config}).outputs.keys() == outputs
