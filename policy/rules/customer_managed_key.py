"""customer-managed-key: who wants to hold the keys holds all of them."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.language import agentcore_facts
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

KEYS = {
    agentcore_facts.GATEWAY: "kmsKeyArn",
    agentcore_facts.POLICY_ENGINE: "encryptionKeyArn",
    agentcore_facts.MEMORY: "encryptionKeyArn",
}


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Asked for by configuration only; an unknown key is a key."""
    key = KEYS[resource.type]
    if config.flag("required") and at(resource.props, key) is None:
        yield Finding(resource, f"no {key} is given", key)


RULE = Rule(
    name="customer-managed-key",
    description="Gateways, policy engines and memories have a customer managed KMS key, where that is required.",
    why="With the key AWS owns, access to the data cannot be withdrawn or audited by key.",
    fix="Give kms_key_arn (gateway) or encryption_key_arn (policy engine, memory).",
    severity=Severity.LOW,
    framework=frameworks.ENCRYPTION,
    level=EnforcementLevel.ADVISORY,
    types=frozenset(KEYS),
    check=check,
    settings={"required": settings.flag_schema("Whether a customer managed key is asked for.")},
)
