import inspect

import pulumi_aws

from toolgate.local.engine.provider_config import refused


def test_the_keys_are_those_of_the_provider() -> None:
    arguments = [name for name in inspect.signature(pulumi_aws.ProviderArgs.__init__).parameters if name != "__self__"]
    keys = {name.split("_")[0] + "".join(part.capitalize() for part in name.split("_")[1:]) for name in arguments}
    assert refused(dict.fromkeys(keys)) == {}
    assert refused(dict.fromkeys(("regoin", *keys))) == {"regoin": "is no key of the AWS provider"}


def test_what_changes_what_exists_is_refused_where_it_says_something() -> None:
    assert set(refused({"defaultTags": '{"tags": {"a": "b"}}', "ignoreTags": {"keys": ["a"]}, "profile": "x"})) == {
        *("defaultTags", "ignoreTags"),
    }
    assert refused({"skipRequestingAccountId": "false", "defaultTags": "{}", "version": "7.51.1"}) == {}
