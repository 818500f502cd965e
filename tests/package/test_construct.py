"""Components made through the plugin, as an engine makes them for a program in another language."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.recorder import Program, record
from toolgate.policy.language.unknown import UNKNOWN_TEXT

from .conftest import SIGNATURE, Hosted, Made

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/other-a1b2c3d4e5"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
"""Marks a secret on the wire (pulumi sdk/go/common/resource/sig)."""
GRANT = {"gatewayArn": GATEWAY, "gatewayUrl": "https://other-a1b2c3d4e5.gateway.example/mcp"}
AGENT = {"code": "agent.zip", "modelId": MODEL}
WATCHED: dict[str, Any] = {
    "logs": {"retentionDays": 7},
    "traces": True,
    "alarms": {"topics": ["arn:aws:sns:us-east-1:123456789012:oncall"]},
}
KNOWN_LATE = "urn:pulumi:dev::toolgate::a:b:C::late"
TOOLS = ["math___add_numbers", "math___multiply_numbers", "math___greeting"]
SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}}
SAME_IN_PYTHON = """
from components.agent_runtime import AgentRuntime
from components.dashboard import Dashboard
from components.lambda_tools import LambdaTools
from components.tool_gateway import ToolGateway

math = LambdaTools("math", {"directory": "lambdas/math"})
gateway = ToolGateway("tools", {"targets": {"math": math.target}, "authorization": AUTHORIZATION} | WATCHED)
agent = AgentRuntime("assistant", AGENT | WATCHED | {"tools": [gateway.tools("math")]})
Dashboard("overview", {"gateways": {"tools": gateway.gateway_arn}, "runtimes": {"assistant": agent.runtime_arn}})
"""


OKTA = "https://okta.example/.well-known/openid-configuration"
TOKENS_IN_PYTHON = f"""
from components.agent_runtime import AgentRuntime
from components.machine_client import MachineClient
from components.token_issuer import TokenIssuer
from components.tool_gateway import ToolGateway

issuer = TokenIssuer("tokens", {{"access_token_minutes": 15}})
say = {{"name": "say", "description": "Says.", "inputSchema": {SCHEMA}}}
targets = {{"own": {{"function_arn": {FUNCTION!r}, "tools": [say]}}}}
gateway = ToolGateway("tools", {{"targets": targets, "authorization": "tool", "inbound": issuer.inbound}})
# What the other languages hand over: each tool by its name.
grant = gateway.tools("own")
foreign = {{
    "gateway_arn": {GATEWAY!r},
    "gateway_url": "https://other-a1b2c3d4e5.gateway.example/mcp",
    "tools": ["far___away"],
    "bearer": {{"issuer": "okta", "discovery_url": {OKTA!r}}},
}}
credentials = {{
    "issuer": "okta",
    "client_id": "0oa1",
    "secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-a1B2c3",
    "json_key": "key",
}}
agent = {{"code": "agent.zip", "model_id": {MODEL!r}, "tools": [grant, foreign], "credentials": [credentials]}}
AgentRuntime("assistant", agent)
MachineClient("job", {{"tools": [grant]}})
"""

MEMORY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/m-0123456789"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
FACTS = {"type": "SEMANTIC", "namespace": "/facts/{actorId}/"}
MEMORY_IN_PYTHON = f"""
from components.agent_runtime import AgentRuntime
from components.memory.agentcore_memory import Memory

