"""OpenAPI documents, stages of API Gateway, and connectors as targets; and each kind as access reads it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.local.cloud.conftest import GOOD, TARGET
from tests.local.cloud.types.targets.conftest import DOCUMENT, KINDS, changed, given
from toolgate.access.deployment.stack_export import Resource
from toolgate.access.deployment.targets import read_target
from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.values import UNKNOWN
from toolgate.local.engine.provider_diff import planned_changes

Check = Callable[..., list[str]]
GET = {"operationId": "list_orders", "responses": {}}
PUBLIC = "is no https URL of a public host"


def document(text: Any = None, **changes: Any) -> dict[str, Any]:
    """A good document with some members changed, as a target's block."""
    whole = {name: value for name, value in (DOCUMENT | changes).items() if value is not None}
    return {"inlinePayload": {"payload": json.dumps(whole) if text is None else text}}


def at(url: str) -> dict[str, Any]:
    return document(servers=[{"url": url}])


def operation(**members: Any) -> dict[str, Any]:
    """A document with one operation of these members."""
    return document(paths={"/a": {"get": GET | members}})


def body(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


STYLES = [
    ("path", "matrix"),
    ("path", "label"),
    ("query", "deepObject"),
    ("query", "spaceDelimited"),
    ("query", "pipeDelimited"),
    ("header", "form"),
    ("cookie", "simple"),
]
NOWHERE = {"$ref": "#/components/schemas/B"}
REFERRING: list[tuple[dict[str, Any], str]] = [
    ({"requestBody": body(NOWHERE)}, "/paths/~1a/get/requestBody/content/application~1json/schema"),
    ({"responses": {"200": body({"items": NOWHERE})}}, "/responses/200/content/application~1json/schema/items"),
    ({"parameters": [{"schema": {"properties": {"default": NOWHERE}}}]}, "/parameters/0/schema/properties/default"),
    ({"callbacks": {"on": {"{$url}": {"post": {"requestBody": body(NOWHERE)}}}}}, "/application~1json/schema"),
]
COMPOSED = {"oneOf": [{"allOf": []}], "$ref": "#/nowhere", "style": "matrix"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (document("openapi"), "is no OpenAPI document"),
        (document("{"), "is no OpenAPI document"),
        (document("a: b: c"), "is no OpenAPI document"),
        (document(openapi="2.0"), "3.0 and 3.1 are supported"),
        (document(openapi="3.2.0"), "3.0 and 3.1 are supported"),
        (document(openapi=None), "3.0 and 3.1 are supported"),
        (document(paths={}), "has no operation"),
        (document(paths={"/a": {"get": {}}, "/b": {"get": GET}}), "GET /a has no operationId"),
        (document(paths={"/a": {"get": GET}, "/b": {"get": GET}}), "duplicate operationId 'list_orders'"),
        (document(servers=None), "names no server"),
        (at("http://orders.example.com"), PUBLIC),
        (at("/v1"), PUBLIC),
        (at("https://{host}/v1"), PUBLIC),
        (at("https://localhost/v1"), PUBLIC),
        (at("https://10.0.0.7/v1"), PUBLIC),
        (at("https://[fe80::1]/v1"), PUBLIC),
        (at("https://[x/v1"), PUBLIC),
        (document(components={"schemas": {"A": {"allOf": [{}]}}}), "has allOf, which is not supported"),
        (operation(requestBody=body({"properties": {"a": {"oneOf": [{}]}}})), "has oneOf, which is not supported"),
        (operation(parameters=[{"schema": {"items": {"anyOf": []}}}]), "has anyOf, which is not supported"),
        (document(paths={"/a": {"trace": GET}}), "TRACE /a has a method that is not supported"),
        (document(paths={"/a/{;id*}": {"get": GET}}), "path '/a/{;id*}' has a serializer"),
        (document(paths={"/a/{id*}": {"get": GET}}), "path '/a/{id*}' has a serializer"),
        *[(operation(parameters=[{"name": "a", "in": place, "style": style}]), f"/parameters/0: style '{style}' is not")
          for place, style in STYLES],
        *[(operation(**it), f"{where}: $ref '#/components/schemas/B' names nothing") for it, where in REFERRING],
        (operation(parameters=[{"$ref": "#/components/parameters/Q"}]),
         "/paths/~1a/get/parameters/0: $ref '#/components/parameters/Q' names nothing"),
        (operation(parameters=[{"$ref": "more.yaml#/Q"}]), "names something outside of the document"),
        (document(components={"schemas": {"A": {"$ref": "#anchor"}}}), "/components/schemas/A: $ref '#anchor' names"),
        (document(x="y" * 1024 * 1024), "and at most 1048576 are taken"),
        ({"inlinePayload": {}}, "exactly one of"),
        ({"inlinePayload": None, "s3": {"uri": "s3://bucket/api.json"}}, "does not reproduce"),
    ],
)  # fmt: skip
def test_documents_that_are_refused(changes: dict[str, Any], reason: str, check: Check) -> None:
    [found] = check(TARGET, **given("openApiSchema", **changes))
    assert reason in found


