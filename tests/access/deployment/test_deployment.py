import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.agentcore_resources import FunctionLog
from toolgate.access.deployment.deployment import parse, read
from toolgate.access.deployment.stack_export import Archive, Asset, DeploymentError
from toolgate.access.matrix.access_matrix import matrix

Add = Callable[..., None]
Find = Callable[..., dict[str, Any]]


def test_gateways(handmade: dict[str, Any]) -> None:
    tools, other = parse(handmade).gateways
    assert tools.arn == "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/handmade-tools-abcdefghij"
    assert tools.url == "https://handmade-tools-abcdefghij.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
    assert (tools.id, tools.authorizer, tools.search, tools.session_seconds) == (
        tools.arn.split("/")[1],
        "AWS_IAM",
        True,
        None,
    )
    assert (other.search, other.session_seconds) == (False, 900)
    assert other.versions == ("2025-06-18", "2025-11-25")
    assert not any(g.policy_engine or g.interceptors for g in (tools, other))


def test_a_gateway_without_versions_accepts_the_oldest_only(handmade: dict[str, Any], resource: Find) -> None:
    entry = resource("AgentcoreGateway", "tools")
    entry["inputs"].pop("protocolConfiguration")
    entry["outputs"].pop("protocolConfiguration")
    assert parse(handmade).gateways[0].versions == ("2025-03-26",)


def test_targets_with_their_tools_in_the_apis_form(handmade: dict[str, Any]) -> None:
    deployment = parse(handmade)
    (target,) = deployment.targets_of(deployment.gateways[0])
    assert (target.name, target.kind, target.credentials) == ("math", "mcp.lambda", "gatewayIamRole")
    assert target.function_arn == deployment.functions[0].arn
    assert target.tools is not None
    assert [target.full_name(tool) for tool in target.tools][:2] == ["math___add_numbers", "math___multiply_numbers"]
    assert target.tools[0].input_schema == {
        "type": "object",
        "properties": {
            "a": {"type": "number", "description": "First number."},
            "b": {"type": "number", "description": "Second number."},
        },
        "required": ["a", "b"],
    }


def test_functions(handmade: dict[str, Any]) -> None:
    deployment = parse(handmade)
    (function,) = deployment.functions
    assert deployment.function("arn:aws:lambda:us-east-1:123456789012:function:math") is function
    assert (function.handler, function.language, function.timeout_seconds) == ("handler.handle", "python3.13", 10)
    assert function.environment == {"GREETING": "Hello"}
    assert function.code == Archive(
        assets={"handler.py": Asset(path="tools/handler.py"), "word.txt": Asset(text="from a text asset")}
    )


def test_how_a_function_logs_and_what_memory_it_has(handmade: dict[str, Any]) -> None:
    (by_default,) = parse(handmade).functions
    assert (by_default.memory_mb, by_default.log) == (128, FunctionLog("Text", "INFO", "INFO"))
    (found,) = [it for it in handmade["deployment"]["resources"] if it["type"].startswith("aws:lambda/function:")]
    found["outputs"] |= {"memorySize": 256, "loggingConfig": {"logFormat": "JSON", "applicationLogLevel": "WARN"}}
    (function,) = parse(handmade).functions
    assert (function.memory_mb, function.log) == (256, FunctionLog("JSON", "WARN", "INFO"))


def test_runtimes_are_known_by_the_stacks_output(handmade: dict[str, Any], resource: Find) -> None:
    (runtime,) = parse(handmade).runtimes
    assert (runtime.agent, runtime.name) == ("assistant", "handmade_assistant")
    assert (runtime.network, runtime.protocol, runtime.jwt, runtime.entry_points) == (
        "PUBLIC",
        "HTTP",
        False,
        ("main.py",),
    )
    resource("Stack", "handmade-dev")["outputs"] = {}
    assert parse(handmade).runtimes[0].agent == "handmade_assistant"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (None, (900, 28_800)),
        ([], (900, 28_800)),
        ([{"idleRuntimeSessionTimeout": 60}], (60, 28_800)),
        ([{"idleRuntimeSessionTimeout": 120.0, "maxLifetime": 600}], (120, 600)),
    ],
)
def test_how_long_a_session_of_a_runtime_lasts(
    handmade: dict[str, Any], resource: Find, written: Any, seconds: tuple[int, int]
) -> None:
    resource("AgentcoreAgentRuntime", "assistant")["outputs"]["lifecycleConfigurations"] = written
    (runtime,) = parse(handmade).runtimes
    assert (runtime.idle_seconds, runtime.longest_seconds) == seconds


