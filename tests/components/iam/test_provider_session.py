import inspect
import sys
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from toolgate.components.iam import provider_session
from toolgate.components.iam.provider_session import FOLLOWED, NOT_FOLLOWED, NoSessionError, Session

# What says nothing of who calls and where to.
OTHERS = {
    *("allowed_account_ids", "default_tags", "forbidden_account_ids", "ignore_tags", "max_retries", "retry_mode"),
    *("s3_us_east1_regional_endpoint", "s3_use_path_style", "skip_credentials_validation", "skip_metadata_api_check"),
    *("skip_region_validation", "skip_requesting_account_id", "tag_policy_compliance"),
    *("token_bucket_rate_limiter_capacity", "user_agents"),
}


def test_every_setting_of_the_provider_is_decided_on() -> None:
    parameters = {name for name in inspect.signature(aws.ProviderArgs).parameters if not name.startswith("__")}
    assert parameters == {*FOLLOWED, *NOT_FOLLOWED, *OTHERS}


@pytest.fixture
def settings(run: Any) -> Any:
    """The settings of a component in a stack with this configuration, with an explicit provider or without."""

    def found(provider: Any = None, **config: str) -> Any:
        outcome: list[Any] = []

        async def asked(component: pulumi.ComponentResource) -> None:
            try:
                outcome.append(await provider_session.settings(component))
            except NoSessionError as error:
                outcome.append(error)

        def program() -> pulumi.Output[Any]:
            pulumi.runtime.set_all_config({f"aws:{name}": value for name, value in config.items()})
            opts = pulumi.ResourceOptions(providers=[provider()]) if provider else None
            return pulumi.Output.all(asked(pulumi.ComponentResource("toolgate:index:C", "c", opts=opts)))

        run(program)
        return outcome[0]

    return found


def test_the_configuration_is_followed(settings: Any) -> None:
    role = '[{"roleArn": "arn:aws:iam::1:role/deployer", "externalId": "e"}]'
    assert settings(region="eu-west-1", profile="p", assumeRoles=role, useFipsEndpoint="true", maxRetries="3") == {
        "region": "eu-west-1",
        "profile": "p",
        "assume_roles": [{"roleArn": "arn:aws:iam::1:role/deployer", "externalId": "e"}],
        "use_fips_endpoint": "true",
    }


def test_an_explicit_provider_is_followed_and_not_the_configuration(settings: Any) -> None:
    def provider() -> aws.Provider:
        return aws.Provider("p", region="eu-west-1", access_key="AKIA", secret_key="s", token="t")

    found = settings(provider, profile="another")
    assert found == {"region": "eu-west-1", "access_key": "AKIA", "secret_key": "s", "token": "t"}


def test_what_is_not_followed_is_named(settings: Any) -> None:
    assert str(settings(httpsProxy="http://p", customCaBundle="ca")) == (
        "the provider's customCaBundle, httpsProxy cannot be followed here"
    )
    assert "another process" in str(settings(lambda: pulumi.ProviderResource("aws", "p", {})))


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def key_of(session: Session) -> tuple[str, str]:
    client = session.client("bedrock-agentcore-control")
    return client._request_signer._credentials.access_key, client.meta.endpoint_url


def test_keys_files_and_profiles_are_the_providers(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[other]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n")
    assert key_of(Session({"access_key": "AKIA", "secret_key": "s"}, "eu-west-1"))[0] == "AKIA"
    found = key_of(Session({"shared_credentials_files": [str(file)], "profile": "other"}, "eu-west-1"))
    assert found == ("AKIAFILE", "https://bedrock-agentcore-control.eu-west-1.amazonaws.com")
    with pytest.raises(NoSessionError, match="sharedCredentialsFiles has more than one file"):
        Session({"shared_credentials_files": ["a", "b"]}, "eu-west-1")


def test_the_environment_is_followed_where_the_provider_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert key_of(Session({}, "eu-west-1")) == ("AKIAENV", "http://127.0.0.1:9")


def test_endpoints_are_the_providers() -> None:
    session = Session({"access_key": "AKIA", "endpoints": [{"bedrockagentcore": "http://127.0.0.1:1"}]}, "eu-west-1")
    assert session.client("bedrock-agentcore-control").meta.endpoint_url == "http://127.0.0.1:1"
    assert session.client("sts").meta.endpoint_url == "https://sts.eu-west-1.amazonaws.com"
    fips = Session({"access_key": "AKIA", "use_fips_endpoint": "true", "sts_region": "us-east-1"}, "us-east-2")
    assert fips.client("sts").meta.endpoint_url == "https://sts-fips.us-east-1.amazonaws.com"


class Sts:
    """Gives a role, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def _give(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((operation, request))
        key = f"ASIA{len(self.asked)}"
        return {"Credentials": {"AccessKeyId": key, "SecretAccessKey": "s", "SessionToken": "t"}}

    def assume_role(self, **request: Any) -> dict[str, Any]:
        return self._give("AssumeRole", request)

    def assume_role_with_web_identity(self, **request: Any) -> dict[str, Any]:
        return self._give("AssumeRoleWithWebIdentity", request)


def test_roles_are_taken_one_after_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("jwt")
    sts, real = Sts(), Session.client

    def client(session: Session, service: str, *, signed: bool = True) -> Any:
        return sts if service == "sts" else real(session, service, signed=signed)

    monkeypatch.setattr(Session, "client", client)
    identity = {"roleArn": "arn:aws:iam::1:role/ci", "webIdentityTokenFile": str(token), "duration": "1h"}
    first = {"role_arn": "arn:aws:iam::1:role/a", "external_id": "e", "tags": {"team": "x"}, "session_name": "n"}
    second = {"roleArn": "arn:aws:iam::2:role/b", "policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}
    settings = {"assume_role_with_web_identity": identity, "assume_roles": [first, second]}
    assert key_of(Session(settings, "eu-west-1"))[0] == "ASIA3"
    assert sts.asked == [
        (
            "AssumeRoleWithWebIdentity",
            {"RoleSessionName": "toolgate", "RoleArn": "arn:aws:iam::1:role/ci", "WebIdentityToken": "jwt"},
        ),
        (
            "AssumeRole",
            {
                "RoleSessionName": "n",
                "RoleArn": "arn:aws:iam::1:role/a",
                "ExternalId": "e",
                "Tags": [{"Key": "team", "Value": "x"}],
            },
        ),
        (
            "AssumeRole",
            {
                "RoleSessionName": "toolgate",
                "RoleArn": "arn:aws:iam::2:role/b",
                "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
            },
        ),
    ]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"assume_roles": [{"roleArn": "a", "mfa": "x"}]}, "settings that cannot be followed here: mfa"),
        ({"assume_role_with_web_identity": {"webIdentityTokenFile": "/nowhere"}}, "token cannot be read"),
    ],
)
def test_a_role_that_cannot_be_followed_is_said(settings: Any, says: str) -> None:
    with pytest.raises(NoSessionError, match=says):
        Session(settings, "eu-west-1")


def test_a_program_without_boto3_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(NoSessionError, match="boto3 is not installed"):
        Session({}, "eu-west-1")
