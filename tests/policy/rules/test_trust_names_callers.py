from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, FUNCTION, GATEWAY, MODEL, PINNED, document, statement

RULE = "trust-names-callers"
GITHUB = "token.actions.githubusercontent.com"
OIDC = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"}
ANYBODY = {"Principal": {"AWS": "*"}}
NOBODY_IN_PARTICULAR: list[dict[str, Any]] = [
    {"Principal": "*"},
    ANYBODY,
    {"Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", "*"]}},
    {**ANYBODY, "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    {"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "*"}}},
    {"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalOrgID": "*"}}},
    {"NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}},
    {
        "Principal": OIDC,
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {f"{GITHUB}:sub": ["repo:acme/x:*", "*"]}},
    },
    {"Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity"},
]
EXACT = document(statement("bedrock-agentcore:InvokeGateway", GATEWAY))


def trust(*entries: dict[str, Any]) -> str:
    return document(*({"Effect": "Allow", "Action": "sts:AssumeRole", **entry} for entry in entries))


def role(*entries: dict[str, Any], name: str = "caller", **inputs: Any) -> Registration:
    return making.role(name, assumeRolePolicy=trust(*entries), **inputs)


def of(violations: list[Violation]) -> list[Violation]:
    return [violation for violation in violations if violation.rule == RULE]


def in_an_update(pack: Pack, *resources: Registration) -> list[Violation]:
    """What stops it, before a resource is created."""
    return of(pack.analyze_each(resources))


@pytest.mark.parametrize("entry", NOBODY_IN_PARTICULAR, ids=str)
def test_strangers_may_not_take_a_role_that_holds_the_grant(pack: Pack, updating: Pack, entry: dict[str, Any]) -> None:
    caller, exact = role(entry), making.role_policy(EXACT, of="caller", name="exact")
    found = in_an_update(updating, caller, exact)
    assert found
    assert {violation.level for violation in found} == {"mandatory"}
    assert all('Role "caller", assumeRolePolicy, Statement[0]: lets ' in violation.message for violation in found)
    pack.analyze_stack([])
    found = of(pack.analyze_stack([caller, exact]))
    assert [violation.urn for violation in found] == [caller.urn]


def test_what_was_said_before_is_not_said_again(pack: Pack) -> None:
    assert len(of(pack.run([role(ANYBODY), making.role_policy(EXACT, of="caller")]))) == 1


def test_each_statement_and_stranger_is_named(pack: Pack) -> None:
    github = {"Principal": OIDC, "Action": "sts:AssumeRoleWithWebIdentity"}
    open_to_two = role({"Principal": {"AWS": ACCOUNT}}, ANYBODY, github)
    messages = [it.message for it in of(pack.run([open_to_two, making.role_policy(EXACT, of="caller")]))]
    assert len(messages) == 2
    assert "Statement[1]: lets everybody take a role that may call gateways" in messages[0]
    assert f'Statement[2]: lets whoever has a token of "{GITHUB}" take' in messages[1]


def user(kind: str, prop: str) -> Registration:
    return Registration(kind, "user", {prop: f"arn:aws:iam::{ACCOUNT}:role/caller", "authorizerType": "AWS_IAM"})


