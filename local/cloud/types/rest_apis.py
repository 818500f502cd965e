"""REST APIs of API Gateway that are made of an OpenAPI document, with their policies, deployments and stages.

Source of what the provider keeps, computes and replaces: hashicorp/terraform-provider-aws, apigateway/rest_api.go,
rest_api_policy.go, deployment.go and stage.go. Of what API Gateway refuses: API Gateway developer guide, "Develop REST
APIs using OpenAPI", and REST API reference, CreateDeployment, DeleteDeployment, CreateStage; words without a source are
ours. Unproved: that AWS gives a policy back as it was written, which it does not where its resources are short
(`execute-api:/*`): the next plan may then see a change; that the provider writes `putRestApiMode` into the inputs.

A deployment is of the document that the API has when it is made. An export does not hold that one: here a stage serves
the API's document as it is, so that a body which changes belongs into the deployment's `triggers`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import Member, same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NOT_REPRODUCED, Failure
from toolgate.local.cloud.resource_type import (
    LOWER_ALPHANUMERIC,
    MADE_AT,
    ApiRequest,
    Existing,
    Made,
    Making,
    Record,
    ResourceType,
)
from toolgate.local.cloud.types.policy_documents import resource_policy
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language import open_api, rest_api
from toolgate.policy.language.agentcore_facts import REST_API, REST_API_DEPLOYMENT, REST_API_POLICY, REST_API_STAGE

LARGEST_DOCUMENT = 6 * 2**20
"""Bytes of a document that is imported (API Gateway developer guide, "Quotas")."""
_INTEGRATIONS = frozenset({"aws", "aws_proxy", "http", "http_proxy", "mock"})
_SPECIFICATION = re.compile(r"3\.0\.\d+")


def document(inputs: Properties) -> Mapping[str, Any]:
    """The document that an API is made of; empty where it has none that can be read."""
    return open_api.document(str(inputs.get("body") or "")) or {}


def _make_api(inputs: Properties, making: Making) -> Made:
    api_id, env = making.characters(10, LOWER_ALPHANUMERIC), making.env
    return Made(
        api_id,
        {
            "arn": _arn(env, f"restapis/{api_id}"),
            "createdDate": MADE_AT,
            "executionArn": env.arn("execute-api", api_id),
            "rootResourceId": making.characters(10, LOWER_ALPHANUMERIC, "root"),
        },
    )


def _arn(env: CloudEnvironment, path: str) -> str:
    """Of what API Gateway manages: without an account (Service Authorization Reference, "API Gateway Management")."""
    return f"arn:{env.partition}:apigateway:{env.region}::/{path}"


def _reported_of_api(inputs: Properties) -> dict[str, Any]:
    info = document(inputs).get("info")
    text = info.get("description") if isinstance(info, Mapping) else None
    return {
        "apiKeySource": "HEADER",
        "binaryMediaTypes": [],
        "description": text if isinstance(text, str) else "",
        "disableExecuteApiEndpoint": False,
        "endpointConfiguration": {"ipAddressType": "ipv4", "types": "EDGE", "vpcEndpointIds": []},
        "minimumCompressionSize": "",
        "policy": "",
    }


def _compression(inputs: Properties) -> Iterator[Failure]:
    size = inputs.get("minimumCompressionSize")
    if isinstance(size, str) and not (re.fullmatch(r"-1|\d{1,8}", size) and int(size) <= 10 * 2**20):
        yield Failure("minimumCompressionSize", f"expected '{size}' to be a number from -1 to 10485760")


def _body(inputs: Properties) -> Iterator[Failure]:
    body = inputs.get("body")
    if body is None or body is UNKNOWN:
        return
    found = open_api.document(str(body))
    if found is None:
        yield Failure("body", NOT_REPRODUCED.format("a body that is no JSON object"))
    elif len(str(body).encode()) > LARGEST_DOCUMENT:
        yield Failure("body", f"BadRequestException: the document has more than {LARGEST_DOCUMENT} bytes")
    else:
        yield from (Failure("body", f"BadRequestException: {fault}") for fault in _faults(found))


def _faults(found: Mapping[str, Any]) -> Iterator[str]:
    if found.get("swagger") != "2.0" and not _SPECIFICATION.fullmatch(str(found.get("openapi"))):
        yield "API Gateway takes documents of OpenAPI 3.0.x, and of 2.0; write 'openapi': '3.0.3'"
    for method in rest_api.methods(found):
        if not method.path.startswith("/"):
            yield f"{method.label}: a path begins with /"
        if method.integration and method.kind not in _INTEGRATIONS:
            yield f"{method.label}: Enumeration value for type must be one of {', '.join(sorted(_INTEGRATIONS))}"
        if method.kind == "aws_proxy" and method.function_arn and method.integration.get("httpMethod") != "POST":
            # API Gateway developer guide, "Set up Lambda proxy integrations": else each call fails.
            yield f"{method.label}: a Lambda function is invoked by POST; write 'httpMethod': 'POST'"


def _short_policy(inputs: Properties) -> Iterator[Failure]:
    """A policy, whose resources may be written in API Gateway's short form."""
    given = inputs.get("policy")
    try:
        written = json.loads(given) if isinstance(given, str) and given else None
    except ValueError:
        written = None
    whole = json.dumps(rest_api.expanded(written, "arn:aws:execute-api:::api")) if written is not None else given
    yield from resource_policy("policy", {"policy": whole or None})


