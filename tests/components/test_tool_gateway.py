import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.targets.gateway_targets import CONCURRENT_TARGETS
from toolgate.components.tool_gateway import ExceptionLevel, ToolGateway

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/agents-boundary"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"


def target(function: str, *tools: str) -> Any:
    schema = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    listed = [{"name": tool, "description": "Does it.", "inputSchema": schema} for tool in tools]
    return {"function_arn": FUNCTION + function, "tools": listed}


TARGETS = {"math": target("one", "add", "multiply"), "people": target("two", "greet")}
MODE = {"mode": {"type": "string", "enum": ["a", "b"]}}
ODD = {
    "function_arn": FUNCTION + "own",
    "tools": [{"name": "q", "description": "Q.", "inputSchema": {"type": "object", "properties": MODE}}],
}
ALL = ["math___add", "math___multiply", "people___greet"]


def test_the_gateway(run: Any) -> None:
    recorded = run(lambda: ToolGateway("tools", {"targets": TARGETS, "description": "All of it"}))
    gateway = recorded.one("AgentcoreGateway", "tools-gateway")
    assert gateway.inputs == {
        "name": "toolgate-dev-tools",
        "description": "All of it",
        "authorizerType": "AWS_IAM",
        "protocolType": "MCP",
        "protocolConfiguration": {
            "mcp": {"searchType": "SEMANTIC", "supportedVersions": ["2025-03-26", "2025-06-18", "2025-11-25"]}
        },
        "roleArn": "arn:aws:iam::123456789012:role/tools-role-1234567",
    }


@pytest.mark.parametrize("authorization", list(Authorization))
def test_what_aws_fixes_at_creation_makes_a_new_gateway(run: Any, authorization: Authorization) -> None:
    """The search in both directions: nobody says that an update switches it off."""
    recorded = run(lambda: ToolGateway("tools", {"targets": TARGETS, "authorization": authorization}))
    gateway = recorded.one("AgentcoreGateway", "tools-gateway")
    fixed = {f"protocolConfiguration.mcp.{name}" for name in ("searchType", "supportedVersions")}
    assert set(gateway.replace_on_changes) == fixed
    assert gateway.delete_before_replace


