"""user-pool-closed: a pool that issues for gateways and agents lets nobody in by itself, and does not vanish."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.agentcore import tokens
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Only the pools whose tokens something of this stack takes."""
    for pool, taker in tokens.issuing_pools(stack).values():
        alone = at(pool.props, "adminCreateUserConfig", "allowAdminCreateUserOnly")
        if alone is not True and alone is not UNKNOWN:
            what = f"issues for {taker.label}, and whoever wants to signs up"
            yield Finding(pool, what, "adminCreateUserConfig.allowAdminCreateUserOnly")
        protected = at(pool.props, "deletionProtection") in ("ACTIVE", UNKNOWN)
        if config.flag("deletionProtection") and not protected:
            yield Finding(pool, f"issues for {taker.label}, and nothing protects it", "deletionProtection")


RULE = Rule(
    name="user-pool-closed",
    description="Nobody signs up at a user pool that issues for gateways or agents; where required it is protected.",
    why="Who signs up is somebody that the issuer knows; without the pool nobody calls anything.",
    fix='Write admin_create_user_config={"allow_admin_create_user_only": True} and deletion_protection="ACTIVE".',
    severity=Severity.MEDIUM,
    framework=frameworks.NO_PUBLIC_ACCESS,
    level=EnforcementLevel.ADVISORY,
    check_stack=check_stack,
    settings={"deletionProtection": settings.flag_schema("Whether protection against deletion is asked for.")},
)
