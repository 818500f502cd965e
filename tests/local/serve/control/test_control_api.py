"""AgentCore's control plane through boto3: each read in AWS's own shape, for whom IAM lets."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.serve.control.conftest import LOCAL, POLICY, SINCE, ClientOf
from toolgate.local.cloud import request_validation
from toolgate.local.serve.control.control_api import READ_ACTIONS, READS, Served

CONTROL = "bedrock-agentcore-control"
ALL = {"Effect": "Allow", "Action": list(READ_ACTIONS), "Resource": "*"}


@pytest.fixture(scope="session")
def control(client_as: ClientOf) -> Any:
    return client_as(CONTROL, ALL)


@pytest.fixture(scope="session")
def ids(served: Served) -> dict[str, str]:
    """Parameters of every read, by the API's names, for things that are there; a `name` by its operation."""
    gateway, runtime, engine = served.gateways[0], served.runtimes[0], served.engines[0]
    return {
        "gatewayIdentifier": gateway["gatewayId"],
        "targetId": served.targets(gateway)[0]["targetId"],
        "agentRuntimeId": runtime["agentRuntimeId"],
        "endpointName": "DEFAULT",
        "policyEngineId": engine["policyEngineId"],
        "policyId": served.policies(engine)[0]["policyId"],
        "resourceArn": gateway["gatewayArn"],
        "GetWorkloadIdentity": served.identities[0]["name"],
        "GetOauth2CredentialProvider": served.providers[0]["name"],
        "GetApiKeyCredentialProvider": served.key_providers[0]["name"],
    }


def _call(client: Any, operation: str, given: dict[str, Any]) -> Any:
    model = client.meta.service_model.operation_model(operation)
    known = {**given, **({"name": given[operation]} if operation in given else {})}
    named = {name: known[name] for name in model.input_shape.members if name in known}
    method = next(py for py, api in client.meta.method_to_api_mapping.items() if api == operation)
    return getattr(client, method)(**named)


