"""The same as `test_every_cell` where callers come with tokens: who is which client, and what its tokens open.

Each role asks AgentCore Identity for a token of each client in each identity's name, and calls each tool with whatever
token it is given.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.e2e.test_every_cell import CALLS, CONDITIONS, Served, Statement, arn
from tests.e2e.test_every_cell import _entry as entry
from tests.e2e.test_every_cell import _role as role_of
from tests.e2e.ways_in import Bearer, identity_client
from tests.planning import planned
from tests.token_export import client_id, with_tokens
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.serve.server import Serving

type Export = dict[str, Any]

CALCULATOR, GREETER = "calculator", "greeter"
ROLES = ("ada", "bob", "cleo")
TAKE, EXCHANGE, READ = (
    "bedrock-agentcore:GetWorkloadAccessToken",
    "bedrock-agentcore:GetResourceOauth2Token",
    "secretsmanager:GetSecretValue",
)
# Each is put in for the ARN that it names; the part after the stroke is the agent whose it is.
DIRECTORY, VAULT = "DIRECTORY", "VAULT"
OWN = ("IDENTITY-{}", "PROVIDER-{}", "SECRET-{}")
RESOURCES = (
    *(DIRECTORY, VAULT, "*", "DIRECTORY/*", "VAULT/*", "arn:aws:bedrock-agentcore:*", "${aws:PrincipalTag/x}"),
    *(one.format(agent) for one in OWN for agent in (CALCULATOR, GREETER)),
)
ACTIONS = (TAKE, EXCHANGE, READ, TAKE.upper(), "bedrock-agentcore:Get*", "bedrock-agentcore:*", "secretsmanager:*", "*")


@dataclass(frozen=True)
class World:
    """The documents of one deployment.

    Attributes:
        roles: Statements of each role's policy.
        scopes: What each client may ask for.
        authorizer: What the gateway checks besides the issuer.
        mode: How its engine is attached; None where none is.
        cedar: The engine's statements.
    """

    roles: Mapping[str, list[Statement]]
    scopes: Mapping[str, list[str]]
    authorizer: Mapping[str, list[str]]
    mode: str | None
    cedar: list[str]


def taking(identity: str, provider: str) -> list[Statement]:
    """All that an agent of the components is given, for one identity and one provider."""
    own, kept, secret = OWN[0].format(identity), OWN[1].format(provider), OWN[2].format(provider)
    return [
        {"Effect": "Allow", "Action": TAKE, "Resource": [DIRECTORY, own]},
        {"Effect": "Allow", "Action": EXCHANGE, "Resource": [DIRECTORY, own, VAULT, kept]},
        {"Effect": "Allow", "Action": READ, "Resource": secret},
    ]


@st.composite
def _statement(draw: st.DrawFn) -> Statement:
    made: Statement = {"Effect": draw(st.sampled_from(["Allow", "Deny"]))}
    made[draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))] = draw(st.sampled_from(ACTIONS))
    made[draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))] = draw(
        st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3, unique=True)
    )
    condition = draw(st.sampled_from(CONDITIONS))
    return made if condition is None else {**made, "Condition": condition}


@st.composite
def _documents(draw: st.DrawFn) -> list[Statement]:
    agents = st.sampled_from([CALCULATOR, GREETER])
    chains = draw(st.lists(st.tuples(agents, agents), max_size=2))
    whole = [one for identity, provider in chains for one in taking(identity, provider)]
    kept = [it for it in whole if draw(st.integers(0, 9))]  # now and then one is missing
    return [*kept, *draw(st.lists(_statement(), max_size=2))]


HAS = 'principal.hasTag("{0}") && principal.getTag("{0}") == "{1}"'
PERMIT = 'permit(principal is AgentCore::OAuthUser, action{}, resource == AgentCore::Gateway::"GATEWAY") when {{ {} }};'
CEDAR = (
    PERMIT.format("", HAS.format("client_id", client_id(CALCULATOR))),
    PERMIT.format(' == AgentCore::Action::"math___greeting"', HAS.format("client_id", client_id(GREETER))),
    PERMIT.format(' == AgentCore::Action::"math___add_numbers"', 'context.input.a.lessThan(decimal("100.0"))'),
    PERMIT.format("", 'principal.hasTag("scope") && principal.getTag("scope") like "*other/invoke*"'),
    PERMIT.format("", HAS.format("token_use", "access")),
    PERMIT.format("", HAS.format("jti", "x")),
    PERMIT.format("", f'principal.id == "{client_id(GREETER)}"'),
    f'permit(principal == AgentCore::OAuthUser::"{client_id(CALCULATOR)}", action in [AgentCore::Action::"math"],'
    ' resource == AgentCore::Gateway::"GATEWAY");',
    'permit(principal is AgentCore::IamEntity, action, resource == AgentCore::Gateway::"GATEWAY");',
    'forbid(principal, action == AgentCore::Action::"math___greeting", resource == AgentCore::Gateway::"GATEWAY")'
    ' when { context.input.name == "Bob" };',
    "forbid(principal, action, resource is AgentCore::Gateway)"
    f" when {{ {HAS.format('client_id', client_id(GREETER))} }};",
)
_scopes = st.sampled_from([["OWN"], ["OWN", "other/invoke"], ["other/invoke"]])
worlds = st.builds(
    World,
    roles=st.fixed_dictionaries({name: _documents() for name in ROLES}),
    scopes=st.fixed_dictionaries({CALCULATOR: _scopes, GREETER: _scopes}),
    authorizer=st.sampled_from(
        [
            {"allowedScopes": ["OWN"]},
            {"allowedScopes": ["OWN"]},
            {"allowedScopes": ["OWN", "other/invoke"]},
            {"allowedClients": [client_id(CALCULATOR)]},
            {"allowedClients": [client_id(GREETER)], "allowedScopes": ["OWN"]},
            {"allowedAudiences": ["tools"], "allowedScopes": ["OWN"]},
        ]
    ),
    mode=st.sampled_from([None, "ENFORCE", "ENFORCE", "ENFORCE", "LOG_ONLY"]),
    cedar=st.lists(st.sampled_from(CEDAR), max_size=4, unique=True),
)


@settings(
    max_examples=15,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # each try to make a world smaller would have to be served
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(world=worlds)
def test_each_cell_is_what_is_done(served: Served, world: World) -> None:
    assert list(disagreements(served, deployment_of(world))) == []


def test_a_cell_that_is_wrong_is_seen(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail, either way."""
    own: dict[str, Any] = {"scopes": {CALCULATOR: ["OWN"], GREETER: ["OWN"]}, "authorizer": {"allowedScopes": ["OWN"]}}
    lets = {"ada": taking(CALCULATOR, CALCULATOR), "bob": [], "cleo": []}
    right = parse(deployment_of(World(lets, mode=None, cedar=[], **own)))
    swapped = deployment_of(World({**lets, "ada": [], "bob": taking(GREETER, GREETER)}, mode=None, cedar=[], **own))
    monkeypatch.setattr(f"{__name__}.parse", lambda _: right)
    found = {(who, cell) for who, _, cell, _ in disagreements(served, swapped)}
    assert found == {(arn("ada"), Access.ALLOW), (arn("bob"), Access.DENY)}


