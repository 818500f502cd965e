"""Who uses a customer managed key must be able to."""

from typing import Any

import pytest

from tests.local.cloud.conftest import ACCOUNT, BUCKET, ENGINE, GATEWAY, GOOD, KEY, LOG_GROUP, ROLE_POLICY, document
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made

BUCKET_KEY = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
ELSEWHERE = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SOMEBODYS = "arn:aws:kms:us-east-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GRANT = {
    "StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"},
    "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "GenerateDataKey"]},
}
USE = ["kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt"]
ADMINISTER = {"Effect": "Allow", "Principal": ACCOUNT, "Action": "kms:PutKeyPolicy", "Resource": "*"}


def key(plane: ControlPlane, *statements: dict[str, Any]) -> str:
    """A key whose policy has these statements, of which each is about the key itself."""
    about = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
    return str(plane.create(KEY, {"policy": document(ADMINISTER, *about)}).outputs["arn"])


def may_use(plane: ControlPlane, arn: str, actions: list[str], grant: dict[str, Any] | None = GRANT) -> None:
    """Let the gateway's role use a key."""
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": actions, "Resource": arn}]
    if grant is not None:
        statements.append({"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": arn, "Condition": grant})
    plane.create(ROLE_POLICY, {"name": "encrypt", "role": "gateway-role", "policy": document(*statements)})


def test_a_gateways_role_uses_its_key(plane: ControlPlane, gateway: Made) -> None:
    arn = key(plane, {"Principal": ACCOUNT, "Action": [*USE, "kms:CreateGrant"]})
    may_use(plane, arn, USE)
    plane.update(GATEWAY, gateway.id, GOOD[GATEWAY] | {"kmsKeyArn": arn})