def test_a_given_key_encrypts_gateway_and_engine_and_the_role_uses_it(run: Any, allows: Any) -> None:
    given: Any = {"targets": TARGETS, "authorization": Authorization.TOOL, "kms_key_arn": KEY}
    recorded = run(lambda: ToolGateway("tools", given))
    assert recorded.one("AgentcoreGateway", "tools-gateway").inputs["kmsKeyArn"] == KEY
    assert recorded.one("AgentcorePolicyEngine", "tools-engine").inputs["encryptionKeyArn"] == KEY
    document = recorded.one("RolePolicy", "tools-encrypt").document()
    for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"):
        assert allows(document, action, KEY)
        assert not allows(document, action, KEY.replace("1234abcd", "abcd1234"))
    assert allows(document, "kms:CreateGrant", KEY, kms__GrantConstraintType="EncryptionContextSubset")
    assert not allows(document, "kms:CreateGrant", KEY)
    for action in ("kms:Encrypt", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"):
        assert not allows(document, action, KEY)
    assert "tools-encrypt" in recorded.one("AgentcoreGateway", "tools-gateway").dependencies


def test_an_engine_with_a_key_has_another_name_and_comes_before_the_old_one_goes(run: Any) -> None:
    given: Any = {"targets": TARGETS, "authorization": Authorization.TOOL}
    plain = run(lambda: ToolGateway("tools", given)).one("AgentcorePolicyEngine", "tools-engine")
    keyed = run(lambda: ToolGateway("tools", given | {"kms_key_arn": KEY})).one("AgentcorePolicyEngine", "tools-engine")
    assert plain.inputs["name"] == "toolgate_dev_tools"
    assert keyed.inputs["name"] == "toolgate_dev_tools_cmk"
    assert not keyed.delete_before_replace


def test_callers_are_told_about_errors_only_where_that_is_asked_for(run: Any) -> None:
    def level(**more: Any) -> Any:
        recorded = run(lambda: ToolGateway("tools", {"targets": TARGETS, **more}))  # type: ignore[typeddict-item]
        return recorded.one("AgentcoreGateway", "tools-gateway").inputs.get("exceptionLevel")

    assert level() is None
    assert level(exception_level=ExceptionLevel.DEBUG) == "DEBUG"
    assert level(exception_level="DEBUG") == "DEBUG"


def test_its_role_stays_within_a_boundary(run: Any) -> None:
    recorded = run(lambda: ToolGateway("tools", {"targets": TARGETS, "permissions_boundary": BOUNDARY}))
    assert recorded.one("Role", "tools-role").inputs["permissionsBoundary"] == BOUNDARY


def test_removal_protection_leaves_alone_what_updates_replace(run: Any) -> None:
    given: Any = {"targets": TARGETS, "authorization": Authorization.TOOL, "kms_key_arn": KEY}
    recorded = run(lambda: ToolGateway("tools", given, pulumi.ResourceOptions(protect=True)))
    assert {it.name for it in recorded.resources if it.protect} == {
        "tools",
        "tools-role",
        "tools-engine",
        "tools-gateway",
    }


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kms_key_arn": "alias/x"}, "kms_key_arn: 'alias/x' is no ARN of a KMS key"),
        ({"permissions_boundary": "x"}, "permissions_boundary: 'x' is no ARN of a managed policy"),
        ({"role_arn": "arn:aws:iam::123456789012:role/r", "permissions_boundary": BOUNDARY}, "has its own boundary"),
        ({"tags": {"toolgate:stack": "x"}}, "'toolgate:stack' is written by the components"),
        ({"exception_level": "INFO"}, "exception_level: 'INFO' is not one of 'DEBUG'"),
    ],
)
def test_what_aws_would_refuse_is_refused(run: Any, more: Any, message: str) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=message):
            ToolGateway("tools", {"targets": TARGETS} | more)

    assert run(program).resources == []


def test_its_role_invokes_exactly_its_targets_functions(run: Any, allows: Any) -> None:
    document = run(lambda: ToolGateway("tools", {"targets": TARGETS})).one("RolePolicy", "tools-invoke").document()
    assert allows(document, "lambda:InvokeFunction", FUNCTION + "one")
    assert allows(document, "lambda:InvokeFunction", FUNCTION + "two")
    assert not allows(document, "lambda:InvokeFunction", FUNCTION + "three")


def test_its_role_trusts_the_gateway_of_its_own_name(run: Any) -> None:
    recorded = run(lambda: ToolGateway("tools", {"targets": TARGETS}))
    [statement] = recorded.one("Role", "tools-role").document("assumeRolePolicy")["Statement"]
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":gateway/toolgate-dev-tools-??????????")


def test_its_targets(run: Any) -> None:
    recorded = run(lambda: ToolGateway("tools", {"targets": TARGETS}))
    people = recorded.one("AgentcoreGatewayTarget", "tools-people").inputs
    assert people["name"] == "people"
    assert people["gatewayIdentifier"] == "toolgate-dev-tools-a1b2c3d4e5"
    assert people["credentialProviderConfiguration"] == {"gatewayIamRole": {}}
    function = people["targetConfiguration"]["mcp"]["lambda"]
    assert function["lambdaArn"] == FUNCTION + "two"
    [tool] = function["toolSchema"]["inlinePayloads"]
    assert (tool["name"], tool["inputSchema"]["properties"][0]["required"]) == ("greet", True)


def test_no_more_targets_are_under_way_than_agentcore_takes(run: Any) -> None:
    targets = {f"t{number:02}": target(f"f{number}", f"tool{number}") for number in range(12)}
    recorded = run(lambda: ToolGateway("tools", {"targets": targets}))
    made = [it for it in recorded.resources if it.type.endswith("AgentcoreGatewayTarget")]
    order = {f"tools-{name}": number for number, name in enumerate(targets)}
    waits = {order[it.name]: {order[name] for name in it.dependencies if name in order} for it in made}
    assert all(not waits[number] for number in range(CONCURRENT_TARGETS))
    assert all(waits[number] == {number - CONCURRENT_TARGETS} for number in range(CONCURRENT_TARGETS, 12))


