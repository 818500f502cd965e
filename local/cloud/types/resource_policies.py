"""Resource policies of AgentCore: of a gateway, a runtime, or a runtime's endpoint.

Source: AgentCore developer guide, "Resource-based policies" (what a policy holds, supported actions, validation
errors), and botocore, PutResourcePolicy (20,480 characters). The guide's older examples write `"Resource": "*"` for the
resource itself; the service wants the exact ARN.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import ApiRequest, Existing, Made, Making, ResourceType
from toolgate.local.cloud.types.policy_documents import resource_policy
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language.agentcore_facts import GATEWAY, RESOURCE_POLICY, RUNTIME

STATEMENTS = 100
ACTIONS: Mapping[str, frozenset[str]] = {
    "gateway": frozenset({"InvokeGateway"}),
    "runtime": frozenset(
        {
            "InvokeAgentRuntime",
            "InvokeAgentRuntimeForUser",
            "InvokeAgentRuntimeWithWebSocketStream",
            "InvokeAgentRuntimeWithWebSocketStreamForUser",
            "StopRuntimeSession",
            "GetAgentCard",
        }
    ),
}
"""The actions that a policy may name, by the kind of resource that it is on."""

_ENDPOINT = re.compile(r"/runtime-endpoint/DEFAULT$")


def _make(inputs: Properties, _making: Making) -> Made:
    return Made(inputs["resourceArn"], {})


def _document(inputs: Properties) -> Iterator[Failure]:
    yield from resource_policy("policy", inputs)


def _statements(inputs: Properties) -> Iterator[Failure]:
    policy, arn = inputs.get("policy"), inputs.get("resourceArn")
    if policy is UNKNOWN or any(_document(inputs)):
        return
    document = json.loads(str(policy))
    if "Version" not in document:
        yield _refused("Missing required element: Version")
    statements = _listed(document["Statement"])
    if len(statements) > STATEMENTS:
        yield _refused(f"a resource policy holds at most {STATEMENTS} statements, this one has {len(statements)}")
    for index, statement in enumerate(statements):
        for fault in _faults(statement, arn):
            yield _refused(f"{fault} (statement {index})")


def _faults(statement: Mapping[str, Any], arn: Any) -> Iterator[str]:
    for element in ("Principal", "Action", "Resource"):
        if element not in statement:
            yield f"Missing required element: {element}"
    if arn is UNKNOWN:
        return
    if "Resource" in statement and _listed(statement["Resource"]) != [arn]:
        yield f"Resource must be the exact ARN of the resource that the policy is on: {arn}"
    supported = ACTIONS.get(_kind(arn), frozenset())
    for action in _listed(statement.get("Action", [])):
        if action.removeprefix("bedrock-agentcore:") not in supported:
            yield f"Unsupported action {action}; on a {_kind(arn)} there are {', '.join(sorted(supported))}"


def _kind(arn: str) -> str:
    """`gateway` or `runtime`, from the resource's ARN; an endpoint belongs to its runtime."""
    return arn.rpartition(":")[2].partition("/")[0]


def _on_something(inputs: Properties) -> Iterator[Failure]:
    arn = inputs.get("resourceArn")
    if isinstance(arn, str) and _kind(arn) not in ACTIONS:
        text = "is not the ARN of a gateway, a runtime or a runtime's endpoint"
        yield Failure("resourceArn", f"ValidationException: {arn} {text}")


def _resource_exists(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    arn = inputs["resourceArn"]
    gateways = [found.outputs["gatewayArn"] for found in existing(GATEWAY)]
    runtimes = [found.outputs["agentRuntimeArn"] for found in existing(RUNTIME)]
    if arn not in gateways and _ENDPOINT.sub("", arn) not in runtimes:
        yield f"ResourceNotFoundException: Resource not found: {arn}"


def _refused(text: str) -> Failure:
    return Failure("policy", f"ValidationException: {text}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


RESOURCE_POLICY_TYPE = ResourceType(
    type=RESOURCE_POLICY,
    requests=(ApiRequest("bedrock-agentcore-control", "PutResourcePolicy", same("resourceArn", "policy")),),
    make=_make,
    computed=(),
    replaces=frozenset({"resourceArn"}),
    framework=True,
    documents=frozenset({"policy"}),
    rules=(_on_something, _document, _statements),
    needs=(_resource_exists,),
)
