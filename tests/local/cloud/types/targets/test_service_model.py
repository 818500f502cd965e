"""Targets and credential providers against botocore's service model and pulumi_aws: no member is missed, none invented.

What the stand-in does not reproduce stands here by name, so that a new member of either is noticed.
"""

import copy
import importlib
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from pulumi import _types as pulumi_types

from tests.local.cloud.conftest import API_KEY_PROVIDER, GOOD, OAUTH2_PROVIDER, TARGET
from tests.local.cloud.types.targets.conftest import KINDS, SIGN_INS, changed, given
from toolgate.local.cloud.api_requests import Table
from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.cloud.types.targets.target_kind import SIGN_INS as SIGN_IN_TABLES

Check = Callable[..., list[str]]
Way = tuple[str | int, ...]

SERVICE = "bedrock-agentcore-control"
MODEL = ServiceModel(Loader().load_service_model(SERVICE, "service-2"), SERVICE)
CUSTOM = "customOauth2ProviderConfig"
_OF_THE_SDK = {"clientToken"}
_OF_PULUMI = {"region", "timeouts"}
# Of the service model, and of pulumi_aws where that has them too.
NOT_REPRODUCED = {
    TARGET: {
        "certificateConfigurations",
        "metadataConfiguration",
        "privateEndpoint",
        "targetConfiguration.http",
        "targetConfiguration.inference",
        "targetConfiguration.mcp.lambda.toolSchema.s3",
        "targetConfiguration.mcp.mcpServer.mcpToolSchema.s3",
        "targetConfiguration.mcp.openApiSchema.s3",
        "targetConfiguration.mcp.smithyModel",
    },
    API_KEY_PROVIDER: set[str](),
    OAUTH2_PROVIDER: {
        # The vendors whose addresses AWS knows, each with a member of its own.
        *(f"oauth2ProviderConfig.{it}" for it in MODEL.shape_for("Oauth2ProviderConfigInput").members if it != CUSTOM),
        f"oauth2ProviderConfig.{CUSTOM}.certificateConfigurations",
        f"oauth2ProviderConfig.{CUSTOM}.oauthDiscovery.authorizationServerMetadata.tokenEndpointAuthMethods",
        f"oauth2ProviderConfig.{CUSTOM}.onBehalfOfTokenExchangeConfig",
        f"oauth2ProviderConfig.{CUSTOM}.privateEndpoint",
        f"oauth2ProviderConfig.{CUSTOM}.privateEndpointOverrides",
        f"oauth2ProviderConfig.{CUSTOM}.privateKeyJwtConfig.additionalHeaderClaims",
        f"oauth2ProviderConfig.{CUSTOM}.privateKeyJwtConfig.additionalPayloadClaims",
    },
}
# What pulumi_aws sends in another member's place, and keeps out of the state.
WRITE_ONLY = {
    TARGET: set[str](),
    API_KEY_PROVIDER: {"apiKeyWo", "apiKeyWoVersion"},
    OAUTH2_PROVIDER: {
        f"oauth2ProviderConfig.{CUSTOM}.{it}" for it in ("clientCredentialsWoVersion", "clientIdWo", "clientSecretWo")
    },
}


def rows(table: Table) -> Iterator[tuple[str, str, Table | None]]:
    """Pulumi's name, the request's, and the table of what is inside, where that is one."""
    for name, row in table.items():
        if isinstance(row, str):
            yield name, row, None
        else:
            yield name, row.name, row.inside if isinstance(row.inside, Mapping) else None


def one(shape: Shape) -> Shape:
    return shape.member if shape.type_name == "list" else shape


def request_of(token: str) -> tuple[Table, Shape]:
    [request] = TYPES[token].requests
    return request.table, MODEL.operation_model(request.operation).input_shape


