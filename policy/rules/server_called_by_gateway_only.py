"""server-called-by-gateway-only: an MCP server behind a gateway is called by that gateway, and by nobody else."""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import roles, servers
from toolgate.policy.language import documents, iam, patterns
from toolgate.policy.language.agentcore_facts import ASK_RUNTIME, INVOKE_RUNTIME, RESOURCE_POLICY, ROLE_USERS, RUNTIME
from toolgate.policy.language.documents import Document, Statement
from toolgate.policy.language.evaluation import Request, matches
from toolgate.policy.language.matching import Match, any_of
from toolgate.policy.language.principals import named
from toolgate.policy.language.request_facts import UNNAMED, Facts
from toolgate.policy.language.unknown import UNKNOWN, Unknown
from toolgate.policy.messages import listed, quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

WAYS_IN = ASK_RUNTIME
"""By a call. The two actions that open a shell are none that AgentCore takes in a runtime's policy (developer guide,
"Resource-based policies for AgentCore", supported actions): agent-shell-exact judges who is granted one."""
_PRINCIPAL = "aws:principalarn"
_SOMEBODY = Facts({_PRINCIPAL: UNNAMED})
_UNKNOWN_ARN = "arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/unknown-0000000000"


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Each runtime behind a target that takes signatures: whom the policies on it keep out."""
    by_runtime: dict[str, list[servers.ToolServer]] = {}
    for server in servers.of_gateways(stack):
        by_runtime.setdefault(server.runtime.urn, []).append(server)
    for behind in by_runtime.values():
        runtime = behind[0].runtime
        if at(runtime.props, "authorizerConfiguration") is None:
            yield from _open(stack, runtime, behind)


def _open(stack: Stack, runtime: Resource, behind: list[servers.ToolServer]) -> Iterator[Finding]:
    known = at(runtime.props, "agentRuntimeArn")
    arn = known if isinstance(known, str) else _UNKNOWN_ARN
    policies = [it for it in stack.of(RESOURCE_POLICY) if _is_on(stack, it, runtime)]
    read = [documents.read(at(it.props, "policy")) for it in policies]
    lacking = [action for action in WAYS_IN if _denied(read, action, arn) in (Match.NO, Match.IF)]
    targets = listed(list(dict.fromkeys(it.target.label for it in behind)))
    if lacking:
        what = f"stands behind {targets}, and no policy on it denies {lacking[0]} to all but the gateway's role"
        yield Finding(runtime, what)
    gateways = {it.urn: it for server in behind for it in server.gateways}.values()
    own = [_role(stack, gateway) for gateway in gateways]
    if None in own:
        return
    for policy, document in zip(policies, read, strict=True):
        for spared in dict.fromkeys(_spared(document)):
            if spared not in own:
                what = f"spares {quote(spared)}, which is not the role of the gateway with {targets}"
                yield Finding(policy, what, "policy")


def _is_on(stack: Stack, policy: Resource, runtime: Resource) -> bool:
    """Whether a policy is on the runtime or on its endpoint: AgentCore asks for both."""
    arn, of = at(policy.props, "resourceArn"), at(runtime.props, "agentRuntimeArn")
    if isinstance(arn, str) and isinstance(of, str):
        return arn == of or arn.startswith(f"{of}/")
    return runtime.urn in {it.urn for it in stack.behind(policy, "resourceArn", RUNTIME)}


def _denied(read: list[Document], action: str, arn: str) -> Match:
    """Whether somebody whom no document names is denied an action on the runtime."""
    found = [Match.UNREADABLE for document in read if isinstance(document, Unknown)]
    for statement in (it for document in read for it in _denies(document)):
        asked = matches(statement, Request(action, arn, _SOMEBODY))
        unsure = statement.allow is UNKNOWN and asked is not Match.NO
        found.append(Match.UNREADABLE if unsure else asked)
    return any_of(found)


def _denies(document: Document) -> Iterator[Statement]:
    """The statements by which a document may deny something to whom it does not name."""
    return (it for it in iam.statements(document) if it.allow is not True and named(it, None) is not None)


def _spared(document: Document) -> Iterator[str]:
    """The ARNs, or patterns of ARNs, that a denial for all but some leaves out."""
    for statement in _denies(document):
        values: list[Any] = [it.value for it in statement.principals] if statement.everybody_but else []
        for condition in statement.conditions if isinstance(statement.conditions, tuple) else ():
            values += condition.values if condition.key.lower() == _PRINCIPAL else []
        yield from (value for value in values if isinstance(value, str) and not patterns.read(value).holes)


def _role(stack: Stack, gateway: Resource) -> str | None:
    """The ARN of a gateway's role, once it is known."""
    prop = ROLE_USERS[gateway.type]
    found = [at(gateway.props, prop), *(at(it.props, "arn") for it in roles.roles_of(stack, gateway, prop))]
    return next((arn for arn in found if isinstance(arn, str)), None)


RULE = Rule(
    name="server-called-by-gateway-only",
    description="A runtime that is an MCP server behind a gateway is invoked by that gateway's role only.",
    why="Whoever else may invoke the runtime calls every tool of it, and no Cedar policy decides.",
    fix=(
        f"Put a resource policy on the runtime that denies {INVOKE_RUNTIME} and ...WithWebSocketStream to everybody,"
        " with ArnNotEquals aws:PrincipalArn and the gateway's role."
    ),
    severity=Severity.CRITICAL,
    framework=frameworks.LEAST_PRIVILEGE,
    check_stack=check_stack,
)
