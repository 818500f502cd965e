"""What the AWS provider makes of a resource's properties: its inputs after the check, and its state after AWS's answer.

The provider has two halves. Of a type of the older one (terraform-plugin-sdk) the check writes each default into the
inputs, and their names under `__defaults`; of a type of the newer one (terraform-plugin-framework, all of AgentCore and
of the log deliveries) it writes none. Either half keeps as state what AWS gives back, and a plan compares the program's
inputs with that. Source: pulumi-terraform-bridge, pkg/tfbridge/schema.go and pkg/pf/tfbridge.
"""

import json
from collections.abc import Mapping
from typing import Any

from toolgate.access.deployment.stack_export import DEFAULTS
from toolgate.local.cloud.api_requests import Member, Table
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.resource_type import Made, ResourceType
from toolgate.local.cloud.values import Properties

_NOTHING: tuple[Any, ...] = (None, {}, [])


def checked(kind: ResourceType, name: str, inputs: Properties) -> dict[str, Any]:
    """The inputs after the provider's check.

    Args:
        kind: The type.
        name: The resource's name where the program gives none and Pulumi's AWS provider would.
        inputs: What the program gives.
    """
    added = {key: value for key, value in kind.defaults.items() if inputs.get(key) is None}
    if kind.auto_name and inputs.get(kind.auto_name) is None:
        added[kind.auto_name] = kind.auto_name_form(name)
    if kind.framework:
        return {**inputs, **added}
    marked = {key: value for key, value in inputs.items() if key != DEFAULTS}
    for request in kind.requests:
        marked = _with_marks(request.table, marked)
    return {**marked, **added, DEFAULTS: sorted(added)}


def _with_marks(table: Table, properties: Properties) -> dict[str, Any]:
    """The properties, each object in them with its own (empty) list of defaults."""
    marked = dict(properties)
    for name, member in table.items():
        if isinstance(member, Member) and isinstance(member.inside, Mapping) and name in marked:
            marked[name] = _marked(member.inside, marked[name])
    return marked


def _marked(table: Table, value: Any) -> Any:
    if isinstance(value, list):
        return [_marked(table, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {DEFAULTS: [], **_with_marks(table, value)}


def state(kind: ResourceType, given_back: Properties, made: Made, env: CloudEnvironment) -> dict[str, Any]:
    """The provider's state of a resource, whose unknown inputs are unknown in it.

    Args:
        kind: The type.
        given_back: The inputs as AWS gives them back (`held`).
        made: What AWS gives back besides them.
        env: Where the resource is.
    """
    return {**_placed(kind, env), **given_back, **made.outputs, **_all_tags(kind, given_back)}


def held(kind: ResourceType, inputs: Properties) -> dict[str, Any]:
    """The inputs as AWS gives them back, with what it reports for those that were left out."""
    given = {name: value for name, value in kind.read_back(inputs).items() if value is not None}
    if kind.framework:  # AWS gives back no empty map or list, and this half of the provider makes no difference of it
        given = {name: value for name, value in given.items() if value not in _NOTHING}
    return _over({**kind.reported(inputs), **kind.defaults}, given)


def _over(reported: Properties, given: Properties) -> dict[str, Any]:
    """What is given, and of what is reported the rest."""
    merged = dict(reported)
    for name, value in given.items():
        known = reported.get(name)
        nested = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[name] = _over(known, value) if nested else value  # type: ignore[arg-type]  # both are maps
    return merged


def _placed(kind: ResourceType, env: CloudEnvironment) -> dict[str, Any]:
    """Every resource but those of IAM says which Region it is in."""
    return {} if kind.type.startswith("aws:iam/") else {"region": env.region}


def _all_tags(kind: ResourceType, given_back: Properties) -> dict[str, Any]:
    takes_tags = any("tags" in request.table for request in kind.requests)
    return {"tagsAll": given_back.get("tags") or {}} if takes_tags else {}


def lasting(kind: ResourceType, inputs: Properties, before: Properties) -> dict[str, Any]:
    """The inputs of an update: what AWS reports by itself stays as it was where the program says nothing of it."""
    return _lasting(inputs, before, kind.reported(inputs))


def _lasting(given: Properties, before: Properties, reported: Properties) -> dict[str, Any]:
    kept = dict(given)
    for name, known in reported.items():
        now, then = given.get(name), before.get(name)
        if now is None and name in before:
            kept[name] = then
        elif isinstance(now, Mapping) and isinstance(then, Mapping) and isinstance(known, Mapping):
            kept[name] = _lasting(now, then, known)
    return kept


def compared(kind: ResourceType, known: Mapping[str, Any], inputs: Properties) -> dict[str, Any]:
    """Of a state what a plan compares with new inputs.

    Args:
        kind: The type.
        known: The state, which may hold secrets and files in their marks.
        inputs: The new inputs after the check.
    """
    reported = kind.reported(inputs)
    found: dict[str, Any] = {}
    for name in kind.inputs:
        value, wanted = known.get(name), inputs.get(name)
        if value is None or (wanted is None and (name in reported or (not kind.framework and not value))):
            continue
        found[name] = without_reported(value, wanted, reported.get(name))
    return found


def without_reported(value: Any, wanted: Any, reported: Any) -> Any:
    """An object of the state without what AWS reports in it by itself and nobody speaks of.

    Args:
        value: The object, or any other value, which is whole.
        wanted: What the program gives in its place.
        reported: What AWS reports in its place.
    """
    if not (isinstance(value, Mapping) and isinstance(wanted, Mapping) and isinstance(reported, Mapping)):
        return value
    return {
        name: without_reported(item, wanted.get(name), reported.get(name))
        for name, item in value.items()
        if name not in reported or wanted.get(name) is not None
    }


def alike(kind: ResourceType, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties in a form in which two that mean the same to the provider are the same."""
    nothing = () if kind.framework else _NOTHING
    return {name: _alike(kind, name, value) for name, value in properties.items() if value not in nothing}


def _alike(kind: ResourceType, name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _alike(kind, key, item) for key, item in value.items() if key != DEFAULTS}
    if isinstance(value, list):
        items = [_alike(kind, "", item) for item in value]
        return sorted(items, key=_order) if name in kind.unordered else items
    if name in kind.documents and isinstance(value, str):
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except ValueError:
            return value
    return value


def _order(item: Any) -> str:
    return json.dumps(item, sort_keys=True, default=str)