def not_in_table(table: Table, shape: Shape, where: str = "") -> Iterator[str]:
    """The members that the model has and the table has not, in Pulumi's words as far as it has some."""
    known = {member: (name, inside) for name, member, inside in rows(table)}
    assert known.keys() <= shape.members.keys(), where
    for member, below in shape.members.items():
        name, inside = known.get(member, ("", None))
        if not name:
            yield f"{where}{member}"
        elif inside is not None:
            yield from not_in_table(inside, one(below), f"{where}{name}.")


def not_in_table_of_inputs(table: Table, inputs: Any, where: str = "") -> Iterator[str]:
    """The inputs that pulumi_aws has and the table has not."""
    its = pulumi_types.input_type_types(inputs)
    inside_of = {name: inside for name, _, inside in rows(table)}
    assert inside_of.keys() <= its.keys() | {"tags"}, where
    for name, kind in its.items():
        if name not in inside_of:
            yield f"{where}{name}"
        elif (inside := inside_of[name]) is not None:
            yield from not_in_table_of_inputs(inside, innermost(kind), f"{where}{name}.")


def innermost(kind: Any) -> Any:
    """The class of what a list of inputs has."""
    while typing.get_origin(kind) is not None:
        kind = typing.get_args(kind)[0]
    return kind


def inputs_of(token: str) -> Any:
    """pulumi_aws's class of a resource's inputs."""
    name = token.rpartition(":")[2]
    module = "".join(f"_{it.lower()}" if it.isupper() else it for it in name).lstrip("_")
    return getattr(importlib.import_module(f"pulumi_aws.bedrock.{module}"), f"{name}Args")


@pytest.mark.parametrize("token", NOT_REPRODUCED)
def test_each_member_of_a_request_is_known_or_named_here(token: str) -> None:
    assert {*not_in_table(*request_of(token))} - _OF_THE_SDK == NOT_REPRODUCED[token]


@pytest.mark.parametrize("token", NOT_REPRODUCED)
def test_each_input_of_pulumi_aws_is_known_or_named_here_and_refused(token: str, check: Check) -> None:
    table, _ = request_of(token)
    found = {*not_in_table_of_inputs(table, inputs_of(token))} - _OF_PULUMI
    assert found - WRITE_ONLY[token] <= NOT_REPRODUCED[token]
    assert found >= WRITE_ONLY[token]
    for path in found:
        inputs: Any = "x"
        for name in reversed(path.split(".")):
            inputs = {name: inputs}
        assert any("does not reproduce" in it for it in check(token, **inputs)), path


def test_each_way_to_sign_in_is_known() -> None:
    configuration = MODEL.shape_for("CredentialProviderConfiguration")
    provider = configuration.members["credentialProvider"]
    assert {it.type for it in SIGN_IN_TABLES.values()} == {*configuration.members["credentialProviderType"].enum}
    assert {it.member for it in SIGN_IN_TABLES.values()} - {""} == provider.members.keys()
    its = pulumi_types.input_type_types(
        pulumi_types.input_type_types(inputs_of(TARGET))["credentialProviderConfiguration"]
    )
    assert its.keys() == SIGN_IN_TABLES.keys()
    for name, way in SIGN_IN_TABLES.items():
        assert not way.member or not [*not_in_table(way.table, provider.members[way.member])]
        assert not [*not_in_table_of_inputs(way.table, its[name])]


def places(table: Table, shape: Shape, inputs: Mapping[str, Any], way: Way = ()) -> Iterator[tuple[Way, Shape, bool]]:
    """Where the inputs have something of the model: the way to it, its shape, and whether it must be there."""
    for name, member, inside in rows(table):
        value, below, here = inputs.get(name), shape.members[member], (*way, name)
        # One whose form is another one is translated by a function, which has tests of its own.
        if value is None or isinstance(value, list) != (below.type_name == "list"):
            continue
        yield here, below, member in shape.required_members
        if isinstance(value, list):
            value, below, here = value[0], below.member, (*here, 0)
            yield here, below, False
        if inside is not None and isinstance(value, Mapping):
            yield from places(inside, below, value, here)