@pytest.mark.parametrize(
    "changes",
    [
        document(openapi="3.0.3"),
        document(yaml.safe_dump(DOCUMENT)),
        at("https://orders.example.com/{version}"),
        at("https://8.8.8.8/"),
        document(components={"schemas": {"allOf": {"type": "object"}}}),
        # What is data is no schema, whatever it looks like.
        *[
            document(components={"schemas": {"A": {"type": "object", key: value}}})
            for key, value in (
                ("example", COMPOSED),
                ("examples", [COMPOSED]),
                ("default", COMPOSED),
                ("const", COMPOSED),
                ("enum", [COMPOSED]),
                ("x-own", COMPOSED),
                ("properties", {"oneOf": {"type": "array"}, "$ref": {"type": "string"}}),
            )
        ],
        operation(parameters=[{"name": "a", "in": "query", "style": "form", "example": COMPOSED}]),
        operation(parameters=[{"name": "a", "in": "path", "style": "simple", "examples": {"a": {"value": COMPOSED}}}]),
        operation(responses={"200": {"content": {"application/json": {"example": COMPOSED}}}, "x-own": COMPOSED}),
        document(info={"title": "T", "version": "1", "oneOf": [1]}),
        # As YAML has it: one value in two places, and one that is in itself.
        document(
            yaml.safe_dump(DOCUMENT)
            + "components: {schemas: {A: &a {properties: &p {again: *a, more: *p}}, B: *a}, x-own: &c [*c]}\n"
        ),
        document(paths={"/a/{a.b}": {"get": GET}, "x-own": {"$ref": "#/nowhere"}}),
        document(
            paths={"/a": {"get": GET | {"requestBody": body({"$ref": "#/components/schemas/A"})}}},
            components={"schemas": {"A": {"properties": {"again": {"$ref": "#/components/schemas/A"}}}}},
        ),
        {"inlinePayload": UNKNOWN},
        {"inlinePayload": {"payload": UNKNOWN}},
    ],
)
def test_documents_that_are_taken(changes: dict[str, Any], check: Check) -> None:
    assert check(TARGET, **given("openApiSchema", **changes)) == []


def tools(**changes: Any) -> dict[str, Any]:
    return {"apiGatewayToolConfiguration": KINDS["apiGateway"]["apiGatewayToolConfiguration"] | changes}


