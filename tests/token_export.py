"""A deployment with tokens, made of one with IAM by hand: not by our components, which are tested against it."""

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

POOL = "us-east-1_AbCdEf123"
ISSUER = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"
ACCOUNT = "123456789012"
HIDDEN = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "djE6c2VjcmV0"}
"""A secret as `pulumi stack export` shows it."""


def client_id(agent: str) -> str:
    """The id of an agent's client: 26 characters, as Cognito's."""
    return f"{agent}{'0123456789abcdefghijklmnop'}"[:26]


def with_tokens(export: Mapping[str, Any]) -> dict[str, Any]:
    """The deployment with each of its gateways behind one user pool, and a client for each agent.

    Args:
        export: A deployment of toolgate's own program with IAM; each agent is handed tools of one gateway.
    """
    made = copy.deepcopy(dict(export))
    listed: list[dict[str, Any]] = made["deployment"]["resources"]
    stack = listed[0]["urn"].rsplit("::", 2)[0]

    def add(type_: str, named: str, id_: str, /, **properties: Any) -> None:
        entry = {"urn": f"{stack}::{type_}::{named}", "type": type_, "custom": True, "id": id_}
        listed.append({**entry, "inputs": properties, "outputs": {**properties, "id": id_}})

    add(
        "aws:cognito/userPool:UserPool",
        "tokens-pool",
        POOL,
        name="sample-tokens",
        arn=f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{POOL}",
        endpoint=ISSUER.removeprefix("https://"),
        adminCreateUserConfig={"allowAdminCreateUserOnly": True},
    )
    domain = f"sample-tokens-{ACCOUNT}"
    add("aws:cognito/userPoolDomain:UserPoolDomain", "tokens-domain", domain, domain=domain, userPoolId=POOL)
    scopes = {}
    for gateway in [it for it in listed if it["type"].endswith(":AgentcoreGateway")]:
        name = gateway["outputs"]["name"]
        scopes[gateway["outputs"]["gatewayUrl"]] = scope = f"{name}/invoke"
        jwt = {"customJwtAuthorizer": {"discoveryUrl": DISCOVERY, "allowedScopes": [scope]}}
        for side in ("inputs", "outputs"):
            gateway[side] |= {"authorizerType": "CUSTOM_JWT", "authorizerConfiguration": jwt}
        add(
            "aws:cognito/resourceServer:ResourceServer",
            f"{name}-scope",
            f"{POOL}|{name}",
            identifier=name,
            name=name,
            userPoolId=POOL,
            scopes=[{"scopeName": "invoke", "scopeDescription": "Call the gateway"}],
            scopeIdentifiers=[scope],
        )
    for runtime in [it for it in listed if it["type"].endswith(":AgentcoreAgentRuntime")]:
        agent = runtime["urn"].rsplit("::", 1)[-1].removesuffix("-runtime")
        _come_with_token(made, agent, runtime, scopes, add)
    return made


def _come_with_token(
    made: dict[str, Any], agent: str, runtime: dict[str, Any], scopes: Mapping[str, str], add: Any
) -> None:
    name, url = runtime["outputs"]["agentRuntimeName"], runtime["outputs"]["environmentVariables"]["GATEWAY_URL"]
    identity = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:workload-identity-directory/default"
    vault = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:token-vault/default"
    provider = f"{name}_tokens"
    secret = (
        f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:bedrock-agentcore-identity!default/oauth2/{provider}-AbCdEf"
    )
    add(
        "aws:cognito/userPoolClient:UserPoolClient",
        f"{agent}-tokens-client",
        client_id(agent),
        name=name,
        userPoolId=POOL,
        generateSecret=True,
        clientSecret=HIDDEN,
        allowedOauthFlows=["client_credentials"],
        allowedOauthFlowsUserPoolClient=True,
        allowedOauthScopes=[scopes[url]],
        explicitAuthFlows=[],
        accessTokenValidity=60,
        tokenValidityUnits={"accessToken": "minutes"},
    )
    config = {
        "clientId": client_id(agent),
        "clientSecret": HIDDEN,
        "clientAuthenticationMethod": "CLIENT_SECRET_BASIC",
        "oauthDiscovery": {"discoveryUrl": DISCOVERY},
    }
    add(
        "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider",
        f"{agent}-tokens-provider",
        provider,
        name=provider,
        credentialProviderVendor="CustomOauth2",
        credentialProviderArn=f"{vault}/oauth2credentialprovider/{provider}",
        clientSecretArns=[{"secretArn": secret}],
        oauth2ProviderConfig={"customOauth2ProviderConfig": config},
    )
    workload = f"{identity}/workload-identity/{name}"
    add(
        "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity",
        f"{agent}-identity",
        name,
        name=name,
        workloadIdentityArn=workload,
    )
    take = ["bedrock-agentcore:GetWorkloadAccessToken"], [identity, workload]
    exchange = (
        ["bedrock-agentcore:GetResourceOauth2Token"],
        [identity, workload, vault, f"{vault}/oauth2credentialprovider/{provider}"],
    )
    read = ["secretsmanager:GetSecretValue"], [secret]
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in (take, exchange, read)],
    }
    tokens = {"identity": name, "tokens": [{"provider": provider, "scopes": [scopes[url]], "gateways": [url]}]}
    for entry in made["deployment"]["resources"]:
        mine = entry["urn"].rsplit("::", 1)[-1] == f"{agent}-tools"
        for side in ("inputs", "outputs"):
            if mine and entry["type"].endswith(":RolePolicy"):
                entry[side]["policy"] = json.dumps(document)
            if mine and entry["type"].endswith(":AgentcorePolicy"):
                cedar = entry[side]["definition"]["cedar"]
                cedar["statement"] = _of_client(cedar["statement"], client_id(agent))
    for side in ("inputs", "outputs"):
        variables = runtime[side]["environmentVariables"]
        variables |= {"GATEWAY_URL": "", "TOKEN_GATEWAYS": json.dumps(tokens, separators=(",", ":"))}


def _of_client(statement: str, client: str) -> str:
    named = re.sub(r'principal == AgentCore::IamEntity::"[^"]*"', "principal is AgentCore::OAuthUser", statement)
    when = f'when {{ principal.hasTag("client_id") && principal.getTag("client_id") == "{client}" }}'
    scope, _, rest = named.partition("\n)")
    return f"{scope}\n)\n{when}{rest}"
