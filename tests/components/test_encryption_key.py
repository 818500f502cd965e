from typing import Any

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy

from toolgate.components.checks.arguments import UsageError
from toolgate.components.encryption_key import EncryptionKey

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/somebody"
GRANT = {"kms:grantconstrainttype": "EncryptionContextSubset", "kms:grantoperations": ["Decrypt", "GenerateDataKey"]}
GROUP = "kms:encryptioncontext:aws:logs:arn"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/x"


@pytest.fixture
def key(run: Any) -> Any:
    return run(lambda: EncryptionKey("data", {})).one("Key", "data-key")


def lets(key: Any, principal: str, action: str, **keys: Any) -> bool:
    asked = EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=principal.split(":")[4] if ":" in principal else ACCOUNT,
        action=action,
        resource_arn="arn:aws:kms:us-east-1:123456789012:key/x",
        region="us-east-1",
        service_context=keys,
    )
    service = principal if "amazonaws" in principal else None
    return bool(evaluate_resource_policy(key.document(), asked, service=service).decision == "Allow")


def test_the_key_rotates_and_can_be_brought_back(run: Any, key: Any) -> None:
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30
    assert (
        run(lambda: EncryptionKey("data", {"deletion_window_days": 7}))
        .one("Key", "data-key")
        .inputs["deletionWindowInDays"]
        == 7
    )


def test_its_alias_says_whose_it_is(run: Any) -> None:
    arns: list[str] = []
    recorded = run(lambda: EncryptionKey("data", {"tags": {"a": "b"}}).key_arn.apply(arns.append), stack="pr.1")
    alias = recorded.one("Alias", "data-alias").inputs
    assert alias == {"name": "alias/toolgate-pr-1-data", "targetKeyId": arns[0].rpartition("/")[2]}


@pytest.mark.parametrize("given", [{}, {"tags": {"a": "b"}}])
def test_a_tag_says_which_stack_it_is_of_whatever_tags_are_given(run: Any, given: Any) -> None:
    tags = run(lambda: EncryptionKey("data", given), stack="pr.1").one("Key", "data-key").inputs["tags"]
    assert tags == {**given.get("tags", {}), "toolgate:stack": "toolgate/pr.1"}


@pytest.mark.parametrize(
    ("principal", "action", "keys", "holds"),
    [
        # the account, where its IAM policies say so
        (ROLE, "kms:PutKeyPolicy", {}, True),
        (ROLE, "kms:ScheduleKeyDeletion", {}, True),
        (ROLE, "kms:GenerateDataKey", {}, True),
        (ROLE, "kms:Decrypt", {}, True),
        (ROLE, "kms:CreateGrant", GRANT, True),
        # ... but not what nothing of the stack needs
        (ROLE, "kms:CreateGrant", {**GRANT, "kms:grantconstrainttype": "EncryptionContextEquals"}, False),
        (ROLE, "kms:CreateGrant", {**GRANT, "kms:grantoperations": ["CreateGrant"]}, False),
        (ROLE, "kms:Encrypt", {}, False),
        (ROLE, "kms:ReplicateKey", {}, False),
        # another account
        ("arn:aws:iam::999999999999:role/somebody", "kms:Decrypt", {}, False),
        ("arn:aws:iam::999999999999:root", "kms:PutKeyPolicy", {}, False),
        # CloudWatch Logs, for this account's log groups in this Region
        ("logs.us-east-1.amazonaws.com", "kms:Encrypt", {GROUP: LOGS}, True),
        ("logs.us-east-1.amazonaws.com", "kms:Decrypt", {GROUP: LOGS}, True),
        ("logs.us-east-1.amazonaws.com", "kms:Decrypt", {GROUP: LOGS.replace(ACCOUNT, "999999999999")}, False),
        ("logs.us-east-1.amazonaws.com", "kms:Decrypt", {}, False),
        ("logs.eu-west-1.amazonaws.com", "kms:Decrypt", {GROUP: LOGS}, False),
        ("logs.us-east-1.amazonaws.com", "kms:PutKeyPolicy", {GROUP: LOGS}, False),
        # logs that a gateway delivers
        ("delivery.logs.amazonaws.com", "kms:GenerateDataKey", {"kms:encryptioncontext:sourcearn": LOGS}, True),
        ("delivery.logs.amazonaws.com", "kms:GenerateDataKey", {}, False),
        # any other service
        ("bedrock-agentcore.amazonaws.com", "kms:Decrypt", {}, False),
        ("s3.amazonaws.com", "kms:Decrypt", {}, False),
    ],
)
def test_who_may_do_what_with_it(key: Any, principal: str, action: str, keys: dict[str, Any], holds: bool) -> None:
    assert lets(key, principal, action, **keys) is holds


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"deletion_window_days": 6}, "EncryptionKey 'data'.deletion_window_days: is 6; 7 to 30 are allowed."),
        ({"rotate": True}, "EncryptionKey 'data': unknown key 'rotate'."),
    ],
)
def test_what_is_wrong_is_an_error(run: Any, args: Any, message: str) -> None:
    def program() -> None:
        with pytest.raises(UsageError) as raised:
            EncryptionKey("data", args)
        assert str(raised.value).startswith(message)

    assert run(program).resources == []