@pytest.mark.parametrize(
    ("variables", "shown", "hidden"),
    [
        (None, {}, ()),
        ({"A": "1", "B": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}}, {"A": "1"}, ("B",)),
        ({"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}, {}, ("all of them",)),
    ],
)
def test_variables_that_the_file_hides_are_named(
    handmade: dict[str, Any], resource: Find, variables: Any, shown: dict[str, str], hidden: tuple[str, ...]
) -> None:
    entry = resource("AgentcoreAgentRuntime", "assistant")
    entry["inputs"]["environmentVariables"] = entry["outputs"]["environmentVariables"] = variables
    (runtime,) = parse(handmade).runtimes
    assert (runtime.environment, runtime.hidden) == (shown, hidden)


def test_other_features_are_seen(handmade: dict[str, Any], add: Add, resource: Find) -> None:
    gateway = resource("AgentcoreGateway", "tools")
    gateway["inputs"] |= {
        "policyEngineConfiguration": {"arn": "a", "mode": "ENFORCE"},
        "interceptorConfigurations": [{}],
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "x:Y", "Resource": "*"}],
    }
    arn = gateway["outputs"]["gatewayArn"]
    add(
        "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy",
        "rp",
        {"resourceArn": arn, "policy": json.dumps(policy)},
    )
    add("aws:bedrock/agentcoreGatewayRule:AgentcoreGatewayRule", "rule", {})
    deployment = parse(handmade)
    assert deployment.gateways[0].policy_engine
    assert deployment.gateways[0].interceptors
    assert deployment.resource_policies[arn].document == policy
    assert deployment.others == ("AgentcoreGatewayRule 'rule'",)


def test_targets_of_other_kinds_have_no_tools(handmade: dict[str, Any], resource: Find) -> None:
    entry = resource("AgentcoreGatewayTarget", "tools-math")
    entry["inputs"]["targetConfiguration"] = {"mcp": {"mcpServer": {"endpoint": "https://example.com"}, "lambda": None}}
    entry["outputs"].pop("targetConfiguration")
    target = parse(handmade).targets[0]
    assert (target.kind, target.tools, target.function_arn) == ("mcp.mcpServer", None, None)


@pytest.mark.parametrize(
    ("configuration", "says"),
    [
        ({}, "exactly one member"),
        ({"mcp": {"lambda": {"lambdaArn": "a"}, "mcpServer": {"endpoint": "e"}}}, "exactly one member"),
        ({"mcp": {"lambda": {"toolSchema": {}}}}, "'lambdaArn' is not an ARN"),
        (
            {"mcp": {"lambda": {"lambdaArn": "a", "toolSchema": {"inlinePayloads": [{"name": "x"}]}}}},
            "tool definitions",
        ),
        ("04da6b54-80e4-46f7-96ec-b56ff0331ba9", "this is a preview"),
    ],
)
def test_a_target_that_cannot_be_read_is_an_error(
    handmade: dict[str, Any], resource: Find, configuration: Any, says: str
) -> None:
    entry = resource("AgentcoreGatewayTarget", "tools-math")
    entry["inputs"]["targetConfiguration"] = entry["outputs"]["targetConfiguration"] = configuration
    with pytest.raises(DeploymentError, match=says):
        parse(handmade)


def test_a_preview_is_refused_in_one_line_that_names_the_file(
    tmp_path: Path, handmade: dict[str, Any], resource: Find
) -> None:
    resource("AgentcoreGateway", "tools")["outputs"]["gatewayArn"] = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    file = tmp_path / "preview.json"
    file.write_text(json.dumps(handmade))
    with pytest.raises(DeploymentError, match="this is a preview") as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


ENCRYPTED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
ODD: list[Any] = [None, "04da6b54-80e4-46f7-96ec-b56ff0331ba9", ENCRYPTED, 7, "text", [], ["text"], {}, {"a": {}}, True]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _paths(child, (*path, key))


def _put(properties: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    place: Any = properties
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_any_odd_value_is_read_or_refused_and_never_a_crash(handmade: dict[str, Any], odd: Any) -> None:
    read_, refused = 0, 0
    for number, entry in enumerate(handmade["deployment"]["resources"]):
        for path in _paths(entry["outputs"]):
            changed = copy.deepcopy(entry)
            for properties in (changed["inputs"], changed["outputs"]):
                with suppress(KeyError):
                    _put(properties, path, odd)
            listed = [*handmade["deployment"]["resources"]]
            listed[number] = changed
            reason = _refusal({"version": 3, "deployment": {"resources": listed}})
            refused += reason is not None
            read_ += reason is None
            assert "\n" not in (reason or "")
    assert read_ > 0
    assert refused > 0


def _refusal(export: dict[str, Any]) -> str | None:
    try:
        matrix(parse(export)).as_json()
    except DeploymentError as error:
        return str(error)
    return None