def wrong(shape: Shape, required: bool, value: Any) -> Iterator[Any]:
    """Values that the model does not allow there."""
    if required:
        yield None
    if getattr(shape, "is_document_type", False):
        return
    if shape.type_name == "string":
        yield 7
        yield from ["no such"] if shape.metadata.get("enum") else []
        yield from ["x" * (shape.metadata["max"] + 1)] if "max" in shape.metadata else []
        yield from [""] if shape.metadata.get("min") else []
        yield from ["\n"] if "pattern" in shape.metadata else []
    elif shape.type_name == "integer":
        yield from (True, "1", shape.metadata["min"] - 1, shape.metadata["max"] + 1)
    elif shape.type_name == "boolean":
        yield "true"
    elif shape.type_name == "list":
        yield from [[]] if shape.metadata.get("min") else []
        yield from [value * (shape.metadata["max"] + 1)] if "max" in shape.metadata else []
    elif shape.type_name == "structure":
        yield 7


def refused_each(inputs: dict[str, Any], found: Iterator[tuple[Way, Shape, bool]], check: Callable[..., Any]) -> None:
    """Each value that the model does not allow at one of these places is refused, and what was there is not."""
    assert not check(inputs)
    for way, shape, required in [*found]:
        *outer, last = way
        at: Any = inputs
        for key in outer:
            at = at[key]
        for bad in wrong(shape, required, at[last]):
            changed_ = copy.deepcopy(inputs)
            there: Any = changed_
            for key in outer:
                there = there[key]
            there[last] = bad
            assert check(changed_), (way, bad)


FULL: dict[str, dict[str, Any]] = {
    "mcpServer": {"listingMode": "DYNAMIC", "resourcePriority": 7},
    "connector": {
        "configurations": [
            {
                **KINDS["connector"]["configurations"][0],
                "description": "Finds.",
                "parameterOverrides": [{"path": "/numberOfResults", "visible": True, "description": "How many."}],
            }
        ]
    },
}
TARGETS = {kind: GOOD[TARGET] | given(kind, **FULL.get(kind, {})) | {"description": "Of orders."} for kind in KINDS}
GIVEN = {kind: (TARGET, it) for kind, it in TARGETS.items()}
GIVEN |= {token: (token, GOOD[token]) for token in (API_KEY_PROVIDER, OAUTH2_PROVIDER)}


@pytest.mark.parametrize("name", GIVEN)
def test_what_the_model_does_not_allow_is_refused(name: str, check: Check) -> None:
    token, inputs = GIVEN[name]
    refused_each(inputs, places(*request_of(token), inputs), lambda it: check(token, **it))


@pytest.mark.parametrize("name", ["role for a service", "API key", "token"])
def test_what_the_model_does_not_allow_in_a_way_to_sign_in_is_refused(name: str, check: Check) -> None:
    [(member, inputs)] = SIGN_INS[name].items()
    way = SIGN_IN_TABLES[member]
    found = places(way.table, MODEL.shape_for("CredentialProvider").members[way.member], inputs)
    target = {"targetConfiguration": changed("mcpServer")}
    refused_each(inputs, found, lambda it: check(TARGET, credentialProviderConfiguration={member: it}, **target))


def test_what_can_be_said_of_a_target_is_said_by_one_that_is_taken() -> None:
    table, shape = request_of(TARGET)
    said = {way for inputs in TARGETS.values() for way, _, _ in places(table, shape, inputs)}
    met = {tuple(key for key in way if isinstance(key, str)) for way in said}
    assert met == {*every_row(table)} - {("credentialProviderConfiguration",)}  # of another form, and of the test above


def every_row(table: Table, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, _, inside in rows(table):
        yield (*way, name)
        if inside is not None:
            yield from every_row(inside, (*way, name))
