"""Documents, principal, tool and arguments -> decision, row by row."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.access_difference import difference
from toolgate.access.output.explanation import explain
from toolgate.access.output.table import as_table

ACCOUNT, FOREIGN = "123456789012", "999999999999"
INVOKE = "bedrock-agentcore:InvokeGateway"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
ENTITY = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller"
STRANGER = f"arn:aws:iam::{FOREIGN}:role/stranger"
ADD, REPEAT, TAG = "math___add", "math___repeat", "math___tag"


def _allow(resource: Any = GATEWAY, action: Any = INVOKE, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _deny(**more: Any) -> dict[str, Any]:
    return {**_allow(), "Effect": "Deny", **more}


def _written(statement: Any) -> tuple[str, str, dict[str, Any]]:
    """A policy in the agent's role, whoever made that."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return "aws:iam/rolePolicy:RolePolicy", "written", {"role": "caller", "name": "written", "policy": policy}


def _to(*arns: str) -> dict[str, Any]:
    return {"Principal": {"AWS": list(arns)}}


def _if(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def _cedar(effect: str = "permit", tool: str = ADD, who: str = ENTITY, when: str = "", gateway: str = GATEWAY) -> str:
    action = f'action == AgentCore::Action::"{tool}"'
    principal = f'principal == AgentCore::IamEntity::"{who}"'
    return f'{effect}({principal}, {action}, resource == AgentCore::Gateway::"{gateway}"){when};'


def _when(condition: str) -> str:
    return f" when {{ {condition} }}"


IN = {"identity": [_allow()]}
OFFICE = _if("IpAddress", "aws:SourceIp", "203.0.113.0/24")
LESS = _when('context.input.a.lessThan(decimal("100.0"))')
AT_MOST = _when("context.input.times <= 3")
LIKE = "permit(principal is AgentCore::IamEntity, action, resource is AgentCore::Gateway)" + _when(
    f'principal.id like "arn:aws:sts::{ACCOUNT}:assumed-role/call*"'
)
GROUP = (
    f'permit(principal == AgentCore::IamEntity::"{ENTITY}", action in AgentCore::Action::"math",'
    f' resource == AgentCore::Gateway::"{GATEWAY}");'
)
NINE_TO_FIVE = _when('context.system.now.toTime() < duration("17h")')
FORBID_ALL = "forbid(principal, action, resource is AgentCore::Gateway)"

Row = tuple[Mapping[str, Any], str, Mapping[str, Any] | None, str]

ROWS: dict[str, Row] = {
    # inbound: identity policies, boundary
    "nothing granted": ({}, ADD, None, "deny"),
    "granted": (IN, ADD, None, "allow"),
    "another gateway granted": ({"identity": [_allow(GATEWAY.replace("tools", "other"))]}, ADD, None, "deny"),
    "another action granted": (
        {"identity": [_allow(action="bedrock-agentcore:InvokeAgentRuntime")]},
        ADD,
        None,
        "deny",
    ),
    "all gateways by wildcard": ({"identity": [_allow(GATEWAY[:-20] + "*")]}, ADD, None, "allow"),
    "everything": ({"identity": [_allow("*", "*")]}, ADD, None, "allow"),
    "a deny of ARNs that would have to match across colons": (
        {"identity": [_allow(), _deny(**_if("ArnLike", "aws:PrincipalArn", "arn:aws:iam:*role/agents/caller"))]},
        ADD,
        None,
        "allow",
    ),
    "a grant to ARNs that would have to match across colons": (
        {"identity": [_allow(**_if("ArnEquals", "aws:PrincipalArn", "arn:*:role/agents/caller"))]},
        ADD,
        None,
        "deny",
    ),
    "explicit deny beside the grant": ({"identity": [_allow(), _deny()]}, ADD, None, "deny"),
    "deny of everything but some action": (
        {"identity": [_allow(), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}]},
        ADD,
        None,
        "deny",
    ),
    "granted from the office": ({"identity": [_allow(**OFFICE)]}, ADD, None, "conditional"),
    "a policy variable": (
        {"identity": [_allow(GATEWAY.replace("tools", "${aws:PrincipalTag/team}"))]},
        ADD,
        None,
        "undecided",
    ),
    "a policy variable that a role does not have": (
        {"identity": [_allow(GATEWAY.replace("tools", "${aws:username}"))]},
        ADD,
        None,
        "deny",
    ),
    "boundary allows": ({**IN, "boundary": [_allow("*", "bedrock-agentcore:*")]}, ADD, None, "allow"),
    "boundary leaves it out": ({**IN, "boundary": [_allow("*", "s3:*")]}, ADD, None, "deny"),
    "boundary denies": ({**IN, "boundary": [_allow("*", "*"), _deny()]}, ADD, None, "deny"),
    "boundary alone grants nothing": ({"boundary": [_allow("*", "*")]}, ADD, None, "deny"),
    "role not in the deployment": ({"role": None}, ADD, None, "undecided"),
    "written into a role that others made": ({"role": None, "more": [_written(_allow())]}, ADD, None, "undecided"),
    "denied in a role that others made": ({"role": None, "more": [_written(_deny())]}, ADD, None, "deny"),
    "a role that others made, permitted": (
        {"role": None, "more": [_written(_allow())], "cedar": {"p": _cedar()}},
        ADD,
        None,
        "undecided",
    ),
    "a role that others made, not permitted": (
        {"role": None, "more": [_written(_allow())], "cedar": {"p": _cedar()}},
        REPEAT,
        None,
        "deny",
    ),
    # resource policies within the account
    "resource policy names the role": ({"resource": [_allow(**_to(ROLE))]}, ADD, None, "allow"),
    "resource policy names another role": ({"resource": [_allow(**_to(ROLE + "2"))]}, ADD, None, "deny"),
    "resource policy names the session": (
        {"resource": [_allow(**_to(f"{ENTITY}/one"))]},
        ADD,
        None,
        "conditional",
    ),
    "naming the account grants nothing": ({"resource": [_allow(**_to(ACCOUNT))]}, ADD, None, "deny"),
    "naming the account lets identity policies count": (
        {**IN, "resource": [_allow(**_to(f"arn:aws:iam::{ACCOUNT}:root"))]},
        ADD,
        None,
        "allow",
    ),
    "an Allow of others restricts nobody": ({**IN, "resource": [_allow(**_to(ROLE + "2"))]}, ADD, None, "allow"),
    "resource policy denies everybody": ({**IN, "resource": [_deny(Principal="*")]}, ADD, None, "deny"),
    "deny everybody except the role": (
        {**IN, "resource": [_deny(Principal="*", **_if("ArnNotEquals", "aws:PrincipalArn", [ROLE, ROLE + "2"]))]},
        ADD,
        None,
        "allow",
    ),
    "deny everybody except another": (
        {**IN, "resource": [_deny(Principal="*", **_if("ArnNotEquals", "aws:PrincipalArn", ROLE + "2"))]},
        ADD,
        None,
        "deny",
    ),
    "resource policy allows from the office": (
        {"resource": [_allow(Principal="*", **OFFICE)]},
        ADD,
        None,
        "conditional",
    ),
    "a sure identity policy beside it": ({**IN, "resource": [_allow(Principal="*", **OFFICE)]}, ADD, None, "allow"),
    "the boundary limits a grant to the role": (
        {"resource": [_allow(**_to(ROLE))], "boundary": [_allow("*", "s3:*")]},
        ADD,
        None,
        "deny",
    ),
    "the boundary does not limit a grant to everybody": (
        {"resource": [_allow(Principal="*")], "boundary": [_allow("*", "s3:*")]},
        ADD,
        None,
        "allow",
    ),
    "NotPrincipal spares what it lists, and what that means for a role is unclear": (
        {**IN, "resource": [{"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": INVOKE, "Resource": GATEWAY}]},
        ADD,
        None,
        "undecided",
    ),
    "NotPrincipal denies everybody else": (
        {
            **IN,
            "resource": [{"Effect": "Deny", "NotPrincipal": {"AWS": STRANGER}, "Action": INVOKE, "Resource": GATEWAY}],
        },
        ADD,
        None,
        "deny",
    ),
    # across accounts: both sides
    "foreign role, identity policy only": ({**IN, "role": STRANGER}, ADD, None, "deny"),
    "foreign role, resource policy only": (
        {"role": STRANGER, "resource": [_allow(**_to(STRANGER))]},
        ADD,
        None,
        "deny",
    ),
    "foreign role, both": ({**IN, "role": STRANGER, "resource": [_allow(**_to(STRANGER))]}, ADD, None, "allow"),
    "foreign role, its account is named": (
        {**IN, "role": STRANGER, "resource": [_allow(**_to(FOREIGN))]},
        ADD,
        None,
        "allow",
    ),
    "foreign role, both and a deny": (
        {**IN, "role": STRANGER, "resource": [_allow(**_to(STRANGER)), _deny(Principal="*")]},
        ADD,
        None,
        "deny",
    ),
    # authorizers and interceptors
    "NONE lets everybody in": ({"gateway": {"authorizerType": "NONE"}}, ADD, None, "allow"),
    "AUTHENTICATE_ONLY lets everybody in": ({"gateway": {"authorizerType": "AUTHENTICATE_ONLY"}}, ADD, None, "allow"),
    "NONE with an engine": ({"gateway": {"authorizerType": "NONE"}, "cedar": {"p": GROUP}}, ADD, None, "undecided"),
    "CUSTOM_JWT": ({**IN, "gateway": {"authorizerType": "CUSTOM_JWT"}}, ADD, None, "undecided"),
    "an interceptor": ({**IN, "gateway": {"interceptorConfigurations": [{}]}}, ADD, None, "conditional"),
    # Cedar
    "an engine without policies": ({**IN, "cedar": {}}, ADD, None, "deny"),
    "an engine that is not there": ({**IN, "cedar": {}, "engine": False}, ADD, None, "undecided"),
    "an engine that only logs": ({**IN, "cedar": {}, "mode": "LOG_ONLY"}, ADD, None, "allow"),
    "an engine that only logs forbids nothing": (
        {**IN, "cedar": {"f": FORBID_ALL + ";"}, "mode": "LOG_ONLY"},
        ADD,
        None,
        "allow",
    ),
    "permitted": ({**IN, "cedar": {"p": _cedar()}}, ADD, None, "allow"),
    "permitted but not let in": ({"cedar": {"p": _cedar()}}, ADD, None, "deny"),
    "another tool permitted": ({**IN, "cedar": {"p": _cedar()}}, REPEAT, None, "deny"),
    "another role permitted": ({**IN, "cedar": {"p": _cedar(who=ENTITY + "2")}}, ADD, None, "deny"),
    "the id is no role's ARN": ({**IN, "cedar": {"p": _cedar(who=ROLE)}}, ADD, None, "deny"),
    "the id has no session": ({**IN, "cedar": {"p": _cedar(who=ENTITY + "/one")}}, ADD, None, "deny"),
    "two underscores are another action": ({**IN, "cedar": {"p": _cedar(tool="math__add")}}, ADD, None, "deny"),
    "another gateway of the engine": (
        {**IN, "cedar": {"p": _cedar(gateway=GATEWAY.replace("tools", "other"))}},
        ADD,
        None,
        "deny",
    ),
    "a target's group": ({**IN, "cedar": {"p": GROUP}}, TAG, None, "allow"),
    "forbid over permit": ({**IN, "cedar": {"p": GROUP, "f": _cedar("forbid")}}, ADD, None, "deny"),
    "forbid of another tool": ({**IN, "cedar": {"p": GROUP, "f": _cedar("forbid")}}, REPEAT, None, "allow"),
    "by the id's pattern": ({**IN, "cedar": {"p": LIKE + ";"}}, ADD, None, "allow"),
    "not by another pattern": ({**IN, "cedar": {"p": LIKE.replace("call*", "other*") + ";"}}, ADD, None, "deny"),
    "a user's policy says nothing of roles": (
        {**IN, "cedar": {"p": _cedar().replace("IamEntity", "OAuthUser")}},
        ADD,
        None,
        "deny",
    ),
    "what is not Cedar": ({**IN, "cedar": {"p": _cedar(), "x": "permit everybody"}}, ADD, None, "undecided"),
    "what is not Cedar beside a sure forbid": (
        {**IN, "cedar": {"p": _cedar(), "f": FORBID_ALL + ";", "x": "permit everybody"}},
        ADD,
        None,
        "deny",
    ),
    "not let in for certain, Cedar or not": ({"cedar": {"x": "permit everybody"}}, ADD, None, "deny"),
    "both locks conditional": (
        {"identity": [_allow(**OFFICE)], "cedar": {"p": _cedar(when=LESS)}},
        ADD,
        None,
        "conditional",
    ),
    "one lock conditional, the other not readable": (
        {"identity": [_allow(**OFFICE)], "cedar": {"x": "permit everybody"}},
        ADD,
        None,
        "undecided",
    ),
    "one lock conditional, the other shut": ({"identity": [_allow(**OFFICE)], "cedar": {}}, ADD, None, "deny"),
    # arguments
    "a bound on an argument that is not known": ({**IN, "cedar": {"p": _cedar(when=LESS)}}, ADD, None, "conditional"),
    "below the bound": ({**IN, "cedar": {"p": _cedar(when=LESS)}}, ADD, {"a": 99.9999}, "allow"),
    "at the bound": ({**IN, "cedar": {"p": _cedar(when=LESS)}}, ADD, {"a": 100}, "deny"),
    "rounded to the bound": ({**IN, "cedar": {"p": _cedar(when=LESS)}}, ADD, {"a": 99.99996}, "deny"),
    "above the bound": ({**IN, "cedar": {"p": _cedar(when=LESS)}}, ADD, {"a": 1e9}, "deny"),
    "far below the bound": ({**IN, "cedar": {"p": _cedar(when=LESS)}}, ADD, {"a": -1e9}, "allow"),
    "beyond what Cedar can count": ({**IN, "cedar": {"p": _cedar()}}, ADD, {"a": 1e300}, "deny"),
    "an integer at its bound": (
        {**IN, "cedar": {"p": _cedar(tool=REPEAT, when=AT_MOST)}},
        REPEAT,
        {"text": "x", "times": 3},
        "allow",
    ),
    "an integer over its bound": (
        {**IN, "cedar": {"p": _cedar(tool=REPEAT, when=AT_MOST)}},
        REPEAT,
        {"text": "x", "times": 4},
        "deny",
    ),
    "a text instead of a number": ({**IN, "cedar": {"p": _cedar()}}, ADD, {"a": "1"}, "deny"),
    "a missing argument": ({**IN, "cedar": {"p": _cedar()}}, ADD, {}, "deny"),
    "an argument that the tool has not": ({**IN, "cedar": {"p": _cedar()}}, ADD, {"a": 1, "x": 1}, "deny"),
    "forbidden with an optional argument": (
        {**IN, "cedar": {"p": GROUP, "f": FORBID_ALL + _when("context.input has b") + ";"}},
        ADD,
        {"a": 1, "b": 1},
        "deny",
    ),
    "allowed without it": (
        {**IN, "cedar": {"p": GROUP, "f": FORBID_ALL + _when("context.input has b") + ";"}},
        ADD,
        {"a": 1},
        "allow",
    ),
    "a text's pattern": (
        {**IN, "cedar": {"p": _cedar(tool=REPEAT, when=_when('context.input.text like "ok*"'))}},
        REPEAT,
        {"text": "okay", "times": 1},
        "allow",
    ),
    "a set that holds it": (
        {**IN, "cedar": {"p": _cedar(tool=TAG, when=_when('context.input.labels.contains("safe")'))}},
        TAG,
        {"labels": ["new", "safe"]},
        "allow",
    ),
    "a set that does not": (
        {**IN, "cedar": {"p": _cedar(tool=TAG, when=_when('context.input.labels.contains("safe")'))}},
        TAG,
        {"labels": []},
        "deny",
    ),
    "a condition on the time": ({**IN, "cedar": {"p": _cedar(when=NINE_TO_FIVE)}}, ADD, {"a": 1}, "conditional"),
    "a time that cannot help": (
        {**IN, "cedar": {"p": _cedar(when=NINE_TO_FIVE), "f": _cedar("forbid")}},
        ADD,
        {"a": 1},
        "deny",
    ),
    "a condition that asks for nothing": (
        {**IN, "cedar": {"p": _cedar(when=_when("true || context.input.a == context.input.a"))}},
        ADD,
        None,
        "allow",
    ),
    "the office, with arguments": (
        {"identity": [_allow(**OFFICE)], "cedar": {"p": _cedar(when=LESS)}},
        ADD,
        {"a": 1},
        "conditional",
    ),
}


