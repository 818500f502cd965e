"""agent-callers-named: a grant to ask an agent, or to act for its users, says which agent."""

import functools
from collections.abc import Iterator
from dataclasses import replace

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources
from toolgate.policy.agentcore.families import RUNTIMES, TWO_AGENTS, TWO_IDENTITIES
from toolgate.policy.agentcore.wide_grants import holds_both
from toolgate.policy.language import agentcore_facts, iam
from toolgate.policy.language.agentcore_facts import ASK_AGENT, COMPONENTS, RUN_COMMANDS, WORKLOAD_TOKENS
from toolgate.policy.language.documents import Names, Text
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

_READ = "bedrock-agentcore:get"
_TOKEN = f"{_READ}w"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Every identity policy a resource carries, and in a first preview what our own components were given."""
    carried = policy_sources.written_statements if resource.type in COMPONENTS else policy_sources.identity_documents
    for sourced in carried(resource):
        yield from in_document(sourced)


def in_document(sourced: SourcedDocument) -> Iterator[Finding]:
    """The statements of an identity policy that name no agent, or no workload identity."""
    for statement in iam.statements(sourced.document):
        for what in _unnamed(statement.actions, statement.resources) if statement.allow is True else ():
            yield Finding(sourced.resource, f"allows {what}", f"{sourced.location}, {statement.label}")


@functools.lru_cache(maxsize=1024)
def _unnamed(actions: Names, resources: Names) -> tuple[str, ...]:
    # What gives commands, too, agent-shell-exact reports.
    commands = iam.held(actions, RUN_COMMANDS) and iam.reaches(resources, RUNTIMES)
    asks = () if commands else _wide(actions, resources, ASK_AGENT, TWO_AGENTS)
    administered = holds_both(actions, resources, WORKLOAD_TOKENS[0])
    tokens = () if administered else _wide(_not_reads(actions), resources, WORKLOAD_TOKENS, TWO_IDENTITIES)
    return (*asks, *tokens)


def _wide(actions: Names, resources: Names, wanted: tuple[str, ...], two: tuple[iam.Family, ...]) -> Iterator[str]:
    held = iam.held(actions, wanted)
    for reach in iam.nameless_resources(resources, *two) if held else ():
        yield f"{held[0]} {reach}"


def _not_reads(actions: Names) -> Names:
    """The entries without those by which somebody means to read (`Get*`), though they hold the tokens as well."""
    if actions.negated:
        return actions
    return replace(actions, values=tuple(value for value in actions.values if not _is_read(value)))


def _is_read(value: Text) -> bool:
    lower = "" if value is UNKNOWN else value.lower()
    return lower.startswith(_READ) and not lower.startswith(_TOKEN)


RULE = Rule(
    name="agent-callers-named",
    description="Who may ask an agent, or act for its users, may do so with agents that are named.",
    why="Whoever may ask an agent has its tools asked for; a token of its identity opens what its users gave it.",
    fix=(
        "Name the runtime (runtime/NAME-*, or its exact ARN) or the workload identity (workload-identity/NAME-*);"
        " for an administrator make an exception with the reason."
    ),
    severity=Severity.MEDIUM,
    framework=frameworks.LEAST_PRIVILEGE,
    types=policy_sources.TYPES | {*agentcore_facts.HANDED},
    check=check,
)
