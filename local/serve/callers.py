"""In whose place tools may be called: each agent's credentials, and the gateways that its role may invoke."""

from collections.abc import Mapping

from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.local.serve.gateway.json_rpc import spoken
from toolgate.local.serve.guards.credentials import SessionPrincipal, Sessions
from toolgate.local.serve.guards.iam_guard import NeededPermission, decisions
from toolgate.local.serve.serving_file import Caller, Endpoint
from toolgate.policy.language.agentcore_facts import INVOKE_GATEWAY

SESSION = "toolgate-call"
"""Session of the credentials that people get: the access log tells their calls from the agent's own."""


def callers(deployment: Deployment, sessions: Sessions, urls: Mapping[str, str]) -> dict[str, Caller]:
    """The agents by their names.

    Args:
        deployment: What is served.
        sessions: Issues the credentials.
        urls: The gateways' URLs here, by their ids.
    """
    roles = {runtime.agent: deployment.role(runtime.role_arn) for runtime in deployment.runtimes}
    return {agent: _caller(role, deployment, sessions, urls) for agent, role in roles.items() if role}


def _caller(role: Role, deployment: Deployment, sessions: Sessions, urls: Mapping[str, str]) -> Caller:
    granted = [it for it in deployment.gateways if _may_invoke(role, it, deployment)]
    endpoints = [Endpoint(it.id, urls[it.id], _version(it), it.session_seconds is not None) for it in granted]
    return Caller(sessions.lasting(role, SESSION).environment(), tuple(endpoints))


def _version(gateway: Gateway) -> str:
    """The newest protocol version in which the gateway answers here."""
    return max(spoken(gateway.versions) or gateway.versions)


def _may_invoke(role: Role, gateway: Gateway, deployment: Deployment) -> bool:
    principal, needed = SessionPrincipal(role, SESSION), NeededPermission(INVOKE_GATEWAY, gateway.arn)
    return all(it.allowed for _, it in decisions(principal, [needed], deployment.resource_policies))
