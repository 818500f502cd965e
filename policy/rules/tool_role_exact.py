"""tool-role-exact: what a gateway's function may do is named, action by action and resource by resource.

An agent's role is judged as far as our own component was given statements for it: the rest of it the component writes.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import functions, roles
from toolgate.policy.language import iam, patterns
from toolgate.policy.language.agentcore_facts import (
    AGENT_RUNTIME,
    FUNCTION,
    FUNCTION_ALIAS,
    FUNCTION_URL,
    HANDED,
    ROLE_POLICY,
    TARGET,
)
from toolgate.policy.language.documents import Names, Statement
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.policy_sources import TYPES, SourcedDocument, identity_documents
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

# AWS Service Authorization Reference, the page of each service: the actions without a resource type, of those that a
# tool calls. components/iam/role_statements.py has the same for the program; a test compares them.
WITHOUT_RESOURCES = frozenset(
    {
        *("cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"),
        *("cloudwatch:ListMetrics", "cloudwatch:PutMetricData", "comprehend:DetectDominantLanguage"),
        *("comprehend:DetectKeyPhrases", "comprehend:DetectPiiEntities", "comprehend:DetectSentiment"),
        *("dynamodb:DescribeLimits", "dynamodb:ListTables", "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces"),
        *("ec2:DescribeRegions", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
        *("ecr:GetAuthorizationToken", "kms:GenerateRandom", "kms:ListAliases", "kms:ListKeys", "lambda:ListFunctions"),
        *("pricing:DescribeServices", "pricing:GetAttributeValues", "pricing:GetProducts", "s3:ListAllMyBuckets"),
        *("secretsmanager:BatchGetSecretValue", "secretsmanager:GetRandomPassword", "secretsmanager:ListSecrets"),
        *("sns:ListTopics", "sqs:ListQueues", "ssm:DescribeParameters", "sts:GetCallerIdentity", "tag:GetResources"),
        *("tag:GetTagKeys", "tag:GetTagValues", "textract:DetectDocumentText", "xray:GetSamplingRules"),
        *("xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    }
)
# AWS Managed Policy Reference, AWSLambdaBasicExecutionRole and AWSLambdaVPCAccessExecutionRole: what Lambda itself
# needs on everything, to keep a function's log and to attach it to a VPC.
_OF_LAMBDA = frozenset(
    {
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        *("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces"),
        *("ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
    }
)
_ANYWHERE = frozenset(action.lower() for action in WITHOUT_RESOURCES | _OF_LAMBDA)
_ARN = re.compile(r"arn:[^:]*:(?P<service>[^:]*):[^:]*:[^:]*:(?P<resource>.+)", re.DOTALL)
WITHOUT_TYPES = {"execute-api", "s3", "sns", "sqs"}
"""Services whose ARNs begin with the resource's name where others have its type."""


SEEN = TYPES | {FUNCTION, *functions.USERS}


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When a target or a gateway is registered, or something about the role of a function that one calls."""
    if resource.type in functions.USERS:
        yield from _of_functions(so_far, [resource])
        return
    about = {role.urn for role in roles.named_by(so_far, resource)}
    used = {it.urn for it in so_far.of(FUNCTION) if about & {role.urn for role in roles.named_by(so_far, it)}}
    for user in so_far.of(*functions.USERS) if used else ():
        if used & {it.urn for it in functions.resources_of(so_far, user)}:
            yield from _of_functions(so_far, [user])


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The role of each function that a gateway calls, and the statements that agents were given."""
    yield from _of_functions(stack, stack.of(*functions.USERS))
    yield from _of_agents(stack)


def _of_functions(stack: Stack, users: list[Resource]) -> Iterator[Finding]:
    judged: set[str] = set()
    for user in users:
        for function in functions.resources_of(stack, user):
            for role in roles.named_by(stack, function):
                if role.urn not in judged:
                    judged.add(role.urn)
                    for sourced in roles.documents_of(stack, role):
                        yield from _in_document(stack, sourced, whom(user))


