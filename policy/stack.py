"""The resources of a stack and what their properties refer to, known or not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import PolicyResource

from toolgate.policy import agentcore, carriers, native, reading
from toolgate.policy.rule import Resource

# What a stack check looks at. Converting the rest would cost time in a large stack and is never read.
TYPES = (
    carriers.TYPES
    | agentcore.COMPONENTS
    | agentcore.ROLE_USERS.keys()
    | {
        agentcore.TARGET,
        agentcore.POLICY_ENGINE,
        agentcore.CEDAR_POLICY,
        agentcore.RESOURCE_POLICY,
        agentcore.FUNCTION,
        agentcore.FUNCTION_ALIAS,
        agentcore.LAMBDA_PERMISSION,
        agentcore.LOG_DELIVERY_SOURCE,
        agentcore.LOG_DELIVERY,
    }
)


@dataclass(frozen=True, eq=False)
class Stack:
    """The resources that rules look at, in the order of their registration."""

    resources: tuple[Resource, ...]
    dependencies: Mapping[tuple[str, str], tuple[Resource, ...]]
    """By URN and property: the resources, of those above, whose outputs the property is made of."""

    def of(self, *types: str) -> list[Resource]:
        """All resources of these types."""
        return [found for found in self.resources if found.type in types]

    def behind(self, resource: Resource, prop: str, *types: str) -> list[Resource]:
        """The resources of these types that a property is made of, as far as the graph tells."""
        return [found for found in self.dependencies.get((resource.urn, prop), ()) if found.type in types]


def of(resources: Iterable[PolicyResource]) -> Stack:
    """The stack as pulumi_policy hands it over."""
    sources = [source for source in resources if native.type_of(source.resource_type) in TYPES]
    known = {
        it.urn: resource(it.resource_type, it.name, it.urn, it.props, it.parent.urn if it.parent else "")
        for it in sources
    }
    dependencies = {
        (source.urn, native.property_of(source.resource_type, prop)): tuple(
            known[target.urn] for target in targets if target.urn in known
        )
        for source in sources
        for prop, targets in source.property_dependencies.items()
    }
    return Stack(tuple(known.values()), dependencies)


def resource(kind: str, name: str, urn: str, properties: Mapping[str, Any], parent: str) -> Resource:
    """A resource as rules see it: plain properties, and one set of names for both providers of AWS."""
    props = native.properties_of(kind, reading.plain(properties))
    return Resource(native.type_of(kind), name, urn, props, parent)
