"""The example programs say only what the schema knows; test_engine.py runs them where an engine and a host are."""

import json
import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from .conftest import ROOT

SCHEMA: dict[str, Any] = json.loads((ROOT / "components/schema.json").read_text())
YAML: dict[str, Any] = yaml.safe_load((ROOT / "examples/yaml/Pulumi.yaml").read_text())
TYPESCRIPT = (ROOT / "examples/typescript/index.ts").read_text()


def resource(name: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA["resources"][f"toolgate:index:{name}"]
    return found


def wrong(value: Any, spec: dict[str, Any], where: str) -> list[str]:
    """What the schema has against a value; a reference to another resource may stand for any."""
    if isinstance(value, str) and value.startswith("${"):
        return [] if not spec.get("plain") or value == "${code}" else [f"{where}: takes no output"]
    if "$ref" in spec:
        described = SCHEMA["types"][spec["$ref"].removeprefix("#/types/")]
        if "enum" in described:
            return [] if value in [it["value"] for it in described["enum"]] else [f"{where}: {value!r}"]
        return wrong_fields(value, described["properties"], described.get("required", []), where)
    if spec["type"] == "array":
        return [it for index, item in enumerate(value) for it in wrong(item, spec["items"], f"{where}[{index}]")]
    if spec["type"] == "object":
        inner = spec["additionalProperties"]
        return [it for key, item in value.items() for it in wrong(item, inner, f"{where}.{key}")]
    return [] if isinstance(value, {"string": str, "integer": int}[spec["type"]]) else [f"{where}: {value!r}"]


def wrong_fields(value: dict[str, Any], known: dict[str, Any], required: list[str], where: str) -> list[str]:
    unknown = [f"{where}.{name}: unknown" for name in value.keys() - known.keys()]
    missing = [f"{where}.{name}: missing" for name in set(required) - value.keys()]
    deeper = [it for name in value.keys() & known.keys() for it in wrong(value[name], known[name], f"{where}.{name}")]
    return unknown + missing + deeper


def test_the_yaml_program() -> None:
    kinds = {name: it["type"].removeprefix("toolgate:") for name, it in YAML["resources"].items()}
    assert set(kinds.values()) == {"LambdaTools", "ToolGateway", "AgentRuntime"}
    for name, kind in kinds.items():
        known = resource(kind)
        given = YAML["resources"][name]["properties"]
        assert wrong_fields(given, known["inputProperties"], known["requiredInputs"], name) == []
    references = re.findall(r"\$\{(\w+)\.(\w+)\}", json.dumps(YAML))
    assert len(references) > 8
    assert [it for it in references if it[1] not in resource(kinds[it[0]])["properties"]] == []


@pytest.mark.parametrize(
    "given",
    [{"target": {}}, {"targets": {"math": {"functionArn": "x"}}}, {"targets": {}, "authorization": "none"}, {}],
)
def test_the_check_finds_what_is_wrong(given: dict[str, Any]) -> None:
    known = resource("ToolGateway")
    assert wrong_fields(given, known["inputProperties"], known["requiredInputs"], "") != []


def test_the_typescript_program() -> None:
    made = dict(re.findall(r"const (\w+) = new toolgate\.(\w+)\(", TYPESCRIPT))
    assert set(made.values()) == {"LambdaTools", "ToolGateway", "AgentRuntime"}
    outputs = re.findall(rf"\b({'|'.join(made)})\.(\w+)", TYPESCRIPT)
    assert len(outputs) > 6
    assert [it for it in outputs if it[1] not in resource(made[it[0]])["properties"]] == []
    fields = {name for it in SCHEMA["types"].values() for name in it.get("properties", {})}
    inputs = {name for it in SCHEMA["resources"].values() for name in it["inputProperties"]}
    written = set(re.findall(r"\b(\w+): ", re.sub(r"//.*|export const agents.*", "", TYPESCRIPT)))
    assert written - fields - inputs == {"math"}
    [(enum, member)] = re.findall(r"toolgate\.(\w+)\.(\w+)", TYPESCRIPT)
    assert member in [it["name"] for it in SCHEMA["types"][f"toolgate:index:{enum}"]["enum"]]


def test_the_examples_find_the_plugin() -> None:
    for language in ("yaml", "typescript"):
        folder = ROOT / "examples" / language
        [plugin] = yaml.safe_load((folder / "Pulumi.yaml").read_text())["plugins"]["providers"]
        assert (folder / plugin["path"] / f"pulumi-resource-{plugin['name']}").stat().st_mode & 0o111
    assert (ROOT / "examples/typescript" / re.findall(r'directory: "([^"]+)"', TYPESCRIPT)[0] / "tools.py").exists()
    assert (ROOT / "examples/yaml" / YAML["resources"]["math"]["properties"]["directory"] / "tools.py").exists()
