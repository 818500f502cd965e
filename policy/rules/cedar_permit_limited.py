"""cedar-permit-limited: a policy engine that permits everybody everything decides nothing."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import cedar_names
from toolgate.policy.language.agentcore_facts import CEDAR_POLICY
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

UNCHECKED = "IGNORE_ALL_FINDINGS"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Where AWS's own analysis is on, it refuses such a policy."""
    statement = at(resource.props, "definition", "cedar", "statement")
    everything = isinstance(statement, str) and cedar_names.permits_everything(statement)
    if everything and at(resource.props, "validationMode") == UNCHECKED:
        what = f"permits every caller every tool, and {UNCHECKED} keeps AWS from refusing it"
        yield Finding(resource, what, "definition.cedar.statement")


RULE = Rule(
    name="cedar-permit-limited",
    description="No Cedar policy permits every caller every tool while AWS's analysis of it is off.",
    why="The engine then enforces nothing but its forbids: whoever may invoke the gateway may call every tool.",
    fix="Name the caller or the tools in the permit, or limit it by a condition; leave validation_mode out.",
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({CEDAR_POLICY}),
    check=check,
)