@pytest.mark.parametrize(("documents", "tool", "arguments", "decision"), ROWS.values(), ids=ROWS.keys())
def test_the_agents_calls(
    case: Callable[..., Any],
    documents: Mapping[str, Any],
    tool: str,
    arguments: Mapping[str, Any] | None,
    decision: str,
) -> None:
    deployment = parse(case(**documents).export())
    told = explain(deployment, "caller", tool, arguments)
    assert told.split(":")[0] == decision
    if arguments is None:
        (entry,) = (e for e in matrix(deployment).entries if e.tool == tool and e.agent == "caller")
        assert entry.decision == decision
        assert bool(entry.conditions) is (decision == "conditional")


def test_a_plan_that_names_the_real_account_of_a_role_that_others_made_is_no_denial(case: Callable[..., Any]) -> None:
    real = ROLE.replace(ACCOUNT, FOREIGN)
    export = case(role=None, more=[_written(_allow())]).export()
    runtime = next(it for it in export["deployment"]["resources"] if it["type"].endswith(":AgentcoreAgentRuntime"))
    runtime["inputs"]["roleArn"] = runtime["outputs"]["roleArn"] = real
    found = matrix(parse(export))
    assert {(it.principal, it.decision) for it in found.entries} == {(real, "undecided")}
    assert found.unsupported == (
        f"AgentcoreAgentRuntime 'caller': its role {real} is not in the deployment; AgentcoreGateway 'tools' is "
        "allowed, unless its permissions boundary or another policy of its denies it",
    )


