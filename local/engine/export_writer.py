"""A recorded run of the program as a deployment: what `pulumi stack export` would print after it (version 3)."""

import heapq
import json
import uuid
from collections.abc import Iterable
from typing import Any

from toolgate.access.deployment.stack_export import SECRET, SIGNATURE
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.engine.recorder import Recording, Registration
from toolgate.local.engine.wire import rewritten, signature
from toolgate.policy.language.unknown import UNKNOWN_TEXT

PLANNED_AT = "1970-01-01T00:00:00Z"
"""A plan happens at no time: the same program gives the same bytes."""

type Resource = dict[str, Any]


def export(recording: Recording, env: CloudEnvironment) -> dict[str, Any]:
    """The deployment, its resources in an order that the program alone decides.

    Args:
        recording: A run of the program.
        env: Where its default AWS provider deploys to.
    """
    resources = [_resource(recording, registration) for registration in recording.registrations]
    providers: dict[str, Resource] = {}
    for registration, resource in zip(recording.registrations, resources, strict=True):
        request = registration.request
        if request.custom and not request.provider:
            provider = _default_provider(recording, request.type, request.version, env)
            providers[provider["urn"]] = provider
            resource["provider"] = f"{provider['urn']}::{provider['id']}"
    manifest = {"time": PLANNED_AT, "magic": "", "version": ""}
    return {
        "version": 3,
        "deployment": {"manifest": manifest, "resources": _ordered([*resources, *providers.values()])},
    }


def _resource(recording: Recording, registration: Registration) -> Resource:
    request = registration.request
    outputs = registration.outputs if request.custom else recording.outputs.get(registration.urn, {})
    resource: Resource = {
        "urn": registration.urn,
        "custom": request.custom,
        "type": request.type,
        "inputs": _at_rest(registration.inputs),
        "outputs": _at_rest(outputs),
    }
    if request.custom:
        resource["id"] = registration.id or UNKNOWN_TEXT
    if registration.external:
        resource["external"] = True
    if request.parent:
        resource["parent"] = request.parent
    if request.provider:
        resource["provider"] = request.provider
    resource["dependencies"] = sorted(request.dependencies)
    resource["propertyDependencies"] = {
        name: sorted(value.urns) for name, value in sorted(request.propertyDependencies.items())
    }
    for option in ("protect", "ignoreChanges", "replaceOnChanges", "additionalSecretOutputs"):
        value = getattr(request, option)
        if value:
            resource[option] = value if isinstance(value, bool) else list(value)
    return resource


def _default_provider(recording: Recording, kind: str, version: str, env: CloudEnvironment) -> Resource:
    package = kind.partition(":")[0]
    name = "_".join(["default", *version.split(".")]) if version else "default"
    urn = f"urn:pulumi:{recording.stack}::{recording.project}::pulumi:providers:{package}::{name}"
    # The engine's own resources are of no Region.
    settings = ({} if package == "pulumi" else {"region": env.region}) | ({"version": version} if version else {})
    return {
        "urn": urn,
        "custom": True,
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, urn)),
        "type": f"pulumi:providers:{package}",
        "inputs": settings,
        "outputs": settings,
    }


def _at_rest(value: Any) -> Any:
    """A value as a state file holds it: a secret's value is JSON text (`--show-secrets`)."""
    return rewritten(value, _marked_at_rest)


def _marked_at_rest(marked: Any) -> Any:
    if signature(marked) == SECRET:
        return {SIGNATURE: SECRET, "plaintext": json.dumps(_at_rest(marked["value"]))}
    return {key: _at_rest(item) for key, item in marked.items()}


def _ordered(resources: Iterable[Resource]) -> list[Resource]:
    """Parents and dependencies first; what is free to go either way, by URN."""
    by_urn = {resource["urn"]: resource for resource in resources}
    waits = {urn: _before(resource) & by_urn.keys() for urn, resource in by_urn.items()}
    after: dict[str, list[str]] = {}
    for urn, before in waits.items():
        for first in before:
            after.setdefault(first, []).append(urn)
    ready = [urn for urn, before in waits.items() if not before]
    heapq.heapify(ready)
    order = []
    while ready:
        done = heapq.heappop(ready)
        order.append(by_urn[done])
        for urn in after.get(done, ()):
            waits[urn].remove(done)
            if not waits[urn]:
                heapq.heappush(ready, urn)
    return order


def _before(resource: Resource) -> set[str]:
    provider = resource.get("provider", "").rpartition("::")[0]
    return {resource.get("parent", ""), provider, *resource.get("dependencies", ())} - {""}
