"""Who comes to a gateway with tokens, and what is known of them before there is one."""

import json
from typing import Any

import pytest

from tests.access.tokens import worlds
from tests.access.tokens.worlds import FOREIGN, FOREIGN_DISCOVERY, TOOLS, World, open_to_all, pinned, two_agents, whole
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.matrix.inbound import inbound

ADD = TOOLS[0]


def judged(world: World) -> Matrix:
    return matrix(parse(world.export()))


def rows(world: World, tool: str = ADD, gateway: str = "g0") -> dict[str, str]:
    """What is not denied, by principal; an agent by its name."""
    return {
        it.agent or it.principal.removeprefix(worlds.role_arn("")): str(it.decision)
        for it in judged(world).entries
        if it.tool == tool and it.gateway == worlds.gateway_arn(gateway) and it.decision != "deny"
    }


def lines(world: World, *words: str) -> list[str]:
    return [it for it in judged(world).unsupported if all(word in it for word in words)]


def conditions(world: World, principal: str) -> tuple[str, ...]:
    [found] = [it.conditions for it in judged(world).entries if it.principal == principal and it.tool == ADD]
    return found


def _one_client(*gateways: str, pool: dict[str, Any] | None = None, **client: Any) -> World:
    world = whole(**pool or {})
    world.gateway()
    world.client("c", *gateways or ("g0",), **client)
    return world


CODE: dict[str, Any] = {"allowedOauthFlows": ["code"]}
SIGN_IN: dict[str, Any] = {"allowedOauthFlows": [], "explicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]}
LAMBDA = {"preTokenGenerationConfig": {"lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:f"}}


@pytest.mark.parametrize(
    ("world", "told"),
    [
        (_one_client(), {"client/c": "allow"}),
        (_one_client("g1"), {}),
        (_one_client("g1", "g0"), {"client/c": "allow"}),
        (_one_client(generateSecret=False), {}),
        (_one_client(**CODE), {"users of client/c": "conditional"}),
        (_one_client("g1", **CODE), {}),
        # Without a redirect a user's token has one scope, which is Cognito's own, and an identity token has none.
        (_one_client(**SIGN_IN), {}),
        (_one_client(explicitAuthFlows=["ALLOW_USER_SRP_AUTH"]), {"client/c": "allow"}),
        # What a function of the pool's owner writes into tokens nobody knows.
        (_one_client(pool={"lambdaConfig": LAMBDA}), {"client/c": "conditional"}),
        (_one_client("g1", pool={"lambdaConfig": LAMBDA}), {"client/c": "conditional"}),
        (_one_client(userPoolId="us-east-1_Another99"), {}),
    ],
)
def test_clients_of_the_pool(world: World, told: dict[str, str]) -> None:
    assert rows(world) == told


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        ({"allowedClients": ["c"]}, {"client/c": "allow"}),
        ({"allowedClients": ["d"]}, {"client/d": "undecided"}),
        ({"allowedClients": ["c", "d"]}, {"client/c": "allow", "client/d": "undecided"}),
        # Cognito's access tokens have no audience.
        ({"allowedAudiences": ["c"]}, {}),
        ({"customClaims": [{"inboundTokenClaimName": "team"}]}, None),
        ({"allowedScopes": ["g0/invoke"], "privateEndpoint": {"x": 1}}, {"client/c": "undecided"}),
    ],
)
def test_whatever_the_authorizer_names_is_checked(checks: dict[str, Any], told: dict[str, str] | None) -> None:
    world = whole()
    if told is None:
        claim = {
            **checks["customClaims"][0],
            "inboundTokenClaimValueType": "STRING",
            "authorizingClaimMatchValue": {
                "claimMatchOperator": "EQUALS",
                "claimMatchValue": {"matchValueString": "x"},
            },
        }
        checks, told = {"customClaims": [claim]}, {"client/c": "conditional"}
    world.gateway(**checks)
    world.client("c", "g0")
    assert rows(world) == told


