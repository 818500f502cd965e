import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import ROLE, ROLE_POLICY, document, trust
from toolgate.local.cloud.types.policy_documents import identity_policy, trust_policy
from toolgate.local.cloud.values import UNKNOWN
from toolgate.policy.language.grammar import size

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/key"}


def faults(policy: Any) -> list[str]:
    return [failure.reason for failure in identity_policy("policy", {"policy": policy})]


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in ALLOW.items() if name != key}


@pytest.mark.parametrize(
    "statement",
    [
        ALLOW,
        ALLOW | {"Sid": "Read1", "Condition": {"StringEquals": {"aws:SourceAccount": "1"}}},
        ALLOW | {"Action": ["s3:Get*", "*"], "Resource": ["*", "arn:aws:s3:::b/*"]},
        without("Action") | {"NotAction": "iam:*"},
        without("Resource") | {"NotResource": "arn:aws:s3:::b/*"},
    ],
)
def test_what_iam_takes(statement: dict[str, Any]) -> None:
    assert faults(document(statement)) == []
    assert faults(json.dumps({"Statement": statement})) == []


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        ("{", "not a JSON text"),
        ("Calling __str__ on an Output[T] is not supported", "not a JSON text"),
        ("[]", "not an object"),
        ("{}", "Statement is missing or empty"),
        (json.dumps({"Version": "2012-10-17", "Statement": []}), "Statement is missing or empty"),
        (json.dumps({"Version": "2024-01-01", "Statement": ALLOW}), "Version must be one of"),
        (json.dumps({"Statements": [], "Statement": ALLOW}), "unknown element Statements"),
        (document(ALLOW | {"Effect": "allow"}), "Effect must be Allow or Deny"),
        (document(ALLOW | {"Sid": "read-it"}), "can only have letters and digits"),
        (document(ALLOW | {"Sid": "A"}, ALLOW | {"Sid": "A"}), "must be unique: A"),
        (document(without("Action")), "must contain Action or NotAction"),
        (document(without("Resource")), "must contain Resource or NotResource"),
        (document(ALLOW | {"NotAction": "s3:*"}), "only one of them"),
        (document(ALLOW | {"Principal": "*"}), "must not specify a principal"),
        (document(ALLOW | {"Ressource": "*"}), "unknown element Ressource"),
        (document(ALLOW | {"Resource": [None]}), "not null or empty"),
        (document(ALLOW | {"Resource": []}), "not null or empty"),
        (document(ALLOW | {"Action": "GetObject"}), "prefaced by a vendor"),
        (document(ALLOW | {"Resource": "bucket/key"}), "must be in ARN format"),
        (document(ALLOW | {"Condition": []}), "Condition is not an object"),
    ],
)
def test_what_iam_refuses(policy: str, fault: str) -> None:
    [reason] = faults(policy)
    assert reason.startswith("MalformedPolicyDocument: ")
    assert fault in reason


def test_an_unknown_document_passes() -> None:
    assert faults(UNKNOWN) == []


def test_a_trust_policy_needs_a_principal_and_no_resource() -> None:
    def trust_faults(policy: str) -> list[str]:
        return [failure.reason for failure in trust_policy("assumeRolePolicy", {"assumeRolePolicy": policy})]

    good = json.loads(trust("lambda.amazonaws.com"))
    assert trust_faults(json.dumps(good)) == []
    [reason] = trust_faults(document({"Effect": "Allow", "Action": "sts:AssumeRole"}))
    assert "must contain Principal" in reason
    [reason] = trust_faults(document(good["Statement"][0] | {"Resource": "*"}))
    assert "must not specify a resource" in reason
    many = [good["Statement"][0] | {"Sid": f"S{number}"} for number in range(20)]
    assert trust_faults(document(*many)) == ["LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048"]


def test_white_space_does_not_count() -> None:
    assert size('{"a":  [1,   2]}') == len('{"a":[1,2]}')
    assert size(UNKNOWN) == 0


def test_roles_and_their_policies_are_held_to_it(check: Callable[..., list[str]]) -> None:
    assert check(ROLE, assumeRolePolicy="{") == [
        "assumeRolePolicy: MalformedPolicyDocument: Syntax errors in policy: not a JSON text"
    ]
    assert check(ROLE_POLICY, policy="{") == [
        "policy: MalformedPolicyDocument: Syntax errors in policy: not a JSON text"
    ]
