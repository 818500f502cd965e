from typing import Any

import pytest

from tests.policy.driver import UNKNOWN, Pack, Registration, rules
from tests.policy.making import ACCOUNT, GATEWAY, document

RULE = "resource-policy-private"
INVOKE = "bedrock-agentcore:InvokeGateway"
AGENT = f"arn:aws:iam::{ACCOUNT}:role/agent"


def resource_policy(policy: Any) -> Registration:
    kind = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
    return Registration(kind, "tools", {"resourceArn": GATEWAY, "policy": policy})


def allow(principal: Any, condition: Any = None, effect: str = "Allow") -> dict[str, Any]:
    entry = {"Effect": effect, "Principal": principal, "Action": INVOKE, "Resource": GATEWAY}
    return entry if condition is None else {**entry, "Condition": condition}


@pytest.mark.parametrize(
    "principal", ["*", {"AWS": "*"}, {"AWS": [AGENT, "*"]}, {"Service": "*"}, {"AWS": "arn:aws:iam::*:root"}], ids=str
)
def test_everybody_violates(pack: Pack, principal: Any) -> None:
    found = pack.analyze(resource_policy(document(allow(principal))))
    assert rules(found) == [RULE]
    assert found[0].level == "mandatory"
    assert "Statement[0]" in found[0].message


def test_a_memory_s_is_judged_as_well(pack: Pack) -> None:
    memory = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory/shop-abcdefghij"
    kind = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"

    def found(principal: Any) -> list[str]:
        entry = {**allow(principal), "Action": "bedrock-agentcore:ListEvents", "Resource": memory}
        return rules(pack.analyze(Registration(kind, "shop", {"resourceArn": memory, "policy": document(entry)})))

    assert (found("*"), found({"AWS": AGENT})) == ([RULE], [])


def test_everybody_but_some_violates(pack: Pack) -> None:
    entry = {"Effect": "Allow", "NotPrincipal": {"AWS": AGENT}, "Action": INVOKE, "Resource": GATEWAY}
    assert rules(pack.analyze(resource_policy(document(entry)))) == [RULE]


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringLike": {"aws:PrincipalArn": "*"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/agent"}},
        # Compared as text, the path of another account's role can hold `:123456789012:role/`.
        {"StringLike": {"aws:PrincipalArn": f"arn:*:iam:*:{ACCOUNT}:role/*"}},
        {"StringLike": {"aws:PrincipalArn": [AGENT, f"arn:aws:*:{ACCOUNT}:role/*"]}},
        {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam:?{ACCOUNT}:role/*"}},
        {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}},
        {"ForAllValues:StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
        {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
        {"StringEquals": {"aws:PrincipalAccount": []}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "*"}},
    ],
    ids=str,
)
def test_a_condition_that_pins_nobody_does_not_help(pack: Pack, condition: Any) -> None:
    assert rules(pack.analyze(resource_policy(document(allow("*", condition))))) == [RULE]


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnEquals": {"aws:PrincipalArn": AGENT}},
        {"ArnLike": {"aws:principalarn": f"arn:aws:iam::{ACCOUNT}:role/shop-*"}},
        {"ArnLike": {"aws:PrincipalArn": f"arn:*:iam:*:{ACCOUNT}:role/*"}},
        {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
        {"StringEquals": {"aws:PrincipalAccount": [ACCOUNT, "999999999999"]}},
        {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc/r-1/*"}},
        {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        {"StringEquals": {"bedrock-agentcore:InboundJwtClaim/client_id": "agent"}},
    ],
    ids=str,
)
def test_a_condition_that_pins_the_principal_passes(pack: Pack, condition: Any) -> None:
    assert pack.analyze(resource_policy(document(allow("*", condition)))) == []


@pytest.mark.parametrize(
    "policy",
    [
        document(allow({"AWS": AGENT}), allow("*", {"ArnNotEquals": {"aws:PrincipalArn": AGENT}}, effect="Deny")),
        document(allow({"AWS": ACCOUNT})),
        document(allow({"Service": "bedrock-agentcore.amazonaws.com"})),
        UNKNOWN,
    ],
)
def test_named_principals_pass(pack: Pack, policy: str) -> None:
    assert pack.analyze(resource_policy(policy)) == []


def test_a_broken_document_says_so(pack: Pack) -> None:
    (found,) = pack.analyze(resource_policy("{"))
    assert (found.rule, found.level) == (RULE, "mandatory")
    assert "is not JSON" in found.message
