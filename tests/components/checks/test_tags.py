from typing import Any

import botocore.session
import pulumi
import pytest

from toolgate.components.checks import tags
from toolgate.components.checks.arguments import UsageError


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"cost centre": "4711", "team": "agents and co", "owner": "a.b+c@example.org", "empty": ""},
        {"k" * 128: "v" * 256},
        {f"key{number}": "" for number in range(49)},
    ],
)
def test_what_aws_takes(given: Any) -> None:
    tags.check(given, "here")


def test_what_is_known_later_is_left_to_aws() -> None:
    tags.check(pulumi.Output.from_input("aws:x"), "here")
    tags.check({"team": pulumi.Output.from_input("ü")}, "here")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({f"key{number}": "" for number in range(50)}, "here: number of tags: is 50; 0 to 49 are allowed."),
        ({"": "x"}, "here: key '': has 0 characters; 1 to 128"),
        ({"k" * 129: "x"}, "has 129 characters; 1 to 128"),
        ({"team": "v" * 257}, "here.team: has 257 characters; 0 to 256"),
        ({"aws:team": "x"}, "'aws:team' begins with 'aws:'"),
        ({"AWS:team": "x"}, "'AWS:team' begins with 'aws:'"),
        ({"toolgate:stack": "x"}, "'toolgate:stack' is written by the components. Rename it."),
        ({"Team": "x", "team": "y"}, "IAM takes 'Team' and 'team' for one key. Remove one."),
        ({"größe": "x"}, "the key 'größe' is refused. Write letters of a-z"),
        ({"team": "a\tb"}, "the value 'a\\tb' is refused"),
        ({"team": "x\n"}, "the value 'x\\n' is refused"),
        ({"team": "a&b"}, "the value 'a&b' is refused"),
    ],
)
def test_what_aws_refuses_somewhere_is_refused_at_once(given: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        tags.check(given, "here")
    assert message in str(raised.value)


def test_the_lengths_are_those_of_the_service_that_counts_most_strictly() -> None:
    models = botocore.session.get_session()
    control = models.get_service_model("bedrock-agentcore-control")
    assert control.shape_for("TagsMap").metadata["max"] == tags.MOST + 1
    assert control.shape_for("TagKey").metadata["max"] == tags.LONGEST_KEY
    assert control.shape_for("TagValue").metadata["max"] == tags.LONGEST_VALUE
    for service, key, value in (("logs", "TagKey", "TagValue"), ("kms", "TagKeyType", "TagValueType")):
        model = models.get_service_model(service)
        assert model.shape_for(key).metadata["max"] >= tags.LONGEST_KEY
        assert model.shape_for(value).metadata["max"] >= tags.LONGEST_VALUE


def test_an_object_has_none_where_there_are_more_than_s3_takes() -> None:
    ten = {f"key{number}": "" for number in range(10)}
    assert tags.of_object(None) is None
    assert tags.of_object({**ten}) == ten
    assert tags.of_object({**ten, "more": ""}) is None
