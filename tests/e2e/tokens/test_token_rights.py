"""One link after the other taken from an agent with tokens, as `toolgate up` does it at an edit, and given back."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.tokens.token_world import ANSWER, Export, World, only, talkative, token_world
from tests.e2e.ways_in import JWT, planned_agents

CALCULATOR = "calculator"
SCOPE = "toolgate-jwt-tools/invoke"
ROLE_POLICY, CLIENT = "aws:iam/rolePolicy:RolePolicy", "aws:cognito/userPoolClient:UserPoolClient"
POLICY, GATEWAY = "aws:bedrock/agentcorePolicy:AgentcorePolicy", "aws:bedrock/agentcoreGateway:AgentcoreGateway"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    deployment = talkative(only(planned_agents(JWT).deployment, CALCULATOR))
    with token_world(deployment, tmp_path_factory.mktemp("logs")) as world:
        yield world


def resource(export: Export, type_: str, name: str) -> Any:
    [found] = [it for it in export["deployment"]["resources"] if it["urn"].endswith(f"{type_}::{name}")]
    return found


def without(world: World, sid: str, of: str = "") -> Export:
    """The deployment without a statement of the agent's role, or without one resource of it."""
    less = copy.deepcopy(world.deployment)
    policy = resource(less, ROLE_POLICY, "calculator-tokens")
    document = json.loads(policy["outputs"]["policy"])
    statements = document["Statement"]
    [found] = [it for it in statements if it["Sid"] == sid]
    if of:
        [gone] = [it for it in found["Resource"] if it.endswith(of)]
        found["Resource"].remove(gone)
    else:
        statements.remove(found)
    for side in ("inputs", "outputs"):
        policy[side]["policy"] = json.dumps(document)
    return less


def with_property(world: World, type_: str, name: str, **properties: Any) -> Export:
    changed = copy.deepcopy(world.deployment)
    for side in ("inputs", "outputs"):
        resource(changed, type_, name)[side] |= properties
    return changed


LOST: dict[str, tuple[Callable[[World], Export], str, str]] = {
    "the workload identity's token": (
        lambda world: without(world, "TakeWorkloadToken"),
        "bedrock-agentcore:GetWorkloadAccessToken",
        "workload-identity-directory/default",
    ),
    "the provider": (
        lambda world: without(world, "TakeAccessToken", "_tokens"),
        "bedrock-agentcore:GetResourceOauth2Token",
        "oauth2credentialprovider/toolgate_jwt_calculator_tokens",
    ),
    "the token vault": (
        lambda world: without(world, "TakeAccessToken", "token-vault/default"),
        "bedrock-agentcore:GetResourceOauth2Token",
        "token-vault/default",
    ),
    "the client's secret": (
        lambda world: without(world, "ReadClientSecret"),
        "secretsmanager:GetSecretValue",
        "secret:bedrock-agentcore-identity!default/oauth2/toolgate_jwt_calculator_tokens-",
    ),
}


@pytest.mark.parametrize(("change", "action", "of"), LOST.values(), ids=LOST)
def test_a_right_to_a_token_is_lost_with_the_token_and_comes_back(
    world: World, change: Callable[[World], Export], action: str, of: str
) -> None:
    assert world.ask(CALCULATOR) == ANSWER
    process = world.process(CALCULATOR)
    with world.instead(change(world)):
        assert world.ask(CALCULATOR) == ANSWER  # a token cannot be revoked
        world.serving.rotate_keys()
        assert world.fault(CALCULATOR) == "gateway_token_unavailable"
        line = world.log(CALCULATOR, "token_unavailable")[-1]
    assert (line["aws_error"], line["action"]) == ("AccessDeniedException", action)
    assert of in line["resource"]
    assert "assumed-role/toolgate-jwt-calculator-role" in line["role"]
    assert line["scopes"] == [SCOPE]
    assert world.ask(CALCULATOR) == ANSWER
    assert world.process(CALCULATOR) == process


def test_a_scope_that_the_client_lost_is_lost_with_the_token(world: World) -> None:
    assert world.ask(CALCULATOR) == ANSWER
    process = world.process(CALCULATOR)
    less = with_property(world, CLIENT, "calculator-tokens-client", allowedOauthScopes=["toolgate-jwt-other/invoke"])
    with world.instead(less):
        assert world.ask(CALCULATOR) == ANSWER
        world.serving.rotate_keys()
        assert world.fault(CALCULATOR) == "gateway_token_unavailable"
        line = world.log(CALCULATOR, "token_unavailable")[-1]
    assert line["aws_error"] == "ValidationException"
    assert "ClientCredentials" in line["reason"]
    assert (line["provider"], line["scopes"]) == ("toolgate_jwt_calculator_tokens", [SCOPE])
    assert "scopes" in line["check"]
    assert world.ask(CALCULATOR) == ANSWER
    assert world.process(CALCULATOR) == process


def test_a_scope_that_the_gateway_wants_and_the_token_lacks(world: World) -> None:
    assert world.ask(CALCULATOR) == ANSWER
    process, fetches = world.process(CALCULATOR), world.front.fetches(CALCULATOR)
    authorizer = copy.deepcopy(
        resource(world.deployment, GATEWAY, "tools-gateway")["outputs"]["authorizerConfiguration"]
    )
    authorizer["customJwtAuthorizer"]["allowedScopes"] = ["toolgate-jwt-other/invoke"]
    with world.instead(with_property(world, GATEWAY, "tools-gateway", authorizerConfiguration=authorizer)):
        assert world.fault(CALCULATOR) == "gateway_refused"
        line = world.log(CALCULATOR, "gateway_call_failed")[-1]
    assert line["http_status"] == 403
    assert line["needs_scope"] == "toolgate-jwt-other/invoke"
    assert line["client"] == resource(world.deployment, CLIENT, "calculator-tokens-client")["id"]
    assert line["scopes"] == [SCOPE]
    assert world.ask(CALCULATOR) == ANSWER
    assert (world.process(CALCULATOR), world.front.fetches(CALCULATOR)) == (process, fetches)


def permitless(world: World) -> Export:
    less = copy.deepcopy(world.deployment)
    less["deployment"]["resources"].remove(resource(less, POLICY, "calculator-tools"))
    return less


def test_a_permit_that_is_taken_away_ends_with_the_next_call(world: World) -> None:
    assert world.ask(CALCULATOR) == ANSWER
    process, fetches = world.process(CALCULATOR), world.front.fetches(CALCULATOR)
    with world.instead(permitless(world)):
        said = world.ask(CALCULATOR)
        assert said.startswith("The tool math___add_numbers failed")
        assert world.log(CALCULATOR, "tool_denied")[-1]["tool"] == "math___add_numbers"
        denied = world.serving.denials[-1]
        assert denied.principal == resource(world.deployment, CLIENT, "calculator-tokens-client")["id"]
    assert world.ask(CALCULATOR) == ANSWER
    assert (world.process(CALCULATOR), world.front.fetches(CALCULATOR)) == (process, fetches)


def test_a_process_that_found_no_tool_finds_those_that_it_gets(world: World) -> None:
    world.kill(CALCULATOR)
    with world.instead(permitless(world)):
        assert world.fault(CALCULATOR) == "gateway_refused"
        assert world.log(CALCULATOR, "no_tools")
    process = world.process(CALCULATOR)
    assert world.ask(CALCULATOR) == ANSWER
    assert world.process(CALCULATOR) == process
