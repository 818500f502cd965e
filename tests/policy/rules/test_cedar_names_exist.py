from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, ENTITY, GATEWAY, permit

RULE = "cedar-names-exist"
STRANGER = GATEWAY.replace("tools", "stranger")
OTHER = GATEWAY.replace("tools", "other")


def found(pack: Pack, *resources: Registration) -> list[Violation]:
    return [violation for violation in pack.run(resources) if violation.rule == RULE]


def one(pack: Pack, statement: Any) -> list[Violation]:
    """A policy beside a gateway with the tools math___add and math___greeting."""
    return found(pack, making.gateway(), making.target(), making.cedar(statement))


ROLE_FORMS = {
    "the role itself": f"arn:aws:iam::{ACCOUNT}:role/agent",
    "the role itself, with a path": f"arn:aws:iam::{ACCOUNT}:role/team/a/agent",
    "with its session": f"{ENTITY}/session",
}
OTHER_FORMS = [
    "agent",
    "",
    f"arn:aws:iam::{ACCOUNT}:assumed-role/agent",
    "arn:aws:sts::12345678901:assumed-role/agent",
    "arn:aws:sts::1234567890123:assumed-role/agent",
    f"arn:aws:sts:us-east-1:{ACCOUNT}:assumed-role/agent",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/",
    f"{ENTITY}*x y",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/agent-*",
    f"arn:aws:iam::{ACCOUNT}:group/agents",
]


@pytest.mark.parametrize("principal", ROLE_FORMS.values(), ids=ROLE_FORMS.keys())
def test_a_role_in_another_form_violates_and_the_message_gives_the_right_one(pack: Pack, principal: str) -> None:
    (violation,) = one(pack, permit("math___add", principal))
    assert (violation.level, violation.urn) == ("mandatory", making.cedar("").urn)
    assert f'"{principal}"' in violation.message
    assert f'"{ENTITY}"' in violation.message
    assert "definition.cedar.statement" in violation.message


@pytest.mark.parametrize("principal", OTHER_FORMS)
def test_what_no_caller_is_violates(pack: Pack, principal: str) -> None:
    (violation,) = one(pack, permit("math___add", principal))
    assert "which no caller is" in violation.message


@pytest.mark.parametrize(
    "principal",
    [ENTITY, ENTITY.replace("aws:", "aws-us-gov:"), f"{ENTITY}+=,.@-_", f"arn:aws:iam::{ACCOUNT}:user/team/ann"],
)
def test_roles_and_users_pass(pack: Pack, principal: str) -> None:
    assert one(pack, permit("math___add", principal)) == []


def compared(condition: str, type_: str = "IamEntity") -> str:
    return f"forbid(principal is AgentCore::{type_}, action, resource is AgentCore::Gateway) when {{ {condition} }};"


@pytest.mark.parametrize(
    ("condition", "violates"),
    [
        (f'principal.id == "{ENTITY}"', False),
        (f'principal.id like "{ENTITY}*"', False),
        ('principal.id like "*:444455556666:*"', False),
        ('principal.id like "*"', False),
        (f'principal.id == "{ENTITY}*"', True),
        (f'principal.id like "arn:aws:iam::{ACCOUNT}:role/*"', True),
        (f'principal.id != "arn:aws:iam::{ACCOUNT}:role/agent"', True),
        (f'principal.id like "{ENTITY}/*"', True),
        ('principal.id like "*:123:*"', True),
        (f'context.principal.id == "arn:aws:iam::{ACCOUNT}:role/agent"', False),
    ],
)
def test_what_principal_id_is_compared_with(pack: Pack, condition: str, violates: bool) -> None:
    assert bool(one(pack, compared(condition))) == violates


def test_the_id_of_an_oauth_user_is_no_arn(pack: Pack) -> None:
    assert one(pack, compared('principal.id == "ann"', "OAuthUser")) == []
    assert one(pack, compared('principal.id == "ann"')) != []
    either = compared('principal is AgentCore::IamEntity || principal.id == "ann"', "OAuthUser")
    assert one(pack, either) == []


