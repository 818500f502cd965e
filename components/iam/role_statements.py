"""What a role may do besides what its component writes: typed statements, and a reason beside each wildcard."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Document, Statement

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")
_ARN = re.compile(r"arn:[^:]*:(?P<service>[^:]*):[^:]*:[^:]*:(?P<resource>.+)", re.DOTALL)
WITHOUT_TYPES = {"execute-api", "s3", "sns", "sqs"}
"""Services whose ARNs begin with the resource's name where others have its type."""
# AWS Service Authorization Reference, the page of each service: the actions without a resource type, of those that a
# tool calls. policy/rules/tool_role_exact.py has the same for the pack; a test compares them.
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

# Service Authorization Reference, "Amazon Bedrock AgentCore", "Amazon Bedrock", "Amazon Bedrock Powered by AWS Mantle",
# "AWS Lambda": what the actions begin with that reach a gateway, an agent, a model, a function. Converse is authorized
# by InvokeModel.
_OTHERWISE = {
    "bedrock-agentcore:InvokeGateway": "a gateway is reached by the tools that are handed over: write 'tools'",
    "bedrock-agentcore:InvokeAgentRuntime": "another agent is asked where it is handed over: write 'agents'",
    "bedrock:InvokeModel": "a model is chosen, and so allowed, by 'model_id' ('modelId' in a stack's configuration)",
    "bedrock:CreateModelInvocationJob": "a model is chosen, and so allowed, by 'model_id'",
    "bedrock-mantle:CreateInference": "a model is chosen, and so allowed, by 'model_id'",
    "lambda:Invoke": "a function is a tool behind a gateway, which authorizes and logs its calls: make it a target",
}
"""By what an action begins with: how an agent comes to it, which is the only way."""


class RoleStatement(TypedDict):
    """What a role is allowed: actions on resources, under conditions."""

    actions: list[str]
    """IAM actions, such as `dynamodb:GetItem`. One with a wildcard needs a reason."""
    resources: list[pulumi.Input[str]]
    """ARNs. `*`, and an ARN that names no resource, need a reason, unless the actions take no resources."""
    conditions: NotRequired[dict[str, dict[str, list[pulumi.Input[str]]]]]
    """By operator: values by condition key."""
    reason: NotRequired[str]
    """Why a wildcard is needed. It is asked for where there is one, and only there."""


def check(statements: Sequence[RoleStatement], where: str) -> None:
    """Check statements before anything is made. What an Output holds the policy pack judges, once it is known.

    Raises:
        UsageError: A statement allows nothing, names no action or no ARN, or has a wildcard without a reason.
    """
    for index, statement in enumerate(statements):
        here = f"{where}[{index}]"
        for key in ("actions", "resources"):
            if not statement[key]:
                raise UsageError(f"{here}.{key}: is empty. Name one, or leave the statement out.")
        for action in statement["actions"]:
            if not _ACTION.fullmatch(action) and action != "*":
                raise UsageError(f"{here}.actions: {action!r} is no IAM action. Write one like 'dynamodb:GetItem'.")
        for resource in statement["resources"]:
            if isinstance(resource, str) and resource.strip("*") and not resource.startswith("arn:"):
                raise UsageError(
                    f"{here}.resources: {resource!r} is no ARN. Hand over a resource's own, such as `table.arn`, or "
                    "write one like 'arn:aws:s3:::reports/*'."
                )
        _check_reason(statement, list(_wildcards(statement)), here)


def check_of_agent(statements: Sequence[RoleStatement], where: str) -> None:
    """Check the statements of an agent: it comes to a gateway, an agent, a model or a function by other arguments only.

    Raises:
        UsageError: As `check` says, or one of the actions would be another way there.
    """
    check(statements, where)
    for index, statement in enumerate(statements):
        for action in statement["actions"]:
            for beginning, advice in _OTHERWISE.items():
                if _may_begin(action.lower(), beginning.lower()):
                    reached = "" if action.lower().startswith(beginning.lower()) else f" allows {beginning}, and that"
                    raise UsageError(f"{where}[{index}].actions: {action!r}{reached} is not for statements: {advice}.")


def _may_begin(pattern: str, beginning: str) -> bool:
    """Whether something that the pattern stands for begins so."""
    for index, character in enumerate(beginning):
        if pattern[index : index + 1] == "*":
            return True
        if pattern[index : index + 1] not in {character, "?"}:
            return False
    return True


def _check_reason(statement: RoleStatement, wildcards: Sequence[str], here: str) -> None:
    reason = statement.get("reason")
    if reason is not None and not reason.strip():
        raise UsageError(f"{here}.reason: is empty. Say why the wildcard is needed, or name what is meant.")
    if wildcards and reason is None:
        raise UsageError(
            f"{here}: {wildcards[0]} allows more than one thing. Name the actions and ARNs that are used, or say why "
            "it must be so: 'reason': '...'."
        )
    if not wildcards and reason is not None and _plain(statement):
        raise UsageError(f"{here}.reason: there is no wildcard to give a reason for. Remove it, or write a comment.")


def _plain(statement: RoleStatement) -> bool:
    return all(isinstance(resource, str) for resource in statement["resources"])


def _wildcards(statement: RoleStatement) -> Iterator[str]:
    """What of a statement stands for more than it names, for messages."""
    yield from (f"the action {action!r}" for action in statement["actions"] if re.search(r"[*?]", action))
    if all(action in WITHOUT_RESOURCES for action in statement["actions"]):
        return
    for resource in statement["resources"]:
        if isinstance(resource, str) and names_nothing(resource):
            yield f"the resource {resource!r}"


def names_nothing(resource: str) -> bool:
    """Whether an ARN stands for every resource of a type: nothing of a name is in it."""
    arn = _ARN.fullmatch(resource)
    if not arn:
        return True
    name = arn["resource"]
    return not (name if arn["service"] in WITHOUT_TYPES else re.sub(r"^[a-z-]+[/:]", "", name)).strip("*?/:")


def document(statements: Sequence[RoleStatement], who: str) -> Document:
    """The policy's document of these statements; their Sids begin with `who`."""
    return iam_documents.document(*(_statement(f"{who}{number}", it) for number, it in enumerate(statements, 1)))


def _statement(sid: str, statement: RoleStatement) -> Statement:
    conditions: Mapping[str, Any] | None = statement.get("conditions")
    return iam_documents.allow(sid, statement["actions"], statement["resources"], conditions)