def test_its_tools_are_what_an_agent_takes(run: Any) -> None:
    handed: list[Any] = []

    def program() -> None:
        gateway = ToolGateway("tools", {"targets": TARGETS})
        for grant in (gateway.tools(), gateway.tools("math", "people___greet")):
            assert grant["tools"] == ALL
            pulumi.Output.from_input(grant).apply(handed.append)

    run(program)
    assert handed[0] == handed[1]
    assert handed[0]["gateway_arn"].endswith(":gateway/toolgate-dev-tools-a1b2c3d4e5")
    assert handed[0]["gateway_url"].endswith(".amazonaws.com/mcp")


def tool_gateway(**more: Any) -> ToolGateway:
    args: Any = {"targets": TARGETS, "authorization": Authorization.TOOL, **more}
    return ToolGateway("tools", args)


def test_authorization_by_tool_attaches_an_engine_that_enforces(run: Any) -> None:
    recorded = run(lambda: tool_gateway(tags={"team": "a"}))
    engine = recorded.one("AgentcorePolicyEngine", "tools-engine")
    assert engine.inputs == {"name": "toolgate_dev_tools", "tags": {"team": "a"}}
    gateway = recorded.one("AgentcoreGateway", "tools-gateway")
    arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:policy-engine/toolgate_dev_tools-a1b2c3d4e5"
    assert gateway.inputs["policyEngineConfiguration"] == {"arn": arn, "mode": "ENFORCE"}
    # The search would show a caller the tools that it may not call.
    assert "searchType" not in gateway.inputs["protocolConfiguration"]["mcp"]
    assert recorded.one("ToolGateway", "tools").inputs["authorization"] == "tool"


def test_without_it_there_is_no_engine(run: Any) -> None:
    gateways: list[ToolGateway] = []
    recorded = run(lambda: gateways.append(ToolGateway("tools", {"targets": TARGETS})))
    assert not [it for it in recorded.resources if "Policy" in it.type and not it.type.endswith(":RolePolicy")]
    assert "policyEngineConfiguration" not in recorded.one("AgentcoreGateway", "tools-gateway").inputs
    assert gateways[0].policy_engine_id is None


def test_its_role_may_ask_the_engine_and_nothing_else(run: Any, allows: Any) -> None:
    recorded = run(tool_gateway)
    document = recorded.one("RolePolicy", "tools-authorize").document()
    gateway = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-tools-a1b2c3d4e5"
    engine = recorded.one("AgentcoreGateway", "tools-gateway").inputs["policyEngineConfiguration"]["arn"]
    assert allows(document, "bedrock-agentcore:GetPolicyEngine", engine)
    assert allows(document, "bedrock-agentcore:AuthorizeAction", engine)
    assert allows(document, "bedrock-agentcore:PartiallyAuthorizeActions", gateway)
    assert not allows(document, "bedrock-agentcore:AuthorizeAction", engine.replace("tools-", "other-"))
    assert not allows(document, "lambda:InvokeFunction", FUNCTION + "one")
    assert allows(recorded.one("RolePolicy", "tools-invoke").document(), "lambda:InvokeFunction", FUNCTION + "one")


def test_engine_then_permissions_then_gateway_then_targets(run: Any) -> None:
    recorded = run(tool_gateway)
    permissions = recorded.one("RolePolicy", "tools-authorize")
    assert permissions.property_dependencies["policy"] == {"tools-engine"}
    gateway = recorded.one("AgentcoreGateway", "tools-gateway")
    assert {"tools-engine", "tools-authorize", "tools-invoke"} <= gateway.dependencies
    assert gateway.hooks == ["ToolGateway-tools-propagation"]
    for name in ("tools-math", "tools-people"):
        assert {"tools-gateway", "tools-authorize"} <= recorded.one("AgentcoreGatewayTarget", name).dependencies