@pytest.mark.parametrize("action", ["math__add", "math_add", "math__", "math___", "___add", "add numbers", "", "*"])
def test_an_action_of_the_wrong_form_violates(pack: Pack, action: str) -> None:
    statement = permit("x").replace('"x"', f'"{action}"')
    # Before the resource is created, whatever else is in the stack.
    (violation,) = pack.analyze(making.cedar(statement))
    assert violation.rule == RULE
    assert f'"{action}"' in violation.message
    assert "three underscores" in violation.message
    assert len(one(pack, statement)) == 1


@pytest.mark.parametrize("actions", ["math___add", "math", "CallTool", "Mcp", "math___greeting math___add"])
def test_actions_that_exist_pass(pack: Pack, actions: str) -> None:
    assert one(pack, permit(actions)) == []


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("math___ad", 'the tools of "math" are "add" and "greeting"'),
        ("math____add", 'the tools of "math" are "add" and "greeting"'),
        ("maths___add", 'there is no target "maths"'),
        ("Math", 'there is no target "Math"'),
        ("calltool", 'there is no target "calltool"'),
    ],
)
def test_actions_that_do_not_exist_violate(pack: Pack, action: str, message: str) -> None:
    (violation,) = one(pack, permit(f"math___add {action}"))
    assert (violation.level, violation.urn) == ("mandatory", making.cedar("").urn)
    assert f'"{action}"' in violation.message
    assert message in violation.message


MCP_SERVER = Registration(
    making.target().type, "remote", {"name": "math", "targetConfiguration": {"mcp": {"mcpServer": {"endpoint": "x"}}}}
)
S3 = Registration(
    making.target().type,
    "s3",
    {"name": "math", "targetConfiguration": {"mcp": {"lambda": {"toolSchema": {"s3": {"uri": "s3://a/b"}}}}}},
)


@pytest.mark.parametrize(
    "target",
    [S3, MCP_SERVER, making.target(tools=UNKNOWN), making.target(tools=("x", UNKNOWN))],
    ids=["S3", "server", "unknown", "one unknown"],
)
def test_a_target_whose_tools_are_not_known_may_have_them_all(pack: Pack, target: Registration) -> None:
    policy = making.cedar(permit("math___POST:/invocations"))
    assert found(pack, making.gateway(), target, policy) == []
    assert found(pack, making.gateway(), target, making.cedar(permit("math__x"))) != []


def test_a_target_without_a_known_name_may_be_the_one_that_is_named(pack: Pack) -> None:
    graph = [making.gateway(), making.target(name=UNKNOWN)]
    assert found(pack, *graph, making.cedar(permit("math___add mail"))) == []
    assert len(found(pack, *graph, making.cedar(permit("math___subtract")))) == 1


def other_gateway() -> Registration:
    first = making.gateway()
    return Registration(first.type, "other", {**first.inputs, "name": "other"}, {"gatewayArn": OTHER})


def test_a_tool_of_another_gateway_violates(pack: Pack) -> None:
    graph = [making.gateway(), other_gateway(), making.target(), making.target("mail", ("send",), OTHER)]
    assert found(pack, *graph, making.cedar(permit("math___add"))) == []
    assert found(pack, *graph, making.cedar(permit("mail___send", gateway=OTHER))) == []
    (violation,) = found(pack, *graph, making.cedar(permit("mail___send")))
    assert 'there is no target "mail"' in violation.message
    anywhere = compared('action == AgentCore::Action::"mail___send"')
    assert found(pack, *graph, making.cedar(anywhere)) == []


