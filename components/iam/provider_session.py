"""The AWS session that a component's AWS provider has, for what the provider itself does not do.

A program does not get its provider's credentials handed: they are read from where the provider reads them. That is the
stack's configuration `aws:`, or the arguments of an explicit provider, and else the environment and the files of AWS's
own tools. Whoever uses the session compares its account with the provider's first.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

# By Pulumi's names (pulumi_aws ProviderArgs). Whatever is in neither table says nothing about who calls and where to.
FOLLOWED = (
    *("access_key", "secret_key", "token", "profile", "region", "sts_region", "shared_credentials_files"),
    *("shared_config_files", "assume_role_with_web_identity", "assume_roles", "endpoints"),
    *("use_dualstack_endpoint", "use_fips_endpoint"),
)
NOT_FOLLOWED = (
    *("custom_ca_bundle", "ec2_metadata_service_endpoint", "ec2_metadata_service_endpoint_mode"),
    *("http_proxy", "https_proxy", "insecure", "no_proxy"),
)
# The provider's name of an endpoint by boto3's name of the service (pulumi_aws ProviderEndpointArgs).
ENDPOINTS = {"bedrock-agentcore-control": "bedrockagentcore", "sts": "sts"}
# The arguments of AssumeRole and AssumeRoleWithWebIdentity by the provider's; the session's length is AWS's default.
_ROLE = {
    **{"rolearn": "RoleArn", "sessionname": "RoleSessionName", "externalid": "ExternalId", "policy": "Policy"},
    **{"policyarns": "PolicyArns", "sourceidentity": "SourceIdentity", "tags": "Tags"},
    **{"transitivetagkeys": "TransitiveTagKeys", "webidentitytoken": "WebIdentityToken"},
}
_FILES = (("shared_config_files", "config_file"), ("shared_credentials_files", "credentials_file"))
_IGNORED_OF_ROLE = {"duration", "webidentitytokenfile"}
_SESSION_NAME = "toolgate"

type Settings = Mapping[str, Any]
"""A provider's settings by Pulumi's names, without those that are not set."""


class NoSessionError(Exception):
    """The provider's credentials cannot be had here; the text says why."""


async def settings(component: pulumi.ComponentResource) -> Settings:
    """What the component's AWS provider was told about who calls and where to.

    Of an explicit provider the SDK hands back plain texts only: its roles, files and endpoints are not seen here.

    Args:
        component: The component.

    Raises:
        NoSessionError: The provider has a setting that is not followed, or was made in another process.
    """
    provider = component.get_provider("aws:index:Provider")
    if provider is None:
        config = pulumi.Config("aws")
        found = {name: _parsed(config.get(_camel(name))) for name in (*FOLLOWED, *NOT_FOLLOWED)}
    elif isinstance(provider, aws.Provider):
        found = {name: _parsed(await _known(provider, name)) for name in (*FOLLOWED, *NOT_FOLLOWED)}
    else:
        raise NoSessionError("the component's provider was made in another process")
    given = {name: value for name, value in found.items() if value not in (None, "", [], {}, False)}
    if others := sorted(_camel(name) for name in given if name in NOT_FOLLOWED):
        raise NoSessionError(f"the provider's {', '.join(others)} cannot be followed here")
    return given


class Session:
    """An AWS session; its calls block."""

    def __init__(self, settings: Settings, region: str) -> None:
        """Log in as the provider does.

        Args:
            settings: The provider's settings.
            region: The Region that it deploys to.

        Raises:
            NoSessionError: There is no boto3, or a setting of the credentials cannot be followed.
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: A role was not given, or the profile is
                not there.
        """
        self._settings, self._region = settings, region
        self._session = self._first()
        if identity := settings.get("assume_role_with_web_identity"):
            given = _role(identity)
            if path := _folded(identity).get("webidentitytokenfile"):
                given["WebIdentityToken"] = _text(path)
            self._take(self.client("sts", signed=False).assume_role_with_web_identity(**given))
        for role in settings.get("assume_roles", []):
            self._take(self.client("sts").assume_role(**_role(role)))

    def client(self, service: str, *, signed: bool = True) -> Any:
        """A boto3 client of a service, whose calls end within half a minute."""
        from botocore import UNSIGNED  # noqa: PLC0415  # as in `_first`
        from botocore.config import Config  # noqa: PLC0415

        region = self._settings.get("sts_region", self._region) if service == "sts" else self._region
        config = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 3},
            use_dualstack_endpoint=_true(self._settings.get("use_dualstack_endpoint")),
            use_fips_endpoint=_true(self._settings.get("use_fips_endpoint")),
            **({} if signed else {"signature_version": UNSIGNED}),
        )
        endpoints: dict[str, str] = {}
        for entry in self._settings.get("endpoints", []):
            endpoints.update(entry)
        url = endpoints.get(ENDPOINTS[service]) or None
        return self._session.client(service, region_name=region, endpoint_url=url, config=config)

    def _first(self) -> Any:
        """A session of boto3, before any role."""
        try:
            # Here and not at the top: a deployment that goes well needs none of it, and it takes its time to import.
            import boto3  # noqa: PLC0415
            import botocore.session  # noqa: PLC0415
        except ImportError as error:
            raise NoSessionError("boto3 is not installed beside the program") from error
        given = self._settings
        core = botocore.session.Session(profile=given.get("profile"))
        for name, variable in _FILES:
            files = given.get(name, [])
            if len(files) > 1:
                raise NoSessionError(f"the provider's {_camel(name)} has more than one file")
            for file in files:
                core.set_config_variable(variable, file)
        if key := given.get("access_key"):
            core.set_credentials(key, given.get("secret_key"), given.get("token"))
        return boto3.Session(botocore_session=core, region_name=self._region)

    def _take(self, answer: Mapping[str, Any]) -> None:
        import boto3  # noqa: PLC0415  # as in `_first`

        taken = answer["Credentials"]
        self._session = boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])


async def _known(provider: pulumi.ProviderResource, name: str) -> Any:
    return await pulumi.Output.from_input(pulumi.get(provider, name)).future()


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _parsed(value: Any) -> Any:
    """A setting that is more than a text is JSON, in the configuration and in a provider's arguments alike."""
    if not isinstance(value, str) or not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _folded(role: Mapping[str, Any]) -> dict[str, Any]:
    """A role's settings by names that are the same from YAML and from Python."""
    return {name.replace("_", "").lower(): value for name, value in role.items() if value not in (None, "", [], {})}


def _role(role: Mapping[str, Any]) -> dict[str, Any]:
    found = _folded(role)
    if others := sorted(found.keys() - _ROLE.keys() - _IGNORED_OF_ROLE):
        raise NoSessionError(f"the provider's role has settings that cannot be followed here: {', '.join(others)}")
    given = {_ROLE[name]: value for name, value in found.items() if name in _ROLE}
    if arns := given.get("PolicyArns"):
        given["PolicyArns"] = [{"arn": arn} for arn in arns]
    if tags := given.get("Tags"):
        given["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"RoleSessionName": _SESSION_NAME, **given}


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise NoSessionError(f"the provider's web identity token cannot be read ({error})") from error


def _true(value: Any) -> bool | None:
    """A switch, which the configuration has as a text; None where it is not set, which leaves it to AWS's files."""
    return None if value is None else str(value).lower() == "true"
