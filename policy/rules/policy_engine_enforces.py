"""policy-engine-enforces: a policy engine on a gateway decides, and so do its policies; they do not just watch."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import cedar_names
from toolgate.policy.language import agentcore_facts
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

ENFORCE = "ENFORCE"
# botocore bedrock-agentcore-control EnforcementMode, of a single policy; the default.
ACTIVE = "ACTIVE"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """An unknown mode is not judged here; undecided-in-preview says so."""
    yield from _policy(resource) if resource.type == agentcore_facts.CEDAR_POLICY else _gateway(resource)


def _policy(resource: Resource) -> Iterator[Finding]:
    """A permit that only watches permits nothing; whatever else the policy may be would have stopped somebody."""
    mode = at(resource.props, "enforcementMode")
    statement = at(resource.props, "definition", "cedar", "statement")
    permits = isinstance(statement, str) and "forbid" not in cedar_names.read(statement).types
    if mode not in (None, UNKNOWN, ACTIVE) and not permits:
        shown = quote(mode) if isinstance(mode, str) else "no mode that exists"
        yield Finding(resource, f"it has the enforcementMode {shown}, so what it forbids is done", "enforcementMode")


def _gateway(resource: Resource) -> Iterator[Finding]:
    engine = at(resource.props, "policyEngineConfiguration")
    mode = at(engine, "mode")
    if not engine or engine is UNKNOWN or mode in (UNKNOWN, ENFORCE):
        return
    what = f"its policy engine has mode {quote(mode)}" if isinstance(mode, str) else "its policy engine has no mode"
    yield Finding(resource, what, "policyEngineConfiguration")


RULE = Rule(
    name="policy-engine-enforces",
    description="A gateway with a policy engine has it in mode ENFORCE, and a policy that forbids is active.",
    why="In LOG_ONLY an engine, or a policy, writes down what it would refuse, and lets the call through.",
    fix=(
        'Write mode="ENFORCE" on the gateway and enforcementMode ACTIVE, or none, on the policy, or make an exception'
        " while you try them out."
    ),
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({agentcore_facts.GATEWAY, agentcore_facts.CEDAR_POLICY}),
    check=check,
)
