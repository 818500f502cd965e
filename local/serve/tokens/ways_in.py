"""By which tokens the deployment's agents come to gateways: what their variable `TOKEN_GATEWAYS` says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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


def agents_of_clients(deployment: Deployment) -> dict[str, str]:
    """The agents' names by the ids of the clients whose tokens they get."""
    clients = {it.name: it.client_id for it in deployment.tokens.providers}
    return {
        client: runtime.agent
        for runtime in deployment.runtimes
        for way in ways_in(runtime)
        if (client := clients.get(way.provider))
    }