OVERRIDE = {"path": "/orders", "method": "GET", "name": "orders"}


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("apiGateway", {"restApiId": None}, "must not be null"),
        ("apiGateway", {"stage": None}, "must not be null"),
        ("apiGateway", {"apiGatewayToolConfiguration": None}, "must not be null"),
        ("apiGateway", tools(toolFilters=None), "must not be null"),
        ("apiGateway", tools(toolFilters=[]), "at least one filter"),
        ("apiGateway", tools(toolFilters=[{"filterPath": "/a"}]), "must not be null"),
        ("apiGateway", tools(toolFilters=[{"filterPath": "/a", "methods": []}]), "names no method"),
        ("apiGateway", tools(toolFilters=[{"filterPath": "a", "methods": ["GET"]}]), "must begin with /"),
        ("apiGateway", tools(toolFilters=[{"filterPath": "/a", "methods": ["FETCH"]}]), "enum value set"),
        ("apiGateway", tools(toolOverrides=[OVERRIDE | {"name": None}]), "must not be null"),
        ("apiGateway", tools(toolOverrides=[OVERRIDE | {"method": "get"}]), "enum value set"),
        ("apiGateway", tools(toolOverrides=[OVERRIDE | {"path": "orders"}]), "must begin with /"),
        ("apiGateway", tools(toolOverrides=[OVERRIDE, OVERRIDE]), "duplicate tool name 'orders'"),
        ("apiGateway", tools(toolOverrides=[OVERRIDE | {"operation": "x"}]), "does not reproduce"),
        *[("apiGateway", tools(toolFilters=[{"filterPath": path, "methods": ["GET"]}]), "as its last part only")
          for path in ("/orders*", "/*/orders", "/orders/*/*", "/orders/**")],
        ("apiGateway", tools(toolFilters=[{"filterPath": "/{proxy+}", "methods": ["GET"]}]), "is a proxy resource"),
        ("apiGateway", tools(toolOverrides=[OVERRIDE | {"path": "/orders/{proxy+}"}]), "is a proxy resource"),
        ("apiGateway", tools(toolOverrides=[OVERRIDE | {"path": "/orders/*"}]), "must be that of a resource"),
        *[("connector", {"configurations": [{"name": "a", "parameterValues": text}]}, "must be a JSON object")
          for text in ("[]", '[{"a": 1}]', '"a"', "null", "3", "[" * 100_000)],
        ("connector", {"source": None}, "must not be null"),
        ("connector", {"source": {"connectorId": "agentcore-memory"}}, "does not reproduce"),
        ("connector", {"source": {"connectorId": "web-search", "version": "1.02.0"}}, "regular expression pattern"),
        ("connector", {"enableds": []}, "greater than or equal to 1"),
        ("connector", {"configurations": []}, "at least one configuration"),
        ("connector", {"configurations": None}, "at least one configuration"),
        ("connector", {"configurations": [{"name": "1"}]}, "regular expression pattern"),
        ("connector", {"configurations": [{"name": "a"}, {"name": "a"}]}, "duplicate configuration 'a'"),
        ("connector", {"configurations": [{"name": "a", "parameterValues": "{"}]}, "do not have its form"),
        ("connector", {"configurations": [{"name": "a", "parameterOverrides": [{}]}]}, "must not be null"),
    ],
)  # fmt: skip
def test_what_is_refused(kind: str, changes: dict[str, Any], reason: str, check: Check) -> None:
    [found] = check(TARGET, **given(kind, **changes))
    assert reason in found


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_web_search_is_in_one_region(region: str, plane: ControlPlane, gateway: Made) -> None:
    there = ControlPlane(CloudEnvironment(region=region), plane.store, {})
    inputs = GOOD[TARGET] | given("connector", source={"connectorId": "web-search"}) | {"gatewayIdentifier": gateway.id}
    if region == "us-east-1":
        there.create(TARGET, inputs)
    else:
        with pytest.raises(RefusalError, match="web-search is not available in eu-west-1"):
            there.create(TARGET, inputs)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_made_read_and_planned_again_without_change(kind: str, plane: ControlPlane, gateway: Made) -> None:
    inputs = GOOD[TARGET] | given(kind) | {"gatewayIdentifier": gateway.id}
    assert plane.check(TARGET, inputs) == []
    made = plane.create(TARGET, inputs)
    assert planned_changes(TYPES[TARGET], dict(made.outputs), inputs) == {}
    view = read_target(Resource("urn:pulumi:dev::p::t::orders", TARGET, inputs, {**made.outputs}))
    assert view.kind == f"mcp.{kind}"
    assert view.sign_in.how == "gatewayIamRole"
    assert [tool.name for tool in view.tools or ()] == {
        "lambda": ["add"],
        "mcpServer": ["add"],
        "openApiSchema": ["list_orders"],
    }.get(kind, [])


def test_order_and_layout_that_mean_nothing_are_no_change(plane: ControlPlane, gateway: Made) -> None:
    base = GOOD[TARGET] | {"gatewayIdentifier": gateway.id}
    for kind, other in (
        ("apiGateway", tools(toolFilters=[{"filterPath": "/orders/*", "methods": ["POST", "GET"]}])),
        ("connector", {"configurations": _spaced(KINDS["connector"]["configurations"])}),
    ):
        made = plane.create(TARGET, base | given(kind) | {"name": kind})
        again = base | given(kind) | {"name": kind, "targetConfiguration": changed(kind, **other)}
        assert planned_changes(TYPES[TARGET], dict(made.outputs), again) == {}


def _spaced(configurations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**it, "parameterValues": json.dumps(json.loads(it["parameterValues"]), indent=2)} for it in configurations]