def deployment_of(world: World) -> Export:
    """The sample's stack with tokens, the world's documents in it, and roles that are no agents."""
    made = with_tokens(planned("agents").deployment)
    resources = [it for it in made["deployment"]["resources"] if not it["type"].endswith((_RUNTIME, _POLICY, ":Stack"))]
    gateway = next(it for it in resources if it["type"].endswith(":AgentcoreGateway"))
    own = f"{gateway['outputs']['name']}/invoke"
    for resource in resources:
        for side in ("inputs", "outputs"):
            properties = resource[side]
            if resource is gateway:
                jwt = properties["authorizerConfiguration"]["customJwtAuthorizer"]
                properties["authorizerConfiguration"] = {
                    "customJwtAuthorizer": {"discoveryUrl": jwt["discoveryUrl"], **world.authorizer}
                }
                if world.mode is None:
                    properties.pop("policyEngineConfiguration")
                else:
                    properties["policyEngineConfiguration"]["mode"] = world.mode
            if resource["type"].endswith(":UserPoolClient"):
                properties["allowedOauthScopes"] = world.scopes[_agent_of(resource)]
            if resource["type"].endswith(":ResourceServer"):
                other = {**properties, "identifier": "other", "name": "other", "scopeIdentifiers": ["other/invoke"]}
    engine = next(it for it in resources if it["type"].endswith(":AgentcorePolicyEngine"))["outputs"]["policyEngineId"]
    roles = [it for name, statements in world.roles.items() for it in role_of(name, statements, None)]
    policies = [
        {"name": f"cedar{index}", "policyEngineId": engine, "policyId": f"cedar{index}-abcdefghij"}
        | {"definition": {"cedar": {"statement": statement}}}
        for index, statement in enumerate(world.cedar)
    ]
    more = [
        *roles,
        *(entry("aws:bedrock/agentcorePolicy:AgentcorePolicy", it["name"], it) for it in policies),
        entry("aws:cognito/resourceServer:ResourceServer", "other-scope", other),
    ]
    text = json.dumps([*resources, *more]).replace('"OWN"', json.dumps(own))
    for word, value in _arns(parse(made)).items():
        text = text.replace(word, value)
    text = text.replace("GATEWAY", gateway["outputs"]["gatewayArn"])
    return {"version": 3, "deployment": {"resources": json.loads(text)}}


