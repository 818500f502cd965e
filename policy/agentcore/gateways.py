"""The gateways of a stack, the targets and tools behind them, and who refers to a gateway or a policy engine."""

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from toolgate.policy import settings
from toolgate.policy.language import open_api, patterns
from toolgate.policy.language.agentcore_facts import GATEWAY, POLICY_ENGINE, TARGET
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Resource
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

EXTERNAL: dict[str, dict[str, Any]] = {
    "externalGateways": settings.strings_schema("ARN patterns of gateways of other stacks.", [])
}
_ARN = {GATEWAY: "gatewayArn", POLICY_ENGINE: "policyEngineArn"}


@dataclass(frozen=True)
class Target:
    """A target of a gateway of the stack."""

    name: str | None
    """None where it is not known."""
    gateways: tuple[Resource, ...]
    """The gateways it may be of, as far as the stack tells."""
    tools: frozenset[str] | None
    """The names of its tools; None where the program does not say them, as with a schema in S3."""


def arn_of(resource: Resource) -> str | None:
    """The ARN of a gateway or policy engine, once it is known."""
    arn = at(resource.props, _ARN[resource.type])
    return arn if isinstance(arn, str) else None


def is_external(arn: str, config: RuleSettings) -> bool:
    """Whether somebody listed this gateway as one of another stack."""
    return any(patterns.read(pattern).matches(arn) for pattern in config.strings("externalGateways", []))


def made_of_a_new_gateway(stack: Stack, resource: Resource, prop: str) -> bool:
    """Whether a property is made of a gateway of this stack whose ARN a preview does not know."""
    return any(arn_of(gateway) is None for gateway in stack.behind(resource, prop, GATEWAY))


def referred(stack: Stack, resource: Resource, kind: str, *path: str) -> list[Resource]:
    """The gateways or policy engines that a property refers to: by ARN or id where it is known, else by the graph."""
    value = at(resource.props, *path)
    if value is UNKNOWN:
        return stack.behind(resource, path[0], kind)
    return called(stack, kind, value) if isinstance(value, str) else []


def called(stack: Stack, kind: str, name: str) -> list[Resource]:
    """The gateways or policy engines with this ARN or id."""
    return _by_arn_and_id(stack).get((kind, name), [])


@functools.lru_cache(maxsize=1)
def _by_arn_and_id(stack: Stack) -> dict[tuple[str, str], list[Resource]]:
    index: dict[tuple[str, str], list[Resource]] = {}
    for resource in stack.of(*_ARN):
        arn = arn_of(resource)
        if arn is not None:
            for name in (arn, arn.rpartition("/")[2]):
                index.setdefault((resource.type, name), []).append(resource)
    return index


@functools.lru_cache(maxsize=1)
def targets(stack: Stack) -> tuple[Target, ...]:
    """All targets of the stack."""
    return tuple(_target(stack, resource) for resource in stack.of(TARGET))


def _target(stack: Stack, resource: Resource) -> Target:
    name = at(resource.props, "name")
    gateways = tuple(referred(stack, resource, GATEWAY, "gatewayIdentifier"))
    return Target(name if isinstance(name, str) else None, gateways, _tools(resource))


def _tools(resource: Resource) -> frozenset[str] | None:
    mcp = at(resource.props, "targetConfiguration", "mcp")
    names = [
        *each(at(mcp, "lambda", "toolSchema"), "inlinePayloads", "name"),
        *_listed(at(mcp, "mcpServer", "mcpToolSchema", "inlinePayload", "payload")),
        *_operations(at(mcp, "openApiSchema", "inlinePayload", "payload")),
        *each(at(mcp, "connector", "enableds")),
    ]
    known = frozenset(name for name in names if isinstance(name, str))
    return known if known and UNKNOWN not in names else None


def _listed(payload: Any) -> list[Any]:
    """The names in an MCP server's list: the result of tools/list, or its tools alone."""
    try:
        document = json.loads(payload)
    except (TypeError, ValueError, RecursionError):
        return []
    return each(document, "tools", "name") if isinstance(document, dict) else each(document, "name")


def _operations(payload: Any) -> list[str]:
    """The names of an API's operations, where its document is in JSON."""
    document = open_api.document(payload) if isinstance(payload, str) else None
    return [it.name for it in open_api.operations(document)] if document else []


def of_gateways(stack: Stack, gateways: Iterable[Resource]) -> list[Target]:
    """The targets that may be of one of these gateways."""
    urns = {gateway.urn for gateway in gateways}
    return [target for target in targets(stack) if not target.gateways or urns & {it.urn for it in target.gateways}]


def asking(stack: Stack, policy: Resource) -> list[Resource]:
    """The gateways of the stack that have a Cedar policy's engine."""
    return [
        gateway for engine in referred(stack, policy, POLICY_ENGINE, "policyEngineId") for gateway in _of(stack, engine)
    ]


def _of(stack: Stack, engine: Resource) -> list[Resource]:
    return _by_engine(stack).get(engine.urn, [])


@functools.lru_cache(maxsize=1)
def _by_engine(stack: Stack) -> dict[str, list[Resource]]:
    index: dict[str, list[Resource]] = {}
    for gateway in stack.of(GATEWAY):
        for engine in referred(stack, gateway, POLICY_ENGINE, "policyEngineConfiguration", "arn"):
            index.setdefault(engine.urn, []).append(gateway)
    return index
