"""The resources of a stack and what their properties refer to, known or not."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import PolicyResource

from toolgate.policy import unmarshalling
from toolgate.policy.language import agentcore_facts, carriers, coverage, spellings, templates
from toolgate.policy.language.unknown import NOTHING_KNOWN
from toolgate.policy.rule import Resource

# What rules judge.
TYPES = (
    carriers.CARRIERS.keys()
    | agentcore_facts.COMPONENTS
    | agentcore_facts.ROLE_USERS.keys()
    | {
        agentcore_facts.TARGET,
        agentcore_facts.POLICY_ENGINE,
        agentcore_facts.CEDAR_POLICY,
        agentcore_facts.RESOURCE_POLICY,
        agentcore_facts.REST_API,
        agentcore_facts.FUNCTION,
        agentcore_facts.FUNCTION_ALIAS,
        agentcore_facts.FUNCTION_URL,
        agentcore_facts.LAMBDA_PERMISSION,
        agentcore_facts.LOG_DELIVERY_SOURCE,
        agentcore_facts.LOG_DELIVERY,
        agentcore_facts.SECRET,
        agentcore_facts.SECRET_POLICY,
        agentcore_facts.API_KEY_PROVIDER,
        agentcore_facts.OAUTH2_PROVIDER,
        agentcore_facts.WORKLOAD_IDENTITY,
        agentcore_facts.USER_POOL,
        agentcore_facts.USER_POOL_CLIENT,
        agentcore_facts.MANAGED_USER_POOL_CLIENT,
    }
)


@dataclass(frozen=True, eq=False)
class Stack:
    """The resources that rules look at, in the order of their registration."""

    resources: tuple[Resource, ...]
    dependencies: Mapping[tuple[str, str], tuple[Resource, ...]]
    """By URN and property: the resources, of those above, whose outputs the property is made of."""
    registered: tuple[Resource, ...] = ()
    """Resources of this run with their inputs, of the types that some rule remembers."""

    def of(self, *types: str) -> list[Resource]:
        """All resources of these types."""
        return [found for found in self.resources if found.type in types]

    def behind(self, resource: Resource, prop: str, *types: str) -> list[Resource]:
        """The resources of these types that a property is made of, as far as the graph tells."""
        made_of = self.dependencies.get((resource.urn, prop)) or self.dependencies.get(
            (resource.urn, spellings.ALL), ()
        )
        return [found for found in made_of if found.type in types]


def of(resources: Iterable[PolicyResource], registered: Iterable[Resource] = ()) -> Stack:
    """The stack as pulumi_policy hands it over, and what is remembered of its registration."""
    # Converting the rest would cost time in a large stack and is never read.
    sources = [source for source in resources if _is_read(type_of(source.resource_type, source.props))]
    known = {
        it.urn: resource(it.resource_type, it.name, it.urn, it.props, it.parent.urn if it.parent else "")
        for it in sources
    }
    dependencies = {
        (source.urn, spellings.property_of(source.resource_type, prop)): tuple(
            known[target.urn] for target in targets if target.urn in known
        )
        for source in sources
        for prop, targets in source.property_dependencies.items()
    }
    return Stack(tuple(known.values()), dependencies, tuple(registered))


def _is_read(kind: str) -> bool:
    return kind in TYPES or kind in coverage.UNCLEAR or coverage.service_of(kind) is not None


def type_of(kind: str, given: Mapping[str, Any]) -> str:
    """A resource's type as rules know it."""
    return spellings.type_of(kind, unmarshalling.plain(given) if kind in spellings.WRAPPERS else {})


def resource(kind: str, name: str, urn: str, given: Mapping[str, Any], parent: str) -> Resource:
    """A resource as rules see it: plain properties, and one set of names for every way of writing it."""
    props = spellings.properties_of(kind, unmarshalling.plain(given))
    return Resource(type_of(kind, given), name, urn, NOTHING_KNOWN if props is None else props, parent)


def parts(resource: Resource) -> Iterator[Resource]:
    """What a CloudFormation template in a resource makes, the roles first, which others refer to."""
    if resource.type in templates.TYPES and resource.props is not NOTHING_KNOWN:
        made = [_part(resource, name, given) for name, given in templates.resources(resource.props)]
        yield from sorted(made, key=lambda it: it.type != agentcore_facts.ROLE)


def _part(whole: Resource, name: str, given: Mapping[str, Any]) -> Resource:
    props = spellings.properties_of(spellings.EXTENSION, given)
    kind = spellings.type_of(spellings.EXTENSION, given)
    # The URN is made up, to tell the parts of one template apart.
    urn = f"{whole.urn}/{name}"
    return Resource(kind, f"{whole.name}/{name}", urn, NOTHING_KNOWN if props is None else props, whole.urn)
