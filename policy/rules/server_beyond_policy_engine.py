"""server-beyond-policy-engine: what a policy engine cannot decide of an MCP server is known and accepted."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.agentcore import gateways, servers
from toolgate.policy.language.agentcore_facts import GATEWAY, written_by_component
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

_PLACE = f"{servers.CONFIGURATION}.mcp.mcpServer"
_ACCEPTED = "promptsAccepted"


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Each MCP server behind a gateway with a policy engine."""
    accepted = config.strings(_ACCEPTED, [])
    for target in _behind_engines(stack):
        if at(target.props, servers.CONFIGURATION, "mcp", "mcpServer", "mcpToolSchema", "inlinePayload") is None:
            yield Finding(target, "lists no tools: which there are, the server says when it is asked", _PLACE)
        if at(target.props, "name") not in accepted:
            what = "its server's prompts and resources are for whoever may invoke the gateway: Cedar decides on none"
            yield Finding(target, what, _PLACE)


def _behind_engines(stack: Stack) -> Iterator[Resource]:
    """The targets that are MCP servers of a gateway with a policy engine, but for those of our own components.

    These read a server's own list, and refuse one with prompts or resources that nobody accepted.
    """
    for target in servers.mcp_targets(stack):
        of = gateways.referred(stack, target, GATEWAY, "gatewayIdentifier")
        if any(_engine(it) for it in of) and not written_by_component(target.urn):
            yield target


def _engine(gateway: Resource) -> bool:
    return at(gateway.props, "policyEngineConfiguration") not in (None, UNKNOWN)


RULE = Rule(
    name="server-beyond-policy-engine",
    description=(
        "Of an MCP server behind a policy engine the tools are listed, and somebody accepted that its prompts and"
        " resources pass."
    ),
    why="Cedar decides on tools only: data that is a resource passes by every permit.",
    fix=(
        "Write the server's tools into mcpToolSchema.inlinePayload; serve no prompts and resources, or list the target"
        " in promptsAccepted."
    ),
    severity=Severity.MEDIUM,
    framework=frameworks.LEAST_PRIVILEGE,
    level=EnforcementLevel.ADVISORY,
    check_stack=check_stack,
    settings={_ACCEPTED: settings.strings_schema("Targets whose prompts and resources are for all callers.", [])},
)
