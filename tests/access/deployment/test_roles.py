import json
from collections.abc import Callable
from typing import Any

import pytest

from toolgate.access.deployment.policy_attachments import read_attachments
from toolgate.access.deployment.roles import Role, read_roles
from toolgate.access.deployment.stack_export import DeploymentError, resources

DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
Add = Callable[..., None]
Find = Callable[..., dict[str, Any]]


def _role(export: dict[str, Any], name: str) -> Role:
    found = resources(export)
    return next(role for role in read_roles(found, read_attachments(found)) if role.name == name)


def test_a_role_has_the_policies_that_name_it(handmade: dict[str, Any]) -> None:
    role = _role(handmade, "assistant-role")
    assert role.arn == "arn:aws:iam::123456789012:role/agents/assistant-role"
    assert [policy.name for policy in role.policies] == ["assistant-model", "assistant-tools"]
    assert role.trust["Statement"][0]["Principal"] == {"Service": "bedrock-agentcore.amazonaws.com"}
    assert (role.boundary, role.unread) == (None, ())


def test_the_session_arn_leaves_the_path_out(handmade: dict[str, Any]) -> None:
    role = _role(handmade, "assistant-role")
    assert role.session_arn("s") == "arn:aws:sts::123456789012:assumed-role/assistant-role/s"


def test_attached_policies_and_the_boundary_are_found_by_arn(
    handmade: dict[str, Any], add: Add, resource: Find
) -> None:
    for name in ("one", "two", "three", "limit"):
        document = {"policy": json.dumps(DOCUMENT)}
        add("aws:iam/policy:Policy", name, document, {"arn": f"arn:aws:iam::123456789012:policy/{name}"})
    arn = "arn:aws:iam::123456789012:policy/"
    add("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", {"role": "tools-role", "policyArn": f"{arn}one"})
    add("aws:iam/policyAttachment:PolicyAttachment", "b", {"roles": ["tools-role"], "policyArn": f"{arn}two"})
    role = resource("Role", "tools-role")
    role["inputs"] |= {"managedPolicyArns": [f"{arn}three"], "permissionsBoundary": f"{arn}limit"}
    found = _role(handmade, "tools-role")
    assert [policy.name for policy in found.policies] == ["tools-invoke", "three", "one", "two"]
    assert found.boundary is not None
    assert found.boundary.name == "limit"
    assert found.unknown_boundary is None


def test_policies_whose_documents_are_not_there_are_named(handmade: dict[str, Any], add: Add, resource: Find) -> None:
    managed = "arn:aws:iam::aws:policy/AdministratorAccess"
    add("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", {"role": "tools-role", "policyArn": managed})
    resource("Role", "tools-role")["inputs"]["permissionsBoundary"] = "arn:aws:iam::aws:policy/PowerUserAccess"
    found = _role(handmade, "tools-role")
    assert found.unread == (managed,)
    assert found.boundary is None
    assert found.unknown_boundary == "arn:aws:iam::aws:policy/PowerUserAccess"


def test_inline_policies_count_once_also_when_the_provider_repeats_them(
    handmade: dict[str, Any], resource: Find
) -> None:
    resource("RolePolicy", "tools-invoke")["outputs"]["name"] = "tools-invoke-1a2b3c4"
    repeated = {"name": "tools-invoke-1a2b3c4", "policy": json.dumps(DOCUMENT)}
    own = {"name": "extra", "policy": json.dumps(DOCUMENT)}
    resource("Role", "tools-role")["outputs"]["inlinePolicies"] = [repeated, own, {}]
    assert [policy.name for policy in _role(handmade, "tools-role").policies] == ["tools-invoke", "tools-role/extra"]


def test_a_document_may_be_an_object(handmade: dict[str, Any], resource: Find) -> None:
    entry = resource("RolePolicy", "tools-invoke")
    entry["inputs"]["policy"] = entry["outputs"]["policy"] = DOCUMENT
    assert _role(handmade, "tools-role").policies[0].document == DOCUMENT


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("not json", "not an IAM document in JSON"),
        ("[]", "with a 'Statement'"),
        ("{}", "with a 'Statement'"),
        ('{"Statement": []}', "IAM would not accept policy 'tools-invoke'"),
        ('{"Statement": [{"Effect": "Permit", "Action": "*", "Resource": "*"}]}', "Effect must be Allow or Deny"),
        ('{"Statement": [{"Effect": "Allow", "Resource": "*"}]}', "Action or NotAction"),
        ('{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": []}]}', "resources that are texts"),
        ('{"Statement": {"Effect": "Allow", "Action": 7, "Resource": "*"}}', "actions that are texts"),
        ('{"Statement": [{"Effect": "Deny", "NotAction": [null], "Resource": "*"}]}', "actions that are texts"),
        ("04da6b54-80e4-46f7-96ec-b56ff0331ba9", "this is a preview"),
    ],
)
def test_a_document_that_iam_would_refuse_is_an_error(
    handmade: dict[str, Any], resource: Find, document: str, says: str
) -> None:
    entry = resource("RolePolicy", "tools-invoke")
    entry["inputs"]["policy"] = entry["outputs"]["policy"] = document
    with pytest.raises(DeploymentError, match=says):
        _role(handmade, "tools-role")


@pytest.mark.parametrize(
    "element",
    [{"Sid": "with space"}, {"Comment": "ours"}, {"Action": ["*", "everything"]}, {"Resource": ["*", "bucket"]}],
)
def test_what_leaves_nothing_open_is_no_reason_to_refuse_a_deployment(
    handmade: dict[str, Any], resource: Find, element: dict[str, Any]
) -> None:
    """Whoever wrote the export, AWS has taken the document."""
    entry = resource("RolePolicy", "tools-invoke")
    document = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", **element}]}
    entry["inputs"]["policy"] = entry["outputs"]["policy"] = document
    assert _role(handmade, "tools-role").policies[0].document == document