def test_an_identity_token_is_let_in_where_an_access_token_is_not() -> None:
    match = {"claimMatchOperator": "EQUALS", "claimMatchValue": {"matchValueString": "id"}}
    claim = {"inboundTokenClaimName": "token_use", "inboundTokenClaimValueType": "STRING"}
    world = whole()
    world.gateway(customClaims=[{**claim, "authorizingClaimMatchValue": match}])
    world.client("c", "g0", explicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
    assert rows(world) == {"users of client/c": "conditional"}


def test_a_client_of_another_pool_is_no_stranger() -> None:
    world = whole()
    world.gateway(allowedClients=["c"])
    world.client("c", "g0", userPoolId="us-east-1_Another99")
    assert rows(world) == {}


@pytest.mark.parametrize(
    ("client", "told"),
    [
        ({"generateSecret": False}, {}),
        ({"allowedOauthFlows": []}, {}),
        (CODE, {"users of client/c": "conditional"}),
        (SIGN_IN, {"users of client/c": "conditional"}),
    ],
)
def test_a_client_of_the_pool_is_no_stranger_whatever_it_may_do(client: dict[str, Any], told: dict[str, str]) -> None:
    world = whole()
    world.gateway(allowedClients=["c"])
    world.client("c", "g0", **client)
    assert rows(world) == told
    assert lines(world, "client/c", "not in the deployment") == []


@pytest.mark.parametrize("closed", [True, False])
def test_where_anybody_may_sign_up_the_condition_says_so(closed: bool) -> None:
    world = _one_client(pool={"adminCreateUserConfig": {"allowAdminCreateUserOnly": closed}}, **CODE)
    told = conditions(world, "users of client/c")
    assert any("anybody may sign up" in it for it in told) is not closed


def test_who_signs_is_not_let_in_by_a_gateway_that_takes_tokens() -> None:
    world = _one_client()
    world.role("ops", worlds.allow("*", "*"))
    deployment = parse(world.export())
    assert inbound(deployment, deployment.gateways[0], deployment.roles[0]).access == "deny"


def test_an_identity_token_has_the_client_as_its_audience() -> None:
    world = whole()
    world.gateway(allowedAudiences=["c"])
    world.client("c", "g0", **SIGN_IN)
    assert rows(world) == {"users of client/c": "conditional"}


def test_a_claim_that_the_client_chooses_is_not_known() -> None:
    one = {"inboundTokenClaimName": "scope", "inboundTokenClaimValueType": "STRING"}
    match = {"claimMatchOperator": "EQUALS", "claimMatchValue": {"matchValueString": "g0/invoke"}}
    for scopes, told in ((("g0",), "allow"), (("g0", "g1"), "conditional"), (("g1",), None)):
        world = whole()
        world.gateway(allowedScopes=["g0/invoke"], customClaims=[{**one, "authorizingClaimMatchValue": match}])
        world.client("c", *scopes)
        assert rows(world).get("client/c") == told


SCOPED = (
    f'permit(principal is AgentCore::OAuthUser, action == AgentCore::Action::"{ADD}", '
    f'resource == AgentCore::Gateway::"{worlds.gateway_arn("g0")}") '
    'when { principal.hasTag("scope") && principal.getTag("scope") == "g0/invoke" };'
)


@pytest.mark.parametrize(("scopes", "told"), [(("g0",), "allow"), (("g0", "g1"), "conditional")])
def test_cedar_knows_the_scope_of_a_client_that_has_one(scopes: tuple[str, ...], told: str) -> None:
    world = whole()
    world.gateway(cedar=[SCOPED])
    world.client("c", *scopes)
    assert rows(world) == {"client/c": told}


def test_a_claim_that_nobody_knows_before_is_a_condition_and_never_an_allow() -> None:
    world = whole()
    when = ' when { principal.hasTag("jti") };'
    world.gateway(cedar=[open_to_all().rstrip(";") + when])
    world.client("c", "g0")
    assert rows(world) == {"client/c": "conditional"}
    assert any("jti" in it for it in conditions(world, "client/c"))


def test_permits_of_one_client_are_no_other_clients_and_no_other_users() -> None:
    world = whole()
    world.gateway(cedar=[pinned("d")])
    world.client("c", "g0", allowedOauthFlows=["code"])
    world.client("d", "g0")
    assert rows(world) == {"client/d": "allow"}


def test_whoever_cedar_names_by_the_subject_of_their_token() -> None:
    named = open_to_all().replace("principal is AgentCore::OAuthUser", 'principal == AgentCore::OAuthUser::"{}"')
    world = whole()
    world.gateway(cedar=[named.format("c"), named.format("a-user")])
    world.client("c", "g0", explicitAuthFlows=[])
    assert rows(world) == {"client/c": "allow", "subject/a-user": "conditional"}


def test_a_pool_without_a_domain_gives_clients_no_tokens_as_far_as_is_known() -> None:
    world = _one_client()
    world.parts = [it for it in world.parts if not it["type"].endswith(":UserPoolDomain")]
    assert rows(world) == {"client/c": "undecided"}
    assert lines(world, "client/c", "UserPool 'pool' has no domain in the deployment")


def _foreign(claim: str, cedar: bool = True, **checks: Any) -> World:
    world = World()
    world.gateway(
        cedar=[pinned("ca").replace("client_id", claim), pinned("cb", TOOLS[1:]).replace("client_id", claim)]
        if cedar
        else None,
        discovery=FOREIGN_DISCOVERY,
        **checks or {"allowedAudiences": ["tools"]},
    )
    for name in ("a", "b"):
        world.provider(f"p{name}", f"c{name}", FOREIGN_DISCOVERY)
        world.identity(f"w{name}")
        world.agent(name, *worlds.taking(f"p{name}", f"w{name}"))
    return world


@pytest.mark.parametrize("claim", ["client_id", "azp", "appid", "cid", "my:client"])
def test_of_a_foreign_issuer_nothing_is_sure_and_each_agent_has_its_own_tools(claim: str) -> None:
    world, anybody = _foreign(claim), f"any client of {FOREIGN}"
    assert rows(world, TOOLS[0]) == {"a": "conditional", anybody: "conditional"}
    assert rows(world, TOOLS[1]) == {"b": "conditional", anybody: "conditional"}
    assert "aud is tools" in conditions(world, worlds.role_arn("a"))


def test_of_a_foreign_issuer_a_client_that_is_not_listed_is_not_let_in() -> None:
    world = _foreign("client_id", cedar=False, allowedClients=["ca", "x"])
    assert rows(world) == {"a": "conditional", f"any client of {FOREIGN}": "conditional", "client/x": "undecided"}


def test_the_pool_of_another_stack_is_a_foreign_issuer() -> None:
    world = two_agents()
    world.parts = [it for it in world.parts if "cognito" not in it["type"]]
    assert rows(world) == {"a": "conditional", f"any client of {worlds.ISSUER}": "conditional"}


def test_a_grant_of_iam_opens_no_gateway_with_tokens_and_a_client_none_without() -> None:
    world = whole()
    world.gateway("g0")
    world.gateway("g1", discovery=None)
    world.client("c", "g0", "g1")
    world.role("ops", worlds.allow("bedrock-agentcore:InvokeGateway", "*"))
    assert rows(world) == {"client/c": "allow"}
    assert rows(world, gateway="g1") == {"ops": "allow"}


DENY_C = {"StringEquals": {"bedrock-agentcore:InboundJwtClaim/client_id": "c"}}


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ([{"Effect": "Allow"}], "allow"),
        ([{"Effect": "Allow"}, {"Effect": "Deny", "Condition": DENY_C}], None),
        (
            [{"Effect": "Allow"}, {"Effect": "Deny", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}],
            "conditional",
        ),
        # Whether a policy that allows nobody shuts the gateway is not known.
        (
            [{"Effect": "Deny", "Condition": {"StringEquals": {"bedrock-agentcore:InboundJwtClaim/sub": "d"}}}],
            "undecided",
        ),
        (
            [{"Effect": "Allow", "Condition": {"StringEquals": {"bedrock-agentcore:InboundJwtClaim/aud": "x"}}}],
            "undecided",
        ),
    ],
)
def test_the_policy_on_the_gateway_counts(statements: list[dict[str, Any]], told: str | None) -> None:
    assert rows(_with_policy(_one_client(), statements)).get("client/c") == told


@pytest.mark.parametrize(("scopes", "told"), [(("g0",), "allow"), (("g0", "g1"), "conditional")])
def test_a_policy_knows_the_scope_of_a_client_that_has_one(scopes: tuple[str, ...], told: str) -> None:
    condition = {"StringEquals": {"bedrock-agentcore:InboundJwtClaim/scope": "g0/invoke"}}
    world = _with_policy(_one_client(*scopes), [{"Effect": "Allow", "Condition": condition}])
    assert rows(world) == {"client/c": told}


def _with_policy(world: World, statements: list[dict[str, Any]]) -> World:
    arn = worlds.gateway_arn("g0")
    on = {"Principal": "*", "Action": "bedrock-agentcore:InvokeGateway", "Resource": arn}
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**it, **on} for it in statements]})
    world.add("aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", "own", resourceArn=arn, policy=text)
    return world