_RUNTIME, _POLICY = ":AgentcoreAgentRuntime", ":AgentcorePolicy"


def _agent_of(resource: Mapping[str, Any]) -> str:
    return str(resource["urn"].rpartition("::")[2].partition("-")[0])


def _arns(deployment: Deployment) -> dict[str, str]:
    """What the words of the statements stand for; the longer ones first."""
    found: dict[str, str] = {}
    for identity in deployment.tokens.identities:
        found[OWN[0].format(identity.name.rpartition("_")[2])] = identity.arn
        found[DIRECTORY] = identity.arn.partition("/workload-identity/")[0]
    for provider in deployment.tokens.providers:
        agent = provider.name.split("_")[-2]
        found |= {OWN[1].format(agent): provider.arn, OWN[2].format(agent): provider.secret_arns[0]}
        found[VAULT] = provider.arn.partition("/oauth2credentialprovider/")[0]
    return dict(sorted(found.items(), key=lambda it: -len(it[0])))


def disagreements(served: Served, export: Export) -> Iterator[tuple[str, str, Access, bool]]:
    """Caller, tool, cell and whether a call was carried out, where the two do not go together."""
    deployment = parse(export)
    [gateway] = deployment.gateways
    cells = {(it.principal, it.tool): it.decision for it in matrix(deployment).entries}
    with served(export) as serving:
        for role in ROLES:
            tokens = list(taken(serving, deployment, arn(role)))
            for tool, done in carried_out(serving, gateway.id, tokens):
                cell = cells.get((arn(role), tool), Access.DENY)
                if cell is (Access.DENY if done else Access.ALLOW):
                    yield arn(role), tool, cell, done


def taken(serving: Serving, deployment: Deployment, role_arn: str) -> Iterator[str]:
    """Every token that a role is given, in whichever identity's name and of whichever client."""
    identity = identity_client(serving, role_arn)
    for workload in deployment.tokens.identities:
        for provider in deployment.tokens.providers:
            try:
                token = identity.get_workload_access_token(workloadName=workload.name)["workloadAccessToken"]
                given = identity.get_resource_oauth2_token(
                    workloadIdentityToken=token,
                    resourceCredentialProviderName=provider.name,
                    scopes=[],
                    oauth2Flow="M2M",
                )
            except identity.exceptions.AccessDeniedException:
                continue
            yield given["accessToken"]


def carried_out(serving: Serving, gateway_id: str, tokens: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Each tool, and whether any call with any of the tokens reached the handler."""
    reached: set[str] = set()
    for token in tokens:
        with httpx.Client(auth=Bearer(token), trust_env=False, timeout=None) as client:
            for tool, several in CALLS.items():
                for arguments in several:
                    made = len(serving.calls)
                    message = {"name": tool, "arguments": arguments}
                    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": message}
                    answer = client.post(serving.gateway_url(gateway_id), json=request)
                    assert answer.status_code in {200, 401, 403}
                    if len(serving.calls) > made:
                        reached.add(tool)
    for tool in CALLS:
        yield tool, tool in reached


def test_the_worlds_let_some_in_and_keep_some_out(served: Served) -> None:
    """Not every call is refused: an agent's own documents let a role in, and one ARN less does not."""
    own: dict[str, Any] = {"scopes": {CALCULATOR: ["OWN"], GREETER: ["OWN"]}, "authorizer": {"allowedScopes": ["OWN"]}}
    roles = {"ada": taking(CALCULATOR, CALCULATOR), "bob": taking(CALCULATOR, GREETER), "cleo": []}
    export = deployment_of(World(roles, mode="ENFORCE", cedar=list(CEDAR[:2]), **own))
    deployment = parse(export)
    with served(export) as serving:
        done = {
            role: {
                t
                for t, it in carried_out(
                    serving, deployment.gateways[0].id, list(taken(serving, deployment, arn(role)))
                )
                if it
            }
            for role in ROLES
        }
    assert done == {"ada": set(CALLS), "bob": {"math___greeting"}, "cleo": set()}
