"""Small deployments with tokens, written by hand: not by our components, nor by what reads them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ACCOUNT, REGION = "123456789012", "us-east-1"
POOL = f"{REGION}_AbCdEf123"
ISSUER = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}"
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"
FOREIGN = "https://login.example/v2"
FOREIGN_DISCOVERY = f"{FOREIGN}/.well-known/openid-configuration"
POOL_ARN = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{POOL}"
CORE = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}"
DIRECTORY, VAULT = f"{CORE}:workload-identity-directory/default", f"{CORE}:token-vault/default"
TOOLS = ("math___add", "math___sub")
_AGENTCORE = {"Service": "bedrock-agentcore.amazonaws.com"}

type Statement = Mapping[str, Any]


def identity_arn(name: str) -> str:
    return f"{DIRECTORY}/workload-identity/{name}"


def provider_arn(name: str) -> str:
    return f"{VAULT}/oauth2credentialprovider/{name}"


def secret_arn(name: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"


def managed(provider: str) -> str:
    return secret_arn(f"bedrock-agentcore-identity!default/oauth2/{provider}")


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def gateway_arn(name: str) -> str:
    return f"{CORE}:gateway/{name}-abcdefghij"


def allow(action: str | list[str], *on: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(on), **more}


def taking(provider: str, identity: str) -> list[dict[str, Any]]:
    """What an agent with tokens is granted (facts/jwt.md, section 4)."""
    both = [DIRECTORY, identity_arn(identity)]
    return [
        allow("bedrock-agentcore:GetWorkloadAccessToken", *both),
        allow("bedrock-agentcore:GetResourceOauth2Token", *both, VAULT, provider_arn(provider)),
        allow("secretsmanager:GetSecretValue", managed(provider)),
    ]


def pinned(client: str, tools: Sequence[str] = TOOLS[:1], gateway: str = "g0", effect: str = "permit") -> str:
    """A Cedar policy about one client's calls."""
    when = f'when {{ principal.hasTag("client_id") && principal.getTag("client_id") == "{client}" }}'
    return f"{effect}(principal is AgentCore::OAuthUser, {_on(tools, gateway)}) {when};"


def open_to_all(tools: Sequence[str] = TOOLS[:1], gateway: str = "g0", effect: str = "permit") -> str:
    """A Cedar policy about everybody's calls."""
    return f"{effect}(principal is AgentCore::OAuthUser, {_on(tools, gateway)});"


def _on(tools: Sequence[str], gateway: str) -> str:
    actions = ", ".join(f'AgentCore::Action::"{tool}"' for tool in tools)
    return f'action in [{actions}], resource == AgentCore::Gateway::"{gateway_arn(gateway)}"'


