import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import GOOD, PARAMETER, SECRET, SECRET_VERSION
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.types.secrets import SECRET_VERSION_TYPE
from toolgate.local.cloud.values import HiddenText

Check = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (SECRET, {"name": "with space"}, "Must be a valid name"),
        (SECRET, {"recoveryWindowInDays": 6}, "between 7 and 30 days"),
        (SECRET, {"policy": "{"}, "not a JSON text"),
        (SECRET, {"replicas": []}, "does not reproduce replicas"),
        (SECRET_VERSION, {"secretBinary": "eA=="}, "either SecretString or SecretBinary"),
        (SECRET_VERSION, {"secretString": None}, "either SecretString or SecretBinary"),
        (SECRET_VERSION, {"secretString": None, "secretBinary": "no base64"}, "do not have its form"),
        (PARAMETER, {"name": "orders/limit"}, "fully qualified name"),
        (PARAMETER, {"name": "/aws/limit"}, "must not begin with"),
        (PARAMETER, {"name": "/a" * 16}, "more than 15 levels"),
        (PARAMETER, {"name": "a b"}, "may have letters"),
        (PARAMETER, {"value": "x" * 4097}, "more than 4096 characters"),
        (PARAMETER, {"value": None}, "Value null at 'Value'"),
        (PARAMETER, {"insecureValue": "x"}, "one of value and insecureValue"),
        (PARAMETER, {"keyId": "alias/own"}, "KeyId is required for SecureString"),
        (PARAMETER, {"value": None, "insecureValue": "x", "type": "SecureString"}, "cannot be of type SecureString"),
        (PARAMETER, {"type": "Text"}, "enum value set"),
    ],
)
def test_secrets_and_parameters_that_are_refused(kind: str, changes: dict[str, Any], reason: str, check: Check) -> None:
    assert any(reason in it for it in check(kind, **changes))


def test_a_secrets_arn_ends_in_six_characters_and_a_window_of_none_is_taken(plane: ControlPlane, check: Check) -> None:
    arn = plane.create(SECRET, GOOD[SECRET]).id
    assert re.fullmatch(r"arn:aws:secretsmanager:us-east-1:123456789012:secret:orders/api-key-[a-zA-Z0-9]{6}", arn)
    assert check(SECRET, recoveryWindowInDays=0) == []
    with pytest.raises(RefusalError, match="the secret orders/api-key already exists"):
        plane.create(SECRET, GOOD[SECRET])


def test_a_version_is_of_a_secret_that_exists(plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match="can't find the specified secret"):
        plane.create(SECRET_VERSION, GOOD[SECRET_VERSION])
    secret = plane.create(SECRET, GOOD[SECRET]).id
    made = plane.create(SECRET_VERSION, GOOD[SECRET_VERSION] | {"secretId": secret})
    assert made.id == f"{secret}|{made.outputs['versionId']}"
    assert made.outputs["versionStages"] == ["AWSCURRENT"]


def test_a_secret_value_is_in_no_message(check: Check) -> None:
    reasons = check(SECRET_VERSION, secretString=HiddenText("s" * 65_537))
    assert "less than or equal to 65536" in reasons[0]
    assert "sss" not in reasons[0]


def test_a_binary_value_is_sent_as_it_was_before_base64() -> None:
    inputs = {"secretId": "x", "secretBinary": base64.b64encode(b"\0\1").decode()}
    assert SECRET_VERSION_TYPE.requests[0].made_of(inputs) == {"SecretId": "x", "SecretBinary": b"\0\1"}


@pytest.mark.parametrize("name", ["/orders/limit", "limit"])
def test_a_parameters_arn_has_one_slash_and_its_version_counts(name: str, plane: ControlPlane) -> None:
    made = plane.create(PARAMETER, GOOD[PARAMETER] | {"name": name})
    assert made.outputs["arn"] == f"arn:aws:ssm:us-east-1:123456789012:parameter/{name.removeprefix('/')}"
    assert made.outputs["version"] == 1
    assert plane.update(PARAMETER, name, GOOD[PARAMETER] | {"name": name, "value": "11"}).outputs["version"] == 2
