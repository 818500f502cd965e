"""An McpServer, and its place behind a gateway: decided with its documents, not compared with them."""

import json
import urllib.parse
import zipfile
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from tests.components.conftest import ACCOUNT, KEY, REGION
from tests.components.servers.conftest import ADD, HEAD, Folder
from toolgate.access.iam.evaluation import IamRequest, Outcome, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.iam import iam_documents
from toolgate.components.mcp_server import McpServer
from toolgate.components.servers.server_settings import Undecided
from toolgate.components.tool_gateway import ToolGateway
from toolgate.local.cloud.types.resource_policies import ACTIONS
from toolgate.policy.language import agentcore_facts

ARN = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:runtime/toolgate_dev_orders-A1b2C3d4E5"
ENDPOINT = f"{ARN}/runtime-endpoint/DEFAULT"
GATEWAY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/tools-role-1234567"
SOURCES = {"bundle": "sources"}
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:token-a1B2c3"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders"
TWO = ADD + '\n@server.tool()\ndef drop(name: str) -> str:\n    """Drop."""\n    return name\n'


@pytest.fixture
def made(run: Any, folder: Folder) -> Callable[..., Any]:
    """Make a server and a gateway with it."""

    def making(source: str = ADD, *, preview: bool = False, **args: Any) -> Any:
        directory = folder(source).path.as_posix()

        def program() -> None:
            given: Any = {"directory": directory, **args}
            ToolGateway("tools", {"targets": {"orders": McpServer("orders", given).target}})

        return run(program, config=SOURCES, preview=preview)

    return making


def test_the_runtime(made: Any) -> None:
    recorded = made(environment={"TABLE": "orders"}, secrets={"TOKEN": SECRET}, description="Orders")
    inputs = recorded.one("AgentcoreAgentRuntime", "orders-runtime").inputs
    assert inputs["agentRuntimeName"] == "toolgate_dev_orders"
    assert inputs["description"] == "Orders"
    assert inputs["protocolConfiguration"] == {"serverProtocol": "MCP"}
    assert inputs["agentRuntimeArtifact"]["codeConfiguration"]["entryPoints"] == ["serve.py"]
    assert inputs["environmentVariables"] == {"AWS_REGION": REGION, "TABLE": "orders", "TOKEN": SECRET}
    zipped = recorded.one("BucketObjectv2", "orders-code").inputs["source"]["path"]
    assert set(zipfile.ZipFile(zipped).namelist()) == {"server.py", "serve.py", "secret_values.py"}


def test_its_role_may_do_what_a_runtime_must_and_what_was_said(made: Any, allows: Any) -> None:
    statements = [{"actions": ["dynamodb:GetItem"], "resources": [TABLE]}]
    recorded = made(statements=statements, secrets={"TOKEN": SECRET}, kms_key_arn=KEY)
    policies = {it.name: it.document() for it in recorded.resources if it.type.endswith(":RolePolicy")}
    own = {f"orders-{it}" for it in ("policy", "statements", "secrets", "decrypt")}
    assert set(policies) == {*own, "tools-invoke"}
    assert allows(policies["orders-statements"], "dynamodb:GetItem", TABLE)
    assert allows(policies["orders-secrets"], "secretsmanager:GetSecretValue", SECRET)
    assert not any(allows(it, "bedrock:InvokeModel", "*") for it in policies.values())


def test_the_target(made: Any) -> None:
    recorded = made()
    target = recorded.one("AgentcoreGatewayTarget", "tools-orders")
    assert target.inputs["credentialProviderConfiguration"] == {"gatewayIamRole": {"service": "bedrock-agentcore"}}
    server = target.inputs["targetConfiguration"]["mcp"]["mcpServer"]
    host = f"https://bedrock-agentcore.{REGION}.amazonaws.com"
    quoted = urllib.parse.quote(ARN, safe="")
    assert server["endpoint"] == f"{host}/runtimes/{quoted}/invocations?qualifier=DEFAULT"
    [listed] = json.loads(server["mcpToolSchema"]["inlinePayload"]["payload"])["tools"]
    assert (listed["name"], listed["inputSchema"]["properties"]["b"]["default"]) == ("add", 1)
    # The server can be reached by nobody but the gateway before the gateway has the target.
    assert {"tools-orders-policy", "tools-invoke", "orders-runtime"} <= target.dependencies


