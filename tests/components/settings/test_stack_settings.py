import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml  # type: ignore[import-untyped]

from tests.components.settings.conftest import AVAILABLE
from tests.planning import SAMPLE
from toolgate.components import stack_settings
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.observability.configuration import Observability
from toolgate.components.observability.log_levels import LogLevel
from toolgate.components.settings.agents import DEFAULT_MODEL, Agent
from toolgate.components.settings.gateways import Gateway, Gateways

TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"
ALL = ["math___add", "math___multiply", "people___greet"]


def test_without_configuration_one_agent_may_call_every_tool(load: Any) -> None:
    loaded = load({})
    assert loaded.gateways == Gateways({"tools": Gateway(AVAILABLE, Authorization.GATEWAY, "iam", None)}, named=False)
    assert list(loaded.agents) == ["assistant"]
    assert loaded.observability == Observability(telemetry=True, watched={}, dashboard=False)
    assert loaded.log_level is LogLevel.INFO
    assert (loaded.kms_key, loaded.network, loaded.permissions_boundary) == (None, None, None)
    assert loaded.protect is False
    assert loaded.tags is None
    assert loaded.agents["assistant"].tools == {"tools": None}
    assert loaded.agents["assistant"].model_id == DEFAULT_MODEL
    assert loaded.agents["assistant"].system_prompt is None


ROLE = "arn:aws:iam::123456789012:role/platform/agents"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/notes"
STATEMENTS: Any = [
    {
        "actions": ["dynamodb:GetItem", "dynamodb:Query"],
        "resources": [TABLE, f"{TABLE}/index/*"],
        "conditions": {"StringEquals": {"aws:ResourceTag/team": ["agents"]}},
    },
    {"actions": ["s3:ListBucket"], "resources": ["*"], "reason": "It finds the bucket of the day."},
]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({"actions": ["s3:GetObject"]}, r"agents\.a\.statements\[0\]: missing 'resources'"),
        ({"actions": "s3:GetObject", "resources": [TABLE]}, r"statements\[0\]\.actions: must be a list"),
        ({"actions": ["s3:GetObject"], "resources": ["*"]}, r"statements\[0\]: the resource '\*' allows more than one"),
        ({"actions": ["s3:GetObject"], "resources": [TABLE], "effect": "Deny"}, "unknown key 'effect'"),
        ({"actions": ["lambda:InvokeFunction"], "resources": [TABLE]}, "make it a target"),
    ],
)
def test_a_statement_of_an_agent_that_is_none_is_an_error(load: Any, statement: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load({"agents": {"a": {"statements": [statement]}}})


def test_agents_as_configured(load: Any) -> None:
    agents = {
        "one": {"tools": ["people", "math"], "modelId": "amazon.nova-lite-v1:0", "systemPrompt": "Be brief."},
        "two": {"tools": [], "statements": STATEMENTS},
        "three": {"roleArn": ROLE},
    }
    loaded = load({"modelId": "amazon.nova-pro-v1:0", "agents": agents, "bundle": "sources"}).agents
    assert loaded["one"] == Agent({"tools": ALL}, "amazon.nova-lite-v1:0", "Be brief.", [], None, [], [])
    assert loaded["two"] == Agent({}, "amazon.nova-pro-v1:0", None, STATEMENTS, None, [], [])
    assert loaded["three"].tools == {"tools": None}
    assert loaded["three"].role_arn == ROLE


@pytest.mark.parametrize(
    ("available", "stack", "message"),
    [
        (AVAILABLE, "s" * 40, "gateway name .* has 55 characters; at most 48"),
        ({"t" * 52: ["add"]}, "dev", "function name .* has 65 characters; at most 64"),
    ],
)
def test_names_of_what_the_program_makes_are_checked_too(run: Any, available: Any, stack: str, message: str) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=message):
            stack_settings.load(available)

    run(program, {"agents": {}}, stack=stack)


