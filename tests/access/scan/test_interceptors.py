"""A scan of an account with an interceptor says of it what the deployment says, and no other variable's value."""

import json
from typing import Any

import pytest

from tests.access.interceptors import ARN, asked
from tests.access.scan.fake_account import ACCOUNT, REGION, SECRET, FakeAccount, Given, allow, role
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.scan.scan import permissions, scan

DECLARED = {"calls": ["math___*"], "headers": True, "inbound": "iam", "seconds": 2.0, "shown": [SECRET]}


def _account(handler: str = "intercept.handler", value: str = json.dumps(DECLARED)) -> FakeAccount:
    def gateway(given: Given) -> dict[str, Any]:
        base: dict[str, Any] = dict(made._answer("GetGateway", given))  # type: ignore[arg-type]  # no failure
        return {**base, **asked("REQUEST", headers=True)}

    def functions(_: Given) -> dict[str, Any]:
        limits = {
            **{"FunctionName": "limits", "FunctionArn": ARN, "Role": f"arn:aws:iam::{ACCOUNT}:role/limits"},
            **{"Handler": handler, "Environment": {"Variables": {"INTERCEPTS": value, "TOKEN": SECRET}}},
        }
        return {"Functions": [limits]}

    roles = [role("caller", allow("bedrock-agentcore:InvokeGateway")), role("ops", allow("lambda:UpdateFunctionCode"))]
    made = FakeAccount(
        roles=roles,
        gateways=["tools"],
        runtimes={"caller": "caller"},
        answers={"GetGateway": gateway, "ListFunctions": functions},
    )
    return made


def _environment(export: dict[str, Any]) -> dict[str, Any]:
    [found] = [
        it["inputs"]["environment"]["variables"]
        for it in export["deployment"]["resources"]
        if it["type"] == "aws:lambda/function:Function" and it["inputs"]["name"] == "limits"
    ]
    return dict(found)


def test_the_declaration_is_kept_and_nothing_else_of_the_variables() -> None:
    found = scan(_account().session(), (REGION,), lambda _: None)
    assert SECRET not in json.dumps(found)
    variables = _environment(found)
    assert variables.keys() == {"INTERCEPTS", "TOKEN"}
    assert variables["TOKEN"] is None
    assert json.loads(variables["INTERCEPTS"]) == {key: DECLARED[key] for key in DECLARED if key != "shown"}
    [gateway] = parse(found).gateways
    [told] = gateway.interceptors
    assert (told.function_arn, told.points, told.headers) == (ARN, ("REQUEST",), True)
    assert told.declared is not None
    assert told.declared.calls == ("math___*",)
    judged = matrix(parse(found))
    cells = {(it.tool, str(it.decision), it.conditions) for it in judged.entries if it.agent}
    conditional = ("math___add", "conditional", ("interceptor limits lets it through",))
    assert cells == {conditional, ("text___add", "allow", ())}
    changing = {it.principal.rpartition("/")[2] for it in judged.bypasses if it.way.startswith("changes interceptor")}
    assert changing == {"ops"}


@pytest.mark.parametrize(
    ("handler", "value"),
    [
        ("main.handler", json.dumps(DECLARED)),
        ("intercept.handler", SECRET),
        ("intercept.handler", json.dumps({**DECLARED, "calls": SECRET})),
    ],
)
def test_what_is_no_declaration_may_be_a_secret(handler: str, value: str) -> None:
    found = scan(_account(handler, value).session(), (REGION,), lambda _: None)
    assert SECRET not in json.dumps(found)
    assert _environment(found) == {"INTERCEPTS": None, "TOKEN": None}
    [gateway] = parse(found).gateways
    assert [it.declared for it in gateway.interceptors] == [None]


def test_no_call_is_made_that_a_scan_did_not_make_before() -> None:
    account = _account()
    scan(account.session(), (REGION,), lambda _: None)
    called = {f"lambda:{operation}" for service, operation, _ in account.asked if service == "lambda"}
    granted = {action for it in permissions((REGION,))["Statement"] for action in it["Action"]}
    assert called == {it for it in granted if it.startswith("lambda:")}