def test_the_gateway_reaches_the_server_and_nobody_else_does(made: Any) -> None:
    recorded = made()
    own = Policy("invoke", recorded.one("RolePolicy", "tools-invoke").document())
    on_runtime = Policy("server", recorded.one("AgentcoreResourcePolicy", "tools-orders-policy").document())
    everything = Policy(
        "admin", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    gateway = Identity(arn=GATEWAY_ROLE, name="tools", policies=(own,))
    admin = Identity(arn=f"arn:aws:iam::{ACCOUNT}:role/admin", name="admin", policies=(everything,))
    user = Identity(arn=f"arn:aws:iam::{ACCOUNT}:user/somebody", name="somebody", policies=(everything,))
    asked = agentcore_facts.INVOKE_RUNTIME
    assert decide(IamRequest(gateway, asked, ARN, resource_policy=on_runtime)).allowed
    assert decide(IamRequest(gateway, asked, ENDPOINT)).allowed
    assert not decide(IamRequest(gateway, asked, ARN.replace("orders", "other"))).allowed
    everyway = {*agentcore_facts.ASK_AGENT} - {"bedrock-agentcore:InvokeHarness"}
    assert set(iam_documents.ANSWERS) == everyway <= {f"bedrock-agentcore:{it}" for it in ACTIONS["runtime"]}
    for other in (admin, user):
        for action in everyway:
            decision = decide(IamRequest(other, action, ARN, resource_policy=on_runtime))
            assert decision.outcome is Outcome.EXPLICIT_DENY, (other.name, action)


def test_a_gateway_may_have_some_of_its_tools(run: Any, folder: Folder) -> None:
    def program() -> None:
        server = McpServer("orders", {"directory": folder(TWO).path.as_posix()})
        target: Any = {**server.target, "tools": [it for it in server.tools if it["name"] == "drop"]}
        ToolGateway("tools", {"targets": {"orders": target}})

    recorded = run(program, config=SOURCES)
    server = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs["targetConfiguration"]["mcp"]["mcpServer"]
    listed = json.loads(server["mcpToolSchema"]["inlinePayload"]["payload"])["tools"]
    assert [tool["name"] for tool in listed] == ["drop"]


def test_grants_are_per_tool_and_conditions_know_its_arguments(run: Any, folder: Folder) -> None:
    def program(when: str) -> None:
        server = McpServer("orders", {"directory": folder(TWO).path.as_posix()})
        gateway = ToolGateway("tools", {"targets": {"orders": server.target}, "authorization": Authorization.TOOL})
        pulumi.export("tools", gateway.tools("orders___add", when=when)["tools"])

    recorded = run(lambda: program("context.input has b && context.input.b < 5"), config=SOURCES)
    assert recorded.outputs["tools"] == ["orders___add"]
    with pytest.raises(UsageError, match="does not fit the tools' arguments"):
        run(lambda: program("context.input.b < 5"), config=SOURCES)


@pytest.mark.parametrize("preview", [False, True])
def test_only_one_gateway_can_have_it(run: Any, folder: Folder, preview: bool) -> None:
    def program() -> None:
        server = McpServer("orders", {"directory": folder(ADD).path.as_posix()})
        for name in ("one", "two"):
            ToolGateway(name, {"targets": {"orders": server.target}})

    with pytest.raises(UsageError, match=r"'two'.targets.orders: the server is ToolGateway 'one'.* Make a second McpS"):
        run(program, config=SOURCES, preview=preview)


def test_of_others_a_server_is_known_by_its_arn(run: Any) -> None:
    """As a program in another language hands it over: as Outputs, each time others."""
    target: Any = {
        "mcp_server": {"endpoint": "https://x", "runtime_arn": ARN, "listing": '{"tools":[{"name":"add"}]}'},
        "tools": [{"name": "add", "description": "Add.", "inputSchema": {"type": "object"}}],
    }

    def program() -> None:
        for name in ("one", "two"):
            server = {**target["mcp_server"], "runtime_arn": pulumi.Output.from_input(ARN)}
            given: Any = {"targets": {"orders": {**target, "mcp_server": server}}}
            ToolGateway(name, given)

    with pytest.raises(UsageError, match="only one gateway's role may reach it"):
        run(program)
    target["tools"][0]["name"] = "other"
    with pytest.raises(UsageError, match=r"mcp_server.listing: has no tool 'other'"):
        run(lambda: ToolGateway("one", {"targets": {"orders": target}}))


SERVES = (
    HEAD + '\n@server.resource("data://all")\ndef all() -> str:\n    return ""\n' + ADD.removeprefix(HEAD),
    ADD + '\n@server.prompt()\ndef greet() -> str:\n    return ""\n',
)


@pytest.mark.parametrize(("source", "kind"), [(SERVES[0], "resources"), (SERVES[1], "prompts")])
def test_what_no_policy_decides_is_accepted_by_name(made: Any, source: str, kind: str) -> None:
    with pytest.raises(UsageError, match=rf"serves {kind} \(.*no policy decides them.*'undecided': \['{kind}'\]"):
        made(source)
    for accepted in (kind, Undecided(kind)):
        component = made(source, undecided=[accepted]).one("McpServer", "orders")
        assert component.inputs["undecided"] == [kind]
    with pytest.raises(UsageError, match=rf"undecided: it serves no {kind}"):
        made(undecided=[kind])


def test_its_target_py_says_what_it_runs_with(run: Any, folder: Folder) -> None:
    settings = "def settings(opts):\n    return {'environment': {'A': '1', 'B': '1'}, 'lifecycle': LIFE}\n"
    life = "LIFE = {'idle_timeout': 120, 'max_lifetime': 600}\n"
    directory = folder(ADD, target=life + settings).path.as_posix()
    args: Any = {"directory": directory, "environment": {"B": "2"}}
    runtime = run(lambda: McpServer("orders", args), config=SOURCES).one("AgentcoreAgentRuntime", "orders-runtime")
    assert runtime.inputs["environmentVariables"] == {"AWS_REGION": REGION, "A": "1", "B": "2"}
    assert runtime.inputs["lifecycleConfigurations"] == [{"idleRuntimeSessionTimeout": 120, "maxLifetime": 600}]
    folder(ADD, target="def settings(opts):\n    return {'memory_size': 256}\n")
    with pytest.raises(UsageError, match=r"target.py: settings\(\): unknown key 'memory_size'"):
        run(lambda: McpServer("orders", args), config=SOURCES)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"environment": {"PORT": "1"}}, "environment: PORT is written by the component"),
        ({"secrets": {"HOST": SECRET}}, "environment: HOST is written by the component"),
        ({"secrets": {"A": SECRET}, "environment": {"A": "1"}}, "environment: A is a secret's variable"),
        ({"secrets": {"A": "hidden"}}, "secrets.A: 'hidden' is no"),
        ({"environment": {f"V{n}": "" for n in range(48)}}, "number of variables: is 48; 0 to 47"),
        ({"lifecycle": {"idle_timeout": 600, "max_lifetime": 60}}, "idle_timeout is 600, more than max_lifetime"),
        ({"statements": [{"actions": ["lambda:InvokeFunction"], "resources": [TABLE]}]}, "a function is a tool behind"),
        ({"network": {"subnets": [], "security_groups": ["sg-0123456789abcdef0"]}}, "network.subnets: number of ids"),
        ({"memory_size": 1}, "unknown key 'memory_size'"),
        ({"undecided": ["tools"]}, "'tools' is not one of 'prompts', 'resources'"),
    ],
)
def test_what_is_refused_before_anything_is_made(made: Any, more: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        made(**more)


def test_a_preview_knows_tools_and_names_before_anything_is_there(made: Any) -> None:
    recorded = made(preview=True)
    payload = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs["targetConfiguration"]
    assert recorded.one("ToolGateway", "tools").inputs["targets"]["orders"]["tools"] == ["add"]
    assert "mcp" in payload