def test_with_authorization_by_tool_an_agent_may_have_some_tools(load: Any) -> None:
    agents = {"one": {"tools": ["people", "math___add"]}, "two": {"tools": []}, "three": {}}
    loaded = load({"authorization": "tool", "agents": agents})
    assert loaded.gateways.by_name["tools"].authorization is Authorization.TOOL
    assert {name: agent.tools for name, agent in loaded.agents.items()} == {
        "one": {"tools": ["math___add", "people___greet"]},
        "two": {},
        "three": {"tools": None},
    }


@pytest.mark.parametrize(
    ("available", "agents", "message"),
    [
        (AVAILABLE, {"a": {"tools": ["math___sub"]}}, r"toolgate:agents\.a\.tools: 'math___sub' is neither"),
        (AVAILABLE, {"a" * 30: {}}, "policy name .* has 49 characters; at most 48"),
        (
            {"math": [f"{'t' * 50}{number:03}" for number in range(150)]},
            {"a": {"tools": ["math"]}},
            r"toolgate:agents\.a\.tools: the Cedar statement .* 35 to 10000",
        ),
        (
            AVAILABLE,
            {f"a{number}": {} for number in range(1001)},
            "toolgate:agents: 1001 agents and clients have tools",
        ),
    ],
)
def test_what_no_policy_engine_takes_is_an_error(load: Any, available: Any, agents: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load({"authorization": "tool", "agents": agents}, available)


def test_that_many_agents_are_no_error_where_they_need_no_policy(load: Any) -> None:
    agents: Any = {f"a{number}": {} for number in range(1001)}
    assert len(load({"agents": agents}).agents) == 1001
    agents["a0"] = {"tools": []}
    assert len(load({"authorization": "tool", "agents": agents}).agents) == 1001


def test_what_can_be_seen_as_configured(load: Any) -> None:
    def seen(**given: Any) -> Observability:
        loaded: Observability = load({"observability": given}).observability
        return loaded

    off = seen(telemetry=False, logs=False, traces=False, alarms=False, dashboard=False)
    assert off == Observability(telemetry=False, watched={}, dashboard=False)
    some = seen(logs=True, alarms=True)
    assert some.watched == {"logs": {"retention_days": 30}, "alarms": {"topics": []}}
    every = seen(logs=True, retentionDays=90, traces=True, alarms=True, alarmTopics=[TOPIC], dashboard=True)
    assert every.watched == {"logs": {"retention_days": 90}, "traces": True, "alarms": {"topics": [TOPIC]}}
    assert every.dashboard is True


SUBNET, GROUP = "subnet-0123456789abcdef0", "sg-0123456789abcdef0"
BOUNDARY = "arn:aws:iam::123456789012:policy/agents-boundary"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prices-a1B2c3"


def test_targets_as_configured(load: Any) -> None:
    network = {"subnets": [SUBNET], "securityGroups": [GROUP]}
    entry = {"memorySize": 512, "timeout": 9, "environment": {"LEVEL": "1"}, "secrets": {"KEY": SECRET}}
    entry |= {"network": network, "reservedConcurrency": 3, "roleArn": "arn:aws:iam::123456789012:role/r"}
    assert load({}).targets == {}
    assert load({"targets": {"math": entry, "people": {}}}).targets == {
        "math": {
            "memory_size": 512,
            "timeout": 9,
            "environment": {"LEVEL": "1"},
            "secrets": {"KEY": SECRET},
            "network": {"subnets": [SUBNET], "security_groups": [GROUP]},
            "reserved_concurrency": 3,
            "role_arn": "arn:aws:iam::123456789012:role/r",
        },
        "people": {},
    }


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"maths": {}}, r"toolgate:targets\.maths: there is no such target. There are: math, people"),
        ({"math": {"memory": 1}}, r"toolgate:targets\.math: unknown key 'memory'. Did you mean 'memorySize'"),
        ({"math": {"timeout": "9"}}, r"toolgate:targets\.math\.timeout: must be a whole number"),
        ({"math": {"statements": []}}, r"toolgate:targets\.math: unknown key 'statements'"),
        (
            {"math": {"network": {"subnets": [], "securityGroups": [GROUP]}}},
            r"toolgate:targets\.math\.network\.subnets: number of ids: is 0",
        ),
        (
            {"math": {"network": {"subnets": [SUBNET], "securityGroups": [GROUP] * 6}}},
            r"targets\.math\.network\.securityGroups: number of ids: is 6; 1 to 5",
        ),
    ],
)
def test_a_setting_of_a_target_that_is_none_is_an_error(load: Any, targets: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load({"targets": targets})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"gatewayRoleArn": "agents"}, "toolgate:gatewayRoleArn: 'agents' is no ARN of a role"),
        ({"agents": {"a": {"roleArn": "agents"}}}, "toolgate:agents.a.roleArn: 'agents' is no ARN of a role"),
        (
            {"agents": {"a": {"roleArn": ROLE}, "b": {"roleArn": ROLE}}},
            f"toolgate:agents.b.roleArn: {ROLE} is the role of toolgate:agents.a.roleArn as well. Give each a role",
        ),
        (
            {"agents": {"a": {"roleArn": ROLE}}, "gatewayRoleArn": ROLE},
            f"toolgate:gatewayRoleArn: {ROLE} is the role of toolgate:agents.a.roleArn as well.",
        ),
        (
            {"agents": {"a": {"roleArn": ROLE}}, "targets": {"math": {"roleArn": ROLE}, "people": {"roleArn": ROLE}}},
            f"toolgate:agents.a.roleArn: {ROLE} is the role of toolgate:targets.people.roleArn as well.",
        ),
    ],
)
def test_a_role_that_others_made_belongs_to_one(load: Any, config: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(config)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (None, "toolgate:agents.orders.description: is not set, and another agent may ask it"),
        ("  ", "toolgate:agents.orders.description: is not set, and another agent may ask it"),
        ("a" * 1001, "toolgate:agents.orders.description: has 1001 characters; 1 to 1000 are allowed"),
    ],
)
def test_an_agent_that_may_be_asked_says_in_a_sentence_what_it_is_for(
    load: Any, description: str | None, message: str
) -> None:
    orders = {} if description is None else {"description": description}
    load({"agents": {"orders": orders, "desk": {}}})
    with pytest.raises(UsageError) as raised:
        load({"agents": {"orders": orders, "desk": {"agents": ["orders"]}}})
    assert str(raised.value).startswith(message)


FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:orders:live"
FIND = {"name": "find", "description": "Finds an order.", "inputSchema": {"type": "object", "properties": {}}}


@pytest.fixture
def tools(tmp_path: Path) -> str:
    file = tmp_path / "orders.json"
    file.write_text(json.dumps([FIND]))
    return str(file)


def test_a_target_whose_function_is_there_already(load: Any, tools: str) -> None:
    entry = {"functionArn": FUNCTION, "tools": tools}
    agents = {"a": {"tools": ["orders"]}, "b": {"tools": ["math", "orders___find"]}}
    loaded = load({"targets": {"orders": entry, "math": {"timeout": 9}}, "agents": agents, "authorization": "tool"})
    assert loaded.existing_targets == {"orders": {"function_arn": FUNCTION, "tools": [FIND]}}
    assert loaded.targets == {"math": {"timeout": 9}}
    assert loaded.agents["a"].tools == {"tools": ["orders___find"]}
    assert loaded.agents["b"].tools == {"tools": ["math___add", "math___multiply", "orders___find"]}
    assert load({}).existing_targets == {}


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("math", {"functionArn": FUNCTION, "tools": "T"}, "targets.math: has a folder, of which it is made."),
        ("orders", {"functionArn": FUNCTION}, "targets.orders: missing 'tools'"),
        ("orders", {"tools": "T"}, "targets.orders: missing 'functionArn'"),
        (
            "orders",
            {"functionArn": FUNCTION, "tools": "T", "timeout": 9},
            "orders: timeout is not for a function that is there",
        ),
        (
            "orders",
            {"functionArn": "orders", "tools": "T"},
            "targets.orders.functionArn: 'orders' is no ARN of a Lambda",
        ),
        ("orders", {"functionArn": f"{FUNCTION}:x", "tools": "T"}, "is no ARN of a Lambda function"),
        ("orders", {"functionArn": FUNCTION + "x" * 170, "tools": "T"}, "is no ARN of a Lambda function"),
        ("orders", {"functionArn": FUNCTION, "tools": "nowhere.json"}, "orders.tools: nowhere.json cannot be read"),
        ("ord_ers", {"functionArn": FUNCTION, "tools": "T"}, "target name 'ord_ers' is refused"),
        (
            "orders",
            {"timeout": 9},
            "functionArn and tools (a function that is there already)",
        ),
    ],
)
def test_a_target_whose_function_is_there_already_has_both_and_no_more(
    load: Any, tools: str, name: str, entry: Any, message: str
) -> None:
    given = {key: tools if value == "T" else value for key, value in entry.items()}
    with pytest.raises(UsageError) as raised:
        load({"targets": {name: given}})
    assert message in str(raised.value)


