"""gateway-role-exact-lambda and model-access-named: what they say, and whose documents they bind."""

from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation, rules
from tests.policy.making import FUNCTION, MODEL, PROFILE, document, statement

LAMBDA, MODELS = "gateway-role-exact-lambda", "model-access-named"
ANY_FUNCTION = document(statement("lambda:InvokeFunction", "*", Sid="Invoke"))
FUNCTIONS = "arn:aws:lambda:us-east-1:123456789012:function"


def of(rule: str, violations: list[Violation]) -> list[Violation]:
    return [found for found in violations if found.rule == rule]


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        f"{FUNCTIONS}:*",
        f"{FUNCTIONS}:shop-*",
        f"{FUNCTIONS}:shop-math*",
        f"{FUNCTIONS}:shop-math:*",
        f"{FUNCTIONS}:shop-mat?",
        "arn:aws:lambda:*:123456789012:function:shop-math",
        "arn:aws:lambda:us-east-1:*:function:shop-math",
        f"{FUNCTIONS}:${{aws:PrincipalTag/tool}}",
        "arn:aws:lambda:us-east-1",
        [FUNCTION, f"{FUNCTIONS}:other-*"],
    ],
    ids=str,
)
def test_a_function_that_was_not_named_violates(pack: Pack, resource: Any) -> None:
    pack.analyze(making.role())
    found = pack.analyze(making.role_policy(document(statement("lambda:Invoke*", resource, Sid="Invoke"))))
    assert rules(found) == [LAMBDA]
    assert found[0].level == "mandatory"
    assert 'RolePolicy "policy", policy, statement "Invoke"' in found[0].message


@pytest.mark.parametrize(
    "entry",
    [
        statement("lambda:InvokeFunction", FUNCTION),
        statement("lambda:InvokeFunction", [FUNCTION, f"{FUNCTION}:7", f"{FUNCTION}:live", f"{FUNCTION}:$LATEST"]),
        statement(["lambda:InvokeFunction", "s3:GetObject"], [FUNCTION, "arn:aws:s3:::bucket/*"]),
        statement("lambda:GetFunction", "*"),
        statement("lambda:*", "arn:aws:lambda:us-east-1:123456789012:layer:*"),
        {"Effect": "Deny", "Action": "lambda:*", "Resource": "*"},
    ],
    ids=str,
)
def test_named_functions_pass(pack: Pack, entry: Any) -> None:
    pack.analyze(making.role())
    assert pack.analyze(making.role_policy(document(entry))) == []


BEDROCK = "arn:aws:bedrock:us-east-1"


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        "arn:aws:bedrock:*",
        f"{BEDROCK}::foundation-model/*",
        f"{BEDROCK}::foundation-model/anthropic.*",
        f"{BEDROCK}:123456789012:inference-profile/*",
        f"{BEDROCK}:*:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "arn:aws:bedrock:*::foundation-model/anthropic.claude-*",
        "arn:aws:bedrock:*:*:*",
        f"{BEDROCK}::foundation-model/${{aws:PrincipalTag/model}}",
        f"{BEDROCK}:123456789012:provisioned-model/*",
    ],
    ids=str,
)
@pytest.mark.parametrize("action", ["bedrock:InvokeModel", "bedrock:invokemodelwithresponsestream", "bedrock:*"])
def test_a_model_that_was_not_named_violates(pack: Pack, action: str, resource: str) -> None:
    pack.analyze(making.role())
    found = pack.analyze(making.role_policy(document(statement(action, resource))))
    assert rules(found) == [MODELS]
    assert found[0].level == "mandatory"
    assert resource in found[0].message


@pytest.mark.parametrize(
    "resource",
    [
        MODEL,
        [PROFILE, MODEL, MODEL.replace("us-east-1", "us-east-2")],
        MODEL.replace("us-east-1", "*"),
        MODEL.replace("us-east-1", "us-*"),
        MODEL.replace("us-east-1", "${aws:RequestedRegion}"),
        "arn:aws:bedrock:::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
        f"{BEDROCK}:123456789012:application-inference-profile/abcdefghij12",
        f"{BEDROCK}:123456789012:guardrail/*",
        f"{BEDROCK}:123456789012:knowledge-base/*",
    ],
    ids=str,
)
def test_named_models_pass(pack: Pack, resource: Any) -> None:
    pack.analyze(making.role())
    assert pack.analyze(making.role_policy(document(statement(["bedrock:InvokeModel*"], resource)))) == []


