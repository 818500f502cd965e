"""model-access-named: an agent uses the models that were chosen for it."""

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from toolgate.policy import agentcore, carriers, frameworks, iam, patterns, reading, roles
from toolgate.policy.agentcore import INVOKE_MODEL, MODELS
from toolgate.policy.carriers import Carried
from toolgate.policy.messages import quote
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import Settings
from toolgate.policy.stack import Stack
from toolgate.policy.wide_grants import wide_grants


def check(resource: Resource, config: Settings) -> Iterator[Finding]:
    """The documents of AgentCore's roles, and in a first preview the model handed to our own component."""
    yield from _in_documents(roles.documents_seen(resource))
    model = reading.at(resource.props, "model_id") if resource.type == agentcore.AGENT_RUNTIME else None
    if isinstance(model, str) and patterns.read(iam.in_one_region(model)).wild:
        yield Finding(resource, f"its model is {quote(model)}", "model_id")


def check_stack(stack: Stack, config: Settings) -> Iterator[Finding]:
    """The documents of AgentCore's roles, as the graph assigns them."""
    for role in roles.agentcore_roles(stack):
        yield from _in_documents(roles.documents_of(stack, role))


def _in_documents(documents: Iterable[Carried]) -> Iterator[Finding]:
    # A profile sends requests to several Regions, so the Region may be open where the model is named.
    return wide_grants(documents, INVOKE_MODEL, MODELS, iam.in_one_region)


RULE = Rule(
    name="model-access-named",
    description="A role that AgentCore may assume invokes named models or inference profiles only.",
    why="With a wildcard the agent, or whoever talks it into it, can use any model, at any price.",
    fix="Name the model or inference profile; a Region wildcard beside a named model is fine.",
    severity=Severity.MEDIUM,
    framework=frameworks.LEAST_PRIVILEGE,
    types=carriers.TYPES | {agentcore.AGENT_RUNTIME},
    check=check,
    check_stack=check_stack,
)
