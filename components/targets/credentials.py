"""What a gateway signs in to a target with that is no function: an API key, a token, or its role's signature.

Neither key nor client secret is ever said here: it lies in Secrets Manager, and what is made is a credential provider
that refers to it there, so that nothing of it is in a plan or in Pulumi's state. Which kinds of target take which of
these: AgentCore developer guide, "Set up outbound authorization for your gateway".
"""

import enum
import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents, token_documents
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.iam.token_documents import Providers
from toolgate.components.targets.kind import GatewayRole
from toolgate.components.tokens.client_credentials import LONGEST_JSON_KEY

# botocore bedrock-agentcore-control ApiKeyCredentialParameterName, ApiKeyCredentialPrefix, OAuthScope
LONGEST = 64
# botocore bedrock-agentcore-control OAuthCustomParameters, -Key, -Value
MOST_PARAMETERS, LONGEST_PARAMETER_NAME, LONGEST_PARAMETER = 10, 256, 2048
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class KeyLocation(enum.Enum):
    """Where an API looks for its key (botocore bedrock-agentcore-control ApiKeyCredentialLocation)."""

    HEADER = "HEADER"
    """In a header."""
    QUERY_PARAMETER = "QUERY_PARAMETER"
    """In a parameter of the URL, where logs along the way may show it."""


class IamService(enum.Enum):
    """Who verifies a signature of the gateway's role (AgentCore developer guide, "Set up outbound authorization")."""

    EXECUTE_API = "execute-api"
    """API Gateway, of methods with authorization AWS_IAM."""
    LAMBDA = "lambda"
    """The URL of a Lambda function, with authorization AWS_IAM."""


class ApiKey(TypedDict):
    """An API key, and how it is sent."""

    secret_arn: pulumi.Input[str]
    """ARN of the Secrets Manager secret that holds the key; it is made elsewhere."""
    name: str
    """Of the header or parameter that it is sent in, such as `x-api-key`."""
    json_key: NotRequired[str]
    """The key of the secret's JSON whose value is the API key: a credential provider is made for it."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """ARN of a credential provider that is there already, instead of `json_key`."""
    location: NotRequired[KeyLocation]
    """Where it is sent. Default HEADER."""
    prefix: NotRequired[str]
    """What stands before it, such as `Bearer`. Default: nothing."""


class OAuth(TypedDict):
    """A client at an issuer, and what tokens it asks for: client credentials, as the gateway and as no user."""

    secret_arn: pulumi.Input[str]
    """ARN of the Secrets Manager secret that holds the client's secret; it is made elsewhere."""
    json_key: NotRequired[str]
    """The key of the secret's JSON whose value is the client's secret: a credential provider is made for it."""
    client_id: NotRequired[pulumi.Input[str]]
    """The client's id at the issuer; with `json_key`."""
    discovery_url: NotRequired[pulumi.Input[str]]
    """Where the issuer describes itself; with `json_key`."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """ARN of a credential provider that is there already, instead of these three."""
    scopes: NotRequired[list[str]]
    """The scopes that are asked for. Default: none."""
    parameters: NotRequired[dict[str, str]]
    """Further parameters of the request for a token, such as `audience` for Auth0. Default: none."""


class Signature(TypedDict):
    """The signature of the gateway's role."""

    service: IamService
    """Who verifies it."""
    resources: list[pulumi.Input[str]]
    """ARNs of what the gateway calls: for `lambda` the functions; for `execute-api` methods, or stages, of which an
    OpenAPI target calls its own methods only."""
    region: NotRequired[pulumi.Input[str]]
    """The Region that it is signed for. Default: the gateway's."""


class TargetCredential(TypedDict):
    """What a gateway signs in to a target with. Of these keys it has exactly one."""

    api_key: NotRequired[ApiKey]
    """An API key."""
    oauth: NotRequired[OAuth]
    """A token."""
    iam: NotRequired[Signature]
    """The signature of the gateway's role."""


KEYS = tuple(TargetCredential.__annotations__)
type Given = Mapping[str, Any]
"""A credential of the right type; its leaves may be Outputs."""


def check(credential: Given, where: str, allowed: Sequence[str] = KEYS) -> None:
    """Check what a type cannot say.

    Args:
        credential: The credential.
        where: Its place, for messages.
        allowed: What the kind of target takes.

    Raises:
        UsageError: It is none or several, of a kind that the target does not take, or AWS would refuse a value.
    """
    keys = ", ".join(map(repr, allowed))
    if len(credential) != 1:
        raise UsageError(f"{where}: has {', '.join(map(repr, credential)) or 'nothing'}. Write one of {keys}.")
    [(kind, given)] = credential.items()
    if kind not in allowed:
        raise UsageError(f"{where}: AgentCore has no {kind!r} for such a target. Write one of {keys}.")
    _CHECKS[kind](given, f"{where}.{kind}")


def _check_key(given: Given, where: str) -> None:
    _check_secret(given, where, {"json_key"})
    for key in ("name", "prefix"):
        arguments.within(given.get(key), 1, LONGEST, f"{where}.{key}")


