"""agent-shell-exact: who may run commands in an agent's machine is said by name, and about which agent."""

import functools
import re
from collections.abc import Iterator
from itertools import islice

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources
from toolgate.policy.agentcore.families import RUNTIMES
from toolgate.policy.agentcore.wide_grants import holds_both
from toolgate.policy.language import agentcore_facts, documents, iam, patterns
from toolgate.policy.language.agentcore_facts import COMPONENTS, RESOURCE_POLICY, RUN_COMMANDS, RUNTIME
from toolgate.policy.language.documents import Names
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

# What only actions that run commands begin with: who writes so much of the name has meant them.
_MEANT = (RUN_COMMANDS[0].lower(),)
_ENDPOINT = re.compile(r"(:runtime/[A-Za-z0-9_-]+)/.*$", re.DOTALL)


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Identity policies, a resource policy on a runtime, and in a first preview what our own components were given."""
    carried = policy_sources.written_statements if resource.type in COMPONENTS else policy_sources.identity_documents
    for sourced in carried(resource):
        yield from in_document(sourced)
    if resource.type == RESOURCE_POLICY:
        arn = at(resource.props, "resourceArn")
        if isinstance(arn, str) and patterns.read(arn).reaches(RUNTIMES):
            yield from _in_resource_policy(resource)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Resource policies on a runtime that is not there yet."""
    for policy in stack.of(RESOURCE_POLICY):
        if at(policy.props, "resourceArn") is UNKNOWN and stack.behind(policy, "resourceArn", RUNTIME):
            yield from _in_resource_policy(policy)


def in_document(sourced: SourcedDocument) -> Iterator[Finding]:
    """The statements of an identity policy that let somebody run commands where nobody named it."""
    for statement in iam.statements(sourced.document):
        if iam.allows(statement, *RUN_COMMANDS):
            for how in _unnamed(statement.actions, statement.resources):
                place = f"{sourced.location}, {statement.label}"
                yield Finding(sourced.resource, f"allows commands in an agent {how}", place)


@functools.lru_cache(maxsize=1024)
def _unnamed(actions: Names, resources: Names) -> tuple[str, ...]:
    if holds_both(actions, resources, RUN_COMMANDS[0]):
        return ()
    wide = tuple(iam.wide_resources(resources, RUNTIMES, _of_runtime))
    return wide or (_unmeant(actions) if iam.reaches(resources, RUNTIMES) else ())


def _in_resource_policy(policy: Resource) -> Iterator[Finding]:
    # It is for its runtime, whatever Resource says. Whether AgentCore takes the action there, nobody has seen.
    for statement in iam.statements(documents.read(at(policy.props, "policy"))):
        if iam.allows(statement, *RUN_COMMANDS):
            for how in _unmeant(statement.actions):
                yield Finding(policy, f"allows commands in its agent {how}", f"policy, {statement.label}")


def _unmeant(actions: Names) -> tuple[str, ...]:
    """How the actions hold commands without saying so; one entry is enough."""
    found = (how for action in RUN_COMMANDS for how in iam.by_pattern(actions, action, _MEANT))
    return tuple(islice(found, 1))


def _of_runtime(arn: str) -> str:
    """The runtime of an endpoint's ARN: whichever endpoint it is, the machine and its role are the same."""
    return _ENDPOINT.sub(r"\1", arn)


RULE = Rule(
    name="agent-shell-exact",
    description="Running commands in an agent is granted by its own actions, on exact runtimes.",
    why="InvokeAgentRuntimeCommand and InvokeAgentRuntimeCommandShell are a shell with the agent's role and its tools.",
    fix=(
        "Write bedrock-agentcore:InvokeAgentRuntime where somebody may ask; where somebody may run commands, the action"
        " in full and the runtime's exact ARN. For an administrator make an exception with the reason."
    ),
    severity=Severity.CRITICAL,
    framework=frameworks.LEAST_PRIVILEGE,
    types=policy_sources.TYPES | {RESOURCE_POLICY, *agentcore_facts.HANDED},
    check=check,
    check_stack=check_stack,
)
