"""What AgentCore would find wrong with a Cedar statement, told offline.

Its analyser (findings such as "overly permissive") is not reproduced; what the schema and the documented rules say is.
Source: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/policy-scope.html, policy-schema-constraints.html;
botocore bedrock-agentcore-control `CedarPolicy` (statement's length).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import cedarpy

from toolgate.access.cedar.cedar_policies import ScopedPolicy, read_statement
from toolgate.access.cedar.tools_schema import GATEWAY, IAM_ENTITY, schema
from toolgate.access.deployment.agentcore_resources import Gateway

STATEMENT_LENGTH = (35, 10_000)
"""Shortest and longest statement in characters (botocore: `Statement`)."""

_ENTITY_ID = re.compile(r"arn:[^:]+:(sts::\d{12}:assumed-role/[^/]+|iam::\d{12}:user/.+)")


def validate(statement: str, gateway: Gateway, tools: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """What is wrong with a statement for this gateway; empty when nothing is.

    Args:
        statement: The Cedar text.
        gateway: The gateway that it is for.
        tools: Input schemas (the API's form) by the full names of all of the gateway's tools.
    """
    shortest, longest = STATEMENT_LENGTH
    if not shortest <= len(statement) <= longest:
        return (f"the statement has {len(statement)} characters; it must have {shortest} to {longest}",)
    try:
        policy = read_statement("statement", statement)
    except ValueError as error:
        return (f"not a Cedar policy: {error}",)
    return (*_resource(policy, gateway), *_principal(policy), *_against_schema(statement, gateway, tools))


def _resource(policy: ScopedPolicy, gateway: Gateway) -> Iterator[str]:
    scope = policy.body["resource"]
    if scope["op"] == "All":
        yield "the resource is not constrained; write `resource is AgentCore::Gateway`, or `==` and the gateway's ARN"
    elif policy.body["action"]["op"] != "All" and scope["op"] != "==":
        yield f'naming actions needs `resource == {GATEWAY}::"{gateway.arn}"`'
    elif scope["op"] == "==" and scope["entity"]["id"] != gateway.arn:
        yield f"the resource is {scope['entity']['id']}; this gateway is {gateway.arn}"


def _principal(policy: ScopedPolicy) -> Iterator[str]:
    scope = policy.body["principal"]
    entity = scope.get("entity") or scope.get("in", {}).get("entity")
    if entity and entity["type"] == IAM_ENTITY and not _ENTITY_ID.fullmatch(entity["id"]):
        yield (
            f"no caller has the id {entity['id']}; a role's is arn:<partition>:sts::<account>:assumed-role/<role name>,"
            " without path and session"
        )


def _against_schema(statement: str, gateway: Gateway, tools: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    result = cedarpy.validate_policies(statement, json.dumps(schema(gateway, tools)))
    for error in result.errors:
        yield error.error.removeprefix(f"for policy `{error.policy_id}`, ")
