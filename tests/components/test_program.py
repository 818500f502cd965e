"""The whole program, in a preview and in an update."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi_aws
import pytest
import yaml  # type: ignore[import-untyped]

from tests.planning import SAMPLE
from toolgate.components.checks.arguments import UsageError
from toolgate.components.observability import configuration

ROOT = Path(__file__).parents[2]
SOURCES = {"bundle": "sources"}
TYPES = sorted(
    [
        ("LambdaTools", "math"),
        ("Role", "math-role"),
        ("LogGroup", "math-logs"),
        ("RolePolicy", "math-logs"),
        ("Function", "math-function"),
        ("ToolGateway", "tools"),
        ("Role", "tools-role"),
        ("RolePolicy", "tools-invoke"),
        ("AgentcoreGateway", "tools-gateway"),
        ("AgentcoreGatewayTarget", "tools-math"),
        ("AgentRuntime", "assistant"),
        ("Bucket", "assistant-code"),
        ("BucketPublicAccessBlock", "assistant-code"),
        ("BucketOwnershipControls", "assistant-code"),
        ("BucketVersioning", "assistant-code"),
        ("BucketPolicy", "assistant-code"),
        ("BucketObjectv2", "assistant-code"),
        ("Role", "assistant-role"),
        ("RolePolicy", "assistant-policy"),
        ("RolePolicy", "assistant-tools"),
        ("AgentcoreAgentRuntime", "assistant-runtime"),
    ]
)
TOOLS = ["math___add_numbers", "math___multiply_numbers", "math___greeting"]
# The only statements that may name a bare "*": X-Ray and CloudWatch have no resource type for these actions.
EVERYTHING = {"WriteTraces", "WriteMetrics"}


def documents(recorded: Any) -> Iterator[tuple[str, Any]]:
    for it in recorded.resources:
        for key in ("policy", "assumeRolePolicy"):
            if key in it.inputs:
                yield f"{it.type} {it.name}", it.document(key)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


@pytest.mark.parametrize("preview", [True, False])
def test_makes_these_resources_and_no_other(run: Any, program: Any, preview: bool) -> None:
    assert run(program, SOURCES, preview=preview).types() == TYPES


def test_every_child_belongs_to_its_component(run: Any, program: Any) -> None:
    recorded = run(program, SOURCES)
    components = {"math", "tools", "assistant"}
    for it in recorded.resources:
        assert it.parent == ("toolgate-dev" if it.name in components else it.name.split("-")[0]), it.name


def test_no_document_has_a_hole(run: Any, program: Any) -> None:
    found = dict(documents(run(program, SOURCES)))
    assert len(found) == 8
    for where, document in found.items():
        for leaf in leaves(document):
            assert leaf not in (None, ""), where
            assert "Output" not in str(leaf), where


def test_a_bare_wildcard_stands_only_where_aws_knows_no_resource(run: Any, program: Any) -> None:
    bare = set()
    for _, document in documents(run(program, SOURCES)):
        for statement in document["Statement"]:
            assert "NotAction" not in statement
            assert "NotResource" not in statement
            # A denial says what nobody may do.
            assert statement["Effect"] == "Deny" or all("*" not in action for action in _listed(statement["Action"]))
            if "*" in _listed(statement.get("Resource", [])):
                bare.add(statement["Sid"])
    assert bare == EVERYTHING


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def test_no_policy_is_attached_from_outside(run: Any, program: Any) -> None:
    for it in run(program, SOURCES).resources:
        assert "Attachment" not in it.type
        assert not {"managedPolicyArns", "inlinePolicies"} & set(it.inputs), it.name


def test_the_agent_may_invoke_exactly_the_gateway_it_was_handed(run: Any, program: Any, allows: Any) -> None:
    recorded = run(program, SOURCES)
    document = recorded.one("RolePolicy", "assistant-tools").document()
    arn = recorded.outputs["gateway_arn"]
    assert allows(document, "bedrock-agentcore:InvokeGateway", arn)
    assert not allows(document, "bedrock-agentcore:InvokeGateway", arn + "x")
    assert not allows(document, "bedrock-agentcore:InvokeGateway", arn.replace("tools", "other"))
    assert not allows(document, "bedrock-agentcore:DeleteGateway", arn)
    assert not allows(document, "lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:x")
    assert recorded.one("RolePolicy", "assistant-tools").inputs["role"] == "assistant-role-1234567"


def test_in_a_preview_each_grant_still_names_what_it_is_about(run: Any, program: Any) -> None:
    recorded = run(program, SOURCES, preview=True)
    tools = recorded.one("RolePolicy", "assistant-tools").property_dependencies
    assert "tools-gateway" in tools["policy"]
    assert "assistant-role" in tools["role"]
    assert "math-function" in recorded.one("RolePolicy", "tools-invoke").property_dependencies["policy"]
    assert "assistant-code" in recorded.one("RolePolicy", "assistant-policy").property_dependencies["policy"]


def test_what_is_known_in_a_preview_stands_in_the_components_inputs(run: Any, program: Any) -> None:
    recorded = run(program, SOURCES, preview=True)
    gateway = recorded.one("ToolGateway", "tools").inputs
    assert gateway["authorization"] == "gateway"
    assert gateway["targets"]["math"]["tools"] == [name[7:] for name in TOOLS]
    agent = recorded.one("AgentRuntime", "assistant").inputs
    assert [grant["tools"] for grant in agent["tools"]] == [TOOLS]


def test_iam_comes_before_what_needs_it(run: Any, program: Any) -> None:
    recorded = run(program, SOURCES)
    assert {"math-logs"} <= recorded.one("Function", "math-function").dependencies
    assert {"tools-invoke"} <= recorded.one("AgentcoreGateway", "tools-gateway").dependencies
    assert {"tools-invoke"} <= recorded.one("AgentcoreGatewayTarget", "tools-math").dependencies
    runtime = recorded.one("AgentcoreAgentRuntime", "assistant-runtime")
    assert {"assistant-policy", "assistant-tools", "assistant-code"} <= runtime.dependencies


def test_the_runtime_waits_for_the_targets_of_its_gateway(run: Any, program: Any) -> None:
    runtime = run(program, SOURCES).one("AgentcoreAgentRuntime", "assistant-runtime")
    assert "tools-math" in runtime.property_dependencies["environmentVariables"]


def test_what_aws_refuses_too_early_is_retried(run: Any, program: Any) -> None:
    hooks = {it.name: it.hooks for it in run(program, SOURCES).resources if it.hooks}
    assert set(hooks) == {"math-function", "tools-gateway", "tools-math", "assistant-runtime"}


def test_what_holds_a_fixed_name_is_deleted_before_it_is_replaced(run: Any, program: Any) -> None:
    held = {it.name for it in run(program, SOURCES).resources if it.delete_before_replace}
    assert held == {"tools-gateway", "tools-math", "assistant-runtime"}


def test_exports(run: Any, program: Any) -> None:
    outputs = run(program, SOURCES).outputs
    assert outputs == {
        "gateway_url": "https://toolgate-dev-tools-a1b2c3d4e5.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp",
        "gateway_arn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-tools-a1b2c3d4e5",
        "agents": {
            "assistant": {
                "runtime_arn": (
                    "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/toolgate_dev_assistant-A1b2C3d4E5"
                ),
                "role_arn": "arn:aws:iam::123456789012:role/assistant-role-1234567",
                "tools": TOOLS,
            }
        },
    }


def test_only_invokes_the_stand_in_answers(run: Any, program: Any) -> None:
    recorded = run(program, SOURCES)
    assert {token.split(":")[-1] for token, _ in recorded.invokes} == {
        "getCallerIdentity",
        "getRegion",
        "getPartition",
        "getInferenceProfile",
    }


def test_two_agents_and_none_of_the_tools(run: Any, program: Any) -> None:
    agents = {"reader": {"tools": ["math"], "modelId": "amazon.nova-lite-v1:0"}, "plain": {"tools": []}}
    recorded = run(program, {**SOURCES, "agents": agents})
    assert recorded.outputs["agents"]["plain"]["tools"] == []
    assert recorded.outputs["agents"]["reader"]["tools"] == TOOLS
    assert ("RolePolicy", "plain-tools") not in recorded.types()
    variables = recorded.one("AgentcoreAgentRuntime", "plain-runtime").inputs["environmentVariables"]
    assert variables["GATEWAY_URL"] == ""
    assert recorded.one("AgentcoreAgentRuntime", "reader-runtime").inputs["agentRuntimeName"] == "toolgate_dev_reader"


def stack_config(stack: str) -> dict[str, Any]:
    values = yaml.safe_load((SAMPLE / f"Pulumi.{stack}.yaml").read_text())["config"]
    return {key.removeprefix("toolgate:"): value for key, value in values.items() if key.startswith("toolgate:")}


def test_the_stack_of_two_agents(run: Any, program: Any, allows: Any, permits: Any) -> None:
    recorded = run(program, {**SOURCES, **stack_config("agents")}, stack="agents")
    own = {"calculator": TOOLS[:2], "greeter": TOOLS[2:]}
    assert {name: it["tools"] for name, it in recorded.outputs["agents"].items()} == own
    gateway = recorded.outputs["gateway_arn"]
    assert recorded.one("AgentcoreGateway", "tools-gateway").inputs["policyEngineConfiguration"]["mode"] == "ENFORCE"
    statements = [
        it.inputs["definition"]["cedar"]["statement"]
        for it in recorded.resources
        if it.type.endswith(":AgentcorePolicy")
    ]
    assert len(statements) == 2
    for name, tools in own.items():
        assert allows(
            recorded.one("RolePolicy", f"{name}-tools").document(), "bedrock-agentcore:InvokeGateway", gateway
        )
        for tool in TOOLS:
            assert permits(statements, f"{name}-role-1234567", tool, gateway) is (tool in tools)


def test_with_authorization_by_tool_there_is_one_document_more_for_each_grant(run: Any, program: Any) -> None:
    more = [
        ("AgentcorePolicyEngine", "tools-engine"),
        ("RolePolicy", "tools-authorize"),
        ("AgentcorePolicy", "assistant-tools"),
    ]
    recorded = run(program, {**SOURCES, "authorization": "tool"})
    assert recorded.types() == sorted([*TYPES, *more])
    bare = {
        statement["Sid"]
        for _, document in documents(recorded)
        for statement in document["Statement"]
        if "*" in _listed(statement.get("Resource", []))
    }
    assert bare == EVERYTHING


INSIDE = {
    "network": {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]},
    "permissionsBoundary": "arn:aws:iam::123456789012:policy/agents-boundary",
}


def test_dev_tells_its_authors_everything_and_can_be_taken_down(run: Any, program: Any) -> None:
    recorded = run(program, {**SOURCES, **stack_config("dev")})
    assert recorded.types() == TYPES
    assert recorded.one("AgentcoreGateway", "tools-gateway").inputs["exceptionLevel"] == "DEBUG"
    assert recorded.one("Function", "math-function").inputs["loggingConfig"]["applicationLogLevel"] == "DEBUG"
    variables = recorded.one("AgentcoreAgentRuntime", "assistant-runtime").inputs["environmentVariables"]
    assert variables["AGENT_LOG_LEVEL"] == "debug"
    assert not any(it.protect for it in recorded.resources)


def test_prod_holds_what_it_keeps_by_a_key_of_its_own(run: Any, program: Any) -> None:
    recorded = run(program, {**SOURCES, **stack_config("prod")}, stack="prod")
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert recorded.one("AgentcoreGateway", "tools-gateway").inputs["kmsKeyArn"] == key
    assert recorded.one("AgentcorePolicyEngine", "tools-engine").inputs["encryptionKeyArn"] == key
    assert {it.inputs["kmsKeyId"] for it in recorded.resources if it.type.endswith(":LogGroup")} == {key}
    [rule] = recorded.one("BucketServerSideEncryptionConfiguration", "assistant-code").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == key
    assert "exceptionLevel" not in recorded.one("AgentcoreGateway", "tools-gateway").inputs
    assert recorded.one("AgentcoreGateway", "tools-gateway").inputs["policyEngineConfiguration"]["mode"] == "ENFORCE"


def test_prod_protects_what_has_an_identity_or_keeps_data_and_nothing_else(run: Any, program: Any) -> None:
    recorded = run(program, {**SOURCES, **stack_config("prod")}, stack="prod")
    kinds = {kind: {it.protect for it in recorded.resources if it.type.endswith(f":{kind}")} for kind in KINDS}
    assert {kind for kind, protected in kinds.items() if protected == {False}} == REPLACED
    assert {kind for kind, protected in kinds.items() if protected == {True}} == KINDS - REPLACED
    assert {it.type.split(":")[-1] for it in recorded.resources if it.type.startswith("aws:")} == KINDS


REPLACED = {"RolePolicy", "AgentcorePolicy", "AgentcoreGatewayTarget", "BucketObjectv2"}
KINDS = {
    *REPLACED,
    *("Key", "Alias", "Role", "LogGroup", "Function", "AgentcoreGateway", "AgentcorePolicyEngine"),
    *("AgentcoreAgentRuntime", "Bucket", "BucketPublicAccessBlock", "BucketOwnershipControls"),
    *("LogDeliverySource", "LogDeliveryDestination", "LogDelivery", "MetricAlarm", "Dashboard"),
    *("BucketServerSideEncryptionConfiguration", "BucketVersioning", "BucketPolicy"),
}


def test_a_given_key_is_used_and_none_made(run: Any, program: Any) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/abcd1234-12ab-34cd-56ef-1234567890ab"
    recorded = run(program, {**SOURCES, "kmsKey": key})
    assert recorded.one("AgentcoreGateway", "tools-gateway").inputs["kmsKeyArn"] == key
    assert not any(":kms/" in it.type for it in recorded.resources)


def test_every_role_is_within_the_boundary_and_every_agent_in_the_vpc(run: Any, program: Any) -> None:
    recorded = run(program, {**SOURCES, **INSIDE, "agents": {"one": {}, "two": {}}})
    roles = [it.inputs for it in recorded.resources if it.type.endswith(":Role")]
    assert len(roles) == 4
    assert {it.get("permissionsBoundary") for it in roles} == {INSIDE["permissionsBoundary"]}
    runtimes = [it.inputs for it in recorded.resources if it.type.endswith(":AgentcoreAgentRuntime")]
    assert [it["networkConfiguration"]["networkMode"] for it in runtimes] == ["VPC", "VPC"]


def test_an_agent_may_do_what_its_stack_says_and_no_other_agent_may(run: Any, program: Any, allows: Any) -> None:
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/notes"
    team = {"StringEquals": {"aws:ResourceTag/team": ["agents"]}}
    statements = [
        {"actions": ["dynamodb:GetItem"], "resources": [table], "conditions": team},
        {"actions": ["s3:ListBucket"], "resources": ["*"], "reason": "It finds the bucket of the day."},
    ]
    recorded = run(program, {**SOURCES, "agents": {"one": {"statements": statements}, "two": {}}})
    assert [name for kind, name in recorded.types() if kind == "RolePolicy" and name.endswith("-statements")] == [
        "one-statements"
    ]
    policy = recorded.one("RolePolicy", "one-statements")
    assert policy.inputs["role"] == "one-role-1234567"
    assert allows(policy.document(), "dynamodb:GetItem", table, aws__ResourceTag_team="x") is False
    assert allows(policy.document(), "s3:ListBucket", "arn:aws:s3:::any")
    [reading, listing] = policy.document()["Statement"]
    assert reading["Condition"] == team
    assert "reason" not in listing
    assert recorded.one("AgentRuntime", "one").inputs["statements"] == statements
    assert "one-statements" in recorded.one("AgentcoreAgentRuntime", "one-runtime").dependencies


def test_roles_that_others_made_get_what_is_needed_written_into_them(
    run: Any, program: Any, allows: Any, permits: Any
) -> None:
    agent, gateway = (f"arn:aws:iam::111122223333:role/platform/{name}" for name in ("helper", "gate"))
    boundary = INSIDE["permissionsBoundary"]
    config = {"agents": {"helper": {"roleArn": agent}, "other": {}}, "gatewayRoleArn": gateway, "authorization": "tool"}
    recorded = run(program, {**SOURCES, **config, "permissionsBoundary": boundary})
    roles = {name: recorded.one("Role", name) for kind, name in recorded.types() if kind == "Role"}
    assert roles.keys() == {"math-role", "other-role"}
    assert {it.inputs["permissionsBoundary"] for it in roles.values()} == {boundary}
    written = {it.name: it for it in recorded.resources if it.type.endswith(":RolePolicy")}
    assert {name for name, it in written.items() if it.inputs["role"] == "helper"} == {"helper-policy", "helper-tools"}
    assert {name for name, it in written.items() if it.inputs["role"] == "gate"} == {"tools-invoke", "tools-authorize"}
    arn = recorded.outputs["gateway_arn"]
    assert allows(written["helper-tools"].document(), "bedrock-agentcore:InvokeGateway", arn)
    assert recorded.one("AgentcoreAgentRuntime", "helper-runtime").inputs["roleArn"] == agent
    assert recorded.one("AgentcoreGateway", "tools-gateway").inputs["roleArn"] == gateway
    assert recorded.outputs["agents"]["helper"]["role_arn"] == agent
    cedar = recorded.one("AgentcorePolicy", "helper-tools").inputs["definition"]["cedar"]["statement"]
    assert '"arn:aws:sts::111122223333:assumed-role/helper"' in cedar
    other = recorded.one("AgentcorePolicy", "other-tools").inputs["definition"]["cedar"]["statement"]
    assert permits([other], "other-role-1234567", TOOLS[0], arn)


def test_a_function_that_is_there_already_is_a_target_like_any_other(
    run: Any, program: Any, tmp_path: Path, allows: Any
) -> None:
    arn = "arn:aws:lambda:us-east-1:111122223333:function:orders:live"
    find = {"name": "find", "description": "Finds.", "inputSchema": {"type": "object", "properties": {}}}
    (tmp_path / "orders.json").write_text(json.dumps([find]))
    targets = {"orders": {"functionArn": arn, "tools": str(tmp_path / "orders.json")}}
    recorded = run(program, {**SOURCES, "targets": targets})
    assert recorded.types() == sorted([*TYPES, ("AgentcoreGatewayTarget", "tools-orders")])
    target = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs["targetConfiguration"]["mcp"]["lambda"]
    assert target["lambdaArn"] == arn
    assert [tool["name"] for tool in target["toolSchema"]["inlinePayloads"]] == ["find"]
    invoke = recorded.one("RolePolicy", "tools-invoke").document()
    assert allows(invoke, "lambda:InvokeFunction", arn)
    assert not allows(invoke, "lambda:InvokeFunction", arn.removesuffix(":live"))
    assert recorded.outputs["agents"]["assistant"]["tools"] == [*TOOLS, "orders___find"]


def test_an_agent_reaches_exactly_the_gateways_of_others_that_it_was_handed(
    run: Any, program: Any, allows: Any
) -> None:
    arn = "arn:aws:bedrock-agentcore:us-east-1:111122223333:gateway/shared-tools-a1b2c3d4e5"
    url = "https://shared-tools-a1b2c3d4e5.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
    grant = {"arn": arn, "url": url, "tools": ["crm___find"]}
    agents = {"both": {"gateways": [grant]}, "only": {"tools": [], "gateways": [grant]}, "own": {}}
    recorded = run(program, {**SOURCES, "agents": agents})
    own = recorded.outputs["gateway_arn"]
    for name, reached in {"both": {arn, own}, "only": {arn}, "own": {own}}.items():
        document = recorded.one("RolePolicy", f"{name}-tools").document()
        invoke = "bedrock-agentcore:InvokeGateway"
        assert {it for it in (arn, own, arn[:-1] + "x") if allows(document, invoke, it)} == reached
        variables = recorded.one("AgentcoreAgentRuntime", f"{name}-runtime").inputs["environmentVariables"]
        assert (url in variables["GATEWAY_URL"].split()) is (arn in reached)
    assert recorded.outputs["agents"]["both"]["tools"] == [*TOOLS, "crm___find"]


def test_a_target_has_what_its_stack_says(run: Any, program: Any) -> None:
    targets = {"math": {"timeout": 9, "environment": {"LEVEL": "1"}, "reservedConcurrency": 2}}
    function = run(program, {**SOURCES, "targets": targets}).one("Function", "math-function").inputs
    assert (function["timeout"], function["memorySize"]) == (9, 256)
    assert function["environment"] == {"variables": {"LEVEL": "1"}}
    assert function["reservedConcurrentExecutions"] == 2


def test_telemetry_is_a_setting(run: Any, program: Any) -> None:
    def runtime(**config: Any) -> Any:
        return run(program, {**SOURCES, **config}).one("AgentcoreAgentRuntime", "assistant-runtime").inputs

    def started(inputs: Any) -> Any:
        return inputs["agentRuntimeArtifact"]["codeConfiguration"]["entryPoints"]

    on, off = runtime(), runtime(observability={"telemetry": False})
    assert started(on) == ["opentelemetry-instrument", "main.py"]
    assert started(off) == ["main.py"]
    assert (
        set(on["environmentVariables"]) - set(off["environmentVariables"]) == configuration.TELEMETRY_ENVIRONMENT.keys()
    )


def takes_tags(token: str) -> bool:
    """Whether the provider's resource of this type has tags."""
    module, _, name = token.removeprefix("aws:").partition("/")
    module = {"lambda": "lambda_"}.get(module, module)
    made = getattr(getattr(pulumi_aws, module), name.partition(":")[2])
    return "tags" in inspect.signature(made._internal_init).parameters


