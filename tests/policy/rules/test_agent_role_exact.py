from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, FUNCTION, document, statement
from tests.policy.test_innocent import FOR_AGENTCORE

RULE = "agent-role-exact"
ROLE = making.role(name="agent")
RUNTIME = Registration(
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "assistant", {"roleArn": ROLE.outputs["arn"]}
)


def run(pack: Pack, *entries: Any, of: str = "agent") -> list[Violation]:
    policy = making.role_policy(document(*entries), of=of)
    return [it for it in pack.run([ROLE, policy, making.gateway(), RUNTIME]) if it.rule != "logs-delivered"]


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (statement("s3:*", "*"), '"s3:*" on "*"'),
        (statement(["s3:Get*", "sqs:SendMessage"], "arn:aws:s3:::*"), '"s3:Get*" on "arn:aws:s3:::*"'),
        (statement("dynamodb:*", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/*"), "table/*"),
        (statement("ssm:*", "*", Condition={"Bool": {"aws:SecureTransport": "true"}}), '"ssm:*" on "*"'),
        ({"Effect": "Allow", "Action": "sqs:*", "NotResource": "arn:aws:s3:::*"}, "but its NotResource"),
        ({"Effect": "Allow", "Action": "sqs:*"}, "no Resource is given"),
    ],
    ids=str,
)
def test_a_whole_service_on_everything_is_reported(pack: Pack, entry: Any, what: str) -> None:
    (violation,) = run(pack, statement("s3:GetObject", "arn:aws:s3:::shop/*"), entry)
    assert (violation.rule, violation.level) == (RULE, "advisory")
    assert 'allows AgentcoreAgentRuntime "assistant"' in violation.message
    assert what in violation.message
    assert "Statement[1]" in violation.message


@pytest.mark.parametrize(
    "entry",
    [
        statement("*", "*"),
        statement("lambda:*", "*"),
        statement("bedrock:*", "*"),
        statement(["iam:*", "s3:*"], "*"),
        statement("bedrock-agentcore:*", "*"),
        statement(["s3:*", "bedrock-agentcore:InvokeAgentRuntime"], "*"),
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
    ],
    ids=str,
)
def test_what_another_rule_reports_is_not_reported_twice(pack: Pack, entry: Any) -> None:
    found = run(pack, entry)
    assert found
    assert RULE not in {it.rule for it in found}


@pytest.mark.parametrize("entry", FOR_AGENTCORE.values(), ids=FOR_AGENTCORE.keys())
def test_what_aws_documents_for_agents_is_in_order(pack: Pack, entry: Any) -> None:
    assert run(pack, entry) == []


@pytest.mark.parametrize(
    "entry",
    [
        statement("s3:*", ["arn:aws:s3:::shop", "arn:aws:s3:::shop/*"]),
        statement("dynamodb:*", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders"),
        statement("s3:*", f"arn:aws:s3:::{UNKNOWN}*"),
        statement("s3:*", UNKNOWN),
        statement("bedrock-agentcore:Get*", "*"),
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
    ],
    ids=str,
)
def test_what_is_named_passes(pack: Pack, entry: Any) -> None:
    assert RULE not in {it.rule for it in run(pack, entry)}


def test_other_roles_are_not_agents(pack: Pack) -> None:
    assert run(pack, statement("s3:*", "*"), of="x") == []


@pytest.mark.parametrize("managed", ["AmazonS3FullAccess", "AmazonDynamoDBFullAccess", "SecretsManagerReadWrite"])
def test_managed_policies_of_a_whole_service(pack: Pack, managed: str) -> None:
    arn = f"arn:aws:iam::aws:policy/{managed}"
    kind = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    attachment = Registration(kind, "whole", {"role": "agent", "policyArn": arn})
    assert [it.rule for it in pack.run([ROLE, attachment, RUNTIME]) if it.urn == attachment.urn] == [RULE]
    tool = making.role(name="math", trusted="lambda.amazonaws.com")
    kind = "aws:lambda/function:Function"
    function = Registration(kind, "math", {"name": "shop-math", "role": tool.outputs["arn"]}, {"arn": FUNCTION})
    attachment = Registration(attachment.type, "whole", {"role": "math", "policyArn": arn})
    found = pack.run([tool, attachment, function, making.target()])
    assert [it.rule for it in found if it.urn == attachment.urn] == ["tool-role-exact"]


def test_what_our_component_writes_has_its_reason_there(pack: Pack) -> None:
    written = {"actions": ["s3:List*"], "resources": ["*"], "reason": "It lists what there is."}
    component = Registration("toolgate:index:AgentRuntime", "helper", {"statements": [written]})
    policy = Registration(
        "aws:iam/rolePolicy:RolePolicy",
        "statements",
        {"role": "agent", "policy": document(statement("s3:List*", "*"))},
        {},
        component.urn,
    )
    found = pack.run([component, ROLE, policy, RUNTIME])
    assert {it.rule for it in found} <= {"logs-delivered"}
