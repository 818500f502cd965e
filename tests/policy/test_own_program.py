"""The project's own program: nothing in it violates, and each lock taken off it does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.planning import planned
from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration

type Resources = dict[str, dict[str, Any]]


def registered(stack: str, preview: bool) -> list[dict[str, Any]]:
    """What the program registers, in the project and stack of these tests."""
    made = planned(stack, preview=preview)
    text = json.dumps(made.deployment["deployment"]["resources"])
    return list(json.loads(text.replace(f":{stack}::toolgate::", ":dev::shop::")))


@pytest.fixture(scope="module", params=[True, False], ids=["preview", "up"])
def resources(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return registered("dev", request.param)


@pytest.fixture(scope="module", params=[True, False], ids=["preview", "up"])
def by_tool(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The stack in which a policy engine decides each call."""
    return registered("agents", request.param)


@pytest.fixture(scope="module", params=[True, False], ids=["preview", "up"])
def prod(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The stack in which everything is as strict as it gets without anybody's ids."""
    return registered("prod", request.param)


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


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_where_logs_are_delivered_there_is_nothing_to_say(preview: bool) -> None:
    config = {"toolgate:observability": '{"logs": true, "traces": true}'}
    assert planned(config=config, preview=preview).violations == ()


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


def any_caller(by_name: Resources) -> tuple[str, str]:
    trust = json.loads(by_name["assistant-role"]["inputs"]["assumeRolePolicy"])
    trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    for side in ("inputs", "outputs"):
        by_name["assistant-role"][side]["assumeRolePolicy"] = json.dumps(trust)
    return "trust-names-callers", "assistant-role"


@pytest.mark.parametrize("take_off", [open_gateway, any_gateway, any_account, any_function, shared_role, any_caller])
def test_each_lock_taken_off_violates(
    pack: Pack, resources: list[dict[str, Any]], take_off: Callable[[Resources], tuple[str, str]]
) -> None:
    copy: list[dict[str, Any]] = json.loads(json.dumps(resources))
    expected = take_off({resource["urn"].rpartition("::")[2]: resource for resource in copy if "inputs" in resource})
    assert expected in mandatory(pack, copy)


OPENED = {
    "function-url-signed": Registration(
        "aws:lambda/functionUrl:FunctionUrl", "opened", {"functionName": UNKNOWN, "authorizationType": "NONE"}
    ),
    "lambda-permission-pinned": Registration(
        "aws:lambda/permission:Permission", "opened", {"function": UNKNOWN, "principal": "sns.amazonaws.com"}
    ),
}


@pytest.mark.parametrize("rule", OPENED)
def test_a_way_past_the_gateway_violates(pack: Pack, resources: list[dict[str, Any]], rule: str) -> None:
    given = registrations(resources)
    function = next(it for it in given if it.type == "aws:lambda/function:Function")
    way = OPENED[rule]
    inputs = {key: function.inputs["name"] if value == UNKNOWN else value for key, value in way.inputs.items()}
    by_name = Registration(way.type, way.name, inputs)
    by_graph = Registration(way.type, way.name, way.inputs, {}, "", {key: [function.urn] for key in way.inputs})
    for opened in (by_name, by_graph):
        found = pack.run([*given, opened])
        assert {(it.rule, it.urn) for it in found if it.level == "mandatory"} == {(rule, opened.urn)}


def test_nothing_violates_where_tools_are_granted_singly(pack: Pack, by_tool: list[dict[str, Any]]) -> None:
    found = pack.run(registrations(by_tool))
    assert {violation.rule for violation in found} <= {"logs-delivered"}, found


def test_prod_has_what_dev_may_lack(pack: Pack, prod: list[dict[str, Any]], resources: list[dict[str, Any]]) -> None:
    """By the rules that ask for nothing unless they are told to: a key, and dev being no development stack."""
    pack.configure({"customer-managed-key": {"required": True}, "no-debug-outside-dev": {"devStacks": ["sandbox"]}})
    found = {violation.rule for violation in pack.run(registrations(prod))}
    assert found <= {"logs-delivered"}
    found = {violation.rule for violation in pack.run(registrations(resources))}
    assert {"customer-managed-key", "no-debug-outside-dev"} <= found


def of_type(resources: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(resource for resource in resources if resource["type"].endswith(f":{kind}"))


def no_engine(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    gateway = of_type(resources, "AgentcoreGateway")
    for side in (gateway["inputs"], gateway["outputs"], gateway["propertyDependencies"]):
        del side["policyEngineConfiguration"]
    return {("policy-engine-attached", "tools-gateway"), ("policy-engine-attached", "tools-engine")}


def log_only(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    gateway = of_type(resources, "AgentcoreGateway")
    for side in ("inputs", "outputs"):
        gateway[side]["policyEngineConfiguration"]["mode"] = "LOG_ONLY"
    return {("policy-engine-enforces", "tools-gateway")}


def rewritten(resources: list[dict[str, Any]], principal: str, action: str) -> set[tuple[str, str]]:
    policy = of_type(resources, "AgentcorePolicy")
    scope = f'principal == AgentCore::IamEntity::"{principal}", action == AgentCore::Action::"{action}"'
    for side in ("inputs", "outputs"):
        statement = f"permit({scope}, resource is AgentCore::Gateway);"
        policy[side]["definition"] = {"cedar": {"statement": statement}}
    return {("cedar-names-exist", policy["urn"].rpartition("::")[2])}


def wrong_entity(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return rewritten(resources, making.ENTITY.replace("sts", "iam").replace("assumed-role", "role"), "math")


def two_underscores(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return rewritten(resources, making.ENTITY, "math__add_numbers")


def no_such_tool(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return rewritten(resources, making.ENTITY, "math___subtract_numbers")


def in_order(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    rewritten(resources, making.ENTITY, "math___add_numbers")
    return set()


@pytest.mark.parametrize(
    "take_off", [no_engine, log_only, wrong_entity, two_underscores, no_such_tool, in_order], ids=lambda it: it.__name__
)
def test_each_lock_of_a_tool_taken_off_violates(
    pack: Pack, by_tool: list[dict[str, Any]], take_off: Callable[[list[dict[str, Any]]], set[tuple[str, str]]]
) -> None:
    copy: list[dict[str, Any]] = json.loads(json.dumps(by_tool))
    expected = take_off(copy)
    assert mandatory(pack, copy) == expected


def test_documents_are_unknown_before_the_update(
    resources: list[dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    """In a preview the documents are really unknown, so the tests above are about what they say they are."""
    documents = [resource["inputs"]["policy"] for resource in resources if resource["type"].endswith(":RolePolicy")]
    assert (UNKNOWN in documents) == ("preview" in request.node.name)
