"""AgentCore Identity: workload identities, and the credential providers of the token vault.

Of providers those that are described in full are reproduced (vendor CustomOauth2). Source of the rules: AgentCore
control API reference, CreateOauth2CredentialProvider; for what the provider itself refuses,
hashicorp/terraform-provider-aws, bedrockagentcore/oauth2_credential_provider.go. The words are ours.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import Member, Table, same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ALPHANUMERIC, ApiRequest, Existing, Made, Making, ResourceType
from toolgate.local.cloud.types.secrets import SECRET
from toolgate.local.cloud.types.tokens.user_pools import of_pool
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language.agentcore_facts import (
    API_KEY_PROVIDER,
    OAUTH2_PROVIDER,
    USER_POOL,
    USER_POOL_DOMAIN,
    WORKLOAD_IDENTITY,
)

PROVIDERS_PER_ACCOUNT = 50
"""Of either kind (Service Quotas, L-431051DC)."""
WITHOUT_SECRET = frozenset({"AWS_IAM_ID_TOKEN_JWT", "PRIVATE_KEY_JWT"})
"""The ways in which a client proves itself that need no secret."""
_HEX = "0123456789abcdef"


def _make_identity(inputs: Properties, making: Making) -> Made:
    name = inputs["name"]
    arn = making.env.arn("bedrock-agentcore", f"workload-identity-directory/default/workload-identity/{name}")
    return Made(name, {"workloadIdentityArn": arn})


WORKLOAD_IDENTITY_TYPE = ResourceType(
    type=WORKLOAD_IDENTITY,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreateWorkloadIdentity",
            same("name", "allowedResourceOauth2ReturnUrls", "tags"),
        ),
    ),
    make=_make_identity,
    computed=("workloadIdentityArn",),
    replaces=frozenset({"name"}),
    framework=True,
    auto_name="name",
    unordered=frozenset({"allowedResourceOauth2ReturnUrls"}),
    unique=("name",),
    # No ConflictException: aws-samples/sample-autonomous-cloud-coding-agents has seen it live.
    conflict="ValidationException: WorkloadIdentity with name '{name}' already exists.",
)


def _make_provider(inputs: Properties, making: Making) -> Made:
    env, name = making.env, inputs["name"]
    digits = making.characters(32, _HEX, "callback")
    callback = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return Made(
        name,
        {
            "credentialProviderArn": env.arn(
                "bedrock-agentcore", f"token-vault/default/oauth2credentialprovider/{name}"
            ),
            "callbackUrl": f"https://{env.host('bedrock-agentcore')}/identities/oauth2/callback/{callback}",
            "clientSecretArns": [{"secretArn": arn} for arn in _secret_arns(inputs, making)],
        },
    )


def _secret_arns(inputs: Properties, making: Making) -> list[str]:
    config = _config(inputs)
    if config.get("clientSecretSource") == "EXTERNAL":
        return [_secret_arn(config["clientSecretConfig"]["secretId"], making)]
    if config.get("clientSecret") is None:
        return []
    return [_secret_arn(f"bedrock-agentcore-identity!default/oauth2/{inputs['name']}", making)]


def _secret_arn(name: str, making: Making) -> str:
    """The ARN of the secret that is named so, or by its ARN."""
    if name.startswith("arn:"):
        return name
    made_here = next((found.id for found in making.existing(SECRET) if found.inputs["name"] == name), None)
    suffix = making.characters(6, ALPHANUMERIC, "secret")
    return made_here or making.env.arn("secretsmanager", f"secret:{name}-{suffix}")


def _config(inputs: Properties) -> Mapping[str, Any]:
    """The custom provider's configuration; empty where it is not known yet or none."""
    outer = inputs.get("oauth2ProviderConfig")
    inner = outer.get("customOauth2ProviderConfig") if isinstance(outer, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _credentials(inputs: Properties) -> Iterator[Failure]:
    config = _config(inputs)
    source, method = config.get("clientSecretSource"), config.get("clientAuthenticationMethod")
    given = {name for name, value in config.items() if value is not None}
    if not config or UNKNOWN in (source, method):
        return
    if source == "EXTERNAL":
        if "clientSecretConfig" not in given:
            yield _of_config("clientSecretConfig is required when clientSecretSource is EXTERNAL")
        if "clientSecret" in given:
            yield _of_config("clientSecret must not be provided when clientSecretSource is EXTERNAL")
    elif "clientSecretConfig" in given:
        yield _of_config("clientSecretConfig must not be provided unless clientSecretSource is EXTERNAL")
    elif method not in WITHOUT_SECRET and not {"clientId", "clientSecret"} <= given:
        yield _of_config("clientId and clientSecret must be provided together")
    if method == "PRIVATE_KEY_JWT" and "privateKeyJwtConfig" not in given:
        yield _of_config("privateKeyJwtConfig is required when clientAuthenticationMethod is PRIVATE_KEY_JWT")
    if method in WITHOUT_SECRET and given & {"clientSecret", "clientSecretConfig"}:
        yield _of_config(f"no client secret must be provided when clientAuthenticationMethod is {method}")


def _of_config(text: str) -> Failure:
    return Failure("oauth2ProviderConfig", f"ValidationException: {text}")


def _vendor(inputs: Properties) -> Iterator[Failure]:
    vendor = inputs.get("credentialProviderVendor")
    if isinstance(vendor, str) and _config(inputs) and vendor != "CustomOauth2":
        yield _of_config(f"customOauth2ProviderConfig must not be provided when credentialProviderVendor is {vendor}")


def pool_of(discovery_url: str, env: CloudEnvironment) -> str | None:
    """The user pool of this Region whose discovery document that is; None where it is none's."""
    host = re.escape(env.host("cognito-idp"))
    found = re.fullmatch(rf"https://{host}/([\w-]+_[0-9a-zA-Z]+)/\.well-known/openid-configuration", discovery_url)
    return found[1] if found else None


def _token_endpoint(inputs: Properties, _made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """A pool's discovery document names a token endpoint only when the pool has a domain; the words are ours.

    Of a pool that the program does not make nobody here can know it: its URL does not even say of which account it is.
    """
    discovery = (_config(inputs).get("oauthDiscovery") or {}).get("discoveryUrl")
    pool = pool_of(discovery, env) if discovery else None
    made_here = any(found.id == pool for found in existing(USER_POOL))
    if pool and made_here and not of_pool(pool, USER_POOL_DOMAIN, existing):
        yield (
            f"ValidationException: the discovery document {discovery} names no token endpoint: user pool {pool} has no"
            " domain"
        )


def _few_providers(token: str, what: str) -> Callable[[Properties, Made, CloudEnvironment, Existing], Iterator[str]]:
    def fault(_inputs: Properties, made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
        if len([found for found in existing(token) if found.id != made.id]) >= PROVIDERS_PER_ACCOUNT:
            yield (
                f"ServiceQuotaExceededException: an account takes at most {PROVIDERS_PER_ACCOUNT} {what} credential"
                " providers in a Region"
            )

    return fault


_METADATA = same("issuer", "authorizationEndpoint", "tokenEndpoint", "responseTypes")
_KEY: Table = {
    "signingAlgorithm": "signingAlgorithm",
    "privateKeySource": Member("privateKeySource", {"kmsKeySource": Member("kmsKeySource", same("kmsKeyArn"))}),
}
_CUSTOM: Table = {
    **same("clientId", "clientSecret", "clientSecretSource", "clientAuthenticationMethod"),
    "clientSecretConfig": Member("clientSecretConfig", same("secretId", "jsonKey")),
    "oauthDiscovery": Member(
        "oauthDiscovery",
        {
            "discoveryUrl": "discoveryUrl",
            "authorizationServerMetadata": Member("authorizationServerMetadata", _METADATA),
        },
    ),
    "privateKeyJwtConfig": Member("privateKeyJwtConfig", _KEY),
}

OAUTH2_PROVIDER_TYPE = ResourceType(
    type=OAUTH2_PROVIDER,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreateOauth2CredentialProvider",
            {
                **same("name", "credentialProviderVendor", "tags"),
                "oauth2ProviderConfig": Member(
                    "oauth2ProviderConfigInput",
                    {"customOauth2ProviderConfig": Member("customOauth2ProviderConfig", _CUSTOM)},
                ),
            },
        ),
    ),
    make=_make_provider,
    computed=("credentialProviderArn", "callbackUrl", "clientSecretArns"),
    replaces=frozenset({"name", "credentialProviderVendor"}),
    framework=True,
    auto_name="name",
    # The provider calls both sensitive, so that an export hides who the client is, too.
    secrets=frozenset(f"oauth2ProviderConfig.customOauth2ProviderConfig.{it}" for it in ("clientId", "clientSecret")),
    unordered=frozenset({"responseTypes"}),
    rules=(_vendor, _credentials),
    needs=(_token_endpoint, _few_providers(OAUTH2_PROVIDER, "OAuth2")),
    unique=("name",),
    # Nor here.
    conflict="ValidationException: Credential provider with name: {name} already exists",
)


def _make_key_provider(inputs: Properties, making: Making) -> Made:
    name, elsewhere = inputs["name"], inputs.get("apiKeySecretConfig")
    kept = f"bedrock-agentcore-identity!default/apikey/{name}"
    arn = making.env.arn("bedrock-agentcore", f"token-vault/default/apikeycredentialprovider/{name}")
    secret = _secret_arn(elsewhere["secretId"] if elsewhere else kept, making)
    return Made(name, {"credentialProviderArn": arn, "apiKeySecretArns": [{"secretArn": secret}]})


def _one_key(inputs: Properties) -> Iterator[Failure]:
    """What pulumi_aws 7.51 says of its inputs: one of them is given, and the source says which."""
    source = inputs.get("apiKeySecretSource")
    key, elsewhere = (inputs.get(name) is not None for name in ("apiKey", "apiKeySecretConfig"))
    if key == elsewhere:
        yield Failure("apiKey", "ValidationException: exactly one of apiKey and apiKeySecretConfig must be given")
    elif source is not UNKNOWN and elsewhere != (source == "EXTERNAL"):
        text = "ValidationException: apiKeySecretConfig is for apiKeySecretSource EXTERNAL, and apiKey for MANAGED"
        yield Failure("apiKeySecretSource", text)


def _other_source(known: Properties, inputs: Properties) -> Iterator[str]:
    """From MANAGED to EXTERNAL or back makes a new provider (pulumi_aws 7.51)."""
    before, after = ((it.get("apiKeySecretSource") or "MANAGED") for it in (known, inputs))
    if UNKNOWN not in (before, after) and before != after:
        yield "apiKeySecretSource"


API_KEY_PROVIDER_TYPE = ResourceType(
    type=API_KEY_PROVIDER,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreateApiKeyCredentialProvider",
            {
                **same("name", "apiKey", "apiKeySecretSource", "tags"),
                "apiKeySecretConfig": Member("apiKeySecretConfig", same("secretId", "jsonKey")),
            },
        ),
    ),
    make=_make_key_provider,
    computed=("credentialProviderArn", "apiKeySecretArns"),
    replaces=frozenset({"name"}),
    replaced_by=_other_source,
    framework=True,
    auto_name="name",
    secrets=frozenset({"apiKey"}),
    rules=(_one_key,),
    needs=(_few_providers(API_KEY_PROVIDER, "API key"),),
    unique=("name",),
    # As of its sibling above; not seen.
    conflict="ValidationException: Credential provider with name: {name} already exists",
)
