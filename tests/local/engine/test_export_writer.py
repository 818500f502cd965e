import json
from typing import Any

from toolgate.access.deployment.stack_export import SECRET, SIGNATURE
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.engine.export_writer import export
from toolgate.policy.language.unknown import UNKNOWN_TEXT

from .conftest import Run

PROGRAM = """
    secret = pulumi.Output.secret("hush")
    group = pulumi.ComponentResource("project:index:Group", "group", {"size": 1})
    role = aws.iam.Role("role", name="role", assume_role_policy=TRUST, description=secret,
                        opts=pulumi.ResourceOptions(parent=group, protect=True, ignore_changes=["tags"],
                                                     replace_on_changes=["path"]))
    group.register_outputs({"arn": role.arn})
    first = aws.iam.RolePolicy("a-policy", role=role.name, policy=role.arn.apply(
        lambda arn: json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iam:GetRole", "Resource": arn}]})))
    last = aws.iam.Role("a-role", name="other", assume_role_policy=TRUST,
                        opts=pulumi.ResourceOptions(depends_on=[first]))
    pulumi.export("arn", role.arn)
"""


def exported(run: Run, *, preview: bool = False) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    deployment = export(run(PROGRAM, preview=preview), CloudEnvironment(region="eu-central-1"))
    return deployment, {item["urn"].rpartition("::")[2]: item for item in deployment["deployment"]["resources"]}


def test_it_has_the_form_of_a_stack_export(run: Run) -> None:
    deployment, by_name = exported(run)
    assert deployment["version"] == 3
    assert set(deployment["deployment"]["manifest"]) == {"time", "magic", "version"}
    role = by_name["role"]
    assert role["id"] == "role"
    assert role["custom"] is True
    assert role["parent"] == "urn:pulumi:dev::project::project:index:Group::group"
    assert role["protect"] is True
    assert role["ignoreChanges"] == ["tags"]
    assert role["replaceOnChanges"] == ["path"]
    assert role["outputs"]["arn"] == "arn:aws:iam::123456789012:role/role"
    assert "arn" not in role["inputs"]
    assert by_name["a-policy"]["propertyDependencies"] == {"policy": [role["urn"]], "role": [role["urn"]]}
    group = by_name["group"]
    assert (group["custom"], group["inputs"], group["outputs"]) == (False, {"size": 1}, {"arn": role["outputs"]["arn"]})
    assert "id" not in group
    assert by_name["project-dev"]["outputs"] == {"arn": role["outputs"]["arn"]}


def test_resources_name_the_default_provider_which_is_among_them(run: Run) -> None:
    _, by_name = exported(run)
    [provider] = [item for item in by_name.values() if item["type"] == "pulumi:providers:aws"]
    assert provider["inputs"]["region"] == "eu-central-1"
    assert "parent" not in provider
    users = [item for item in by_name.values() if item["type"].startswith("aws:")]
    assert {item["provider"] for item in users} == {f"{provider['urn']}::{provider['id']}"}


def test_whatever_is_needed_stands_first(run: Run) -> None:
    deployment, _ = exported(run)
    seen: set[str] = set()
    for item in deployment["deployment"]["resources"]:
        provider = item.get("provider", "").rpartition("::")[0]
        assert {item.get("parent"), provider or None, *item.get("dependencies", [])} - {None} <= seen
        seen.add(item["urn"])
    names = [item["urn"].rpartition("::")[2] for item in deployment["deployment"]["resources"]]
    assert names.index("a-policy") < names.index("a-role")


def test_secrets_are_marked_and_in_clear_as_with_show_secrets(run: Run) -> None:
    _, by_name = exported(run)
    secret = {SIGNATURE: SECRET, "plaintext": json.dumps("hush")}
    assert by_name["role"]["inputs"]["description"] == secret
    assert by_name["role"]["outputs"]["description"] == secret


def test_the_same_program_gives_the_same_bytes(run: Run) -> None:
    assert json.dumps(exported(run)[0]) == json.dumps(exported(run)[0])


def test_a_preview_marks_what_it_does_not_know(run: Run) -> None:
    _, by_name = exported(run, preview=True)
    assert by_name["role"]["id"] == UNKNOWN_TEXT
    assert by_name["role"]["outputs"]["arn"] == UNKNOWN_TEXT
    assert by_name["a-policy"]["inputs"]["policy"] == UNKNOWN_TEXT
    assert by_name["a-policy"]["propertyDependencies"]["policy"] == [by_name["role"]["urn"]]
