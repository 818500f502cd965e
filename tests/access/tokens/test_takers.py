"""Who can be which client: every way, and each part of each way."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.access.tokens import worlds
from tests.access.tokens.test_callers import judged, lines, rows
from tests.access.tokens.worlds import (
    DIRECTORY,
    FOREIGN_DISCOVERY,
    POOL_ARN,
    TOOLS,
    VAULT,
    World,
    allow,
    managed,
    pinned,
    provider_arn,
    taking,
    two_agents,
    whole,
)
from toolgate.access.chain.hops import Step
from toolgate.access.deployment.deployment import parse
from toolgate.access.tokens.takers import Takers, Taking

ADD, SUB = TOOLS
GET, TAKE, READ = (
    "bedrock-agentcore:GetWorkloadAccessToken",
    "bedrock-agentcore:GetResourceOauth2Token",
    "secretsmanager:GetSecretValue",
)


def _with(world: World, *statements: Any, name: str = "ops") -> World:
    world.role(name, *statements)
    return world


def test_each_agent_is_its_own_client_and_no_other() -> None:
    world = two_agents()
    assert (rows(world, ADD), rows(world, SUB)) == ({"a": "allow"}, {"b": "allow"})
    assert [(it.agent, it.client, it.way) for it in judged(world).takings] == [
        ("a", "client/ca", "provider pa"),
        ("b", "client/cb", "provider pb"),
    ]


EACH = [(GET, DIRECTORY), (GET, worlds.identity_arn("wa"))]
EACH += [(TAKE, it) for it in (DIRECTORY, worlds.identity_arn("wa"), VAULT, provider_arn("pa"))]
EACH += [(READ, managed("pa"))]


@pytest.mark.parametrize(("action", "arn"), EACH)
def test_each_arn_that_agentcore_asks_for_is_needed(action: str, arn: str) -> None:
    world = whole()
    world.gateway()
    world.client("ca", "g0")
    world.provider("pa", "ca")
    world.identity("wa")
    world.agent("a", *taking("pa", "wa"), {"Effect": "Deny", "Action": action, "Resource": arn})
    # Nobody of the deployment can be it for sure: it is told as the client. With its secret alone, who knows.
    assert rows(world) == {"client/ca": "allow", **({"a": "undecided"} if action != READ else {})}


WAYS = {
    "another identity": (taking("pa", "wb"), "provider pa"),
    "every provider": ([*taking("pa", "wb")[:1], allow(TAKE, "*"), allow(READ, managed("pa"))], "provider pa"),
    "another action for the identity": (
        [allow(f"{GET}ForUserId", DIRECTORY, worlds.identity_arn("wb")), *taking("pa", "wb")[1:]],
        "provider pa",
    ),
    "what Cognito tells": (
        [allow("cognito-idp:DescribeUserPoolClient", POOL_ARN)],
        "cognito-idp:DescribeUserPoolClient",
    ),
    "a secret more": ([allow("cognito-idp:Add*", "*")], "cognito-idp:AddUserPoolClientSecret"),
}


@pytest.mark.parametrize(("statements", "way"), WAYS.values(), ids=WAYS.keys())
def test_every_way_to_be_a_client_is_a_row_with_its_way(statements: Sequence[Any], way: str) -> None:
    world = _with(two_agents(), *statements)
    assert rows(world)["ops"] == "allow"
    assert ("client/ca", way) in [(it.client, it.way) for it in judged(world).takings if it.principal.endswith("/ops")]


@pytest.mark.parametrize("arn", [managed("pa"), "arn:aws:secretsmanager:*:*:secret:bedrock-agentcore-identity!*", "*"])
def test_what_agentcores_own_secrets_hold_is_not_known(arn: str) -> None:
    world = _with(two_agents(), allow(READ, arn))
    assert rows(world) == {"a": "allow", "ops": "undecided"}
    assert lines(
        world, "ops: may be client/ca by secretsmanager:GetSecretValue; not known: what AgentCore's own secret"
    )


def test_an_identity_of_another_region_is_none() -> None:
    world = whole()
    world.gateway()
    world.client("ca", "g0")
    world.provider("pa", "ca")
    elsewhere = worlds.identity_arn("wa").replace("us-east-1", "eu-west-1")
    type_ = "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity"
    world.add(type_, "wa", name="wa", workloadIdentityArn=elsewhere)
    document = json.loads(json.dumps(taking("pa", "wa")).replace(worlds.identity_arn("wa"), elsewhere))
    world.agent("a", *document, allow([GET, TAKE], DIRECTORY.replace("us-east-1", "eu-west-1")))
    assert _by_provider(world, worlds.role_arn("a")) is None


NO_WAYS = {
    "lists": [allow(["cognito-idp:List*", "cognito-idp:DescribeUserPool"], "*")],
    "its own scopes alone": [allow("cognito-idp:UpdateUserPoolClient", "*")],
    "the provider without its secret": taking("pa", "wa")[:2],
    "the secret's description": [allow("secretsmanager:DescribeSecret", "*")],
    "another pool": [allow("cognito-idp:*", f"{POOL_ARN}x")],
    "another Region's": [allow(READ, managed("pa").replace("us-east-1", "eu-west-1"))],
}


@pytest.mark.parametrize("statements", NO_WAYS.values(), ids=NO_WAYS.keys())
def test_what_is_no_way_is_no_row(statements: Sequence[Any]) -> None:
    assert "ops" not in rows(_with(two_agents(), *statements))


def test_whoever_makes_a_client_has_every_scope_and_no_tool_of_a_named_client() -> None:
    maker = allow("cognito-idp:CreateUserPoolClient", POOL_ARN)
    assert "ops" not in rows(_with(two_agents(), maker))
    assert rows(_with(two_agents([worlds.open_to_all()]), maker))["ops"] == "allow"


def test_whoever_may_change_a_client_that_it_is_has_the_scopes_of_every_gateway() -> None:
    world = two_agents()
    world.gateway("g1")
    assert rows(world, gateway="g1") == {}
    world.parts = [it for it in world.parts if not it["urn"].endswith("RolePolicy::a-grants")]
    world.policy("a", *taking("pa", "wa"), allow("cognito-idp:UpdateUserPoolClient", POOL_ARN))
    assert rows(world, gateway="g1") == {"a": "allow"}
    assert "provider pa, cognito-idp:UpdateUserPoolClient" in {it.way for it in judged(world).takings}


def test_a_web_clients_secret_and_the_right_to_change_it_are_a_machine_client() -> None:
    grants = allow(["cognito-idp:DescribeUserPoolClient", "cognito-idp:UpdateUserPoolClient"], POOL_ARN)
    world = whole()
    world.gateway()
    world.client("web", "g1", allowedOauthFlows=["code"])
    assert rows(_with(world, grants)) == {"ops": "allow"}


@pytest.mark.parametrize(("jwt", "told"), [(False, "conditional"), (True, "allow")])
def test_a_runtimes_own_identity_may_not_be_asked_for_and_comes_with_a_request_for_a_user(jwt: bool, told: str) -> None:
    world = whole()
    world.gateway()
    world.client("ca", "g0")
    world.provider("pa", "ca")
    world.identity("a-abcdefghij")
    authorizer = {"customJwtAuthorizer": {"discoveryUrl": worlds.DISCOVERY}}
    world.agent("a", *taking("pa", "a-abcdefghij"), authorizerConfiguration=authorizer if jwt else None)
    world.role("ops", *taking("pa", "a-abcdefghij"))
    ways = {role.name: _by_provider(world, role.arn) for role in parse(world.export()).roles}
    assert ways == {"a": told, "ops": None}
    if not jwt:
        assert ("agent a is asked in a user's name",) in {it.way.hop.access.conditions for it in _ways(world, "a")}


def _ways(world: World, role: str) -> list[Taking]:
    deployment = parse(world.export())
    [who] = [it for it in deployment.roles if it.name == role]
    return list(Takers(deployment).of(who))


def _by_provider(world: World, arn: str) -> str | None:
    found = [it for it in _ways(world, arn.rpartition("/")[2]) if it.way.hop.step is Step.PROVIDER]
    return str(found[0].access) if found else None


def test_an_identity_that_is_not_in_the_deployment_is_not_known() -> None:
    world = whole()
    world.gateway()
    world.client("ca", "g0")
    world.provider("pa", "ca", clientSecretArns=[], oauth2ProviderConfig=_external("elsewhere"))
    world.agent(
        "a", *taking("pa", "another")[:2], allow(READ, worlds.secret_arn("else*"), Condition=_ONLY_BY_AGENTCORE)
    )
    assert rows(world) == {"a": "undecided", "client/ca": "allow"}
    assert lines(
        world, "a: may be client/ca by provider pa", "another workload identity", worlds.identity_arn("another")
    )


_ONLY_BY_AGENTCORE = {"StringEquals": {"aws:ResourceTag/owner": "agentcore"}}


def _external(secret: str) -> dict[str, Any]:
    config = {
        "clientId": "ca",
        "clientSecretSource": "EXTERNAL",
        "clientSecretConfig": {"secretId": worlds.secret_arn(secret), "jsonKey": "k"},
        "clientAuthenticationMethod": "CLIENT_SECRET_BASIC",
        "oauthDiscovery": {"discoveryUrl": worlds.DISCOVERY},
    }
    return {"customOauth2ProviderConfig": config}


def _job(policy: Sequence[Any] | None = None, *, linked: bool = True) -> World:
    """A machine client, whose secret lies in Secrets Manager."""
    world, arn = whole(), worlds.secret_arn("job")
    world.gateway(cedar=[pinned("job")])
    client = world.client("job", "g0")
    world.add("aws:secretsmanager/secret:Secret", "job", id=arn, arn=arn, name="job")
    made_of = {"secretId": [], "secretString": [client] if linked else []}
    world.add("aws:secretsmanager/secretVersion:SecretVersion", "job", made_of, secretId=arn)
    if policy is not None:
        text = json.dumps({"Version": "2012-10-17", "Statement": policy})
        world.add("aws:secretsmanager/secretPolicy:SecretPolicy", "job", secretArn=arn, policy=text)
    return world


def test_a_machine_client_is_held_outside_and_whoever_reads_its_secret_is_a_row_beside_it() -> None:
    reader = allow(READ, worlds.secret_arn("job"))
    assert rows(_job()) == {"client/job": "allow"}
    assert rows(_with(_job(), reader)) == {"client/job": "allow", "ops": "allow"}
    assert rows(_with(_job(linked=False), reader)) == {"client/job": "allow"}


STRANGER = "arn:aws:iam::999999999999:role/stranger"


@pytest.mark.parametrize(
    ("principal", "told"),
    [
        ({"AWS": worlds.role_arn("ops")}, {"ops": "allow"}),
        ({"AWS": STRANGER}, {STRANGER: "undecided"}),
        ("*", {"*": "allow"}),
        ({"Service": "lambda.amazonaws.com"}, {}),
    ],
)
def test_the_policy_on_a_secret_lets_in_too(principal: Any, told: dict[str, str]) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": READ, "Resource": "*"}
    world = _with(_job([statement]))
    found = rows(world)
    assert {key: value for key, value in found.items() if key in told} == told
    assert set(found) - {"ops"} <= {"client/job", *told}


NEIGHBOUR = worlds.role_arn("neighbour")


def test_of_a_stranger_that_a_policy_on_a_secret_names_that_secret_alone_is_judged() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": NEIGHBOUR}, "Action": READ, "Resource": "*"}
    world = _job([statement])
    world.client("other", "g0")
    world.gateway("g1")
    world.client("third", "g1")
    world.provider("p3", "third")
    assert NEIGHBOUR in " ".join(it.principal for it in judged(world).entries)
    assert {it.client for it in judged(world).takings if it.principal == NEIGHBOUR} == {"client/job"}
    # A policy on a secret that holds no client's lets in nobody.
    arn = worlds.secret_arn("unrelated")
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world = _job()
    world.add("aws:secretsmanager/secret:Secret", "unrelated", id=arn, arn=arn, name="unrelated", policy=text)
    assert NEIGHBOUR not in {it.principal for it in judged(world).entries}


def test_whom_a_scan_missed_may_be_any_client() -> None:
    root = f"arn:aws:iam::{worlds.ACCOUNT}:root"
    world = two_agents()
    world.add("toolgate:scan:NotRead", "iam", what="IAM", why="denied", about=root, part="identityPolicies")
    assert rows(world)[root] == "undecided"
    assert lines(world, f"{root}: may be client/ca")


def test_a_policy_on_a_secret_that_cannot_be_read_is_not_known() -> None:
    world = _job([])
    for part in world.parts:
        if part["type"].endswith(":SecretPolicy"):
            part["inputs"] = part["outputs"] = {**part["inputs"], "policy": worlds_hidden()}
    found = rows(_with(world, allow(READ, worlds.secret_arn("job"))))
    assert found["ops"] == "undecided"


def worlds_hidden() -> dict[str, str]:
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "djE6c2VjcmV0"}


def test_whoever_may_take_a_role_of_an_agent_calls_as_it() -> None:
    world = two_agents()
    world.role("ops", allow("sts:AssumeRole", worlds.role_arn("a")))
    for part in world.parts:
        if part["urn"].endswith("role:Role::a"):
            trust = {"Effect": "Allow", "Principal": {"AWS": worlds.ACCOUNT}, "Action": "sts:AssumeRole"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            part["inputs"] = part["outputs"] = {**part["inputs"], "assumeRolePolicy": document}
    ways = {(it.principal, it.way, it.tools, str(it.access.decision)) for it in judged(world).bypasses}
    assert (worlds.role_arn("ops"), "assumes role a", (ADD,), "allow") in ways


CONDITION = {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}


def test_a_condition_on_the_way_is_a_condition_of_the_call() -> None:
    world = _with(two_agents(), {**allow("cognito-idp:DescribeUserPoolClient", POOL_ARN), **CONDITION})
    assert rows(world)["ops"] == "conditional"
    [told] = [
        it.conditions for it in judged(world).entries if it.principal == worlds.role_arn("ops") and it.tool == ADD
    ]
    assert any("aws:SourceIp" in it for it in told)


HALF: dict[str, tuple[Callable[[World], None], str]] = {
    "a provider whose client is not shown": (
        lambda it: it.provider("p", None, oauth2ProviderConfig=worlds_hidden()),
        "does not show its client",
    ),
    "a provider whose client is not in the deployment": (
        lambda it: it.provider("p", "made-elsewhere"),
        "client/made-elsewhere: not known",
    ),
    "a provider with no secret": (lambda it: it.provider("p", "c", clientSecretArns=[]), "which secret"),
    "a provider whose issuer is not shown": (lambda it: it.provider("p", "c", None), "the issuer of"),
    "a provider with a key": (
        lambda it: it.provider(
            "p",
            "c",
            oauth2ProviderConfig={
                "customOauth2ProviderConfig": {
                    "clientId": "c",
                    "clientAuthenticationMethod": "PRIVATE_KEY_JWT",
                    "oauthDiscovery": {"discoveryUrl": worlds.DISCOVERY},
                }
            },
        ),
        "PRIVATE_KEY_JWT",
    ),
}


@pytest.mark.parametrize(("add", "says"), HALF.values(), ids=HALF.keys())
def test_what_half_exists_is_undecided_with_a_sentence(add: Callable[[World], None], says: str) -> None:
    world = whole()
    world.gateway()
    world.client("c", "g0")
    world.identity("w")
    add(world)
    world.agent("a", *taking("p", "w"))
    assert {it.way for it in judged(world).takings if it.agent} == {"provider p"}
    assert rows(world)["a"] == "undecided"
    assert lines(world, says)


def test_a_provider_that_asks_another_issuer_gets_nothing() -> None:
    world = whole()
    world.gateway()
    world.client("c", "g0")
    world.provider("p", "c", FOREIGN_DISCOVERY)
    world.identity("w")
    world.agent("a", *taking("p", "w"))
    found = [(it.way, str(it.access.decision)) for it in judged(world).takings if it.agent]
    assert found == [(READ, "undecided")]


def test_providers_elsewhere_are_told() -> None:
    world = two_agents()
    world.role("ops", *taking("elsewhere", "wa"))
    assert lines(world, "ops", provider_arn("elsewhere"), "not in the deployment")
    world = two_agents()
    world.role("ops", allow(TAKE, "*"))
    assert lines(world, "ops", "may also take tokens of credential providers that are not in the deployment")


def test_a_client_that_no_gateway_takes_tokens_of_is_told() -> None:
    world = two_agents()
    world.provider("drive", "google-client", "https://accounts.google.com/.well-known/openid-configuration")
    world.role("ops", *taking("drive", "wa"))
    assert lines(world, "ops: may be client/google-client by provider drive; which gateway takes its tokens")


def test_nothing_of_tokens_is_looked_at_where_no_gateway_takes_any() -> None:
    world = whole()
    world.gateway(discovery=None)
    world.client("c", "g0")
    world.provider("p", None)
    world.role("ops", allow("*", "*"))
    found = judged(world)
    assert (found.takings, rows(world)) == ((), {"ops": "allow"})
    assert not [it for it in found.unsupported if "provider" in it]