def test_a_part_of_its_tools_is_handed_over_with_the_engine_that_enforces_it(run: Any) -> None:
    handed: list[Any] = []

    def program() -> None:
        gateway = tool_gateway()
        grants = [
            gateway.tools("people___greet", "math___add", when='context.input.x != "y"'),
            gateway.tools("math"),
            gateway.tools(),
        ]
        pulumi.Output.from_input(grants).apply(handed.extend)

    run(program)
    part, target_, every = handed
    assert part["tools"] == part["actions"] == ["math___add", "people___greet"]
    assert part["when"] == 'context.input.x != "y"'
    assert part["policy_engine_id"] == "toolgate_dev_tools-a1b2c3d4e5"
    # A target's name stands for the tools it has now, as the plan shows them; none at all for what comes later too.
    assert target_["tools"] == target_["actions"] == ["math___add", "math___multiply"]
    assert (every["tools"], every["actions"]) == (ALL, ["math", "people"])
    assert "when" not in every


@pytest.mark.parametrize(
    ("authorization", "asked", "when", "message"),
    [
        (
            "tool",
            ["math___subtract"],
            None,
            "ToolGateway 'tools'.tools: 'math___subtract' is neither a target nor a tool",
        ),
        ("tool", ["math__add"], None, "'math__add' is neither"),
        ("tool", ["math"], "context.input.y == 1", "`input.y` in context .* not found"),
        ("tool", [], "context.input.x == 1", "the types .* are not compatible"),
        ("tool", ["math"], "true } unless { false", "more than one expression"),
        ("tool", ["math"], f'context.input.x == "{"x" * 10_000}"', "may have 10[0-9]+ characters; .* 35 to 10000"),
        ("tool", ["math"], 1, "when: must be a string, not 1"),
        ("gateway", [], "true", "a condition cannot be enforced with authorization 'gateway'. Use 'tool'"),
    ],
)
def test_what_the_engine_would_refuse_is_an_error_at_once(
    run: Any, authorization: str, asked: list[str], when: Any, message: str
) -> None:
    def program() -> None:
        gateway = ToolGateway("tools", {"targets": TARGETS, "authorization": Authorization(authorization)})
        with pytest.raises(UsageError, match=message):
            gateway.tools(*asked, when=when)

    run(program)


@pytest.mark.parametrize(("asked", "message"), [("math", "leaving out people___greet"), ("mth", "is neither")])
def test_what_it_cannot_grant_is_an_error(run: Any, asked: str, message: str) -> None:
    def program() -> None:
        gateway = ToolGateway("tools", {"targets": TARGETS})
        with pytest.raises(UsageError, match=message):
            gateway.tools(asked)

    run(program)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("tools", {}, "missing 'targets'"),
        ("tools", {"targets": {}}, "has no target"),
        ("tools", {"targets": {"math": target("one")}}, "target 'math' has no tool"),
        ("tools", {"targets": {"math": {"function_arn": "x"}}}, r"targets\.math: missing 'tools'"),
        ("tools", {"targets": {"a": target("one", "x"), "b": target("two", "x")}}, "both have the tool 'x'"),
        ("tools", {"targets": {"my_target": target("one", "x")}}, "target name 'my_target' is refused"),
        (
            "tools",
            {"targets": {"own": ODD}},
            r"^ToolGateway 'tools'\.targets\.own\.tools\[0\]\.inputSchema\.properties\.mode: .* has no 'enum'",
        ),
        (
            "tools",
            {"targets": {"own": ODD, "bare": {"function_arn": "x", "tools": [{"name": "a.b"}]}}},
            r"mode: .* has no 'enum'.*\n(.*\n)*.*\.targets\.bare\.tools\[0\]: missing .*\n.*bare\.tools\[0\]\.name: ",
        ),
        (
            "tools",
            {"targets": {"own": {"function_arn": "x", "tools": "q"}}},
            r"targets\.own\.tools: must be a list, not 'q'",
        ),
        ("tools", {"targets": {"own": "x"}}, r"targets\.own: must be a map, not 'x'"),
        ("tools", {"targets": ["x"]}, r"targets: must be a map, not \['x'\]"),
        ("tools", [], r"must be a map, not \[\]"),
        ("tools", {"targets": {"math": target("one", "x" * 57)}}, None),
        ("tools", {"targets": {"math": target("one", "x" * 58)}}, "full tool name .* has 65 characters; at most 64"),
        ("tools", {"targets": TARGETS, "authorization": Authorization.TOOL}, None),
        ("tools", {"targets": TARGETS, "authorization": "tool", "find": True}, "unknown key 'find'"),
        ("tools", {"targets": TARGETS, "authorization": "open"}, "'open' is not one of 'gateway', 'tool'"),
        ("tools", {"targets": TARGETS, "description": "x" * 201}, "description: has 201 characters; 1 to 200"),
        ("tools", {"targets": TARGETS, "authorizer": "NONE"}, "unknown key 'authorizer'"),
        ("Tools!", {"targets": TARGETS}, "gateway name 'toolgate-dev-tools!' is refused"),
        ("t" * 36, {"targets": TARGETS}, "gateway name .* has 49 characters; at most 48"),
    ],
)
def test_nothing_is_made_of_what_is_wrong(run: Any, name: str, args: Any, message: str | None) -> None:
    def program() -> None:
        if message is None:
            ToolGateway(name, args)
            return
        with pytest.raises(UsageError, match=message):
            ToolGateway(name, args)

    assert bool(run(program).resources) is (message is None)