def _code(caught: Any) -> tuple[int, str]:
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.mark.parametrize("operation", READS)
def test_an_answer_has_every_required_member_and_keeps_the_models_rules(
    control: Any, ids: dict[str, str], operation: str
) -> None:
    bodies: list[bytes] = []
    control.meta.events.register_last("after-call", lambda http_response, **_: bodies.append(http_response.content))
    parsed = _call(control, operation, ids)
    control.meta.events.unregister("after-call", None)
    raw = json.loads(bodies[-1])
    shape = control.meta.service_model.operation_model(operation).output_shape
    wrong = [where for where, _ in request_validation._walk(shape, raw, "")]
    # The model wants a description of one character and more; the sample's runtimes have none. And it has an older name
    # of the service in a credential provider's ARN (`arn:aws:acps:`), which IAM's documents do not.
    known = r"agentRuntimes\.\d\.description|(credentialProviders\.\d\.)?credentialProviderArn"
    assert [where for where in wrong if not re.fullmatch(known, where)] == []
    assert parsed.keys() - {"ResponseMetadata"} == raw.keys()
    assert parsed["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize("operation", READS)
def test_only_who_may_read_it_can(client_as: ClientOf, ids: dict[str, str], operation: str) -> None:
    action = f"bedrock-agentcore:{operation}"
    others = [one for one in READ_ACTIONS if one != action]
    denied = client_as(CONTROL, {"Effect": "Allow", "Action": others, "Resource": "*"})
    with pytest.raises(ClientError, match=rf"not authorized to perform: {action} on resource: ") as caught:
        _call(denied, operation, ids)
    assert _code(caught) == (403, "AccessDeniedException")


@pytest.mark.parametrize(
    ("operation", "resources"),
    [
        ("GetGateway", ["gateway/{gatewayIdentifier}"]),
        ("GetGatewayTarget", ["gateway/{gatewayIdentifier}"]),
        ("ListGatewayTargets", ["gateway/{gatewayIdentifier}"]),
        ("GetAgentRuntime", ["runtime/{agentRuntimeId}"]),
        (
            "GetAgentRuntimeEndpoint",
            ["runtime/{agentRuntimeId}", "runtime/{agentRuntimeId}/runtime-endpoint/{endpointName}"],
        ),
        ("GetPolicyEngine", ["policy-engine/{policyEngineId}"]),
        ("GetPolicy", ["policy-engine/{policyEngineId}", "policy-engine/{policyEngineId}/policy/{policyId}"]),
        ("ListPolicies", ["policy-engine/{policyEngineId}"]),
    ],
)
def test_a_read_needs_its_action_on_each_of_its_resources(
    client_as: ClientOf, served: Served, ids: dict[str, str], operation: str, resources: list[str]
) -> None:
    """Service Authorization Reference, "Amazon Bedrock AgentCore", the action's required resource types."""
    arns = [served.env.arn("bedrock-agentcore", resource.format(**ids)) for resource in resources]
    allowed = {"Effect": "Allow", "Action": f"bedrock-agentcore:{operation}", "Resource": arns}
    _call(client_as(CONTROL, allowed), operation, ids)
    for arn in arns:
        fewer = {**allowed, "Resource": [one for one in arns if one != arn] or ["arn:aws:s3:::b"]}
        with pytest.raises(ClientError, match=f"on resource: {arn} because"):
            _call(client_as(CONTROL, fewer), operation, ids)


def test_what_is_read_is_what_is_served(control: Any, ids: dict[str, str], served: Served) -> None:
    gateway = _call(control, "GetGateway", ids)
    assert (gateway["name"], gateway["authorizerType"], gateway["status"]) == ("toolgate-dev-tools", "AWS_IAM", "READY")
    assert gateway["gatewayUrl"] == LOCAL
    assert gateway["policyEngineConfiguration"] == {"arn": served.engines[0]["policyEngineArn"], "mode": "ENFORCE"}
    assert gateway["createdAt"] == SINCE
    target = _call(control, "GetGatewayTarget", ids)
    tools = target["targetConfiguration"]["mcp"]["lambda"]["toolSchema"]["inlinePayload"]
    assert [tool["name"] for tool in tools] == ["add_numbers", "multiply_numbers", "greeting"]
    assert tools[0]["inputSchema"]["required"] == ["a", "b"]
    runtime = _call(control, "GetAgentRuntime", ids)
    assert runtime["environmentVariables"]["GATEWAY_URL"] == LOCAL
    assert runtime["agentRuntimeArtifact"]["codeConfiguration"]["entryPoint"][-1] == "main.py"
    assert runtime["lifecycleConfiguration"]["idleRuntimeSessionTimeout"] == 900
    endpoint = _call(control, "GetAgentRuntimeEndpoint", ids)
    assert endpoint["agentRuntimeEndpointArn"] == f"{runtime['agentRuntimeArn']}/runtime-endpoint/DEFAULT"
    policies = _call(control, "ListPolicies", ids)["policies"]
    assert [policy["name"] for policy in policies] == ["toolgate_dev_adder_tools", "toolgate_dev_greeter_tools"]
    assert "AgentCore::Action" in policies[0]["definition"]["cedar"]["statement"]
    assert _call(control, "GetResourcePolicy", ids)["policy"] == POLICY
    assert _call(control, "ListTagsForResource", ids)["tags"] == {"team": "tools"}


def test_a_list_is_read_page_by_page(control: Any) -> None:
    first = control.list_agent_runtimes(maxResults=1)
    second = control.list_agent_runtimes(maxResults=1, nextToken=first["nextToken"])
    names = [it["agentRuntimeName"] for page in (first, second) for it in page["agentRuntimes"]]
    assert names == ["toolgate_dev_adder", "toolgate_dev_greeter"]
    assert "nextToken" not in second
    pages = list(control.get_paginator("list_agent_runtimes").paginate(PaginationConfig={"PageSize": 1}))
    assert [len(page["agentRuntimes"]) for page in pages] == [1, 1]
    assert "nextToken" not in control.list_agent_runtimes()


@pytest.mark.parametrize(
    ("operation", "given", "says"),
    [
        ("ListGateways", {"maxResults": 0}, "greater than or equal to 1"),
        ("ListGateways", {"maxResults": 1001}, "less than or equal to 1000"),
        ("ListGateways", {"maxResults": "many"}, "must be of type integer"),
        ("ListGateways", {"nextToken": "mine"}, "nextToken is not one that this list has given"),
        ("ListGateways", {"nextToken": "99"}, "nextToken is not one that this list has given"),
        ("GetGateway", {"gatewayIdentifier": "no id"}, "must satisfy regular expression pattern"),
        ("ListPolicies", {"targetResourceScope": "arn:aws:bedrock-agentcore:x"}, "'targetResourceScope' is not reprod"),
    ],
)
def test_what_the_model_does_not_take_is_invalid(
    control: Any, ids: dict[str, str], operation: str, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(ClientError) as caught:
        _call(control, operation, {**ids, **given})
    assert _code(caught) == (400, "ValidationException")
    assert says.lower() in str(caught.value).lower()


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("GetGateway", {"gatewayIdentifier": "other-abcdefghij"}),
        ("ListGatewayTargets", {"gatewayIdentifier": "other-abcdefghij"}),
        ("GetGatewayTarget", {"targetId": "ABCDEFGHIJ"}),
        ("GetAgentRuntime", {"agentRuntimeId": "other-ABCDEFGHIJ"}),
        ("GetAgentRuntime", {"agentRuntimeVersion": "2"}),
        ("ListAgentRuntimeVersions", {"agentRuntimeId": "other-ABCDEFGHIJ"}),
        ("GetAgentRuntimeEndpoint", {"endpointName": "canary"}),
        ("GetPolicyEngine", {"policyEngineId": "other-abcdefghij"}),
        ("ListPolicies", {"policyEngineId": "other-abcdefghij"}),
        ("GetPolicy", {"policyId": "other-abcdefghij"}),
        ("GetResourcePolicy", {"resourceArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/x"}),
        ("ListTagsForResource", {"resourceArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/x"}),
    ],
)
def test_what_is_not_there_is_not_found(
    control: Any, ids: dict[str, str], operation: str, given: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="in the local deployment") as caught:
        _call(control, operation, {**ids, **given})
    assert _code(caught) == (404, "ResourceNotFoundException")


WRITES = ("CreateGateway", "UpdateGatewayTarget", "DeleteAgentRuntime", "PutResourcePolicy", "TagResource")


@pytest.mark.parametrize("operation", WRITES)
def test_a_write_is_refused_with_what_to_do_instead(control: Any, ids: dict[str, str], operation: str) -> None:
    given = {**ids, "policy": POLICY, "tags": {"a": "b"}, "name": "n"}
    with pytest.raises(ClientError, match=rf"{operation} is refused.*`toolgate plan` shows") as caught:
        _call(control, operation, given)
    assert _code(caught) == (400, "UnsupportedOperationException")


def test_each_other_operation_is_refused(control: Any) -> None:
    """Whatever botocore knows: none is taken for another one, and none ends in a fault."""
    model = control.meta.service_model
    for operation in sorted(set(model.operation_names) - READS.keys()):
        members = model.operation_model(operation).input_shape.members
        uri = {name: "abc-0123456789" for name, it in members.items() if it.serialization.get("location") == "uri"}
        with pytest.raises(ClientError, match=f"{operation} is (refused|not reproduced)") as caught:
            _call(control, operation, uri)
        assert _code(caught) == (400, "UnsupportedOperationException")
