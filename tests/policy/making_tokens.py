"""A stack by hand in which one agent calls a gateway with tokens: whatever a rule about tokens looks at."""

import json
from collections.abc import Callable
from typing import Any

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration
from tests.policy.making import ACCOUNT, GATEWAY

POOL_ID, CLIENT_ID = "us-east-1_AbCdEf123", "3n4b5urk1ft4fl3mg5e62d9ado"
POOL_ARN = f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{POOL_ID}"
DISCOVERY = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL_ID}/.well-known/openid-configuration"
SECRET = "51ujn5j5hqtqcb7lj2gsbcsn4ipbdgo8p0ue5ql0d9m3s2k1a7v"  # of no client
PLACE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
DIRECTORY, VAULT = f"{PLACE}:workload-identity-directory/default", f"{PLACE}:token-vault/default"
IDENTITY = f"{DIRECTORY}/workload-identity/shop_agent"
PROVIDER = f"{VAULT}/oauth2credentialprovider/shop_agent_tokens"
SECRET_ARN = (
    f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:bedrock-agentcore-identity!default/oauth2/shop_agent_tokens"
)
SECRET_ARN_WITH_END = f"{SECRET_ARN}-AbCdEf"
PERMIT = (
    'permit(principal is AgentCore::OAuthUser, action in [AgentCore::Action::"math___add"], '
    f'resource == AgentCore::Gateway::"{GATEWAY}")'
    f' when {{ principal.hasTag("client_id") && principal.getTag("client_id") == "{CLIENT_ID}" }};'
)
GATEWAY_TYPE = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
HARNESS = "aws:bedrock/agentcoreHarness:AgentcoreHarness"
POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
IDENTITY_TYPE = "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity"
PROVIDER_TYPE = "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider"

INVOKE = "lambda:InvokeFunction"
ALLOWED = {"gateway-authorizer-iam": {"allowedAuthorizers": ["AWS_IAM", "CUSTOM_JWT"]}}

type Change = Callable[[dict[str, Registration]], None]


def pool(**inputs: Any) -> Registration:
    props = {"name": "shop", "adminCreateUserConfig": {"allowAdminCreateUserOnly": True}, **inputs}
    outputs = {"id": POOL_ID, "arn": POOL_ARN, "endpoint": DISCOVERY[8:].partition("/.well")[0]}
    return Registration(POOL, "pool", props, outputs)


def client(name: str = "client", **inputs: Any) -> Registration:
    props = {
        "name": "shop-agent",
        "userPoolId": POOL_ID,
        "generateSecret": True,
        "allowedOauthFlows": ["client_credentials"],
        "allowedOauthFlowsUserPoolClient": True,
        "allowedOauthScopes": ["shop-tools/invoke"],
        "explicitAuthFlows": [],
        "accessTokenValidity": 60,
        "tokenValidityUnits": {"accessToken": "minutes"},
        **inputs,
    }
    graph = {"userPoolId": [pool().urn]}
    return Registration(CLIENT, name, props, {"id": CLIENT_ID, "clientSecret": SECRET}, "", graph)


def authorizer(**more: Any) -> dict[str, Any]:
    return {"customJwtAuthorizer": {"discoveryUrl": DISCOVERY, "allowedScopes": ["shop-tools/invoke"], **more}}


def gateway(**inputs: Any) -> Registration:
    props = {"authorizerType": "CUSTOM_JWT", "authorizerConfiguration": authorizer(), **inputs}
    made = making.gateway(**props)
    graph = {"authorizerConfiguration": [pool().urn]}
    return Registration(made.type, made.name, made.inputs, made.outputs, "", graph)


def provider(**inputs: Any) -> Registration:
    custom = {"clientId": CLIENT_ID, "clientSecret": SECRET, "oauthDiscovery": {"discoveryUrl": DISCOVERY}}
    config = {"customOauth2ProviderConfig": custom}
    props = {"name": "shop_agent_tokens", "credentialProviderVendor": "CustomOauth2", "oauth2ProviderConfig": config}
    outputs = {"credentialProviderArn": PROVIDER, "clientSecretArns": [{"secretArn": SECRET_ARN_WITH_END}]}
    return Registration(PROVIDER_TYPE, "provider", {**props, **inputs}, outputs)


