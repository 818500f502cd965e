import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.access.servers import MAY_DECIDE, document
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Access, matrix

Add = Callable[..., None]
Find = Callable[..., dict[str, Any]]
TOOLS = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/handmade-tools-abcdefghij"
OTHER = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/handmade-other-abcdefghij"
DENIED_ONE_ONLY = 'denied-role: may also invoke gateways that are not in the deployment: on "*"'


def _decisions(export: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(e.gateway, e.tool): str(e.decision) for e in matrix(parse(export)).entries if e.agent == "assistant"}


def _grant(resource: Find, statement: dict[str, Any]) -> None:
    entry = resource("RolePolicy", "assistant-tools")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    entry["inputs"]["policy"] = entry["outputs"]["policy"] = policy


def test_an_agent_may_call_the_tools_of_the_gateway_it_was_granted_and_no_others(handmade: dict[str, Any]) -> None:
    assert _decisions(handmade) == {
        (TOOLS, "math___add_numbers"): "allow",
        (TOOLS, "math___multiply_numbers"): "allow",
        (TOOLS, "math___greeting"): "allow",
        (TOOLS, "math___context"): "allow",
        (OTHER, "math___add_numbers"): "deny",
    }
    assert matrix(parse(handmade)).unsupported == (DENIED_ONE_ONLY,)


def test_an_entry_in_json(handmade: dict[str, Any]) -> None:
    told = json.loads(matrix(parse(handmade)).as_json())
    assert told["unsupported"] == [DENIED_ONE_ONLY]
    assert told["entries"][0] == {
        "principal": "arn:aws:iam::123456789012:role/agents/assistant-role",
        "agent": "assistant",
        "gateway": TOOLS,
        "tool": "math___add_numbers",
        "decision": "allow",
        "conditions": [],
    }


INVOKE = "bedrock-agentcore:InvokeGateway"


@pytest.mark.parametrize(
    ("statement", "tools", "other"),
    [
        ({"Effect": "Allow", "Action": INVOKE, "Resource": OTHER}, "deny", "allow"),
        ({"Effect": "Allow", "Action": INVOKE, "Resource": "*"}, "allow", "allow"),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, "deny", "deny"),
        (
            {
                "Effect": "Allow",
                "Action": INVOKE,
                "Resource": TOOLS,
                "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
            },
            "conditional",
            "deny",
        ),
        (
            {"Effect": "Allow", "Action": INVOKE, "Resource": TOOLS.replace("tools", "${aws:PrincipalTag/t}")},
            "undecided",
            "undecided",
        ),
    ],
)
def test_the_grant_decides(
    handmade: dict[str, Any], resource: Find, statement: dict[str, Any], tools: str, other: str
) -> None:
    _grant(resource, statement)
    decisions = _decisions(handmade)
    assert decisions[TOOLS, "math___greeting"] == tools
    assert decisions[OTHER, "math___add_numbers"] == other


def test_a_condition_is_told_as_the_policy_writes_it(handmade: dict[str, Any], resource: Find) -> None:
    condition = {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.0/24"]}}
    _grant(resource, {"Effect": "Allow", "Action": INVOKE, "Resource": TOOLS, "Condition": condition})
    entry = next(matrix(parse(handmade)).entries)
    assert entry.decision is Access.CONDITIONAL
    assert entry.conditions == ("Allow if IpAddress aws:SourceIp 10.0.0.0/8, 192.0.2.0/24",)


def _service(add: Add) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": INVOKE, "Resource": TOOLS}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    add("aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", "rp", {"resourceArn": TOOLS, "policy": policy})


def _set(**properties: Any) -> Callable[[Add, Find], None]:
    def change(_add: Add, find: Find) -> None:
        entry = find("AgentcoreGateway", "tools")
        entry["inputs"] |= properties
        entry["outputs"] |= properties

    return change


def _attach(add: Add, _find: Find) -> None:
    managed = {"role": "assistant-role", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    add("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", managed)


def _variable(_add: Add, find: Find) -> None:
    _grant(find, {"Effect": "Allow", "Action": INVOKE, "Resource": f"{TOOLS[:-3]}${{aws:x}}"})


def _foreign_role(_add: Add, find: Find) -> None:
    entry = find("AgentcoreAgentRuntime", "assistant")
    entry["inputs"]["roleArn"] = entry["outputs"]["roleArn"] = "arn:aws:iam::123456789012:role/elsewhere"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_set(policyEngineConfiguration={"arn": "a", "mode": "ENFORCE"}), "policy engine"),
        (_set(authorizerType="CUSTOM_JWT"), "CUSTOM_JWT"),
        (_set(authorizerType="NONE", policyEngineConfiguration={"arn": "a", "mode": "ENFORCE"}), "NONE"),
        (_attach, "AdministratorAccess"),
        (_variable, "policy variable"),
        (_foreign_role, "role/elsewhere is not in the deployment"),
    ],
)
def test_what_cannot_be_judged_is_undecided_and_named(
    handmade: dict[str, Any], add: Add, resource: Find, change: Callable[[Add, Find], None], says: str
) -> None:
    change(add, resource)
    may = {"role": "tools-role", "name": "asks-engine", "policy": document(MAY_DECIDE)}
    add("aws:iam/rolePolicy:RolePolicy", "asks-engine", may)
    found = matrix(parse(handmade))
    assert {e.decision for e in found.entries if e.gateway == TOOLS and e.agent == "assistant"} == {Access.UNDECIDED}
    assert any(says in reason for reason in found.unsupported)


def test_an_explicit_deny_stands_whatever_else_there_is(handmade: dict[str, Any], add: Add, resource: Find) -> None:
    _grant(resource, {"Effect": "Deny", "Action": "*", "Resource": "*"})
    _service(add)
    _set(policyEngineConfiguration={"arn": "a", "mode": "ENFORCE"}, interceptorConfigurations=[{}])(add, resource)
    assert set(_decisions(handmade).values()) == {"deny"}


def test_principals_that_are_no_aws_principals_are_named_and_not_judged(handmade: dict[str, Any], add: Add) -> None:
    _service(add)
    assert matrix(parse(handmade)).unsupported == (
        "AgentcoreGateway 'tools': resource policy 'rp' (statement 1) allows Service x.amazonaws.com; not judged",
        DENIED_ONE_ONLY,
    )


def test_a_role_that_agentcore_may_not_assume_is_named(handmade: dict[str, Any], resource: Find) -> None:
    trust = {"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "*"}}
    role = resource("Role", "assistant-role")
    role["inputs"]["assumeRolePolicy"] = role["outputs"]["assumeRolePolicy"] = json.dumps(trust)
    reason, _ = matrix(parse(handmade)).unsupported
    assert "'assistant'" in reason
    assert "does not name bedrock-agentcore.amazonaws.com" in reason


def test_a_target_whose_tools_are_not_listed_is_named(handmade: dict[str, Any], resource: Find) -> None:
    entry = resource("AgentcoreGatewayTarget", "other-math")
    for properties in (entry["inputs"], entry["outputs"]):
        properties["targetConfiguration"] = {"mcp": {"mcpServer": {"endpoint": "https://example.com/mcp"}}}
    found = matrix(parse(handmade))
    others = {(e.agent, e.tool, str(e.decision)) for e in found.entries if e.gateway == OTHER}
    assert others == {("assistant", "math___*", "deny"), (None, "math___*", "allow")}
    assert found.unsupported == (
        "AgentcoreGatewayTarget 'other-math': the deployment does not list its tools (mcp.mcpServer)",
        DENIED_ONE_ONLY,
    )
