"""REST APIs that are made of a document: what AWS gives back, replaces and refuses."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import API, DEPLOYMENT, GOOD, REST_API, REST_API_POLICY, STAGE
from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError

type Check = Callable[..., list[str]]


def body(integration: Any, path: str = "/orders", **changed: Any) -> str:
    return json.dumps({**API, "paths": {path: {"get": {"x-amazon-apigateway-integration": integration}}}, **changed})


FUNCTION = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:f"


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (REST_API, {"body": "openapi: 3.0.3"}, "does not reproduce a body that is no JSON object"),
        (REST_API, {"body": body({"type": "mock"}, openapi="3.1.0")}, "takes documents of OpenAPI 3.0.x"),
        (REST_API, {"body": body({"type": "lambda"})}, "type must be one of"),
        (REST_API, {"body": body({"type": "mock"}, "orders")}, "begins with /"),
        (
            REST_API,
            {"body": body({"type": "aws_proxy", "httpMethod": "GET", "uri": f"{FUNCTION}/invocations"})},
            "invoked by POST",
        ),
        (REST_API, {"minimumCompressionSize": "10485761"}, "to be a number from"),
        (REST_API, {"putRestApiMode": "replace"}, "enum value set"),
        (REST_API, {"endpointConfiguration": {"types": "LOCAL"}}, "enum value set"),
        (REST_API_POLICY, {"policy": "{"}, "not a JSON text"),
        (STAGE, {"stageName": "a b"}, "a stage's name has"),
        (STAGE, {"cacheClusterEnabled": True}, "does not reproduce cacheClusterEnabled"),
    ],
)
def test_what_is_refused_on_sight(kind: str, changes: dict[str, Any], reason: str, check: Check) -> None:
    assert any(reason in it for it in check(kind, **changes))


@pytest.mark.parametrize("kind", [REST_API, REST_API_POLICY, DEPLOYMENT, STAGE])
def test_what_is_good(kind: str, check: Check) -> None:
    assert check(kind) == []


def made(plane: ControlPlane) -> tuple[str, str, str]:
    api = plane.create(REST_API, GOOD[REST_API])
    deployment = plane.create(DEPLOYMENT, GOOD[DEPLOYMENT] | {"restApi": api.id})
    stage = plane.create(STAGE, GOOD[STAGE] | {"restApi": api.id, "deployment": deployment.id})
    return api.id, deployment.id, stage.id


def test_a_stage_is_named_by_its_api(plane: ControlPlane) -> None:
    api, deployment, stage = made(plane)
    assert stage == f"ags-{api}-prod" == TYPES[STAGE].imported(f"{api}/prod")
    assert TYPES[DEPLOYMENT].imported(f"{api}/{deployment}") == deployment
    record = plane.read(STAGE, stage)
    assert record
    assert record.outputs["arn"] == f"arn:aws:apigateway:us-east-1::/restapis/{api}/stages/prod"
    assert record.outputs["executionArn"] == f"arn:aws:execute-api:us-east-1:123456789012:{api}/prod"
    assert record.outputs["invokeUrl"] == f"https://{api}.execute-api.us-east-1.amazonaws.com/prod"


def test_a_deployment_with_a_stage_stays_and_goes_with_its_api(plane: ControlPlane) -> None:
    api, deployment, stage = made(plane)
    with pytest.raises(RefusalError, match="Active stages pointing to this deployment"):
        plane.delete(DEPLOYMENT, deployment)
    plane.delete(REST_API, api)
    assert plane.read(STAGE, stage) is plane.read(DEPLOYMENT, deployment) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"paths": {}}, "doesn't contain any methods"), ({"paths": {"/a": {"get": {}}}}, "No integration defined")],
)
def test_what_cannot_be_deployed(plane: ControlPlane, changed: Any, words: str) -> None:
    api = plane.create(REST_API, GOOD[REST_API] | {"body": json.dumps(API | changed)})
    with pytest.raises(RefusalError, match=words):
        plane.create(DEPLOYMENT, {"restApi": api.id})


def test_what_is_not_there(plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match="Invalid API identifier specified 123456789012:a1b2c3d4e5"):
        plane.create(DEPLOYMENT, GOOD[DEPLOYMENT])
    api, deployment, _ = made(plane)
    with pytest.raises(RefusalError, match="Stage already exists"):
        plane.create(STAGE, GOOD[STAGE] | {"restApi": api, "deployment": deployment})
    with pytest.raises(RefusalError, match="Deployment id does not exist"):
        plane.create(STAGE, {"restApi": api, "deployment": "zzzzzz", "stageName": "test"})