@pytest.mark.parametrize(
    ("actions", "grant", "lacking"),
    [
        (USE[1:], GRANT, "kms:DescribeKey"),
        ([USE[0], USE[2]], GRANT, "kms:GenerateDataKey"),
        (USE[:2], GRANT, "kms:Decrypt"),
        (USE, None, "kms:CreateGrant"),
        (USE, {"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}}, "kms:CreateGrant"),
    ],
)
def test_a_role_that_may_not_use_the_key(
    actions: list[str], grant: Any, lacking: str, plane: ControlPlane, gateway: Made
) -> None:
    arn = key(plane, {"Principal": ACCOUNT, "Action": "kms:*"})
    may_use(plane, arn, actions, grant)
    with pytest.raises(RefusalError, match=f"GenesisMCPTargetTargetEncryption is not authorized to perform: {lacking}"):
        plane.update(GATEWAY, gateway.id, GOOD[GATEWAY] | {"kmsKeyArn": arn})


def test_a_condition_that_agentcore_does_not_meet_denies(plane: ControlPlane, gateway: Made) -> None:
    """As the developer guide's example has it; seen live to be refused."""
    arn = key(plane, {"Principal": ACCOUNT, "Action": "kms:*"})
    through = {"StringEquals": {"kms:ViaService": "bedrock-agentcore.us-east-1.amazonaws.com"}}
    statement = {"Effect": "Allow", "Action": [*USE, "kms:CreateGrant"], "Resource": arn, "Condition": through}
    plane.create(ROLE_POLICY, {"name": "encrypt", "role": "gateway-role", "policy": document(statement)})
    with pytest.raises(RefusalError, match="no identity-based policy allows the kms:"):
        plane.update(GATEWAY, gateway.id, GOOD[GATEWAY] | {"kmsKeyArn": arn})


def test_a_key_that_does_not_let_the_account_use_it(plane: ControlPlane, gateway: Made) -> None:
    arn = key(plane)
    may_use(plane, arn, USE)
    with pytest.raises(RefusalError, match="no resource-based policy allows the kms:DescribeKey"):
        plane.update(GATEWAY, gateway.id, GOOD[GATEWAY] | {"kmsKeyArn": arn})


def test_a_key_without_a_policy_has_kmss_own(plane: ControlPlane, gateway: Made) -> None:
    arn = str(plane.create(KEY, {}).outputs["arn"])
    may_use(plane, arn, USE)
    plane.update(GATEWAY, gateway.id, GOOD[GATEWAY] | {"kmsKeyArn": arn})
    with pytest.raises(RefusalError, match="is not allowed to be used with Arn"):
        plane.create(LOG_GROUP, GOOD[LOG_GROUP] | {"kmsKeyId": arn})


def test_of_somebody_elses_key_only_the_roles_side_is_known(plane: ControlPlane, gateway: Made) -> None:
    with pytest.raises(RefusalError, match="no identity-based policy"):
        plane.update(GATEWAY, gateway.id, GOOD[GATEWAY] | {"kmsKeyArn": SOMEBODYS})
    may_use(plane, SOMEBODYS, USE)
    plane.update(GATEWAY, gateway.id, GOOD[GATEWAY] | {"kmsKeyArn": SOMEBODYS})


def test_an_engines_key_must_let_the_account_grant(plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match=r"Access denied for the specified KMS key\. .* \(kms:DescribeKey"):
        plane.create(ENGINE, GOOD[ENGINE] | {"encryptionKeyArn": key(plane)})
    through = {"StringEquals": {"kms:ViaService": "bedrock-agentcore.us-east-1.amazonaws.com"}}
    arn = key(plane, {"Principal": ACCOUNT, "Action": USE, "Condition": through})
    with pytest.raises(RefusalError, match=r"\(kms:CreateGrant"):
        plane.create(ENGINE, GOOD[ENGINE] | {"encryptionKeyArn": arn})
    arn = key(
        plane,
        {"Principal": ACCOUNT, "Action": USE, "Condition": through},
        {"Principal": ACCOUNT, "Action": "kms:CreateGrant", "Condition": GRANT},
    )
    assert plane.create(ENGINE, GOOD[ENGINE] | {"encryptionKeyArn": arn}).id


def test_a_log_groups_key_must_let_cloudwatch_logs_use_it_for_that_group(plane: ControlPlane) -> None:
    group = "arn:aws:logs:us-east-1:123456789012:log-group:"
    use = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"]
    for service, pattern in [("logs.us-east-1", "/other/*"), ("logs.eu-west-1", "*")]:
        statement = {
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": use,
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": group + pattern}},
        }
        with pytest.raises(RefusalError, match="is not allowed to be used with Arn"):
            plane.create(LOG_GROUP, GOOD[LOG_GROUP] | {"kmsKeyId": key(plane, statement)})
    statement = {
        "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
        "Action": use,
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": group + "/aws/lambda/*"}},
    }
    plane.create(LOG_GROUP, GOOD[LOG_GROUP] | {"kmsKeyId": key(plane, statement)})


def test_a_key_of_another_region_encrypts_nothing(plane: ControlPlane, gateway: Made) -> None:
    refused = "is not in the Region us-east-1"
    may_use(plane, ELSEWHERE, USE)
    with pytest.raises(RefusalError, match=refused):
        plane.update(GATEWAY, gateway.id, GOOD[GATEWAY] | {"kmsKeyArn": ELSEWHERE})
    with pytest.raises(RefusalError, match=refused):
        plane.create(ENGINE, GOOD[ENGINE] | {"encryptionKeyArn": ELSEWHERE})
    with pytest.raises(RefusalError, match=refused):
        plane.create(LOG_GROUP, GOOD[LOG_GROUP] | {"kmsKeyId": ELSEWHERE})
    plane.create(BUCKET, GOOD[BUCKET])
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": ELSEWHERE}
    with pytest.raises(RefusalError, match=refused):
        plane.create(BUCKET_KEY, {"bucket": "bucket", "rules": [{"applyServerSideEncryptionByDefault": default}]})
