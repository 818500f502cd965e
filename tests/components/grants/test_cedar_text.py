"""The permits as Cedar itself reads and decides them."""

import json
from typing import Any

import cedarpy
import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_text
from toolgate.components.grants.cedar_text import IamRole, OAuthClient, Scope
from toolgate.components.iam.iam_documents import AwsEnvironment

A = "123456789012"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{A}:gateway/toolgate-dev-tools-a1b2c3d4e5"
ROLE = IamRole(f"arn:aws:sts::{A}:assumed-role/agent")
SCOPE = Scope(ROLE, GATEWAY)


def condition_of(length: int) -> str:
    """A condition that makes the permit for one tool as long as it may become."""
    padding = length - len(cedar_text.sample(["math___add"], 'context.input.text == ""'))
    return f'context.input.text == "{"x" * padding}"'


def test_a_permit_is_one_policy_with_exactly_this_scope() -> None:
    parsed = json.loads(cedarpy.policies_to_json_str(cedar_text.permit(SCOPE, ["math___add", "people"])))
    assert parsed["templates"] == {}
    [policy] = parsed["staticPolicies"].values()
    assert policy == {
        "effect": "permit",
        "principal": {"op": "==", "entity": {"type": "AgentCore::IamEntity", "id": ROLE.entity}},
        "action": {
            "op": "in",
            "entities": [
                {"type": "AgentCore::Action", "id": "math___add"},
                {"type": "AgentCore::Action", "id": "people"},
            ],
        },
        "resource": {"op": "==", "entity": {"type": "AgentCore::Gateway", "id": GATEWAY}},
        "conditions": [],
    }


def test_it_lets_one_role_call_the_tools_of_one_gateway(permits: Any) -> None:
    statements = [cedar_text.permit(SCOPE, ["math___add", "math___multiply"])]
    assert permits(statements, "agent", "math___add", GATEWAY)
    assert permits(statements, "agent", "math___multiply", GATEWAY)
    assert not permits(statements, "agent", "math___subtract", GATEWAY)
    assert not permits(statements, "agent", "people___greet", GATEWAY)
    assert not permits(statements, "agent2", "math___add", GATEWAY)
    assert not permits(statements, "agent", "math___add", GATEWAY[:-1] + "6")


def test_a_target_stands_for_all_of_its_tools(permits: Any) -> None:
    statements = [cedar_text.permit(SCOPE, ["math"])]
    assert permits(statements, "agent", "math___add", GATEWAY)
    assert permits(statements, "agent", "math___later", GATEWAY)
    assert not permits(statements, "agent", "math2___add", GATEWAY)


@pytest.mark.parametrize(("amount", "allowed"), [(999, True), (1000, False), (1001, False)])
def test_a_condition_is_decided_on_the_arguments(permits: Any, amount: int, allowed: bool) -> None:
    statements = [cedar_text.permit(SCOPE, ["shop___refund"], "context.input.amount < 1000")]
    assert permits(statements, "agent", "shop___refund", GATEWAY, amount=amount) is allowed
    assert not permits(statements, "agent", "shop___order", GATEWAY, amount=amount)


@pytest.mark.parametrize(("number", "allowed"), [("9.9999", True), ("10.0", False), ("-1.0", True)])
def test_a_float_is_a_decimal(permits: Any, number: str, allowed: bool) -> None:
    statements = [cedar_text.permit(SCOPE, ["shop___refund"], 'context.input.amount.lessThan(decimal("10.0"))')]
    amount = {"__extn": {"fn": "decimal", "arg": number}}
    assert permits(statements, "agent", "shop___refund", GATEWAY, amount=amount) is allowed


def test_the_roles_entity_has_neither_path_nor_session(run: Any) -> None:
    found: list[str] = []

    def program() -> None:
        env = AwsEnvironment("aws-us-gov", "us-gov-west-1", A, "amazonaws.com")
        cedar_text.role_entity(env, pulumi.Output.from_input("agent-1234567")).apply(found.append)

    run(program)
    assert found == [f"arn:aws-us-gov:sts::{A}:assumed-role/agent-1234567"]