def whom(user: Resource) -> str:
    """How a message calls the functions of a target, or the interceptors of a gateway."""
    return f"the {'tools' if user.type == TARGET else 'interceptors'} of {user.label}"


def _of_agents(stack: Stack) -> Iterator[Finding]:
    for policy in stack.of(ROLE_POLICY):
        agent = _components(stack).get(policy.parent)
        given = each(agent.props, "statements") if agent and agent.type == AGENT_RUNTIME else []
        written = [set(each(it, "actions")) for it in given]
        for sourced in identity_documents(policy) if written else ():
            for statement in iam.statements(sourced.document):
                if agent and set(statement.actions.values) in written:
                    yield from _in_statement(stack, sourced, statement, agent.label)


def _in_document(stack: Stack, sourced: SourcedDocument, whom: str) -> Iterator[Finding]:
    for statement in iam.statements(sourced.document):
        yield from _in_statement(stack, sourced, statement, whom)


def _in_statement(stack: Stack, sourced: SourcedDocument, statement: Statement, whom: str) -> Iterator[Finding]:
    if statement.allow is True and not _has_reason(stack, sourced.resource, statement):
        for wide in _wide(statement):
            yield Finding(sourced.resource, f"allows {whom} {wide}", f"{sourced.location}, {statement.label}")


def _wide(statement: Statement) -> Iterator[str]:
    actions = [value for value in statement.actions.values if value is not UNKNOWN]
    if statement.actions.negated:
        yield "every action but its NotAction"
        return
    wild = [action for action in actions if patterns.read(action).wild]
    if wild:
        yield f"the actions {', '.join(map(quote, wild))}"
    elif any(action.lower() not in _ANYWHERE for action in actions):
        yield from (f"{quote(actions[0])} {reach}" for reach in wide_resources(statement.resources))


def wide_resources(resources: Names) -> Iterator[str]:
    """The entries, as phrases, that name no resource."""
    if not resources.given:
        yield "on everything (no Resource is given)"
    elif resources.negated:
        yield "on everything but its NotResource"
    else:
        known = (value for value in resources.values if value is not UNKNOWN)
        yield from (f"on {quote(value)}" for value in known if names_nothing(value))


def names_nothing(resource: str) -> bool:
    """Whether an ARN stands for every resource of a type: nothing of a name is in it, not even unknown text."""
    arn = _ARN.fullmatch(resource)
    if not arn:
        return not patterns.read(resource).holes
    name = arn["resource"]
    return not (name if arn["service"] in WITHOUT_TYPES else re.sub(r"^[a-z-]+[/:]", "", name)).strip("*?/:")


def handed(stack: Stack, carrier: Resource, statement: Statement) -> list[Any]:
    """What our own component was handed with these actions, if its document has the statement from there."""
    component = _components(stack).get(carrier.parent)
    written = each(component.props, "statements") if component else []
    return [it for it in written if set(each(it, "actions")) == set(statement.actions.values)]


def _has_reason(stack: Stack, carrier: Resource, statement: Statement) -> bool:
    return any(at(written, "reason") for written in handed(stack, carrier, statement))


@functools.lru_cache(maxsize=1)
def _components(stack: Stack) -> dict[str, Resource]:
    """By URN; as registered where that is remembered: a component in the stack has its outputs only."""
    return {it.urn: it for it in (*stack.resources, *stack.registered) if it.type in HANDED}


RULE = Rule(
    name="tool-role-exact",
    description=(
        "The role of a tool's function, or of an interceptor's, names the actions it allows and the resources it allows"
        " them on."
    ),
    why="Whoever talks an agent into calling the tool, or into what an interceptor reads, can do what the role allows.",
    fix="Name each action and each ARN; a component's statement with a wildcard takes a reason beside it.",
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=SEEN,
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=SEEN | {FUNCTION_ALIAS, FUNCTION_URL, *HANDED},
)
