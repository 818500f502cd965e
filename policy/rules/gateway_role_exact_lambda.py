"""gateway-role-exact-lambda: what AgentCore does with a role reaches only the functions that were named."""

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, properties
from toolgate.policy.agentcore import roles, target_grants
from toolgate.policy.agentcore.families import FUNCTIONS
from toolgate.policy.agentcore.wide_grants import wide_grants
from toolgate.policy.language import agentcore_facts, iam
from toolgate.policy.language.agentcore_facts import INVOKE_FUNCTION, TOOL_GATEWAY
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """In a first preview the targets handed to our own component."""
    if resource.type == TOOL_GATEWAY:
        yield from _in_component(resource)


def check_role_documents(documents: Iterable[SourcedDocument]) -> Iterator[Finding]:
    """Which functions they allow."""
    return wide_grants(documents, [INVOKE_FUNCTION], FUNCTIONS)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Which functions behind targets they do not allow."""
    return target_grants.lacking(stack, functions=True)


def _in_component(resource: Resource) -> Iterator[Finding]:
    targets = properties.at(resource.props, "targets")
    for name, target in targets.items() if isinstance(targets, dict) else ():
        arn = properties.at(target, "function_arn")
        if isinstance(arn, str):
            for reach in iam.wide_resources(iam.names(arn), FUNCTIONS):
                yield Finding(resource, f"its target grants {INVOKE_FUNCTION} {reach}", f"targets.{name}")


RULE = Rule(
    name="gateway-role-exact-lambda",
    description="A role that AgentCore may assume invokes exactly the Lambda functions it names.",
    why="With a wildcard every function that matches is a tool; without its function a target fails.",
    fix="Name each function by its ARN (function.arn), with a version or alias if you like.",
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=roles.TYPES | {agentcore_facts.TOOL_GATEWAY},
    check=check,
    check_stack=check_stack,
    check_role_documents=check_role_documents,
    remembers=roles.TYPES,
)
