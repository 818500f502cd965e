"""Over generated documents: each cell of the matrix is really called, and the gateway does what the cell says.

Matrix and gateway share the reading of a statement, and nothing else: the matrix decides before any request is made,
for all of them at once; the gateway decides about one, with its address, time and arguments, behind a real signature.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.e2e.ways_in import signed
from tests.planning import planned
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.serve.server import Serving

type Export = dict[str, Any]
type Statement = dict[str, Any]
type Served = Callable[..., AbstractContextManager[Serving]]

ACCOUNT = "123456789012"
INVOKE = "bedrock-agentcore:InvokeGateway"
CALLS: Mapping[str, Sequence[dict[str, Any]]] = {
    "math___add_numbers": ({"a": 1, "b": 2}, {"a": 500, "b": 2}),
    "math___multiply_numbers": ({"a": 1.5, "b": 2},),
    "math___greeting": ({"name": "Alice"}, {"name": "Bob"}),
}
ROLES = ("ada", "bob", "cleo", "nobody")
"""The last one is given no document: it is who `*` stands for, as nothing names it."""


def arn(role: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/people/{role}"


@dataclass(frozen=True)
class World:
    """The documents of one deployment.

    Attributes:
        roles: Statements of each role's policy and of its boundary; None for no boundary.
        resource_policies: Statements on the first and on the second gateway; None for no policy.
        mode: How the first gateway's engine is attached; None where none is.
        cedar: The engine's statements.
    """

    roles: Mapping[str, tuple[list[Statement], list[Statement] | None]]
    resource_policies: tuple[list[Statement] | None, list[Statement] | None]
    mode: str | None
    cedar: list[str]


# GATEWAY and OTHER are put in for the two gateways' ARNs.
RESOURCES = (
    *("GATEWAY", "GATEWAY", "OTHER", "*", "arn:aws:bedrock-agentcore:*:*:gateway/*", "GATEWAY*"),
    *("arn:aws:bedrock-agentcore:us-east-1", "arn:aws:bedrock-agentcore:eu-west-1:*:gateway/*", "arn:*:gateway/*"),
    *("arn:aws:bedrock-agentcore:us-east-1:${aws:PrincipalAccount}:gateway/*", "${aws:PrincipalTag/gateway}"),
)
ACTIONS = (
    *(INVOKE, INVOKE, INVOKE.upper(), "bedrock-agentcore:Invoke*", "bedrock-agentcore:*", "*"),
    *("bedrock-agentcore:InvokeAgentRuntime", "s3:*"),
)
CONDITIONS: tuple[dict[str, Any] | None, ...] = (
    *(None, None, None),
    {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/people/a*"}},
    {"ArnNotEquals": {"aws:PrincipalArn": [arn("ada"), arn("bob")]}},
    {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "red"}},
    {"StringEqualsIfExists": {"aws:PrincipalTag/team": "red"}},
    {"Null": {"aws:PrincipalTag/team": "true"}},
    {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"StringResembles": {"aws:PrincipalArn": "*"}},
)
PRINCIPALS: tuple[dict[str, Any], ...] = (
    {"Principal": "*"},
    {"Principal": {"AWS": "*"}},
    {"Principal": {"AWS": arn("ada")}},
    {"Principal": {"AWS": [arn("bob"), f"arn:aws:sts::{ACCOUNT}:assumed-role/cleo/e2e"]}},
    {"Principal": {"AWS": ACCOUNT}},
    {"Principal": {"AWS": "arn:aws:iam::999999999999:root"}},
    {"Principal": {"Service": "bedrock-agentcore.amazonaws.com"}},
)
CEDAR = (
    'permit(principal, action, resource == AgentCore::Gateway::"GATEWAY");',
    'permit(principal == AgentCore::IamEntity::"ENTITYada", action, resource == AgentCore::Gateway::"GATEWAY");',
    'permit(principal == AgentCore::IamEntity::"ENTITYbob", action in [AgentCore::Action::"math___add_numbers"],'
    ' resource == AgentCore::Gateway::"GATEWAY") when { context.input.a.lessThan(decimal("100.0")) };',
    'permit(principal is AgentCore::IamEntity, action == AgentCore::Action::"math___greeting",'
    ' resource == AgentCore::Gateway::"GATEWAY") when { principal.id like "*assumed-role/c*" };',
    'forbid(principal, action == AgentCore::Action::"math___greeting", resource == AgentCore::Gateway::"GATEWAY")'
    ' when { context.input.name == "Bob" };',
    'forbid(principal == AgentCore::IamEntity::"ENTITYada", action == AgentCore::Action::"math___multiply_numbers",'
    ' resource == AgentCore::Gateway::"GATEWAY");',
)


@st.composite
def statements(draw: st.DrawFn, least: int = 0, *, of_resource: bool = False) -> list[Statement]:
    return [draw(_statement(of_resource)) for _ in range(draw(st.integers(least, 3)))]


@st.composite
def _statement(draw: st.DrawFn, of_resource: bool) -> Statement:
    effect = draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))
    made: Statement = {"Effect": effect}
    made[draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))] = draw(st.sampled_from(ACTIONS))
    resources = draw(st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=2, unique=True))
    # In a resource's own policy AgentCore wants the ARN of that resource.
    made["Resource" if of_resource else draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = (
        "SELF" if of_resource else resources
    )
    if (condition := draw(st.sampled_from(CONDITIONS))) is not None:
        made["Condition"] = condition
    return made | (draw(st.sampled_from(PRINCIPALS)) if of_resource else {})


_policies = st.none() | statements(of_resource=True)
worlds = st.builds(
    World,
    roles=st.fixed_dictionaries(
        {name: st.tuples(statements(), st.none() | st.none() | statements(least=1)) for name in ROLES[:-1]}
        | {ROLES[-1]: st.just(([], None))}
    ),
    resource_policies=st.tuples(_policies, _policies),
    mode=st.sampled_from([None, "ENFORCE", "ENFORCE", "LOG_ONLY"]),
    cedar=st.lists(st.sampled_from(CEDAR), max_size=4, unique=True),
)


@settings(
    max_examples=12,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # each try to make a world smaller would have to be served
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(world=worlds)
def test_each_cell_is_what_is_done(served: Served, world: World) -> None:
    export = deployment_of(world)
    assert list(disagreements(served, export)) == []


def test_a_cell_that_is_wrong_is_seen(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail, either way."""
    allowed = [{"Effect": "Allow", "Action": INVOKE, "Resource": "GATEWAY"}]
    world = World({"ada": (allowed, None), "bob": ([], None)}, (None, None), None, [])
    right = parse(deployment_of(world))
    swapped = World({"ada": ([], None), "bob": (allowed, None)}, (None, None), None, [])
    monkeypatch.setattr(f"{__name__}.parse", lambda _: right)
    assert {(who, cell) for who, _, cell, _ in disagreements(served, deployment_of(swapped))} == {
        (arn("ada"), Access.ALLOW),
        (arn("bob"), Access.DENY),
    }


