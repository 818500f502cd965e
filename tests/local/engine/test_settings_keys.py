"""No key of a project's or a stack's file is passed over because nobody thought of it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pulumi.automation import ProjectSettings, StackSettings

from toolgate.local.engine import settings_keys
from toolgate.local.engine.settings_keys import ENGINE, PROJECT, STACK, Treatment, misplaced
from toolgate.local.engine.stack_config import ConfigError, program_folder, project_name, stack_config

type Folder = Callable[[dict[str, str]], Path]

# pulumi sdk/go/common/workspace/project.json at 1b5949891b (August 2026): the properties, and those of what lies below
# them as far as a key of its own can change anything; `requiredPulumiVersion` is in project.go alone.
SCHEMA_OF_PROJECT = {
    *("name", "description", "author", "website", "license", "runtime", "main", "config", "stackConfigDir", "backend"),
    *("options", "template", "packages", "plugins", "requiredPulumiVersion"),
    *("runtime.name", "runtime.options", "backend.url", "options.refresh"),
    *("plugins.providers", "plugins.analyzers", "plugins.languages"),
    *("config.type", "config.items", "config.description", "config.secret", "config.default", "config.value"),
}
# The same commit, project.go, ProjectStack.
SCHEMA_OF_STACK = {"secretsprovider", "encryptedkey", "encryptionsalt", "config", "environment"}
# A value for each key, with which the others are read as they are without it.
VALUES = {
    "runtime.options": "{virtualenv: venv, toolchain: uv, typechecker: mypy}",
    "backend.url": "file://~",
    "options.refresh": "always",
    "config.description": "Words.",
    "plugins.providers": "[{name: aws, path: ../aws}]",
    "plugins.analyzers": "[{name: pack, path: ../pack}]",
    "plugins.languages": "[]",
    "template": "{config: {k: {default: 1}}}",
    "packages": "{own: ../own}",
    "requiredPulumiVersion": "'>=99.0.0'",
}


def test_each_key_that_pulumi_has_is_in_the_table() -> None:
    assert PROJECT.keys() == SCHEMA_OF_PROJECT
    assert STACK.keys() == SCHEMA_OF_STACK


def test_each_key_that_the_locked_sdk_writes_is_in_the_table() -> None:
    """The SDK moves with our lock, the list above does not."""
    assert ProjectSettings.__annotations__.keys() <= PROJECT.keys()
    everything = StackSettings("s", "k", "salt", {"p:k": "v"})._serialize()  # type: ignore[no-untyped-call]  # the SDK's
    assert everything.keys() <= STACK.keys()


def _treated(treatment: Treatment, *tables: Mapping[str, Treatment]) -> list[str]:
    return [key for table in tables for key, it in table.items() if it is treatment]


@pytest.mark.parametrize("key", _treated(Treatment.NO_EFFECT, PROJECT))
def test_a_key_of_a_project_without_effect_changes_nothing(key: str, folder: Folder) -> None:
    top, _, below = key.partition(".")
    value = f"{{{below}: {VALUES[key]}}}" if below and top != "config" else VALUES.get(key, "words")
    value = f"{{name: python, options: {VALUES[key]}}}" if key == "runtime.options" else value
    declared = f"{{type: string, default: red, description: {VALUES[key]}}}" if top == "config" else "red"
    project = {"name": "p", "main": "infra", "config": f"{{k: {declared}}}"} | ({} if top == "config" else {top: value})
    files = {"Pulumi.yaml": "".join(f"{name}: {text}\n" for name, text in project.items()), "infra/__main__.py": ""}
    root = folder(files | {"Pulumi.dev.yaml": ""})
    assert stack_config(root, "dev", {}).values == {"p:k": "red"}
    assert (project_name(root), program_folder(root)) == ("p", root / "infra")


@pytest.mark.parametrize("key", _treated(Treatment.NO_EFFECT, STACK))
def test_a_key_of_a_stack_without_effect_changes_nothing(key: str, folder: Folder) -> None:
    root = folder({"Pulumi.yaml": "name: p", "Pulumi.dev.yaml": f"config: {{k: 1}}\n{key}: words\n"})
    assert stack_config(root, "dev", {}).values == {"p:k": "1"}


@pytest.mark.parametrize("key", _treated(Treatment.REFUSED, STACK, ENGINE))
def test_a_key_that_is_refused_is_named_with_its_file(key: str, folder: Folder) -> None:
    written = f"{key}: [aws]" if key in STACK else f"config: {{'{key}': [aws]}}"
    root = folder({"Pulumi.yaml": "name: p", "Pulumi.dev.yaml": written})
    with pytest.raises(ConfigError, match=rf"Pulumi\.dev\.yaml: `?{key}`? .*(leave it out|write those)"):
        stack_config(root, "dev", {})


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("toolgate:modelId", "stands beside `config:`, where nobody reads it; indent it below `config:`"),
        ("Config", "there is no key `Config`; did you mean `config`?"),
        ("confg", "did you mean `config`?"),
        ("enviroment", "did you mean `environment`?"),
        ("secretsProvider", "did you mean `secretsprovider`?"),
    ],
)
def test_what_was_meant_as_a_key_is_not_passed_over(key: str, says: str) -> None:
    assert says in str(misplaced(key, STACK))


@pytest.mark.parametrize("key", ["x-tools", "odd", "notes", *STACK])
def test_a_key_of_somebodys_own_is_theirs(key: str) -> None:
    assert misplaced(key, STACK) is None


def test_a_key_without_a_value_is_no_default(folder: Folder) -> None:
    """Pulumi takes it as an empty text, and will take it as something else (loaders.go, checkForEmptyConfig)."""
    root = folder({"Pulumi.yaml": "name: p\nconfig: {k: red}", "Pulumi.dev.yaml": "config:\n  k:\n"})
    with pytest.raises(ConfigError, match=r"Pulumi\.dev\.yaml: k has no value; write one"):
        stack_config(root, "dev", {})


def test_the_engines_own_keys_are_known() -> None:
    assert set(settings_keys.ENGINE) == {
        *("pulumi:autonaming", "pulumi:disable-default-providers", "pulumi:tags", "pulumi:template")
    }
