"""By which tokens the deployment's agents come to gateways: what their variable `TOKEN_GATEWAYS` says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolgate.access.deployment.agentcore_resources import Runtime
from toolgate.access.deployment.deployment import Deployment
from toolgate.local.serve.json_body import NotJsonError, read_json

VARIABLE = "TOKEN_GATEWAYS"


@dataclass(frozen=True)
class WayIn:
    """One provider of an agent, and the gateways that take its tokens.

    Attributes:
        identity: The workload identity in whose name the agent asks.
        provider: The credential provider.
        scopes: What it asks for.
        gateways: The gateways' URLs in the deployment.
        parameters: Further parameters of the request.
    """

    identity: str
    provider: str
    scopes: tuple[str, ...]
    gateways: tuple[str, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)


def ways_in(runtime: Runtime) -> tuple[WayIn, ...]:
    """The agent's ways by token; none where the variable is not there, or is not one that the agent could read."""
    try:
        said = read_json(runtime.environment.get(VARIABLE, "{}").encode())
        return tuple(_ways(said))
    except (NotJsonError, KeyError, TypeError, AttributeError):
        return ()


def _ways(said: Mapping[str, object]) -> Iterator[WayIn]:
    listed = said.get("tokens", [])
    for it in listed if isinstance(listed, list) else ():
        yield WayIn(
            identity=str(said["identity"]),
            provider=str(it["provider"]),
            scopes=tuple(map(str, it.get("scopes", ()))),
            gateways=tuple(map(str, it.get("gateways", ()))),
            parameters={str(name): str(value) for name, value in it.get("parameters", {}).items()},
        )


def names_of_clients(deployment: Deployment, outputs: Mapping[str, Any]) -> dict[str, str]:
    """Whom people know the clients as, by the clients' ids: as the agents that get their tokens, or by their own names.

    Args:
        deployment: The deployment.
        outputs: The stack's outputs; `clients` says the names of those outside of AgentCore.
    """
    clients = {it.name: it.client_id for it in deployment.tokens.providers}
    of_agents = {
        client: runtime.agent
        for runtime in deployment.runtimes
        for way in ways_in(runtime)
        if (client := clients.get(way.provider))
    }
    return {it.id: it.name for it in deployment.tokens.clients} | _said(outputs.get("clients")) | of_agents


def _said(clients: Any) -> dict[str, str]:
    named = clients.items() if isinstance(clients, Mapping) else ()
    return {str(it.get("client_id")): str(name) for name, it in named if isinstance(it, Mapping)}


def outside(deployment: Deployment) -> list[str]:
    """The clients that come by themselves and that no provider of the deployment has: callers outside of AgentCore."""
    held = {it.client_id for it in deployment.tokens.providers}
    return [it.id for it in deployment.tokens.clients if it.by_itself and it.id not in held]
