"""The example programs say only what the schema knows; test_engine.py runs them where an engine and a host are."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.planning import SAMPLE

from .conftest import ROOT

SCHEMA: dict[str, Any] = json.loads((ROOT / "components/schema.json").read_text())
YAML: dict[str, Any] = yaml.safe_load((ROOT / "examples/yaml/Pulumi.yaml").read_text())
EXAMPLES = ROOT / "examples"


@dataclass
class Program:
    """How to read a program without its compiler, which knows better where it is there.

    Attributes:
        path: The program.
        makes: Finds a component's variable and class.
        hands: Finds the names of what is handed over, perhaps among others.
        others: Such others.
    """

    path: str
    makes: str
    hands: str
    others: frozenset[str]


PROGRAMS = {
    "typescript": Program(
        path="typescript/index.ts",
        makes=r"const (\w+) = new toolgate\.(\w+)\(",
        hands=r"\b(\w+): ",
        others=frozenset({"math", "assistant", "adder"}),
    ),
    "go": Program(
        path="go/main.go",
        makes=r"(\w+), err :?= toolgate\.New(\w+)\(",
        hands=r"\b([A-Z]\w+)(?::| =) ",
        others=frozenset(),
    ),
    "java": Program(
        path="java/src/main/java/agent/App.java",
        makes=r"var (\w+) =\s+new (\w+)\(",
        hands=r"\.(\w+)\(",
        others=frozenset(
            {
                "run",
                "config",
                "require",
                "builder",
                "build",
                "applyValue",
                "stream",
                "map",
                "toList",
                "of",
                "export",
                "lessThan",
            }
        ),
    ),
}


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


def has_tools(language: str, directory: str) -> bool:
    """Whether there are tools in the folder that an example names; `lambdas/` is the sample's."""
    return Path(os.path.normpath(SAMPLE / "examples" / language / directory / "tools.py")).is_file()


def test_the_yaml_program() -> None:
    kinds = {name: it["type"].removeprefix("toolgate:") for name, it in YAML["resources"].items()}
    assert set(kinds.values()) == {"LambdaTools", "ToolGateway", "AgentRuntime"}
    for name, kind in kinds.items():
        known = resource(kind)
        given = YAML["resources"][name]["properties"]
        assert wrong_fields(given, known["inputProperties"], known["requiredInputs"], name) == []
    assert has_tools("yaml", YAML["resources"]["math"]["properties"]["directory"])
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


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_compiled_program(language: str) -> None:
    program = PROGRAMS[language]
    text = re.sub(r"//.*", "", (EXAMPLES / program.path).read_text())
    made = dict(re.findall(program.makes, text))
    assert set(made.values()) == {"LambdaTools", "ToolGateway", "AgentRuntime"}
    outputs = re.findall(rf"\b({'|'.join(made)})\.(\w+)", text)
    assert len(outputs) > 6
    assert [it for it in outputs if lower(it[1]) not in resource(made[it[0]])["properties"]] == []
    fields = {name for it in SCHEMA["types"].values() for name in it.get("properties", {})}
    inputs = {name for it in SCHEMA["resources"].values() for name in it["inputProperties"]}
    handed = {lower(name) for name in re.findall(program.hands, text)} - program.others
    assert len(handed) > 8
    assert handed - fields - inputs - {lower(name) for _, name in outputs} == set()
    [member] = re.findall(r"\bAuthorization\.?([A-Z]+)\b", text)
    assert member in [it["name"] for it in SCHEMA["types"]["toolgate:index:Authorization"]["enum"]]
    [directory] = re.findall(r"directory[(:\s]+\"([^\"]+)", text, re.IGNORECASE)
    assert has_tools(language, directory)


def lower(name: str) -> str:
    return name[0].lower() + name[1:]


@pytest.mark.parametrize("language", ["yaml", *PROGRAMS])
def test_an_example_finds_the_plugin_and_is_named_for_its_language(language: str) -> None:
    project = yaml.safe_load((EXAMPLES / language / "Pulumi.yaml").read_text())
    assert project["name"] == f"{language}-agent"
    assert "packages" not in project, "`package add` wrote it: in no registry"
    [plugin] = project["plugins"]["providers"]
    assert (EXAMPLES / language / plugin["path"] / f"pulumi-resource-{plugin['name']}").stat().st_mode & 0o111
