"""cedar-names-exist: a Cedar policy names what AgentCore will ask it about."""

import re
from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import cedar_names, gateways
from toolgate.policy.agentcore.cedar_names import NamedEntities
from toolgate.policy.agentcore.families import GATEWAYS, IAM_ENTITIES
from toolgate.policy.agentcore.gateways import Target
from toolgate.policy.agentcore.tokens import CUSTOM_JWT
from toolgate.policy.language.agentcore_facts import AGENT_RUNTIME, CEDAR_POLICY, GATEWAY, TOOL_SEPARATOR, entity_id
from toolgate.policy.language.patterns import Pattern
from toolgate.policy.messages import listed, quote
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

PLACE = "definition.cedar.statement"

# AgentCore developer guide, "Policy scope": the types, and `<target>___<tool>`.
IAM_ENTITY = "AgentCore::IamEntity"
OAUTH_USER = "AgentCore::OAuthUser"
ACTION = "AgentCore::Action"
_CALLERS = {"AWS_IAM": IAM_ENTITY, CUSTOM_JWT: OAUTH_USER}
"""What the callers of a gateway are, by its authorizer."""
GATEWAY_ENTITY = "AgentCore::Gateway"

# botocore bedrock-agentcore-control TargetName, and what may follow it.
_ACTION = re.compile(rf"(?:[0-9A-Za-z]-?){{1,100}}+(?:{TOOL_SEPARATOR}.+)?", re.DOTALL)


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """The form of what a statement names, and in a first preview of the actions handed to our own component."""
    if resource.type == AGENT_RUNTIME:
        for action in dict.fromkeys(action for _, actions in _grants(resource) for action in actions):
            if not _ACTION.fullmatch(action):
                yield Finding(resource, _malformed(action), "tools")
    named = _named(resource)
    for entity in named.entities:
        what = _wrong(entity.type, entity.id)
        if what:
            yield Finding(resource, what, PLACE)
    if IAM_ENTITY in named.types and OAUTH_USER not in named.types:
        for pattern in named.principal_ids:
            if not pattern.reaches(IAM_ENTITIES):
                yield Finding(resource, f"compares principal.id with {_no_principal(pattern)}", PLACE)


def _named(policy: Resource) -> NamedEntities:
    statement = at(policy.props, "definition", "cedar", "statement")
    return cedar_names.read(statement if isinstance(statement, str) else "")


def _grants(agent: Resource) -> Iterator[tuple[object, list[str]]]:
    """The permits an agent asks for: the gateway's ARN and the actions; without `actions` they are its tools."""
    for grant in each(agent.props, "tools"):
        if at(grant, "policy_engine_id") is not None:
            actions = each(grant, "actions") or each(grant, "tools")
            yield at(grant, "gateway_arn"), [action for action in actions if isinstance(action, str)]


def _wrong(kind: str, name: Pattern) -> str | None:
    if kind == IAM_ENTITY and not name.reaches(IAM_ENTITIES):
        return f"names the principal {_no_principal(name)}"
    if kind == ACTION and not name.holes and not _ACTION.fullmatch(name.text):
        return _malformed(name.text)
    if kind == GATEWAY_ENTITY and not name.reaches(GATEWAYS):
        return f"names the gateway {quote(name.text)}, which is not the ARN of one"
    return None


def _malformed(action: str) -> str:
    return f"names the action {quote(action)}, which is neither a target nor <target>{TOOL_SEPARATOR}<tool>"