@dataclass
class World:
    """A deployment: a user pool with a domain, and what is added to it."""

    parts: list[dict[str, Any]] = field(default_factory=list)

    def add(self, type_: str, name: str, made_of: Mapping[str, list[str]] | None = None, /, **properties: Any) -> str:
        urn = f"urn:pulumi:dev::worlds::{type_}::{name}"
        known = {key: value for key, value in properties.items() if value is not None}
        entry = {"urn": urn, "type": type_, "custom": True, "inputs": known, "outputs": known}
        self.parts.append({**entry, "propertyDependencies": dict(made_of or {})})
        return urn

    def pool(self, **more: Any) -> None:
        settings = {"adminCreateUserConfig": {"allowAdminCreateUserOnly": True}, **more}
        endpoint = ISSUER.removeprefix("https://")
        self.add("aws:cognito/userPool:UserPool", "pool", id=POOL, arn=POOL_ARN, endpoint=endpoint, **settings)

    def domain(self) -> None:
        self.add("aws:cognito/userPoolDomain:UserPoolDomain", "domain", userPoolId=POOL, domain="words")

    def server(self, *gateways: str) -> None:
        for it in gateways:
            scopes = [{"scopeName": "invoke", "scopeDescription": "Call"}]
            self.add("aws:cognito/resourceServer:ResourceServer", it, identifier=it, userPoolId=POOL, scopes=scopes)

    def client(self, name: str, *gateways: str, **more: Any) -> str:
        settings = {
            **{"id": name, "name": f"named-{name}", "userPoolId": POOL, "generateSecret": True},
            **{"allowedOauthFlows": ["client_credentials"], "allowedOauthFlowsUserPoolClient": True},
            **{"allowedOauthScopes": [f"{it}/invoke" for it in gateways], "explicitAuthFlows": []},
        }
        return self.add("aws:cognito/userPoolClient:UserPoolClient", name, **{**settings, **more})

    def provider(self, name: str, client: str | None, discovery: str | None = DISCOVERY, **more: Any) -> None:
        config = {
            "clientId": client,
            "clientAuthenticationMethod": "CLIENT_SECRET_BASIC",
            "oauthDiscovery": {"discoveryUrl": discovery} if discovery else None,
        }
        settings = {
            "name": name,
            "credentialProviderVendor": "CustomOauth2",
            "credentialProviderArn": provider_arn(name),
            "clientSecretArns": [{"secretArn": managed(name)}],
            "oauth2ProviderConfig": {"customOauth2ProviderConfig": config},
        }
        type_ = "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider"
        self.add(type_, name, **{**settings, **more})

    def identity(self, name: str) -> None:
        type_ = "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity"
        self.add(type_, name, name=name, workloadIdentityArn=identity_arn(name))

    def role(self, name: str, *statements: Statement, **more: Any) -> None:
        statement = {"Effect": "Allow", "Principal": _AGENTCORE, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        settings = {"name": name, "arn": role_arn(name), "assumeRolePolicy": json.dumps(trust), **more}
        self.add("aws:iam/role:Role", name, **settings)
        if statements:
            self.policy(name, *statements)

    def policy(self, role: str, *statements: Statement) -> None:
        text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.add("aws:iam/rolePolicy:RolePolicy", f"{role}-grants", role=role, name=f"{role}-grants", policy=text)

    def agent(self, name: str, *statements: Statement, **more: Any) -> None:
        self.role(name, *statements)
        self.add(
            "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime",
            name,
            agentRuntimeName=name,
            agentRuntimeId=f"{name}-abcdefghij",
            agentRuntimeArn=f"{CORE}:runtime/{name}-abcdefghij",
            roleArn=role_arn(name),
            **more,
        )

    def gateway(
        self, name: str = "g0", cedar: Sequence[str] | None = None, discovery: str | None = DISCOVERY, **jwt: Any
    ) -> None:
        """A gateway that takes tokens; with no discovery URL, one that takes signatures."""
        checks = {"discoveryUrl": discovery, **(jwt or {"allowedScopes": [f"{name}/invoke"]})}
        authorizer = {
            "authorizerType": "CUSTOM_JWT" if discovery else "AWS_IAM",
            "authorizerConfiguration": {"customJwtAuthorizer": checks} if discovery else None,
        }
        engine = f"{CORE}:policy-engine/{name}-abcdefghij"
        attached = {"policyEngineConfiguration": {"arn": engine, "mode": "ENFORCE"}} if cedar is not None else {}
        ids = {"gatewayArn": gateway_arn(name), "gatewayId": f"{name}-abcdefghij"}
        urls = {"gatewayUrl": f"https://{name}.example/mcp", "roleArn": role_arn("gateway")}
        self.add(
            "aws:bedrock/agentcoreGateway:AgentcoreGateway", name, name=name, **authorizer, **attached, **ids, **urls
        )
        schema = {"type": "object", "properties": [{"name": "a", "type": "integer", "required": False}]}
        tools = [{"name": tool.partition("___")[2], "description": "A tool.", "inputSchema": schema} for tool in TOOLS]
        function = {
            "lambdaArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f-{name}",
            "toolSchema": {"inlinePayloads": tools},
        }
        self.add(
            "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget",
            name,
            name="math",
            targetId=f"T{name}",
            gatewayIdentifier=f"{name}-abcdefghij",
            targetConfiguration={"mcp": {"lambda": function}},
        )
        if cedar is not None:
            self._engine(name, engine, cedar)

    def _engine(self, name: str, arn: str, cedar: Sequence[str]) -> None:
        type_ = "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"
        self.add(type_, name, name=name, policyEngineArn=arn, policyEngineId=f"{name}-abcdefghij")
        for number, statement in enumerate(cedar):
            policy = f"{name}_p{number}"
            self.add(
                "aws:bedrock/agentcorePolicy:AgentcorePolicy",
                policy,
                name=policy,
                policyId=policy,
                policyEngineId=f"{name}-abcdefghij",
                definition={"cedar": {"statement": statement}},
            )

    def export(self) -> dict[str, Any]:
        return {"version": 3, "deployment": {"resources": self.parts}}


def whole(**pool: Any) -> World:
    """A pool with a domain, and the scopes of two gateways."""
    world = World()
    world.pool(**pool)
    world.domain()
    world.server("g0", "g1")
    return world


def two_agents(cedar: Sequence[str] | None = None) -> World:
    """Two agents, each with a client for the gateway `g0`; Cedar permits each its own tool unless it is given."""
    world = whole()
    world.gateway(cedar=cedar if cedar is not None else [pinned("ca"), pinned("cb", TOOLS[1:])])
    for name in ("a", "b"):
        world.client(f"c{name}", "g0")
        world.provider(f"p{name}", f"c{name}")
        world.identity(f"w{name}")
        world.agent(name, *taking(f"p{name}", f"w{name}"))
    return world
