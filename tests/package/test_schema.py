"""The schema of the package: what it says to programs in other languages, and that the file has it."""

import ast
import json
import sys
from collections.abc import Iterator
from typing import Any

from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from .conftest import ROOT

FILE = ROOT / "components" / "schema.json"
SCHEMA: dict[str, Any] = json.loads(FILE.read_text())


def test_the_file_is_what_the_plugin_says(plugin: ResourceProviderStub) -> None:
    said = json.loads(plugin.GetSchema(pb.GetSchemaRequest()).schema)
    assert said == SCHEMA, "write it anew: python -m toolgate.components.package.schema"


def test_required_inputs() -> None:
    required = {token.split(":")[-1]: it["requiredInputs"] for token, it in SCHEMA["resources"].items()}
    assert required == {
        "LambdaTools": ["directory"],
        "OpenApiTools": ["directory"],
        "ApiGatewayTools": ["document", "restApiId", "stage"],
        "McpServer": ["directory"],
        "ToolGateway": ["targets"],
        "AgentRuntime": ["modelId"],
        "Memory": [],
        "ConversationBucket": [],
        "Dashboard": [],
        "EncryptionKey": [],
        "TokenIssuer": [],
        "MachineClient": ["tools"],
    }


def descriptions(node: Any, path: str) -> Iterator[tuple[str, str | None]]:
    """Every place that a generated SDK documents, with its text."""
    for section in ("resources", "types", "inputProperties", "properties"):
        for name, item in node.get(section, {}).items():
            yield f"{path}/{name}", item.get("description")
            yield from descriptions(item, f"{path}/{name}")
    for item in node.get("enum") or []:
        yield f"{path}/{item['name']}", item["description"]


def test_everything_is_described() -> None:
    found = dict(descriptions(SCHEMA, ""))
    assert len(found) > 40
    assert [path for path, text in found.items() if not text] == []


def test_what_one_component_gives_another_takes() -> None:
    """Value for value: a whole object with something unknown in it would be unknown altogether in a preview."""
    resources, types = SCHEMA["resources"], SCHEMA["types"]

    def shape(node: Any) -> Any:
        return {
            key: shape(it) if key == "items" else it for key, it in node.items() if key not in {"description", "plain"}
        }

    for source, output, taker, field in (
        ("LambdaTools", "functionArn", "GatewayTarget", "functionArn"),
        ("LambdaTools", "tools", "GatewayTarget", "tools"),
        ("McpServer", "endpoint", "McpServerTarget", "endpoint"),
        ("McpServer", "runtimeArn", "McpServerTarget", "runtimeArn"),
        ("McpServer", "listing", "McpServerTarget", "listing"),
        ("McpServer", "tools", "GatewayTarget", "tools"),
        ("ToolGateway", "gatewayArn", "GatewayTools", "gatewayArn"),
        ("ToolGateway", "gatewayUrl", "GatewayTools", "gatewayUrl"),
        ("ToolGateway", "toolNames", "GatewayTools", "tools"),
        ("ToolGateway", "policyEngineId", "GatewayTools", "policyEngineId"),
        ("OpenApiTools", "document", "OpenApi", "document"),
        ("ApiGatewayTools", "tools", "GatewayTarget", "tools"),
        ("OpenApiTools", "tools", "GatewayTarget", "tools"),
        ("ToolGateway", "scope", "Bearer", "scope"),
        ("ToolGateway", "callers", "GatewayTools", "callers"),
        ("Memory", "memoryId", "AgentMemory", "memoryId"),
        ("Memory", "memoryArn", "AgentMemory", "memoryArn"),
        ("ConversationBucket", "bucket", "AgentMemory", "bucket"),
        *(
            ("TokenIssuer", name, taker, name)
            for name in ("discoveryUrl", "userPoolId", "tokenEndpoint")
            for taker in ("Inbound", "Bearer")
        ),
    ):
        given = resources[f"toolgate:index:{source}"]["properties"][output]
        taken = types[f"toolgate:index:{taker}"]["properties"][field]
        assert shape(given) == shape(taken)
        assert "plain" not in taken, f"{taker}.{field} takes no output"


def test_its_requirements_are_what_it_imports() -> None:
    asked = (ROOT / "components/requirements.in").read_text().splitlines()
    imported = {
        (node.module or "" if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
        for path in (ROOT / "components").rglob("*.py")
        if ".venv" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    others = {"griffe": "griffelib", "yaml": "pyyaml"}
    named = {others.get(name, name.replace("_", "-")) for name in imported - sys.stdlib_module_names - {"toolgate"}}
    # uv is run, not imported: it installs what a target locks.
    assert named | {"uv"} == {line for line in asked if not line.startswith("#")}
