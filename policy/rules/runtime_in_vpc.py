"""runtime-in-vpc: where the network is a boundary, agents are inside."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.language import agentcore_facts
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Asked for by configuration only."""
    mode = at(resource.props, "networkConfiguration", "networkMode")
    if config.flag("required") and mode not in (UNKNOWN, "VPC"):
        what = f"networkMode is {quote(mode)}" if isinstance(mode, str) else "no networkMode is given"
        yield Finding(resource, what, "networkConfiguration")


RULE = Rule(
    name="runtime-in-vpc",
    description="Agent runtimes run in a VPC, where that is required.",
    why="A PUBLIC runtime reaches the whole internet, and so can whatever talks the agent into it.",
    fix='Write network_mode="VPC" with subnets and security groups.',
    severity=Severity.LOW,
    framework=frameworks.RUNTIME_IN_VPC,
    level=EnforcementLevel.ADVISORY,
    types=frozenset({agentcore_facts.RUNTIME}),
    check=check,
    settings={"required": settings.flag_schema("Whether runtimes have to be in a VPC.")},
)
