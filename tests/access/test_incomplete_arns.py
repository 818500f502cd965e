"""An ARN with fewer than six fields means every resource that it can become: IAM fills up what is missing.

Source: IAM user guide, "IAM JSON policy elements: Resource", on ARNs with fewer than the standard six fields.
"""

from collections.abc import Callable
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.policies import Policy
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.access_difference import difference
from toolgate.access.output.explanation import explain

ACCOUNT = "123456789012"
INVOKE = "bedrock-agentcore:InvokeGateway"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
TOOL = "math___add"

REACHING = [
    "arn:aws",
    "arn:aws:bedrock-agentcore",
    "arn:aws:bedrock-agentcore:us-east-1",
    "arn:aws:bedrock-agentcore:*",
    "arn:aws:bedrock-agentcore:us-*",
    "arn:*:bedrock-agentcore",
    f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}",
]
ELSEWHERE = ["arn:aws:s3", "arn:aws:bedrock-agentcore:eu-north-1", "arn:aws-cn", GATEWAY.rpartition("/")[0]]


def _statement(effect: str, resource: str, element: str = "Resource") -> dict[str, Any]:
    return {"Effect": effect, "Action": INVOKE, element: resource}


GRANT = _statement("Allow", GATEWAY)

ROWS = [
    *(([_statement("Allow", arn)], "allow") for arn in REACHING),
    *(([GRANT, _statement("Deny", arn)], "deny") for arn in REACHING),
    *(([_statement("Allow", arn, "NotResource")], "deny") for arn in REACHING),
    *(([GRANT, _statement("Deny", arn, "NotResource")], "allow") for arn in REACHING),
    *(([_statement("Allow", arn)], "deny") for arn in ELSEWHERE),
    *(([GRANT, _statement("Deny", arn)], "allow") for arn in ELSEWHERE),
    *(([_statement("Allow", arn, "NotResource")], "allow") for arn in ELSEWHERE),
    *(([GRANT, _statement("Deny", arn, "NotResource")], "deny") for arn in ELSEWHERE),
]


@pytest.mark.parametrize(("statements", "decision"), ROWS)
def test_a_call_is_decided_with_what_the_arn_is_completed_to(
    case: Callable[..., Any], statements: list[dict[str, Any]], decision: str
) -> None:
    deployment = parse(case(identity=statements).export())
    assert explain(deployment, "caller", TOOL).split(":")[0] == decision
    assert {str(e.decision) for e in matrix(deployment).entries if e.agent == "caller"} == {decision}


@pytest.mark.parametrize("arn", REACHING)
def test_a_boundary_and_a_grant_by_incomplete_arn_are_gains_of_a_difference(case: Callable[..., Any], arn: str) -> None:
    def judged(**documents: Any) -> Any:
        return matrix(parse(case(**documents).export()))

    grant = [_statement("Allow", arn)]
    assert difference(judged(), judged(identity=grant)).gains
    limit = [_statement("Allow", "arn:aws:s3")]
    assert difference(judged(identity=grant, boundary=limit), judged(identity=grant, boundary=grant)).gains
    assert difference(judged(identity=[GRANT]), judged(identity=[GRANT, _statement("Deny", arn)])).losses


@pytest.mark.parametrize("arn", [*REACHING, *ELSEWHERE])
def test_what_may_be_allowed_is_never_left_out_early(arn: str) -> None:
    policy = Policy("grants", {"Version": "2012-10-17", "Statement": [_statement("Allow", arn)]})
    assert policy.may_allow(INVOKE, GATEWAY) or arn in ELSEWHERE
