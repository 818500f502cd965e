from typing import Any

import pytest

from tests.policy.driver import UNKNOWN, Pack, Registration, rules
from tests.policy.making import ACCOUNT, AGENTCORE, GATEWAY

RULE = "lambda-permission-pinned"


def permission(principal: Any, **inputs: Any) -> Registration:
    props = {"action": "lambda:InvokeFunction", "function": "shop-math", "principal": principal, **inputs}
    return Registration("aws:lambda/permission:Permission", "gateway", props)


@pytest.mark.parametrize(
    "resource",
    [
        permission("*"),
        permission("*", sourceArn=GATEWAY, sourceAccount=ACCOUNT),
        permission(AGENTCORE),
        permission(AGENTCORE.upper()),
        permission(AGENTCORE, sourceArn="*"),
        permission(AGENTCORE, sourceArn="arn:aws:bedrock-agentcore:us-east-1:*:gateway/*"),
        permission(AGENTCORE, sourceAccount="*"),
    ],
    ids=lambda resource: str(resource.inputs),
)
def test_an_open_permission_violates(pack: Pack, resource: Registration) -> None:
    found = pack.analyze(resource)
    assert rules(found) == [RULE]
    assert found[0].level == "mandatory"
    assert 'Permission "gateway"' in found[0].message


@pytest.mark.parametrize(
    "resource",
    [
        permission(AGENTCORE, sourceArn=GATEWAY),
        permission(AGENTCORE, sourceAccount=ACCOUNT),
        permission(AGENTCORE, sourceArn=f"arn:aws:bedrock-agentcore:*:{ACCOUNT}:*"),
        permission(AGENTCORE, sourceArn=UNKNOWN),
        permission(AGENTCORE, sourceArn="*", sourceAccount=UNKNOWN),
        permission("events.amazonaws.com"),
        permission(f"arn:aws:iam::{ACCOUNT}:role/gateway"),
        permission("*", principalOrgId="o-abc"),
        permission(UNKNOWN),
    ],
    ids=lambda resource: str(resource.inputs),
)
def test_pinned_and_other_permissions_pass(pack: Pack, resource: Registration) -> None:
    assert pack.analyze(resource) == []
