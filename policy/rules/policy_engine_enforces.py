"""policy-engine-enforces: a policy engine on a gateway decides, it does not just watch."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.language import agentcore_facts
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

ENFORCE = "ENFORCE"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """An unknown mode is not judged here; undecided-in-preview says so."""
    engine = at(resource.props, "policyEngineConfiguration")
    mode = at(engine, "mode")
    if not engine or engine is UNKNOWN or mode in (UNKNOWN, ENFORCE):
        return
    what = f"its policy engine has mode {quote(mode)}" if isinstance(mode, str) else "its policy engine has no mode"
    yield Finding(resource, what, "policyEngineConfiguration")


RULE = Rule(
    name="policy-engine-enforces",
    description="A gateway with a policy engine has it in mode ENFORCE.",
    why="In LOG_ONLY the engine writes down what it would refuse, and lets every call through.",
    fix='Write mode="ENFORCE", or make an exception for the gateway while you try its policies out.',
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({agentcore_facts.GATEWAY}),
    check=check,
)
