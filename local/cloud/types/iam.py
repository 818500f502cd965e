"""IAM roles and their inline policies."""

import re
import string
from collections.abc import Iterator
from functools import partial

from toolgate.local.cloud.api_requests import Member, key_value_list
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import MADE_AT, ApiRequest, Existing, Made, Making, Record, ResourceType
from toolgate.local.cloud.types.policy_documents import ROLE_POLICY_CHARACTERS, identity_policy, trust_policy
from toolgate.local.cloud.values import Properties
from toolgate.policy.language.agentcore_facts import ROLE, ROLE_POLICY
from toolgate.policy.language.grammar import size

_ID_CHARACTERS = string.ascii_uppercase + string.digits


def _make_role(inputs: Properties, making: Making) -> Made:
    name, path = inputs["name"], inputs.get("path", "/")
    return Made(
        name,
        {
            "arn": making.env.global_arn("iam", f"role{path}{name}"),
            "createDate": MADE_AT,
            "uniqueId": f"AROA{making.characters(17, _ID_CHARACTERS)}",
        },
    )


def _policies_remain(role: Record, existing: Existing) -> Iterator[str]:
    if any(policy.inputs["role"] == role.id for policy in existing(ROLE_POLICY)):
        yield "DeleteConflict: Cannot delete entity, must delete policies first."


def _boundary(inputs: Properties) -> Iterator[Failure]:
    """IAM API reference, CreateRole, PermissionsBoundary: a managed policy; the model only counts its characters.

    Whose it is, is not asked: a stack's settings name the real account, which is not the stand-in's.
    """
    arn = inputs.get("permissionsBoundary")
    if isinstance(arn, str) and not re.fullmatch(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/.+", arn):
        yield Failure("permissionsBoundary", f"ValidationError: ARN {arn} is not valid.")


ROLE_TYPE = ResourceType(
    type=ROLE,
    requests=(
        ApiRequest(
            "iam",
            "CreateRole",
            {
                "name": "RoleName",
                "path": "Path",
                "assumeRolePolicy": "AssumeRolePolicyDocument",
                "description": "Description",
                "maxSessionDuration": "MaxSessionDuration",
                "permissionsBoundary": "PermissionsBoundary",
                "tags": Member("Tags", key_value_list),
            },
        ),
    ),
    make=_make_role,
    computed=("arn", "createDate", "uniqueId"),
    kept=frozenset({"forceDetachPolicies"}),
    replaces=frozenset({"name", "path"}),
    auto_name="name",
    defaults={"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False},
    documents=frozenset({"assumeRolePolicy"}),
    rules=(partial(trust_policy, "assumeRolePolicy"), _boundary),
    unique=("name",),
    conflict="EntityAlreadyExists: Role with name {name} already exists.",
    in_use=_policies_remain,
)


def _make_policy(inputs: Properties, _making: Making) -> Made:
    return Made(f"{inputs['role']}:{inputs['name']}", {})


def _role_takes(inputs: Properties, made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    # A role that the program does not make is taken as it is given: what else is written into it nobody here can know.
    role = inputs["role"]
    others = [found for found in existing(ROLE_POLICY) if found.inputs["role"] == role and found.id != made.id]
    if size(inputs["policy"]) + sum(size(found.inputs["policy"]) for found in others) > ROLE_POLICY_CHARACTERS:
        yield f"LimitExceeded: Maximum policy size of {ROLE_POLICY_CHARACTERS} bytes exceeded for role {role}"


ROLE_POLICY_TYPE = ResourceType(
    type=ROLE_POLICY,
    requests=(
        ApiRequest("iam", "PutRolePolicy", {"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"}),
    ),
    make=_make_policy,
    computed=(),
    replaces=frozenset({"name", "role"}),
    auto_name="name",
    documents=frozenset({"policy"}),
    rules=(partial(identity_policy, "policy"),),
    needs=(_role_takes,),
)