def _no_principal(name: Pattern) -> str:
    entity = entity_id(name.text)
    if entity == name.text:
        return f"{quote(name.text)}, which no caller is"
    return f"{quote(name.text)}, which no caller is: that role's is {quote(entity)}"


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Whether gateways, targets and tools are there; a target whose tools the program does not say has them all."""
    # What agents are handed is an input, and the graph has outputs.
    for agent in (it for it in stack.registered if it.type == AGENT_RUNTIME):
        for arn, actions in _grants(agent):
            yield from _absent(stack, agent, "tools", [arn] if isinstance(arn, str) else [], actions)
    for policy in stack.of(CEDAR_POLICY):
        yield from _in_policy(stack, policy, config)


def _in_policy(stack: Stack, policy: Resource, config: RuleSettings) -> Iterator[Finding]:
    named = _named(policy)
    names = [it.id for it in named.entities if it.type == GATEWAY_ENTITY and not it.id.holes]
    arns = [name.text for name in names if name.reaches(GATEWAYS)]
    if not gateways.made_of_a_new_gateway(stack, policy, "definition"):
        for arn in arns:
            if not gateways.called(stack, GATEWAY, arn) and not gateways.is_external(arn, config):
                yield Finding(policy, f"names {quote(arn)}, no gateway of this stack", PLACE)
    actions = [it.id.text for it in named.entities if it.type == ACTION and not it.id.holes]
    yield from _absent(stack, policy, PLACE, arns, actions)
    yield from _of_another_kind(stack, policy, named, arns)


def _of_another_kind(stack: Stack, policy: Resource, named: NamedEntities, arns: list[str]) -> Iterator[Finding]:
    """Callers of a kind that none of the gateways in question has, and none of the kind that they have."""
    asking = [it for arn in arns for it in gateways.called(stack, GATEWAY, arn)] or gateways.asking(stack, policy)
    kinds = {_CALLERS.get(kind) if isinstance(kind := at(it.props, "authorizerType"), str) else None for it in asking}
    if len(kinds) != 1 or kinds == {None} or kinds & named.types:
        return
    (callers,) = kinds
    for kind in sorted(named.types & set(_CALLERS.values())):
        what = f"is about {kind}, and the callers of {asking[0].label} are {callers}"
        yield Finding(policy, what, PLACE)


def _absent(stack: Stack, resource: Resource, place: str, arns: list[str], actions: Iterable[str]) -> Iterator[Finding]:
    """The actions that the gateways with these ARNs, or any of the stack where none is named, do not have."""
    own = [gateway for arn in arns for gateway in gateways.called(stack, GATEWAY, arn)]
    targets = gateways.of_gateways(stack, own) if own else gateways.targets(stack)
    # What is behind a gateway of another stack, nobody here can tell.
    if len(own) < len(arns) or not (own or targets):
        return
    for action in dict.fromkeys(actions):
        target, separator, tool = action.partition(TOOL_SEPARATOR)
        found = [it for it in targets if it.name in (None, target)]
        # Of the wrong form, it has been reported for that.
        if action in cedar_names.EVERY_TOOL or not _ACTION.fullmatch(action):
            continue
        if not found:
            yield Finding(resource, f"names the action {quote(action)}, and there is no target {quote(target)}", place)
        elif separator and all(it.tools is not None and tool not in it.tools for it in found):
            yield Finding(resource, f"names the action {quote(action)}, and {_tools_of(target, found)}", place)


def _tools_of(target: str, found: list[Target]) -> str:
    tools = sorted({tool for it in found for tool in it.tools or ()})
    shown = [quote(tool) for tool in tools[:10]] + (["others"] if len(tools) > 10 else [])
    return f"the tools of {quote(target)} are {listed(shown)}"


RULE = Rule(
    name="cedar-names-exist",
    description="A Cedar policy names principals, actions and gateways as AgentCore does, and only those that exist.",
    why="A permit on a wrong name lets nobody in, and a forbid on one stops nobody.",
    fix=(
        "Write a role as arn:PARTITION:sts::ACCOUNT:assumed-role/NAME (no path, no session), callers with tokens as"
        " AgentCore::OAuthUser, an action as <target>___<tool> (three underscores) or <target>, a gateway as its"
        " exact ARN (gateway.gateway_arn)."
    ),
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({CEDAR_POLICY, AGENT_RUNTIME}),
    check=check,
    check_stack=check_stack,
    remembers=frozenset({AGENT_RUNTIME}),
    settings=gateways.EXTERNAL,
)