def deployment_of(world: World) -> Export:
    """The sample's stack with a policy engine, the world's documents in it, and a second gateway for its function."""
    resources = [it for it in planned("agents").deployment["deployment"]["resources"] if _stays(it)]
    gateway = next(it for it in resources if it["type"].endswith(":AgentcoreGateway"))
    target = next(it for it in resources if it["type"].endswith(":AgentcoreGatewayTarget"))
    id_, url = gateway["outputs"]["gatewayId"], gateway["outputs"]["gatewayUrl"]
    second = json.loads(json.dumps([gateway, target]).replace(id_, f"second-{id_[-10:]}"))
    for of_second in second:
        of_second["urn"] += "-second"
    for sort in ("inputs", "outputs"):
        second[0][sort].pop("policyEngineConfiguration")
        second[0][sort]["name"] = "second"
        if world.mode is None:
            gateway[sort].pop("policyEngineConfiguration")
        else:
            gateway[sort]["policyEngineConfiguration"]["mode"] = world.mode
    assert second[0]["outputs"]["gatewayUrl"] != url
    engine = next(it for it in resources if it["type"].endswith(":AgentcorePolicyEngine"))["outputs"]["policyEngineId"]
    arns = (gateway["outputs"]["gatewayArn"], second[0]["outputs"]["gatewayArn"])
    made = [
        *(it for name, documents in world.roles.items() for it in _role(name, *documents)),
        *(
            _entry(
                "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy",
                f"resource-{index}",
                {"resourceArn": it, "policy": _document(policy).replace("SELF", it)},
            )
            for index, (it, policy) in enumerate(zip(arns, world.resource_policies, strict=True))
            if policy
        ),
        *(
            _entry(
                "aws:bedrock/agentcorePolicy:AgentcorePolicy",
                f"cedar{index}",
                {
                    "name": f"cedar{index}",
                    "policyEngineId": engine,
                    "policyId": f"cedar{index}-abcdefghij",
                    "definition": {"cedar": {"statement": statement}},
                },
            )
            for index, statement in enumerate(world.cedar)
        ),
    ]
    text = json.dumps(made).replace("GATEWAY", arns[0]).replace("OTHER", arns[1])
    text = text.replace("ENTITY", f"arn:aws:sts::{ACCOUNT}:assumed-role/")
    return {"version": 3, "deployment": {"resources": [*resources, *second, *json.loads(text)]}}