SHARED = "arn:aws:bedrock-agentcore:us-east-1:111122223333:gateway/shared-tools-a1b2c3d4e5"
SHARED_URL = "https://shared-tools-a1b2c3d4e5.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
OTHERS: Any = {"arn": SHARED, "url": SHARED_URL, "tools": ["crm___find"]}


def test_an_agent_may_have_tools_of_a_gateway_of_others(load: Any) -> None:
    loaded = load({"agents": {"a": {"tools": [], "gateways": [OTHERS]}, "b": {"gateways": [OTHERS]}}})
    grant = {"gateway_arn": SHARED, "gateway_url": SHARED_URL, "tools": ["crm___find"]}
    assert loaded.agents["a"].gateways == loaded.agents["b"].gateways == [grant]
    assert (loaded.agents["a"].tools, loaded.agents["b"].tools) == ({}, {"tools": None})


@pytest.mark.parametrize(
    ("gateways", "message"),
    [
        ([{"arn": SHARED, "url": SHARED_URL}], "agents.a.gateways[0]: missing 'tools'"),
        ([OTHERS | {"arn": SHARED[:-1]}], "gateways[0].arn: "),
        ([OTHERS, OTHERS], "gateways[1].arn: " + SHARED + " is there twice"),
        ([OTHERS | {"url": SHARED_URL.replace("shared", "other")}], "gateways[0].url: 'https://other-tools"),
        ([OTHERS | {"url": SHARED_URL.replace("us-east-1", "eu-west-1")}], "is not the endpoint of " + SHARED),
        ([OTHERS | {"url": SHARED_URL.replace("amazonaws", "example")}], "is not the endpoint of " + SHARED),
        ([OTHERS | {"url": SHARED_URL.replace("com/mcp", "com.example.org/mcp")}], "is not the endpoint of " + SHARED),
        ([OTHERS | {"url": SHARED_URL.replace("https", "http")}], "Write 'https://shared-tools-a1b2c3d4e5.gateway."),
        ([OTHERS | {"tools": []}], "gateways[0].tools: is empty"),
        ([OTHERS | {"tools": ["crm find"]}], "full tool name 'crm find' is refused"),
        ([OTHERS | {"tools": ["math___add"]}], "math___add is handed over by the stack's own gateway as well"),
    ],
)
def test_a_grant_on_a_gateway_of_others_that_cannot_be_meant_is_an_error(
    load: Any, gateways: Any, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        load({"agents": {"a": {"gateways": gateways}}})
    assert message in str(raised.value)


def test_what_makes_prod_another_stack_than_dev(load: Any) -> None:
    network = {"subnets": [SUBNET], "securityGroups": [GROUP]}
    config = {"logLevel": "warning", "network": network, "protect": "true", "permissionsBoundary": BOUNDARY}
    config["tags"] = {"team": "agents"}
    loaded = load(config)
    assert loaded.log_level is LogLevel.WARNING
    assert loaded.network == {"subnets": [SUBNET], "security_groups": [GROUP]}
    assert loaded.protect is True
    assert loaded.permissions_boundary == BOUNDARY
    assert loaded.tags == {"team": "agents"}
    assert load({"kmsKey": "create"}).kms_key == stack_settings.CREATE
    assert load({"kmsKey": KEY}).kms_key == KEY


def test_the_name_of_an_engine_with_a_key_is_checked_too(run: Any) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=r"policy engine name .* has 49 characters"):
            stack_settings.load(AVAILABLE)

    run(program, {"authorization": "tool", "kmsKey": KEY, "agents": {}}, stack="s" * 30)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"log": True}, ": unknown key 'log'. Did you mean 'logs'? Known: alarmTopics, alarms, dashboard, logs"),
        ({"logs": "yes"}, ".logs: must be true or false, not 'yes'."),
        ({"retentionDays": 7}, ".retentionDays: says nothing without logs. Write logs: true, or leave it out."),
        ({"logs": False, "retentionDays": 7}, ".retentionDays: says nothing without logs."),
        (
            {"logs": True, "retentionDays": 31},
            ".retentionDays: 31 is not one of the days that CloudWatch Logs takes: ",
        ),
        ({"logs": True, "retentionDays": True}, ".retentionDays: must be a whole number, not True."),
        ({"alarmTopics": [TOPIC]}, ".alarmTopics: says nothing without alarms. Write alarms: true, or leave it out."),
        ({"alarms": True, "alarmTopics": TOPIC}, ".alarmTopics: must be a list, not "),
        ({"alarms": True, "alarmTopics": ["oncall"]}, ".alarmTopics[0]: 'oncall' is not the ARN of an SNS topic."),
        ({"alarms": True, "alarmTopics": [TOPIC] * 6}, ".alarmTopics: number of topics: is 6; 0 to 5 are allowed."),
    ],
)
def test_what_contradicts_itself_or_aws_is_named(load: Any, given: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load({"observability": given})
    assert str(raised.value).startswith(f"toolgate:observability{message}")


def test_a_program_without_agents_is_one(load: Any) -> None:
    assert load({"agents": {}}).agents == {}


def test_a_default_model_that_no_agent_takes_may_be_elsewhere(load: Any) -> None:
    agents = {"one": {"modelId": "eu.amazon.nova-lite-v1:0"}}
    loaded = load({"aws:region": "eu-central-1", "agents": agents})
    assert loaded.agents["one"].model_id == "eu.amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model": "x"}, "toolgate: unknown key 'model'. Did you mean 'modelId'?"),
        ({"modelId": "x"}, "toolgate:modelId: 'x' is no model id."),
        (
            {"aws:region": "eu-central-1"},
            "toolgate:modelId: 'us.anthropic.claude-haiku-4-5-20251001-v1:0' cannot be called",
        ),
        (
            {"aws:region": "ap-northeast-1", "modelId": "eu.amazon.nova-lite-v1:0"},
            "toolgate:modelId: 'eu.amazon.nova-lite-v1:0' cannot be called from ap-northeast-1, which has apac. and",
        ),
        (
            {"aws:region": "us-east-1", "agents": {"a": {}, "b": {"modelId": "eu.amazon.nova-lite-v1:0"}}},
            "toolgate:agents.b.modelId: 'eu.amazon.nova-lite-v1:0' cannot be called from us-east-1",
        ),
        ({"authorization": "none"}, "toolgate:authorization: 'none' is not one of 'gateway', 'tool'."),
        ({"observability": "1"}, "toolgate:observability: must be a map, not 1."),
        ({"observability": "true"}, "toolgate:observability: must be a map, not True."),
        ({"observability": "no"}, "toolgate:observability: must be a map of settings ("),
        ({"logLevel": "verbose"}, "toolgate:logLevel: 'verbose' is not one of 'debug', 'info', 'warning', 'error'."),
        ({"kmsKey": "true"}, "toolgate:kmsKey ('create' makes one): 'true' is no ARN of a KMS key. Write one like arn"),
        ({"network": "vpc"}, "toolgate:network: must be a map of subnets and securityGroups ("),
        ({"network": {"subnets": []}}, "toolgate:network: missing 'securityGroups'."),
        ({"network": {"subnets": [SUBNET], "securityGroups": []}}, "toolgate:network.securityGroups: number of ids"),
        ({"network": {"subnets": ["x"], "securityGroups": [GROUP]}}, "toolgate:network.subnets[0]: 'x' is no subnet"),
        ({"protect": "yes"}, "toolgate:protect: must be true or false ("),
        ({"permissionsBoundary": "x"}, "toolgate:permissionsBoundary: 'x' is no ARN of a managed policy."),
        ({"bundle": "zip"}, "toolgate:bundle: 'zip' is not one of 'full', 'sources'."),
        ({"agents": "{"}, "toolgate:agents: must be a map of agents ("),
        ({"agents": "[]"}, "toolgate:agents: must be a map, not []."),
        ({"agents": {"a": None}}, "toolgate:agents.a: must be a map, not None."),
        ({"agents": {"a": {"tools": None}}}, "toolgate:agents.a.tools: must be a list, not None. Leave the key out"),
        ({"agents": {"a": {"tools": "math"}}}, "toolgate:agents.a.tools: must be a list, not 'math'."),
        ({"agents": {"a": {"tool": []}}}, "toolgate:agents.a: unknown key 'tool'. Did you mean 'tools'?"),
        ({"agents": {"a": {"tools": ["sum"]}}}, "toolgate:agents.a.tools: 'sum' is neither a target nor a tool."),
        ({"agents": {"a": {"tools": ["math"]}}}, "toolgate:agents.a.tools: with authorization 'gateway'"),
        ({"agents": {"a": {"modelId": "x"}}}, "toolgate:agents.a.modelId: 'x' is no model id."),
        ({"agents": {"a": {"systemPrompt": ""}}}, "toolgate:agents.a.systemPrompt: has 0 characters; 1 to 5000"),
        ({"agents": {"a": {"systemPrompt": "x" * 5001}}}, "toolgate:agents.a.systemPrompt: has 5001 characters"),
        (
            {"agents": {"a": {"guardrail": {"id": "gr1", "version": 1}}}},
            "toolgate:agents.a.guardrail.version: must be a string, not 1. Put it in quotes.",
        ),
        (
            {"agents": {"a": {"guardrail": {"id": "gr1", "version": "0"}}}},
            "toolgate:agents.a.guardrail.version: '0' is no version.",
        ),
        (
            {"agents": {"a": {"fallbackModelIds": ["x"]}}},
            "toolgate:agents.a.fallbackModelIds[0]: 'x' is no model id.",
        ),
        (
            {"agents": {"a": {"promptCaching": True}}, "modelId": "amazon.nova-pro-v1:0"},
            "toolgate:agents.a.promptCaching: 'amazon.nova-pro-v1:0' takes no cache points",
        ),
        (
            {"agents": {"a": {"fallbackModelIds": [DEFAULT_MODEL]}}},
            f"toolgate:agents.a.fallbackModelIds[0]: '{DEFAULT_MODEL}' is asked before.",
        ),
        ({"agents": {"ä": {}}}, "runtime name 'toolgate_dev_ä' is refused"),
        ({"agents": {"a-b": {}, "a_b": {}}}, "toolgate:agents.a_b: gets the same runtime name 'toolgate_dev_a_b'"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(load: Any, config: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(config)
    assert str(raised.value).startswith(message)


def test_how_a_model_is_asked(load: Any) -> None:
    guardrail = {"id": "gr1", "version": "DRAFT"}
    nova = "us.amazon.nova-pro-v1:0"
    agents = {"a": {"guardrail": guardrail, "fallbackModelIds": [nova], "promptCaching": True}, "b": {}}
    loaded = load({"agents": agents, "bundle": "sources"}).agents
    assert loaded["a"].of_model == {"guardrail": guardrail, "fallback_model_ids": [nova], "prompt_caching": True}
    assert loaded["b"].of_model == {}


def test_the_project_file_declares_the_same_defaults() -> None:
    declared = yaml.safe_load((SAMPLE / "Pulumi.yaml").read_text())["config"]
    loaded = {
        "modelId": DEFAULT_MODEL,
        "authorization": "gateway",
        "inbound": "iam",
        "bundle": "full",
        "logLevel": "info",
        "protect": False,
    }
    ours = {key: it["default"] for key, it in declared.items() if key.startswith("toolgate:")}
    assert ours == {f"toolgate:{key}": value for key, value in loaded.items()}


def test_a_secret_would_be_written_in_the_open(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def program() -> None:
        pulumi.runtime.set_all_config({"toolgate:agents": json.dumps({"a": {}})}, ["toolgate:agents"])
        with pytest.raises(UsageError, match="toolgate:agents: cannot be a secret"):
            stack_settings.load(AVAILABLE)
        pulumi.runtime.set_all_config({"toolgate:agents": json.dumps({"a": {}})}, [])
        monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", '["toolgate:agents"]')
        with pytest.raises(UsageError, match="toolgate:agents: cannot be a secret"):
            stack_settings.load(AVAILABLE)

    run(program)


def test_the_engines_configuration_is_read(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"toolgate:logLevel": "debug", "aws:region": "us-east-1"}))
    found: list[Any] = []
    run(lambda: found.append(stack_settings.load(AVAILABLE)))
    assert found[0].log_level is LogLevel.DEBUG


def test_a_target_may_be_a_recorded_server_of_others(load: Any, tmp_path: Path) -> None:
    file = tmp_path / "docs.json"
    file.write_text(json.dumps({"endpoint": "https://mcp.example.com/mcp", "tools": [FIND]}))
    loaded = load(
        {
            "targets": {"docs": {"remoteServer": str(file)}},
            "authorization": "tool",
            "agents": {"a": {"tools": ["docs"]}},
        }
    )
    assert loaded.existing_targets["docs"]["remote_server"]["endpoint"] == "https://mcp.example.com/mcp"
    assert loaded.agents["a"].tools == {"tools": ["docs___find"]}
    for others in ({"timeout": 9}, {"tools": "T"}):
        with pytest.raises(UsageError, match=r"targets\.docs: "):
            load({"targets": {"docs": {"remoteServer": str(file), **others}}})


SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:docs-a1B2c3"
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:111122223333:gateway/shared-a1b2c3d4e5"
BASE = "arn:aws:bedrock:us-east-1:111122223333:knowledge-base/A1B2C3D4E5"


def test_targets_that_are_elsewhere_are_written_in_the_stack(load: Any, tmp_path: Path) -> None:
    recorded = tmp_path / "docs.json"
    recorded.write_text(json.dumps({"endpoint": "https://mcp.example.com/mcp", "tools": [FIND]}))
    there = tmp_path / "there.json"
    there.write_text(json.dumps([{**FIND, "name": "orders___search"}]))
    key = {"secretArn": SECRET, "jsonKey": "key", "name": "x-api-key"}
    found = load(
        {
            "targets": {
                "docs": {"remoteServer": str(recorded), "credential": {"apiKey": key}, "undecided": ["prompts"]},
                "shared": {"gatewayArn": GATEWAY, "tools": str(there)},
                "web": {"webSearch": {"excludeDomains": ["a.example"]}},
                "book": {"knowledgeBase": {"arn": BASE, "agentic": True}},
            }
        }
    ).existing_targets
    assert found["docs"]["remote_server"]["credential"]["api_key"]["json_key"] == "key"
    assert found["docs"]["remote_server"]["undecided"] == ["prompts"]
    url = "https://shared-a1b2c3d4e5.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
    assert found["shared"]["gateway"] == {"gateway_arn": GATEWAY, "gateway_url": url, "tools": ["orders___search"]}
    assert found["web"]["connector"]["exclude_domains"] == ["a.example"]
    assert [tool["name"] for tool in found["book"]["tools"]] == ["Retrieve", "AgenticRetrieveStream"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"webSearch": {}, "timeout": 3}, "targets.t: timeout is not for web search"),
        ({"webSearch": {"includeDomains": ["a"]}}, "takes a newer connector"),
        ({"knowledgeBase": {"arn": "kb"}}, "is no ARN of a knowledge base"),
        ({"knowledgeBase": {}}, "missing 'arn'"),
        ({"gatewayArn": GATEWAY}, "targets.t: missing 'tools'"),
        ({"gateway": "other"}, "targets.t.gateway: there is no gateway 'other'"),
        ({"smithy": {}}, "unknown key 'smithy'"),
    ],
)
def test_what_is_elsewhere_is_checked(load: Any, entry: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load({"targets": {"t": entry}})
    assert message in str(raised.value)


ORDERS = {
    "openapi": "3.0.1",
    "info": {"title": "Orders", "version": "1"},
    "paths": {
        "/orders/{id}": {
            "get": {
                "operationId": "getOrder",
                "summary": "Find an order.",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "It."}},
            }
        },
        "/orders": {"get": {"summary": "List the orders.", "responses": {"200": {"description": "They."}}}},
    },
}
STAGE = {"restApi": "a1b2c3d4e5", "stage": "prod"}


