"""What tokens are made with, and what gateways sign in with at targets, as the provider has it.

The first is asked for only where a gateway takes tokens, of the second the credential providers that targets name.

Of user pools those are read that a gateway or a credential provider names by its discovery URL. Cognito gives the
secret of a client together with the rest: none of it is kept.
Source: botocore bedrock-agentcore-control and cognito-idp; pulumi_aws, the classes of the types.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from toolgate.access.deployment.not_read import NotRead
from toolgate.access.scan import calls
from toolgate.access.scan.calls import Call
from toolgate.access.scan.reader import Reader, UnreadError
from toolgate.access.scan.resources import Found, note
from toolgate.policy.language.agentcore_facts import (
    API_KEY_PROVIDER,
    GATEWAY,
    OAUTH2_PROVIDER,
    RESOURCE_SERVER,
    TARGET,
    USER_POOL,
    USER_POOL_CLIENT,
    USER_POOL_DOMAIN,
    WORKLOAD_IDENTITY,
)
from toolgate.policy.language.arns import region_in

type _Described = Mapping[str, Any]

_POOL = re.compile(
    r"https://(?P<host>(?:issuer-)?cognito-idp\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?)/(?P<id>[\w-]+_[0-9a-zA-Z]+)"
    r"/\.well-known/.+"
)
"""The discovery URL of a user pool, with either sort of issuer (botocore cognito-idp `IssuerConfigurationType`)."""


def tokens(readers: Mapping[str, Reader], found: Iterable[Found]) -> Iterator[Found]:
    """Credential providers, workload identities and user pools.

    Args:
        readers: A reader for each Region.
        found: What was found before.
    """
    gateways = [it for it in found if it.type == GATEWAY and it.inputs.get("authorizerType") == "CUSTOM_JWT"]
    urls = {url for it in gateways if (url := _url(it.inputs, "authorizerConfiguration", "customJwtAuthorizer"))}
    listed = set[str]()
    for reader in readers.values() if gateways else ():
        for provider in _providers(reader):
            urls |= {url} if (url := _provider_url(provider)) else set()
            listed.add(str(provider.outputs.get("credentialProviderArn")))
            yield provider
        yield from _listed(reader, calls.LIST_IDENTITIES, "workload identities", _identity)
    for arn in sorted({*_of_targets(found)} - listed):
        yield from _named(readers, arn)
    for url in sorted(urls):
        if named := _POOL.fullmatch(url):
            yield from _pool(readers, named)


def _of_targets(found: Iterable[Found]) -> Iterator[str]:
    """ARNs of the credential providers with which gateways sign in at their targets."""
    for target in (it for it in found if it.type == TARGET):
        given = target.inputs.get("credentialProviderConfiguration")
        for settings in given.values() if isinstance(given, Mapping) else ():
            arn = settings.get("providerArn") if isinstance(settings, Mapping) else None
            yield from [arn] if isinstance(arn, str) else []


def _named(readers: Mapping[str, Reader], arn: str) -> Iterator[Found]:
    """One credential provider, of either sort."""
    reader, listed = readers.get(region_in(arn) or ""), {"name": arn.rpartition("/")[2]}
    if reader is None:
        yield note(NotRead(f"credential provider {arn}", "its Region was not scanned"))
    elif "/apikeycredentialprovider/" in arn:
        yield from _api_key(reader, listed)
    else:
        yield from _provider(reader, listed)


def _api_key(reader: Reader, listed: _Described) -> Iterator[Found]:
    name = f"{reader.region}/{listed['name']}"
    try:
        described = reader.one(calls.GET_API_KEY_PROVIDER, name=listed["name"])
    except UnreadError as error:
        yield note(NotRead(f"credential provider '{name}'", str(error)))
        return
    secret = (described.get("apiKeySecretArn") or {}).get("secretArn")
    outputs = {
        "credentialProviderArn": described["credentialProviderArn"],
        "apiKeySecretArns": [{"secretArn": secret}] if secret else [],
    }
    yield Found(API_KEY_PROVIDER, name, {"name": listed["name"]}, outputs)


def _url(properties: _Described, *path: str) -> str | None:
    value: Any = properties
    for step in (*path, "discoveryUrl"):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None


def _provider_url(found: Found) -> str | None:
    config = found.inputs.get("oauth2ProviderConfig") if found.type == OAUTH2_PROVIDER else None
    for of_vendor in config.values() if isinstance(config, Mapping) else ():
        if url := _url(of_vendor, "oauthDiscovery"):
            return url
    return None


def _listed(reader: Reader, call: Call, what: str, made: Any, **named: str) -> Iterator[Found]:
    """Each of a list, and a note where it was not read whole."""
    listed = reader.several(call, **named)
    for item in listed.items:
        yield from made(reader, item)
    if listed.unread:
        yield note(NotRead(listed.missing(f"the {what} in {reader.region}"), str(listed.unread)))


def _providers(reader: Reader) -> Iterator[Found]:
    yield from _listed(reader, calls.LIST_PROVIDERS, "credential providers", _provider)


def _provider(reader: Reader, listed: _Described) -> Iterator[Found]:
    name = f"{reader.region}/{listed['name']}"
    try:
        described = reader.one(calls.GET_PROVIDER, name=listed["name"])
    except UnreadError as error:
        yield note(NotRead(f"credential provider '{name}'", str(error)))
        return
    config = {key: dict(it) for key, it in (described.get("oauth2ProviderConfigOutput") or {}).items() if it}
    secret = (described.get("clientSecretArn") or {}).get("secretArn")
    if described.get("clientSecretSource") == "EXTERNAL":
        for it in config.values():
            it["clientSecretConfig"] = {"secretId": secret, "jsonKey": described.get("clientSecretJsonKey")}
    inputs = {
        "name": listed["name"],
        "credentialProviderVendor": described["credentialProviderVendor"],
        "oauth2ProviderConfig": config,
    }
    outputs = {
        "credentialProviderArn": described["credentialProviderArn"],
        "clientSecretArns": [{"secretArn": secret}] if secret else [],
    }
    yield Found(OAUTH2_PROVIDER, name, inputs, outputs)
    status = described.get("status", "READY")
    if status != "READY":
        why = f"its status is {status}; it is judged as AWS shows it"
        yield note(NotRead(f"what holds of credential provider '{name}'", why))


def _identity(reader: Reader, listed: _Described) -> Iterator[Found]:
    name = listed["name"]
    outputs = {"workloadIdentityArn": listed["workloadIdentityArn"]}
    yield Found(WORKLOAD_IDENTITY, f"{reader.region}/{name}", {"name": name}, outputs)


def _pool(readers: Mapping[str, Reader], named: re.Match[str]) -> Iterator[Found]:
    pool_id, region = named["id"], named["region"]
    reader = readers.get(region)
    if reader is None:
        yield note(NotRead(f"user pool {pool_id}", f"{region} was not scanned: give --region {region}"))
        return
    try:
        described = reader.one(calls.GET_POOL, UserPoolId=pool_id)["UserPool"]
    except UnreadError as error:
        yield note(NotRead(f"user pool {pool_id}", "it is not in this account" if error.gone else str(error)))
        return
    name = f"{region}/{described['Name']}"
    admin, functions = described.get("AdminCreateUserConfig") or {}, described.get("LambdaConfig") or {}
    rewriting = functions.get("PreTokenGenerationConfig") or {}
    inputs = {
        "name": described["Name"],
        "adminCreateUserConfig": {"allowAdminCreateUserOnly": bool(admin.get("AllowAdminCreateUserOnly"))},
        "lambdaConfig": {
            "preTokenGeneration": functions.get("PreTokenGeneration"),
            "preTokenGenerationConfig": {"lambdaArn": rewriting["LambdaArn"]} if rewriting.get("LambdaArn") else None,
        },
    }
    endpoint = f"{named['host']}/{pool_id}"
    yield Found(USER_POOL, name, inputs, {"id": pool_id, "arn": described["Arn"], "endpoint": endpoint})
    for domain in (described.get("CustomDomain"), described.get("Domain")):
        if domain:
            yield Found(USER_POOL_DOMAIN, f"{name}/{domain}", {"domain": domain, "userPoolId": pool_id}, {})
    if (described.get("DcrConfiguration") or {}).get("EnableStatus", "Disabled") != "Disabled":
        yield note(NotRead(f"which clients user pool '{name}' lets others register", "nothing here judges it"))
    yield from _of_pool(reader, name, pool_id)


def _of_pool(reader: Reader, name: str, pool_id: str) -> Iterator[Found]:
    def server(_: Reader, listed: _Described) -> Iterator[Found]:
        scopes = [{"scopeName": it["ScopeName"]} for it in listed.get("Scopes") or ()]
        inputs = {"identifier": listed["Identifier"], "userPoolId": pool_id, "scopes": scopes}
        yield Found(RESOURCE_SERVER, f"{name}/{listed['Identifier']}", inputs, {})

    def client(_: Reader, listed: _Described) -> Iterator[Found]:
        named = {"UserPoolId": pool_id, "ClientId": listed["ClientId"]}
        try:
            described = reader.one(calls.GET_CLIENT, **named)["UserPoolClient"]
        except UnreadError as error:
            yield note(NotRead(f"client {listed['ClientId']} of user pool '{name}'", str(error)))
            return
        yield _client(name, described)

    of_pool = f"of user pool '{name}'"
    yield from _listed(reader, calls.LIST_SERVERS, f"resource servers {of_pool}", server, UserPoolId=pool_id)
    yield from _listed(reader, calls.LIST_CLIENTS, f"clients {of_pool}", client, UserPoolId=pool_id)


def _client(pool: str, described: _Described) -> Found:
    inputs = {
        "name": described["ClientName"],
        "userPoolId": described["UserPoolId"],
        "allowedOauthFlows": list(described.get("AllowedOAuthFlows") or ()),
        "allowedOauthFlowsUserPoolClient": bool(described.get("AllowedOAuthFlowsUserPoolClient")),
        "allowedOauthScopes": list(described.get("AllowedOAuthScopes") or ()),
        "explicitAuthFlows": list(described.get("ExplicitAuthFlows") or ()),
        "generateSecret": bool(described.get("ClientSecret") or described.get("ClientSecretArn")),
        "accessTokenValidity": described.get("AccessTokenValidity"),
        "tokenValidityUnits": {"accessToken": (described.get("TokenValidityUnits") or {}).get("AccessToken")},
    }
    return Found(USER_POOL_CLIENT, f"{pool}/{described['ClientName']}", inputs, {"id": described["ClientId"]})
