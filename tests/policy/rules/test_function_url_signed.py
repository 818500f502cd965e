from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, FUNCTION

RULE = "function-url-signed"
KIND = "aws:lambda/function:Function"
MATH = Registration(KIND, "math", {"name": "shop-math"}, {"arn": FUNCTION})


def url(function: Any = "shop-math", authorization: Any = "NONE", **dependencies: list[str]) -> Registration:
    inputs = {"functionName": function, "authorizationType": authorization}
    return Registration("aws:lambda/functionUrl:FunctionUrl", "url", inputs, {}, "", dependencies)


def of(violations: list[Violation]) -> list[Violation]:
    return [violation for violation in violations if violation.rule == RULE]


NAMES = [
    "shop-math",
    "shop-math:live",
    FUNCTION,
    f"{FUNCTION}:live",
    f"{ACCOUNT}:function:shop-math",
    "function:shop-math:7",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arn", [FUNCTION, f"{FUNCTION}:live"])
def test_a_public_url_on_a_tool_violates_before_it_or_the_target_is_there(
    pack: Pack, updating: Pack, name: str, arn: str
) -> None:
    target = making.target()
    target.inputs["targetConfiguration"]["mcp"]["lambda"]["lambdaArn"] = arn
    what = 'FunctionUrl "url", authorizationType: opens the function behind AgentcoreGatewayTarget'
    for resources in ([MATH, target, url(name)], [MATH, url(name), target], [url(name), target]):
        (violation,) = of(updating.analyze_each(resources))
        assert (violation.level, violation.urn) == ("mandatory", resources[-1].urn)
        assert what in violation.message
        updating.analyze_stack([])
        (violation,) = of(pack.run(resources))
        assert (violation.level, violation.urn) == ("mandatory", url().urn)
        assert what in violation.message


@pytest.mark.parametrize("authorization", ["NONE", "none", "", "AWS_iam", None, 7], ids=str)
def test_whatever_is_not_aws_iam_violates(pack: Pack, authorization: Any) -> None:
    assert len(of(pack.analyze_stack([MATH, making.target(), url(authorization=authorization)]))) == 1


def test_a_url_that_adds_no_permission_opens_nothing_by_itself(pack: Pack) -> None:
    """Who opens it then is a permission, which lambda-permission-pinned judges."""
    native = Registration("aws-native:lambda:Url", "url", {"targetFunctionArn": FUNCTION, "authType": "NONE"})
    assert of(pack.run([MATH, making.target(), native])) == []


@pytest.mark.parametrize("authorization", ["AWS_IAM", UNKNOWN])
def test_signed_and_unknown_pass(pack: Pack, authorization: str) -> None:
    assert of(pack.run([MATH, making.target(), url(authorization=authorization)])) == []


@pytest.mark.parametrize("name", ["webhook", "shop-math-2", "shop", FUNCTION.replace(ACCOUNT, "999999999999"), UNKNOWN])
def test_a_webhook_is_nobody_s_business(pack: Pack, name: str) -> None:
    webhook = Registration(KIND, "webhook", {"name": "webhook"}, {"arn": FUNCTION.replace("shop-math", "webhook")})
    assert of(pack.run([MATH, webhook, making.target(), url(name)])) == []
    assert of(pack.run([MATH, url()])) == []


def nameless_target(**dependencies: list[str]) -> Registration:
    kind = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
    configuration = {"mcp": {"lambda": {"lambdaArn": UNKNOWN}}}
    return Registration(kind, "math", {"targetConfiguration": configuration}, {}, "", dependencies)


def test_a_first_preview_is_decided_by_the_graph(pack: Pack) -> None:
    function = Registration(KIND, "math", {"name": UNKNOWN})
    other = Registration(KIND, "other", {"name": UNKNOWN})
    alias = Registration(
        "aws:lambda/alias:Alias", "live", {"functionName": UNKNOWN}, {}, "", {"functionName": [function.urn]}
    )
    target = nameless_target(targetConfiguration=[function.urn])
    for of_what, violations in ((function, 1), (alias, 1), (other, 0)):
        resources = [function, other, alias, target, url(UNKNOWN, functionName=[of_what.urn])]
        assert len(of(pack.run(resources))) == violations
    through_alias = nameless_target(targetConfiguration=[alias.urn])
    assert len(of(pack.run([function, alias, through_alias, url(UNKNOWN, functionName=[function.urn])]))) == 1


def test_a_known_name_on_one_side_and_the_graph_on_the_other(pack: Pack) -> None:
    function = Registration(KIND, "math", {"name": "shop-math"})
    target = nameless_target(targetConfiguration=[function.urn])
    assert len(of(pack.run([function, target, url("shop-math")]))) == 1
    assert len(of(pack.run([function, target, url(UNKNOWN, functionName=[function.urn])]))) == 1
    assert of(pack.run([function, target, url("webhook")])) == []


def test_the_component_s_function_is_a_tool_s_before_its_target_is_there(pack: Pack) -> None:
    """So an update stops before the URL exists."""
    component = Registration("toolgate:index:LambdaTools", "math", {})
    function = Registration(KIND, "math-function", {"name": "shop-math"}, {}, component.urn)
    assert [*pack.analyze(component), *pack.analyze(function)] == []
    (violation,) = of(pack.analyze(url()))
    assert 'opens Function "math-function" of LambdaTools to everybody' in violation.message


def test_exceptions_hold_at_each_moment(pack: Pack, updating: Pack) -> None:
    for it in (pack, updating):
        it.configure({RULE: {"exceptions": [{"resource": "url", "reason": "A public demo, ticket 7."}]}})
        assert of(it.run([MATH, url(), making.target()])) == []
        assert of(it.run([MATH, making.target(), url()])) == []


ADDRESS = "https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws/"


def served_by_url(configuration: Any, **dependencies: list[str]) -> Registration:
    kind = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
    return Registration(kind, "remote", {"targetConfiguration": {"mcp": configuration}}, {}, "", dependencies)


@pytest.mark.parametrize(
    ("configuration", "violations"),
    [
        ({"mcpServer": {"endpoint": f"{ADDRESS}mcp"}}, 1),
        ({"openApiSchema": {"inlinePayload": {"payload": f'{{"servers": [{{"url": "{ADDRESS[:-1]}"}}]}}'}}}, 1),
        ({"mcpServer": {"endpoint": "https://mcp.example.com/"}}, 0),
        ({"mcpServer": {"endpoint": UNKNOWN}}, 0),
        ({"mcpServer": UNKNOWN}, 0),
    ],
    ids=str,
)
def test_a_function_that_a_target_calls_by_its_url_is_a_tool_s(pack: Pack, configuration: Any, violations: int) -> None:
    opened = url()
    opened = Registration(opened.type, opened.name, opened.inputs, {"functionUrl": ADDRESS})
    assert len(of(pack.analyze_stack([MATH, opened, served_by_url(configuration)]))) == violations


def test_a_target_is_known_by_the_graph_to_be_served_by_a_url(pack: Pack) -> None:
    opened = url(UNKNOWN, functionName=[MATH.urn])
    target = served_by_url({"mcpServer": {"endpoint": UNKNOWN}}, targetConfiguration=[opened.urn])
    (violation,) = of(pack.analyze_stack([MATH, opened, target]))
    assert 'opens the function behind AgentcoreGatewayTarget "remote"' in violation.message.replace("\\", "")
