from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.local.engine.stack_config import (
    ConfigError,
    StackConfig,
    program_folder,
    project_name,
    stack_config,
    stacks_of,
)

type Folder = Callable[[dict[str, str]], Path]
PROJECT = """
    name: toolgate
    config:
      toolgate:size: {type: integer, default: 3}
      toolgate:colour: {type: string, default: red}
      bare: {value: 1}
      aws:profile: {value: mine}
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
        "aws:profile": "mine",
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
        ({"Pulumi.dev.yaml": "config: {'p:s': {a: [{secure: v1}]}}"}, r"Pulumi\.dev\.yaml: p:s is encrypted"),
        ({"Pulumi.dev.yaml": "", "Pulumi.yaml": "x: y"}, r"Pulumi\.yaml: `name` is missing"),
        ({"Pulumi.dev.yaml": "config:\n  p:a: 1\n  p:a: 2"}, r"Pulumi\.dev\.yaml: line 3: the key p:a is twice"),
        ({"Pulumi.dev.yaml": "config: {1: 2}"}, r"line 1: the key 1 must be text"),
        ({"Pulumi.dev.yaml": "environment: [team/prod]"}, r"Pulumi\.dev\.yaml: `environment` takes .* under `config:`"),
        ({"Pulumi.dev.yaml": "environment: {imports: [a], values: {}}"}, r"Pulumi\.dev\.yaml: `environment` takes"),
        (
            {"Pulumi.dev.yaml": "", "Pulumi.yaml": "{name: p, runtime: nodejs}"},
            r"`runtime` is nodejs, and only a Python",
        ),
        ({"Pulumi.dev.yaml": "", "Pulumi.yaml": "{name: p, runtime: {name: go}}"}, r"`runtime` is go"),
        ({"Pulumi.yaml": "{name: p, stackConfigDir: a, config: b}"}, r"`config` names a folder, and so does"),
        ({"Pulumi.yaml": "{name: p, main: [a]}"}, r"Pulumi\.yaml: `main` must be a path"),
        ({"Pulumi.dev.yaml": "config: {'aws:defaultTags': {tags: {a: b}}}"}, r"aws:defaultTags puts .*`toolgate:tags`"),
        (
            {"Pulumi.dev.yaml": "", "Pulumi.yaml": "{name: p, config: {'aws:ignoreTags': {value: {keys: [a]}}}}"},
            r"Pulumi\.yaml: aws:ignoreTags has the provider pass over tags",
        ),
        (
            {"Pulumi.dev.yaml": "config: {'aws:regoin': x}"},
            r"Pulumi\.dev\.yaml: aws:regoin is no key of the AWS provider",
        ),
    ],
)
def test_what_cannot_be_used_is_named(files: dict[str, str], text: str, folder: Folder) -> None:
    root = folder({"Pulumi.yaml": "name: p", "Pulumi.prod.yaml": "", **files})
    with pytest.raises(ConfigError, match=text):
        stack_config(root, "dev", {})


def test_an_encrypted_value_may_be_overridden_and_stays_a_secret(folder: Folder) -> None:
    root = folder({"Pulumi.yaml": "name: p", "Pulumi.dev.yaml": "config: {'p:s': {secure: v1}}"})
    assert stack_config(root, "dev", {"p:s": "plain"}) == StackConfig({"p:s": "plain"}, frozenset({"p:s"}))


@pytest.mark.parametrize(
    ("declared", "given", "text"),
    [
        ("{type: integer}", "", r"Pulumi\.dev\.yaml: p:k is missing, which Pulumi\.yaml declares without a default"),
        ("{description: d}", "", "p:k is missing"),
        ("{type: integer}", "'1.5'", r"Pulumi\.dev\.yaml: p:k must be of type integer"),
        ("{type: boolean}", "yes", "must be of type boolean"),
        ("{type: object}", "x", "must be of type object"),
        ("{type: string}", "[x]", "must be of type string"),
        ("{type: array, items: {type: integer}}", "[1, x]", "must be of type array<integer>"),
        ("{type: array, items: {type: array, items: {type: string}}}", "[x]", "must be of type array<array<string>>"),
        ("{type: integer, default: x}", "", r"Pulumi\.yaml: p:k must be of type integer"),
        ("{type: array}", "[x]", r"config\.k is an array: write the type of its items"),
        ("{type: text}", "x", r"config\.k: unknown type text"),
        ("{default: 1, value: 2}", "x", "both `default` and `value`"),
        ("{colour: red}", "x", r"config\.k: unknown colour"),
        ("{type: string, secret: true}", "x", "p:k must be encrypted: Pulumi.yaml declares it a secret"),
    ],
)
def test_what_the_project_declares_holds(declared: str, given: str, text: str, folder: Folder) -> None:
    root = folder(
        {
            "Pulumi.yaml": f"name: p\nconfig:\n  k: {declared}\n",
            "Pulumi.dev.yaml": f"config:\n  k: {given}\n" if given else "",
        }
    )
    with pytest.raises(ConfigError, match=text):
        stack_config(root, "dev", {})


@pytest.mark.parametrize("declared", ["{type: string}", "{default: 1}", "{value: }"])
def test_of_other_namespaces_the_project_gives_values_only(declared: str, folder: Folder) -> None:
    root = folder({"Pulumi.yaml": f"name: p\nconfig:\n  other:k: {declared}\n", "Pulumi.dev.yaml": ""})
    with pytest.raises(ConfigError, match=r"config\.other:k is not the project's own: it takes a `value`"):
        stack_config(root, "dev", {})


def test_a_declared_default_counts_only_when_the_stack_has_none(folder: Folder) -> None:
    declared = (
        "{a: {type: integer, default: 3}, b: {type: array, items: {type: string}, default: [x]}, c: {type: boolean}}"
    )
    root = folder({"Pulumi.yaml": f"{{name: p, config: {declared}}}", "Pulumi.dev.yaml": "config: {a: '4', c: false}"})
    assert stack_config(root, "dev", {}).values == {"p:a": "4", "p:b": '["x"]', "p:c": "false"}


def test_a_declared_secret_may_be_overridden_and_is_one(folder: Folder) -> None:
    root = folder({"Pulumi.yaml": "{name: p, config: {k: {type: string, secret: true}}}", "Pulumi.dev.yaml": ""})
    assert stack_config(root, "dev", {"p:k": "plain"}) == StackConfig({"p:k": "plain"}, frozenset({"p:k"}))


@pytest.mark.parametrize("key", ["stackConfigDir", "config"])
def test_the_stacks_files_are_where_the_project_says(key: str, folder: Folder) -> None:
    stack = "{config: {k: x}, secretsprovider: awskms://a, encryptionsalt: v1, environment: [], odd: 1}"
    files = {"Pulumi.yaml": f"name: p\n{key}: stacks\n", "stacks/Pulumi.eu.west.yaml": stack, "Pulumi.dev.yaml": ""}
    root = folder(files)
    assert stacks_of(root) == ["eu.west"]
    assert stack_config(root, "eu.west", {}).values == {"p:k": "x"}
    with pytest.raises(ConfigError, match="no stack `dev`"):
        stack_config(root, "dev", {})


def test_yaml_is_read_as_pulumi_reads_it(folder: Folder) -> None:
    stack = "\ufeffconfig: {a: on, b: 1:30, c: 2024-01-02, d: 1e3, e: true, f: 0x10, g: {h: no, i: ~}}"
    root = folder({"Pulumi.yaml": "name: p", "Pulumi.dev.yaml": stack})
    assert stack_config(root, "dev", {}).values == {
        **{"p:a": "on", "p:b": "1:30", "p:c": "2024-01-02", "p:d": "1000", "p:e": "true", "p:f": "16"},
        "p:g": '{"h": "no", "i": null}',
    }


@pytest.mark.parametrize("suffix", ["yml", "json"])
def test_the_files_may_have_the_other_names(suffix: str, folder: Folder) -> None:
    root = folder({f"Pulumi.{suffix}": '{"name": "p"}', f"Pulumi.dev.{suffix}": '{"config": {"k": 1}}'})
    assert (stacks_of(root), stack_config(root, "dev", {}).values) == (["dev"], {"p:k": "1"})


def test_the_program_is_where_main_says(folder: Folder) -> None:
    root = folder({"Pulumi.yaml": "{name: p, main: infra/}", "infra/__main__.py": ""})
    assert program_folder(root) == root / "infra"
    assert program_folder(folder({"Pulumi.yaml": "{name: p, main: infra/__main__.py}"})) == root / "infra"
    with pytest.raises(ConfigError, match=r"Pulumi\.yaml: `main` is nowhere, which is no folder"):
        program_folder(folder({"Pulumi.yaml": "{name: p, main: nowhere}"}))