def test_everything_that_takes_tags_has_the_stack_s(run: Any, program: Any) -> None:
    given = {"team": "agents", "cost centre": "4711"}
    config = {**SOURCES, **stack_config("prod"), "kmsKey": "create", "tags": given}
    made = [it for it in run(program, config, stack="prod").resources if it.type.startswith("aws:")]
    assert {it.type.split(":")[-1] for it in made} == KINDS
    tagged = {it.type.split(":")[-1]: it.inputs.get("tags") for it in made if takes_tags(it.type)}
    key = {"Key": given | {"toolgate:stack": "toolgate/prod"}}
    assert tagged == dict.fromkeys(TAGGED, given) | key
    for it in made:
        assert it.inputs.get("tags") == (key.get(it.type.split(":")[-1], given) if takes_tags(it.type) else None), (
            it.name
        )


TAGGED = {
    *("Key", "Role", "LogGroup", "Function", "AgentcoreGateway", "AgentcorePolicyEngine", "AgentcoreAgentRuntime"),
    *("Bucket", "BucketObjectv2", "LogDeliverySource", "LogDeliveryDestination", "LogDelivery", "MetricAlarm"),
}


def test_prod_can_be_seen_afterwards_and_dev_keeps_nothing(run: Any, program: Any) -> None:
    recorded = run(program, {**SOURCES, **stack_config("prod")}, stack="prod")
    kinds = {kind for kind, _ in recorded.types()}
    assert {"LogDelivery", "MetricAlarm", "Dashboard"} <= kinds
    logs = {it.inputs["logType"] for it in recorded.resources if it.type.endswith(":LogDeliverySource")}
    assert logs == {"APPLICATION_LOGS", "TRACES"}
    assert run(program, {**SOURCES, **stack_config("dev")}).types() == TYPES


