from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.local.engine.stack_config import ConfigError, StackConfig, project_name, stack_config

type Folder = Callable[[dict[str, str]], Path]
PROJECT = """
    name: toolgate
    config:
      toolgate:size: {type: integer, default: 3}
      toolgate:colour: {type: string, default: red}
      bare: {value: 1}
      toolgate:none: {type: string}
"""


def test_the_stacks_values_go_before_the_projects_and_overrides_before_both(folder: Folder) -> None:
    stack = "config: {'toolgate:colour': blue, 'aws:region': us-east-1, 'toolgate:agents': {a: {tools: [x]}}}"
    root = folder({"Pulumi.yaml": PROJECT, "Pulumi.dev.yaml": stack})
    assert project_name(root) == "toolgate"
    assert stack_config(root, "dev", {"aws:region": "eu-west-1"}).values == {
        "toolgate:size": "3",
        "toolgate:colour": "blue",
        "toolgate:bare": "1",
        "aws:region": "eu-west-1",
        "toolgate:agents": '{"a": {"tools": ["x"]}}',
    }


def test_an_empty_stack_file_is_a_stack(folder: Folder) -> None:
    assert stack_config(folder({"Pulumi.yaml": "name: p", "Pulumi.dev.yaml": ""}), "dev", {}) == StackConfig(
        {}, frozenset()
    )


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({}, r"no stack `dev`: Pulumi\.dev\.yaml is missing; there are: prod"),
        ({"Pulumi.dev.yaml": "config: [1]"}, r"Pulumi\.dev\.yaml: `config` must be a map"),
        ({"Pulumi.dev.yaml": "- 1"}, r"Pulumi\.dev\.yaml: must be a map"),
        ({"Pulumi.dev.yaml": "a: [", "x": ""}, r"Pulumi\.dev\.yaml: is not YAML"),
        ({"Pulumi.dev.yaml": "config: {'p:s': {secure: v1}}"}, r"Pulumi\.dev\.yaml: p:s is encrypted"),
        ({"Pulumi.dev.yaml": "", "Pulumi.yaml": "x: y"}, r"Pulumi\.yaml: `name` is missing"),
    ],
)
def test_what_cannot_be_used_is_named(files: dict[str, str], text: str, folder: Folder) -> None:
    root = folder({"Pulumi.yaml": "name: p", "Pulumi.prod.yaml": "", **files})
    with pytest.raises(ConfigError, match=text):
        stack_config(root, "dev", {})


def test_an_encrypted_value_may_be_overridden_and_stays_a_secret(folder: Folder) -> None:
    root = folder({"Pulumi.yaml": "name: p", "Pulumi.dev.yaml": "config: {'p:s': {secure: v1}}"})
    assert stack_config(root, "dev", {"p:s": "plain"}) == StackConfig({"p:s": "plain"}, frozenset({"p:s"}))
