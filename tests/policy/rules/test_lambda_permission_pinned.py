from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation, rules
from tests.policy.making import ACCOUNT, AGENTCORE, FUNCTION, GATEWAY

RULE = "lambda-permission-pinned"


def permission(principal: Any, **inputs: Any) -> Registration:
    props = {"action": "lambda:InvokeFunction", "function": "shop-math", "principal": principal, **inputs}
    return Registration("aws:lambda/permission:Permission", "gateway", props)


@pytest.mark.parametrize(
    "resource",
    [
        permission("*"),
        permission("*", sourceArn=GATEWAY, sourceAccount=ACCOUNT),
        permission("*", principalOrgId=""),
        permission("*", functionUrlAuthType="NONE"),
        permission(AGENTCORE, sourceArn="", sourceAccount=""),
        permission(AGENTCORE),
        permission(AGENTCORE.upper()),
        permission(AGENTCORE, sourceArn="*"),
        permission(AGENTCORE, sourceArn="arn:aws:bedrock-agentcore:us-east-1:*:gateway/*"),
        permission(AGENTCORE, sourceAccount="*"),
    ],
    ids=lambda resource: str(resource.inputs),
)
def test_an_open_permission_violates(pack: Pack, resource: Registration) -> None:
    found = pack.analyze(resource)
    assert rules(found) == [RULE]
    assert found[0].level == "mandatory"
    assert 'Permission "gateway"' in found[0].message


@pytest.mark.parametrize(
    "resource",
    [
        permission(AGENTCORE, sourceArn=GATEWAY),
        permission(AGENTCORE, sourceAccount=ACCOUNT),
        permission(AGENTCORE, sourceArn=f"arn:aws:bedrock-agentcore:*:{ACCOUNT}:*"),
        permission(AGENTCORE, sourceArn=UNKNOWN),
        permission(AGENTCORE, sourceArn="*", sourceAccount=UNKNOWN),
        permission("events.amazonaws.com"),
        permission(f"arn:aws:iam::{ACCOUNT}:role/gateway"),
        permission("*", principalOrgId="o-abc"),
        permission("*", principalOrgId=UNKNOWN),
        permission("*", action="lambda:InvokeFunctionUrl", functionUrlAuthType="NONE"),
        permission("*", invokedViaFunctionUrl=True),
        permission(UNKNOWN),
    ],
    ids=lambda resource: str(resource.inputs),
)
def test_pinned_and_other_permissions_pass(pack: Pack, resource: Registration) -> None:
    assert pack.analyze(resource) == []


API = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:a1b2c3/*/POST/hook"
URL = {"action": "lambda:InvokeFunctionUrl", "functionUrlAuthType": "NONE"}

OPEN = [
    (permission("*", **URL), "everybody may use the function behind"),
    (permission("*", **{**URL, "functionUrlAuthType": "AWS_IAM"}), "everybody may use"),
    (permission("*", **URL, principalOrgId=""), "everybody may use"),
    (permission("*", invokedViaFunctionUrl=True), "everybody may use"),
    (permission("apigateway.amazonaws.com"), 'apigateway.amazonaws.com" of any account may use'),
    (permission("events.amazonaws.com", sourceArn="arn:aws:events:*:*:rule/*"), "of any account"),
    (permission("s3.amazonaws.com", sourceArn="arn:aws:s3:::*"), "of any account"),
    (permission("sns.amazonaws.com", sourceArn="*", sourceAccount="*"), "of any account"),
    (permission("SNS.amazonaws.com", sourceArn="", sourceAccount=""), "of any account"),
    (permission("alexa-appkit.amazon.com"), "of any account"),
    (permission("events.amazonaws.com", action="lambda:*"), "of any account"),
    (permission("444455556666"), "account 444455556666 as a whole may use the function behind"),
    (permission("arn:aws:iam::444455556666:root"), "account 444455556666 as a whole"),
]


def of(violations: list[Violation]) -> list[Violation]:
    return [violation for violation in violations if violation.rule == RULE]


@pytest.mark.parametrize(("resource", "what"), OPEN, ids=lambda it: str(getattr(it, "inputs", "")))
def test_a_tool_s_function_is_for_somebody_in_particular(
    pack: Pack, updating: Pack, resource: Registration, what: str
) -> None:
    target = making.target()
    assert of(pack.run([resource])) == []
    for resources in ([target, resource], [resource, target]):
        (early,) = of(updating.analyze_each(resources))
        assert early.urn == resources[-1].urn
        updating.analyze_stack([])
        (violation,) = of(pack.run(resources))
        assert (violation.level, violation.urn) == ("mandatory", resource.urn)
        assert violation.message == early.message
        assert 'Permission "gateway", principal: ' in violation.message
        assert what in violation.message


@pytest.mark.parametrize(
    "resource",
    [
        permission("apigateway.amazonaws.com", sourceArn=API),
        permission("s3.amazonaws.com", sourceArn="arn:aws:s3:::shop-files"),
        permission("s3.amazonaws.com", sourceArn="arn:aws:s3:::*", sourceAccount=ACCOUNT),
        permission("events.amazonaws.com", sourceArn=f"arn:aws:events:us-east-1:{ACCOUNT}:rule/nightly"),
        permission("sns.amazonaws.com", sourceArn=UNKNOWN),
        permission("alexa-appkit.amazon.com", eventSourceToken="amzn1.ask.skill.x"),
        permission("config.amazonaws.com", action="lambda:GetFunction"),
        permission("*", **URL, principalOrgId="o-abc"),
        permission(ACCOUNT),
        permission(f"arn:aws:iam::{ACCOUNT}:root"),
        permission("arn:aws:iam::444455556666:role/gateway"),
        permission("AIDAEXAMPLEID"),
        permission(UNKNOWN),
        permission("events.amazonaws.com", function="nightly"),
        permission("444455556666", function="nightly"),
        permission("*", function="webhook", **URL),
    ],
    ids=lambda resource: str(resource.inputs),
)
def test_whom_somebody_chose_may_use_a_tool_s_function(pack: Pack, resource: Registration) -> None:
    assert of(pack.run([making.target(), resource])) == []
    assert of(pack.run([resource, making.target()])) == []


def test_a_function_is_known_by_any_of_its_names(pack: Pack) -> None:
    for name in ("shop-math", "shop-math:live", FUNCTION, f"{FUNCTION}:7", f"{ACCOUNT}:function:shop-math"):
        assert len(of(pack.run([making.target(), permission("sqs.amazonaws.com", function=name)]))) == 1, name


def test_the_graph_tells_a_function_without_a_name(pack: Pack) -> None:
    function = Registration("aws:lambda/function:Function", "math", {"name": UNKNOWN})
    behind = {"targetConfiguration": [function.urn]}
    target = Registration(
        making.target().type, "m", {"targetConfiguration": {"mcp": {"lambda": {"lambdaArn": UNKNOWN}}}}, {}, "", behind
    )
    open_one = permission("events.amazonaws.com", function=UNKNOWN)
    open_one = Registration(open_one.type, "events", open_one.inputs, {}, "", {"function": [function.urn]})
    assert [it.urn for it in of(pack.run([function, target, open_one]))] == [open_one.urn]
    # Whether that is another account, nobody knows yet.
    account = Registration(
        open_one.type, "account", {**open_one.inputs, "principal": "444455556666"}, {}, "", {"function": [function.urn]}
    )
    assert [(it.rule, it.urn) for it in pack.run([function, target, account])] == [
        ("undecided-in-preview", account.urn)
    ]


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        (permission(UNKNOWN), "principal: who may use the function behind"),
        (permission("sns.amazonaws.com", sourceArn=UNKNOWN), "principal: who may use the function behind"),
        (
            permission("sns.amazonaws.com", function=UNKNOWN),
            "function: whether this permission is for a gateway's function",
        ),
    ],
)
def test_what_is_unknown_is_said(pack: Pack, resource: Registration, place: str) -> None:
    (violation,) = pack.analyze_stack([making.target(), resource])
    assert (violation.rule, violation.level, violation.urn) == ("undecided-in-preview", "advisory", resource.urn)
    assert place in violation.message
    assert pack.analyze_stack([resource]) == []


def test_aws_native_says_the_same(pack: Pack) -> None:
    """There a public URL needs its permissions written out."""
    inputs = {
        "functionName": FUNCTION,
        "principal": "*",
        "action": "lambda:InvokeFunctionUrl",
        "functionUrlAuthType": "NONE",
    }
    native = Registration("aws-native:lambda:Permission", "url", inputs)
    assert [it.urn for it in of(pack.run([making.target(), native]))] == [native.urn]