def test_a_stage_of_api_gateway_is_written_in_the_stack(load: Any, tmp_path: Path) -> None:
    document = tmp_path / "orders.json"
    document.write_text(json.dumps(ORDERS))
    operations = {"getOrder": {}, "listOrders": {"path": "/orders", "method": "GET"}}
    entry = {**STAGE, "document": str(document), "operations": operations}
    loaded = load({"targets": {"orders": entry}, "authorization": "tool", "agents": {"a": {"tools": ["orders"]}}})
    assert loaded.stages["orders"].args["rest_api_id"] == "a1b2c3d4e5"
    assert loaded.agents["a"].tools == {"tools": ["orders___getOrder", "orders___listOrders"]}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"restApi": "a1b2c3d4e5"}, "targets.orders: missing 'stage'"),
        ({**STAGE, "timeout": 3}, "targets.orders: timeout is not for a stage of API Gateway"),
        ({"restApi": "no id"}, "api_gateway.rest_api_id"),
        ({**STAGE, "operations": {"find": {}}}, "'find'"),
        ({**STAGE, "operations": {}}, "is empty"),
        ({**STAGE, "credential": {"iam": {"service": "lambda", "resources": ["x"]}}}, "targets.orders.credential"),
    ],
)
def test_a_stage_of_api_gateway_is_checked(load: Any, tmp_path: Path, entry: Any, message: str) -> None:
    document = tmp_path / "orders.json"
    document.write_text(json.dumps(ORDERS | {"paths": {"/orders/{id}": ORDERS["paths"]["/orders/{id}"]}}))  # type: ignore[index]  # of one type
    whole = {**({} if "missing" in message else STAGE), "document": str(document), **entry}
    with pytest.raises(UsageError) as raised:
        load({"targets": {"orders": whole}})
    assert message in str(raised.value)


