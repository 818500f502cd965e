import json
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.stack_export import ENCRYPTED, UNKNOWN, Archive, Asset, DeploymentError, load, resources

MARK = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def _export(inputs: dict[str, Any], outputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    entry = {"urn": "urn:pulumi:dev::p::a:b/c:D::x", "type": "a:b/c:D", "inputs": inputs, "outputs": outputs or {}}
    return {"version": 3, "deployment": {"resources": [entry | more]}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is no JSON (Expecting value: it is empty)"),
        ("{", "is no JSON (Expecting property name enclosed in double quotes: line 1, column 2)"),
        ("[" * 100_000, "is nested more than 100 levels deep"),
        ("[" * 500 + "]" * 500, "is nested more than 100 levels deep"),
        ('{"a": "\0"}', "is no text: it has zero bytes"),
        ("9" * 5000, "is no JSON that can be read (Exceeds the limit"),
        ("[]", "a JSON list"),
        ("null", "a JSON NoneType"),
    ],
)
def test_a_file_that_is_no_json_object_is_refused_in_one_line(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(content)
    with pytest.raises(DeploymentError) as caught:
        load(file)
    message = str(caught.value)
    assert says in message
    assert message.startswith(str(file))
    assert "pulumi stack export" in message
    assert "\n" not in message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="No such file"):
        load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("export", "says"),
    [
        ({}, "'version' is None, not 3 or 4"),
        ({"version": 2, "deployment": {"resources": []}}, "'version' is 2, not 3 or 4"),
        ({"version": 5, "deployment": {"resources": []}}, "'version' is 5, not 3 or 4"),
        ({"version": 4, "features": "hooks", "deployment": {"resources": []}}, "'version' is 4, not 3 or 4"),
        ({"version": 4, "features": ["hooks", "views"], "deployment": {"resources": []}}, "not read here: views"),
        ({"version": 3}, "no list 'deployment.resources'"),
        ({"version": 3, "deployment": {}}, "no list 'deployment.resources'"),
        ({"version": 3, "deployment": []}, "no list 'deployment.resources'"),
        ({"version": 3, "deployment": {"resources": {}}}, "no list 'deployment.resources'"),
        ({"version": 3, "deployment": {"resources": ["x"]}}, "resource number 0"),
        ({"version": 3, "deployment": {"resources": [{"urn": "u"}]}}, "resource number 0"),
        ({"version": 3, "deployment": {"resources": [{"urn": "u", "type": "t", "inputs": ["x"]}]}}, "not an object"),
    ],
)
def test_what_is_not_an_export_that_can_be_read_is_refused(export: dict[str, Any], says: str) -> None:
    with pytest.raises(DeploymentError, match=says):
        resources(export)


@pytest.mark.parametrize("deployment", [{"manifest": {}, "metadata": {}}, {"resources": []}])
def test_a_stack_without_resources_has_none(tmp_path: Path, deployment: dict[str, Any]) -> None:
    (tmp_path / "export.json").write_text(json.dumps({"version": 3, "deployment": deployment}))
    assert resources(load(tmp_path / "export.json")) == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_is_read_in_the_encoding_it_has(tmp_path: Path, encoding: str) -> None:
    """PowerShell's `>` writes UTF-16, its `Out-File -Encoding utf8` a byte order mark."""
    (tmp_path / "export.json").write_text('{"version": 3, "a": "€"}', encoding=encoding)
    assert load(tmp_path / "export.json") == {"version": 3, "a": "€"}


def test_an_export_with_hooks_is_read() -> None:
    """Every stack of our components is exported so: each has a hook that tries again what IAM refused too early."""
    [resource] = resources({**_export(inputs={"a": 1}), "version": 4, "features": ["hooks"]})
    assert resource.inputs == {"a": 1}


def test_marks_are_taken_off() -> None:
    inputs = {
        "plain": [1, {"a": True}],
        "secret": {MARK: SECRET, "plaintext": json.dumps({"deep": {MARK: SECRET, "plaintext": '"text"'}})},
        "encrypted": {MARK: SECRET, "ciphertext": "v1:abc"},
        "unknown": UNKNOWN_TEXT,
        "file": {MARK: ASSET, "path": "a/b.py", "hash": "123"},
        "text": {MARK: ASSET, "text": "print()"},
        "folder": {MARK: ARCHIVE, "path": "lambdas/math"},
        "both": {MARK: ARCHIVE, "assets": {"x": {MARK: ASSET, "text": "t"}, "y": {MARK: ARCHIVE, "path": "z"}}},
    }
    (resource,) = resources(_export(inputs))
    assert resource.inputs == {
        "plain": [1, {"a": True}],
        "secret": {"deep": "text"},
        "encrypted": ENCRYPTED,
        "unknown": UNKNOWN,
        "file": Asset(path="a/b.py"),
        "text": Asset(text="print()"),
        "folder": Archive(path="lambdas/math"),
        "both": Archive(assets={"x": Asset(text="t"), "y": Archive(path="z")}),
    }


def test_a_secret_that_is_not_json_is_refused() -> None:
    with pytest.raises(DeploymentError, match="plaintext of a secret"):
        resources(_export({"x": {MARK: SECRET, "plaintext": "not json"}}))


def test_outputs_come_first_and_inputs_fill_in() -> None:
    (resource,) = resources(_export({"a": "in", "b": "in", "c": "in"}, {"a": "out", "b": None, "c": UNKNOWN_TEXT}))
    assert (resource.get("a"), resource.get("b"), resource.get("c"), resource.get("d")) == ("out", "in", "in", None)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (UNKNOWN_TEXT, "this is a preview"),
        ({MARK: SECRET, "ciphertext": "x"}, "--show-secrets"),
        (None, "missing"),
        (7, "not text"),
    ],
)
def test_a_value_that_is_needed_and_not_there_is_named(value: Any, says: str) -> None:
    (resource,) = resources(_export({"arn": value}))
    with pytest.raises(DeploymentError, match=says) as caught:
        resource.text("arn")
    assert "D 'x'" in str(caught.value)
    assert "'arn'" in str(caught.value)


def test_resources_that_wait_for_deletion_are_left_out() -> None:
    assert resources(_export({}, delete=True)) == ()
