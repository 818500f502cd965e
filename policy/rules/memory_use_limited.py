"""memory-use-limited: a grant to use a memory says which one, and whose conversations and records."""

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources
from toolgate.policy.agentcore import memories, roles
from toolgate.policy.agentcore.families import MEMORIES
from toolgate.policy.agentcore.wide_grants import holds_both
from toolgate.policy.language import iam
from toolgate.policy.language.agentcore_facts import AGENT_RUNTIME
from toolgate.policy.language.documents import Statement
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

WHOM = "a role that AgentCore may take"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """In a first preview the statements handed to an agent: they have no conditions."""
    if resource.type == AGENT_RUNTIME:
        for sourced in policy_sources.written_statements(resource):
            yield from _in_document(sourced, resource.label)


def check_role_documents(documents: Iterable[SourcedDocument]) -> Iterator[Finding]:
    """Everything such a role may do with memories."""
    for sourced in documents:
        yield from _in_document(sourced, WHOM)


def _in_document(sourced: SourcedDocument, whom: str) -> Iterator[Finding]:
    for statement in iam.statements(sourced.document):
        for what in _findings(statement):
            yield Finding(sourced.resource, f"allows {whom} {what}", f"{sourced.location}, {statement.label}")


def _findings(statement: Statement) -> Iterator[str]:
    actions, resources = statement.actions, statement.resources
    granted = list(memories.granted(statement))
    if not granted or holds_both(actions, resources, granted[0]):
        return
    wide = list(iam.wide_resources(resources, MEMORIES))
    yield from (f"{granted[0]} {reach}" for reach in wide)
    if wide or not iam.may_reach(resources, MEMORIES):
        return
    found: dict[str, str] = {}
    for action in granted:
        if reach := memories.unlimited(statement, action):
            idle = memories.idle_key(statement, action)
            nothing = f", where its condition on {idle} limits nothing" if idle else ""
            found.setdefault(f"{reach}{nothing}", action)
    yield from (f"{action} {reach}" for reach, action in found.items())


RULE = Rule(
    name="memory-use-limited",
    description="A role that AgentCore may assume uses named memories, and of them named actors and namespaces only.",
    why="A memory holds what all its users have said; whoever talks an agent into it reads or writes for the others.",
    fix=(
        "Hand the memory to the agent (memory.events()), or name its exact ARN and hold events to"
        " bedrock-agentcore:actorId and records to bedrock-agentcore:namespacePath (namespace, where they are asked for"
        " by it)."
    ),
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=roles.TYPES | {AGENT_RUNTIME},
    check=check,
    check_role_documents=check_role_documents,
    remembers=roles.TYPES,
)
