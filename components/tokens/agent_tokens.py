"""What an agent takes tokens with: a client and a credential provider for each issuer, and one workload identity.

Its code has none of the secrets: AgentCore asks the issuer for a token, as the client whose secret it keeps, for whom
may use the provider and the identity (AgentCore developer guide, "Identity"). The identity is one of the agent's own,
because a runtime's may not be used by the agent, and a runtime that is invoked with SigV4 is handed no token of it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import arguments, names
from toolgate.components.grants.cedar_text import OAuthClient
from toolgate.components.grants.inbound import CLIENT_CLAIM
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.iam import token_documents
from toolgate.components.iam.iam_documents import AwsEnvironment, Document
from toolgate.components.tokens import app_client, oauth_provider
from toolgate.components.tokens.issuers import Issuer

VARIABLE = "TOKEN_GATEWAYS"
"""The environment variable by which an agent knows its gateways that take tokens."""

type Tags = pulumi.Input[dict[str, pulumi.Input[str]]] | None


@dataclass(frozen=True)
class _Source:
    """What the tokens of one issuer are taken with.

    Attributes:
        issuer: The issuer.
        client_id: The agent's client there.
        provider: The credential provider that asks for the tokens as that client.
        scopes: The scopes that the agent asks for.
    """

    issuer: Issuer
    client_id: pulumi.Output[str]
    provider: aws.bedrock.AgentcoreOauth2CredentialProvider
    scopes: pulumi.Input[list[str]]

    def secrets(self) -> pulumi.Output[list[str]]:
        """ARNs of the secrets that hold the client's secret."""
        if self.issuer.credentials:
            return pulumi.Output.all(self.issuer.credentials["secret_arn"])
        found: pulumi.Output[list[str]] = self.provider.client_secret_arns.apply(
            lambda arns: [it.secret_arn for it in arns]
        )
        return found

    def entry(self) -> dict[str, Any]:
        """What the agent is told of it."""
        urls = pulumi.Output.all(*[grant["gateway_url"] for grant in self.issuer.grants])
        parameters = self.issuer.credentials.get("parameters") if self.issuer.credentials else None
        return {
            "provider": self.provider.name,
            "scopes": self.scopes,
            **({"parameters": parameters} if parameters else {}),
            "gateways": urls.apply(lambda known: list(dict.fromkeys(known))),
        }


@dataclass(frozen=True)
class AgentTokens:
    """What an agent takes its tokens with, made.

    Attributes:
        identity: The agent's workload identity.
        sources: What the tokens of each issuer are taken with.
    """

    identity: aws.bedrock.AgentcoreWorkloadIdentity
    sources: Sequence[_Source]

    def caller(self, grant: GatewayTools) -> pulumi.Output[OAuthClient]:
        """As whom the grant's gateway, which takes tokens, knows the agent."""
        bearer = grant["bearer"]
        [client_id] = [it.client_id for it in self.sources if it.issuer.name == bearer["issuer"]]
        return client_id.apply(lambda known: OAuthClient(bearer.get("client_claim", CLIENT_CLAIM), known))

    def document(self, env: AwsEnvironment) -> Document:
        """What the agent's role may do with it."""
        providers = [it.provider.credential_provider_arn for it in self.sources]
        secrets = pulumi.Output.all(*[it.secrets() for it in self.sources])
        each_once = secrets.apply(lambda known: list(dict.fromkeys(arn for arns in known for arn in arns)))
        return token_documents.take_tokens(env, self.identity.workload_identity_arn, providers, each_once)

    def variable(self, longest: int, where: str) -> pulumi.Output[str]:
        """The value of `VARIABLE`.

        Args:
            longest: The most characters that it may have.
            where: Whose it is, for messages.

        Raises:
            UsageError: It has more, as soon as it is known.
        """

        def written(known: Any) -> str:
            text = json.dumps(known, separators=(",", ":"))
            arguments.within(text, 1, longest, f"{where}.tools: what the agent is told of its gateways ({VARIABLE})")
            return text

        told = {"identity": self.identity.name, "tokens": [it.entry() for it in self.sources]}
        return pulumi.Output.from_input(told).apply(written)


def make(
    name: str, runtime_name: str, issuers: Sequence[Issuer], tags: Tags, hooked: pulumi.ResourceOptions
) -> AgentTokens:
    """Make them.

    Args:
        name: The component's name.
        runtime_name: The runtime's name in AWS.
        issuers: The issuers, one or more.
        tags: Tags for what takes tags.
        hooked: The parent and hooks of what is made.
    """
    # None is protected: a grant that is taken back takes them with it. What has a name of ours is deleted first when it
    # is replaced, as the old one holds the name; a client's name is not unique.
    client = hooked.merge(pulumi.ResourceOptions(protect=False))
    named = client.merge(pulumi.ResourceOptions(delete_before_replace=True))
    identity = aws.bedrock.AgentcoreWorkloadIdentity(f"{name}-identity", name=runtime_name, tags=tags, opts=named)
    sources: list[_Source] = []
    client_id: pulumi.Output[str]
    scopes: pulumi.Input[list[str]]
    for issuer in issuers:
        credentials = issuer.credentials
        if credentials is None:
            app = app_client.make(f"{name}-{issuer.name}-client", runtime_name, issuer, client)
            client_id, scopes = app.id, app_client.scopes(issuer)
            as_client: dict[str, Any] = {"client_id": app.id, "client_secret": pulumi.Output.secret(app.client_secret)}
            opts = named.merge(pulumi.ResourceOptions(additional_secret_outputs=["oauth2ProviderConfig"]))
        else:
            client_id, scopes = pulumi.Output.from_input(credentials["client_id"]), credentials.get("scopes", [])
            as_client = oauth_provider.external(client_id, credentials["secret_arn"], credentials["json_key"])
            opts = named
        provider = aws.bedrock.AgentcoreOauth2CredentialProvider(
            f"{name}-{issuer.name}-provider",
            name=names.credential_provider(runtime_name, issuer.name),
            credential_provider_vendor=oauth_provider.VENDOR,
            oauth2_provider_config=oauth_provider.configuration(as_client, issuer.discovery_url),
            tags=tags,
            opts=opts,
        )
        sources.append(_Source(issuer, client_id, provider, scopes))
    return AgentTokens(identity, sources)