def _of_api(record: Record, existing: Existing) -> list[Record]:
    """What API Gateway deletes with an API."""
    stages = [it for it in existing(REST_API_STAGE) if it.inputs["restApi"] == record.id]
    deployments = [it for it in existing(REST_API_DEPLOYMENT) if it.inputs["restApi"] == record.id]
    return [*stages, *deployments, *(it for it in existing(REST_API_POLICY) if it.id == record.id)]


REST_API_TYPE = ResourceType(
    type=REST_API,
    requests=(
        ApiRequest(
            "apigateway",
            "CreateRestApi",
            {
                **same("name", "description", "apiKeySource", "binaryMediaTypes", "disableExecuteApiEndpoint"),
                **same("policy", "tags"),
                "endpointConfiguration": Member(
                    "endpointConfiguration",
                    {"types": Member("types", lambda kind: [kind]), **same("ipAddressType", "vpcEndpointIds")},
                ),
                "minimumCompressionSize": Member(
                    "minimumCompressionSize", lambda size: int(size) if re.fullmatch(r"-?\d+", str(size)) else 0
                ),
            },
        ),
        ApiRequest(
            "apigateway",
            "PutRestApi",
            {
                "body": Member("body", lambda text: str(text).encode()),
                "putRestApiMode": "mode",
                **same("failOnWarnings", "parameters"),
            },
            when="body",
            complete=lambda request: {**request, "restApiId": "its own"},
        ),
    ),
    make=_make_api,
    computed=("arn", "createdDate", "executionArn", "rootResourceId"),
    replaces=frozenset(),
    auto_name="name",
    defaults={"putRestApiMode": "overwrite"},
    reported=_reported_of_api,
    documents=frozenset({"policy"}),
    unordered=frozenset({"vpcEndpointIds"}),
    rules=(_body, _compression, _short_policy),
    takes_along=_of_api,
)


def _api_exists(inputs: Properties, _made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    api_id = inputs.get("restApi") or inputs.get("restApiId")
    if all(it.id != api_id for it in existing(REST_API)):
        yield f"NotFoundException: Invalid API identifier specified {env.account}:{api_id}"


POLICY_TYPE = ResourceType(
    type=REST_API_POLICY,
    requests=(ApiRequest("apigateway", "UpdateRestApi", same("restApiId")),),
    kept=frozenset({"policy"}),  # it is a value in the list of what is changed
    make=lambda inputs, _making: Made(inputs["restApiId"], {}),
    computed=(),
    replaces=frozenset({"restApiId"}),
    documents=frozenset({"policy"}),
    rules=(_short_policy,),
    needs=(_api_exists,),
)


def _deployable(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    api = next((it for it in existing(REST_API) if it.id == inputs["restApi"]), None)
    found = rest_api.methods(document(api.inputs)) if api else ()
    if api and not found:
        yield "BadRequestException: The REST API doesn't contain any methods"
    if any(not it.integration for it in found):
        yield "BadRequestException: No integration defined for method"


def _stages_of(record: Record, existing: Existing) -> Iterator[str]:
    if any(it.inputs["deployment"] == record.id for it in existing(REST_API_STAGE)):
        yield "BadRequestException: Active stages pointing to this deployment must be moved or deleted"


DEPLOYMENT_TYPE = ResourceType(
    type=REST_API_DEPLOYMENT,
    requests=(
        ApiRequest("apigateway", "CreateDeployment", {"restApi": "restApiId", **same("description", "variables")}),
    ),
    kept=frozenset({"triggers"}),
    make=lambda _inputs, making: Made(making.characters(6, LOWER_ALPHANUMERIC), {"createdDate": MADE_AT}),
    computed=("createdDate",),
    replaces=frozenset({"restApi", "triggers", "variables"}),
    needs=(_api_exists, _deployable),
    imported=lambda given: given.rpartition("/")[2],
    in_use=_stages_of,
)


def _make_stage(inputs: Properties, making: Making) -> Made:
    api_id, stage, env = inputs["restApi"], inputs["stageName"], making.env
    return Made(
        f"ags-{api_id}-{stage}",
        {
            "arn": _arn(env, f"restapis/{api_id}/stages/{stage}"),
            "executionArn": env.arn("execute-api", f"{api_id}/{stage}"),
            "invokeUrl": f"https://{api_id}.execute-api.{env.region}.{env.dns_suffix}/{stage}",
            "webAclArn": "",
        },
    )


def _stage_name(inputs: Properties) -> Iterator[Failure]:
    name = inputs.get("stageName")
    if isinstance(name, str) and not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", name):
        text = "a stage's name has letters, digits, hyphens and underscores, at most 128"
        yield Failure("stageName", f"BadRequestException: {name!r}: {text}")


def _deployment_exists(inputs: Properties, _made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    wanted = (inputs["deployment"], inputs["restApi"])
    if all((it.id, it.inputs["restApi"]) != wanted for it in existing(REST_API_DEPLOYMENT)):
        yield "BadRequestException: Deployment id does not exist"


STAGE_TYPE = ResourceType(
    type=REST_API_STAGE,
    requests=(
        ApiRequest(
            "apigateway",
            "CreateStage",
            {
                "restApi": "restApiId",
                "deployment": "deploymentId",
                "xrayTracingEnabled": "tracingEnabled",
                **same("stageName", "description", "documentationVersion", "variables", "tags"),
            },
        ),
    ),
    make=_make_stage,
    computed=("arn", "executionArn", "invokeUrl", "webAclArn"),
    replaces=frozenset({"restApi", "stageName"}),
    rules=(_stage_name,),
    needs=(_api_exists, _deployment_exists),
    unique=("restApi", "stageName"),
    conflict="ConflictException: Stage already exists",
    imported=lambda given: f"ags-{given.replace('/', '-', 1)}" if "/" in given else given,
)