@pytest.mark.parametrize(
    "resource",
    [
        user("aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "roleArn"),
        user("aws:bedrock/agentcoreHarness:AgentcoreHarness", "executionRoleArn"),
        user("aws:bedrock/agentcoreGateway:AgentcoreGateway", "roleArn"),
        user("aws-native:bedrockagentcore:Runtime", "roleArn"),
    ],
    ids=lambda it: it.type,
)
def test_the_role_of_an_agentcore_resource(updating: Pack, resource: Registration) -> None:
    """Also where its trust policy lets AgentCore in no more than strangers."""
    found = in_an_update(updating, role(ANYBODY), resource)
    assert [violation.urn for violation in found] == [resource.urn]
    assert "lets everybody take the role of Agentcore" in found[0].message
    assert in_an_update(updating, role({"Principal": {"AWS": ACCOUNT}}), resource) == []


def test_a_role_that_agentcore_may_take_beside_strangers_is_found_when_it_is_registered(pack: Pack) -> None:
    entry = {"Principal": {"Service": making.AGENTCORE}, "Condition": PINNED}
    (violation,) = of(pack.analyze(role(entry, ANYBODY)))
    assert "Statement[1]: lets everybody take a role that AgentCore may take" in violation.message
    assert of(pack.analyze(role(entry))) == []


def function(role_arn: Any = f"arn:aws:iam::{ACCOUNT}:role/caller", **more: Any) -> Registration:
    return Registration("aws:lambda/function:Function", "math", {"name": "shop-math", "role": role_arn}, **more)


def test_the_role_of_a_tool_s_function(pack: Pack, updating: Pack) -> None:
    by_lambda = {"Principal": {"Service": "lambda.amazonaws.com"}}
    (violation,) = in_an_update(updating, role(by_lambda, ANYBODY), function(), making.target())
    assert violation.urn == making.target().urn
    assert "Statement[1]: lets everybody take the role of the function behind" in violation.message
    assert in_an_update(updating, role(by_lambda), function(), making.target()) == []
    updating.analyze_stack([])  # a run without the target
    assert in_an_update(updating, role(by_lambda, ANYBODY), function()) == []
    component = Registration("toolgate:index:LambdaTools", "math", {})
    assert len(in_an_update(updating, role(by_lambda, ANYBODY), function(parent=component.urn))) == 1


@pytest.mark.parametrize(
    ("entry", "violations"),
    [
        (statement("bedrock:InvokeModel", MODEL), 1),
        (statement("bedrock-mantle:CreateInference", f"arn:aws:bedrock-mantle:us-east-1:{ACCOUNT}:project/x"), 1),
        (statement("lambda:InvokeFunction", FUNCTION), 1),
        (statement("lambda:InvokeFunctionUrl", f"{FUNCTION}:*"), 1),
        (statement("lambda:InvokeFunction", FUNCTION.replace("math", "other")), 0),
        (statement("s3:GetObject", "*"), 0),
        (statement("bedrock-agentcore:*", f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory/*"), 0),
        (statement("*", "*"), 1),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, 0),
    ],
)
def test_what_a_role_may_do(pack: Pack, entry: Any, violations: int) -> None:
    policy = making.role_policy(document(entry), of="caller")
    assert len(of(pack.run([making.target(), role(ANYBODY), policy]))) == violations
    inline = role(ANYBODY, inlinePolicies=[{"name": "x", "policy": document(entry)}])
    assert len(of(pack.run([making.target(), inline]))) == violations


def resource_policy(principal: Any) -> Registration:
    entry = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "bedrock-agentcore:InvokeGateway",
        "Resource": GATEWAY,
    }
    kind = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
    return Registration(kind, "tools", {"resourceArn": GATEWAY, "policy": document(entry)})


def permission(principal: str, function: str = "shop-math") -> Registration:
    inputs = {"principal": principal, "function": function, "action": "lambda:InvokeFunction"}
    return Registration("aws:lambda/permission:Permission", "caller", inputs)


CALLER = f"arn:aws:iam::{ACCOUNT}:role/caller"


@pytest.mark.parametrize(
    ("resource", "violations"),
    [
        (resource_policy({"AWS": CALLER}), 1),
        (resource_policy({"AWS": [f"arn:aws:iam::{ACCOUNT}:role/x", CALLER.replace("role/", "role/path/")]}), 1),
        (resource_policy({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/caller/session"}), 1),
        (resource_policy({"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}), 0),
        (resource_policy({"AWS": f"arn:aws:iam::{ACCOUNT}:user/caller"}), 0),
        (resource_policy({"AWS": ACCOUNT}), 0),
        (permission(CALLER), 1),
        (permission(CALLER, function="other"), 0),
        (permission(f"arn:aws:iam::{ACCOUNT}:role/other"), 0),
    ],
)
def test_what_lets_the_role_in(pack: Pack, updating: Pack, resource: Registration, violations: int) -> None:
    """A gateway's and a function's own policy grant as well."""
    assert len(in_an_update(updating, making.target(), role(ANYBODY), resource)) == violations
    pack.analyze_stack([])
    assert len(of(pack.analyze_stack([making.target(), role(ANYBODY), resource]))) == violations


def test_a_role_of_another_account_is_another_role(pack: Pack) -> None:
    other = resource_policy({"AWS": CALLER.replace(ACCOUNT, "444455556666")})
    assert of(pack.analyze_stack([role(ANYBODY), other])) == []


HOLDER_POLICY = making.role_policy(EXACT, of="holder", name="exact")
ASSUME = document(statement("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/holder"))


@pytest.mark.parametrize(
    ("principal", "policy", "violations"),
    [
        (CALLER, None, 1),
        (CALLER.replace("role/", "role/path/"), None, 1),
        (ACCOUNT, ASSUME, 1),
        (f"arn:aws:iam::{ACCOUNT}:root", document(statement("sts:*", "*")), 1),
        (ACCOUNT, None, 0),
        (ACCOUNT, document(statement("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/other")), 0),
        (f"arn:aws:iam::{ACCOUNT}:role/other", ASSUME, 0),
        (UNKNOWN, ASSUME, 0),
    ],
)
def test_a_role_from_which_such_a_role_may_be_assumed(
    pack: Pack, principal: str, policy: str | None, violations: int
) -> None:
    holder = role({"Principal": {"AWS": principal}}, name="holder")
    resources = [role(ANYBODY), holder, HOLDER_POLICY]
    resources += [making.role_policy(policy, of="caller", name="assume")] if policy else []
    found = of(pack.analyze_stack(resources))
    assert [it.urn for it in found] == [role(ANYBODY).urn] * violations
    what = 'lets everybody take a role that leads to Role "holder", a role that may call gateways'
    assert all(what in it.message for it in found)


def test_a_chain_of_roles_stops_an_update_where_it_is_closed(updating: Pack) -> None:
    holder = role({"Principal": {"AWS": CALLER}}, name="holder", inlinePolicies=[{"name": "x", "policy": EXACT}])
    assert [it.urn for it in in_an_update(updating, role(ANYBODY), holder)] == [holder.urn]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("violations", [0, 1])
def test_many_roles_that_may_assume_each_other_take_no_long(pack: Pack, violations: int) -> None:
    anywhere = [{"name": "x", "policy": document(statement("sts:AssumeRole", "*"))}]
    many = [role({"Principal": {"AWS": ACCOUNT}}, name=f"r{n}", inlinePolicies=anywhere) for n in range(60)]
    many += [HOLDER_POLICY, role({"Principal": {"AWS": ACCOUNT}}, name="holder")] if violations else []
    assert len(of(pack.analyze_stack([role(ANYBODY, inlinePolicies=anywhere), *many]))) == violations


def test_roles_that_trust_each_other_lead_nowhere(pack: Pack) -> None:
    one = role(ANYBODY, {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/two"}}, name="one")
    two = role({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/one"}}, name="two")
    assert of(pack.run([one, two])) == []


@pytest.mark.parametrize("managed", ["AdministratorAccess", "BedrockAgentCoreFullAccess", "AmazonBedrockFullAccess"])
def test_managed_policies(updating: Pack, managed: str) -> None:
    arn = f"arn:aws:iam::aws:policy/{managed}"
    attached = Registration(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", {"role": "caller", "policyArn": arn}
    )
    assert len(in_an_update(updating, role(ANYBODY), attached)) == 1
    assert len(in_an_update(updating, role(ANYBODY, managedPolicyArns=[arn]))) == 1


def test_a_customer_managed_policy(updating: Pack) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/team/call"
    policy = Registration("aws:iam/policy:Policy", "call", {"name": "call", "policy": EXACT}, {"arn": arn})
    attached = Registration(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", {"role": "caller", "policyArn": arn}
    )
    assert [it.urn for it in in_an_update(updating, role(ANYBODY), policy, attached)] == [attached.urn]


def test_a_first_preview_is_decided_by_the_graph(pack: Pack) -> None:
    caller = role(ANYBODY, name=UNKNOWN)
    of_caller = {"role": [caller.urn]}
    policy = Registration("aws:iam/rolePolicy:RolePolicy", "p", {"role": UNKNOWN, "policy": EXACT}, {}, "", of_caller)
    assert [it.urn for it in of(pack.run([caller, policy]))] == [caller.urn]


def test_unknown_trust_is_undecided_and_hides_nothing(pack: Pack) -> None:
    caller, exact = making.role("caller", assumeRolePolicy=UNKNOWN), making.role_policy(EXACT, of="caller")
    found = pack.run([caller, exact])
    assert [(it.rule, it.urn) for it in found if it.level == "advisory"] == [("undecided-in-preview", caller.urn)]
    assert "the trust policy of a role that may call gateways is not known in this preview" in found[-1].message
    partly = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": [UNKNOWN, "*"]}, "Action": "sts:AssumeRole"}]}
    assert len(of(pack.run([making.role("caller", assumeRolePolicy=partly), exact]))) == 1


def test_unknown_documents_of_a_role_for_everybody_are_undecided(pack: Pack) -> None:
    found = pack.run([role(ANYBODY), making.role_policy(UNKNOWN, of="caller")])
    assert [it.rule for it in found] == ["undecided-in-preview"]
    assert 'a policy of Role "caller", which everybody may take, is not known' in found[0].message
    assert pack.run([role({"Principal": {"AWS": ACCOUNT}}), making.role_policy(UNKNOWN, of="caller")]) == []


@pytest.mark.parametrize(
    ("principal", "accounts"),
    [
        ({"AWS": "arn:aws:iam::444455556666:root"}, ["444455556666"]),
        ({"AWS": ["444455556666", f"arn:aws:iam::{ACCOUNT}:role/ci"]}, ["444455556666"]),
        ({"AWS": ["arn:aws:iam::444455556666:role/a", "arn:aws:iam::444455556666:role/b"]}, ["444455556666"]),
        ({"AWS": ["222222222222", ACCOUNT]}, []),
        ({"AWS": ["AROAEXAMPLEID", UNKNOWN]}, []),
        ({"Service": "ec2.amazonaws.com"}, []),
    ],
    ids=str,
)
def test_accounts_are_judged_where_somebody_says_which_are_trusted(
    pack: Pack, principal: Any, accounts: list[str]
) -> None:
    resources = [role({"Principal": principal}), making.role_policy(EXACT, of="caller")]
    assert of(pack.run(resources)) == []
    pack.configure({RULE: {"trustedAccounts": [ACCOUNT, "222222222222"]}})
    found = of(pack.run(resources))
    assert [f"lets account {account} take" in it.message for it, account in zip(found, accounts, strict=True)] == [
        True
    ] * len(accounts)


def test_an_exception_names_the_role(pack: Pack) -> None:
    pack.configure({RULE: {"exceptions": [{"resource": "caller", "reason": "A public demo, ticket 7."}]}})
    assert of(pack.run([role(ANYBODY), making.role_policy(EXACT, of="caller")])) == []