def test_what_can_be_seen_afterwards_is_a_setting(run: Any, program: Any) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:oncall"
    seen = {"logs": True, "retentionDays": 7, "traces": True, "alarms": True, "alarmTopics": [topic], "dashboard": True}
    more = [
        (kind, f"{name}-{what}")
        for name in ("tools", "assistant")
        for kind, whats in {
            "LogGroup": ("logs",),
            "LogDeliverySource": ("logs", "traces"),
            "LogDeliveryDestination": ("logs", "traces"),
            "LogDelivery": ("logs", "traces"),
            "MetricAlarm": ("system-errors", "throttles", "user-errors"),
        }.items()
        for what in whats
    ]
    recorded = run(program, {**SOURCES, "observability": seen})
    dashboard = [("Dashboard", "overview"), ("Dashboard", "overview-dashboard")]
    assert recorded.types() == sorted([*TYPES, *more, *dashboard])
    assert recorded.one("LogGroup", "tools-logs").inputs["retentionInDays"] == 7
    assert recorded.one("MetricAlarm", "assistant-throttles").inputs["alarmActions"] == [topic]
    [component, resource] = [it for it in recorded.resources if it.type.endswith(":Dashboard")]
    assert set(component.inputs) == {"gateways", "runtimes", "functions"}
    charts = [it["properties"]["title"] for it in json.loads(resource.inputs["dashboardBody"])["widgets"]]
    assert charts[::2] == ["gateway tools: calls", "runtime assistant: calls", "function math: calls"]