facts = {FACTS}
memory = Memory(
    "talks", {{"expiry_days": 90, "kms_key_arn": {KEY!r}, "strategies": {{"facts": facts}}, "description": "Talks"}}
)
AgentRuntime("assistant", {{"code": "agent.zip", "model_id": {MODEL!r}, "memory": memory.events(recall=["facts"])}})
"""

Handed = Callable[[Made, str], Any]


def deploy(hosted: Hosted, authorization: str, handed: Handed = Made.output) -> Made:
    """The components, each handed the outputs of those before it; returns the agent."""
    function = hosted.construct("LambdaTools", "math", {"directory": "lambdas/math"})
    target = {"functionArn": handed(function, "functionArn"), "tools": handed(function, "tools")}
    args = {"targets": {"math": target}, "authorization": authorization, **WATCHED}
    gateway = hosted.construct("ToolGateway", "tools", args, {"targets": [function.urn]})
    grant = {
        "gatewayArn": handed(gateway, "gatewayArn"),
        "gatewayUrl": handed(gateway, "gatewayUrl"),
        "tools": handed(gateway, "toolNames"),
    }
    if authorization == "tool":
        grant["policyEngineId"] = handed(gateway, "policyEngineId")
    agent_args = {**AGENT, **WATCHED, "tools": [grant]}
    agent = hosted.construct("AgentRuntime", "assistant", agent_args, {"tools": [gateway.urn]})
    shown = {
        "gateways": {"tools": handed(gateway, "gatewayArn")},
        "runtimes": {"assistant": handed(agent, "runtimeArn")},
    }
    hosted.construct("Dashboard", "overview", shown, {"gateways": [gateway.urn], "runtimes": [agent.urn]})
    return agent


def refused(hosted: Hosted, kind: str, inputs: dict[str, Any]) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        hosted.construct(kind, "it", inputs)
    return str(caught.value.details())


def made(hosted: Hosted) -> list[str]:
    return [it.request.type for it in hosted.recording.registrations if it.request.custom]


@pytest.mark.parametrize("handed", [Made.output, Made.value])
@pytest.mark.parametrize("authorization", ["gateway", "tool"])
def test_the_same_is_deployed_as_by_a_python_program(
    hosted: Hosted, folder: Path, authorization: str, handed: Handed
) -> None:
    agent = deploy(hosted, authorization, handed)
    assert agent.state["toolNames"] == TOOLS
    agent_args = {"code": AGENT["code"], "model_id": AGENT["modelId"]}
    watched = {**WATCHED, "logs": {"retention_days": WATCHED["logs"]["retentionDays"]}}
    constants = f"AUTHORIZATION = {authorization!r}\nAGENT = {agent_args}\nWATCHED = {watched}"
    (folder / "__main__.py").write_text(constants + SAME_IN_PYTHON)
    plane = ControlPlane(CloudEnvironment(region="us-east-1"), MemoryStore(), {})
    expected = record(Program(folder, "toolgate", "dev", {}), plane)
    wanted = {it.urn: it.inputs for it in expected.registrations if it.request.custom}
    for last in (
        "AgentcoreAgentRuntime::assistant-runtime",
        "LogDelivery::tools-traces",
        "Dashboard::overview-dashboard",
    ):
        assert any(urn.endswith(last) for urn in wanted)
    assert {it.urn: it.inputs for it in hosted.recording.registrations if it.request.custom} == wanted


def deploy_tokens(hosted: Hosted, handed: Handed) -> tuple[Made, Made]:
    """An issuer, a gateway that takes its tokens, an agent and a client; returns the last two."""
    issuer = hosted.construct("TokenIssuer", "tokens", {"accessTokenMinutes": 15})
    described = {name: handed(issuer, name) for name in ("discoveryUrl", "userPoolId", "tokenEndpoint")}
    inbound = {"issuer": "tokens", **described, "accessTokenMinutes": 15}
    tools = [{"name": "say", "description": "Says.", "inputSchema": SCHEMA}]
    args = {
        "targets": {"own": {"functionArn": FUNCTION, "tools": tools}},
        "authorization": "tool",
        "inbound": inbound,
    }
    gateway = hosted.construct("ToolGateway", "tools", args, {"inbound": [issuer.urn]})
    grant = {
        "gatewayArn": handed(gateway, "gatewayArn"),
        "gatewayUrl": handed(gateway, "gatewayUrl"),
        "policyEngineId": handed(gateway, "policyEngineId"),
        "tools": handed(gateway, "toolNames"),
        "bearer": {**inbound, "scope": handed(gateway, "scope")},
    }
    foreign = {**GRANT, "tools": ["far___away"], "bearer": {"issuer": "okta", "discoveryUrl": OKTA}}
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-a1B2c3"
    credentials = {"issuer": "okta", "clientId": "0oa1", "secretArn": secret, "jsonKey": "key"}
    sources = {"tools": [gateway.urn, issuer.urn]}
    agent_args = {**AGENT, "tools": [grant, foreign], "credentials": [credentials]}
    agent = hosted.construct("AgentRuntime", "assistant", agent_args, sources)
    return agent, hosted.construct("MachineClient", "job", {"tools": [grant]}, sources)


@pytest.mark.parametrize("handed", [Made.output, Made.value])
def test_tokens_are_deployed_as_by_a_python_program(hosted: Hosted, folder: Path, handed: Handed) -> None:
    agent, client = deploy_tokens(hosted, handed)
    assert agent.state["toolNames"] == ["own___say", "far___away"]
    assert set(client.state) == {"clientId", "secretArn", "toolNames"}
    assert "lient_secret" not in json.dumps([agent.state, client.state])
    (folder / "__main__.py").write_text(TOKENS_IN_PYTHON)
    plane = ControlPlane(CloudEnvironment(region="us-east-1"), MemoryStore(), {})
    expected = record(Program(folder, "toolgate", "dev", {}), plane)
    wanted = {it.urn: it.inputs for it in expected.registrations if it.request.custom}
    kinds = {urn.split("::")[-2].rpartition(":")[2] for urn in wanted}
    assert {"UserPoolDomain", "ResourceServer", "UserPoolClient", "AgentcoreOauth2CredentialProvider"} <= kinds
    assert {it.urn: it.inputs for it in hosted.recording.registrations if it.request.custom} == wanted


def deploy_memory(hosted: Hosted, handed: Handed) -> tuple[Made, Made]:
    """A memory, and an agent that is handed it as other languages write it out."""
    inputs = {"expiryDays": 90, "kmsKeyArn": KEY, "strategies": {"facts": FACTS}, "description": "Talks"}
    memory = hosted.construct("Memory", "talks", inputs)
    grant = {
        "memoryId": handed(memory, "memoryId"),
        "memoryArn": handed(memory, "memoryArn"),
        "recall": [FACTS["namespace"]],
        "kmsKeyArn": KEY,
    }
    return memory, hosted.construct("AgentRuntime", "assistant", {**AGENT, "memory": grant}, {"memory": [memory.urn]})


@pytest.mark.parametrize("handed", [Made.output, Made.value])
def test_a_memory_is_deployed_as_by_a_python_program(hosted: Hosted, folder: Path, handed: Handed) -> None:
    memory, _ = deploy_memory(hosted, handed)
    assert set(memory.state) == {"memoryId", "memoryArn"}
    assert memory.state["memoryArn"].endswith(f":memory/{memory.state['memoryId']}")
    (folder / "__main__.py").write_text(MEMORY_IN_PYTHON)
    plane = ControlPlane(CloudEnvironment(region="us-east-1"), MemoryStore(), {})
    expected = record(Program(folder, "toolgate", "dev", {}), plane)
    wanted = {it.urn: it.inputs for it in expected.registrations if it.request.custom}
    kinds = {urn.split("::")[-2].rpartition(":")[2] for urn in wanted}
    assert {"AgentcoreMemory", "AgentcoreMemoryStrategy", "AgentcoreAgentRuntime"} <= kinds
    assert {it.urn: it.inputs for it in hosted.recording.registrations if it.request.custom} == wanted
    # Another name is another memory: the old one must be gone before.
    assert hosted.registration("AgentcoreMemory", "talks-memory").request.deleteBeforeReplace


@pytest.mark.parametrize("hosted", [True], indirect=True)
@pytest.mark.parametrize("handed", [Made.output, Made.value])
def test_a_preview_takes_a_memory_that_is_not_known_yet(hosted: Hosted, handed: Handed) -> None:
    memory, _ = deploy_memory(hosted, handed)
    assert memory.state == {"memoryId": UNKNOWN_TEXT, "memoryArn": UNKNOWN_TEXT}
    told = hosted.inputs("AgentcoreAgentRuntime", "assistant-runtime")["environmentVariables"]
    assert [name for name, value in told.items() if value == UNKNOWN_TEXT] == ["MEMORY"]
    assert hosted.inputs("RolePolicy", "assistant-memory")["policy"] == UNKNOWN_TEXT


@pytest.mark.parametrize("hosted", [True], indirect=True)
@pytest.mark.parametrize("handed", [Made.output, Made.value])
def test_a_preview_knows_the_scopes_of_clients(hosted: Hosted, handed: Handed) -> None:
    deploy_tokens(hosted, handed)
    for name in ("assistant-tokens-client", "job-client"):
        assert hosted.inputs("UserPoolClient", name)["allowedOauthScopes"] == ["toolgate-dev-tools/invoke"]


@pytest.mark.parametrize("handed", [Made.output, Made.value])
def test_the_parts_of_a_plain_input_keep_where_they_come_from(hosted: Hosted, handed: Handed) -> None:
    deploy(hosted, "tool", handed)
    for kind, name, key, source in (
        ("AgentcoreGatewayTarget", "tools-math", "targetConfiguration", "toolgate:index:LambdaTools::math"),
        ("AgentcoreAgentRuntime", "assistant-runtime", "environmentVariables", "toolgate:index:ToolGateway::tools"),
        ("AgentcorePolicy", "assistant-tools", "policyEngineId", "toolgate:index:ToolGateway::tools"),
    ):
        sources = hosted.registration(kind, name).request.propertyDependencies[key].urns
        assert any(urn.endswith(source) for urn in sources), name


def test_plain_inputs_of_every_shape_are_opened(hosted: Hosted) -> None:
    inputs = {
        "environment": {"TOKEN": {SIGNATURE: SECRET, "value": "hidden"}, "SHOWN": "too"},
        "entryPoints": ["other.py"],
        "lifecycle": {"idleTimeout": 90, "maxLifetime": 120},
        "tools": [{**GRANT, "tools": ["a___b"]}],
    }
    hosted.construct("AgentRuntime", "it", {**AGENT, **inputs}, {key: [KNOWN_LATE] for key in inputs})
    made_of = hosted.inputs("AgentcoreAgentRuntime", "it-runtime")
    assert made_of["agentRuntimeArtifact"]["codeConfiguration"]["entryPoints"] == ["other.py"]
    assert list(made_of["lifecycleConfigurations"][0].values()) == [90, 120]
    assert made_of["environmentVariables"]["GATEWAY_URL"] == GRANT["gatewayUrl"]
    # One secret hides the values beside it: who made one Output of them all said no more.
    shown = made_of["environmentVariables"]
    assert {shown[name][SIGNATURE] for name in ("TOKEN", "SHOWN")} == {SECRET}
    assert [shown[name]["value"] for name in ("TOKEN", "SHOWN")] == ["hidden", "too"]


def test_a_plain_text_takes_no_output(hosted: Hosted) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        hosted.construct("AgentRuntime", "it", AGENT, {"code": [KNOWN_LATE]})
    assert "AgentRuntime 'it'.code: must be a plain value, not an Output" in str(caught.value.details())


def test_a_number_from_another_resource(hosted: Hosted) -> None:
    size = Made(KNOWN_LATE, {"size": 512}).output("size")
    hosted.construct("LambdaTools", "math", {"directory": "lambdas/math", "memorySize": size})
    assert hosted.inputs("Function", "math-function")["memorySize"] == 512


def test_what_a_tool_may_do_is_said_in_any_language(hosted: Hosted) -> None:
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
    table = Made("urn:pulumi:dev::toolgate::aws:dynamodb/table:Table::orders", {"arn": arn})
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prices-a1B2c3"
    key = Made("urn:pulumi:dev::toolgate::aws:secretsmanager/secret:Secret::prices", {"arn": secret})
    conditions = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["public"]}}
    inputs = {
        "directory": "lambdas/math",
        "environment": {"TABLE_NAME": "orders"},
        "secrets": {"PRICES_KEY": key.output("arn")},
        "statements": [
            {"actions": ["dynamodb:GetItem"], "resources": [table.output("arn")], "conditions": conditions},
            {"actions": ["s3:ListAllMyBuckets", "s3:GetObject"], "resources": ["*"], "reason": "It is an explorer."},
        ],
        "network": {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]},
        "reservedConcurrency": 3,
    }
    made = hosted.construct("LambdaTools", "math", inputs)
    function = hosted.inputs("Function", "math-function")
    assert function["environment"]["variables"] == {"TABLE_NAME": "orders", "PRICES_KEY": secret}
    assert function["reservedConcurrentExecutions"] == 3
    assert function["vpcConfig"]["subnetIds"] == ["subnet-0123456789abcdef0"]
    [get, explore] = json.loads(hosted.inputs("RolePolicy", "math-tools")["policy"])["Statement"]
    assert (get["Action"], get["Resource"], get["Condition"]) == (["dynamodb:GetItem"], [arn], conditions)
    assert explore["Resource"] == ["*"]
    [read] = json.loads(hosted.inputs("RolePolicy", "math-secrets")["policy"])["Statement"]
    assert (read["Action"], read["Resource"]) == ("secretsmanager:GetSecretValue", secret)
    assert made.state["roleName"] == hosted.inputs("Role", "math-role")["name"]
    said = refused(hosted, "LambdaTools", {**inputs, "statements": [{"actions": ["s3:*"], "resources": [arn]}]})
    assert "statements[0]: the action 's3:*' allows more than one thing" in said


@pytest.mark.parametrize("handed", [Made.output, Made.value])
@pytest.mark.parametrize("hosted", [True], indirect=True)
def test_a_preview_knows_the_tools(hosted: Hosted, handed: Handed) -> None:
    agent = deploy(hosted, "tool", handed)
    assert agent.state["toolNames"] == TOOLS
    assert agent.state["runtimeArn"] == UNKNOWN_TEXT
    schema = hosted.inputs("AgentcoreGatewayTarget", "tools-math")["targetConfiguration"]["mcp"]["lambda"]
    assert [f"math___{it['name']}" for it in schema["toolSchema"]["inlinePayloads"]] == TOOLS
    assert schema["lambdaArn"] == UNKNOWN_TEXT


@pytest.mark.parametrize("hosted", [True], indirect=True)
def test_a_preview_takes_tools_that_are_not_known_yet(hosted: Hosted) -> None:
    later = Made("urn:pulumi:dev::toolgate::a:b:C::later", {"tools": UNKNOWN_TEXT})
    target = {"functionArn": FUNCTION, "tools": later.output("tools")}
    gateway = hosted.construct("ToolGateway", "tools", {"targets": {"math": target}})
    assert gateway.state["toolNames"] == UNKNOWN_TEXT
    agent = hosted.construct("AgentRuntime", "it", {**AGENT, "tools": [{**GRANT, "tools": later.output("tools")}]})
    assert agent.state["toolNames"] == UNKNOWN_TEXT


def test_tools_written_out_by_hand(hosted: Hosted) -> None:
    tools = [{"name": "say", "description": "Says.", "inputSchema": SCHEMA}]
    hosted.construct("ToolGateway", "tools", {"targets": {"own": {"functionArn": FUNCTION, "tools": tools}}})
    lambda_ = hosted.inputs("AgentcoreGatewayTarget", "tools-own")["targetConfiguration"]["mcp"]["lambda"]
    [payload] = lambda_["toolSchema"]["inlinePayloads"]
    assert payload["inputSchema"]["properties"] == [{"name": "x", "required": False, "type": "string"}]
    policy = json.loads(hosted.inputs("RolePolicy", "tools-invoke")["policy"])
    assert [it["Resource"] for it in policy["Statement"]] == [[FUNCTION]]


@pytest.mark.parametrize(
    ("kind", "inputs", "missing"),
    [
        ("LambdaTools", {}, "directory"),
        ("ToolGateway", {}, "targets"),
        ("ToolGateway", {"targets": {"math": {"functionArn": FUNCTION}}}, "targets.math.tools"),
        ("AgentRuntime", {"code": "agent.zip"}, "modelId"),
        ("AgentRuntime", {**AGENT, "tools": [{"tools": []}]}, "tools[0].gatewayArn"),
        ("MachineClient", {}, "tools"),
        ("Memory", {"strategies": {"facts": {"type": "SEMANTIC"}}}, "strategies.facts.namespace"),
        ("Memory", {"strategies": {"facts": {"namespace": "/facts/{actorId}/"}}}, "strategies.facts.type"),
    ],
)
@pytest.mark.parametrize("sources", [{}, {"targets": [KNOWN_LATE], "tools": [KNOWN_LATE]}])
def test_a_missing_input_is_named(
    hosted: Hosted, kind: str, inputs: dict[str, Any], missing: str, sources: dict[str, list[str]]
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        hosted.construct(kind, "it", inputs, sources)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    # The engine shows the properties in the details.
    [details] = [value for key, value in caught.value.trailing_metadata() if key == "grpc-status-details-bin"]
    assert f"Missing required input '{missing}' on '{kind}'".encode() in details
    assert made(hosted) == []


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        ("LambdaTools", {"directory": "nowhere"}, "nowhere/tools.py: cannot be read"),
        ("LambdaTools", {"directory": "lambdas/math", "timeout": 1.5}, "timeout: must be a whole number, not 1.5."),
        ("LambdaTools", {"directory": "lambdas/math", "timeout": "5s"}, "timeout: must be a whole number, not '5s'."),
        ("ToolGateway", {"targets": {}}, "ToolGateway 'it': has no target."),
        ("ToolGateway", {"targets": {}, "logs": {"retentionDays": 2}}, "logs.retention_days: 2 is not one of the days"),
        ("Dashboard", {}, "Dashboard 'it': shows nothing."),
        ("AgentRuntime", {**AGENT, "code": "no.zip"}, "AgentRuntime 'it'.code: no.zip cannot be read"),
        ("AgentRuntime", {**AGENT, "tools": [{**GRANT, "tools": []}]}, "names no tool"),
        ("TokenIssuer", {"accessTokenMinutes": 4}, "TokenIssuer 'it'.access_token_minutes: is 4; 5 to"),
        ("MachineClient", {"tools": [{**GRANT, "tools": ["a___b"]}]}, "takes requests that an IAM role signs"),
        ("Memory", {"expiryDays": 6}, "Memory 'it'.expiry_days: is 6; 7 to 365"),
        ("Memory", {"expiryDays": "long"}, "Memory 'it'.expiry_days: must be a whole number, not 'long'."),
        ("Memory", {"kmsKeyArn": "alias/x"}, "Memory 'it'.kms_key_arn: "),
        ("Memory", {"strategies": {"a": {**FACTS, "namespace": "/f"}}}, "Memory 'it'.strategies.a.namespace: '/f' is"),
        ("Memory", {"strategies": {"a": FACTS, "b": FACTS}}, "Memory 'it'.strategies.b: has the type SEMANTIC as 'a'"),
        ("AgentRuntime", {**AGENT, "memory": {"memoryId": "m-0123456789"}}, "'it'.memory: missing 'memory_arn'"),
        (
            "AgentRuntime",
            {**AGENT, "memory": {"memoryId": "m-0123456789", "memoryArn": MEMORY, "recall": ["/facts/"]}},
            "AgentRuntime 'it'.memory.recall[0]: '/facts/' is not one agent's alone.",
        ),
    ],
)
def test_what_is_refused_is_told_without_a_stack_trace(
    hosted: Hosted, kind: str, inputs: dict[str, Any], message: str
) -> None:
    told = refused(hosted, kind, inputs)
    assert message in told
    assert "Traceback" not in told
    assert "File " not in told
    assert made(hosted) == []


def test_a_strategy_of_no_known_type_is_named(hosted: Hosted) -> None:
    """The SDK reads enums, and tells the engine of the property where others are told of it in words."""
    with pytest.raises(grpc.RpcError) as caught:
        hosted.construct("Memory", "it", {"strategies": {"a": {**FACTS, "type": "CUSTOM"}}})
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    [details] = [value for key, value in caught.value.trailing_metadata() if key == "grpc-status-details-bin"]
    assert b"strategies.a.type" in details
    assert b"CUSTOM" in details
    assert made(hosted) == []


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ([{"name": "say"}], "ToolGateway 'it'.targets.math.tools[0]: missing 'description', 'inputSchema'."),
        ([], "ToolGateway 'it': target 'math' has no tool."),
        ("say", "ToolGateway 'it'.targets.math.tools: must be a list, not 'say'."),
    ],
)
def test_another_resource_s_tools_are_checked_too(hosted: Hosted, tools: Any, message: str) -> None:
    late = Made(KNOWN_LATE, {"tools": tools}).output("tools")
    assert message in refused(hosted, "ToolGateway", {"targets": {"math": {"functionArn": FUNCTION, "tools": late}}})
    assert not [it for it in made(hosted) if "Target" in it]


def test_a_grant_that_is_refused_late_is_not_written(hosted: Hosted) -> None:
    late = Made(KNOWN_LATE, {"tools": ["a___b"]}).output("tools")
    told = refused(
        hosted, "AgentRuntime", {**AGENT, "tools": [{**GRANT, "tools": late}, {**GRANT, "tools": ["a___b"]}]}
    )
    assert "AgentRuntime 'it'.tools: a___b handed over twice." in told
    assert GATEWAY not in "".join(str(it.inputs) for it in hosted.recording.registrations if it.request.custom)
    assert "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime" not in made(hosted)