def identity(name: Any = "shop_agent") -> Registration:
    return Registration(IDENTITY_TYPE, "identity", {"name": name}, {"workloadIdentityArn": IDENTITY})


TAKE = [
    making.statement("bedrock-agentcore:GetWorkloadAccessToken", [DIRECTORY, IDENTITY]),
    making.statement("bedrock-agentcore:GetResourceOauth2Token", [DIRECTORY, IDENTITY, VAULT, PROVIDER]),
    making.statement("secretsmanager:GetSecretValue", SECRET_ARN_WITH_END),
]


def tokens_policy(*statements: Any, of: str = "agent", name: str = "tokens") -> Registration:
    return making.role_policy(making.document(*(statements or TAKE)), of=of, name=name)


def runtime(name: str = "assistant", role: str = "agent", **inputs: Any) -> Registration:
    gateways = json.dumps({"identity": "shop_agent", "tokens": [{"provider": "shop_agent_tokens", "scopes": []}]})
    props = {
        "agentRuntimeName": f"shop_{name}",
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
        "environmentVariables": {"TOKEN_GATEWAYS": gateways, "BEDROCK_MODEL_ID": making.MODEL},
        **inputs,
    }
    return Registration(RUNTIME, name, props, {"agentRuntimeArn": f"{PLACE}:runtime/shop_{name}-abcdefghij"})


def stack() -> dict[str, Registration]:
    """By name, in the order of their registration."""
    function = {"name": "shop-math", "role": f"arn:aws:iam::{ACCOUNT}:role/math", "environment": {"variables": {}}}
    made = [
        pool(),
        making.role("gateway"),
        making.role_policy(making.document(making.statement(INVOKE, making.FUNCTION)), of="gateway", name="invoke"),
        making.role("math", "lambda.amazonaws.com"),
        Registration("aws:lambda/function:Function", "function", function, {"arn": making.FUNCTION}),
        making.engine(),
        gateway(policyEngineConfiguration={"arn": making.ENGINE, "mode": "ENFORCE"}),
        making.target(),
        client(),
        provider(),
        identity(),
        making.role(),
        tokens_policy(),
        runtime(),
        making.cedar(PERMIT),
    ]
    return {it.name: it for it in made}


def previewed(resources: dict[str, Registration]) -> list[Registration]:
    """As a first preview has them: no output, and no input that an output of another resource is in."""
    computed = [POOL_ID, POOL_ARN, CLIENT_ID, SECRET, PROVIDER, IDENTITY, SECRET_ARN, GATEWAY, making.ENGINE]
    computed += [GATEWAY.rpartition("/")[2], making.ENGINE_ID, making.FUNCTION]
    made = []
    for it in resources.values():
        inputs = _unknown(it.inputs, computed)
        graph = {**{key: _behind(key) for key in inputs if it.inputs[key] != inputs[key]}, **it.property_dependencies}
        made.append(Registration(it.type, it.name, inputs, {}, it.parent, {k: v for k, v in graph.items() if v}))
    return made


def _behind(prop: str) -> list[str]:
    """What such a property is made of in this stack, where its own registration does not say it."""
    known = {
        "policyEngineConfiguration": making.engine(),
        "policyEngineId": making.engine(),
        "gatewayIdentifier": gateway(),
        "targetConfiguration": Registration("aws:lambda/function:Function", "function", {}),
        "definition": gateway(),
        "policy": provider(),
        "environmentVariables": client(),
        "environment": client(),
    }
    return [known[prop].urn] if prop in known else []


def _unknown(value: Any, computed: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _unknown(item, computed) for key, item in value.items()}
    if isinstance(value, list):
        return [_unknown(item, computed) for item in value]
    return UNKNOWN if isinstance(value, str) and any(it in value for it in computed) else value


def judged(pack: Pack, resources: list[Registration]) -> set[tuple[str, str]]:
    """Rules and resources that are found, in the whole run."""
    pack.configure(ALLOWED)
    found = {(it.rule, it.urn.rpartition("::")[2]) for it in pack.run(resources)}
    return {it for it in found if it[0] not in {"logs-delivered", "undecided-in-preview"}}