@pytest.mark.parametrize(
    "when",
    [
        "true } unless { false",
        "true }; permit(principal, action, resource is AgentCore::Gateway) when { true",
        "true }; forbid(principal == ?principal, action, resource) when { true",
        "true };//",
        "context.input.amount <",
        "",
        "x }",
    ],
)
def test_a_condition_is_one_expression_and_nothing_else(when: str) -> None:
    with pytest.raises(UsageError, match=r"here: the condition .* is (not Cedar|more than one expression)"):
        cedar_text.check(["math___add"], when, "here")


@pytest.mark.parametrize("when", ["context.input.amount < 10 // at most", '"}" == "}"', "(1 < 2) && !(3 < 2)"])
def test_what_is_one_expression_is_taken_as_it_is(when: str) -> None:
    cedar_text.check(["math___add"], when, "here")
    parsed = json.loads(cedarpy.policies_to_json_str(cedar_text.permit(SCOPE, ["math___add"], when)))
    [policy] = parsed["staticPolicies"].values()
    assert [it["kind"] for it in policy["conditions"]] == ["when"]


def test_a_statement_has_its_limit_whatever_role_and_gateway_it_will_name() -> None:
    cedar_text.check(["math___add"], condition_of(10_000), "here")
    with pytest.raises(
        UsageError, match=r"here: the Cedar statement of this grant may have 10001 characters; .* 35 to 10000"
    ):
        cedar_text.check(["math___add"], condition_of(10_001), "here")
    with pytest.raises(UsageError, match=r"Hand the tools over in several `gateway.tools\(\.\.\.\)`"):
        cedar_text.check([f"math___{'x' * 50}{number:03}" for number in range(150)], None, "here")


def test_no_statement_becomes_longer_than_its_sample_or_smaller_than_its_smallest() -> None:
    # The longest names that AWS takes: a role of 64 characters, a gateway of 48, the longest Region there is.
    longest = Scope(
        IamRole(f"arn:aws-us-gov:sts::{A}:assumed-role/{'r' * 64}"),
        f"arn:aws-us-gov:bedrock-agentcore:ap-southeast-1:{A}:gateway/{'g' * 48}-a1b2c3d4e5",
    )
    shortest = Scope(
        IamRole(f"arn:aws:sts::{A}:assumed-role/r"), f"arn:aws:bedrock-agentcore:eu-west-1:{A}:gateway/g-a1b2c3d4e5"
    )
    for scope in (longest, SCOPE, shortest):
        statement = cedar_text.permit(scope, ["math___add"], 'context.input.text == "ä"')
        assert len(statement) <= len(cedar_text.sample(["math___add"], 'context.input.text == "ä"'))
        assert len(statement.encode()) >= cedar_text.smallest(["math___add"], 'context.input.text == "ä"')


def test_the_limits_are_botocores() -> None:
    import botocore.session  # noqa: PLC0415 - loading the model takes a while; one test needs it

    service = botocore.session.get_session().get_service_model("bedrock-agentcore-control")
    limits = service.shape_for("Statement").metadata
    assert (limits["min"], limits["max"]) == (cedar_text.SHORTEST_STATEMENT, cedar_text.LONGEST_STATEMENT)


CLIENT = "3n4b5urk1ft4fl3mg5e62d9ado"
BY_TOKEN = Scope(OAuthClient("client_id", CLIENT), GATEWAY)


def claims(client: str, **more: str) -> dict[str, str]:
    return {"sub": client, "client_id": client, "scope": "toolgate-dev-tools/invoke", "token_use": "access", **more}


def test_a_permit_for_a_client_is_one_policy_with_exactly_this_scope() -> None:
    parsed = json.loads(cedarpy.policies_to_json_str(cedar_text.permit(BY_TOKEN, ["math___add", "people"], "1 < 2")))
    assert parsed["templates"] == {}
    [policy] = parsed["staticPolicies"].values()
    assert policy["principal"] == {"op": "is", "entity_type": "AgentCore::OAuthUser"}
    actions = [{"type": "AgentCore::Action", "id": it} for it in ("math___add", "people")]
    assert policy["action"] == {"op": "in", "entities": actions}
    assert policy["resource"] == {"op": "==", "entity": {"type": "AgentCore::Gateway", "id": GATEWAY}}
    assert [it["kind"] for it in policy["conditions"]] == ["when", "when"]


