"""Where targets that are no function lead: to something that is served here, to a URL that was named, or nowhere."""

import ipaddress
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from toolgate.access.deployment.agentcore_resources import Target
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.deployment.stages import KIND as STAGE
from toolgate.local.serve.apis import served_methods
from toolgate.local.serve.outbound import canned

OPTION = "--target"


def url_here(target: Target, deployment: Deployment, url: str) -> str | None:
    """The URL of a target's place that this deployment itself serves; None of anything else.

    Args:
        target: The target.
        deployment: What is served.
        url: The local address.
    """
    place = target.place
    if any(it.arn == place.runtime_arn for it in deployment.runtimes):
        there = urlsplit(place.endpoint or "")
        return f"{url}{there.path}{f'?{there.query}' if there.query else ''}"
    if any(it.id == place.gateway_id for it in deployment.gateways):
        return f"{url}/gateway/{place.gateway_id}/mcp"
    if target.kind == STAGE and served_methods.hindrance(target, deployment) is None:
        return url + served_methods.path_of(place.rest_api_id or "", place.stage or "")
    return None


def nowhere(target: Target, deployment: Deployment) -> str:
    """The sentence about a target that leads to nothing here."""
    why = served_methods.hindrance(target, deployment) if target.kind == STAGE else ""
    because = f" ({why})" if why else ""
    return (
        f"Target {target.name} leads nowhere on this machine{because}: start `toolgate up {OPTION} {target.name}=URL`"
    )


def misfit(url: str) -> str | None:
    """What is wrong with a URL that a target is to lead to; None where nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"{url} is no URL"
    if parts.scheme not in {"http", "https"} or not host:
        return f"{url} is no URL; write http://127.0.0.1:PORT or https://HOST"
    if parts.query or parts.fragment or parts.username or parts.password:
        return f"{url}: name no user, query or fragment; a credential is the target's own"
    if parts.scheme == "http" and not _is_loopback(host):
        return f"{url}: a credential is not sent over plain http to another machine; write https://"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(places: Mapping[str, str], deployment: Deployment) -> None:
    """Check that named places are of targets that have none here.

    Args:
        places: URLs by targets' names.
        deployment: What is served.

    Raises:
        DeploymentError: One is not.
    """
    for name, url in places.items():
        if wrong := misfit(url):
            raise DeploymentError(f"{OPTION} {name}: {wrong}")
        named = [it for it in deployment.targets if it.name == name]
        if not named:
            listed = ", ".join(sorted({it.name for it in _elsewhere(deployment)})) or "none leads elsewhere"
            raise DeploymentError(f"{OPTION} {name}: the deployment has no such target ({listed})")
        if not any(it in named for it in _elsewhere(deployment)):
            if any(it.kind == canned.KIND for it in named):
                raise DeploymentError(f"{OPTION} {name}: it is a connector; {canned.OPTION} says what that answers")
            raise DeploymentError(f"{OPTION} {name}: what it leads to is served here")


def notes(places: Mapping[str, str], deployment: Deployment) -> Iterator[str]:
    """One sentence for each target that leads elsewhere: where to, or that it leads nowhere."""
    for target in _elsewhere(deployment):
        url = places.get(target.name)
        yield f"{target.label}: its calls go to {url}" if url else f"{target.label}: {nowhere(target, deployment)}"


def _elsewhere(deployment: Deployment) -> list[Target]:
    others = (it for it in deployment.targets if it.kind not in {"mcp.lambda", canned.KIND})
    return [it for it in others if url_here(it, deployment, "") is None]
