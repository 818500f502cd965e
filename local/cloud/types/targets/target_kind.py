"""What the stand-in knows of a kind of target, and how a gateway may sign in at it.

Which kind takes which credentials: AgentCore developer guide, "Set up outbound authorization for your gateway". What
the provider itself refuses: hashicorp/terraform-provider-aws, bedrockagentcore/gateway_target.go. AWS's words are known
for one refusal, which names its source; the others are ours.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolgate.local.cloud.api_requests import Table, same, translate
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.resource_type import Existing, Record
from toolgate.local.cloud.values import UNKNOWN

LARGEST_INLINE = 1024 * 1024
"""Bytes of a schema that stands in the target itself (AgentCore developer guide, "Quotas")."""

NOTHING = "none"
ROLE = "gatewayIamRole"
API_KEY = "apiKey"
OAUTH = "oauth"


@dataclass(frozen=True)
class TargetKind:
    """A kind of target.

    Attributes:
        member: What it is called below `targetConfiguration.mcp`, in Pulumi's form and in the request.
        what: It in words, for messages.
        table: The table of its properties.
        sign_ins: The members of `credentialProviderConfiguration` that it takes; `NOTHING` where it may have none.
        names_service: Whether the gateway's role signs for a service that the target names; otherwise none is named.
        faults: What AWS refuses on sight of its properties although the service model does not say so; it may raise
            NotReproducedError.
        needs: What AWS refuses because of other resources: error texts, given its properties, its gateway, the place
            and the account's resources.
    """

    member: str
    what: str
    table: Table
    sign_ins: frozenset[str]
    names_service: bool = False
    faults: Callable[[Mapping[str, Any]], Iterator[str]] = field(default=lambda _settings: iter(()))
    needs: Callable[[Mapping[str, Any], Record, CloudEnvironment, Existing], Iterator[str]] = field(
        default=lambda _settings, _gateway, _env, _existing: iter(())
    )


@dataclass(frozen=True)
class SignIn:
    """A way to sign in: its name in the request, the member that has its settings, and their table."""

    type: str
    member: str
    table: Table


_BY_IAM = same("service", "region")
SIGN_INS = {
    ROLE: SignIn("GATEWAY_IAM_ROLE", "iamCredentialProvider", _BY_IAM),
    API_KEY: SignIn(
        "API_KEY",
        "apiKeyCredentialProvider",
        same("providerArn", "credentialLocation", "credentialParameterName", "credentialPrefix"),
    ),
    OAUTH: SignIn(
        "OAUTH",
        "oauthCredentialProvider",
        same("providerArn", "scopes", "grantType", "customParameters", "defaultReturnUrl"),
    ),
    "callerIamCredentials": SignIn("CALLER_IAM_CREDENTIALS", "iamCredentialProvider", _BY_IAM),
    "jwtPassthrough": SignIn("JWT_PASSTHROUGH", "", {}),
}


def credentials_request(configuration: Any) -> Any:
    """The request's list from `credentialProviderConfiguration`; unknown where that is not one of its members.

    Raises:
        NotReproducedError: A member or a setting that nobody here knows.
    """
    if not isinstance(configuration, Mapping):
        return configuration
    for name in configuration.keys() - SIGN_INS.keys():
        raise NotReproducedError(f"credentialProviderConfiguration.{name}")
    given = _given(configuration)
    if len(given) != 1:
        return UNKNOWN
    [(name, settings)] = given.items()
    how, where = SIGN_INS[name], f"credentialProviderConfiguration.{name}."
    made = translate(how.table, settings, where) if isinstance(settings, Mapping) else settings
    # The role's without a service is no provider at all, whatever else is said.
    none = not how.member or (name == ROLE and isinstance(made, Mapping) and "service" not in made)
    provider = {} if none else {"credentialProvider": {how.member: made}}
    return [{"credentialProviderType": how.type, **provider}]


def credential_faults(kind: TargetKind, configuration: Any) -> Iterator[str]:
    """What AWS or the provider refuses of a target's credentials.

    Raises:
        NotReproducedError: Somebody would have to sign in with a browser.
    """
    if configuration is UNKNOWN:
        return
    given = _given(configuration or {})
    takes = " or ".join(sorted(kind.sign_ins - {NOTHING}))
    if configuration is None and NOTHING not in kind.sign_ins:
        yield f"a {kind.what} target needs a credential provider: write {{{takes}: {{}}}}"
    if configuration is not None and len(given) != 1:
        yield f"credentialProviderConfiguration takes exactly one credential provider, and has {len(given)}"
        return
    for name, settings in given.items():
        if name not in kind.sign_ins:
            yield f"a {kind.what} target takes {takes} as its credential provider, and no {name}"
        elif name == OAUTH and isinstance(settings, Mapping) and settings.get("grantType") == "AUTHORIZATION_CODE":
            # AWS waits for that (botocore bedrock-agentcore-control, TargetStatus CREATE_PENDING_AUTH).
            raise NotReproducedError("credentialProviderConfiguration.oauth.grantType AUTHORIZATION_CODE")
        elif name == ROLE and isinstance(settings, Mapping):
            yield from _role_faults(kind, settings)


def _role_faults(kind: TargetKind, settings: Mapping[str, Any]) -> Iterator[str]:
    service = settings.get("service")
    if service is None and kind.names_service:
        # Seen live: hashicorp/terraform-provider-aws#48177.
        yield f"IamCredentialProvider is required for {kind.member} targets using IAM authentication"
    elif service is not None and not kind.names_service:
        yield f"IamCredentialProvider must not be given for {kind.member} targets: write {{gatewayIamRole: {{}}}}"
    elif service is None and settings.get("region") is not None:
        yield "gatewayIamRole.region cannot be given without service"


def _given(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in configuration.items() if value is not None}


def inline_payload(block: Any) -> Any:
    """The request's text from Pulumi's block `inlinePayload`.

    Raises:
        NotReproducedError: The block has something else, too.
    """
    return translate(same("payload"), block, "inlinePayload.").get("payload") if isinstance(block, Mapping) else block


def payload_of(block: Any) -> str | None:
    """The text in `{inlinePayload: {payload}}`; None where it is not known."""
    inline = block.get("inlinePayload") if isinstance(block, Mapping) else None
    payload = inline.get("payload") if isinstance(inline, Mapping) else None
    return payload if isinstance(payload, str) else None


def size_faults(payload: str, member: str) -> Iterator[str]:
    """That an inline schema is too large."""
    if (size := len(payload.encode("utf-8", "surrogatepass"))) > LARGEST_INLINE:
        yield f"{member}.inlinePayload has {size} bytes, and at most {LARGEST_INLINE} are taken"
