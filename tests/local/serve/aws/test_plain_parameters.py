"""Parameters that only have to be read: the emulator would answer the same."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.serve.aws.conftest import ENV
from toolgate.local.serve.aws import plain_parameters
from toolgate.local.serve.aws.emulator import Emulator
from toolgate.local.serve.aws.protocols import Call, Forwarded
from toolgate.local.serve.aws.seeding import Request

NAME = "/toolgate/callers/tools/abc"
ARN = f"arn:aws:ssm:{ENV.region}:{ENV.account}:parameter{NAME}"
VALUE = {"Name": NAME, "Value": '{"name": "calculator", "tools": ["math___*"]}', "Type": "String"}
MADE = [Request("a", "ssm", "PutParameter", VALUE, ARN), Request("b", "ssm", "PutParameter", {**VALUE, "Name": "/b"})]


def call(operation: str, **parameters: Any) -> Call:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"AmazonSSM.{operation}"}
    sent = Forwarded("POST", "/", "", headers, json.dumps(parameters).encode())
    return Call("ssm", operation, parameters, sent)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    made = Emulator(ENV)
    for request in MADE:
        made.client("ssm").put_parameter(**request.parameters)
    yield made
    made.close()


@pytest.mark.parametrize("asked", [{"Name": NAME}, {"Name": ARN}, {"Name": NAME, "WithDecryption": True}])
def test_a_parameter_is_read_as_the_emulator_would_answer(emulator: Emulator, asked: Any) -> None:
    ours, its = plain_parameters.read(call("GetParameter", **asked), MADE), call("GetParameter", **asked)
    theirs = emulator.answer("ssm", its.forwarded)
    assert ours
    assert ours.status == theirs.status == 200
    [told, reference] = [json.loads(it.body)["Parameter"] for it in (ours, theirs)]
    assert told.pop("LastModifiedDate") == pytest.approx(reference.pop("LastModifiedDate"), abs=3600)
    assert told == {key: value for key, value in reference.items() if key in told} | {"ARN": ARN}


def test_what_is_not_there_is_told_as_the_emulator_would(emulator: Emulator) -> None:
    asked = call("GetParameter", Name="/toolgate/callers/tools/other")
    ours, theirs = plain_parameters.read(asked, MADE), emulator.answer("ssm", asked.forwarded)
    assert ours
    assert (ours.status, json.loads(ours.body)["__type"]) == (400, "ParameterNotFound")
    assert theirs.status == 400
    assert "ParameterNotFound" in theirs.body.decode()


@pytest.mark.parametrize(
    "asked",
    [
        call("GetParameters", Names=[NAME]),
        call("PutParameter", Name=NAME, Value="x", Overwrite=True),
        call("GetParametersByPath", Path="/toolgate"),
        call("GetParameter", Name=NAME, Further=True),
        Call("secretsmanager", "GetParameter", {"Name": NAME}, call("GetParameter").forwarded),
    ],
)
def test_anything_else_is_for_the_emulator(asked: Call) -> None:
    assert plain_parameters.read(asked, MADE) is None
