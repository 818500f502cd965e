"""An interceptor's function is a gateway's: what holds of a tool's holds of it."""

from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, FILTER, FUNCTION, at_point, document, intercepted, interceptor, statement

ROLE = making.role("filter", "lambda.amazonaws.com")
AGENT = making.role()
RUNTIME = Registration(
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "assistant", {"roleArn": AGENT.outputs["arn"]}
)
URL = Registration(
    "aws:lambda/functionUrl:FunctionUrl", "url", {"functionName": "shop-filter", "authorizationType": "NONE"}
)


def permission(principal: str, action: str = "lambda:InvokeFunction", **inputs: Any) -> Registration:
    props = {"action": action, "function": "shop-filter", "principal": principal, **inputs}
    return Registration("aws:lambda/permission:Permission", "opened", props)


def wide(*entries: Any, of: str = "filter") -> Registration:
    return making.role_policy(document(*entries), of=of, name="wide")


READ = statement("ssm:GetParameter", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/toolgate/callers/shop-tools/*")
CASES = [
    ("function-url-signed", URL, "opens the interceptor of AgentcoreGateway"),
    ("lambda-permission-pinned", permission("sns.amazonaws.com"), "of any account may use the interceptor of"),
    ("lambda-permission-pinned", permission("444455556666"), "account 444455556666 as a whole may use the interceptor"),
    (
        "lambda-permission-pinned",
        permission("444455556666", "lambda:UpdateFunctionCode"),
        "account 444455556666 as a whole may use the interceptor",
    ),
    ("tool-role-exact", wide(statement("dynamodb:*", "*")), "allows the interceptors of AgentcoreGateway"),
    ("tool-role-exact", wide(statement("ssm:GetParameter", "*")), "allows the interceptors of AgentcoreGateway"),
    (
        "agent-cannot-bypass-gateway",
        wide(statement("lambda:InvokeFunction", FILTER), of="agent"),
        "to invoke the inter",
    ),
    (
        "agent-cannot-bypass-gateway",
        wide(statement("lambda:InvokeFunction", FUNCTION)),
        'allows the interceptor of AgentcoreGateway "tools" to invoke the function behind',
    ),
    (
        "agent-cannot-widen-itself",
        wide(statement("lambda:UpdateFunctionCode", FILTER), of="agent"),
        "lambda:UpdateFunctionCode on the interceptor of AgentcoreGateway",
    ),
    (
        "agent-cannot-widen-itself",
        wide(statement("lambda:UpdateFunctionConfiguration", FILTER)),
        "allows the interceptors of AgentcoreGateway",
    ),
]


def stack(*more: Registration, gateway: Registration | None = None) -> list[Registration]:
    names = making.role_policy(document(READ), of="filter", name="own")
    made = [ROLE, AGENT, names, interceptor(), gateway or intercepted(), making.target(), RUNTIME]
    return [*made, *more]


def of(violations: list[Violation]) -> list[tuple[str, str]]:
    return [(it.rule, it.urn.rpartition("::")[2]) for it in violations if it.rule != "logs-delivered"]


def test_an_interceptor_of_its_own_is_in_order(pack: Pack) -> None:
    assert of(pack.run(stack())) == []


@pytest.mark.parametrize("case", CASES, ids=[f"{it[0]}-{n}" for n, it in enumerate(CASES)])
@pytest.mark.parametrize("last", [True, False], ids=["opened at last", "gateway at last"])
def test_what_opens_an_interceptor_violates(
    pack: Pack, updating: Pack, case: tuple[str, Registration, str], last: bool
) -> None:
    rule, opened, what = case
    gateway = intercepted()
    kept = [it for it in stack() if it.urn != gateway.urn]
    order = [*kept, gateway, opened] if last else [*kept, opened, gateway]
    (violation,) = [it for it in pack.run(order) if it.rule == rule]
    assert (violation.level, violation.urn) == ("mandatory", opened.urn)
    assert what in violation.message
    if rule != "agent-cannot-widen-itself":
        early = [it.rule for it in updating.analyze_each(order)]
        assert early.count(rule) == 1


@pytest.mark.parametrize(("rule", "opened", "what"), CASES, ids=[f"{it[0]}-{n}" for n, it in enumerate(CASES)])
def test_of_no_gateway_s_function_nothing_is_said(pack: Pack, rule: str, opened: Registration, what: str) -> None:
    if "behind" in what:
        return
    assert rule not in {it.rule for it in pack.run(stack(opened, gateway=making.gateway()))}


def test_a_first_preview_finds_it_by_the_graph(pack: Pack) -> None:
    function = Registration(interceptor().type, "filter", {**interceptor().inputs, "name": UNKNOWN, "role": UNKNOWN})
    inputs = {"functionName": UNKNOWN, "authorizationType": "NONE"}
    url = Registration(URL.type, "url", inputs, {}, "", {"functionName": [function.urn]})
    asking = intercepted(at_point(UNKNOWN))
    gateway = Registration(asking.type, "tools", asking.inputs, {}, "", {"interceptorConfigurations": [function.urn]})
    assert ("function-url-signed", "url") in of(pack.analyze_stack([function, url, gateway]))
    alias = Registration("aws:lambda/alias:Alias", "live", {"functionName": "shop-filter"})
    named = Registration(function.type, "filter", {**function.inputs, "name": "shop-filter"})
    by_alias = Registration(asking.type, "tools", asking.inputs, {}, "", {"interceptorConfigurations": [alias.urn]})
    assert ("function-url-signed", "url") in of(pack.analyze_stack([named, alias, URL, by_alias]))


def test_what_our_component_makes_is_a_gateway_s_before_the_gateway_is_there(pack: Pack) -> None:
    component = Registration("toolgate:index:GatewayInterceptor", "tools-request", {})
    made = interceptor()
    part = Registration(made.type, made.name, made.inputs, made.outputs, component.urn)
    (violation,) = [it for it in pack.analyze_each([component, part, URL]) if it.rule == "function-url-signed"]
    assert 'opens Function "filter" of GatewayInterceptor to everybody' in violation.message


def test_a_statement_of_our_component_takes_a_reason(pack: Pack) -> None:
    every = {"actions": ["dynamodb:GetItem"], "resources": ["*"]}
    policy = wide(statement("dynamodb:GetItem", "*"))

    def found(given: dict[str, Any]) -> list[tuple[str, str]]:
        component = Registration("toolgate:index:GatewayInterceptor", "tools-request", {"statements": [given]})
        carried = Registration(policy.type, policy.name, policy.inputs, {}, component.urn)
        return of(pack.run([component, *stack(carried)]))

    assert found(every) == [("tool-role-exact", "wide")]
    assert found({**every, "reason": "the tables are named by day"}) == []


def test_a_statement_of_our_component_is_judged_in_a_first_preview(pack: Pack) -> None:
    given = {"statements": [{"actions": ["iam:PutRolePolicy"], "resources": ["*"]}]}
    found = pack.analyze(Registration("toolgate:index:GatewayInterceptor", "tools-request", given))
    assert of(found) == [("agent-cannot-widen-itself", "tools-request")]


@pytest.mark.parametrize(
    "action", ["lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:InvokeF*"]
)
def test_who_may_take_a_role_that_changes_an_interceptor_is_chosen_by_somebody(
    pack: Pack, updating: Pack, action: str
) -> None:
    anybody = document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    deployer = making.role("deployer", assumeRolePolicy=anybody)
    policy = wide(statement(action, FILTER), of="deployer")
    assert of(pack.run(stack(deployer, policy))) == [("trust-names-callers", "deployer")]
    assert "trust-names-callers" in {it.rule for it in updating.analyze_each(stack(deployer, policy))}
    ours = document({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    assert of(pack.run(stack(making.role("deployer", assumeRolePolicy=ours), policy))) == []


def test_the_interceptor_s_own_role_names_who_takes_it(pack: Pack) -> None:
    anybody = document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    opened = making.role("filter", assumeRolePolicy=anybody)
    assert ("trust-names-callers", "filter") in of(pack.run([opened, *stack()[1:]]))


def test_no_secret_of_a_client_is_in_its_variables(pack: Pack) -> None:
    variables = {**making.declaring(), "CLIENT_SECRET": "0123456789abcdefghijklmnop"}
    tokens = [it for it in making_tokens.stack().values() if it.type != making.gateway().type]
    found = pack.run([*tokens, interceptor(variables=variables), intercepted()])
    assert ("no-secret-in-environment", "filter") in of(found)


@pytest.mark.parametrize("arns", [[FUNCTION, FILTER], [f"{FUNCTION}:7", f"{FILTER}:live"]], ids=["plain", "qualified"])
def test_a_gateway_s_role_may_invoke_what_it_names(pack: Pack, arns: list[str]) -> None:
    role = making.role("gateway")
    named = [FUNCTION, *arns]
    policy = making.role_policy(document(statement("lambda:InvokeFunction", named)), of="gateway", name="invoke")
    gateway = intercepted(at_point(arns[1]))
    assert of(pack.run([role, policy, *stack(gateway=gateway)])) == []
    for every in (f"{FILTER}:*", f"{FILTER}*", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:*"):
        policy = making.role_policy(document(statement("lambda:InvokeFunction", [*named, every])), "gateway", "invoke")
        assert of(pack.run([role, policy, *stack(gateway=gateway)])) == [("gateway-role-exact-lambda", "invoke")]