MANTLE = "arn:aws:bedrock-mantle"
NAMED = {"StringEquals": {"bedrock-mantle:Model": ["openai.gpt-oss-120b", "anthropic.claude-haiku-4-5"]}}


@pytest.mark.parametrize(
    "entry",
    [
        statement("bedrock-mantle:CreateInference", f"{MANTLE}:*:*:project/*"),
        statement("bedrock-mantle:*", "*"),
        statement("Bedrock-Mantle:create*", f"{MANTLE}:us-east-1:123456789012:project/default"),
        statement("bedrock-*:CreateInference", "*"),
        {"Effect": "Allow", "NotAction": ["bedrock:*", "lambda:*", "bedrock-agentcore:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "bedrock-mantle:CreateInference", "NotResource": f"{MANTLE}:*:*:project/x"},
        statement(
            "bedrock-mantle:CreateInference", "*", Condition={"StringLike": {"bedrock-mantle:Model": "openai.*"}}
        ),
        statement("bedrock-mantle:CreateInference", "*", Condition={"StringEqualsIfExists": NAMED["StringEquals"]}),
        statement("bedrock-mantle:CreateInference", "*", Condition={"StringNotEquals": NAMED["StringEquals"]}),
        statement("bedrock-mantle:CreateInference", "*", Condition={"StringEquals": {"aws:RequestedRegion": "x"}}),
    ],
    ids=str,
)
def test_any_model_by_the_other_endpoint_violates(pack: Pack, entry: Any) -> None:
    pack.analyze(making.role())
    (violation,) = [it for it in pack.analyze(making.role_policy(document(entry))) if it.rule == MODELS]
    assert violation.level == "mandatory"
    assert "allows bedrock-mantle:CreateInference with any model to a role that AgentCore may take" in violation.message


@pytest.mark.parametrize(
    "entry",
    [
        statement("bedrock-mantle:CreateInference", f"{MANTLE}:*:*:project/*", Condition=NAMED),
        statement("bedrock-mantle:*", "*", Condition=NAMED),
        statement(["bedrock-mantle:Get*", "bedrock-mantle:List*", "bedrock-mantle:CallWithBearerToken"], "*"),
        statement("bedrock-mantle:*", f"{MANTLE}:*:*:customized-model/*"),
        {"Effect": "Deny", "Action": "bedrock-mantle:*", "Resource": "*"},
    ],
    ids=str,
)
def test_named_models_by_the_other_endpoint_pass(pack: Pack, entry: Any) -> None:
    pack.analyze(making.role())
    assert pack.analyze(making.role_policy(document(entry))) == []


def test_a_statement_for_both_endpoints_is_one_violation(pack: Pack) -> None:
    pack.analyze(making.role())
    assert rules(pack.analyze(making.role_policy(document(statement("bedrock*:*", [MODEL, "*"]))))) == [
        "invoke-gateway-exact-arn",
        MODELS,
    ]


@pytest.mark.parametrize(
    ("action", "excluded", "expected"),
    [
        ("bedrock:InvokeModel", "arn:aws:bedrock:${aws:PrincipalTag/a}:*", [MODELS]),
        ("bedrock:InvokeModel", "arn:aws:bedrock:*", []),
        ("lambda:InvokeFunction", "arn:aws:lambda:*:*:function:${aws:PrincipalTag/a}", [LAMBDA]),
        ("lambda:InvokeFunction", "arn:aws:lambda:*", []),
    ],
)
def test_what_a_variable_stands_for_is_not_all_there_is(
    pack: Pack, action: str, excluded: str, expected: list[str]
) -> None:
    pack.analyze(making.role())
    entry = {"Effect": "Allow", "Action": action, "NotResource": excluded}
    assert rules(pack.analyze(making.role_policy(document(entry)))) == expected


def test_roles_that_agentcore_cannot_take_are_free(pack: Pack) -> None:
    ec2 = making.role(name="worker", trusted="ec2.amazonaws.com")
    policy = making.role_policy(document(statement(["lambda:InvokeFunction", "bedrock:InvokeModel"], "*")), of="worker")
    assert pack.run([ec2, policy]) == []


def test_a_role_s_own_inline_policies_are_bound(pack: Pack) -> None:
    role = making.role(inlinePolicies=[{"name": "x", "policy": ANY_FUNCTION}])
    found = pack.analyze(role)
    assert rules(found) == [LAMBDA]
    assert "inlinePolicies[0]" in found[0].message


@pytest.mark.parametrize(
    ("managed", "expected"),
    [
        ("AWSLambda_FullAccess", [LAMBDA]),
        ("service-role/AWSLambdaRole", [LAMBDA]),
        ("AmazonBedrockFullAccess", [MODELS]),
        ("AmazonBedrockMantleFullAccess", [MODELS]),
        ("AmazonBedrockMantleInferenceAccess", [MODELS]),
        ("AmazonBedrockMantleReadOnly", []),
        ("AdministratorAccess", ["invoke-gateway-exact-arn", LAMBDA, MODELS]),
        ("service-role/AWSLambdaBasicExecutionRole", []),
    ],
)
def test_managed_policies_of_the_role_are_bound(pack: Pack, managed: str, expected: list[str]) -> None:
    role = making.role(managedPolicyArns=[f"arn:aws:iam::aws:policy/{managed}"])
    assert rules(pack.analyze(role)) == expected


def attachment(arn: str, **dependencies: list[str]) -> Registration:
    kind = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    return Registration(kind, "attachment", {"role": "agent", "policyArn": arn}, {}, "", dependencies)


def customer_policy() -> Registration:
    arn = "arn:aws:iam::123456789012:policy/tools/wide"
    return Registration("aws:iam/policy:Policy", "wide", {"name": "wide", "policy": ANY_FUNCTION}, {"arn": arn})


def test_a_customer_managed_policy_binds_when_it_is_attached(pack: Pack) -> None:
    policy = customer_policy()
    assert pack.analyze(making.role()) + pack.analyze(policy) == []
    found = pack.analyze(attachment("arn:aws:iam::123456789012:policy/tools/wide"))
    assert rules(found) == [LAMBDA]
    assert 'RolePolicyAttachment "attachment", attached policy "wide"' in found[0].message


def test_a_policy_of_aws_is_not_one_of_ours_with_its_name(pack: Pack) -> None:
    pack.analyze(making.role())
    pack.analyze(customer_policy())
    assert pack.analyze(attachment("arn:aws:iam::aws:policy/wide")) == []


def test_what_the_update_knows_is_judged_before_the_resource_is_created(pack: Pack) -> None:
    """The role is registered first, so its policy is refused in the resource check; the stack check adds nothing."""
    role, policy = making.role(), making.role_policy(ANY_FUNCTION)
    assert rules(pack.analyze(role) + pack.analyze(policy)) == [LAMBDA]
    assert pack.analyze_stack([role, policy]) == []


def test_what_a_preview_cannot_name_is_judged_by_the_graph(pack: Pack) -> None:
    """The role's name is unknown, the document is not: the violation is found all the same."""
    role = making.role(name=UNKNOWN)
    policy = Registration(
        "aws:iam/rolePolicy:RolePolicy",
        "policy",
        {"role": UNKNOWN, "policy": ANY_FUNCTION},
        property_dependencies={"role": [role.urn]},
    )
    assert pack.analyze(role) + pack.analyze(policy) == []
    (found,) = pack.analyze_stack([role, policy])
    assert (found.rule, found.level, found.urn) == (LAMBDA, "mandatory", policy.urn)


def test_an_attachment_a_preview_cannot_name_is_judged_by_the_graph(pack: Pack) -> None:
    role, policy = making.role(), customer_policy()
    unknown = Registration(policy.type, policy.name, {**policy.inputs, "name": UNKNOWN})
    attached = attachment(UNKNOWN, policyArn=[unknown.urn])
    found = pack.run([role, unknown, attached])
    assert [(violation.rule, violation.urn) for violation in found] == [(LAMBDA, attached.urn)]


def test_a_role_is_agentcore_s_when_a_gateway_has_it(pack: Pack, updating: Pack) -> None:
    """Even where its trust policy is unknown."""
    role, policy = making.role(assumeRolePolicy=UNKNOWN), making.role_policy(ANY_FUNCTION)
    gateway = making.gateway(roleArn=role.outputs["arn"])
    (found,) = of(LAMBDA, pack.run([role, policy, gateway]))
    assert found.urn == policy.urn
    (found,) = of(LAMBDA, updating.analyze_each((role, policy, gateway)))
    assert found.urn == gateway.urn  # the last moment at which an update can be stopped
    assert 'RolePolicy "policy", policy, statement "Invoke"' in found.message


WIDENING = "agent-cannot-widen-itself"
EXISTING = "arn:aws:iam::123456789012:role/platform/existing"
ANY_MODEL = document(statement("bedrock:InvokeModel", "*"))
AWS_LAMBDA = "arn:aws:iam::aws:policy/service-role/AWSLambdaRole"


def named_by_arn(kind: str) -> Registration:
    kinds = {
        "gateway": ("aws:bedrock/agentcoreGateway:AgentcoreGateway", "roleArn"),
        "runtime": ("aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "roleArn"),
        "harness": ("aws:bedrock/agentcoreHarness:AgentcoreHarness", "executionRoleArn"),
    }
    name, prop = kinds[kind]
    return Registration(name, kind, {prop: EXISTING, "authorizerType": "AWS_IAM"})


def given(kind: str, **inputs: Any) -> Registration:
    return Registration(f"aws:iam/{kind[0].lower()}{kind[1:]}:{kind}", "given", inputs)


@pytest.mark.parametrize("user", ["gateway", "runtime", "harness"])
@pytest.mark.parametrize(
    ("carrier", "expected"),
    [
        (given("RolePolicy", role="existing", policy=ANY_FUNCTION), [LAMBDA]),
        (given("RolePolicy", role="existing", policy=document(statement("lambda:*", "*"))), [LAMBDA]),
        (given("RolePolicy", role="existing", policy=ANY_MODEL), [MODELS]),
        (given("RolePolicy", role=EXISTING, policy=ANY_MODEL), [MODELS]),
        (given("RolePolicyAttachment", role="existing", policyArn=AWS_LAMBDA), [LAMBDA]),
        (given("PolicyAttachment", roles=["other", "existing"], policyArn=AWS_LAMBDA), [LAMBDA]),
        (given("RolePolicyAttachmentsExclusive", roleName="existing", policyArns=[AWS_LAMBDA]), [LAMBDA]),
        (given("RolePolicy", role="other", policy=ANY_FUNCTION), []),
        (given("RolePolicy", role="existing", policy=document(statement("s3:GetObject", "*"))), []),
    ],
)
def test_a_role_that_is_named_by_its_arn_and_made_elsewhere(
    pack: Pack, updating: Pack, user: str, carrier: Registration, expected: list[str]
) -> None:
    """What this stack writes into it is judged: before whichever of the two comes last, and at the end."""
    by_arn = named_by_arn(user)
    for first, last in ((carrier, by_arn), (by_arn, carrier)):
        assert rules(updating.analyze(first)) == []
        assert rules(updating.analyze(last)) == expected
        updating.analyze_stack([])
        found = [it for it in pack.run([first, last]) if it.rule in (LAMBDA, MODELS, WIDENING)]
        assert rules(found) == expected
        assert {it.urn for it in found} <= {carrier.urn}


def test_an_exception_for_the_policy_holds_when_the_role_is_named_later(updating: Pack) -> None:
    updating.configure({LAMBDA: {"exceptions": [{"resource": "given", "reason": "x"}]}})
    assert updating.analyze(given("RolePolicy", role="existing", policy=ANY_FUNCTION)) == []
    assert updating.analyze(named_by_arn("runtime")) == []


def test_a_run_does_not_remember_the_run_before(pack: Pack) -> None:
    pack.run([making.role()])
    assert pack.analyze(making.role_policy(ANY_FUNCTION)) == []


def test_our_components_are_judged_by_their_inputs(pack: Pack) -> None:
    targets = {"math": {"function_arn": UNKNOWN}, "more": {"function_arn": f"{FUNCTIONS}:*"}}
    (found,) = pack.analyze(Registration("toolgate:index:ToolGateway", "tools", {"targets": targets}))
    assert found.rule == LAMBDA
    assert "targets.more" in found.message
    (found,) = pack.analyze(Registration("toolgate:index:AgentRuntime", "a", {"model_id": "anthropic.*"}))
    assert found.rule == MODELS
    assert pack.analyze(Registration("toolgate:index:AgentRuntime", "a", {"model_id": PROFILE})) == []
    several = {"model_id": PROFILE, "fallback_model_ids": [PROFILE, "amazon.*"]}
    (found,) = pack.analyze(Registration("toolgate:index:AgentRuntime", "a", several))
    assert "amazon.*" in found.message
    several["fallback_model_ids"] = [PROFILE]
    assert pack.analyze(Registration("toolgate:index:AgentRuntime", "a", several)) == []
    assert pack.analyze(Registration("toolgate:index:ToolGateway", "tools", {"targets": UNKNOWN})) == []
