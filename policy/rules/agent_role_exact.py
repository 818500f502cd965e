"""agent-role-exact: what an agent may do besides its tools is named as well.

Advice, for what no other rule is about: a service's whole actions on whatever it has.
"""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import roles
from toolgate.policy.language import iam, patterns
from toolgate.policy.language.agentcore_facts import AGENT_RUNTIME, ROLE_USERS
from toolgate.policy.language.documents import Names
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import listed, quote
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.rule import Finding, Rule
from toolgate.policy.rules import (
    agent_callers_named,
    agent_cannot_widen_itself,
    agent_shell_exact,
    gateway_role_exact_lambda,
    invoke_gateway_exact_arn,
    model_access_named,
)
from toolgate.policy.rules.agent_cannot_bypass_gateway import AGENTS
from toolgate.policy.rules.tool_role_exact import handed, wide_resources
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

# AgentCore's own actions are the other rules' business, each with its own resources.
_AGENTCORE = "bedrock-agentcore:"


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The role of each runtime and harness; what our own component was handed for it, tool-role-exact judges."""
    judged: set[str] = set()
    for agent in stack.of(*AGENTS):
        for role in roles.roles_of(stack, agent, ROLE_USERS[agent.type]):
            if role.urn not in judged:
                judged.add(role.urn)
                for sourced in roles.documents_of(stack, role):
                    yield from _in_document(stack, sourced, agent.label)


def _in_document(stack: Stack, sourced: SourcedDocument, whom: str) -> Iterator[Finding]:
    reported = {(it.resource.urn, it.place) for it in _of_others(sourced)}
    for statement in iam.statements(sourced.document):
        place = f"{sourced.location}, {statement.label}"
        elsewhere = (sourced.resource.urn, place) in reported or handed(stack, sourced.resource, statement)
        if statement.allow is True and not elsewhere:
            for actions in _wide_actions(statement.actions):
                for reach in wide_resources(statement.resources):
                    yield Finding(sourced.resource, f"allows {whom} {actions} {reach}", place)


def _of_others(sourced: SourcedDocument) -> Iterator[Finding]:
    """What the other rules say of a document, so that a statement is reported once."""
    yield from invoke_gateway_exact_arn.in_document(sourced)
    yield from agent_shell_exact.in_document(sourced)
    yield from agent_callers_named.in_document(sourced)
    yield from gateway_role_exact_lambda.check_role_documents([sourced])
    yield from model_access_named.check_role_documents([sourced])
    yield from agent_cannot_widen_itself.check_role_documents([sourced])


def _wide_actions(actions: Names) -> Iterator[str]:
    if actions.negated:
        yield "every action but its NotAction"
        return
    known = [value for value in actions.values if value is not UNKNOWN and patterns.read(value).wild]
    wide = [quote(value) for value in known if not value.lower().startswith(_AGENTCORE)]
    if wide:
        yield listed(wide)


RULE = Rule(
    name="agent-role-exact",
    description="The role of an agent has no service's whole actions on everything.",
    why="Whoever talks the agent into it can do with the service whatever it can do.",
    fix="Name each action, or each resource; what only a tool needs, give to the tool's function.",
    severity=Severity.MEDIUM,
    framework=frameworks.LEAST_PRIVILEGE,
    level=EnforcementLevel.ADVISORY,
    check_stack=check_stack,
    remembers=frozenset({AGENT_RUNTIME}),
)