ELSEWHERE = f"arn:aws:bedrock-agentcore:us-east-1:{FOREIGN}:gateway/shared-abcdefghij"


@pytest.mark.parametrize("documents", [{}, {"role": None}])
def test_a_grant_on_a_gateway_that_is_not_in_the_deployment_does_not_go_unseen(
    case: Callable[..., Any], documents: Any
) -> None:
    given = {"identity": [_allow([GATEWAY, ELSEWHERE])]} if not documents else {"more": [_written(_allow(ELSEWHERE))]}
    found = matrix(parse(case(**documents, **given).export()))
    [entry] = [it for it in found.entries if it.gateway == ELSEWHERE]
    assert (entry.principal, entry.agent, entry.tool, entry.decision) == (ROLE, "caller", "*", "undecided")
    told = f"caller: may invoke {ELSEWHERE}; what that gateway's own policies say is not in the deployment"
    assert told in found.unsupported
    assert ELSEWHERE in as_table(found)
    assert difference(matrix(parse(case(**documents).export())), found).gains


_AWS = "arn:aws:bedrock-agentcore"
LISTED = [GATEWAY, f"{_AWS}:us-east-1:{ACCOUNT}:gateway/*"]


@pytest.mark.parametrize(
    ("statements", "wide"),
    [
        ([_allow("*")], ['on "*"']),
        ([_allow(f"{_AWS}:us-east-1:{ACCOUNT}:gateway/*")], [f'on "{_AWS}:us-east-1:{ACCOUNT}:gateway/*"']),
        ([_allow(LISTED)], [f'on "{LISTED[1]}"']),
        ([_allow(GATEWAY[:-10] + "?" * 10)], [f'on "{GATEWAY[:-10]}??????????"']),
        ([_allow(f"{_AWS}:*:*:gateway/x-abcdefghij")], [f'on "{_AWS}:*:*:gateway/x-abcdefghij"']),
        ([_allow(_AWS)], [f'on "{_AWS}"']),
        ([_allow("*", "*"), _allow(f"{_AWS}:*")], ['on "*"', f'on "{_AWS}:*"']),
        ([{"Effect": "Allow", "Action": INVOKE, "NotResource": GATEWAY}], ["on everything but its NotResource"]),
        ([_allow("*"), _deny()], ['on "*"']),
        ([_allow("*"), _deny(Resource="*", **OFFICE)], ['on "*"']),
    ],
)
def test_a_wildcard_that_reaches_gateways_that_nobody_lists_is_one_line(
    case: Callable[..., Any], statements: list[dict[str, Any]], wide: list[str]
) -> None:
    told = f"caller: may also invoke gateways that are not in the deployment: {'; '.join(wide)}"
    assert matrix(parse(case(identity=statements).export())).unsupported == (told,)