def behind(gateways: Any, targets: Any = None) -> Any:
    return {"gateways": gateways, "targets": targets or {"shared": {"gateway": "inner"}}}


def test_a_gateway_stands_behind_another_one_and_comes_before_it(load: Any) -> None:
    outer = {"targets": ["shared___math___add", "people"]}
    loaded = load(behind({"outer": outer, "inner": {"targets": ["math"]}}))
    assert [*loaded.gateways.by_name] == ["inner", "outer"]
    assert loaded.gateways.by_name["outer"].available == {"shared": ["math___add"], "people": ["greet"]}
    assert loaded.gateways.by_name["outer"].inner == {"shared": "inner"}
    config = behind({"inner": {}, "o": outer}) | {"agents": {"a": {"tools": ["o"]}}}
    assert "shared" not in load(config).gateways.by_name["inner"].available


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (behind({"outer": {}, "inner": {"targets": ["math", "shared"]}}), "inner behind inner: a call would never end"),
        (
            behind(
                {"a": {"targets": ["b-tools"]}, "b": {"targets": ["a-tools", "math"]}},
                {"a-tools": {"gateway": "a"}, "b-tools": {"gateway": "b"}},
            ),
            "a behind b behind a: a call would never end",
        ),
        (behind({"outer": {"targets": ["shared"]}, "iner": {}}), "no gateway 'inner'. Did you mean 'iner'?"),
        (behind({"outer": {"targets": ["shared"]}, "inner": {"inbound": "jwt"}}), "'inner', which takes tokens"),
        (behind({"outer": {}, "inner": {}}), "targets.shared: is behind no gateway"),
        (behind({"inner": {}}, {"math": {"gateway": "inner"}}), "there is another target of this name"),
        (behind({"inner": {}}, {"shared": {"gateway": "inner", "timeout": 3}}), "timeout is not for another gateway"),
    ],
)
def test_gateways_behind_gateways_that_cannot_be(load: Any, config: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(config)
    assert message in str(raised.value)
