import pulumi
import pytest

from toolgate.components.checks import identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.checks.identifiers import KMS_KEY, MANAGED_POLICY, SECURITY_GROUP, SUBNET, Identifier

KINDS = [KMS_KEY, MANAGED_POLICY, SECURITY_GROUP, SUBNET]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.what)
def test_each_example_is_taken(kind: Identifier) -> None:
    identifiers.check(kind, kind.example, "here")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (KMS_KEY, "1234abcd-12ab-34cd-56ef-1234567890ab"),
        (KMS_KEY, "alias/data"),
        (KMS_KEY, "arn:aws:kms:us-east-1:111122223333:alias/data"),
        (KMS_KEY, "arn:aws:kms:us-east-1:11112222333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        (KMS_KEY, KMS_KEY.example + "\n"),
        (KMS_KEY, ""),
        (SUBNET, "subnet-0123"),
        (SUBNET, "sg-0123456789abcdef0"),
        (SUBNET, "subnet-0123456789abcdef01"),
        (SECURITY_GROUP, "sg_0123456789abcdef0"),
        (SECURITY_GROUP, "default"),
        (MANAGED_POLICY, "agents-boundary"),
        (MANAGED_POLICY, "arn:aws:iam::111122223333:role/agents-boundary"),
        (MANAGED_POLICY, "arn:aws:iam::111122223333:policy/"),
        (MANAGED_POLICY, "arn:aws:iam::111122223333:policy/a b"),
    ],
)
def test_what_aws_would_refuse_is_refused_with_an_example(kind: Identifier, value: str) -> None:
    with pytest.raises(UsageError) as raised:
        identifiers.check(kind, value, "Here.it")
    assert str(raised.value) == f"Here.it: {value!r} is no {kind.what}. Write one like {kind.example}."


@pytest.mark.parametrize("owner", ["aws", "111122223333"])
def test_a_policy_may_have_a_path(owner: str) -> None:
    identifiers.check(MANAGED_POLICY, f"arn:aws:iam::{owner}:policy/limits/agents/boundary+1", "here")


def test_an_output_comes_later() -> None:
    identifiers.check(KMS_KEY, pulumi.Output.from_input("x"), "here")
    identifiers.check(KMS_KEY, None, "here")