def test_a_target_s_gateway_is_known_from_the_graph(pack: Pack) -> None:
    dependencies = {"gatewayIdentifier": [other_gateway().urn]}
    mail = making.target("mail", ("send",), UNKNOWN, property_dependencies=dependencies)
    graph = [making.gateway(), other_gateway(), making.target(), mail]
    assert found(pack, *graph, making.cedar(permit("mail___send", gateway=OTHER))) == []
    assert len(found(pack, *graph, making.cedar(permit("mail___send")))) == 1


@pytest.mark.parametrize("gateway", ["shop-dev-tools-abcdefghij", "*", f"{GATEWAY[:-10]}*", f"{GATEWAY}/x", ""])
def test_a_gateway_that_is_no_arn_violates(pack: Pack, gateway: str) -> None:
    (violation,) = one(pack, permit("math___add", gateway=gateway))
    assert f'"{gateway}", which is not the ARN of one' in violation.message


def test_a_gateway_of_another_stack_violates_until_it_is_listed(pack: Pack) -> None:
    (violation,) = one(pack, permit("there___tool", gateway=STRANGER))
    assert f'"{STRANGER}", no gateway of this stack' in violation.message
    pack.configure({RULE: {"externalGateways": [STRANGER.replace("abcdefghij", "*")]}})
    assert one(pack, permit("there___tool", gateway=STRANGER)) == []
    assert len(one(pack, permit("there__tool", gateway=STRANGER))) == 1


def test_a_new_gateway_is_known_from_the_graph(pack: Pack) -> None:
    new = Registration(making.gateway().type, "tools", making.gateway().inputs)
    made_of_it = making.cedar(permit("math___add"), definition=[new.urn])
    assert found(pack, new, making.target(), made_of_it) == []
    assert len(found(pack, new, making.target(), making.cedar(permit("math___add")))) == 1


def test_an_unknown_statement_is_reported_as_undecided(pack: Pack) -> None:
    unknown = making.cedar(UNKNOWN)
    said = [it for it in pack.run([making.gateway(), unknown]) if it.urn == unknown.urn]
    assert [(it.rule, it.level) for it in said] == [("undecided-in-preview", "advisory")]
    ours = Registration(unknown.type, "p", unknown.inputs, parent=AGENT.urn)
    assert [it for it in pack.run([AGENT, ours]) if it.urn == ours.urn] == []


def test_an_unknown_part_hides_nothing(pack: Pack) -> None:
    statement = permit(f"math__add math___{UNKNOWN} {UNKNOWN}___add", f"arn:aws:iam::{UNKNOWN}:role/agent", UNKNOWN)
    said = " ".join(violation.message for violation in one(pack, statement))
    assert "math__add" in said
    assert "which no caller is" in said
    assert len(one(pack, statement)) == 2


def agent(**grant: Any) -> Registration:
    tools = [{"gateway_arn": UNKNOWN, "policy_engine_id": UNKNOWN, **grant}]
    return Registration("toolgate:index:AgentRuntime", "assistant", {"tools": tools})


AGENT = agent(tools=["math___add"])


def test_what_a_component_is_handed_is_judged_in_the_first_preview(pack: Pack) -> None:
    graph = [making.gateway(), making.target()]
    assert found(pack, *graph, AGENT) == []
    assert found(pack, *graph, agent(tools=["math___add"], actions=["math"])) == []
    (malformed,) = found(pack, *graph, agent(tools=["math__add"]))
    (absent,) = found(pack, *graph, agent(tools=["math___add"], actions=["math___ad", UNKNOWN]))
    assert (malformed.urn, absent.urn) == (AGENT.urn, AGENT.urn)
    assert "three underscores" in malformed.message
    assert 'the tools of "math" are' in absent.message
    # A run's agents are no other run's.
    assert found(pack, *graph) == []


