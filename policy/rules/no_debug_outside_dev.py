"""no-debug-outside-dev: a gateway tells callers little about its errors."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.language import agentcore_facts
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

DEV_STACKS = ["dev"]


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """The stack is read from the URN: an analysis of an export has no other."""
    stack = resource.urn.split(":")[2] if resource.urn.count(":") > 1 else ""
    level = at(resource.props, "exceptionLevel")
    if level == "DEBUG" and stack not in config.strings("devStacks", DEV_STACKS):
        yield Finding(resource, f"exceptionLevel is DEBUG in stack {quote(stack)}", "exceptionLevel")


RULE = Rule(
    name="no-debug-outside-dev",
    description="A gateway returns detailed errors in development stacks only.",
    why="Detailed errors show callers what is behind the gateway.",
    fix="Leave exception_level out, or add the stack to devStacks.",
    severity=Severity.LOW,
    framework=frameworks.ERROR_MESSAGES,
    level=EnforcementLevel.ADVISORY,
    types=frozenset({agentcore_facts.GATEWAY}),
    check=check,
    settings={"devStacks": settings.strings_schema("Stacks that may show detailed errors.", DEV_STACKS)},
)