def _check_oauth(given: Given, where: str) -> None:
    _check_secret(given, where, {"json_key", "client_id", "discovery_url"})
    identifiers.check(identifiers.CLIENT, given.get("client_id"), f"{where}.client_id")
    identifiers.check(identifiers.DISCOVERY, given.get("discovery_url"), f"{where}.discovery_url")
    for scope in given.get("scopes", []):
        arguments.within(scope, 1, LONGEST, f"{where}.scopes: {scope!r}")
    parameters = given.get("parameters", {})
    arguments.within(len(parameters), 0, MOST_PARAMETERS, f"{where}.parameters: their number")
    for name, value in parameters.items():
        arguments.within(name, 1, LONGEST_PARAMETER_NAME, f"{where}.parameters: {name!r}")
        # Of the value its length only: it may be what others must not see.
        arguments.within(len(value), 1, LONGEST_PARAMETER, f"{where}.parameters.{name}: number of characters")


def _check_secret(given: Given, where: str, of_new: set[str]) -> None:
    """Check where the secret lies, and that a provider is either made or there."""
    arn = given["secret_arn"]
    if isinstance(arn, str) and not re.fullmatch(identifiers.MANAGED_SECRET.pattern, arn, re.ASCII):
        raise UsageError(
            f"{where}.secret_arn: what is written there is no {identifiers.MANAGED_SECRET.what}, and is not repeated, "
            f"as it may be the secret. Write one like {identifiers.MANAGED_SECRET.example}."
        )
    new = ", ".join(map(repr, sorted(of_new)))
    if "provider_arn" in given:
        if both := of_new & given.keys():
            raise UsageError(
                f"{where}: {', '.join(map(repr, sorted(both)))} is for a provider that is made. Remove it, or "
                "'provider_arn'."
            )
        identifiers.check(identifiers.PROVIDER, given["provider_arn"], f"{where}.provider_arn")
    elif missing := of_new - given.keys():
        raise UsageError(
            f"{where}: missing {', '.join(map(repr, sorted(missing)))}. Write {new}, or 'provider_arn' of one that is "
            "there already."
        )
    arguments.within(given.get("json_key"), 1, LONGEST_JSON_KEY, f"{where}.json_key")


def _check_signature(given: Given, where: str) -> None:
    service = IamService(given["service"])
    if not given["resources"]:
        raise UsageError(f"{where}.resources: is empty. Name what the gateway calls.")
    kind = identifiers.API_STAGE if service is IamService.EXECUTE_API else identifiers.FUNCTION
    for index, arn in enumerate(given["resources"]):
        identifiers.check(kind, arn, f"{where}.resources[{index}]")
        if isinstance(arn, str) and "*" in arn:
            raise UsageError(f"{where}.resources[{index}]: {arn!r} has a wildcard. Name each; of a stage its methods.")
    region = given.get("region")
    if isinstance(region, str) and not _REGION.fullmatch(region):
        raise UsageError(f"{where}.region: {region!r} is no Region. Write one like 'us-east-1'.")


_CHECKS = {"api_key": _check_key, "oauth": _check_oauth, "iam": _check_signature}


def configuration(credential: Given | None) -> dict[str, Any] | None:
    """A target's `credential_provider_configuration`; None for a target that is called without signing in.

    Args:
        credential: The credential, whose provider is there.
    """
    if credential is None:
        return None
    [(kind, given)] = credential.items()
    if kind == "iam":
        region = {"region": given["region"]} if "region" in given else {}
        return {"gateway_iam_role": {"service": IamService(given["service"]).value, **region}}
    if kind == "api_key":
        prefix = {"credential_prefix": given["prefix"]} if "prefix" in given else {}
        return {
            "api_key": {
                "provider_arn": given["provider_arn"],
                "credential_location": KeyLocation(given.get("location", KeyLocation.HEADER)).value,
                "credential_parameter_name": given["name"],
                **prefix,
            }
        }
    parameters = {"custom_parameters": given["parameters"]} if given.get("parameters") else {}
    oauth = {"provider_arn": given["provider_arn"], "scopes": given.get("scopes", []), **parameters}
    return {"oauth": {**oauth, "grant_type": "CLIENT_CREDENTIALS"}}


def grants(credentials: Sequence[Given], role: GatewayRole, targets: str) -> list[Statement]:
    """What the gateway's role may do to sign in to its targets of one kind.

    Args:
        credentials: Their credentials, whose providers are there.
        role: The gateway's role.
        targets: The kind, as the end of the statements' names.
    """
    oauth, keys = ([it[kind] for it in credentials if kind in it] for kind in ("oauth", "api_key"))
    signed = [it["iam"] for it in credentials if "iam" in it]
    apis, functions = (
        _each([it["resources"] for it in signed if IamService(it["service"]) is service])
        for service in (IamService.EXECUTE_API, IamService.LAMBDA)
    )
    providers = Providers(
        [it["provider_arn"] for it in oauth],
        [it["provider_arn"] for it in keys],
        [it["secret_arn"] for it in (*oauth, *keys)],
    )
    return [
        *token_documents.sign_in(role.here, role.gateway_name, providers, targets),
        *(iam_documents.call_apis(apis, targets) if apis else []),
        *(iam_documents.call_function_urls(functions, targets) if functions else []),
    ]


def _each(resources: Sequence[Any]) -> Any:
    """All of them in one list; an Output where one is."""
    return arguments.derived(resources, list[Any], "resources", lambda known: [arn for its in known for arn in its])
