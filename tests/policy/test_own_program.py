"""The project's own program: nothing in it violates, and each lock taken off it does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.plan import plan
from tests.policy.driver import UNKNOWN, Pack, Registration

type Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=[True, False], ids=["preview", "up"])
def resources(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """What the program registers, in the project of these tests."""
    planned = plan("dev", config={"toolgate:bundle": "sources"}, preview=request.param)
    text = json.dumps(planned.deployment["deployment"]["resources"])
    return list(json.loads(text.replace("::toolgate::", "::shop::")))


def registrations(resources: list[dict[str, Any]]) -> list[Registration]:
    return [
        Registration(
            resource["type"],
            resource["urn"].rpartition("::")[2],
            resource.get("inputs", {}),
            resource.get("outputs", {}),
            "" if "pulumi:pulumi:Stack" in resource.get("parent", "Stack") else resource.get("parent", ""),
            resource.get("propertyDependencies", {}),
        )
        for resource in resources
        if not resource["type"].startswith("pulumi:")
    ]


def mandatory(pack: Pack, resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    found = pack.run(registrations(resources))
    return {
        (violation.rule, violation.urn.rpartition("::")[2]) for violation in found if violation.level == "mandatory"
    }


def test_nothing_violates(pack: Pack, resources: list[dict[str, Any]]) -> None:
    assert len(resources) > 10
    found = pack.run(registrations(resources))
    assert {violation.rule for violation in found} <= {"logs-delivered"}, found


def open_gateway(by_name: Resources) -> tuple[str, str]:
    by_name["tools-gateway"]["inputs"]["authorizerType"] = "NONE"
    return "gateway-authorizer-iam", "tools-gateway"


def any_gateway(by_name: Resources) -> tuple[str, str]:
    grant = {"Effect": "Allow", "Action": "bedrock-agentcore:*", "Resource": "*"}
    by_name["assistant-tools"]["inputs"]["policy"] = json.dumps({"Statement": [grant]})
    return "invoke-gateway-exact-arn", "assistant-tools"


def any_account(by_name: Resources) -> tuple[str, str]:
    trust = json.loads(by_name["assistant-role"]["inputs"]["assumeRolePolicy"])
    del trust["Statement"][0]["Condition"]
    by_name["assistant-role"]["inputs"]["assumeRolePolicy"] = json.dumps(trust)
    return "service-trust-pinned", "assistant-role"


def any_function(by_name: Resources) -> tuple[str, str]:
    grant = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:*:*:function:*"}
    for side in ("inputs", "outputs"):
        by_name["tools-invoke"][side]["policy"] = json.dumps({"Statement": [grant]})
    return "gateway-role-exact-lambda", "tools-invoke"


def shared_role(by_name: Resources) -> tuple[str, str]:
    runtime, gateway = by_name["assistant-runtime"], by_name["tools-gateway"]
    for side in ("inputs", "outputs"):
        runtime[side]["roleArn"] = gateway["inputs"]["roleArn"]
    runtime["propertyDependencies"]["roleArn"] = gateway["propertyDependencies"]["roleArn"]
    return "agent-cannot-bypass-gateway", "assistant-runtime"


@pytest.mark.parametrize("take_off", [open_gateway, any_gateway, any_account, any_function, shared_role])
def test_each_lock_taken_off_violates(
    pack: Pack, resources: list[dict[str, Any]], take_off: Callable[[Resources], tuple[str, str]]
) -> None:
    copy: list[dict[str, Any]] = json.loads(json.dumps(resources))
    expected = take_off({resource["urn"].rpartition("::")[2]: resource for resource in copy if "inputs" in resource})
    assert expected in mandatory(pack, copy)


def test_documents_are_unknown_before_the_update(
    resources: list[dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    """In a preview the documents are really unknown, so the tests above are about what they say they are."""
    documents = [resource["inputs"]["policy"] for resource in resources if resource["type"].endswith(":RolePolicy")]
    assert (UNKNOWN in documents) == ("preview" in request.node.name)