@pytest.mark.parametrize(
    ("config", "stack", "message"),
    [
        ({"agents": {"a": {"tools": ["mth"]}}}, "dev", "toolgate:agents.a.tools: 'mth' is neither a target nor a tool"),
        ({"agents": {"a": {"tools": ["math___greeting"]}}}, "dev", "leaving out math___add_numbers"),
        ({"agents": {"a b": {}}}, "dev", "runtime name 'toolgate_dev_a b' is refused"),
        ({"agents": {"a": {"toolz": []}}}, "dev", "toolgate:agents.a: unknown key 'toolz'. Did you mean 'tools'?"),
        ({"authorization": "tool", "agents": {"a": {"tools": ["math___sub"]}}}, "dev", "'math___sub' is neither"),
        ({"observability": "yes"}, "dev", "toolgate:observability: must be a map of settings"),
        ({"observability": {"retentionDays": 7}}, "dev", "retentionDays: says nothing without logs"),
        ({"kmsKey": "mine"}, "dev", "toolgate:kmsKey ('create' makes one): 'mine' is no ARN of a KMS key"),
        ({"tags": {"aws:team": "x"}}, "dev", "toolgate:tags: 'aws:team' begins with 'aws:'"),
        ({"modell": "x"}, "dev", "toolgate: unknown key 'modell'. Did you mean 'modelId'?"),
        ({}, "a-very-long-stack-name-that-does-not-fit-the-limit", "characters; at most"),
        ({}, "dev!", "is refused"),
    ],
)
def test_what_is_wrong_is_found_before_the_first_resource(
    run: Any, program: Any, config: Any, stack: str, message: str
) -> None:
    registered: list[Any] = []

    def watched() -> None:
        try:
            program()
        except UsageError as error:
            registered.append(str(error))

    recorded = run(watched, {**SOURCES, **config}, stack=stack)
    assert message in registered[0]
    assert recorded.resources == []


def test_a_plan_is_the_same_twice(run: Any, program: Any) -> None:
    def inputs() -> str:
        found = {f"{it.type} {it.name}": it.inputs for it in run(program, SOURCES).resources}
        return json.dumps(found, sort_keys=True)

    assert inputs() == inputs()
