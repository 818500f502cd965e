"""gateway-role-exact-targets: a gateway's role reaches the servers and APIs behind its targets, and no others."""

import re
from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import families, roles, servers, target_grants
from toolgate.policy.agentcore.wide_grants import wide_grants
from toolgate.policy.language import iam
from toolgate.policy.language.agentcore_facts import ASK_RUNTIME, GATEWAY, GET_API_KEY, INVOKE_API, ROLE_USERS, RUNTIME
from toolgate.policy.messages import quote
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

_STAGE = re.compile(r"^((?:[^:]*:){5}[^/:]*/[^/]*)/.*", re.DOTALL)
_AGENT_RUNTIME = families.RUNTIMES[:1]
"""A runtime's own ARN: a wildcard behind it is its endpoints'."""


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The documents of each gateway's role: what they allow besides the targets, and what these need and they lack."""
    yield from target_grants.lacking(stack, functions=False)
    for gateway in stack.of(GATEWAY):
        for role in roles.roles_of(stack, gateway, ROLE_USERS[GATEWAY]):
            for sourced in roles.documents_of(stack, role):
                yield from _wide(sourced)
                yield from _not_behind(stack, gateway, sourced)


def _wide(sourced: SourcedDocument) -> Iterator[Finding]:
    yield from wide_grants([sourced], ASK_RUNTIME, _AGENT_RUNTIME)
    yield from wide_grants([sourced], [INVOKE_API], families.API_STAGES, _of_stage)
    yield from wide_grants([sourced], [GET_API_KEY], families.API_KEY_PROVIDERS)


def _of_stage(arn: str) -> str:
    """A pattern of the ARNs of an API's methods, held to its stage: which methods it has is the API's."""
    return _STAGE.sub(r"\1", arn)


def _not_behind(stack: Stack, gateway: Resource, sourced: SourcedDocument) -> Iterator[Finding]:
    """Runtimes that it names, and that are in the stack behind none of the gateway's targets."""
    own = {it.runtime.urn for it in servers.of_gateways(stack) if gateway.urn in {one.urn for one in it.gateways}}
    others = {at(it.props, "agentRuntimeArn"): it for it in stack.of(RUNTIME) if it.urn not in own}
    for statement in iam.statements(sourced.document):
        if iam.allows(statement, *ASK_RUNTIME):
            for arn in iam.exact_resources(statement.resources, _AGENT_RUNTIME):
                if arn in others:
                    what = f"allows {ASK_RUNTIME[0]} on {quote(arn)}, which is behind no target of {gateway.label}"
                    yield Finding(sourced.resource, what, f"{sourced.location}, {statement.label}")


RULE = Rule(
    name="gateway-role-exact-targets",
    description=(
        "The role of a gateway invokes exactly the runtimes and API stages, and takes exactly the API keys, that its"
        " targets need."
    ),
    why=(
        "Every caller of the gateway acts through its role: what it reaches beyond the targets, a target may become;"
        " without what a target needs, its calls fail."
    ),
    fix="Name each runtime (its ARN, and behind it /*), each API and stage, and each credential provider by its ARN.",
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    check_stack=check_stack,
)