@pytest.mark.parametrize(
    "documents",
    [
        {"identity": [_allow()]},
        {"identity": [_allow("*"), _deny(Resource="*")]},
        {"identity": [_allow("*"), {"Effect": "Deny", "Action": INVOKE, "NotResource": [GATEWAY]}]},
        {"identity": [_allow("*")], "boundary": [_allow()]},
        {"identity": [_allow("*", "s3:*")]},
        {"identity": [_allow(f"{_AWS}:us-east-1:{ACCOUNT}:runtime/*")]},
        {"identity": [_allow("arn:aws:s3:::*", "*")]},
        {"identity": [_deny(Resource="*")]},
    ],
)
def test_what_reaches_no_gateway_that_nobody_lists_is_no_line(case: Callable[..., Any], documents: Any) -> None:
    assert matrix(parse(case(**documents).export())).unsupported == ()


@pytest.mark.parametrize(
    "statements",
    [
        [_allow(ELSEWHERE), _deny(Resource="*")],
        [_allow(ELSEWHERE.replace("gateway/", "runtime/"))],
        [_allow(ELSEWHERE, "bedrock-agentcore:GetGateway")],
        [_deny(Resource=ELSEWHERE)],
    ],
)
def test_what_is_no_grant_on_a_gateway_elsewhere_is_none(case: Callable[..., Any], statements: Any) -> None:
    found = matrix(parse(case(identity=statements).export()))
    assert {it.gateway for it in found.entries} == {GATEWAY}
    assert found.unsupported == ()