def test_what_is_behind_a_gateway_of_another_stack_nobody_can_tell(pack: Pack) -> None:
    there = agent(tools=["there___tool"], gateway_arn=STRANGER)
    assert found(pack, making.gateway(), making.target(), there) == []
    assert found(pack, agent(tools=["there___tool"])) == []
    assert len(found(pack, making.gateway(), making.target(), agent(tools=["there___tool"], gateway_arn=GATEWAY))) == 1
    assert len(found(pack, making.gateway(), agent(tools=["math___add"], gateway_arn=GATEWAY))) == 1


def test_a_name_that_stands_twice_is_said_once(pack: Pack) -> None:
    assert len(one(pack, permit("math__add math__add") + permit("math__add"))) == 1
    assert len(one(pack, permit("math___ad math___ad"))) == 1


def test_without_an_engine_a_component_s_tools_are_no_cedar_names(pack: Pack) -> None:
    plain = Registration(AGENT.type, "assistant", {"tools": [{"gateway_arn": UNKNOWN, "tools": ["x_y"]}]})
    assert found(pack, making.gateway(), plain) == []


def test_an_unpaired_surrogate_does_not_break_the_reply(pack: Pack) -> None:
    (violation,) = one(pack, permit("math___add", "\\u{d800}\\x1b[2J"))
    assert "which no caller is" in violation.message
    assert "\x1b" not in violation.message


def test_a_comment_and_a_string_name_nothing(pack: Pack) -> None:
    statement = permit("math___add").replace(";", ' when { context.input.x != "AgentCore::Action::\\"a_b\\"" };')
    assert one(pack, f'// AgentCore::IamEntity::"me"\n{statement}') == []


JWT = {"gateway-authorizer-iam": {"allowedAuthorizers": ["AWS_IAM", "CUSTOM_JWT"]}}
NAMED, ANY = f'resource == AgentCore::Gateway::"{GATEWAY}"', "resource is AgentCore::Gateway"


@pytest.mark.parametrize("resource", [NAMED, ANY])
@pytest.mark.parametrize(
    ("kind", "callers", "other"),
    [
        ("CUSTOM_JWT", "IamEntity", True),
        ("CUSTOM_JWT", "OAuthUser", False),
        ("AWS_IAM", "OAuthUser", True),
        ("AWS_IAM", "IamEntity", False),
        ("NONE", "OAuthUser", False),
        (UNKNOWN, "IamEntity", False),
        (None, "IamEntity", False),
        (7, "OAuthUser", False),
    ],
)
def test_callers_are_of_the_gateway_s_kind(pack: Pack, kind: Any, callers: str, other: bool, resource: str) -> None:
    pack.configure(JWT)
    scope = f'principal is AgentCore::{callers}, action == AgentCore::Action::"math", {resource}'
    engine = {"arn": making.ENGINE, "mode": "ENFORCE"}
    taking = making.gateway(authorizerType=kind, policyEngineConfiguration=engine)
    policy = making.cedar(f'permit({scope}) when {{ principal.id like "{ENTITY}*" }};')
    violations = found(pack, making.engine(), taking, making.target(), policy)
    assert [f"is about AgentCore::{callers}" in it.message for it in violations] == [True] * other


def test_both_kinds_in_one_policy_and_gateways_of_both_kinds_pass(pack: Pack) -> None:
    pack.configure(JWT)
    engine = {"arn": making.ENGINE, "mode": "ENFORCE"}
    taking = making.gateway(authorizerType="CUSTOM_JWT", policyEngineConfiguration=engine)
    signed = Registration(taking.type, "signed", making.gateway(policyEngineConfiguration=engine).inputs)
    one = f"permit(principal is AgentCore::IamEntity, action, {ANY});"
    both = one.replace(");", ') when { principal is AgentCore::OAuthUser || principal.id == "x" };')
    assert found(pack, making.engine(), taking, making.target(), making.cedar(both)) == []
    assert found(pack, making.engine(), taking, signed, making.target(), making.cedar(one)) == []
    assert len(found(pack, making.engine(), taking, making.target(), making.cedar(one))) == 1
