"""In whose place tools may be called: agents, and clients outside of AgentCore, each with its own gateways.

An agent's are those that its role may invoke, and those that it is led to by tokens: whether it gets a token is decided
when it asks. A client's are those that let its token in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from toolgate.access.deployment.agentcore_resources import Gateway, Runtime
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Access
from toolgate.access.tokens.authorizer import Claims, admits
from toolgate.local.serve.agents import invoke_api
from toolgate.local.serve.gateway.json_rpc import spoken
from toolgate.local.serve.guards.credentials import SessionPrincipal, Sessions
from toolgate.local.serve.guards.iam_guard import NeededPermission, decisions
from toolgate.local.serve.serving_file import AgentToken, Caller, ClientToken, Endpoint
from toolgate.local.serve.tokens.issuer import Issuer, NoTokenError
from toolgate.local.serve.tokens.issuer_api import token_endpoint
from toolgate.local.serve.tokens.issuers import Issuers
from toolgate.local.serve.tokens.ways_in import VARIABLE, outside, ways_in
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY

SESSION = "toolgate-call"
"""Session of the credentials that people get: the access log tells their calls from the agent's own."""


@dataclass(frozen=True)
class OfTokens:
    """What has to be known of tokens.

    Attributes:
        issuers: Who gives them.
        url: The local address.
        names: Whom people know the clients as, by the clients' ids.
    """

    issuers: Issuers = field(default_factory=Issuers)
    url: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


NO_TOKENS = OfTokens()


def callers(
    deployment: Deployment, sessions: Sessions, urls: Mapping[str, str], tokens: OfTokens = NO_TOKENS
) -> dict[str, Caller]:
    """The agents and clients by their names.

    Args:
        deployment: What is served.
        sessions: Issues the credentials.
        urls: The gateways' URLs here, by their ids.
        tokens: What has to be known of tokens.
    """
    found = _Found(deployment, sessions, urls, tokens)
    agents = {it.agent: found.agent(it, role) for it in deployment.agents if (role := deployment.role(it.role_arn))}
    clients = {tokens.names[it]: found.client(it) for it in outside(deployment) if it in tokens.names}
    return clients | agents


@dataclass(frozen=True)
class _Found:
    deployment: Deployment
    sessions: Sessions
    urls: Mapping[str, str]
    tokens: OfTokens

    def agent(self, runtime: Runtime, role: Role) -> Caller:
        granted = [self._endpoint(it) for it in self._signed() if _may_invoke(role, it, self.deployment)]
        variable = invoke_api.environment(runtime, {it.url: self.urls[it.id] for it in self.deployment.gateways})
        variables = {name: value for name, value in variable.items() if name == VARIABLE}
        endpoints = (*granted, *self._by_tokens(runtime))
        return Caller(self.sessions.lasting(role, SESSION).environment(), endpoints, variables)

    def client(self, client_id: str) -> Caller:
        issuer = self.tokens.issuers.of_client(client_id)
        return Caller({}, tuple(self._letting_in(issuer, client_id)) if issuer else ())

    def _signed(self) -> list[Gateway]:
        return [it for it in self.deployment.gateways if it.jwt is None]

    def _by_tokens(self, runtime: Runtime) -> Iterator[Endpoint]:
        known = {it.url: it for it in self.deployment.gateways}
        for way in ways_in(runtime):
            token = AgentToken(way.identity, way.provider, way.scopes, way.parameters)
            yield from (self._endpoint(known[url], token) for url in way.gateways if url in known)

    def _letting_in(self, issuer: Issuer, client_id: str) -> Iterator[Endpoint]:
        try:
            claims = issuer.claims(client_id)
        except NoTokenError:
            return
        of_client = issuer.clients[client_id]
        endpoint = token_endpoint(self.tokens.url, issuer)
        token = ClientToken(endpoint, client_id, of_client.secret, " ".join(of_client.scopes))
        for gateway in self.deployment.gateways:
            of_issuer = gateway.jwt is not None and gateway.jwt.discovery_url == issuer.discovery_url
            if gateway.jwt and of_issuer and admits(gateway.jwt, Claims(claims)).access is Access.ALLOW:
                yield self._endpoint(gateway, token)

    def _endpoint(self, gateway: Gateway, token: AgentToken | ClientToken | None = None) -> Endpoint:
        return replace(endpoint(gateway, self.urls[gateway.id]), token=token)


def endpoint(gateway: Gateway, url: str) -> Endpoint:
    """A gateway as somebody reaches it who has no token.

    Args:
        gateway: The gateway.
        url: Its URL here.
    """
    newest = max(spoken(gateway.versions) or gateway.versions)
    return Endpoint(gateway.id, url, newest, gateway.session_seconds is not None)


def _may_invoke(role: Role, gateway: Gateway, deployment: Deployment) -> bool:
    principal, needed = SessionPrincipal(role, SESSION), NeededPermission(INVOKE_GATEWAY, gateway.arn)
    return all(it.allowed for _, it in decisions(principal, [needed], deployment.resource_policies))
