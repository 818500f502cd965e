"""The graph looks up who may be concerned, and loses nobody: every pair is decided plainly and must agree."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.access import servers
from toolgate.access.chain import hops
from toolgate.access.chain.graph import Graph, graph
from toolgate.access.chain.hops import Hop
from toolgate.access.chain.principals import everything, principals
from toolgate.access.chain.ways import bypasses, through
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER, Identity
from toolgate.access.iam.policies import Policy
from toolgate.access.matrix.tool_access import ALLOWED

ACCOUNT, OTHERS = "123456789012", "999999999999"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
FUNCTIONS = [f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}" for name in ("f", "ff")]
RUNTIMES = [f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:runtime/{name}" for name in ("a-1", "b-1")]
SERVER = RUNTIMES[1]
ROLES = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("team/r0", "r1", "r2")]
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/r1/somebody"

RESOURCES = [
    *FUNCTIONS,
    *(f"{arn}:*" for arn in FUNCTIONS),
    *(f"{arn}*" for arn in FUNCTIONS),
    *RUNTIMES,
    *(f"{arn}*" for arn in RUNTIMES),
    *ROLES,
    "*",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}",
    "arn:aws:lambda:*:*:function:${aws:PrincipalTag/f}",
    "arn:aws:*:*:*:role/r?",
]
ACTIONS = ["lambda:InvokeFunction", "lambda:*", "sts:AssumeRole", "*", "bedrock-agentcore:InvokeAgentRuntime*"]
PRINCIPALS = [
    {"AWS": ROLES[0]},
    {"AWS": [ROLES[1], f"arn:aws:iam::{OTHERS}:role/stranger"]},
    {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    {"AWS": OTHERS},
    {"AWS": SESSION},
    {"Service": "lambda.amazonaws.com"},
    "*",
]

_identity = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
        "Action": st.sampled_from(ACTIONS),
        "Resource": st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=2),
    }
)
_not_resource = st.fixed_dictionaries(
    {"Effect": st.just("Allow"), "Action": st.sampled_from(ACTIONS), "NotResource": st.sampled_from(RESOURCES)}
)
_trust = st.fixed_dictionaries(
    {"Effect": st.just("Allow"), "Action": st.just("sts:AssumeRole"), "Principal": st.sampled_from(PRINCIPALS)}
)


def _entry(type_: str, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::case::{type_}::{name}"
    return {"urn": urn, "custom": True, "type": type_, "inputs": properties, "outputs": properties}


def _document(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _export(policies: list[list[Any]], trusts: list[Any], permitted: list[str], runtime: list[Any]) -> dict[str, Any]:
    parts = []
    for number, arn in enumerate(ROLES):
        name = arn.rsplit("/", 1)[-1]
        role = {"name": name, "arn": arn, "assumeRolePolicy": _document([trusts[number]])}
        parts.append(_entry("aws:iam/role:Role", name, role))
        if policies[number]:
            policy = {"role": name, "name": name, "policy": _document(policies[number])}
            parts.append(_entry("aws:iam/rolePolicy:RolePolicy", name, policy))
    for number, arn in enumerate(RUNTIMES):
        ids = {"agentRuntimeArn": arn, "agentRuntimeId": f"id{number}", "agentRuntimeName": f"agent{number}"}
        kind = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
        parts.append(_entry(kind, f"agent{number}", {**ids, "roleArn": ROLES[number]}))
    for number, arn in enumerate(RUNTIMES if runtime else ()):
        statements = [{**it, "Action": "bedrock-agentcore:*", "Resource": "*"} for it in runtime]
        policy = {"resourceArn": arn, "policy": _document(statements)}
        parts.append(_entry("aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", f"p{number}", policy))
    ids = {"gatewayArn": GATEWAY, "gatewayId": "tools", "gatewayUrl": "https://tools.example/mcp"}
    gateway = {"name": "tools", "authorizerType": "AWS_IAM", "roleArn": ROLES[2], **ids}
    parts.append(_entry("aws:bedrock/agentcoreGateway:AgentcoreGateway", "tools", gateway))
    for number, arn in enumerate(FUNCTIONS):
        lambda_ = {"lambdaArn": arn, "toolSchema": {"inlinePayloads": []}}
        target = {
            "name": f"t{number}",
            "gatewayIdentifier": "tools",
            "targetConfiguration": {"mcp": {"lambda": lambda_}},
        }
        kind = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
        parts.append(_entry(kind, f"t{number}", {**target, "targetId": f"T{number}"}))
    type_, name, server = servers.target(servers.endpoint(SERVER))
    parts.append(_entry(type_, name, {**server, "gatewayIdentifier": "tools"}))
    for number, principal in enumerate(permitted):
        given_ = {"function": "f", "action": "lambda:InvokeFunction", "principal": principal}
        parts.append(_entry("aws:lambda/permission:Permission", f"p{number}", given_))
    return {"version": 3, "deployment": {"resources": parts}}


DEPLOYMENTS = st.builds(
    _export,
    st.lists(st.lists(_identity | _not_resource, max_size=3), min_size=3, max_size=3),
    st.lists(_trust, min_size=3, max_size=3),
    st.lists(st.sampled_from([*ROLES, ACCOUNT, OTHERS, "*", "s3.amazonaws.com"]), max_size=2),
    st.lists(_trust, max_size=1),
).map(parse)


def _open(found: Sequence[Hop]) -> dict[tuple[str, str], Access]:
    """By step and thing, the most open of several ways in."""
    best: dict[tuple[str, str], Access] = {}
    for hop in found:
        key = hop.step, hop.to
        best[key] = max(hop.decision, best.get(key, Access.DENY), key=hops.OPENNESS.index)
    return {key: access for key, access in best.items() if access is not Access.DENY}


def _plainly(found: Graph, deployment: Deployment, who: Identity) -> list[Hop]:
    trusts = [(role, Policy(role.name, role.trust)) for role in deployment.roles if role.arn != who.arn]
    invoked = [(it, way_in) for it in found.functions for way_in in it.ways_in]
    return [
        *(hops.assume(who, role, trust) for role, trust in trusts),
        *(hops.ask(deployment, who, runtime) for runtime in deployment.agents),
        *(hops.commands(deployment, who, runtime) for runtime in deployment.runtimes),
        *(hops.invoke(who, function, way_in) for function, way_in in invoked),
        *(hops.call_server(deployment, who, server) for server in found.servers),
    ]


@settings(max_examples=200, deadline=None)
@given(DEPLOYMENTS)
def test_what_the_graph_finds_is_what_deciding_every_pair_finds(deployment: Deployment) -> None:
    found = graph(deployment)
    for caller in principals(deployment, found.functions):
        who = caller.identity
        hops_found = [*found.taken(who), *found.asks(who), *found.doors(who)]
        plainly = _plainly(found, deployment, who)
        if who is not ANY_CALLER and who.unread:  # whose own policies nobody knows: told are those that name them
            named = _open(hops_found)
            assert named.items() <= _open(plainly).items()
            continue
        assert _open(hops_found) == _open(plainly)


def _every_path(found: Graph, who: Identity, before: tuple[Hop, ...] = (), seen: tuple[str, ...] = ()) -> list[Any]:
    """Each way from somebody to a function or a server, by walking through all roles in every order."""
    doors = found.doors(who) if before else found.own_doors(who)
    ways: list[Any] = [(hop.to, through(before, hop.access).decision) for hop in doors]
    if everything(who):
        ways += [(it.arn, through(before, ALLOWED).decision) for it in found.behind]
    for hop in found.taken(who):
        role = found.role_after(hop)
        if role.arn not in (*seen, who.arn):
            ways += _every_path(found, role, (*before, hop), (*seen, who.arn))
    return ways


@settings(max_examples=200, deadline=None)
@given(DEPLOYMENTS)
def test_what_any_path_leads_to_has_a_row(deployment: Deployment) -> None:
    found = graph(deployment)
    callers = list(principals(deployment, found.functions))
    rows = list(bypasses(found, [], callers))
    for caller in callers:
        ways = _every_path(found, caller.identity)
        for function in found.behind:
            name = "*" if caller.identity is ANY_CALLER else caller.identity.arn
            told = {
                it.access.decision for it in rows if it.principal in (name, "*") and it.target in (function.arn, "*")
            }
            walked = {decision for to, decision in ways if to == function.arn} - {Access.DENY}
            assert bool(told) >= bool(walked)
            assert (Access.ALLOW in told) >= (Access.ALLOW in walked)
            own = {it.access.decision for it in rows if it.principal == name and it.target in (function.arn, "*")}
            assert bool(own) <= bool(walked)
