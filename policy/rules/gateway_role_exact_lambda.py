"""gateway-role-exact-lambda: what AgentCore does with a role reaches only the functions that were named."""

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from toolgate.policy import agentcore, carriers, frameworks, iam, reading, roles
from toolgate.policy.agentcore import FUNCTIONS, INVOKE_FUNCTION, TOOL_GATEWAY
from toolgate.policy.carriers import Carried
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import Settings
from toolgate.policy.stack import Stack
from toolgate.policy.wide_grants import wide_grants


def check(resource: Resource, config: Settings) -> Iterator[Finding]:
    """The documents of AgentCore's roles, and in a first preview the targets handed to our own component."""
    yield from _in_documents(roles.documents_seen(resource))
    if resource.type == TOOL_GATEWAY:
        yield from _in_component(resource)


def check_stack(stack: Stack, config: Settings) -> Iterator[Finding]:
    """The documents of AgentCore's roles, as the graph assigns them."""
    for role in roles.agentcore_roles(stack):
        yield from _in_documents(roles.documents_of(stack, role))


def _in_documents(documents: Iterable[Carried]) -> Iterator[Finding]:
    return wide_grants(documents, [INVOKE_FUNCTION], FUNCTIONS)


def _in_component(resource: Resource) -> Iterator[Finding]:
    targets = reading.at(resource.props, "targets")
    for name, target in targets.items() if isinstance(targets, dict) else ():
        arn = reading.at(target, "function_arn")
        if isinstance(arn, str):
            for reach in iam.wide_resources(iam.names(arn), FUNCTIONS):
                yield Finding(resource, f"its target grants {INVOKE_FUNCTION} {reach}", f"targets.{name}")


RULE = Rule(
    name="gateway-role-exact-lambda",
    description="A role that AgentCore may assume invokes exactly the Lambda functions it names.",
    why="With a wildcard every function that matches, present or future, is a tool.",
    fix="Name each function by its ARN (function.arn), with a version or alias if you like.",
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=carriers.TYPES | {agentcore.TOOL_GATEWAY},
    check=check,
    check_stack=check_stack,
)
