"""search-hides-denied-tools: tool search does not show a caller the tools it may not call."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.language import agentcore_facts
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Both are literals of one resource."""
    search = at(resource.props, "protocolConfiguration", "mcp", "searchType")
    mode = at(resource.props, "policyEngineConfiguration", "mode")
    if search == "SEMANTIC" and mode == "ENFORCE":
        what = "searchType is SEMANTIC while its policy engine enforces"
        yield Finding(resource, what, "protocolConfiguration.mcp")


RULE = Rule(
    name="search-hides-denied-tools",
    description="A gateway whose policy engine enforces has no semantic tool search.",
    why="The search tool returns names and schemas of tools that the policies deny to the caller.",
    fix="Leave search_type out: tools/list is filtered by the policies, search is not.",
    severity=Severity.MEDIUM,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({agentcore_facts.GATEWAY}),
    check=check,
)
