"""Stages of API Gateway as targets: the methods that a gateway offers, and the document that their arguments stand in.

The document is the body of the REST API, where the deployment makes it, or what a component was given for it. Unproved:
that the arguments of an exported method are those of that document.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from toolgate.access.deployment.agentcore_resources import Target, Tool
from toolgate.access.deployment.rest_apis import id_of
from toolgate.access.deployment.stack_export import Resource
from toolgate.policy.language import open_api
from toolgate.policy.language.agentcore_facts import REST_API
from toolgate.policy.language.open_api import Operation

KIND = "mcp.apiGateway"
_COMPONENT = "toolgate:index:ApiGatewayTools"


def with_stage_tools(targets: Iterable[Target], found: Sequence[Resource]) -> tuple[Target, ...]:
    """The targets; each that is a stage with its tools and its document, where the deployment has the latter.

    Args:
        targets: The targets.
        found: The deployment's resources.
    """
    documents = dict(_documents(found))
    return tuple(_with_tools(it, documents) if it.kind == KIND else it for it in targets)


def stage_operations(target: Target) -> Mapping[str, Operation]:
    """The operations of a stage by the names of their tools."""
    document = open_api.document(target.place.document or "") or {}
    if not target.place.methods:
        return {it.name: it for it in open_api.operations(document)}
    names = {(it.method, it.path): it.name for it in target.place.methods}
    found = {it.name: it for it in open_api.operations(document, names)}
    return {name: found[name] for name in names.values() if name in found}


def _with_tools(target: Target, documents: Mapping[str, str]) -> Target:
    document = documents.get(target.place.rest_api_id or "")
    if document is None:
        return target
    there = replace(target, place=replace(target.place, document=document))
    said = {it.name: it.description for it in target.place.methods}
    tools = (
        Tool(name, said.get(name) or it.description, it.input_schema) for name, it in stage_operations(there).items()
    )
    return replace(there, tools=tuple(tools))


def _documents(found: Iterable[Resource]) -> Iterator[tuple[str, str]]:
    """Documents by the ids of their REST APIs."""
    for resource in found:
        if resource.type == REST_API:
            api_id, document = id_of(resource), resource.get("body")
        elif resource.type == _COMPONENT:
            api_id, document = resource.get("restApiId") or resource.get("rest_api_id"), resource.get("document")
        else:
            continue
        if isinstance(document, Mapping):
            document = json.dumps(document)
        if isinstance(api_id, str) and isinstance(document, str):
            yield api_id, document