def test_it_lets_one_client_call_the_tools_of_one_gateway(permits: Any, permits_token: Any) -> None:
    statements = [cedar_text.permit(BY_TOKEN, ["math___add", "people"])]
    own = claims(CLIENT)
    for tool, allowed in (("math___add", True), ("people___greet", True), ("math___subtract", False)):
        assert permits_token(statements, own, tool, GATEWAY) is allowed
        assert not permits_token(statements, claims("another"), tool, GATEWAY)
        assert not permits_token(statements, own, tool, GATEWAY[:-1] + "6")
        assert not permits(statements, "agent", tool, GATEWAY)
    # The claim decides, and a token without it is nobody's.
    assert not permits_token(statements, {"sub": CLIENT, "azp": CLIENT}, "math___add", GATEWAY)
    assert not permits_token(statements, claims(CLIENT, client_id="another"), "math___add", GATEWAY)


@pytest.mark.parametrize("claim", ["azp", "appid", "cid", "urn:x:client.id"])
def test_a_foreign_issuer_names_its_clients_by_another_claim(permits_token: Any, claim: str) -> None:
    statements = [cedar_text.permit(Scope(OAuthClient(claim, "app"), GATEWAY), ["math___add"])]
    assert permits_token(statements, {"sub": "x", claim: "app"}, "math___add", GATEWAY)
    assert not permits_token(statements, {"sub": "app", "client_id": "app"}, "math___add", GATEWAY)


@pytest.mark.parametrize(("amount", "allowed"), [(999, True), (1000, False)])
def test_a_clients_condition_is_decided_on_the_arguments(permits_token: Any, amount: int, allowed: bool) -> None:
    statements = [cedar_text.permit(BY_TOKEN, ["shop___refund"], "context.input.amount < 1000 // at most")]
    assert permits_token(statements, claims(CLIENT), "shop___refund", GATEWAY, amount=amount) is allowed
    assert not permits_token(statements, claims("another"), "shop___refund", GATEWAY, amount=1)


@pytest.mark.parametrize("value", ['x" || true || "', "x\\", "", "a b", "a" * 257, "ä"])
def test_what_is_no_clients_id_is_written_into_no_permit(value: str) -> None:
    with pytest.raises(UsageError, match="is no id of an OAuth client"):
        cedar_text.permit(Scope(OAuthClient("client_id", value), GATEWAY), ["math___add"])


def test_a_clients_statement_is_no_longer_than_its_sample_and_no_smaller_than_its_smallest() -> None:
    longest = f"arn:aws-us-gov:bedrock-agentcore:ap-southeast-1:{A}:gateway/{'g' * 48}-a1b2c3d4e5"
    for scope in (
        Scope(OAuthClient("client_id", "c" * 256), longest),
        BY_TOKEN,
        Scope(OAuthClient("cid", "c"), GATEWAY),
    ):
        assert isinstance(scope.caller, OAuthClient)
        claim, statement = scope.caller.claim, cedar_text.permit(scope, ["math___add"], "1 < 2")
        assert len(statement) <= len(cedar_text.sample(["math___add"], "1 < 2", claim))
        assert len(statement.encode()) >= cedar_text.smallest(["math___add"], "1 < 2", claim)


def test_a_clients_statement_has_its_limit_too() -> None:
    padding = 10_000 - len(cedar_text.sample(["math___add"], 'context.input.text == ""', "client_id"))
    cedar_text.check(["math___add"], f'context.input.text == "{"x" * padding}"', "here", "client_id")
    with pytest.raises(UsageError, match="may have 10001 characters"):
        cedar_text.check(["math___add"], f'context.input.text == "{"x" * (padding + 1)}"', "here", "client_id")
    for when in ("true } unless { false", "true }; permit(principal, action, resource) when { true"):
        with pytest.raises(UsageError, match="more than one expression"):
            cedar_text.check(["math___add"], when, "here", "client_id")