def _stays(resource: Mapping[str, Any]) -> bool:
    """No agent is started, and of the engine's policies the world writes its own."""
    return not resource["type"].endswith((":AgentcoreAgentRuntime", ":AgentcorePolicy", ":Stack"))


def _role(name: str, identity: list[Statement], boundary: list[Statement] | None) -> Iterator[Export]:
    trust = [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    properties: dict[str, Any] = {"name": name, "arn": arn(name), "assumeRolePolicy": _document(trust)}
    if boundary is not None:
        limit = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
        properties["permissionsBoundary"] = limit
        yield _entry("aws:iam/policy:Policy", f"limit-{name}", {"arn": limit, "policy": _document(boundary)})
    yield _entry("aws:iam/role:Role", name, properties)
    if identity:
        policy = {"role": name, "name": "grants", "policy": _document(identity)}
        yield _entry("aws:iam/rolePolicy:RolePolicy", f"grants-{name}", policy)


def _document(written: list[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": written})


def _entry(type_: str, name: str, properties: Mapping[str, Any]) -> Export:
    urn = f"urn:pulumi:agents::toolgate::{type_}::{name}"
    return {"urn": urn, "custom": True, "type": type_, "inputs": dict(properties), "outputs": dict(properties)}


def disagreements(served: Served, export: Export) -> Iterator[tuple[str, str, Access, bool]]:
    """Caller, tool, cell and whether the call was carried out, where the two do not go together."""
    deployment = parse(export)
    cells = decided(deployment)
    with served(export) as serving:
        for gateway in deployment.gateways:
            for role in ROLES:
                if deployment.role(arn(role)) is None:
                    continue
                for tool, done in carried_out(serving, gateway.id, arn(role)):
                    own = cells.get((arn(role), gateway.arn, tool), Access.DENY)
                    # Nothing names the last role, so that whatever it may do anybody may.
                    named = cells.get(("*", gateway.arn, tool), Access.DENY) if role == ROLES[-1] else own
                    if {own, named} & ({Access.DENY} if done else {Access.ALLOW}):
                        yield arn(role), tool, own, done


def decided(deployment: Deployment) -> dict[tuple[str, str, str], Access]:
    return {(it.principal, it.gateway, it.tool): it.decision for it in matrix(deployment).entries}


def carried_out(serving: Serving, gateway: str, role: str) -> Iterator[tuple[str, bool]]:
    """Each call of each tool, and whether the tool ran."""
    headers = {"accept": "application/json, text/event-stream"}
    with httpx.Client(auth=signed(serving, role), headers=headers, timeout=None, trust_env=False) as client:
        for tool, each in CALLS.items():
            for arguments in each:
                made = len(serving.calls)
                message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
                answer = client.post(
                    serving.gateway_url(gateway), json={**message, "params": {"name": tool, "arguments": arguments}}
                )
                assert answer.status_code in {200, 403}
                yield tool, len(serving.calls) > made
