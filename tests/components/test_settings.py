import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml  # type: ignore[import-untyped]

from components import settings
from components.errors import UsageError
from components.grants import Authorization
from components.settings import BundleKind

ROOT = Path(__file__).parents[2]
AVAILABLE = {"math": ["add", "multiply"], "people": ["greet"]}
ALL = ["math___add", "math___multiply", "people___greet"]


@pytest.fixture
def load(run: Any) -> Any:
    def loading(config: Any) -> Any:
        found: list[Any] = []

        def program() -> None:
            try:
                found.append(settings.load(AVAILABLE))
            except UsageError as error:
                found.append(error)

        run(program, config)
        if isinstance(found[0], UsageError):
            raise found[0]
        return found[0]

    return loading


def test_without_configuration_one_agent_may_call_every_tool(load: Any) -> None:
    loaded = load({})
    assert loaded.authorization is Authorization.GATEWAY
    assert loaded.bundle is BundleKind.FULL
    assert list(loaded.agents) == ["assistant"]
    assert loaded.agents["assistant"].tools == ALL
    assert loaded.agents["assistant"].model_id == settings.DEFAULT_MODEL
    assert loaded.agents["assistant"].system_prompt is None


def test_agents_as_configured(load: Any) -> None:
    agents = {
        "one": {"tools": ["people", "math"], "modelId": "amazon.nova-lite-v1:0", "systemPrompt": "Be brief."},
        "two": {"tools": []},
        "three": {},
    }
    loaded = load({"modelId": "amazon.nova-pro-v1:0", "agents": agents, "bundle": "sources"}).agents
    assert loaded["one"] == settings.Agent(ALL, "amazon.nova-lite-v1:0", "Be brief.")
    assert loaded["two"] == settings.Agent([], "amazon.nova-pro-v1:0", None)
    assert loaded["three"].tools == ALL


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
            settings.load(available)

    run(program, {"agents": {}}, stack=stack)


def test_a_program_without_agents_is_one(load: Any) -> None:
    assert load({"agents": {}}).agents == {}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model": "x"}, "toolgate: unknown key 'model'. Did you mean 'modelId'?"),
        ({"modelId": "x"}, "toolgate:modelId: 'x' is no model id."),
        ({"authorization": "none"}, "toolgate:authorization: 'none' is not one of 'gateway', 'tool'."),
        ({"authorization": "tool"}, "toolgate:authorization: authorization 'tool' is not available yet."),
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
        ({"agents": {"ä": {}}}, "runtime name 'toolgate_dev_ä' is refused"),
        ({"agents": {"a-b": {}, "a_b": {}}}, "toolgate:agents.a_b: gets the same runtime name 'toolgate_dev_a_b'"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(load: Any, config: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(config)
    assert str(raised.value).startswith(message)


def test_the_project_file_declares_the_same_defaults() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    loaded = {"modelId": settings.DEFAULT_MODEL, "authorization": "gateway", "bundle": "full"}
    assert {key: it["default"] for key, it in declared.items()} == {
        f"toolgate:{key}": value for key, value in loaded.items()
    }


def test_a_secret_would_be_written_in_the_open(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def program() -> None:
        pulumi.runtime.set_all_config({"toolgate:agents": json.dumps({"a": {}})}, ["toolgate:agents"])
        with pytest.raises(UsageError, match="toolgate:agents: cannot be a secret"):
            settings.load(AVAILABLE)
        pulumi.runtime.set_all_config({"toolgate:agents": json.dumps({"a": {}})}, [])
        monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", '["toolgate:agents"]')
        with pytest.raises(UsageError, match="toolgate:agents: cannot be a secret"):
            settings.load(AVAILABLE)

    run(program)


def test_the_engines_configuration_is_read(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"toolgate:bundle": "sources", "aws:region": "us-east-1"}))
    found: list[Any] = []
    run(lambda: found.append(settings.load(AVAILABLE)))
    assert found[0].bundle is BundleKind.SOURCES