def as_outputs() -> Any:
    return {name: it | {"tools": pulumi.Output.from_input(it["tools"])} for name, it in TARGETS.items()}


def test_tools_may_be_outputs(run: Any) -> None:
    named: list[str] = []
    plain = run(lambda: ToolGateway("tools", {"targets": TARGETS}))
    late = run(lambda: ToolGateway("tools", {"targets": as_outputs()}).tool_names.apply(named.extend))
    assert named == ALL
    for target_name in TARGETS:
        one, other = (it.one("AgentcoreGatewayTarget", f"tools-{target_name}").inputs for it in (plain, late))
        assert one == other


def test_tools_that_are_outputs_are_handed_over_by_name(run: Any) -> None:
    with pytest.raises(UsageError, match=r"^ToolGateway 'tools'\.tools: .*tool_names"):
        run(lambda: ToolGateway("tools", {"targets": as_outputs()}).tools())


@pytest.mark.parametrize("as_given", [json.loads, pulumi.Output.json_loads], ids=["plain", "output"])
def test_many_tools_take_no_more_outputs_than_one(
    run: Any, monkeypatch: pytest.MonkeyPatch, as_given: Callable[[str], Any]
) -> None:
    """The SDK's own combining makes an Output of each leaf of a schema: minutes for the tools of a hundred gateways."""
    made: list[object] = []
    track = pulumi.Output._track

    def counted(output: pulumi.Output[Any]) -> None:
        made.append(output)
        track(output)

    monkeypatch.setattr(pulumi.Output, "_track", counted)

    def outputs(count: int) -> int:
        given = target("one", *(f"tool{number}" for number in range(count)))
        tools = json.dumps(given["tools"])
        made.clear()
        run(lambda: ToolGateway("tools", {"targets": {"first": given | {"tools": as_given(tools)}}}))
        return len(made)

    assert outputs(40) == outputs(1) > 0


def test_the_mistakes_of_the_manual_are_told_as_it_says(run: Any) -> None:
    given: Any = copy.deepcopy(ODD)
    given["tools"][0]["inputSchema"]["required"] = ["mod"]
    page = (Path(__file__).parents[2] / "docs" / "tools.md").read_text(encoding="utf-8")

    def program() -> None:
        with pytest.raises(UsageError) as raised:
            ToolGateway("tools", {"targets": {"own": given}})
        assert f"```text\n{raised.value}\n```" in page

    run(program)
