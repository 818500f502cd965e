from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.serve.control.conftest import ClientOf

DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def test_everybody_is_told_who_they_are(client_as: ClientOf) -> None:
    said = client_as("sts", DENY).get_caller_identity()
    assert said["Arn"] == "arn:aws:sts::123456789012:assumed-role/reader/s"
    assert said["Account"] == "123456789012"
    role_id, _, session = said["UserId"].partition(":")
    assert (role_id[:4], len(role_id), session) == ("AROA", 21, "s")
    assert said["ResponseMetadata"]["RequestId"] == said["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    assert client_as("sts", name="known").get_caller_identity()["UserId"] == "AROAKNOWN:s"


def test_the_rest_of_sts_is_refused_in_its_own_form(client_as: ClientOf) -> None:
    client: Any = client_as("sts", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    with pytest.raises(ClientError, match="AssumeRole is not reproduced") as caught:
        client.assume_role(RoleArn="arn:aws:iam::123456789012:role/x", RoleSessionName="s")
    assert caught.value.response["Error"]["Code"] == "UnsupportedOperation"
